//! Failures of AWS, injected where the SDK meets the network: everything above (the SDK's own parsing, retries and errors,
//! and all of Fanfare) is what runs in the cloud.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use fanfare_engines::intercept;
use serde_json::{Value, json};

/// How a call fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// Refused with this status and error code; nothing was done.
    Refused(u16, &'static str),
    /// Done, but the connection broke before the answer came.
    AnswerLost,
    /// Done, but answered only after everybody else went on: no failure, but the engines in memory answer at once, and so
    /// nobody would ever be overtaken.
    Late,
    /// `BatchWriteItem` only: half of the items are left unprocessed, of a single one that one.
    Unprocessed,
}

impl Way {
    /// DynamoDB has no capacity left.
    pub(crate) const THROTTLED: Self = Self::Refused(400, "ProvisionedThroughputExceededException");
    /// A service has a bad day.
    pub(crate) const BROKEN: Self = Self::Refused(500, "InternalServerError");
}

struct Rule {
    operation: &'static str,
    way: Way,
    /// Calls that are let through first.
    passes: usize,
    /// Calls that fail after that.
    times: usize,
}

#[derive(Default)]
struct Plan {
    rules: Vec<Rule>,
    calls: BTreeMap<String, usize>,
}

/// Which calls fail. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Plan>>);

impl Faults {
    /// The next `times` calls of the operation fail.
    pub(crate) fn next(&self, operation: &'static str, way: Way, times: usize) {
        self.after(operation, 0, way, times);
    }

    /// As [`Faults::next`], after `passes` calls went well.
    pub(crate) fn after(&self, operation: &'static str, passes: usize, way: Way, times: usize) {
        self.0.lock().unwrap().rules.push(Rule { operation, way, passes, times });
    }

    /// From now on nothing fails. Says whether every planned failure had happened: a test whose fault never came has
    /// tested nothing.
    pub(crate) fn end(&self) {
        let rules = std::mem::take(&mut self.0.lock().unwrap().rules);
        let left: Vec<_> = rules.iter().filter(|rule| rule.times > 0).map(|rule| (rule.operation, rule.way)).collect();
        assert!(left.is_empty(), "these faults never came: {left:?}");
    }

    /// Stops failing, however many failures are left.
    pub(crate) fn stop(&self) {
        self.0.lock().unwrap().rules.clear();
    }

    /// How often an operation was called.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.0.lock().unwrap().calls.get(operation).copied().unwrap_or(0)
    }

    /// How often each operation was called.
    pub(crate) fn all_calls(&self) -> BTreeMap<String, usize> {
        self.0.lock().unwrap().calls.clone()
    }

    /// The way of the call that is being made, if it fails.
    fn way_of(&self, operation: &str) -> Option<Way> {
        let mut plan = self.0.lock().unwrap();
        *plan.calls.entry(operation.to_owned()).or_default() += 1;
        let rule = plan.rules.iter_mut().find(|rule| rule.operation == operation && rule.times > 0)?;
        if rule.passes > 0 {
            rule.passes -= 1;
            return None;
        }
        rule.times -= 1;
        Some(rule.way)
    }

    /// The client with these faults in front of it.
    pub(crate) fn wrap(&self, inner: SharedHttpClient) -> SharedHttpClient {
        let faults = self.clone();
        intercept(inner, move |inner, request| faults.pass(inner, request))
    }

    fn pass(&self, inner: &SharedHttpConnector, request: HttpRequest) -> HttpConnectorFuture {
        match self.way_of(&operation(&request)) {
            None => inner.call(request),
            Some(Way::Refused(status, code)) => HttpConnectorFuture::ready(refusal(status, code)),
            Some(Way::AnswerLost) => {
                let done = inner.call(request);
                HttpConnectorFuture::new(async move {
                    done.await?;
                    Err(ConnectorError::io("the connection was reset".into()))
                })
            }
            Some(Way::Late) => {
                let done = inner.call(request);
                HttpConnectorFuture::new(async move {
                    let answer = done.await;
                    tokio::task::yield_now().await;
                    answer
                })
            }
            Some(Way::Unprocessed) => match split_batch(request) {
                (None, rest) => HttpConnectorFuture::ready(response(200, &json!({ "UnprocessedItems": rest }))),
                (Some(half), rest) => {
                    let done = inner.call(half);
                    HttpConnectorFuture::new(async move { leave_unprocessed(done.await?, rest) })
                }
            },
        }
    }
}

/// DynamoDB and SQS name it in a header; S3 says it with the method, and with the query whether it is about an upload in parts.
fn operation(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().unwrap_or(target).to_owned();
    }
    let is_of_upload = request.uri().contains("uploadId=");
    let operation = match request.method() {
        "PUT" => "PutObject",
        "DELETE" if is_of_upload => "AbortMultipartUpload",
        "DELETE" => "DeleteObject",
        "POST" if is_of_upload => "CompleteMultipartUpload",
        "POST" => "CreateMultipartUpload",
        "HEAD" => "HeadObject",
        _ => "GetObject",
    };
    operation.to_owned()
}

fn refusal(status: u16, code: &str) -> Result<HttpResponse, ConnectorError> {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "injected" });
    response(status, &body)
}

fn response(status: u16, body: &Value) -> Result<HttpResponse, ConnectorError> {
    let response = http::Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    let response = response.body(SdkBody::from(body.to_string())).unwrap();
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

/// The request with half of what it asked, if that is anything, and the rest of what it asked.
fn split_batch(request: HttpRequest) -> (Option<HttpRequest>, Value) {
    let (mut parts, body) = request.try_into_http1x().unwrap().into_parts();
    let mut asked: Value = serde_json::from_slice(body.bytes().unwrap()).unwrap();
    let mut rest = json!({});
    for (table, writes) in asked["RequestItems"].as_object_mut().unwrap() {
        let writes = writes.as_array_mut().unwrap();
        rest[table] = Value::Array(writes.split_off(writes.len() / 2));
    }
    asked["RequestItems"].as_object_mut().unwrap().retain(|_, writes| *writes != json!([]));
    if asked["RequestItems"] == json!({}) {
        return (None, rest);
    }
    parts.headers.remove("content-length");
    let request = http::Request::from_parts(parts, SdkBody::from(asked.to_string()));
    (Some(HttpRequest::try_from(request).unwrap()), rest)
}

fn leave_unprocessed(answer: HttpResponse, rest: Value) -> Result<HttpResponse, ConnectorError> {
    let status = answer.status().as_u16();
    let mut body: Value = serde_json::from_slice(answer.body().bytes().unwrap()).unwrap();
    body["UnprocessedItems"] = rest;
    response(status, &body)
}
