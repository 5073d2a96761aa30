//! The public keys of the identity provider, fetched from where it publishes them and kept for a while.
//!
//! They are fetched as webhooks are delivered: over TLS, behind the address guard, without redirects, within limits. A key that is not
//! among those that are kept makes us look again, at most once a minute, so that made-up key names cost the provider
//! nothing. While the provider does not answer, what is kept goes on, for a day.

use std::sync::{Arc, Mutex, PoisonError};

use jsonwebtoken::jwk::{Jwk, JwkSet};

use crate::config::Platform;
use crate::domain::timestamp::Timestamp;
use crate::domain::url::EndpointUrl;
use crate::effects::Effects;
use crate::fault::Fault;
use crate::sender::{Sender, SenderSettings};

/// How long the provider has.
const FETCH_TIMEOUT_MS: u32 = 5_000;

/// Largest set of keys. Large providers publish a few kilobytes.
const KEY_SET_BYTES_MAX: usize = 256 * 1024;

/// Keys of a set that are kept.
const KEYS_MAX: usize = 100;

/// How long a set is taken as it is. A key that the provider withdraws is refused so much later at most.
const FRESH_MS: i64 = 60 * 60 * 1_000;

/// How long a set goes on while the provider does not answer.
const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long we wait before we look for a key again that was not there.
const LOOK_AGAIN_MS: i64 = 60 * 1_000;

/// How long a provider that did not answer is left alone, while we have nothing of it.
const FAILED_PAUSE_MS: i64 = 5_000;

/// Cheap to clone; one per process.
#[derive(Clone)]
pub struct IdentityKeys {
    sender: Sender,
    url: EndpointUrl,
    effects: Effects,
    known: Arc<Mutex<Known>>,
    /// One look at a time: the others wait for what it finds.
    look: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Known {
    keys: Vec<Arc<Jwk>>,
    /// When they were fetched.
    since: Option<Timestamp>,
    /// When we last tried.
    tried: Option<Timestamp>,
}

impl IdentityKeys {
    /// The keys that are published at this address.
    pub fn new(platform: &Platform, url: EndpointUrl) -> Self {
        let settings = SenderSettings {
            request_timeout_ms: FETCH_TIMEOUT_MS,
            allowed_subnets: platform.settings.allowed_subnets.clone(),
            https_only: platform.settings.https_only,
        };
        Self {
            sender: Sender::new(&settings, platform.network.clone()),
            url,
            effects: platform.effects.clone(),
            known: Arc::default(),
            look: Arc::default(),
        }
    }

    /// The key of this name; none: the provider has no such key. A fault: nobody knows, for the provider does not answer.
    pub async fn find(&self, name: &str) -> Result<Option<Arc<Jwk>>, Fault> {
        if let Some(found) = self.settled(name) {
            return Ok(found);
        }
        let _one_at_a_time = self.look.lock().await;
        if let Some(found) = self.settled(name) {
            return Ok(found);
        }
        let now = self.effects.now();
        if self.known().has_just_failed(now) {
            return Err(Fault::unavailable("fetching the identity provider's keys", "it did not answer a moment ago"));
        }
        self.known().tried = Some(now);
        match self.fetch().await {
            Ok(keys) => {
                let mut known = self.known();
                known.keys = keys;
                known.since = Some(now);
                Ok(known.key(name))
            }
            Err(fault) => {
                let known = self.known();
                match known.key(name).filter(|_| known.is_within(KEPT_MS, now)) {
                    Some(key) => {
                        tracing::warn!(
                            error = fault.chain(),
                            "the identity provider's keys could not be fetched; the old ones go on"
                        );
                        Ok(Some(key))
                    }
                    None => Err(fault),
                }
            }
        }
    }

    /// What is certain without a look: the key is there and fresh, or it is not and we have looked just now.
    fn settled(&self, name: &str) -> Option<Option<Arc<Jwk>>> {
        let (known, now) = (self.known(), self.effects.now());
        let has_just_tried = known.tried.is_some_and(|at| now.millis_since(at) < LOOK_AGAIN_MS);
        match known.key(name) {
            Some(key) if known.is_within(FRESH_MS, now) => Some(Some(key)),
            Some(key) if has_just_tried && known.is_within(KEPT_MS, now) => Some(Some(key)),
            None if has_just_tried && known.since.is_some() => Some(None),
            _ => None,
        }
    }

    async fn fetch(&self) -> Result<Vec<Arc<Jwk>>, Fault> {
        let action = "fetching the identity provider's keys";
        let bytes = self.sender.fetch(&self.url, KEY_SET_BYTES_MAX).await;
        let bytes = bytes.map_err(|reason| Fault::unavailable(action, reason))?;
        let set: JwkSet = serde_json::from_slice(&bytes).map_err(|error| Fault::unavailable(action, error))?;
        Ok(set.keys.into_iter().take(KEYS_MAX).map(Arc::new).collect())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn key(&self, name: &str) -> Option<Arc<Jwk>> {
        self.keys.iter().find(|key| key.common.key_id.as_deref() == Some(name)).cloned()
    }

    /// Whether there is nothing to go on with, and no use in asking at this moment.
    fn has_just_failed(&self, now: Timestamp) -> bool {
        self.since.is_none() && self.tried.is_some_and(|at| now.millis_since(at) < FAILED_PAUSE_MS)
    }

    fn is_within(&self, ms: i64, now: Timestamp) -> bool {
        self.since.is_some_and(|since| now.millis_since(since) < ms)
    }
}
