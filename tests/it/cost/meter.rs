//! Counts what the functions ask of AWS, where the SDK meets the network. DynamoDB's units are found twice: by its rules, from the
//! items as they are before and after the call ([`super::units`]), and as the engine reports them. Both must agree.

use std::sync::{Arc, Mutex};

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use fanfare_engines::intercept;
use fanfare_local::cli::cost::usage::Usage;
use serde_json::Value;

use super::dynamo::{self, Table};
use super::units::Index;

/// What a request to a queue may hold, to be billed as one.
const QUEUE_REQUEST_BYTES: usize = 65_536;

/// The meter. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Meter {
    usage: Arc<Mutex<Usage>>,
    indexes: Arc<Vec<Index>>,
}

impl Meter {
    pub(super) fn new(indexes: Vec<Index>) -> Self {
        Self { usage: Arc::default(), indexes: Arc::new(indexes) }
    }

    /// What was counted since this was called last.
    pub(super) fn take(&self) -> Usage {
        std::mem::take(&mut self.usage.lock().unwrap())
    }

    /// Counts something that does not pass by.
    pub(super) fn note(&self, change: impl FnOnce(&mut Usage)) {
        change(&mut self.usage.lock().unwrap());
    }

    /// What Lambda's poller asks for a batch: it receives it, and deletes it when it is done.
    pub(super) fn polled(&self, batch: &[Message]) {
        let bytes = batch.iter().map(|message| message.body().map_or(0, str::len)).sum();
        let group = MessageSystemAttributeName::MessageGroupId;
        let has_group = batch.iter().any(|message| message.attributes().is_some_and(|all| all.contains_key(&group)));
        self.note(|usage| {
            usage.call("SQS", "ReceiveMessage");
            queue_requests(usage, bytes, has_group);
            usage.call("SQS", "DeleteMessageBatch");
            queue_requests(usage, 0, has_group);
        });
    }

    /// The client with this meter in front of it.
    pub(super) fn wrap(&self, inner: SharedHttpClient) -> SharedHttpClient {
        let meter = self.clone();
        intercept(inner, move |inner, request| HttpConnectorFuture::new(meter.clone().passing(inner.clone(), request)))
    }

    async fn passing(self, inner: SharedHttpConnector, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").map(str::to_owned);
        match target.as_deref().and_then(|target| target.split_once('.')) {
            Some(("DynamoDB_20120810", operation)) => self.table(&inner, operation, request).await,
            Some(("AmazonSQS", operation)) => {
                self.queue(operation, &json_of(request.body()));
                inner.call(request).await
            }
            Some(("TrentService", operation)) => {
                self.note(|usage| {
                    usage.call("KMS", operation);
                    usage.key_calls += 1.0;
                });
                inner.call(request).await
            }
            Some(other) => panic!("a service that nobody has a price for: {other:?}"),
            None => {
                self.bucket(&request);
                inner.call(request).await
            }
        }
    }

    async fn table(
        &self,
        inner: &SharedHttpConnector,
        operation: &str,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let asked = json_of(request.body());
        let table = Table { inner, indexes: &self.indexes };
        let before = dynamo::before(&table, operation, &asked).await;
        let answer = inner.call(dynamo::asking_for_capacity(request, &asked)).await?;
        let usage = dynamo::counted(&table, operation, &asked, before, &answer).await;
        self.note(|all| {
            all.call("DynamoDB", operation);
            *all = std::mem::take(all) + &usage;
        });
        Ok(answer)
    }

    fn queue(&self, operation: &str, asked: &Value) {
        let entries = asked["Entries"].as_array().cloned().unwrap_or_else(|| vec![asked.clone()]);
        let bytes = entries.iter().map(|entry| entry["MessageBody"].as_str().unwrap().len()).sum();
        let has_group = entries.iter().any(|entry| entry["MessageGroupId"].is_string());
        assert!(entries.iter().all(|entry| entry["MessageAttributes"].is_null()), "attributes count, too");
        self.note(|usage| {
            usage.call("SQS", operation);
            queue_requests(usage, bytes, has_group);
        });
    }

    fn bucket(&self, request: &HttpRequest) {
        let bytes = request.headers().get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0.0);
        let operation = match request.method() {
            "PUT" => "PutObject",
            "GET" | "HEAD" => "GetObject",
            "DELETE" => "DeleteObject",
            _ => "Upload",
        };
        self.note(|usage| {
            usage.call("S3", operation);
            match operation {
                "PutObject" | "Upload" => {
                    usage.puts += 1.0;
                    usage.object_bytes += bytes;
                }
                "GetObject" => usage.gets += 1.0,
                // Deleting is free.
                _ => {}
            }
        });
    }
}

fn queue_requests(usage: &mut Usage, bytes: usize, has_group: bool) {
    let requests = bytes.div_ceil(QUEUE_REQUEST_BYTES).max(1) as f64;
    usage.queue_requests += requests;
    if has_group {
        usage.fair_requests += requests;
    }
}

pub(super) fn json_of(body: &SdkBody) -> Value {
    serde_json::from_slice(body.bytes().unwrap()).unwrap()
}
