//! Public keys on the wire: a JSON Web Key Set.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::public_key::PublicKey;

/// A set of keys (RFC 7517, section 5).
#[derive(Debug, Serialize, ToSchema)]
pub struct JwksOut {
    /// Those of the application's endpoints that sign now.
    keys: Vec<JwkOut>,
}

/// An ed25519 key (RFC 8037, section 2).
#[derive(Debug, Serialize, ToSchema)]
pub struct JwkOut {
    /// `OKP`.
    #[schema(value_type = String)]
    kty: &'static str,
    /// `Ed25519`.
    #[schema(value_type = String)]
    crv: &'static str,
    /// The key's 32 bytes, base64url without padding.
    x: String,
    /// `sig`.
    #[serde(rename = "use")]
    #[schema(value_type = String)]
    usage: &'static str,
    /// `EdDSA`.
    #[schema(value_type = String)]
    alg: &'static str,
    /// The key's thumbprint (RFC 7638).
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
