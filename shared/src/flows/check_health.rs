//! Asking whether the gateway works: whether the table and the delivery queue answer, which is what every message needs.
//!
//! Anybody may ask, as often as they like. So what was found counts for [`KNOWN_MS`], and whoever asks meanwhile, or while somebody
//! is finding out, gets the same answer: a process asks AWS once in that time, however often it is asked itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::config::Platform;
use crate::domain::timestamp::Timestamp;
use crate::effects::Effects;
use crate::fault::Fault;
use crate::queue::QueueProbe;
use crate::store::Store;

/// How long an answer counts: monitors ask every ten seconds or less often, and what they are told is no older than that.
const KNOWN_MS: i64 = 5_000;

/// How long a part has to answer, all tries together. What takes longer is of no use to a caller either.
const LIMIT: Duration = Duration::from_secs(3);

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct CheckHealth {
    store: Store,
    queue: QueueProbe,
    effects: Effects,
    known: Arc<Mutex<Option<(Timestamp, Health)>>>,
}

/// Which parts answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether the table does.
    pub has_table: bool,
    /// Whether the delivery queue does.
    pub has_queue: bool,
}

impl CheckHealth {
    /// Once per process.
    pub fn new(platform: &Platform, store: &Store) -> Self {
        Self {
            store: store.clone(),
            queue: QueueProbe::new(&platform.sdk, &platform.settings.delivery_queue_url),
            effects: platform.effects.clone(),
            known: Arc::default(),
        }
    }

    /// How it is, or was a moment ago.
    pub async fn run(&self) -> Health {
        let mut known = self.known.lock().await;
        let now = self.effects.now();
        match *known {
            Some((at, health)) if (0..KNOWN_MS).contains(&now.millis_since(at)) => health,
            _ => {
                let health = self.look().await;
                *known = Some((now, health));
                health
            }
        }
    }

    async fn look(&self) -> Health {
        let table = answers("table", self.store.check());
        let queue = answers("queue", self.queue.check());
        let (has_table, has_queue) = futures_util::future::join(table, queue).await;
        Health { has_table, has_queue }
    }
}

async fn answers(part: &'static str, check: impl Future<Output = Result<(), Fault>>) -> bool {
    match tokio::time::timeout(LIMIT, check).await {
        Ok(Ok(())) => true,
        Ok(Err(fault)) => {
            tracing::warn!(engine = part, error = fault.chain(), "the health check failed");
            false
        }
        Err(_) => {
            tracing::warn!(engine = part, "the health check got no answer in time");
            false
        }
    }
}
