//! Tokens of our own kind that somebody made up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::status_of;
use crate::harness::{JWT_SECRET, ORGANIZATION, Stage};

/// A token of exactly these bytes, signed with HMAC-SHA256.
fn signed(header: &str, claims: &str, secret: &[u8]) -> String {
    let text = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
    format!("{text}.{}", BASE64.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes())))
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn claims(stage: &Stage) -> Value {
    let now_s = stage.platform.effects.now().as_seconds();
    json!({ "iss": "fanfare", "sub": ORGANIZATION, "iat": now_s, "nbf": now_s, "exp": now_s + 60 })
}

fn with(stage: &Stage, name: &str, value: Value) -> String {
    let mut claims = claims(stage);
    claims[name] = value;
    signed(HEADER, &claims.to_string(), JWT_SECRET.as_bytes())
}

#[tokio::test]
async fn a_token_is_good_as_we_make_it_and_in_no_other_form() {
    let stage = Stage::new(&[]).await;
    let good = claims(&stage).to_string();
    let secret = JWT_SECRET.as_bytes();
    assert_eq!(status_of(&stage, &signed(HEADER, &good, secret)).await, 200);
    let now_s = stage.platform.effects.now().as_seconds();

    let twice = format!(r#"{{"sub":"org_2AnotherOrganization0000000",{}"#, &good[1..]);
    let twice_role = format!(r#"{{"role":"reader","role":"owner",{}"#, &good[1..]);
    let token = signed(HEADER, &good, secret);
    let (body, signature) = token.rsplit_once('.').unwrap();
    let padded = format!("{body}.{signature}=");
    let refused = [
        ("no algorithm", signed(r#"{"alg":"none"}"#, &good, secret)),
        ("no algorithm and no signature", format!("{}.{}.", BASE64.encode(r#"{"alg":"none"}"#), BASE64.encode(&good))),
        ("None in other letters", signed(r#"{"alg":"nOnE"}"#, &good, secret)),
        ("HS384", signed(r#"{"alg":"HS384"}"#, &good, secret)),
        ("RS256 with a MAC", signed(r#"{"alg":"RS256","kid":"k"}"#, &good, secret)),
        ("another secret", signed(HEADER, &good, b"another-secret-of-more-than-32-bytes")),
        ("an empty secret", signed(HEADER, &good, b"")),
        ("an empty signature", format!("{body}.")),
        ("half a signature", format!("{body}.{}", &signature[..20])),
        ("padding", padded),
        ("no subject", with(&stage, "sub", Value::Null)),
        ("a subject that is a number", with(&stage, "sub", json!(7))),
        ("no end", with(&stage, "exp", Value::Null)),
        ("an end that is text", with(&stage, "exp", json!("4102444800"))),
        ("expired", with(&stage, "exp", json!(now_s - 61))),
        ("long expired", with(&stage, "exp", json!(i64::MIN))),
        ("not yet valid", with(&stage, "nbf", json!(now_s + 3_600))),
        ("never valid", with(&stage, "nbf", json!(i64::MAX))),
        ("the subject twice", signed(HEADER, &twice, secret)),
        ("the role twice", signed(HEADER, &twice_role, secret)),
        ("an unknown role", with(&stage, "role", json!("root"))),
        ("a role that is none", with(&stage, "role", Value::Null)),
        ("something that must be understood", signed(r#"{"alg":"HS256","crit":["exp"]}"#, &good, secret)),
        ("claims that are a list", signed(HEADER, "[]", secret)),
        ("claims that are no JSON", signed(HEADER, "{", secret)),
        ("a header that is no JSON", signed("{", &good, secret)),
        ("a header without algorithm", signed("{}", &good, secret)),
        ("nested without end", signed(HEADER, &"[".repeat(5_000), secret)),
        ("two parts", body.to_owned()),
        ("four parts", format!("{token}.{signature}")),
        ("huge", with(&stage, "x", json!("x".repeat(9_000)))),
    ];
    for (what, token) in refused {
        assert_eq!(status_of(&stage, &token).await, 401, "{what}");
    }
}

#[tokio::test]
async fn an_end_at_the_end_of_time_is_no_trouble() {
    let stage = Stage::new(&[]).await;
    assert_eq!(status_of(&stage, &with(&stage, "exp", json!(i64::MAX))).await, 200);
}

#[tokio::test]
async fn no_bit_of_a_token_can_be_changed() {
    let stage = Stage::new(&[]).await;
    let token = signed(HEADER, &claims(&stage).to_string(), JWT_SECRET.as_bytes());
    for at in (0..token.len()).filter(|at| token.as_bytes()[*at] != b'.') {
        let mut changed = token.clone().into_bytes();
        // The lowest bits of the last character stand for nothing; the decoder is strict about them, too.
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(status_of(&stage, &String::from_utf8(changed).unwrap()).await, 401, "changed at {at}");
    }
}
