//! Data keys: an organization's are listed, replaced and erased.

use super::Configure;
use crate::domain::audit::{Author, Changed, Operation};
use crate::domain::encryption::DataKeyRecord;
use crate::domain::ids::OrganizationId;
use crate::flows::Refusal;
use crate::store::DATA_KEYS_MAX;

impl Configure {
    /// What is known of the organization's keys, oldest first; none, while it has nothing to seal.
    pub async fn data_keys(&self, organization: &OrganizationId) -> Result<Vec<DataKeyRecord>, Refusal> {
        Ok(self.store.data_keys(organization).await?)
    }

    /// Seals what is written from now on with a new key. Twice makes two, and the second is the one that counts.
    pub async fn rotate_data_key(&self, by: &Author) -> Result<DataKeyRecord, Refusal> {
        let organization = &by.organization;
        let change = |made: &DataKeyRecord| self.audit.of(by, Operation::EncryptionKeyRotate, Changed::created(made));
        let made = self.store.rotate_data_key(organization, self.effects.now(), change).await?;
        made.ok_or_else(|| Refusal::LimitReached(format!("an organization may have had {DATA_KEYS_MAX} data keys")))
    }

    /// Erases all of the organization's keys, and so everything that is sealed with them. Cut short, a repeat erases the rest.
    pub async fn erase_data_keys(&self, by: &Author) -> Result<(), Refusal> {
        let organization = &by.organization;
        let change = |before: &DataKeyRecord, after: &DataKeyRecord| {
            self.audit.of(by, Operation::EncryptionKeyErase, Changed::between(before, after))
        };
        Ok(self.store.erase_data_keys(organization, self.effects.now(), change).await?)
    }
}
