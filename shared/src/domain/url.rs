//! The address of an endpoint, parsed once by the URL standard.
//!
//! Whether the address may be *connected to* is decided by name resolution at every attempt, in `sender`; here only what
//! the text itself can tell.

use super::Invalid;

/// Longest URL: endpoints are read on the publish path, and no HTTP server is obliged to take more than 8,000 octets.
pub const URL_BYTES_MAX: usize = 4_096;

/// An absolute `http` or `https` URL with a host, without credentials and without a fragment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EndpointUrl(url::Url);

impl EndpointUrl {
    /// Parses and normalizes (lower-case host, punycode, decoded odd IPv4 notations) as browsers do.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > URL_BYTES_MAX {
            return Err(Invalid::new(format!("must not be longer than {URL_BYTES_MAX} bytes")));
        }
        let mut url =
            url::Url::parse(text).map_err(|reason| Invalid::new(format!("must be an absolute URL: {reason}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Invalid::new("must be an http or https URL"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(Invalid::new("must name a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Invalid::new("must not contain credentials; use a header instead"));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The normalized text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The parsed form.
    pub fn as_url(&self) -> &url::Url {
        &self.0
    }
}

impl std::fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(text: &str, normalized: Option<&str>) {
        assert_eq!(EndpointUrl::parse(text).ok().map(|url| url.to_string()).as_deref(), normalized, "{text:?}");
    }

    #[test]
    fn urls_are_normalized_or_refused() {
        check("https://Example.COM/Hooks?a=b#frag", Some("https://example.com/Hooks?a=b"));
        check("http://127.1:8099", Some("http://127.0.0.1:8099/"));
        check("https://bücher.example/x", Some("https://xn--bcher-kva.example/x"));
        check("ftp://example.com/", None);
        check("https://", None);
        check("/relative", None);
        check("https://user:pw@example.com/", None);
        check("https://user@example.com/", None);
        check("javascript:alert(1)", None);
        check(&format!("https://example.com/{}", "a".repeat(URL_BYTES_MAX)), None);
    }
}
