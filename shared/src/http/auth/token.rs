//! Bearer tokens of our own (JWT, HS256), of two kinds: an organization's, which may do in it what its role says, everything unless it
//! says so, and a portal's, which is good for
//! one of its applications, within its capabilities, until it expires or is called back.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::config::JwtSecret;
use crate::domain::access::{Capability, Role};
use crate::domain::ids::{AppScope, ApplicationId, OrganizationId};
use crate::domain::names::EventTypeName;
use crate::domain::timestamp::Timestamp;
use crate::http::Problem;

/// Longest token that is looked at; an HTTP API passes no more than 10 KB of headers anyway.
pub(super) const TOKEN_BYTES_MAX: usize = 8_192;

/// Clocks of issuer and checker may differ by this much, in seconds.
pub(super) const LEEWAY_S: i64 = 60;

/// Who issued a token of ours.
const ISSUER: &str = "fanfare";

/// What a token says. An organization's has the organization as its subject; a portal's has the application, and the
/// organization beside it.
#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<OrganizationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    role: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capabilities: Option<Vec<Capability>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    feature_flags: Vec<EventTypeName>,
}

/// A role that is there is one of ours: `null` is no way to become the owner.
fn named<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Role>, D::Error> {
    Role::deserialize(deserializer).map(Some)
}

/// Whose a token was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bearer {
    Organization(OrganizationId, Role),
    Portal(Portal),
}

/// A portal's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portal {
    /// The one application it is good for.
    pub scope: AppScope,
    /// What it may do there.
    pub capabilities: Vec<Capability>,
    /// Event types that need one of these flags are shown to it.
    pub feature_flags: Vec<EventTypeName>,
    /// The token's own name, to call it back by.
    pub token_id: String,
    /// What its issuer calls the session it belongs to.
    pub session: Option<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Issues a token for an organization. It may do everything in that organization until it expires.
pub fn issue_token(
    secret: &JwtSecret,
    organization: &OrganizationId,
    now: Timestamp,
    lifetime_s: i64,
) -> Result<String, jsonwebtoken::errors::Error> {
    issue_role_token(secret, organization, Role::Owner, now, lifetime_s)
}

/// Issues a token for an organization that is good for what a role may do.
pub fn issue_role_token(
    secret: &JwtSecret,
    organization: &OrganizationId,
    role: Role,
    now: Timestamp,
    lifetime_s: i64,
) -> Result<String, jsonwebtoken::errors::Error> {
    let now_s = now.as_seconds();
    let claims = Claims {
        iss: Some(ISSUER.to_owned()),
        sub: organization.to_string(),
        org: None,
        iat: Some(now_s),
        nbf: Some(now_s),
        exp: now_s.saturating_add(lifetime_s),
        jti: None,
        sid: None,
        role: Some(role).filter(|role| *role != Role::Owner),
        capabilities: None,
        feature_flags: Vec::new(),
    };
    sign(secret, &claims)
}

/// Issues a portal's token.
pub(super) fn issue_portal_token(secret: &JwtSecret, portal: &Portal) -> Result<String, jsonwebtoken::errors::Error> {
    let claims = Claims {
        iss: Some(ISSUER.to_owned()),
        sub: portal.scope.application.to_string(),
        org: Some(portal.scope.organization),
        iat: Some(portal.issued_at.as_seconds()),
        nbf: Some(portal.issued_at.as_seconds()),
        exp: portal.expires_at.as_seconds(),
        jti: Some(portal.token_id.clone()),
        sid: portal.session.clone(),
        role: None,
        capabilities: Some(portal.capabilities.clone()),
        feature_flags: portal.feature_flags.clone(),
    };
    sign(secret, &claims)
}

fn sign(secret: &JwtSecret, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes()))
}

