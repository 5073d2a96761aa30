//! Certificates that a provider's signatures are held against, fetched from the provider and kept for a while.
//!
//! The address comes with the request, and the domain lets only the provider's own hosts through. It is fetched as webhooks are
//! delivered: over TLS, behind the address guard, without redirects, within limits. Several requests may fetch the same one at
//! the same time; that is rare, and does no harm.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::config::Platform;
use crate::domain::timestamp::Timestamp;
use crate::domain::url::EndpointUrl;
use crate::fault::Fault;
use crate::sender::{Sender, SenderSettings};

/// How long the provider has: the door has 20 s in all, and must still accept what it was asked to.
const FETCH_TIMEOUT_MS: u32 = 5_000;

/// Largest certificate, its chain included. PayPal's are below 8 KiB.
const CERTIFICATE_BYTES_MAX: usize = 64 * 1024;

/// Certificates that are kept. A provider has one at a time, and a new one once a year.
const CERTIFICATES_MAX: usize = 16;

/// How long one is kept: much shorter than it is valid, so that one that was called back is soon forgotten.
const KEPT_MS: i64 = 3_600_000;

/// Cheap to clone; one per process.
#[derive(Clone)]
pub(super) struct Certificates {
    sender: Sender,
    known: Arc<Mutex<HashMap<String, (Timestamp, Bytes)>>>,
}

impl Certificates {
    pub(super) fn new(platform: &Platform) -> Self {
        let settings = SenderSettings {
            request_timeout_ms: FETCH_TIMEOUT_MS,
            allowed_subnets: platform.settings.allowed_subnets.clone(),
            https_only: true,
        };
        Self { sender: Sender::new(&settings, platform.network.clone()), known: Arc::default() }
    }

    /// What stands at this address.
    pub(super) async fn get(&self, at: &str, now: Timestamp) -> Result<Bytes, Fault> {
        let is_fresh = |since: &Timestamp| now.millis_since(*since) < KEPT_MS;
        if let Some((_, known)) = self.known().get(at).filter(|(since, _)| is_fresh(since)) {
            return Ok(known.clone());
        }
        let url = EndpointUrl::parse(at)
            .map_err(|reason| Fault::corrupt_because("reading the address of a certificate", reason))?;
        let fetched = self.sender.fetch(&url, CERTIFICATE_BYTES_MAX).await;
        fetched.map_err(|reason| Fault::unavailable("fetching a provider's certificate", reason))
    }

    /// Keeps one that was found to be good.
    pub(super) fn keep(&self, at: String, certificate: Bytes, now: Timestamp) {
        let mut known = self.known();
        if known.len() >= CERTIFICATES_MAX && !known.contains_key(&at) {
            known.clear();
        }
        let entry = known.entry(at).or_insert_with(|| (now, certificate.clone()));
        if now.millis_since(entry.0) >= KEPT_MS {
            *entry = (now, certificate);
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Timestamp, Bytes)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
