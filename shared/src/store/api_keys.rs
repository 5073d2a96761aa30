//! API keys: one partition for each organization, sorted by the time they were made. Of a secret its hash is kept.

use aws_sdk_dynamodb::types::ReturnValue;

use super::idempotency::{Creation, Transacted};
use super::item::{Item, ItemBuilder, Reader, number};
use super::page::Range;
use super::{Created, Store, keys};
use crate::domain::access::Role;
use crate::domain::api_key::{ApiKey, ApiKeyHash};
use crate::domain::audit::Change;
use crate::domain::ids::{ApiKeyId, OrganizationId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

fn to_item(organization: &OrganizationId, key: &ApiKey, hash: &ApiKeyHash) -> Item {
    ItemBuilder::new(keys::api_keys(organization), keys::api_key_sk(&key.id))
        .text("id", key.id.to_string())
        .text("name", &key.name)
        .text("role", key.role.as_str())
        .bytes("hash", hash.0.to_vec())
        .instant("created", key.created_at)
        .instant_if("expires", key.expires_at)
        .instant_if("used", key.used_at)
        .build()
}

fn from_item(item: &Item) -> Result<ApiKey, Fault> {
    let reader = Reader::new("API key", item);
    Ok(ApiKey {
        id: reader.parsed("id", ApiKeyId::parse)?,
        name: reader.text("name")?.to_owned(),
        role: reader.parsed("role", |text| Role::parse(text).ok())?,
        created_at: reader.instant("created")?,
        expires_at: reader.instant_if("expires")?,
        used_at: reader.instant_if("used")?,
    })
}

fn hash_of(item: &Item) -> Result<ApiKeyHash, Fault> {
    let reader = Reader::new("API key", item);
    let hash = reader.bytes_if("hash")?.and_then(|bytes| bytes.try_into().ok());
    hash.map(ApiKeyHash).ok_or_else(|| reader.corrupt("hash"))
}

impl Store {
    /// Stores a new key.
    pub async fn create_api_key(
        &self,
        organization: &OrganizationId,
        key: &ApiKey,
        hash: &ApiKeyHash,
        change: &Change,
    ) -> Result<Created, Fault> {
        Creation::new(self, organization, None, &key.id.to_string())?
            .put_new(self, to_item(organization, key, hash), Created::NameTaken)?
            .record(self, change)?
            .run(self, &format!("creating API key {}", key.id))
            .await
    }

    /// The key and the hash of its secret.
    pub async fn api_key(
        &self,
        organization: &OrganizationId,
        id: &ApiKeyId,
    ) -> Result<Option<(ApiKey, ApiKeyHash)>, Fault> {
        let (pk, sk) = (keys::api_keys(organization), keys::api_key_sk(id));
        let Some(item) = self.get(&format!("reading API key {id}"), pk, sk).await? else { return Ok(None) };
        Ok(Some((from_item(&item)?, hash_of(&item)?)))
    }

    /// A page of the organization's keys, by the time they were made.
    pub async fn list_api_keys(
        &self,
        organization: &OrganizationId,
        request: &PageRequest<ApiKeyId>,
    ) -> Result<Page<ApiKey, ApiKeyId>, Fault> {
        let range = Range::prefixed(keys::api_keys(organization), keys::API_KEY);
        let items = self.query_page("listing API keys", range, request, keys::api_key_sk).await?;
        Ok(request.page(items.iter().map(from_item).collect::<Result<_, _>>()?, |key: &ApiKey| key.id))
    }

    /// How many keys the organization has.
    pub async fn count_api_keys(&self, organization: &OrganizationId) -> Result<usize, Fault> {
        let range = Range::prefixed(keys::api_keys(organization), keys::API_KEY);
        Ok(self.query_count("counting API keys", &range, true, usize::MAX >> 1).await?.len())
    }

    /// Deletes a key; whether it was there.
    pub async fn delete_api_key(
        &self,
        organization: &OrganizationId,
        id: &ApiKeyId,
        change: &Change,
    ) -> Result<bool, Fault> {
        let step = self.delete_existing(keys::api_keys(organization), keys::api_key_sk(id))?;
        match self.transact(&format!("deleting API key {id}"), vec![step, self.record_step(change)?]).await? {
            Transacted::Done => Ok(true),
            Transacted::Failed(_) => Ok(false),
        }
    }

    /// Notes that a key was used; one that is gone stays gone.
    pub async fn note_api_key_use(
        &self,
        organization: &OrganizationId,
        id: &ApiKeyId,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let update = self
            .update(keys::api_keys(organization), keys::api_key_sk(id), "SET used = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", number(now.as_millis()))
            .return_values(ReturnValue::None);
        self.updated(&format!("noting the use of API key {id}"), update).await.map(drop)
    }
}
