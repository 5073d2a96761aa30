//! Bodies that are no message, application, endpoint or event type.

use serde_json::{Value, json};

use super::long;
use super::table::{BODY, Bad, Shape, Table};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_message_is_refused() {
    let table = Table::new().await;
    let field = |body: Value, place| (body.to_string(), Shape::Field(place));
    let event = |event_type: &str| json!({ "eventType": event_type, "payload": {} });
    let with = |name: &str, value: Value| {
        let mut body = event("a.b");
        body[name] = value;
        body
    };
    let cases = [
        ("{".to_owned(), BODY),
        (String::new(), BODY),
        (r#"{"eventType":"a.b","payload":{}} x"#.to_owned(), BODY),
        ("\u{feff}{}".to_owned(), BODY),
        (r#"{"eventType":"a.b","payload":{"a":}}"#.to_owned(), BODY),
        (json!([]).to_string(), BODY),
        (json!("text").to_string(), BODY),
        (json!({ "payload": {} }).to_string(), BODY),
        (json!({ "eventType": "a.b" }).to_string(), BODY),
        field(event(""), &["body", "eventType"]),
        field(event("a b"), &["body", "eventType"]),
        field(event(&long("a", 257)), &["body", "eventType"]),
        field(with("eventType", json!(7)), &["body", "eventType"]),
        field(with("payload", json!([])), &["body", "payload"]),
        field(with("payload", json!("text")), &["body", "payload"]),
        field(with("payload", json!(7)), &["body", "payload"]),
        field(with("payload", json!(null)), &["body", "payload"]),
        field(with("channels", json!([])), &["body", "channels"]),
        field(with("channels", json!("x")), &["body", "channels"]),
        field(with("channels", json!(["a", "b c"])), &["body", "channels", "1"]),
        field(with("channels", json!(["1", "2", "3", "4", "5", "6"])), &["body", "channels"]),
        field(with("eventId", json!("msg_looks-like-ours")), &["body", "eventId"]),
        field(with("eventId", json!(long("e", 257))), &["body", "eventId"]),
        field(with("tags", json!(["a", "b", "c", "d", "e", "f"])), &["body", "tags"]),
        field(with("payloadRetentionPeriod", json!(4)), &["body", "payloadRetentionPeriod"]),
        field(with("payloadRetentionPeriod", json!(-1)), &["body", "payloadRetentionPeriod"]),
    ];
    for (body, shape) in cases {
        table.check(table.message(body), 422, shape).await;
    }
    table.check(table.message(vec![0xff, 0xfe, b'{', b'}']), 422, BODY).await;
    table.check(table.message(b"{\"eventType\":\"a.b\",\"payload\":{\"a\":\"\xff\"}}".to_vec()), 422, BODY).await;
    let depth = format!(r#"{{"eventType":"a.b","payload":{{"a":{}}}}}"#, long("[", 100_000));
    table.check(table.message(depth), 422, BODY).await;
    let key = Some(("idempotency-key", long("k", 257)));
    let bad = Bad { header: key, ..table.message(event("a.b").to_string()) };
    table.check(bad, 422, Shape::Field(&["header", "idempotency-key"])).await;
    table.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_or_not_json_by_its_own_word_is_refused() {
    let table = Table::new().await;
    let of_size = |bytes: usize| json!({ "eventType": "a.b", "payload": { "a": "x".repeat(bytes) } }).to_string();
    let too_large = Shape::Code("payload_too_large");
    table.check(table.message(of_size(1024 * 1024)), 422, Shape::Field(&["body", "payload"])).await;
    table.check(table.message(of_size(1200 * 1024)), 413, too_large).await;
    table.check(table.message(of_size(7 * 1024 * 1024)), 413, too_large).await;
    table.check(table.message(of_size(11 * 1024 * 1024)), 413, too_large).await;
    let good = of_size(1);
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("nonsense")] {
        let bad = Bad { content_type, ..table.message(good.clone()) };
        table.check(bad, 415, Shape::Code("unsupported_media_type")).await;
    }
    table.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_application_endpoint_or_event_type_is_refused() {
    let table = Table::new().await;
    let (app, endpoint, event_type) = ("/api/v1/app", "/api/v1/app/{app}/endpoint", "/api/v1/event-type");
    let url = "http://127.0.0.1:8/";
    let big = json!({ "a": long("m", 5_000) });
    let legacy = |entry: Value| json!({ "url": url, "legacySignatures": [entry] });
    let twice = |entry: Value| json!({ "url": url, "legacySignatures": [entry.clone(), entry] });
    let hmac = |field: &str, value: Value| legacy(json!({ "kind": "hmac", "header": "x-signature", field: value }));
    let with = |mut body: Value, field: &str, value: Value| {
        body[field] = value;
        body
    };
    let with_header = |body| with(body, "headers", json!({ "X-Signature": "a" }));
    let with_v1a = |body| with(body, "signature", json!("v1a"));
    let schema = |validation: &str, schemas: Value| json!({ "name": "a.b", "description": "d", "schemaValidation": validation, "schemas": schemas });
    let cases: Vec<(&str, Value, &[&str])> = vec![
        (app, json!({}), &["body"]),
        (app, json!({ "name": "" }), &["body", "name"]),
        (app, json!({ "name": 7 }), &["body", "name"]),
        (app, json!({ "name": "A", "uid": long("u", 257) }), &["body", "uid"]),
        (app, json!({ "name": "A", "uid": "app_mine" }), &["body", "uid"]),
        (app, json!({ "name": "A", "uid": "a b" }), &["body", "uid"]),
        (app, json!({ "name": "A", "uid": "" }), &["body", "uid"]),
        (app, json!({ "name": "A", "throttleRate": 0 }), &["body", "throttleRate"]),
        (app, json!({ "name": "A", "throttleRate": 70_000 }), &["body", "throttleRate"]),
        (app, json!({ "name": "A", "metadata": big }), &["body", "metadata"]),
        (app, json!({ "name": "A", "metadata": { "a": 1 } }), &["body", "metadata", "a"]),
        (app, json!({ "name": "A", "metadata": { "": "a" } }), &["body", "metadata"]),
        (endpoint, json!({}), &["body"]),
        (endpoint, json!({ "url": "" }), &["body", "url"]),
        (endpoint, json!({ "url": "not a url" }), &["body", "url"]),
        (endpoint, json!({ "url": "ftp://127.0.0.1/" }), &["body", "url"]),
        (endpoint, json!({ "url": "http://user:pw@127.0.0.1/" }), &["body", "url"]),
        (endpoint, json!({ "url": format!("{url}{}", long("a", 5_000)) }), &["body", "url"]),
        (endpoint, json!({ "url": url, "uid": "ep_mine" }), &["body", "uid"]),
        (endpoint, json!({ "url": url, "uid": long("u", 257) }), &["body", "uid"]),
        (endpoint, json!({ "url": url, "channels": [] }), &["body", "channels"]),
        (endpoint, json!({ "url": url, "eventTypes": [] }), &["body", "eventTypes"]),
        (endpoint, json!({ "url": url, "eventTypes": ["never.declared"] }), &["body", "eventTypes"]),
        (endpoint, json!({ "url": url, "secret": "whsec_short" }), &["body", "secret"]),
        (endpoint, json!({ "url": url, "headers": { "x-a": "b\r\nc: d" } }), &["body", "headers", "x-a"]),
        (endpoint, json!({ "url": url, "headers": { "content-type": "a" } }), &["body", "headers", "content-type"]),
        (endpoint, json!({ "url": url, "headers": { "svix-id": "a" } }), &["body", "headers", "svix-id"]),
        (endpoint, json!({ "url": url, "signature": "v2" }), &["body", "signature"]),
        (endpoint, json!({ "url": url, "signature": "v1a", "secret": long("A", 32) }), &["body", "signature"]),
        (endpoint, legacy(json!({ "kind": "own" })), &["body", "legacySignatures", "0", "kind"]),
        (endpoint, legacy(json!({ "kind": "hmac" })), &["body", "legacySignatures", "0", "header"]),
        (endpoint, legacy(json!({ "kind": "hmac", "header": "Host" })), &["body", "legacySignatures", "0", "header"]),
        (
            endpoint,
            legacy(json!({ "kind": "timestamped", "header": "a b" })),
            &["body", "legacySignatures", "0", "header"],
        ),
        (endpoint, hmac("encoding", json!("binary")), &["body", "legacySignatures", "0", "encoding"]),
        (endpoint, hmac("prefix", json!("a b")), &["body", "legacySignatures", "0", "prefix"]),
        (endpoint, hmac("secret", json!("")), &["body", "legacySignatures", "0", "secret"]),
        (endpoint, legacy(json!({ "kind": "svix", "secret": "s" })), &["body", "legacySignatures", "0", "secret"]),
        (endpoint, twice(json!({ "kind": "svix" })), &["body", "legacySignatures", "1", "header"]),
        (endpoint, with_header(hmac("prefix", json!(""))), &["body", "legacySignatures"]),
        (endpoint, with_v1a(hmac("prefix", json!(""))), &["body", "legacySignatures"]),
        (event_type, json!({ "description": "d" }), &["body"]),
        (event_type, schema("maybe", json!({})), &["body", "schemaValidation"]),
        (event_type, schema("warn", json!({ "1": { "type": "nonsense" } })), &["body", "schemas"]),
        (event_type, schema("reject", json!({ "1": { "$ref": "http://127.0.0.1:8/" } })), &["body", "schemas"]),
        (event_type, schema("reject", json!({ "first": {} })), &["body", "schemas"]),
        (event_type, json!({ "name": "a b", "description": "d" }), &["body", "name"]),
        (event_type, json!({ "name": long("n", 257), "description": "d" }), &["body", "name"]),
    ];
    for (path, body, place) in cases {
        table.check(table.with("POST", path, body.to_string()), 422, Shape::Field(place)).await;
    }
    table.finish().await;
}
