//! What becomes of a body: a message's payload is a JSON object, and providers send other things too. Decided here once, for
//! all of them.
//!
//! | body | payload |
//! |---|---|
//! | a JSON object | the body, byte for byte |
//! | a JSON array | `{"items": [...]}`, the array byte for byte |
//! | a form with one field `payload` that holds a JSON object (GitHub, Slack) | that object, byte for byte |
//! | another form | an object of its fields; a name that occurs more often has an array |
//! | other text | `{"contentType": "...", "text": "..."}` |
//! | anything else | `{"contentType": "...", "base64": "..."}` |
//!
//! JSON is known by what it is, not by what the content type says.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::hmac::base64;
use super::{InboundRequest, Rejected};
use crate::domain::message::Payload;

/// Fields of a form. Twilio sends some thirty, a form of a person has fewer.
const FORM_FIELDS_MAX: usize = 1_000;

const FORM: &str = "application/x-www-form-urlencoded";

/// The field in which GitHub and Slack put the JSON when they send a form.
const JSON_FIELD: &str = "payload";

/// The payload of a request whose signature is right.
pub(super) fn payload(request: &InboundRequest<'_>) -> Result<Payload, Rejected> {
    if is_form(request) {
        return of_form(&form_fields(request.body)?);
    }
    match std::str::from_utf8(request.body) {
        Ok(text) => of_text(text, request),
        Err(_) => of_value(&with_content_type(request, "base64", base64(request.body))),
    }
}

/// A JSON text as payload.
pub(super) fn of_json(json: &RawValue) -> Result<Payload, Rejected> {
    Payload::parse(json.to_owned()).map_err(|_| Rejected::BadBody("holds an event that is not a JSON object"))
}

pub(super) fn is_form(request: &InboundRequest<'_>) -> bool {
    content_type(request)
        .is_some_and(|value| value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(FORM)))
}

/// The fields of a form, decoded, in their order.
pub(super) fn form_fields(body: &[u8]) -> Result<Vec<(String, String)>, Rejected> {
    let fields = form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned()));
    let fields: Vec<_> = fields.take(FORM_FIELDS_MAX + 1).collect();
    if fields.len() > FORM_FIELDS_MAX {
        return Err(Rejected::BadBody("has too many form fields"));
    }
    Ok(fields)
}

/// The value of a form's field.
pub(super) fn form_field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn of_form(fields: &[(String, String)]) -> Result<Payload, Rejected> {
    if let [(name, json)] = fields
        && name == JSON_FIELD
        && let Ok(payload) = Payload::from_text(json.clone())
    {
        return Ok(payload);
    }
    let mut object = Map::new();
    for (name, value) in fields {
        let value = Value::from(value.as_str());
        match object.get_mut(name) {
            None => drop(object.insert(name.clone(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    of_value(&Value::Object(object))
}

fn of_text(text: &str, request: &InboundRequest<'_>) -> Result<Payload, Rejected> {
    match (text.trim_start().as_bytes().first(), serde_json::from_str::<&RawValue>(text)) {
        (Some(b'{'), Ok(object)) => Payload::parse(object.to_owned()).map_err(|_| too_large()),
        (Some(b'['), Ok(array)) => {
            Payload::from_text(format!(r#"{{"items":{}}}"#, array.get())).map_err(|_| too_large())
        }
        _ => of_value(&with_content_type(request, "text", text.to_owned())),
    }
}

fn with_content_type(request: &InboundRequest<'_>, name: &str, text: String) -> Value {
    json!({ "contentType": content_type(request), name: text })
}

fn content_type<'a>(request: &InboundRequest<'a>) -> Option<&'a str> {
    request.headers.get("content-type").ok().flatten()
}

fn of_value(value: &Value) -> Result<Payload, Rejected> {
    Payload::from_text(value.to_string()).map_err(|_| too_large())
}

fn too_large() -> Rejected {
    Rejected::BadBody("is too large for a message")
}

#[cfg(test)]
mod tests {
    use super::super::Headers;
    use super::*;

    fn payload_of(content_type: &str, body: &[u8]) -> Result<String, Rejected> {
        let headers = Headers::from_iter([("Content-Type", content_type)]);
        let request = InboundRequest { method: "POST", url: "https://example.com/in", headers: &headers, body };
        payload(&request).map(|payload| payload.as_str().to_owned())
    }

    #[track_caller]
    fn check(content_type: &str, body: &[u8], expected: &str) {
        assert_eq!(payload_of(content_type, body).as_deref(), Ok(expected));
    }

    #[test]
    fn json_stays_as_it_is() {
        let object = "{ \"b\":1.0,  \"a\" : \"\\u00e9\", \"a\": 1e400 }";
        check("application/json", object.as_bytes(), object);
        check("text/plain", object.as_bytes(), object);
        check("application/json", b"[ 1,{}]", r#"{"items":[ 1,{}]}"#);
    }

    #[test]
    fn forms_become_objects() {
        check("application/x-www-form-urlencoded", b"b=1+2&a=%C3%A9&b=&b=3", r#"{"a":"é","b":["1 2","","3"]}"#);
        check("Application/X-WWW-form-urlencoded; charset=utf-8", b"payload=%7B%22a%22%3A+1%7D", r#"{"a": 1}"#);
        check("application/x-www-form-urlencoded", b"payload=%7B", r#"{"payload":"{"}"#);
        check("application/x-www-form-urlencoded", b"payload={}&x=1", r#"{"payload":"{}","x":"1"}"#);
        check("application/x-www-form-urlencoded", b"", "{}");
        let many = "a=1&".repeat(FORM_FIELDS_MAX + 1);
        assert!(payload_of("application/x-www-form-urlencoded", many.as_bytes()).is_err());
    }

    #[test]
    fn other_bodies_are_put_into_objects() {
        check("text/xml", b"<a>\n</a>", r#"{"contentType":"text/xml","text":"<a>\n</a>"}"#);
        check("application/json", b"{\"a\":", r#"{"contentType":"application/json","text":"{\"a\":"}"#);
        check("application/json", b"null", r#"{"contentType":"application/json","text":"null"}"#);
        check("image/png", b"\x89PNG", r#"{"base64":"iVBORw==","contentType":"image/png"}"#);
        check("", b"", r#"{"contentType":"","text":""}"#);
    }

    #[test]
    fn what_grows_too_large_is_refused() {
        let control = "\u{1}".repeat(400_000);
        assert_eq!(payload_of("text/plain", control.as_bytes()), Err(too_large()));
    }
}
