//! From an HTTP request to the event of payload format 2.0.
//!
//! As API Gateway does it: header names in lower case, values of one name joined with commas; cookies in a list of their
//! own; query parameters of one name joined with commas; a body is text only when its content type says so
//! ([`is_text`]), otherwise base64. Members that would be empty are left out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use fanfare::domain::timestamp::Timestamp;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

use super::refusal::Refusal;

const TIME_FORMAT: &[FormatItem<'_>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
/// Room for everything but the body, so that writing the event seldom has to move it.
const HEAD_BYTES_TYPICAL: usize = 2_048;
/// The API's id and the first part of its domain name: there is one API.
const API_ID: &str = "local";

/// Of one connection only; API Gateway does not pass them on.
const OF_CONNECTION: [HeaderName; 6] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What is known about a request beside itself.
pub(crate) struct Arrival<'a> {
    pub(crate) peer: SocketAddr,
    pub(crate) port: u16,
    pub(crate) at: Timestamp,
    pub(crate) request_id: &'a str,
    pub(crate) trace: String,
    pub(crate) route_key: &'a str,
    pub(crate) path_parameters: &'a [(String, String)],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
    #[serde(serialize_with = "joined")]
    headers: &'a HeaderMap,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<Cow<'a, str>, String>,
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "as_map")]
    path_parameters: &'a [(String, String)],
    #[serde(skip_serializing_if = "str::is_empty")]
    body: &'a str,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    account_id: &'static str,
    api_id: &'static str,
    domain_name: &'a str,
    domain_prefix: &'static str,
    http: Http<'a>,
    request_id: &'a str,
    route_key: &'a str,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    source_ip: String,
    user_agent: Cow<'a, str>,
}

/// The event's JSON.
pub(crate) fn write(parts: &mut Parts, body: &Bytes, arrival: Arrival<'_>) -> Result<Bytes, Refusal> {
    let host = checked_host(parts)?;
    let source_ip = arrival.peer.ip().to_string();
    let cookies = take_cookies(&mut parts.headers);
    let user_agent = parts.headers.get(header::USER_AGENT).map(text).unwrap_or_default().into_owned();
    let (body, is_base64_encoded) = readable(&parts.headers, body);
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default();
    forward(&mut parts.headers, &arrival, &source_ip, body_bytes(&body, is_base64_encoded));
    let event = Event {
        version: "2.0",
        route_key: arrival.route_key,
        raw_path: &path,
        raw_query_string: query,
        cookies,
        headers: &parts.headers,
        query_string_parameters: query_parameters(query),
        request_context: RequestContext {
            account_id: fanfare_engines::LOCAL_ACCOUNT,
            api_id: API_ID,
            domain_name: &host,
            domain_prefix: API_ID,
            http: Http {
                method: parts.method.as_str(),
                path: &path,
                protocol: "HTTP/1.1",
                source_ip,
                user_agent: Cow::Borrowed(&user_agent),
            },
            request_id: arrival.request_id,
            route_key: arrival.route_key,
            stage: "$default",
            time: common_log_time(arrival.at),
            time_epoch: arrival.at.as_millis(),
        },
        path_parameters: arrival.path_parameters,
        body: &body,
        is_base64_encoded,
    };
    let mut json = Vec::with_capacity(HEAD_BYTES_TYPICAL + body.len() + body.len() / 8);
    serde_json::to_writer(&mut json, &event).map_err(|_| Refusal::BadRequest)?;
    Ok(Bytes::from(json))
}

/// The host without its port. Host and path must make a URL: on the other side a URL is built from them, and the Lambda
/// runtime's HTTP adapter panics when that fails.
fn checked_host(parts: &Parts) -> Result<String, Refusal> {
    if !parts.uri.path().starts_with('/') {
        return Err(Refusal::BadRequest);
    }
    let Some(host) = parts.headers.get(header::HOST) else { return Ok("localhost".to_owned()) };
    let host = host.to_str().map_err(|_| Refusal::BadRequest)?;
    let url = url::Url::parse(&format!("http://{host}/")).map_err(|_| Refusal::BadRequest)?;
    match url.host_str() {
        Some(name) if url.path() == "/" && url.username().is_empty() && url.query().is_none() => Ok(name.to_owned()),
        _ => Err(Refusal::BadRequest),
    }
}

fn take_cookies(headers: &mut HeaderMap) -> Vec<String> {
    let Some(_) = headers.get(header::COOKIE) else { return Vec::new() };
    let lines: Vec<String> = headers.get_all(header::COOKIE).iter().map(|value| text(value).into_owned()).collect();
    headers.remove(header::COOKIE);
    let cookies = lines.iter().flat_map(|line| line.split(';')).map(str::trim);
    cookies.filter(|cookie| !cookie.is_empty()).map(str::to_owned).collect()
}

