//! Entity tags (RFC 9110, sections 8.8.3 and 13): what is read carries one, a caller that has it already gets 304 without a
//! body, and a change can be bound to the state that was seen.
//!
//! The tag of one thing is its [`Revision`], the same whether it was read or just written. A list has a hash of its body.

use aws_lc_rs::digest;
use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use serde::Serialize;

use super::Problem;
use super::body::answer;
use crate::domain::revision::{Precondition, Revision, Seen, Tag};

/// For what only its owner may see: it may be kept, but not used without asking.
const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Bytes of a list's hash: enough that no two bodies ever share one.
const HASH_BYTES: usize = 18;

/// An answer with a JSON body that shows the thing in this state.
pub fn tagged(status: StatusCode, revision: &Revision, value: &impl Serialize) -> Response {
    let mut response = answer(status, value);
    if response.status() == status
        && let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", revision.as_str()))
    {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// What a request that changes something asks about its state: `If-Match` and `If-None-Match`.
#[derive(Debug)]
pub struct Conditions(pub Precondition);

impl<S: Send + Sync> FromRequestParts<S> for Conditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let seen = |name| seen(&parts.headers, &name);
        Ok(Self(Precondition { if_match: seen(IF_MATCH)?, if_none_match: seen(IF_NONE_MATCH)? }))
    }
}

/// The layer of routes that are read again and again: gives what a GET shows a tag, if it has none, and answers 304 to who
/// has this state already.
pub async fn revalidate(request: Request, next: Next) -> Result<Response, Problem> {
    if request.method() != Method::GET {
        return Ok(next.run(request).await);
    }
    let known = seen(request.headers(), &IF_NONE_MATCH)?;
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| Problem::Internal)?.to_bytes();
    let tag = match head.headers.remove(ETAG) {
        Some(tag) => tag,
        None => hash_of(&body)?,
    };
    let text = tag.to_str().unwrap_or_default().trim_matches('"');
    let is_known = known.is_some_and(|known| known.matches_weakly(Some(text)));
    let cache_control = head.headers.remove(CACHE_CONTROL).unwrap_or(REVALIDATE);
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => (StatusCode::OK, head.headers, body).into_response(),
    };
    response.headers_mut().insert(ETAG, tag);
    response.headers_mut().insert(CACHE_CONTROL, cache_control);
    Ok(response)
}

fn hash_of(body: &Bytes) -> Result<HeaderValue, Problem> {
    let hash = digest::digest(&digest::SHA256, body);
    let text = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..HASH_BYTES]);
    HeaderValue::from_str(&format!("\"{text}\"")).map_err(|_| Problem::Internal)
}

/// The states a header names; none: the header is not there.
fn seen(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Seen>, Problem> {
    let malformed = || {
        let rule = "must be * or entity tags in quotes, separated by commas";
        Problem::field(&["header", name.as_str()], rule)
    };
    let lines = headers.get_all(name).iter().map(|line| line.to_str()).collect::<Result<Vec<_>, _>>();
    let text = lines.map_err(|_| malformed())?.join(",");
    if !headers.contains_key(name) {
        return Ok(None);
    }
    if text.trim() == "*" {
        return Ok(Some(Seen::Any));
    }
    tags(&text).map(|tags| Some(Seen::These(tags))).ok_or_else(malformed)
}

/// A list of tags; a comma inside of quotes belongs to a tag.
fn tags(text: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    let mut rest = text.trim();
    loop {
        let (is_weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (text, behind) = quoted.strip_prefix('"')?.split_once('"')?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        tags.push(Tag { text: text.to_owned(), is_weak });
        rest = behind.trim_start();
        if rest.is_empty() {
            return Some(tags);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: Option<&[(&str, bool)]>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, line.parse().unwrap());
        }
        let read = seen(&headers, &IF_MATCH);
        let Some(expected) = expected else { return assert!(read.is_err(), "{lines:?}: {read:?}") };
        let Some(Seen::These(tags)) = read.unwrap() else { panic!("{lines:?} are no tags") };
        let tags: Vec<_> = tags.iter().map(|tag| (tag.text.as_str(), tag.is_weak)).collect();
        assert_eq!(tags, expected, "{lines:?}");
    }

    #[test]
    fn tags_are_read_as_they_may_be_sent() {
        check(&["\"a\""], Some(&[("a", false)]));
        check(&["W/\"a\" , \"b,c\"", "\"\""], Some(&[("a", true), ("b,c", false), ("", false)]));
        for malformed in ["", "a", "\"a", "\"a\" \"b\"", "\"a\",", "w/\"a\"", "*, \"a\"", "\"a b\""] {
            check(&[malformed], None);
        }
        assert_eq!(seen(&HeaderMap::new(), &IF_MATCH).unwrap(), None);
        let any = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_static(" * "))]);
        assert_eq!(seen(&any, &IF_MATCH).unwrap(), Some(Seen::Any));
    }
}
