//! DynamoDB, as far as Fanfare leans on it.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, Put, PutRequest, ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TimeToLiveSpecification,
    TransactWriteItem, WriteRequest,
};

use super::*;

type Item = HashMap<String, AttributeValue>;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn item(pk: &str, sk: &str, extra: &[(&str, AttributeValue)]) -> Item {
    let keys = [("pk", text(pk)), ("sk", text(sk))];
    keys.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// One table like Fanfare's: `pk`/`sk`, and one index.
pub(crate) async fn make_table(client: &Client) {
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let attribute = |name: &str| {
        let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        attribute.build().unwrap()
    };
    let index = GlobalSecondaryIndex::builder().index_name("by_due").key_schema(key("due", KeyType::Hash));
    let index = index.key_schema(key("sk", KeyType::Range));
    let index = index.projection(Projection::builder().projection_type(ProjectionType::All).build());
    let table = client.create_table().table_name("table").billing_mode(BillingMode::PayPerRequest);
    let table = table.key_schema(key("pk", KeyType::Hash)).key_schema(key("sk", KeyType::Range));
    let table = table.set_attribute_definitions(Some(["pk", "sk", "due"].map(attribute).to_vec()));
    table.global_secondary_indexes(index.build().unwrap()).send().await.unwrap();
}

async fn table(engines: &Engines) -> Client {
    let client = Client::new(&engines.sdk_config());
    make_table(&client).await;
    client
}

#[tokio::test]
async fn a_failed_condition_gives_the_old_item() {
    let client = table(&in_memory()).await;
    let put = |value: &str| {
        let put = client.put_item().table_name("table").set_item(Some(item("a", "1", &[("v", text(value))])));
        let put = put.condition_expression("attribute_not_exists(pk)");
        put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld).send()
    };
    put("first").await.unwrap();
    let error = put("second").await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed) = error else {
        panic!("{error:?}")
    };
    assert_eq!(failed.item().unwrap()["v"], text("first"));
}

#[tokio::test]
async fn an_index_can_be_queried() {
    let client = table(&in_memory()).await;
    for (pk, sk, due) in [("a", "2", "d1"), ("b", "1", "d1"), ("c", "3", "d2")] {
        let put = client.put_item().table_name("table").set_item(Some(item(pk, sk, &[("due", text(due))])));
        put.send().await.unwrap();
    }
    client.put_item().table_name("table").set_item(Some(item("d", "0", &[]))).send().await.unwrap();
    let query = client.query().table_name("table").index_name("by_due").key_condition_expression("due = :due");
    let found = query.expression_attribute_values(":due", text("d1")).send().await.unwrap();
    let keys: Vec<_> = found.items().iter().map(|item| item["pk"].as_s().unwrap().as_str()).collect();
    assert_eq!(keys, ["b", "a"]);
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let client = table(&in_memory()).await;
    let put = |pk: &str| {
        let put = Put::builder().table_name("table").set_item(Some(item(pk, "1", &[])));
        let put = put.condition_expression("attribute_not_exists(pk)").build().unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    client.transact_write_items().transact_items(put("a")).transact_items(put("b")).send().await.unwrap();
    let refused = client.transact_write_items().transact_items(put("c")).transact_items(put("b")).send().await;
    let refused = refused.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(why) =
        refused
    else {
        panic!("{refused:?}")
    };
    let codes: Vec<_> = why.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert_eq!(client.scan().table_name("table").send().await.unwrap().count(), 2);
}

#[tokio::test]
async fn a_batch_of_writes_is_written() {
    let client = table(&in_memory()).await;
    let write = |number: usize| {
        let put = PutRequest::builder().set_item(Some(item("a", &number.to_string(), &[]))).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let written = client.batch_write_item().request_items("table", (0..25).map(write).collect()).send().await.unwrap();
    assert!(written.unprocessed_items().unwrap().is_empty());
    assert_eq!(client.scan().table_name("table").send().await.unwrap().count(), 25);
    let too_many = client.batch_write_item().request_items("table", (0..26).map(write).collect()).send().await;
    assert_eq!(too_many.unwrap_err().into_service_error().code(), Some("ValidationException"));
}

#[tokio::test]
async fn expired_items_go_when_they_are_swept() {
    let clock = ManualClock::new();
    let engines = Engines::in_memory(clock.clock()).unwrap();
    let client = table(&engines).await;
    let ttl = TimeToLiveSpecification::builder().attribute_name("expires").enabled(true).build().unwrap();
    client.update_time_to_live().table_name("table").time_to_live_specification(ttl).send().await.unwrap();
    let expires = ("expires", AttributeValue::N("1800000060".to_owned()));
    client.put_item().table_name("table").set_item(Some(item("a", "1", &[expires]))).send().await.unwrap();
    assert_eq!(engines.sweep_expired().await.unwrap(), 0);
    clock.forward_s(61);
    assert_eq!(engines.sweep_expired().await.unwrap(), 1);
    assert_eq!(client.scan().table_name("table").send().await.unwrap().count(), 0);
}

#[tokio::test]
async fn a_bad_request_is_refused_with_the_code_of_dynamodb() {
    let client = table(&in_memory()).await;
    let no_key = client.put_item().table_name("table").item("pk", text("a")).send().await;
    assert_eq!(no_key.unwrap_err().into_service_error().code(), Some("ValidationException"));
    let no_table = client.put_item().table_name("none").set_item(Some(item("a", "1", &[]))).send().await;
    assert_eq!(no_table.unwrap_err().into_service_error().code(), Some("ResourceNotFoundException"));
    let unknown = client.list_backups().send().await;
    assert_eq!(unknown.unwrap_err().into_service_error().code(), Some("UnknownOperationException"));
}
