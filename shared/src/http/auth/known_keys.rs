//! API keys that were looked up lately: a caller that comes again does not cost a read. A key that is deleted is refused as soon as
//! it is forgotten here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::api_key::{ApiKey, ApiKeyHash};
use crate::domain::ids::{ApiKeyId, OrganizationId};
use crate::domain::timestamp::Timestamp;

/// How long a key is believed to be as it was: so long a deleted one may still be taken.
pub const API_KEY_BELIEVED_MS: i64 = 30_000;

/// Keys that are remembered.
const KNOWN_MAX: usize = 1_000;

type Entry = (Arc<(ApiKey, ApiKeyHash)>, Timestamp);

#[derive(Clone, Default)]
pub(super) struct KnownKeys(Arc<Mutex<BTreeMap<(OrganizationId, ApiKeyId), Entry>>>);

impl KnownKeys {
    pub(super) fn get(
        &self,
        organization: &OrganizationId,
        id: &ApiKeyId,
        now: Timestamp,
    ) -> Option<Arc<(ApiKey, ApiKeyHash)>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (key, since) = known.get(&(*organization, *id))?;
        (now.millis_since(*since) < API_KEY_BELIEVED_MS).then(|| Arc::clone(key))
    }

    pub(super) fn put(&self, organization: &OrganizationId, key: Arc<(ApiKey, ApiKeyHash)>, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.retain(|_, (_, since)| now.millis_since(*since) < API_KEY_BELIEVED_MS);
        }
        // Still full: more keys than this are in use within half a minute. They cost a read each, as if nothing was kept.
        if known.len() < KNOWN_MAX {
            known.insert((*organization, key.0.id), (key, now));
        }
    }
}
