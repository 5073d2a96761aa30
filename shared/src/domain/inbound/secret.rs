//! What a source verifies with, checked for its provider: a shared secret, or the provider's public key.

use aws_lc_rs::signature::ParsedPublicKey;

use crate::domain::Invalid;

/// Longest secret as text. Shared secrets have some 30 to 100 characters; a P-256 key of SendGrid has 124.
const TEXT_BYTES_MAX: usize = 512;

/// Random bytes of a secret that we make.
pub const GENERATED_SECRET_BYTES: usize = 32;

/// What one source verifies with. Never prints itself.
#[derive(Clone)]
pub struct InboundSecret {
    text: String,
    key: Key,
}

/// As the schemes need it.
#[derive(Clone)]
pub(super) enum Key {
    /// The provider has the same: the key of an HMAC, a token, or a name and a password.
    Shared(Vec<u8>),
    /// The provider has the private half.
    Public(ParsedPublicKey),
}

impl InboundSecret {
    /// The text that [`super::Provider::check_secret`] takes: for the store, and for the owner who asks for it.
    pub fn as_text(&self) -> &str {
        &self.text
    }

    /// Any text: the key is its bytes.
    pub(super) fn of_text(text: &str) -> Result<Self, Invalid> {
        Self::shared(text, |text| Some(text.as_bytes().to_vec()), "must be text")
    }

    /// A shared secret whose key is written in the text.
    pub(super) fn shared(
        text: &str,
        decode: impl Fn(&str) -> Option<Vec<u8>>,
        form: &'static str,
    ) -> Result<Self, Invalid> {
        must_be_short(text)?;
        let key = decode(text).filter(|key| !key.is_empty()).ok_or_else(|| Invalid::new(form))?;
        Ok(Self { text: text.to_owned(), key: Key::Shared(key) })
    }

    /// The public half of a key pair.
    pub(super) fn public(
        text: &str,
        decode: impl Fn(&str) -> Option<ParsedPublicKey>,
        form: &'static str,
    ) -> Result<Self, Invalid> {
        must_be_short(text)?;
        let key = decode(text).ok_or_else(|| Invalid::new(form))?;
        Ok(Self { text: text.to_owned(), key: Key::Public(key) })
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }
}

/// Visible ASCII: what is pasted with a blank or a line break behind it is not the secret.
fn must_be_short(text: &str) -> Result<(), Invalid> {
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if text.is_empty() || text.len() > TEXT_BYTES_MAX || !is_visible || text.trim() != text {
        return Err(Invalid::new(format!(
            "a secret must be 1 to {TEXT_BYTES_MAX} visible ASCII characters, without blanks around them"
        )));
    }
    Ok(())
}

impl PartialEq for InboundSecret {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for InboundSecret {}

impl std::fmt::Debug for InboundSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InboundSecret(…)")
    }
}
