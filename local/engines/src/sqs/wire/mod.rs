//! The SQS wire: AWS JSON 1.0, the operation in a header, the queue in a URL of the body.
//!
//! One file for each thing a client can want. Each operation is a function from its request to its answer's JSON;
//! here is the table of them, and the form of a refusal.

mod attributes;
mod delete;
mod moves;
mod queues;
mod receive;
mod send;
mod visibility;

use http::{HeaderValue, StatusCode};
use s3s::Body;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Sqs;
use super::error::SqsError;
use crate::wire::{self, Response};

/// The header in which the code of the old query protocol travels; the SDKs report that code.
const QUERY_ERROR: &str = "x-amzn-query-error";

/// An answer's JSON.
type Answer = Result<Vec<u8>, SqsError>;

/// A request of which only the queue matters.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OnQueue {
    #[serde(default)]
    queue_url: String,
}

impl Sqs {
    /// Answers one operation. `host` is where the client found us, for the URLs of queues.
    pub(crate) async fn answer(&self, operation: &str, host: &str, body: Body) -> Response {
        let Some(body) = wire::read_json(body).await else { return wire::unreadable() };
        match self.run(operation, host, &body).await {
            Ok(answer) => wire::json(StatusCode::OK, answer),
            Err(error) => refuse(&error),
        }
    }

    async fn run(&self, operation: &str, host: &str, body: &[u8]) -> Answer {
        match operation {
            "SendMessage" => send::one(self, read(body)?).await,
            "SendMessageBatch" => send::batch(self, read(body)?).await,
            "ReceiveMessage" => receive::receive(self, read(body)?).await,
            "DeleteMessage" => delete::one(self, read(body)?).await,
            "DeleteMessageBatch" => delete::batch(self, read(body)?).await,
            "ChangeMessageVisibility" => visibility::one(self, &read(body)?),
            "ChangeMessageVisibilityBatch" => visibility::batch(self, read(body)?),
            "CreateQueue" => queues::create(self, host, read(body)?).await,
            "GetQueueUrl" => queues::url(self, host, read(body)?),
            "ListQueues" => queues::list(self, host, read(body)?),
            "ListDeadLetterSourceQueues" => queues::list_sources(self, host, read(body)?),
            "DeleteQueue" => queues::delete(self, read(body)?).await,
            "PurgeQueue" => queues::purge(self, read(body)?).await,
            "GetQueueAttributes" => attributes::get(self, read(body)?),
            "SetQueueAttributes" => attributes::set(self, read(body)?).await,
            "StartMessageMoveTask" => moves::start(self, read(body)?).await,
            "ListMessageMoveTasks" => moves::list(self, &read(body)?),
            "CancelMessageMoveTask" => moves::cancel(&read(body)?),
            unknown => Err(SqsError::UnknownOperation(unknown.to_owned())),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, SqsError> {
    Ok(serde_json::from_slice(body)?)
}

fn reply(answer: &impl Serialize) -> Answer {
    Ok(serde_json::to_vec(answer)?)
}

/// The answer of operations that have nothing to say.
fn done() -> Answer {
    Ok(b"{}".to_vec())
}

fn refuse(error: &SqsError) -> Response {
    let body = json!({ "__type": error.shape(), "message": error.to_string() });
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = wire::json(status, body.to_string());
    let fault = if error.is_sender_fault() { "Sender" } else { "Receiver" };
    if let Ok(value) = HeaderValue::from_str(&format!("{};{fault}", error.code())) {
        response.headers_mut().insert(QUERY_ERROR, value);
    }
    response
}

/// The name in a queue's URL: its last part. Whatever stands before it does not matter, there is one of us.
fn queue_name(url: &str) -> Result<&str, SqsError> {
    if url.is_empty() {
        return Err(SqsError::missing("QueueUrl"));
    }
    let name = url.rsplit('/').next().filter(|name| !name.is_empty());
    name.ok_or_else(|| SqsError::InvalidParameterValue(format!("The address {url} is not valid for this endpoint.")))
}

fn queue_url(host: &str, name: &str) -> String {
    format!("http://{host}/{}/{name}", crate::LOCAL_ACCOUNT)
}

/// What became of the entries of a batch.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchAnswer<T> {
    successful: Vec<T>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<FailedEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FailedEntry {
    id: String,
    code: &'static str,
    message: String,
    sender_fault: bool,
}

/// A successful entry of which there is nothing more to say.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DoneEntry {
    id: String,
}

impl<T> BatchAnswer<T> {
    fn new() -> Self {
        Self { successful: Vec::new(), failed: Vec::new() }
    }

    fn fail(&mut self, id: String, error: &SqsError) {
        let (code, message, sender_fault) = (error.code(), error.to_string(), error.is_sender_fault());
        self.failed.push(FailedEntry { id, code, message, sender_fault });
    }
}

impl BatchAnswer<DoneEntry> {
    fn note(&mut self, id: String, result: Result<(), SqsError>) {
        match result {
            Ok(()) => self.successful.push(DoneEntry { id }),
            Err(error) => self.fail(id, &error),
        }
    }
}
