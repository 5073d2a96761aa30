//! Waiting for what happens by itself: looks again and again, with one deadline for all of them.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The longest anything is waited for: far more than it takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(15);

/// Looks until there is something to return; `what` is what the test failed to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun_at = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begun_at.elapsed() < DEADLINE, "not seen within {DEADLINE:?}: {what}");
        sleep(PAUSE).await;
    }
}
