//! From what a function answers (payload format 2.0) to an HTTP response.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Deserialize;

/// Set by the HTTP library, or of one connection only: a function's word on them does not count.
const NOT_THE_FUNCTIONS: [HeaderName; 4] =
    [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::UPGRADE];

/// Why an answer is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerError {
    #[error("the answer is not of payload format 2.0")]
    Shape(#[from] serde_json::Error),
    #[error("the answer has a body that is not base64, though it says so")]
    Base64(#[from] base64::DecodeError),
    #[error("the answer has a status or a header that HTTP does not allow")]
    Http(#[from] http::Error),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// The response to send.
pub(crate) fn read(json: &[u8]) -> Result<Response<Full<Bytes>>, AnswerError> {
    let answer: Answer = serde_json::from_slice(json)?;
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded { BASE64.decode(body)? } else { body.into_bytes() };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status_code).map_err(http::Error::from)?;
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(http::Error::from)?;
        if !NOT_THE_FUNCTIONS.contains(&name) {
            headers.insert(name, value.parse().map_err(http::Error::from)?);
        }
    }
    for cookie in answer.cookies {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(&cookie).map_err(http::Error::from)?);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;

    async fn body(response: Response<Full<Bytes>>) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn status_headers_cookies_and_body_arrive() {
        let answer = json!({
            "statusCode": 202,
            "headers": { "content-type": "application/json", "content-length": "999", "x-a": "1" },
            "multiValueHeaders": {},
            "cookies": ["a=1; Path=/", "b=2"],
            "body": "{\"id\":\"ü\"}",
            "isBase64Encoded": false
        });
        let response = read(answer.to_string().as_bytes()).unwrap();
        assert_eq!(response.status(), 202);
        assert_eq!(
            (&response.headers()["x-a"], response.headers().get("content-length")),
            (&"1".parse().unwrap(), None)
        );
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
        assert_eq!(body(response).await, "{\"id\":\"ü\"}");
    }

    #[tokio::test]
    async fn a_binary_body_is_decoded() {
        let answer = json!({ "statusCode": 200, "body": "AP8Q", "isBase64Encoded": true });
        assert_eq!(body(read(answer.to_string().as_bytes()).unwrap()).await, &b"\x00\xff\x10"[..]);
    }

    #[test]
    fn nonsense_is_an_error() {
        let check = |answer: Value| assert!(read(answer.to_string().as_bytes()).is_err(), "{answer}");
        check(json!({}));
        check(json!("text"));
        check(json!({ "statusCode": 99 }));
        check(json!({ "statusCode": 200, "headers": { "a b": "c" } }));
        check(json!({ "statusCode": 200, "body": "%", "isBase64Encoded": true }));
    }
}
