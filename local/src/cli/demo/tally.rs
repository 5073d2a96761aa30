//! What one receiver saw. Signatures are checked with the official Standard Webhooks library, not with our own code.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use hdrhistogram::Histogram;
use http::HeaderMap;
use serde_json::Value;
use standardwebhooks::{HEADER_WEBHOOK_ID, Webhook};

use super::scenario::Clock;

/// Latencies up to a minute, to three digits.
const LATENCY_US_MAX: u64 = 60_000_000;

/// What one receiver saw.
pub(super) struct Tally {
    verifier: OnceLock<Webhook>,
    clock: Arc<Clock>,
    seen: Mutex<Seen>,
}

/// By message number, as it stands in the payload.
pub(super) struct Seen {
    /// Requests for each message.
    pub(super) requests: HashMap<usize, usize>,
    /// Messages that were taken.
    pub(super) taken: HashSet<usize>,
    /// Times a message was taken again.
    pub(super) repeats: usize,
    /// The `webhook-id`s that came with each message; there should be one.
    pub(super) ids: HashMap<usize, HashSet<String>>,
    /// Requests whose signature did not verify.
    pub(super) forged: usize,
    /// From the publisher's request to the first request for the message.
    pub(super) latency_us: Histogram<u64>,
}

/// One request among those for its message.
pub(super) struct Noted {
    pub(super) number: usize,
    pub(super) count: usize,
}

impl Tally {
    pub(super) fn new(clock: Arc<Clock>) -> anyhow::Result<Self> {
        let seen = Seen {
            requests: HashMap::new(),
            taken: HashSet::new(),
            repeats: 0,
            ids: HashMap::new(),
            forged: 0,
            latency_us: Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)?,
        };
        Ok(Self { verifier: OnceLock::new(), clock, seen: Mutex::new(seen) })
    }

    /// The endpoint's secret, as its owner got it from the API.
    pub(super) fn set_secret(&self, secret: &str) -> anyhow::Result<()> {
        let _only_once = self.verifier.set(Webhook::new(secret)?);
        Ok(())
    }

    /// Notes a request.
    pub(super) fn note(&self, headers: &HeaderMap, body: &[u8]) -> Noted {
        let is_genuine = self.verifier.get().is_some_and(|verifier| verifier.verify(body, headers).is_ok());
        let payload: Value = serde_json::from_slice(body).unwrap_or_default();
        let number = payload["data"]["n"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        let id = headers.get(HEADER_WEBHOOK_ID).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
        let latency_us = self.clock.since_sent_us(number);
        let mut seen = self.seen();
        seen.forged += usize::from(!is_genuine);
        seen.ids.entry(number).or_default().insert(id.unwrap_or_default());
        let count = seen.requests.entry(number).or_default();
        *count += 1;
        let count = *count;
        if count == 1 {
            seen.latency_us.saturating_record(latency_us);
        }
        Noted { number, count }
    }

    /// Notes that a message was answered with success.
    pub(super) fn note_taken(&self, number: usize) {
        let mut seen = self.seen();
        if !seen.taken.insert(number) {
            seen.repeats += 1;
        }
    }

    /// Different messages taken.
    pub(super) fn delivered(&self) -> usize {
        self.seen().taken.len()
    }

    /// Requests received.
    pub(super) fn requests(&self) -> usize {
        self.seen().requests.values().sum()
    }

    /// Everything. Hold it briefly: the receiver waits.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