/// The headers that API Gateway sets itself, and those it does not pass on.
fn forward(headers: &mut HeaderMap, arrival: &Arrival<'_>, source_ip: &str, body_bytes: usize) {
    for name in &OF_CONNECTION {
        headers.remove(name);
    }
    let way = match headers.get(FORWARDED_FOR) {
        Some(before) => format!("{}, {source_ip}", text(before)),
        None => source_ip.to_owned(),
    };
    if let Ok(way) = HeaderValue::from_str(&way) {
        headers.insert(FORWARDED_FOR, way);
    }
    headers.insert(FORWARDED_PORT, HeaderValue::from(arrival.port));
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body_bytes));
    if !headers.contains_key(TRACE_ID)
        && let Ok(trace) = HeaderValue::from_str(&arrival.trace)
    {
        headers.insert(TRACE_ID, trace);
    }
}

/// The body as an event holds it, and whether that is base64.
fn readable<'a>(headers: &HeaderMap, body: &'a Bytes) -> (Cow<'a, str>, bool) {
    if body.is_empty() {
        return (Cow::Borrowed(""), false);
    }
    let is_text = headers.get(header::CONTENT_TYPE).is_some_and(|value| is_text(&text(value)));
    match std::str::from_utf8(body) {
        Ok(body) if is_text => (Cow::Borrowed(body), false),
        _ => (Cow::Owned(BASE64.encode(body)), true),
    }
}

fn body_bytes(body: &str, is_base64_encoded: bool) -> usize {
    if !is_base64_encoded {
        return body.len();
    }
    body.len() / 4 * 3 - body.bytes().rev().take_while(|byte| *byte == b'=').count()
}

/// What API Gateway takes for text. Everything else is binary to it: forms, and bodies without a content type too.
fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/") || ["application/json", "application/xml", "application/javascript"].contains(&&*kind)
}

fn query_parameters(query: &str) -> BTreeMap<Cow<'_, str>, String> {
    let mut parameters = BTreeMap::<Cow<'_, str>, String>::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match parameters.get_mut(&name) {
            Some(values) => {
                values.push(',');
                values.push_str(&value);
            }
            None => {
                parameters.insert(name, value.into_owned());
            }
        }
    }
    parameters
}

fn common_log_time(at: Timestamp) -> String {
    let time = OffsetDateTime::from_unix_timestamp(at.as_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(TIME_FORMAT).unwrap_or_default()
}

/// A header's value; what is not UTF-8 in it cannot be in JSON.
fn text(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

fn joined<S: Serializer>(headers: &&HeaderMap, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(headers.keys_len()))?;
    for name in headers.keys() {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(only), None) => map.serialize_entry(name.as_str(), &text(only))?,
            _ => {
                let values: Vec<_> = headers.get_all(name).iter().map(text).collect();
                map.serialize_entry(name.as_str(), &values.join(","))?;
            }
        }
    }
    map.end()
}

