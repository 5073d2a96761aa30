//! A call to DynamoDB, priced by its rules: what was there before, what is there after, what was asked for. Held against what the
//! engine says it consumed.

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use fanfare_local::cli::cost::usage::Usage;
use serde_json::{Value, json};

use super::meter::json_of;
use super::units::{Index, read_units, stored_bytes, write_units};
use crate::harness::table::TABLE;

/// The table behind a connector, asked past the meter.
pub(super) struct Table<'a> {
    pub(super) inner: &'a SharedHttpConnector,
    pub(super) indexes: &'a [Index],
}

impl Table<'_> {
    async fn ask(&self, operation: &str, asked: &Value) -> Value {
        let request = http::Request::post("http://engines.local/")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(SdkBody::from(asked.to_string()))
            .unwrap();
        let answer = self.inner.call(HttpRequest::try_from(request).unwrap()).await.unwrap();
        assert!(answer.status().is_success(), "{operation}: {:?}", answer.body());
        json_of(answer.body())
    }

    async fn item(&self, key: &Value) -> Option<Value> {
        let asked = json!({ "TableName": TABLE, "Key": key, "ConsistentRead": true });
        self.ask("GetItem", &asked).await.get("Item").cloned()
    }
}

/// One item that a call writes.
pub(super) struct Written {
    key: Value,
    before: Option<Value>,
    /// What a put brings: what a refused one is charged by.
    brought: Option<Value>,
}

/// What the call will write, as it stands now.
pub(super) async fn before(table: &Table<'_>, operation: &str, asked: &Value) -> Vec<Written> {
    let mut written = Vec::new();
    for (key, brought) in writes(operation, asked) {
        written.push(Written { before: table.item(&key).await, key, brought });
    }
    written
}

/// Keys of what a call writes, with the items of puts.
fn writes(operation: &str, asked: &Value) -> Vec<(Value, Option<Value>)> {
    let put = |put: &Value| (json!({ "pk": put["Item"]["pk"], "sk": put["Item"]["sk"] }), Some(put["Item"].clone()));
    let named = |named: &Value| (named["Key"].clone(), None);
    match operation {
        "PutItem" => vec![put(asked)],
        "UpdateItem" | "DeleteItem" => vec![named(asked)],
        "BatchWriteItem" => {
            let requests = asked["RequestItems"][TABLE].as_array().unwrap().iter();
            let one = |request: &Value| match request.get("PutRequest") {
                Some(request) => put(request),
                None => named(&request["DeleteRequest"]),
            };
            requests.map(one).collect()
        }
        "TransactWriteItems" => {
            let one = |item: &Value| match item.get("Put") {
                Some(item) => put(item),
                None => named(item.as_object().unwrap().values().next().unwrap()),
            };
            asked["TransactItems"].as_array().unwrap().iter().map(one).collect()
        }
        "GetItem" | "BatchGetItem" | "Query" => Vec::new(),
        other => panic!("nobody knows what {other} costs"),
    }
}

/// The request, which also asks what it consumes.
pub(super) fn asking_for_capacity(request: HttpRequest, asked: &Value) -> HttpRequest {
    let mut asked = asked.clone();
    asked["ReturnConsumedCapacity"] = json!("INDEXES");
    let (mut parts, _) = request.try_into_http1x().unwrap().into_parts();
    parts.headers.remove("content-length");
    let request = http::Request::from_parts(parts, SdkBody::from(asked.to_string()));
    HttpRequest::try_from(request).unwrap()
}

/// What the call used.
pub(super) async fn counted(
    table: &Table<'_>,
    operation: &str,
    asked: &Value,
    before: Vec<Written>,
    answer: &HttpResponse,
) -> Usage {
    let said = json_of(answer.body());
    if !before.is_empty() {
        return count_writes(table, operation, before, answer.status().is_success(), &said).await;
    }
    let reads = match operation {
        "GetItem" => of_item(table.item(&asked["Key"]).await.as_ref(), asked),
        "BatchGetItem" => {
            let asked = &asked["RequestItems"][TABLE];
            let mut units = 0.0;
            for key in asked["Keys"].as_array().unwrap() {
                units += of_item(table.item(key).await.as_ref(), asked);
            }
            units
        }
        _ => of_query(table, asked).await,
    };
    check(operation, &said, reads, 0.0);
    Usage { reads, ..Usage::default() }
}

fn of_item(item: Option<&Value>, asked: &Value) -> f64 {
    consistency(asked) * read_units(item.map_or(0, super::units::item_bytes)) as f64
}

/// All that is looked at is read, whatever a filter leaves of it; and rounded once.
async fn of_query(table: &Table<'_>, asked: &Value) -> f64 {
    let mut whole = asked.clone();
    for filter in ["FilterExpression", "ProjectionExpression", "Select", "ReturnConsumedCapacity"] {
        assert!(asked.get(filter).is_none(), "a query with a {filter} is counted otherwise");
        whole.as_object_mut().unwrap().remove(filter);
    }
    let items = table.ask("Query", &whole).await;
    let bytes = items["Items"].as_array().unwrap().iter().map(super::units::item_bytes).sum();
    consistency(asked) * read_units(bytes) as f64
}

/// What is read eventually consistent costs half.
fn consistency(asked: &Value) -> f64 {
    if asked["ConsistentRead"] == true { 1.0 } else { 0.5 }
}

async fn count_writes(table: &Table<'_>, operation: &str, written: Vec<Written>, is_done: bool, said: &Value) -> Usage {
    let left = said["UnprocessedItems"].as_object().is_some_and(|left| !left.is_empty());
    assert!(!left, "what is left unprocessed is not paid for");
    // Prepared and committed; an index is written once.
    let times = if operation == "TransactWriteItems" { 2.0 } else { 1.0 };
    let mut usage = Usage::default();
    for Written { key, before, brought } in written {
        if !is_done {
            usage.table_writes += times * write_units(before.as_ref(), brought.as_ref()) as f64;
            continue;
        }
        let after = table.item(&key).await;
        usage.table_writes += times * write_units(before.as_ref(), after.as_ref()) as f64;
        usage.table_bytes += (stored_bytes(after.as_ref()) - stored_bytes(before.as_ref())) as f64;
        for index in table.indexes {
            usage.index_writes += index.write_units(before.as_ref(), after.as_ref()) as f64;
            let entry = |item: Option<&Value>| stored_bytes(index.entry(item).as_ref());
            usage.index_bytes += (entry(after.as_ref()) - entry(before.as_ref())) as f64;
        }
    }
    if is_done {
        check(operation, said, usage.table_writes, usage.index_writes);
    }
    usage
}

/// The engine counts by the same rules, in code of its own.
#[track_caller]
fn check(operation: &str, said: &Value, table: f64, indexes: f64) {
    let consumed = match &said["ConsumedCapacity"] {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    let sum = |of: fn(&Value) -> f64| consumed.iter().map(of).sum::<f64>();
    let of_indexes = |one: &Value| {
        let indexes = one["GlobalSecondaryIndexes"].as_object().into_iter().flatten();
        indexes.map(|(_, index)| index["CapacityUnits"].as_f64().unwrap()).sum::<f64>()
    };
    let all = sum(|one| one["CapacityUnits"].as_f64().unwrap());
    let engine = (all - consumed.iter().map(of_indexes).sum::<f64>(), consumed.iter().map(of_indexes).sum::<f64>());
    let is_index_query = operation == "Query" && engine.0 == 0.0;
    let ours = if is_index_query { (0.0, table) } else { (table, indexes) };
    assert_eq!(ours, engine, "{operation}: by the rules, and as the engine counts: {said}");
}
