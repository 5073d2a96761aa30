//! AWS as it looks on the wire: which operation a request is, and the answers that AWS gives when something goes wrong.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

/// What a connector answers.
pub(super) type Answer = Result<HttpResponse, ConnectorError>;

/// DynamoDB and SQS name it in a header; S3 says it with its method.
pub(super) fn operation(request: &HttpRequest) -> String {
    match request.headers().get("x-amz-target") {
        Some(target) => target.rsplit('.').next().unwrap_or(target).to_owned(),
        None if request.method() == "PUT" => "PutObject".to_owned(),
        None if request.method() == "DELETE" => "DeleteObject".to_owned(),
        None => "GetObject".to_owned(),
    }
}

/// The JSON of a request; null when it has none.
pub(super) fn asked(request: &HttpRequest) -> Value {
    request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

/// The JSON of an answer; null when it has none.
pub(super) fn answered(answer: &HttpResponse) -> Value {
    answer.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

/// The same request with another body.
pub(super) fn with_body(request: HttpRequest, body: &Value) -> Result<HttpRequest, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (mut parts, _) = request.into_parts();
    parts.headers.remove("content-length");
    let request = http::Request::from_parts(parts, SdkBody::from(body.to_string()));
    HttpRequest::try_from(request).map_err(|error| ConnectorError::user(error.into()))
}

/// An answer in AWS JSON.
pub(super) fn answer(status: u16, body: &Value) -> Answer {
    let response = http::Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    let response = response.body(SdkBody::from(body.to_string()));
    let response = response.map_err(|error| ConnectorError::other(error.into(), None))?;
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

/// A refusal with this code.
pub(super) fn refusal(status: u16, code: &str) -> Answer {
    answer(status, &json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "simulated" }))
}

/// A transaction that met another one on one of its items.
pub(super) fn conflict(asked: &Value) -> Answer {
    let count = asked["TransactItems"].as_array().map_or(1, Vec::len);
    let reason = |index| json!({ "Code": if index == 0 { "TransactionConflict" } else { "None" } });
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "simulated",
        "CancellationReasons": (0..count).map(reason).collect::<Vec<_>>(),
    });
    answer(400, &body)
}

/// The connection broke: whether the request was done is not known.
pub(super) fn broken() -> Answer {
    Err(ConnectorError::io("the connection was reset".into()))
}
