//! Who calls: a bearer token (JWT, HS256) whose subject is an organization.

use axum::extract::{FromRef, FromRequestParts};
use http::header::AUTHORIZATION;
use http::request::Parts;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::config::{JwtSecret, Platform};
use crate::domain::ids::OrganizationId;
use crate::domain::timestamp::Timestamp;
use crate::effects::Effects;

/// Longest token that is looked at; an HTTP API passes no more than 10 KB of headers anyway.
const TOKEN_BYTES_MAX: usize = 8_192;

/// Clocks of issuer and checker may differ by this much, in seconds.
const LEEWAY_S: i64 = 60;

/// Who issued a token of ours.
const ISSUER: &str = "fanfare";

#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
}

/// Checks tokens. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Auth {
    key: Option<DecodingKey>,
    effects: Effects,
}

/// Who was found to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The organization whose token it is: every key begins with it.
    pub organization: OrganizationId,
}

/// Issues a token for an organization. It may do everything in that organization until it expires.
pub fn issue_token(
    secret: &JwtSecret,
    organization: &OrganizationId,
    now: Timestamp,
    lifetime_s: i64,
) -> Result<String, jsonwebtoken::errors::Error> {
    let now_s = now.as_seconds();
    let claims = Claims {
        iss: Some(ISSUER.to_owned()),
        sub: organization.to_string(),
        iat: Some(now_s),
        nbf: Some(now_s),
        exp: now_s.saturating_add(lifetime_s),
    };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.as_bytes()))
}

impl Auth {
    /// Once per process. Without a secret every token is refused.
    pub fn new(platform: &Platform) -> Self {
        let secret = platform.settings.jwt_secret.as_ref();
        let key = secret.map(|secret| DecodingKey::from_secret(secret.as_bytes()));
        Self { key, effects: platform.effects.clone() }
    }

    /// Whose token it is.
    pub fn check(&self, token: &str) -> Result<Caller, Problem> {
        const REFUSED: Problem = Problem::Unauthenticated("the bearer token is not valid");
        let key = self.key.as_ref().filter(|_| token.len() <= TOKEN_BYTES_MAX).ok_or(REFUSED)?;
        // The algorithm is ours to choose, not the token's. Times are checked below, against the clock that is passed in.
        let mut rules = Validation::new(Algorithm::HS256);
        rules.validate_exp = false;
        rules.validate_nbf = false;
        rules.validate_aud = false;
        rules.set_required_spec_claims(&["exp", "sub"]);
        let claims = jsonwebtoken::decode::<Claims>(token, key, &rules).map_err(|_| REFUSED)?.claims;
        let now_s = self.effects.now().as_seconds();
        if claims.exp.saturating_add(LEEWAY_S) <= now_s {
            return Err(Problem::Unauthenticated("the bearer token has expired"));
        }
        if claims.nbf.is_some_and(|nbf| nbf.saturating_sub(LEEWAY_S) > now_s) {
            return Err(Problem::Unauthenticated("the bearer token is not valid yet"));
        }
        let organization = OrganizationId::parse(&claims.sub).ok_or(REFUSED)?;
        Ok(Caller { organization })
    }
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Auth: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        const MISSING: Problem = Problem::Unauthenticated("send a token as authorization: Bearer ...");
        let value = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(MISSING)?;
        let (scheme, token) = value.split_once(' ').ok_or(MISSING)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(MISSING);
        }
        Auth::from_ref(state).check(token.trim())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::effects::{Clock, SystemRandom};
    use std::sync::Arc;

    struct At(i64);
    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0 * 1_000)
        }
    }

    const NOW_S: i64 = 1_764_000_000;

    fn auth(now_s: i64) -> Auth {
        let effects = Effects { clock: Arc::new(At(now_s)), random: Arc::new(SystemRandom) };
        Auth { key: Some(DecodingKey::from_secret(secret().as_bytes())), effects }
    }

    fn secret() -> JwtSecret {
        JwtSecret::parse(&"s".repeat(32)).unwrap()
    }

    fn organization() -> OrganizationId {
        OrganizationId::new(Timestamp::from_millis(NOW_S * 1_000), [1; 15])
    }

    fn signed(header: &Header, claims: &serde_json::Value, key: &[u8]) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(key)).unwrap()
    }

    #[test]
    fn a_token_of_ours_names_its_organization_until_it_expires() {
        let token = issue_token(&secret(), &organization(), Timestamp::from_millis(NOW_S * 1_000), 3_600).unwrap();
        assert_eq!(auth(NOW_S).check(&token).unwrap().organization, organization());
        assert!(auth(NOW_S + 3_600 + LEEWAY_S).check(&token).is_err());
        assert!(auth(NOW_S - LEEWAY_S - 1).check(&token).is_err());
    }

    #[test]
    fn forged_and_foreign_tokens_are_refused() {
        let subject = organization().to_string();
        let claims = serde_json::json!({ "sub": subject, "exp": NOW_S + 60 });
        let hs256 = Header::new(Algorithm::HS256);
        assert!(auth(NOW_S).check(&signed(&hs256, &claims, secret().as_bytes())).is_ok());
        let refused = [
            signed(&hs256, &claims, &[b'x'; 32]),
            signed(&Header::new(Algorithm::HS512), &claims, secret().as_bytes()),
            signed(&hs256, &serde_json::json!({ "sub": subject }), secret().as_bytes()),
            signed(&hs256, &serde_json::json!({ "exp": NOW_S + 60 }), secret().as_bytes()),
            signed(&hs256, &serde_json::json!({ "sub": "app_1", "exp": NOW_S + 60 }), secret().as_bytes()),
            // {"alg":"none"} with the same claims and no signature
            format!("eyJhbGciOiJub25lIn0.{}.", signed(&hs256, &claims, b"k").split('.').nth(1).unwrap()),
            "a.b.c".to_owned(),
            String::new(),
            "x".repeat(TOKEN_BYTES_MAX + 1),
        ];
        for token in refused {
            assert!(auth(NOW_S).check(&token).is_err(), "{token}");
        }
    }
}
