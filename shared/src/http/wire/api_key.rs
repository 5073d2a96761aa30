//! API keys on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::Role;
use crate::domain::api_key::{API_KEY_NAME_BYTES_MAX, ApiKey};
use crate::domain::ids::ApiKeyId;
use crate::domain::timestamp::Timestamp;
use crate::flows::configure::NewApiKey;
use crate::http::Problem;

// What the schemas below say in figures.
const _: () = assert!(API_KEY_NAME_BYTES_MAX == 256);

/// A key that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyIn {
    /// For people. Its length counts in bytes of UTF-8.
    #[schema(min_length = 1, max_length = 256)]
    name: String,
    /// What the key lets its bearer do.
    role: Role,
    /// When it ends by itself; left out: never.
    expires_at: Option<Timestamp>,
}

impl ApiKeyIn {
    /// Checked as a whole.
    pub fn into_new(self, now: Timestamp) -> Result<NewApiKey, Problem> {
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(Problem::field(&["body", "expiresAt"], "must be in the future"));
        }
        let name = super::checked_text("name", self.name, 1..=API_KEY_NAME_BYTES_MAX)?;
        Ok(NewApiKey { name, role: self.role, expires_at: self.expires_at })
    }
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyOut {
    /// Its identifier.
    id: ApiKeyId,
    /// For people.
    name: String,
    /// What it lets its bearer do.
    role: Role,
    /// When it was made.
    created_at: Timestamp,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// When it was last used, to the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
}

impl From<ApiKey> for ApiKeyOut {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            role: key.role,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.used_at,
        }
    }
}

/// A key that was just made: the only time its text is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyCreatedOut {
    #[serde(flatten)]
    shown: ApiKeyOut,
    /// What is sent as bearer token.
    key: String,
}

impl ApiKeyCreatedOut {
    /// With the key's text.
    pub fn new(key: ApiKey, text: String) -> Self {
        Self { shown: key.into(), key: text }
    }
}
