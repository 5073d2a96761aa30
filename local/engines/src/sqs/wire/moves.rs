//! Dead letters back to their queues: `StartMessageMoveTask` and its sisters. A task is done when it is started.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, reply};
use crate::sqs::Sqs;
use crate::sqs::book::MoveTask;
use crate::sqs::error::SqsError;
use crate::sqs::limits::within;

/// Tasks of one list; one, when the client names no number.
const LISTED_MAX: u64 = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StartMessageMoveTask {
    #[serde(default)]
    source_arn: String,
    destination_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListMessageMoveTasks {
    #[serde(default)]
    source_arn: String,
    max_results: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CancelMessageMoveTask {
    #[serde(default)]
    task_handle: String,
}

pub(super) async fn start(sqs: &Sqs, request: StartMessageMoveTask) -> Answer {
    let destination = request.destination_arn.as_deref();
    let (task, all_saved) = sqs.book().redrive(&request.source_arn, destination, sqs.now_ms())?;
    for saved in all_saved {
        saved.wait().await?;
    }
    reply(&json!({ "TaskHandle": BASE64.encode(task.number.to_string()) }))
}

pub(super) fn list(sqs: &Sqs, request: &ListMessageMoveTasks) -> Answer {
    let max = within("MaxResults", request.max_results.unwrap_or(1), 1..=LISTED_MAX)?;
    let book = sqs.book();
    let newest = book.move_tasks(&request.source_arn).take(usize::try_from(max).unwrap_or(1));
    reply(&json!({ "Results": newest.map(written).collect::<Vec<_>>() }))
}

/// No task is ever running when somebody can ask.
pub(super) fn cancel(request: &CancelMessageMoveTask) -> Answer {
    Err(SqsError::ResourceNotFound(format!("There is no running task {}.", request.task_handle)))
}

fn written(task: &MoveTask) -> Map<String, Value> {
    let mut written = Map::from_iter([
        ("Status".to_owned(), json!("COMPLETED")),
        ("SourceArn".to_owned(), json!(task.source_arn)),
        ("ApproximateNumberOfMessagesMoved".to_owned(), json!(task.moved)),
        ("ApproximateNumberOfMessagesToMove".to_owned(), json!(task.moved)),
        ("StartedTimestamp".to_owned(), json!(task.started_ms)),
    ]);
    written.extend(task.destination_arn.iter().map(|arn| ("DestinationArn".to_owned(), json!(arn))));
    written
}
