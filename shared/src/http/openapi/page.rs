//! The page that shows the document to people: one file without anything from elsewhere.
//!
//! Its policy lets the browser run the script and use the style that are in the file, by their hashes, and talk to this
//! gateway, and nothing else. The script puts the document's words on the page as text, never as markup.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

use super::CACHE_CONTROL;
use crate::http::Problem;

const PAGE: &str = include_str!("page.html");

static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let (style, script) = (hash_of("style")?, hash_of("script")?);
    let policy = format!(
        "default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    );
    policy.try_into().ok()
});

/// How the policy names the one inline element of this kind.
fn hash_of(element: &str) -> Option<String> {
    let (_, rest) = PAGE.split_once(&format!("<{element}>"))?;
    let (text, _) = rest.split_once(&format!("</{element}>"))?;
    Some(format!("'sha256-{}'", BASE64.encode(digest(&SHA256, text.as_bytes()))))
}

/// The page as an answer.
pub fn page() -> Result<Response, Problem> {
    // Without a policy no page. A test reads it, so this is answered to nobody.
    let policy = POLICY.clone().ok_or(Problem::Internal)?;
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, CACHE_CONTROL),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let mut headers: HeaderMap =
        HEADERS.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok((headers, PAGE).into_response())
}
