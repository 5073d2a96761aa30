//! What a request is refused with: one table from reasons to statuses and bodies.
//!
//! The body is `{"code", "detail"}`; for a field that breaks its rule it is `{"detail": [{"loc", "msg", "type"}]}`, 422. The
//! SDKs parse both. A failure of ours is logged here, once, and shows nothing of itself outside.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::rate_limit::Standing;
use crate::fault::{Fault, FaultKind};
use crate::flows::Refusal;

/// How long a caller should wait before repeating what failed through us, in seconds.
const RETRY_AFTER_S: &str = "1";

/// Why a request is refused.
#[derive(Debug)]
pub enum Problem {
    /// The token is missing, malformed, expired or signed by somebody else.
    Unauthenticated(&'static str),
    /// The token is good, but not for this.
    Forbidden(&'static str),
    /// There is no such thing, or it is somebody else's: callers cannot tell.
    NotFound,
    /// The path exists, the method does not; with the methods that do.
    MethodNotAllowed(String),
    /// A unique name is taken, or an idempotency key was used for something else.
    Conflict {
        /// `conflict` or `event_type_exists`.
        code: &'static str,
        /// Which.
        detail: String,
    },
    /// What is asked makes no sense as things stand.
    Refused {
        /// For programs.
        code: &'static str,
        /// For people.
        detail: String,
    },
    /// One request too many within a window.
    TooManyRequests(Standing),
    /// A named limit is reached.
    LimitReached(String),
    /// It is not in the state that `If-Match` or `If-None-Match` asks for.
    PreconditionFailed,
    /// The body is larger than this many bytes.
    TooLarge(usize),
    /// The body is not declared as JSON.
    NotJson,
    /// The body of an inbound webhook came compressed.
    Compressed,
    /// An inbound webhook is not what its provider signs; the reason.
    NotVerified(String),
    /// Fields that break their rules.
    Invalid(Vec<FieldError>),
    /// A part of the gateway does not answer, as a monitor is told.
    Down(&'static str),
    /// An engine does not answer; the same request may succeed in a moment.
    Unavailable,
    /// A failure of ours that waiting does not help.
    Internal,
}

/// What a request is refused with, unless it is a field that breaks its rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorOut {
    /// The reason, for programs.
    code: String,
    /// The reason, for people.
    detail: String,
}

/// What a request is refused with when fields break their rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValidationErrorOut {
    /// Which fields.
    detail: Vec<FieldError>,
}

/// One field that breaks its rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: `body`, `query`, `path` or `header`, then names and positions.
    pub loc: Vec<String>,
    /// The rule, for people.
    pub msg: String,
    /// The kind, for programs.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: &'static str,
}

impl FieldError {
    /// A value that breaks its rule.
    pub fn value(loc: &[&str], msg: impl Into<String>) -> Self {
        Self { loc: loc.iter().map(|part| (*part).to_owned()).collect(), msg: msg.into(), kind: "value_error" }
    }
}

impl Problem {
    /// One field that breaks its rule.
    pub fn field(loc: &[&str], msg: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::value(loc, msg)])
    }

    /// The reason in one line, for people: with the field, when it is one.
    pub fn reason(&self) -> String {
        match self {
            Self::Invalid(fields) => {
                let field = |field: &FieldError| match field.loc.get(1..) {
                    Some(path) if !path.is_empty() => format!("{}: {}", path.join("."), field.msg),
                    _ => field.msg.clone(),
                };
                fields.iter().map(field).collect::<Vec<_>>().join("; ")
            }
            other => other.parts().2,
        }
    }

    fn parts(&self) -> (StatusCode, &str, String) {
        match self {
            Self::Unauthenticated(detail) => (StatusCode::UNAUTHORIZED, "authentication_failed", (*detail).to_owned()),
            Self::Forbidden(detail) => (StatusCode::FORBIDDEN, "forbidden", (*detail).to_owned()),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "Entity not found".to_owned()),
            Self::MethodNotAllowed(allowed) => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", format!("this path takes {allowed}"))
            }
            Self::Conflict { code, detail } => (StatusCode::CONFLICT, code, detail.clone()),
            Self::Refused { code, detail } => (StatusCode::BAD_REQUEST, code, detail.clone()),
            Self::LimitReached(detail) => (StatusCode::BAD_REQUEST, "limit_reached", detail.clone()),
            Self::TooManyRequests(standing) => {
                let detail = format!("too many requests; the next is taken in {} s", standing.retry_after_s());
                (StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
            }
            Self::PreconditionFailed => {
                let detail = "it was changed meanwhile, or is not there: read it again".to_owned();
                (StatusCode::PRECONDITION_FAILED, "precondition_failed", detail)
            }
            Self::TooLarge(bytes_max) => {
                let detail = format!("the body must not be larger than {bytes_max} bytes");
                (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
            }
            Self::NotJson => {
                let detail = "the body must be sent as content-type: application/json".to_owned();
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
            }
            Self::Compressed => {
                let detail = "the body must be sent without a content-encoding".to_owned();
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
            }
            Self::NotVerified(detail) => (StatusCode::UNAUTHORIZED, "verification_failed", detail.clone()),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "validation_error", String::new()),
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not done; repeat the request in a moment".to_owned())
            }
            Self::Down(detail) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", (*detail).to_owned()),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "the request could not be completed".to_owned())
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, detail) = self.parts();
        let body = match &self {
            Self::Invalid(fields) => serde_json::to_vec(&ValidationErrorOut { detail: fields.clone() }),
            _ => serde_json::to_vec(&ErrorOut { code: code.to_owned(), detail }),
        };
        let mut response = (status, body.unwrap_or_else(|_| b"{}".to_vec())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match &self {
            Self::Unavailable | Self::Down(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
            }
            Self::TooManyRequests(standing) => {
                standing.tell(headers);
                headers.insert(header::RETRY_AFTER, HeaderValue::from(standing.retry_after_s()));
            }
            Self::MethodNotAllowed(allowed) => {
                if let Ok(allowed) = HeaderValue::from_str(allowed) {
                    headers.insert(header::ALLOW, allowed);
                }
            }
            Self::Unauthenticated(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Unavailable => {
                tracing::warn!(error = fault.chain(), "a request failed, an engine is unavailable");
                Self::Unavailable
            }
            FaultKind::Corrupt => {
                tracing::error!(error = fault.chain(), "a request failed");
                Self::Internal
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound(_) => Self::NotFound,
            Refusal::Invalid { field, reason } => Self::field(&["body", field], reason.0),
            Refusal::PayloadInvalid(violation) => {
                let path = ["body", "payload"].into_iter().chain(violation.path.iter().map(String::as_str));
                Self::field(&path.collect::<Vec<_>>(), violation.rule)
            }
            Refusal::Conflict(detail) => Self::Conflict { code: "conflict", detail },
            Refusal::EventTypeExists(name) => Self::Conflict {
                code: "event_type_exists",
                detail: format!("an event type named {name} exists already"),
            },
            Refusal::NoExample => Self::Refused {
                code: "invalid_scheme",
                detail: "the event type has no schema to make an example from, or no such example".to_owned(),
            },
            Refusal::TooLate => Self::Conflict {
                code: "conflict",
                detail: "only a message whose time of delivery is still to come can be canceled".to_owned(),
            },
            Refusal::MissingPayload => Self::Refused { code: "missing_payload", detail: refusal.to_string() },
            Refusal::LimitReached(detail) => Self::LimitReached(detail),
            Refusal::PreconditionFailed => Self::PreconditionFailed,
            Refusal::Fault(fault) => fault.into(),
        }
    }
}
