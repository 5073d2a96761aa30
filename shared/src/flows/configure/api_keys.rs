//! API keys: made, listed and deleted. What a key is good for is decided where callers are told apart.
//!
//! A key's secret is shown once, in the answer that makes it, and cannot be shown again; so making one does not honour idempotency
//! keys. A request that is repeated because its answer was lost leaves a key that nobody knows: it is listed, and can be deleted.

use super::Configure;
use crate::domain::access::Role;
use crate::domain::api_key::{API_KEY_SECRET_BYTES, API_KEYS_PER_ORGANIZATION_MAX, ApiKey, ApiKeySecret};
use crate::domain::audit::{Author, Changed, Operation};
use crate::domain::ids::{ApiKeyId, OrganizationId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::flows::{Refusal, Thing};
use crate::store::Created;

/// A key that is to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// For people.
    pub name: String,
    /// What it lets its bearer do.
    pub role: Role,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

const NO_KEY: Refusal = Refusal::NotFound(Thing::ApiKey);

impl Configure {
    /// Makes a key; with its text, which nobody sees again.
    pub async fn create_api_key(&self, by: &Author, new: NewApiKey) -> Result<(ApiKey, String), Refusal> {
        let organization = &by.organization;
        if self.store.count_api_keys(organization).await? >= API_KEYS_PER_ORGANIZATION_MAX {
            return Err(Refusal::LimitReached(format!(
                "an organization may have {API_KEYS_PER_ORGANIZATION_MAX} API keys"
            )));
        }
        let now = self.effects.now();
        let mut bytes = [0; API_KEY_SECRET_BYTES];
        self.effects.random.fill(&mut bytes);
        let secret = ApiKeySecret::new(bytes);
        let key = ApiKey {
            id: ApiKeyId::new(now, self.effects.random.id_tail()),
            name: new.name,
            role: new.role,
            created_at: now,
            expires_at: new.expires_at,
            used_at: None,
        };
        let change = self.audit.of(by, Operation::ApiKeyCreate, Changed::created(&key));
        match self.store.create_api_key(organization, &key, &secret.hash(), &change).await? {
            Created::New => {
                let text = secret.to_text(organization, &key.id);
                Ok((key, text))
            }
            _ => Err(Refusal::Fault(Fault::unavailable("creating an API key", "its identifier is taken"))),
        }
    }

    /// One key.
    pub async fn api_key(&self, organization: &OrganizationId, id: &ApiKeyId) -> Result<ApiKey, Refusal> {
        Ok(self.store.api_key(organization, id).await?.ok_or(NO_KEY)?.0)
    }

    /// A page of the organization's keys.
    pub async fn list_api_keys(
        &self,
        organization: &OrganizationId,
        request: &PageRequest<ApiKeyId>,
    ) -> Result<Page<ApiKey, ApiKeyId>, Refusal> {
        Ok(self.store.list_api_keys(organization, request).await?)
    }

    /// Deletes a key. It is refused as soon as no function remembers it any more.
    pub async fn delete_api_key(&self, by: &Author, id: &ApiKeyId) -> Result<(), Refusal> {
        let organization = &by.organization;
        let key = self.api_key(organization, id).await?;
        let change = self.audit.of(by, Operation::ApiKeyDelete, Changed::deleted(&key));
        match self.store.delete_api_key(organization, id, &change).await? {
            true => Ok(()),
            false => Err(NO_KEY),
        }
    }
}
