//! Headers that came with an event and go on with its deliveries: what a provider says about its webhook beside the body.
//!
//! They are chosen by name, never by exclusion: what nobody asked for stays behind. Names that belong to the connection, to our
//! signature or to a proxy are not taken, nor are credentials, whoever asks for them. What does not fit the limits is left out:
//! a header is information beside the event, and no reason to refuse it.

use std::collections::BTreeMap;

use super::endpoint::{Header, HeaderName, is_credential};

/// Headers of one message.
pub const ORIGINAL_HEADERS_MAX: usize = 20;

/// Names and values of one message's headers together: they travel with every task of its deliveries.
pub const ORIGINAL_HEADERS_BYTES_MAX: usize = 4_096;

/// Names that say who is asking, or through whom, and nothing about the event.
const KEPT_BACK: [&str; 7] = ["cookie", "cookie2", "set-cookie", "true-client-ip", "via", "x-csrf-token", "x-real-ip"];
const KEPT_BACK_PREFIX: &str = "x-forwarded-";

/// The headers of a message, in lower case, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginalHeaders(Vec<Header>);

impl OriginalHeaders {
    /// Those of the pairs that have one of these names, in the order of the names. A name that came several times has its values
    /// joined by commas, as HTTP allows. Values that are not visible ASCII are left out, and so is what exceeds the limits.
    pub fn choose<'a>(names: impl IntoIterator<Item = &'a str>, came: &[(String, Vec<u8>)]) -> Self {
        let mut chosen = Self::default();
        for name in names {
            let values = came.iter().filter(|(each, _)| each.eq_ignore_ascii_case(name));
            let values: Vec<&str> = values.filter_map(|(_, value)| visible(value)).collect();
            if !values.is_empty()
                && let Some(header) = parse(name, &values.join(", "))
            {
                chosen.add(header);
            }
        }
        chosen
    }

    /// Those that were stored, by their names; what would not be taken today is left out.
    pub fn from_stored<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut read, pairs) = (Self::default(), pairs.into_iter().collect::<BTreeMap<_, _>>());
        pairs.into_iter().filter_map(|(name, value)| parse(name, value)).for_each(|header| read.add(header));
        read
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
    }

    /// Names and values.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|header| (header.name(), header.value()))
    }

    fn add(&mut self, header: Header) {
        let bytes =
            self.pairs().chain([(header.name(), header.value())]).map(|(n, v)| n.len() + v.len()).sum::<usize>();
        let is_there = self.0.iter().any(|each| each.name() == header.name());
        if !is_there && self.0.len() < ORIGINAL_HEADERS_MAX && bytes <= ORIGINAL_HEADERS_BYTES_MAX {
            self.0.push(header);
        }
    }
}

/// Whether a header of this name may go on with a delivery.
pub fn may_go_on(name: &HeaderName) -> bool {
    let name = name.as_str();
    !is_credential(name) && !KEPT_BACK.contains(&name) && !name.starts_with(KEPT_BACK_PREFIX)
}

fn parse(name: &str, value: &str) -> Option<Header> {
    HeaderName::parse(name).ok().filter(may_go_on)?;
    Header::parse(name, value).ok()
}

/// Text that every server, and every queue on the way, carries as it is.
fn visible(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], came: &[(&str, &[u8])], chosen: &[(&str, &str)]) {
        let came: Vec<_> = came.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
        let headers = OriginalHeaders::choose(names.iter().copied(), &came);
        assert_eq!(headers.pairs().collect::<Vec<_>>(), chosen);
        let mut sorted: Vec<_> = headers.pairs().collect();
        sorted.sort_unstable();
        assert_eq!(OriginalHeaders::from_stored(headers.pairs()).pairs().collect::<Vec<_>>(), sorted);
    }

    #[test]
    fn what_is_asked_for_by_name_goes_on_and_nothing_else() {
        let came: &[(&str, &[u8])] = &[("X-GitHub-Event", b"push"), ("x-other", b"1"), ("x-github-delivery", b"a b")];
        check(
            &["x-github-event", "X-GitHub-Delivery"],
            came,
            &[("x-github-event", "push"), ("x-github-delivery", "a b")],
        );
        check(&["x-none"], came, &[]);
        check(&["x-a", "X-A"], &[("x-a", b"1"), ("X-a", b"2")], &[("x-a", "1, 2")]);
    }

    #[test]
    fn names_of_the_connection_the_signature_and_credentials_never_go_on() {
        for name in [
            "host",
            "content-length",
            "content-type",
            "webhook-id",
            "svix-signature",
            "authorization",
            "Cookie",
            "x-api-key",
            "proxy-authorization",
            "x-forwarded-for",
            "user-agent",
            "transfer-encoding",
            "set-cookie",
            "a b",
            "",
        ] {
            check(&[name], &[(name, b"1")], &[]);
        }
    }

    #[test]
    fn what_no_server_would_carry_is_left_out() {
        check(&["x-a"], &[("x-a", b"a\r\nb: c")], &[]);
        check(&["x-a"], &[("x-a", "é".as_bytes())], &[]);
        check(&["x-a"], &[("x-a", b"\xff"), ("x-a", b"ok")], &[("x-a", "ok")]);
    }

    #[test]
    fn limits_hold_in_number_and_in_bytes() {
        let names: Vec<String> = (0..ORIGINAL_HEADERS_MAX + 5).map(|n| format!("x-{n}")).collect();
        let came: Vec<_> = names.iter().map(|name| (name.clone(), b"1".to_vec())).collect();
        let headers = OriginalHeaders::choose(names.iter().map(String::as_str), &came);
        assert_eq!(headers.iter().count(), ORIGINAL_HEADERS_MAX);
        let large = [("x-l".to_owned(), vec![b'l'; ORIGINAL_HEADERS_BYTES_MAX]), ("x-s".to_owned(), vec![b's'])];
        let headers = OriginalHeaders::choose(["x-l", "x-s"], &large);
        assert_eq!(headers.pairs().collect::<Vec<_>>(), [("x-s", "s")]);
    }
}
