//! What goes out: one POST, made of values that were checked when they were parsed.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body_util::Full;

use super::failure::Failure;
use crate::domain::endpoint::Header;
use crate::domain::ids::MessageId;
use crate::domain::legacy_signature::SignatureHeader;
use crate::domain::original_headers::OriginalHeaders;
use crate::domain::timestamp::Timestamp;
use crate::domain::url::EndpointUrl;

pub(super) const SENDER_NAME: &str = concat!("Fanfare-Webhooks/", env!("CARGO_PKG_VERSION"));

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// One attempt's request.
pub struct Outbound<'a> {
    /// The receiver.
    pub url: &'a EndpointUrl,
    /// `webhook-id`: the same for every attempt, so that a receiver recognizes a repeat.
    pub id: &'a MessageId,
    /// The instant of the attempt, now: `webhook-timestamp`, and what a date in `Retry-After` is compared with.
    pub at: Timestamp,
    /// `webhook-signature`, as [`crate::domain::signature::signature_header`] makes it.
    pub signature: &'a str,
    /// Signatures in other forms that the endpoint's owner asks for.
    pub legacy: &'a [SignatureHeader],
    /// What the endpoint's owner configured.
    pub headers: &'a [Header],
    /// What came with the event; where a name is taken already, it is left out.
    pub original: &'a OriginalHeaders,
    /// JSON, the very bytes that were signed.
    pub body: Bytes,
}

impl Outbound<'_> {
    /// `Host` and `Content-Length` are added by the client. A configured header is added, never put in place of one of
    /// ours: [`Header`] does not take their names.
    pub(super) fn to_http(&self) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::post(self.uri()?).body(Full::new(self.body.clone())).map_err(|_| NOT_HTTP)?;
        self.fill(request.headers_mut()).ok_or(NOT_HTTP)?;
        Ok(request)
    }

    fn uri(&self) -> Result<Uri, Failure> {
        // The URL standard allows a few characters in a host that no name server knows and HTTP does not carry.
        self.url.as_str().parse().map_err(|_| Failure::unreachable("the URL has no form that HTTP can carry"))
    }

    fn fill(&self, headers: &mut HeaderMap) -> Option<()> {
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(SENDER_NAME));
        headers.insert(WEBHOOK_ID, HeaderValue::from_str(&self.id.to_string()).ok()?);
        headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from(self.at.as_seconds()));
        headers.insert(WEBHOOK_SIGNATURE, HeaderValue::from_str(self.signature).ok()?);
        for header in self.legacy {
            let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
            headers.append(name, HeaderValue::from_str(&header.value).ok()?);
        }
        for header in self.headers {
            let (name, value) = pair(header)?;
            headers.append(name, value);
        }
        for header in self.original.iter() {
            let (name, value) = pair(header)?;
            headers.entry(name).or_insert(value);
        }
        Some(())
    }
}

fn pair(header: &Header) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(header.name().as_bytes()).ok()?;
    let mut value = HeaderValue::from_bytes(header.value().as_bytes()).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

/// Only a name of more than 64 KiB or a signature that is none gets here; a header is never left out silently.
const NOT_HTTP: Failure = Failure::unreachable("a configured header cannot be sent");
