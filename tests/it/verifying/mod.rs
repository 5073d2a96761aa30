//! The blocks of Rust in `docs/VERIFYING.md` are files of this folder, and do what the page says. The other languages' are run by
//! `tests/lanes/verifying.sh`.

#[allow(clippy::disallowed_methods, reason = "whoever copies it has no clock that is passed in")]
mod by_hand;
mod library;

use fanfare::domain::ids::MessageId;
use fanfare::domain::signature::{SigningSecret, signature_header};
use fanfare::effects::Effects;
use http::HeaderMap;

use crate::harness::process::root;

const BODY: &[u8] = br#"{"amount":1.50}"#;

/// A delivery signed with these secrets, so many seconds from now.
fn delivery(secrets: &[&SigningSecret], seconds: i64) -> HeaderMap {
    let sent_at = Effects::system().now().plus_millis(seconds * 1_000);
    let id = MessageId::new(sent_at, [9; 15]);
    let signatures = signature_header(secrets.iter().copied(), &id, sent_at, BODY);
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", id.to_string().parse().unwrap());
    headers.insert("webhook-timestamp", sent_at.as_seconds().to_string().parse().unwrap());
    headers.insert("webhook-signature", signatures.parse().unwrap());
    headers
}

fn secret(byte: u8) -> SigningSecret {
    SigningSecret::symmetric(&[byte; 32]).unwrap()
}

#[track_caller]
fn check(headers: &HeaderMap, body: &[u8], is_true: bool) {
    let text = secret(7).to_secret_text();
    assert_eq!(by_hand::verify(&text, headers, body).is_some(), is_true, "by hand");
    assert_eq!(library::verify(&text, headers, body).is_ok(), is_true, "with the library");
}

#[test]
fn a_delivery_is_verified_also_through_a_rotation_and_a_forgery_is_not() {
    check(&delivery(&[&secret(7)], 0), BODY, true);
    check(&delivery(&[&secret(8), &secret(7)], -240), BODY, true);
    check(&delivery(&[&secret(7)], 0), b"{}", false);
    check(&delivery(&[&secret(8)], 0), BODY, false);
    check(&delivery(&[&secret(7)], -360), BODY, false);
    check(&delivery(&[&secret(7)], 360), BODY, false);
    check(&HeaderMap::new(), BODY, false);
}

#[test]
fn the_page_shows_the_code_that_is_tested() {
    let page = std::fs::read_to_string(root().join("docs/VERIFYING.md")).unwrap();
    for (name, file) in [("rust", include_str!("by_hand.rs")), ("rust-library", include_str!("library.rs"))] {
        let begin = format!("<!-- runs: {name} -->\n```rust\n");
        let block = page.split_once(&begin).unwrap().1.split_once("```").unwrap().0;
        let code = file.split_once("\n\n").unwrap().1;
        assert_eq!(block, code, "{name}");
    }
}
