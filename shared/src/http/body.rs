//! Bodies: JSON in, checked against its limits while it is read; JSON out.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::{FieldError, Problem};
use crate::domain::message::{IDEMPOTENCY_KEY_BYTES_MAX, PAYLOAD_BYTES_MAX};

/// Largest request body: a payload of the largest size, and room for what stands around it.
pub const BODY_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + 64 * 1024;

/// The header that makes a repeated POST harmless.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A request's body, parsed; its bytes; and its idempotency key, which belongs to both.
#[derive(Debug)]
pub struct Json<T> {
    /// What it says.
    pub value: T,
    /// As it came.
    pub bytes: Bytes,
    /// What the caller calls this request.
    pub idempotency_key: Option<String>,
}

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::NotJson);
        }
        let idempotency_key = idempotency_key(request.headers())?;
        let bytes = read(request.into_body(), BODY_BYTES_MAX).await?;
        Ok(Self { value: parse(&bytes)?, bytes, idempotency_key })
    }
}

/// The idempotency key of a request that has no body.
#[derive(Debug)]
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        idempotency_key(&parts.headers).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => {
            let rule = format!("must be 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters");
            Err(Problem::field(&["header", IDEMPOTENCY_KEY], rule))
        }
    }
}

/// A body of up to so many bytes.
pub async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::TooLarge(bytes_max)),
        Err(_) => Err(Problem::field(&["body"], "the body ended early")),
    }
}

/// Parses JSON and says where it does not fit.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| refuse(&error))?;
    reader.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn refuse(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if !error.inner().is_data() {
        return not_json(error.inner());
    }
    let name = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        // serde_json's way of handing a value over unparsed; no part of the caller's document.
        Segment::Map { key } if key.starts_with("$serde_json::") => None,
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    };
    let loc = std::iter::once("body".to_owned()).chain(error.path().iter().filter_map(name)).collect();
    Problem::Invalid(vec![FieldError { loc, msg: without_position(error.inner()), kind: "value_error" }])
}

fn not_json(error: &serde_json::Error) -> Problem {
    let msg = format!("the body is not JSON: {error}");
    Problem::Invalid(vec![FieldError { loc: vec!["body".to_owned()], msg, kind: "value_error.jsondecode" }])
}

/// The path says where it is better than line and column do.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}

/// An answer with a JSON body.
pub fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            let mut response = (status, bytes).into_response();
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be encoded");
            Problem::Internal.into_response()
        }
    }
}

/// 200 with a JSON body.
pub fn ok(value: &impl Serialize) -> Response {
    answer(StatusCode::OK, value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[allow(dead_code)]
        names: Vec<crate::domain::names::EventTypeName>,
        #[allow(dead_code)]
        raw: Option<Box<serde_json::value::RawValue>>,
    }

    #[track_caller]
    fn check(json: &str, loc: &[&str], kind: &str) {
        let Err(Problem::Invalid(fields)) = parse::<Body>(json.as_bytes()) else { panic!("{json} was taken") };
        assert_eq!(
            (fields[0].loc.as_slice(), fields[0].kind),
            (&loc.iter().map(|s| s.to_string()).collect::<Vec<_>>()[..], kind)
        );
    }

    #[test]
    fn errors_name_the_field() {
        check(r#"{"names":["a","b c"]}"#, &["body", "names", "1"], "value_error");
        check(r#"{"names":7}"#, &["body", "names"], "value_error");
        check("{}", &["body"], "value_error");
        check("{", &["body"], "value_error.jsondecode");
        check(r#"{"names":[]} x"#, &["body"], "value_error.jsondecode");
        check("", &["body"], "value_error.jsondecode");
    }

    #[test]
    fn values_can_be_taken_unparsed() {
        let body: Body = parse(br#"{"names":[],"raw":{ "a": 1.0e1 }}"#).unwrap();
        assert_eq!(body.raw.unwrap().get(), r#"{ "a": 1.0e1 }"#);
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let deep = format!(r#"{{"names":[],"raw":{}"#, "[".repeat(100_000));
        assert!(parse::<Body>(deep.as_bytes()).is_err());
    }
}
