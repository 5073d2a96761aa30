//! Receivers that accept a request and never answer it, and how long they were waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;

/// All dead receivers of a bench together. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Dead(Arc<Counts>);

#[derive(Default)]
struct Counts {
    requests: AtomicUsize,
    waited_ms: AtomicU64,
}

/// Notes how long somebody waited when it is dropped, which is when the connection ends.
struct Wait {
    counts: Arc<Counts>,
    begun: Instant,
}

impl Dead {
    /// Takes a request and does not answer it.
    pub(super) fn keep_waiting(&self) -> impl Future<Output = StatusCode> + Send + use<> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let wait = Wait { counts: Arc::clone(&self.0), begun: Instant::now() };
        async move {
            let _wait = wait;
            std::future::pending().await
        }
    }

    /// Requests that were made to them.
    pub(super) fn requests(&self) -> usize {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// How long they were waited for, all requests together.
    pub(super) fn waited(&self) -> Duration {
        Duration::from_millis(self.0.waited_ms.load(Ordering::Relaxed))
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let waited_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.counts.waited_ms.fetch_add(waited_ms, Ordering::Relaxed);
    }
}
