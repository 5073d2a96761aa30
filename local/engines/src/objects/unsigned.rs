//! A signed S3 request made into an anonymous one.
//!
//! The engine would check a signature, which takes the sender's secret; there are no secrets here. So everything that
//! belongs to a signature is taken off: the header, the query of a presigned URL (with its end of validity), and the
//! frames of a body that is signed or summed chunk by chunk.

use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HOST};
use http::uri::{PathAndQuery, Uri};

use super::chunked;
use crate::wire::{self, Request};

const CONTENT_SHA256: &str = "x-amz-content-sha256";
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";
const TRAILER: &str = "x-amz-trailer";
const CHUNKED: &str = "aws-chunked";

/// Query parameters of presigned URLs, of signature version 4 and 2.
const SIGNATURE_PARAMETERS: [&str; 9] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
    "awsaccesskeyid",
    "signature",
];

pub(super) fn strip_signature(mut request: Request) -> Request {
    let is_chunked = wire::text(request.headers(), CONTENT_SHA256).is_some_and(|sum| sum.starts_with("STREAMING-"));
    if let Some(uri) = without_signature(request.uri()) {
        *request.uri_mut() = uri;
    }
    let host = wire::host(&request).and_then(|host| HeaderValue::from_str(host).ok());
    let headers = request.headers_mut();
    // In process the SDK leaves the host to the connection, and the engine looks for it in the headers.
    headers.extend(host.map(|host| (HOST, host)));
    headers.remove(AUTHORIZATION);
    headers.remove(CONTENT_SHA256);
    if !is_chunked {
        return request;
    }
    headers.remove(TRAILER);
    if let Some(length) = headers.remove(DECODED_LENGTH) {
        headers.insert(CONTENT_LENGTH, length);
    }
    match other_encodings(wire::text(headers, CONTENT_ENCODING.as_str()).unwrap_or_default()) {
        Some(encodings) => drop(headers.insert(CONTENT_ENCODING, encodings)),
        None => drop(headers.remove(CONTENT_ENCODING)),
    }
    request.map(chunked::decode)
}

/// The URI without what presigning added; None when there is nothing to take off.
fn without_signature(uri: &Uri) -> Option<Uri> {
    let is_signature = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or(pair);
        SIGNATURE_PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    let query = uri.query()?;
    if !query.split('&').any(|pair| is_signature(&pair)) {
        return None;
    }
    let kept: Vec<_> = query.split('&').filter(|pair| !is_signature(pair)).collect();
    let path_and_query = format!("{}?{}", uri.path(), kept.join("&"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

/// The encodings an object keeps: all but the one of its journey.
fn other_encodings(encodings: &str) -> Option<HeaderValue> {
    let kept: Vec<_> = encodings.split(',').map(str::trim).filter(|one| !one.is_empty() && *one != CHUNKED).collect();
    (!kept.is_empty()).then(|| HeaderValue::from_str(&kept.join(",")).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presigned_url_keeps_only_its_own_parameters() {
        let check = |uri: &str, expected: Option<&str>| {
            assert_eq!(without_signature(&uri.parse().unwrap()).map(|uri| uri.to_string()).as_deref(), expected);
        };
        check("/b/k", None);
        check("/b?list-type=2&prefix=a%20b", None);
        check("/b/k?X-Amz-Algorithm=A&partNumber=2&X-Amz-Signature=ab&X-Amz-Expires=9", Some("/b/k?partNumber=2"));
        check("http://h/b/k?x-id=GetObject&X-Amz-Signature=ab", Some("http://h/b/k?x-id=GetObject"));
    }

    #[test]
    fn an_object_keeps_its_own_encodings() {
        assert_eq!(other_encodings("aws-chunked"), None);
        assert_eq!(other_encodings("aws-chunked, gzip"), Some(HeaderValue::from_static("gzip")));
        assert_eq!(other_encodings(""), None);
    }
}
