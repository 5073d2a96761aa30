//! Public keys on the wire: a JSON Web Key Set.

use serde::Serialize;

use crate::domain::public_key::PublicKey;

/// A set of keys (RFC 7517, section 5).
#[derive(Debug, Serialize)]
pub struct JwksOut {
    keys: Vec<JwkOut>,
}

/// An ed25519 key (RFC 8037, section 2).
#[derive(Debug, Serialize)]
pub struct JwkOut {
    kty: &'static str,
    crv: &'static str,
    x: String,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: String,
}

impl From<Vec<PublicKey>> for JwksOut {
    fn from(keys: Vec<PublicKey>) -> Self {
        Self { keys: keys.into_iter().map(JwkOut::from).collect() }
    }
}

impl From<PublicKey> for JwkOut {
    fn from(key: PublicKey) -> Self {
        Self { kty: "OKP", crv: "Ed25519", x: key.x, usage: "sig", alg: "EdDSA", kid: key.key_id }
    }
}
