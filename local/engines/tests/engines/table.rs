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
    let client = Client::new(&sdk(engines));
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

/// What DynamoDB says to a request that it refuses.
macro_rules! code {
    ($call:expr) => {
        $call.send().await.unwrap_err().into_service_error().code().map(str::to_owned)
    };
}

#[tokio::test]
async fn what_dynamodb_has_no_room_for_is_refused() {
    let client = table(&in_memory()).await;
    let put = |item| client.put_item().table_name("table").set_item(Some(item));
    let refused = Some("ValidationException".to_owned());
    let sized = |bytes: usize| item("a", "1", &[("v", text(&"x".repeat(bytes)))]);
    // The names and values of the keys count, too: `pk`, `a`, `sk`, `1`, `v`.
    put(sized(400 * 1024 - 7)).send().await.unwrap();
    assert_eq!(code!(put(sized(400 * 1024 - 6))), refused);
    assert_eq!(code!(put(item("", "1", &[]))), refused);
    assert_eq!(code!(put(item(&"x".repeat(2_049), "1", &[]))), refused);
    assert_eq!(code!(put(item("a", &"x".repeat(1_025), &[]))), refused);
    assert_eq!(code!(put(item("a", "1", &[("due", text(""))]))), refused, "a key of an index");
    put(item(&"x".repeat(2_048), &"x".repeat(1_024), &[("v", text(""))])).send().await.unwrap();
}

#[tokio::test]
async fn a_request_names_each_item_once() {
    let client = table(&in_memory()).await;
    let put = |sk: &str| {
        let put = Put::builder().table_name("table").set_item(Some(item("a", sk, &[]))).build().unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    let refused = Some("ValidationException".to_owned());
    let twice = client.transact_write_items().transact_items(put("1")).transact_items(put("1"));
    assert_eq!(code!(twice), refused);
    let many = |count: usize| {
        client.transact_write_items().set_transact_items(Some((0..count).map(|n| put(&n.to_string())).collect()))
    };
    assert_eq!(code!(many(101)), refused);
    many(100).send().await.unwrap();
    let write = || {
        let put = PutRequest::builder().set_item(Some(item("b", "1", &[]))).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    assert_eq!(code!(client.batch_write_item().request_items("table", vec![write(), write()])), refused);
    assert_eq!(client.scan().table_name("table").send().await.unwrap().count(), 100);
}

#[tokio::test]
async fn a_page_is_about_a_megabyte_and_says_where_it_ended() {
    let client = table(&in_memory()).await;
    for number in 0..8 {
        let large = item("a", &number.to_string(), &[("v", text(&"x".repeat(300 * 1024)))]);
        client.put_item().table_name("table").set_item(Some(large)).send().await.unwrap();
    }
    let query = || {
        let query = client.query().table_name("table").key_condition_expression("pk = :pk");
        query.expression_attribute_values(":pk", text("a"))
    };
    let mut counts = Vec::new();
    let mut start = None;
    while counts.is_empty() || start.is_some() {
        let page = query().set_exclusive_start_key(start).send().await.unwrap();
        counts.push(page.count());
        start = page.last_evaluated_key;
    }
    assert_eq!(counts.iter().sum::<i32>(), 8);
    // Whether the item that crosses the megabyte is on the page is said nowhere.
    assert!(counts.iter().all(|count| *count <= 4) && counts.len() <= 3, "{counts:?}");
    let filtered = query().filter_expression("attribute_not_exists(v)").limit(2).send().await.unwrap();
    assert_eq!((filtered.count(), filtered.scanned_count()), (0, 2), "the limit counts what was read");
    assert_eq!(filtered.last_evaluated_key().unwrap()["sk"], text("1"));
}

#[tokio::test]
async fn a_transaction_under_a_known_token_is_done_once() {
    let client = table(&in_memory()).await;
    let add = |token: &str, by: &str| {
        let update =
            aws_sdk_dynamodb::types::Update::builder().table_name("table").key("pk", text("a")).key("sk", text("1"));
        let update =
            update.update_expression("ADD n :by").expression_attribute_values(":by", AttributeValue::N(by.to_owned()));
        let item = TransactWriteItem::builder().update(update.build().unwrap()).build();
        client.transact_write_items().client_request_token(token).transact_items(item)
    };
    add("one", "1").send().await.unwrap();
    add("one", "1").send().await.unwrap();
    add("two", "1").send().await.unwrap();
    assert_eq!(code!(add("two", "5")).as_deref(), Some("IdempotentParameterMismatchException"));
    let found = client.get_item().table_name("table").key("pk", text("a")).key("sk", text("1")).send().await.unwrap();
    assert_eq!(found.item().unwrap()["n"], AttributeValue::N("2".to_owned()));
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_makes_what_is_not_there() {
    let client = table(&in_memory()).await;
    let update = |expression: &str| {
        let update = client.update_item().table_name("table").key("pk", text("a")).key("sk", text("1"));
        update.update_expression(expression).return_values(aws_sdk_dynamodb::types::ReturnValue::AllNew)
    };
    let one = || AttributeValue::N("1".to_owned());
    let made = update("SET n = if_not_exists(n, :one) + :one").expression_attribute_values(":one", one());
    assert_eq!(made.send().await.unwrap().attributes().unwrap()["n"], AttributeValue::N("2".to_owned()));
    let set = AttributeValue::Ss(vec!["x".to_owned()]);
    let added = update("ADD s :set REMOVE n").expression_attribute_values(":set", set.clone()).send().await.unwrap();
    assert_eq!((added.attributes().unwrap().get("n"), &added.attributes().unwrap()["s"]), (None, &set));
    let emptied = update("DELETE s :set").expression_attribute_values(":set", set).send().await.unwrap();
    assert_eq!(emptied.attributes().unwrap().get("s"), None, "there are no empty sets");
    let refused = Some("ValidationException".to_owned());
    assert_eq!(code!(update("SET sk = :one").expression_attribute_values(":one", text("2"))), refused);
    assert_eq!(
        code!(update("SET status = :one").expression_attribute_values(":one", one())),
        refused,
        "a reserved word"
    );
    assert_eq!(code!(update("SET a = :one, a = :one").expression_attribute_values(":one", one())), refused);
    let unused = update("SET a = :one").expression_attribute_values(":one", one());
    assert_eq!(code!(unused.expression_attribute_values(":two", one())), refused);
}

#[tokio::test]
async fn when_items_expire_is_said_once() {
    let client = table(&in_memory()).await;
    let set = |enabled: bool| {
        let ttl = TimeToLiveSpecification::builder().attribute_name("expires").enabled(enabled).build().unwrap();
        client.update_time_to_live().table_name("table").time_to_live_specification(ttl)
    };
    let refused = Some("ValidationException".to_owned());
    assert_eq!(code!(set(false)), refused);
    set(true).send().await.unwrap();
    assert_eq!(code!(set(true)), refused);
    let described = client.describe_time_to_live().table_name("table").send().await.unwrap();
    assert_eq!(described.time_to_live_description().unwrap().attribute_name(), Some("expires"));
}
