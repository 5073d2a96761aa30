//! The gateway's running tasks, and the two steps in which they end: first nothing new is begun, then nothing goes on.

use std::future::Future;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts tasks and ends them together. Clones belong to the same gateway.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
    ended: CancellationToken,
}

impl Tasks {
    /// None running yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a future to its end, or until the gateway ends: then the result is `None`.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let ended = self.ended.clone();
        self.tracker.spawn(async move { ended.run_until_cancelled_owned(future).await })
    }

    /// Waits until nothing new is to be begun.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Whether nothing new is to be begun.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// First step: nothing new is begun.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Waits, after [`Tasks::stop`], for the end of everything that had begun.
    pub async fn wait(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Second step: whatever still runs is dropped where it stands.
    pub fn end(&self) {
        self.stop();
        self.ended.cancel();
    }
}
