//! Public keys as others read them: a JSON Web Key (RFC 7517, 8037) named by its thumbprint (RFC 7638).

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// An ed25519 public key, in the text form that a JSON Web Key has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The 32 bytes, base64url without padding.
    pub x: String,
    /// The thumbprint: SHA-256 over the members that make the key, base64url without padding.
    pub key_id: String,
}

impl PublicKey {
    /// The key of these bytes.
    pub fn ed25519(bytes: &[u8]) -> Self {
        let x = URL_SAFE_NO_PAD.encode(bytes);
        // The members a key of this type requires, in the order of their names, without white space.
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let key_id = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, members.as_bytes()));
        Self { x, key_id }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 8037, appendix A.2 and A.3.
    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let key = PublicKey::ed25519(&URL_SAFE_NO_PAD.decode(x).unwrap());
        assert_eq!((key.x.as_str(), key.key_id.as_str()), (x, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    }
}
