//! Requests and responses as they pass between the two ways in (in process, HTTP) and the engines.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::{HeaderMap, StatusCode};
use s3s::Body;

/// A request of any of the services. Its URI may be absolute or only a path.
pub(crate) type Request = http::Request<Body>;
/// The answer to it.
pub(crate) type Response = http::Response<Body>;

/// Bytes of a request to DynamoDB or SQS: what DynamoDB takes at most. S3 has no such bound, its bodies are streamed.
const JSON_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The protocol DynamoDB and SQS speak.
const AWS_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

/// The header that names service and operation.
pub(crate) const TARGET: &str = "x-amz-target";

/// The host a request was sent to, port included.
pub(crate) fn host(request: &Request) -> Option<&str> {
    let in_header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    in_header.or_else(|| request.uri().authority().map(|authority| authority.as_str()))
}

/// The whole body of a JSON request; None when it is too large or its sender went away.
pub(crate) async fn read_json(mut body: Body) -> Option<Bytes> {
    body.store_all_limited(JSON_BYTES_MAX).await.ok()
}

/// An answer in AWS JSON.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, AWS_JSON);
    response
}

/// The answer to a body that cannot be read.
pub(crate) fn unreadable() -> Response {
    let body = r#"{"__type":"com.amazon.coral.service#SerializationException"}"#;
    json(StatusCode::BAD_REQUEST, Bytes::from_static(body.as_bytes()))
}

/// A header's text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
