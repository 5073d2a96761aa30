//! Bodies of every kind: to the byte, or clearly refused.

use serde_json::json;

use super::Provider;
use super::signing::{self, SECRET};
use crate::harness::Stage;

const JSON: (&str, &str) = ("content-type", "application/json");

fn headers(pairs: &[(&'static str, &str)]) -> signing::Headers {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_body_of_a_mebibyte_is_taken_and_one_byte_more_is_refused() {
    let stage = Stage::new(&[]).await;
    let generic = json!({ "provider": { "kind": "generic-hmac", "header": "x-sig" }, "secret": SECRET });
    let generic = Provider::with(&stage, generic).await;
    let room = 1024 * 1024 - r#"{"a":""}"#.len();
    for (length, status) in [(room, 200), (room + 1, 413)] {
        let body = format!(r#"{{"a":"{}"}}"#, "x".repeat(length));
        let answer = generic.send(&stage, &signing::generic("x-sig", SECRET, body.as_bytes()), body).await;
        assert_eq!(answer.status, status, "{length}: {}", answer.text);
    }
    let messages = generic.messages(&stage).await;
    assert_eq!((messages.len(), messages[0]["payload"]["a"].as_str().unwrap().len()), (1, room));
}

#[tokio::test]
async fn a_compressed_body_is_refused_and_says_why() {
    let stage = Stage::new(&[]).await;
    let open = Provider::with(&stage, json!({ "provider": { "kind": "none" } })).await;
    let answer = open.send(&stage, &headers(&[JSON, ("content-encoding", "gzip")]), "\x1f\u{8b}").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (415, &json!("unsupported_media_type")));
    assert!(answer.json()["detail"].as_str().unwrap().contains("content-encoding"), "{answer:?}");
    let answer = open.send(&stage, &headers(&[JSON, ("content-encoding", "identity")]), "{}").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn what_is_no_json_object_is_wrapped_into_one() {
    let stage = Stage::new(&[]).await;
    let open = Provider::with(&stage, json!({ "provider": { "kind": "none" } })).await;
    let bodies: [(&str, &[u8]); 4] = [
        ("application/x-www-form-urlencoded", b"a=1&b=c+d"),
        ("text/plain", "grüß".as_bytes()),
        ("application/octet-stream", &[0, 0xff, 0xfe, 0x80]),
        ("application/json", b"[1, 2]"),
    ];
    for (content_type, body) in bodies {
        let answer = open.send(&stage, &headers(&[("content-type", content_type)]), body).await;
        assert_eq!(answer.status, 200, "{content_type}: {answer:?}");
    }
    let payloads: Vec<_> = open.messages(&stage).await.into_iter().map(|message| message["payload"].clone()).collect();
    assert_eq!(payloads[0], json!({ "a": "1", "b": "c d" }));
    assert_eq!(payloads[1]["text"], "grüß");
    assert_eq!(payloads[2]["base64"], "AP/+gA==");
    assert_eq!(payloads[3]["items"], json!([1, 2]));
}

#[tokio::test]
async fn a_request_of_too_many_headers_is_refused() {
    let stage = Stage::new(&[]).await;
    let open = Provider::with(&stage, json!({ "provider": { "kind": "none" } })).await;
    let mut many = headers(&[JSON]);
    many.extend((0..100).map(|_| ("x-many", "1".to_owned())));
    let answer = open.send(&stage, &many, "{}").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!("too_many_headers")));
    many.pop();
    assert_eq!(open.send(&stage, &many, "{}").await.status, 200);
}
