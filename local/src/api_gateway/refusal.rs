//! What is answered when no function could: in the API's own shape, `{"code", "detail"}`, so that the SDKs' error
//! handling works here as it does on the functions' own errors.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::{BODY_BYTES_MAX, HEADERS_BYTES_MAX};

/// Why a request got no answer of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Host or path make no URL.
    BadRequest,
    /// No route, not even `$default`.
    NotFound,
    /// The body did not arrive in time, or broke off.
    BodyTooSlow,
    /// The body is larger than API Gateway takes, or the event made from it larger than Lambda takes.
    BodyTooLarge,
    /// The headers are larger than API Gateway takes.
    HeadersTooLarge,
    /// The function failed, or answered with nonsense.
    FunctionFailed,
}

#[derive(Serialize)]
struct Body {
    code: &'static str,
    detail: String,
}

impl Refusal {
    fn parts(self) -> (StatusCode, &'static str, String) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad_request", "host and path make no URL".to_owned()),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "Entity not found".to_owned()),
            Self::BodyTooSlow => {
                (StatusCode::REQUEST_TIMEOUT, "request_timeout", "the body did not arrive in time".to_owned())
            }
            Self::BodyTooLarge => {
                let detail = format!("the body must be smaller than {BODY_BYTES_MAX} bytes");
                (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
            }
            Self::HeadersTooLarge => {
                let detail = format!("the headers must not be larger than {HEADERS_BYTES_MAX} bytes");
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", detail)
            }
            Self::FunctionFailed => {
                let detail = "the request could not be completed".to_owned();
                (StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
            }
        }
    }

    /// Whether what is left of the request is unread, so that nothing sensible can follow on the connection.
    fn ends_connection(self) -> bool {
        matches!(self, Self::BodyTooSlow | Self::BodyTooLarge | Self::HeadersTooLarge | Self::BadRequest)
    }

    pub(super) fn response(self) -> Response<Full<Bytes>> {
        let (status, code, detail) = self.parts();
        let body = serde_json::to_vec(&Body { code, detail }).unwrap_or_default();
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.ends_connection() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
