//! Where the gateway is reached from outside: as it is set up, or as the request says that its sender has reached it.
//!
//! What follows from it are addresses that callers are shown, and the address that some providers sign. API Gateway sets the two
//! headers itself, whatever a client sends.

use http::{HeaderMap, HeaderName, Uri, header};

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How addresses of ours begin.
#[derive(Clone, Debug)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// As it is set up; empty: as each request says.
    pub fn new(setting: &str) -> Self {
        Self(setting.trim_end_matches('/').to_owned())
    }

    /// Scheme, host and what else stands before our paths, without a slash at the end.
    pub fn base(&self, headers: &HeaderMap) -> String {
        if !self.0.is_empty() {
            return self.0.clone();
        }
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let scheme = text(FORWARDED_PROTO).filter(|scheme| ["http", "https"].contains(scheme)).unwrap_or("https");
        format!("{scheme}://{}", text(header::HOST).unwrap_or("localhost"))
    }

    /// The address of a request, as its sender has called it.
    pub fn of_request(&self, headers: &HeaderMap, uri: &Uri) -> String {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        format!("{}{path}", self.base(headers))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(setting: &str, headers: &[(HeaderName, &str)], expected: &str) {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let uri = "http://inside/in/a/b?c=%20d".parse().unwrap();
        assert_eq!(PublicUrl::new(setting).of_request(&headers, &uri), expected);
    }

    #[test]
    fn an_address_is_as_it_is_set_up_or_as_it_was_called() {
        let host = (header::HOST, "hooks.example.com");
        check("https://example.com/fanfare/", std::slice::from_ref(&host), "https://example.com/fanfare/in/a/b?c=%20d");
        check("", std::slice::from_ref(&host), "https://hooks.example.com/in/a/b?c=%20d");
        check("", &[host.clone(), (FORWARDED_PROTO, "http")], "http://hooks.example.com/in/a/b?c=%20d");
        check("", &[host, (FORWARDED_PROTO, "javascript")], "https://hooks.example.com/in/a/b?c=%20d");
    }
}