/// Whose token it is, by its signature and its times.
pub(super) fn check(key: &DecodingKey, token: &str, now: Timestamp) -> Result<Bearer, Problem> {
    const REFUSED: Problem = Problem::Unauthenticated("the bearer token is not valid");
    if token.len() > TOKEN_BYTES_MAX {
        return Err(REFUSED);
    }
    // The algorithm is ours to choose, not the token's. Times are checked below, against the clock that is passed in.
    let mut rules = Validation::new(Algorithm::HS256);
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules.set_required_spec_claims(&["exp", "sub"]);
    let claims = jsonwebtoken::decode::<Claims>(token, key, &rules).map_err(|_| REFUSED)?.claims;
    let now_s = now.as_seconds();
    if claims.exp.saturating_add(LEEWAY_S) <= now_s {
        return Err(Problem::Unauthenticated("the bearer token has expired"));
    }
    if claims.nbf.is_some_and(|nbf| nbf.saturating_sub(LEEWAY_S) > now_s) {
        return Err(Problem::Unauthenticated("the bearer token is not valid yet"));
    }
    if let Some(organization) = OrganizationId::parse(&claims.sub) {
        // Whoever signs with the secret owns the organization, unless the token says less.
        return Ok(Bearer::Organization(organization, claims.role.unwrap_or(Role::Owner)));
    }
    // A portal's token has all of this, or it is none of ours.
    let application = ApplicationId::parse(&claims.sub).ok_or(REFUSED)?;
    Ok(Bearer::Portal(Portal {
        scope: AppScope { organization: claims.org.ok_or(REFUSED)?, application },
        capabilities: claims.capabilities.ok_or(REFUSED)?,
        feature_flags: claims.feature_flags,
        token_id: claims.jti.ok_or(REFUSED)?,
        session: claims.sid,
        issued_at: claims.iat.map(|iat| Timestamp::from_millis(iat.saturating_mul(1_000))).ok_or(REFUSED)?,
        expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1_000)),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    const NOW_S: i64 = 1_764_000_000;

    fn check_at(now_s: i64, token: &str) -> Result<Bearer, Problem> {
        check(&DecodingKey::from_secret(secret().as_bytes()), token, at(now_s))
    }

    fn at(now_s: i64) -> Timestamp {
        Timestamp::from_millis(now_s * 1_000)
    }

    fn secret() -> JwtSecret {
        JwtSecret::parse(&"s".repeat(32)).unwrap()
    }

    fn organization() -> OrganizationId {
        OrganizationId::new(at(NOW_S), [1; 15])
    }

    fn application() -> ApplicationId {
        ApplicationId::new(at(NOW_S), [2; 15])
    }

    fn signed(header: &Header, claims: &serde_json::Value, key: &[u8]) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(key)).unwrap()
    }

    #[test]
    fn a_token_of_ours_names_its_organization_until_it_expires() {
        let token = issue_token(&secret(), &organization(), at(NOW_S), 3_600).unwrap();
        assert_eq!(check_at(NOW_S, &token).unwrap(), Bearer::Organization(organization(), Role::Owner));
        assert!(check_at(NOW_S + 3_600 + LEEWAY_S, &token).is_err());
        assert!(check_at(NOW_S - LEEWAY_S - 1, &token).is_err());
    }

    #[test]
    fn a_token_may_be_good_for_less_than_everything() {
        for role in Role::ALL {
            let token = issue_role_token(&secret(), &organization(), role, at(NOW_S), 3_600).unwrap();
            assert_eq!(check_at(NOW_S, &token).unwrap(), Bearer::Organization(organization(), role));
        }
        let claims = serde_json::json!({ "sub": organization(), "exp": NOW_S + 60, "role": "god" });
        assert!(check_at(NOW_S, &signed(&Header::new(Algorithm::HS256), &claims, secret().as_bytes())).is_err());
    }

    #[test]
    fn a_portal_token_comes_back_as_it_was() {
        let portal = Portal {
            scope: AppScope { organization: organization(), application: application() },
            capabilities: vec![Capability::ViewBase, Capability::ManageEndpoint],
            feature_flags: vec![EventTypeName::parse("beta").unwrap()],
            token_id: "one".to_owned(),
            session: Some("s".to_owned()),
            issued_at: at(NOW_S),
            expires_at: at(NOW_S + 3_600),
        };
        let token = issue_portal_token(&secret(), &portal).unwrap();
        assert_eq!(check_at(NOW_S, &token).unwrap(), Bearer::Portal(portal));
        assert!(check_at(NOW_S + 3_600 + LEEWAY_S, &token).is_err());
    }

    #[test]
    fn forged_and_foreign_tokens_are_refused() {
        let subject = organization().to_string();
        let claims = serde_json::json!({ "sub": subject, "exp": NOW_S + 60 });
        let hs256 = Header::new(Algorithm::HS256);
        assert!(check_at(NOW_S, &signed(&hs256, &claims, secret().as_bytes())).is_ok());
        let refused = [
            signed(&hs256, &claims, &[b'x'; 32]),
            signed(&Header::new(Algorithm::HS512), &claims, secret().as_bytes()),
            signed(&hs256, &serde_json::json!({ "sub": subject }), secret().as_bytes()),
            signed(&hs256, &serde_json::json!({ "exp": NOW_S + 60 }), secret().as_bytes()),
            signed(&hs256, &serde_json::json!({ "sub": "app_1", "exp": NOW_S + 60 }), secret().as_bytes()),
            // {"alg":"none"} with the same claims and no signature
            format!("eyJhbGciOiJub25lIn0.{}.", signed(&hs256, &claims, b"k").split('.').nth(1).unwrap()),
            signed(&hs256, &serde_json::json!({ "sub": application(), "exp": NOW_S + 60 }), secret().as_bytes()),
            "a.b.c".to_owned(),
            String::new(),
            "x".repeat(TOKEN_BYTES_MAX + 1),
        ];
        for token in refused {
            assert!(check_at(NOW_S, &token).is_err(), "{token}");
        }
    }
}
