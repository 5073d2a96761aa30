//! Payloads in the bucket, sealed where the operator wants them to be: the table's keys, around the bucket's bytes.

use crate::blobs::{Blobs, payload_name};
use crate::config::Platform;
use crate::domain::ids::{AppScope, MessageId};
use crate::domain::message::{ContentHash, Message, Payload, PayloadPlace};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::store::Store;

/// What the name of a sealed object ends with.
const SEALED: &str = ".sealed";

/// Where payloads are that do not fit into their message's item. Cheap to clone.
#[derive(Clone)]
pub struct Payloads {
    store: Store,
    blobs: Blobs,
    is_sealed: bool,
}

impl Payloads {
    /// Of messages in this store.
    pub fn new(platform: &Platform, store: &Store) -> Self {
        let blobs = Blobs::new(&platform.sdk, &platform.settings.bucket);
        Self { store: store.clone(), blobs, is_sealed: platform.keys.seals_payloads() }
    }

    /// Stores a message's payload; where it is from now on. Twice is as good as once: a repeat has the same name, and opens to the
    /// same bytes.
    pub(super) async fn put(
        &self,
        scope: &AppScope,
        id: &MessageId,
        hash: &ContentHash,
        payload: &Payload,
        now: Timestamp,
    ) -> Result<PayloadPlace, Fault> {
        let (name, plain) = (payload_name(scope, id, hash), payload.as_str().as_bytes());
        let (name, bytes) = match self.is_sealed {
            true => {
                let name = format!("{name}{SEALED}");
                let sealed = self.store.seal_bytes(&scope.organization, &name, plain, now).await?;
                (name, sealed)
            }
            false => (name, plain.to_vec()),
        };
        self.blobs.put_payload(&name, bytes).await?;
        Ok(PayloadPlace::Blob(name))
    }

    /// Takes back what was put under this name.
    pub(super) async fn delete(&self, name: &str) -> Result<(), Fault> {
        self.blobs.delete_payload(name).await
    }

    /// A message's payload, wherever it is; none: it was removed, or its key was erased.
    pub async fn of(&self, scope: &AppScope, message: &Message) -> Result<Option<Payload>, Fault> {
        let name = match &message.payload {
            PayloadPlace::Here(payload) => return Ok(Some(payload.clone())),
            PayloadPlace::Blob(name) => name,
            PayloadPlace::Expunged => return Ok(None),
        };
        let bytes = self.blobs.payload(name).await?;
        let bytes = match name.ends_with(SEALED) {
            true => self.store.open_bytes(&scope.organization, name, &bytes).await?,
            false => Some(bytes),
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let action = || format!("reading the payload of message {}", message.id);
        let text = String::from_utf8(bytes).map_err(|error| Fault::corrupt_because(action(), error))?;
        Payload::from_text(text).map(Some).map_err(|error| Fault::corrupt_because(action(), error))
    }
}
