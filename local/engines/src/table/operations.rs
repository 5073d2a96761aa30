//! Operation names to the engine's functions, JSON to its requests, its errors to DynamoDB's.
//!
//! The engine has such a table inside its own HTTP server, which cannot be called without a socket; this is the same
//! without its finer points of how malformed requests are worded, which no SDK client sends.

use dynoxide::actions::describe_time_to_live::DescribeTimeToLiveRequest;
use dynoxide::actions::update_time_to_live::{UpdateTimeToLiveRequest, UpdateTimeToLiveResponse};
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::worker::Runner;

type Answer = Result<Vec<u8>, DynoxideError>;

/// Runs one operation: its request in, its response out, both as JSON.
pub(super) async fn run(runner: &Runner, operation: &str, body: &[u8]) -> Answer {
    match operation {
        "PutItem" => call(runner, body, Database::put_item).await,
        "GetItem" => call(runner, body, Database::get_item).await,
        "UpdateItem" => call(runner, body, Database::update_item).await,
        "DeleteItem" => call(runner, body, Database::delete_item).await,
        "Query" => call(runner, body, Database::query).await,
        "Scan" => call(runner, body, Database::scan).await,
        "BatchGetItem" => call(runner, body, Database::batch_get_item).await,
        "BatchWriteItem" => call(runner, body, Database::batch_write_item).await,
        "TransactGetItems" => call(runner, body, Database::transact_get_items).await,
        "TransactWriteItems" => call(runner, body, Database::transact_write_items).await,
        "ExecuteStatement" => call(runner, body, Database::execute_statement).await,
        "ExecuteTransaction" => call(runner, body, Database::execute_transaction).await,
        "BatchExecuteStatement" => call(runner, body, Database::batch_execute_statement).await,
        "CreateTable" => call(runner, body, Database::create_table).await,
        "DescribeTable" => call(runner, body, Database::describe_table).await,
        "UpdateTable" => call(runner, body, Database::update_table).await,
        "DeleteTable" => call(runner, body, Database::delete_table).await,
        "ListTables" => call(runner, body, Database::list_tables).await,
        "UpdateTimeToLive" => call(runner, body, set_expiry).await,
        "DescribeTimeToLive" => call(runner, body, Database::describe_time_to_live).await,
        "ListStreams" => call(runner, body, Database::list_streams).await,
        "DescribeStream" => call(runner, body, Database::describe_stream).await,
        "GetShardIterator" => call(runner, body, Database::get_shard_iterator).await,
        "GetRecords" => call(runner, body, Database::get_records).await,
        "TagResource" => call(runner, body, Database::tag_resource).await,
        "UntagResource" => call(runner, body, Database::untag_resource).await,
        "ListTagsOfResource" => call(runner, body, Database::list_tags_of_resource).await,
        unknown => Err(DynoxideError::UnsupportedCapability(unknown.to_owned())),
    }
}

async fn call<Q, R>(runner: &Runner, body: &[u8], operation: fn(&Database, Q) -> Result<R, DynoxideError>) -> Answer
where
    Q: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
{
    let request: Q = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
    let response = runner.run(move |database| operation(database, request)).await?;
    serde_json::to_vec(&response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// DynamoDB refuses to be told what it knows. The engine does not, and whoever is used to it would fail in an account.
fn set_expiry(
    database: &Database,
    request: UpdateTimeToLiveRequest,
) -> Result<UpdateTimeToLiveResponse, DynoxideError> {
    let described = DescribeTimeToLiveRequest { table_name: request.table_name.clone() };
    let status = database.describe_time_to_live(described)?.time_to_live_description.time_to_live_status;
    match (status.as_str(), request.time_to_live_specification.enabled) {
        ("ENABLED", true) => Err(DynoxideError::ValidationException("TimeToLive is already enabled".to_owned())),
        ("DISABLED", false) => Err(DynoxideError::ValidationException("TimeToLive is already disabled".to_owned())),
        _ => database.update_time_to_live(request),
    }
}

/// The engine's requests say in front of the message which error of DynamoDB a malformed value is; a type mismatch
/// says nothing. serde adds a position, which DynamoDB does not give.
fn unreadable(message: &str) -> DynoxideError {
    let message = message.split(" at line ").next().unwrap_or(message);
    let marked = |marker: &str| message.strip_prefix(marker).map(str::to_owned);
    if let Some(message) = marked("VALIDATION_REQUEST:") {
        return DynoxideError::EnvelopedValidation(message);
    }
    if let Some(message) = marked("VALIDATION_AS_READ:").or_else(|| marked("VALIDATION:")) {
        return DynoxideError::ValidationException(message);
    }
    if let Some(message) = marked("SERIALIZATION_AS_READ:").or_else(|| marked("SERIALIZATION:")) {
        return DynoxideError::SerializationException(message);
    }
    let is_incomplete = ["missing field", "unknown variant", "invalid type: null", "AttributeValue"];
    match is_incomplete.iter().any(|part| message.contains(part)) {
        true => DynoxideError::ValidationException(message.to_owned()),
        false => DynoxideError::SerializationException(message.to_owned()),
    }
}

/// A refusal as the operation words it: the single-item writes put one family of validation errors into an envelope.
pub(super) fn as_worded_by(operation: &str, error: DynoxideError) -> DynoxideError {
    match (operation, error) {
        ("PutItem" | "UpdateItem" | "DeleteItem", DynoxideError::EnvelopedValidation(message)) => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        (_, DynoxideError::EnvelopedValidation(message)) => DynoxideError::ValidationException(message),
        (_, error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_request_names_the_error_of_dynamodb() {
        let check = |message: &str, kind: &str, expected: &str| {
            let error = unreadable(message);
            assert_eq!((error.error_type(), error.to_string().as_str()), (kind, expected));
        };
        let validation = "com.amazon.coral.validate#ValidationException";
        check("missing field `TableName` at line 1 column 2", validation, "missing field `TableName`");
        check("VALIDATION:no such thing at line 1 column 7", validation, "no such thing");
        let serialization = "com.amazon.coral.service#SerializationException";
        check("expected value at line 1 column 1", serialization, "expected value");
        check("SERIALIZATION:no list at line 1 column 1", serialization, "no list");
    }
}