fn as_map<S: Serializer>(pairs: &&[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::Request;
    use lambda_http::RequestExt as _;
    use serde_json::{Value, json};

    use super::*;

    fn json_of(request: Request<&'static [u8]>) -> Result<Value, Refusal> {
        let (mut parts, body) = request.into_parts();
        let arrival = Arrival {
            peer: "203.0.113.10:5000".parse().unwrap(),
            port: 8071,
            at: Timestamp::from_millis(1_764_000_015_137),
            request_id: "HC-F-sOonfAcBFo=",
            trace: "Root=1-6924810f-1c2fc5fec3a89df01c045abf".to_owned(),
            route_key: "POST /api/v1/app/{app_id}/msg",
            path_parameters: &[("app_id".to_owned(), "acme".to_owned())],
        };
        write(&mut parts, &Bytes::from_static(body), arrival).map(|json| serde_json::from_slice(&json).unwrap())
    }

    fn post(content_type: &str, body: &'static [u8]) -> Request<&'static [u8]> {
        let request = Request::post("/api/v1/app/acme/msg?tag=a&tag=b%20c&empty").header("host", "127.0.0.1:8071");
        request.header("content-type", content_type).body(body).unwrap()
    }

    #[test]
    fn the_event_is_the_one_of_the_sample() {
        let request = Request::post("/api/v1/app/acme/msg")
            .header("Host", "localhost:8071")
            .header("User-Agent", "svix-libs/2.9.1/python")
            .header("Content-Type", "application/json")
            .header("Connection", "keep-alive");
        let event = json_of(request.body(b"{\"a\":\"\xc3\xbc\"}".as_slice()).unwrap()).unwrap();
        let expected = json!({
            "version": "2.0",
            "routeKey": "POST /api/v1/app/{app_id}/msg",
            "rawPath": "/api/v1/app/acme/msg",
            "rawQueryString": "",
            "headers": {
                "content-length": "10",
                "content-type": "application/json",
                "host": "localhost:8071",
                "user-agent": "svix-libs/2.9.1/python",
                "x-amzn-trace-id": "Root=1-6924810f-1c2fc5fec3a89df01c045abf",
                "x-forwarded-for": "203.0.113.10",
                "x-forwarded-port": "8071",
                "x-forwarded-proto": "http"
            },
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": "localhost",
                "domainPrefix": "local",
                "http": {
                    "method": "POST",
                    "path": "/api/v1/app/acme/msg",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.10",
                    "userAgent": "svix-libs/2.9.1/python"
                },
                "requestId": "HC-F-sOonfAcBFo=",
                "routeKey": "POST /api/v1/app/{app_id}/msg",
                "stage": "$default",
                "time": "24/Nov/2025:16:00:15 +0000",
                "timeEpoch": 1_764_000_015_137_i64
            },
            "pathParameters": { "app_id": "acme" },
            "body": "{\"a\":\"ü\"}",
            "isBase64Encoded": false
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn only_what_is_declared_as_text_stays_text() {
        let is_base64 = |kind: &str, body| json_of(post(kind, body)).unwrap()["isBase64Encoded"] == true;
        assert!(!is_base64("application/json; charset=utf-8", b"{}"));
        assert!(!is_base64("text/plain", b"x"));
        assert!(is_base64("application/x-www-form-urlencoded", b"a=b"));
        assert!(is_base64("application/octet-stream", b"x"));
        assert!(is_base64("application/json", b"\xff\xfe"));
        let event = json_of(post("application/cbor", b"\x00\xff\x10")).unwrap();
        assert_eq!((&event["body"], &event["headers"]["content-length"]), (&json!("AP8Q"), &json!("3")));
    }

    #[test]
    fn an_empty_body_is_left_out() {
        let event = json_of(post("application/json", b"")).unwrap();
        assert!(event.get("body").is_none() && event["isBase64Encoded"] == false);
        assert_eq!(event["headers"]["content-length"], "0");
    }

    #[test]
    fn what_comes_several_times_is_joined() {
        let event = json_of(post("application/json", b"{}")).unwrap();
        assert_eq!(event["queryStringParameters"], json!({ "tag": "a,b c", "empty": "" }));
        assert_eq!(event["rawQueryString"], "tag=a&tag=b%20c&empty");
        let request = Request::get("/").header("x-a", "1").header("x-a", "2").header("x-forwarded-for", "198.51.100.7");
        let event = json_of(request.body(b"".as_slice()).unwrap()).unwrap();
        assert_eq!(event["headers"]["x-a"], "1,2");
        assert_eq!(event["headers"]["x-forwarded-for"], "198.51.100.7, 203.0.113.10");
    }

    #[test]
    fn cookies_have_a_list_of_their_own() {
        let request = Request::get("/").header("cookie", "a=1; b=2").header("cookie", "c=3");
        let event = json_of(request.body(b"".as_slice()).unwrap()).unwrap();
        assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=3"]));
        assert!(event["headers"].get("cookie").is_none());
    }

    #[test]
    fn the_lambda_runtime_reads_back_the_request_that_was_sent() {
        let json = json_of(post("application/x-www-form-urlencoded", b"a=b")).unwrap().to_string();
        let request = lambda_http::request::from_str(&json).unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "http://127.0.0.1:8071/api/v1/app/acme/msg?tag=a&tag=b%20c&empty");
        assert_eq!(request.body().as_ref(), b"a=b");
        assert_eq!(request.path_parameters().first("app_id"), Some("acme"));
    }

    #[test]
    fn a_host_or_path_that_makes_no_url_is_refused() {
        let with_host = |host: &str| json_of(Request::get("/").header("host", host).body(b"".as_slice()).unwrap());
        for host in ["a b", "a:99999", "a/b", "u@h", "", "x?y", "[::1"] {
            assert_eq!(with_host(host), Err(Refusal::BadRequest), "{host}");
        }
        assert!(with_host("[::1]:8071").is_ok());
        assert_eq!(json_of(Request::options("*").body(b"".as_slice()).unwrap()), Err(Refusal::BadRequest));
    }
}
