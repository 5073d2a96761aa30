//! Expunging: a payload or a receiver's answer is removed before its time; what happened stays on record.
//!
//! The record first, then the object in the bucket. Cut short in between, the caller has no answer, and asking again does the
//! rest: the record keeps the object's name. What is on its way meanwhile is the `deliver` flow's concern.

use super::{Refusal, Thing};
use crate::blobs::Blobs;
use crate::config::Platform;
use crate::domain::ids::{AppScope, AttemptId};
use crate::store::{MessageRef, Store};

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct Expunge {
    store: Store,
    blobs: Blobs,
}

impl Expunge {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self {
            store: Store::new(&platform.sdk, &platform.settings.table, &platform.keys),
            blobs: Blobs::new(&platform.sdk, &platform.settings.bucket),
        }
    }

    /// Removes a message's payload.
    pub async fn message(&self, scope: &AppScope, named: &MessageRef) -> Result<(), Refusal> {
        let not_found = || Refusal::NotFound(Thing::Message);
        let message = self.store.message(scope, named).await?.ok_or_else(not_found)?;
        let object = self.store.expunge_message(scope, &message).await?.ok_or_else(not_found)?;
        match object {
            Some(name) => Ok(self.blobs.delete_payload(&name).await?),
            None => Ok(()),
        }
    }

    /// Removes the receiver's answer to an attempt of a message.
    pub async fn attempt(&self, scope: &AppScope, named: &MessageRef, attempt: &AttemptId) -> Result<(), Refusal> {
        let message = self.store.message(scope, named).await?.ok_or(Refusal::NotFound(Thing::Message))?;
        match self.store.expunge_attempt(scope, &message.id, attempt).await? {
            true => Ok(()),
            false => Err(Refusal::NotFound(Thing::Attempt)),
        }
    }
}
