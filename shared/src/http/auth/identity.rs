//! Tokens of an identity provider (OpenID Connect): signed with one of its published keys, for us, and saying which organization
//! and which role their bearer has.
//!
//! The key decides the algorithm, not the token: an RSA key takes RS256 only, a P-256 key ES256, an Ed25519 key EdDSA. So a token
//! that is "signed" by the text of a public key, or with no algorithm at all, meets no verifier. Keys and addresses that a token
//! brings along (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::token::LEEWAY_S;
use crate::config::OidcSettings;
use crate::domain::access::Role;
use crate::domain::ids::OrganizationId;
use crate::domain::timestamp::Timestamp;
use crate::http::Problem;

/// Smallest RSA key whose signatures count, in bytes of its modulus: 2,048 bits (NIST SP 800-57).
const RSA_BYTES_MIN: usize = 256;

/// Longest subject that is put on record.
const SUBJECT_CHARS_MAX: usize = 255;

const REFUSED: Problem = Problem::Unauthenticated("the bearer token is not valid");

/// Who an identity provider says its bearer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) organization: OrganizationId,
    pub(super) role: Role,
    pub(super) subject: String,
}

/// The name of the key that a token says it is signed with; none: it is no token that a provider's key could have signed.
pub(super) fn key_name(header: &Header) -> Option<&str> {
    let is_ours_to_check = matches!(header.alg, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA);
    header.kid.as_deref().filter(|_| is_ours_to_check)
}

/// What a token says, if it is signed with this key, for us, and now.
pub(super) fn check(settings: &OidcSettings, key: &Jwk, token: &str, now: Timestamp) -> Result<Identity, Problem> {
    let algorithm = algorithm_of(key).ok_or(REFUSED)?;
    let verifier = DecodingKey::from_jwk(key).map_err(|_| REFUSED)?;
    // Times, issuer and audience are checked below: against the clock that is passed in, and all of them required.
    let mut rules = Validation::new(algorithm);
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Claims>(token, &verifier, &rules).map_err(|_| REFUSED)?.claims;
    claims.check_times(now)?;
    if claims.text("iss") != Some(&settings.issuer) || !claims.is_for(&settings.audience) {
        return Err(REFUSED);
    }
    let subject = claims.text("sub").filter(|text| (1..=SUBJECT_CHARS_MAX).contains(&text.chars().count()));
    let organization = claims.text(&settings.organization_claim).and_then(OrganizationId::parse);
    let role = claims.text(&settings.role_claim).and_then(|text| Role::parse(text).ok());
    match (organization, role) {
        (Some(organization), Some(role)) => {
            Ok(Identity { organization, role, subject: subject.ok_or(REFUSED)?.to_owned() })
        }
        _ => Err(Problem::Unauthenticated("the bearer token does not say its organization and its role")),
    }
}

/// The one algorithm that this key takes; none: it takes none that we do.
fn algorithm_of(key: &Jwk) -> Option<Algorithm> {
    let (algorithm, name) = match &key.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            let modulus = BASE64.decode(rsa.n.trim_end_matches('=')).ok()?;
            let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
            (bytes >= RSA_BYTES_MIN).then_some((Algorithm::RS256, KeyAlgorithm::RS256))?
        }
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let is_for_signing = key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let is_for_algorithm = key.common.key_algorithm.is_none_or(|own| own == name);
    (is_for_signing && is_for_algorithm).then_some(algorithm)
}

/// What a token says, each thing once. Two readers may understand a claim that stands there twice in two ways.
struct Claims(BTreeMap<String, Value>);

impl Claims {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// An instant in seconds (RFC 7519, 2); some issuers write fractions.
    fn seconds(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value.as_i64().or_else(|| value.as_f64().filter(|seconds| seconds.is_finite()).map(|s| s as i64));
        seconds.map(Some).ok_or(REFUSED)
    }

    fn check_times(&self, now: Timestamp) -> Result<(), Problem> {
        let now_s = now.as_seconds();
        let expires = self.seconds("exp")?.ok_or(REFUSED)?;
        if expires.saturating_add(LEEWAY_S) <= now_s {
            return Err(Problem::Unauthenticated("the bearer token has expired"));
        }
        if self.seconds("nbf")?.is_some_and(|nbf| nbf.saturating_sub(LEEWAY_S) > now_s) {
            return Err(Problem::Unauthenticated("the bearer token is not valid yet"));
        }
        Ok(())
    }

    fn is_for(&self, audience: &str) -> bool {
        match self.0.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;

        impl<'de> Visitor<'de> for Once {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
                let mut claims = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom("a claim stands there twice"));
                    }
                }
                Ok(Claims(claims))
            }
        }

        deserializer.deserialize_map(Once)
    }
}
