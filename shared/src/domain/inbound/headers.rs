//! The headers of a request, and how a scheme asks for one: by name, once, and of a bounded length.

use super::Rejected;
use crate::domain::Invalid;

/// Longest value a scheme reads. The longest real one is PayPal's or that of a rotation with several signatures, some
/// hundred bytes.
const VALUE_BYTES_MAX: usize = 4_096;

/// Longest name that a source may be told to read.
const NAME_BYTES_MAX: usize = 128;

/// Names whose values are credentials: they may hold a signature, but nothing that is passed on.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-api-key"];

/// The headers of a request, as they came.
#[derive(Clone, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl<N: Into<String>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Names only: values may be credentials.
impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Headers {
    /// The value of a header that is there at most once, in visible ASCII.
    pub(super) fn get(&self, name: &str) -> Result<Option<&str>, Rejected> {
        let mut values = self.0.iter().filter(|(each, _)| each.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Rejected::Repeated(name.to_owned()));
        }
        let is_visible = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        let text = std::str::from_utf8(value).ok().map(str::trim);
        text.filter(|text| text.len() <= VALUE_BYTES_MAX && text.as_bytes().iter().all(is_visible))
            .map(Some)
            .ok_or_else(|| Rejected::Malformed(name.to_owned()))
    }

    /// The value of a header that the scheme needs.
    pub(super) fn require(&self, name: &str) -> Result<&str, Rejected> {
        self.get(name)?.ok_or_else(|| Rejected::Missing(name.to_owned()))
    }
}

/// The name of a header that the owner of a source says where to find something.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HeaderName(String);

impl HeaderName {
    /// Checks the name; it is kept in lower case.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_token) {
            return Err(Invalid::new(format!("must be a header name of at most {NAME_BYTES_MAX} characters")));
        }
        Ok(Self(name.to_ascii_lowercase()))
    }

    /// In lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its value is a credential by its name.
    pub(super) fn is_credential(&self) -> bool {
        CREDENTIALS.contains(&self.as_str())
    }
}

impl TryFrom<String> for HeaderName {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        Self::parse(&name)
    }
}

impl From<HeaderName> for String {
    fn from(name: HeaderName) -> Self {
        name.0
    }
}
