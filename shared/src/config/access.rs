//! Settings about who may call: the secret behind tokens, an identity provider, pages in browsers.

use super::table::{JWT_SECRET_BYTES_MIN, rows};
use super::values::{SettingsError, Values, invalid};
use crate::domain::url::EndpointUrl;

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcSettings {
    /// What it calls itself.
    pub issuer: String,
    /// Where it publishes its keys.
    pub jwks_url: EndpointUrl,
    /// What it calls this gateway.
    pub audience: String,
    /// The claim that names the organization.
    pub organization_claim: String,
    /// The claim that names the role.
    pub role_claim: String,
}

impl OidcSettings {
    /// None without an address of keys. With one, issuer and audience are needed: a token that is for others is not for us.
    pub(super) fn read(values: &Values<impl Fn(&str) -> Option<String>>) -> Result<Option<Self>, SettingsError> {
        let address = |text: &str| EndpointUrl::parse(text).map_err(|reason| reason.0);
        let Some(jwks_url) = values.parse_if_any(&rows::OIDC_JWKS_URL, address)? else { return Ok(None) };
        let needed =
            |row| values.text_if_any(row).ok_or_else(|| invalid(row, "must be set, because an address of keys is"));
        Ok(Some(Self {
            issuer: needed(&rows::OIDC_ISSUER)?,
            jwks_url,
            audience: needed(&rows::OIDC_AUDIENCE)?,
            organization_claim: values.text(&rows::OIDC_ORGANIZATION_CLAIM)?,
            role_claim: values.text(&rows::OIDC_ROLE_CLAIM)?,
        }))
    }
}

/// Whose pages may use the API in a browser. Callers are told by bearer tokens, which a browser never sends by itself, so a page gains
/// nothing by being allowed that it could not do elsewhere with the token it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Nobody's.
    None,
    /// Everybody's.
    All,
    /// These ones'.
    These(Vec<String>),
}

impl Origins {
    /// `*`, or origins as browsers send them: `https://portal.example.com`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::All);
        }
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let origin = |part: &str| match url::Url::parse(part) {
            Ok(url) if ["http", "https"].contains(&url.scheme()) && url.origin().ascii_serialization() == part => {
                Ok(part.to_owned())
            }
            _ => Err(format!("holds {part:?}, which is not an origin such as https://portal.example.com")),
        };
        Ok(Self::These(parts.map(origin).collect::<Result<_, _>>()?))
    }
}

/// The secret behind bearer tokens. Does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct JwtSecret(String);

impl JwtSecret {
    /// Takes a text of at least [`JWT_SECRET_BYTES_MIN`] bytes.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() < JWT_SECRET_BYTES_MIN {
            return Err(format!("must be at least {JWT_SECRET_BYTES_MIN} bytes long"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The key. Never log it.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for JwtSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JwtSecret(…)")
    }
}
