//! Watches an import to its end.

use std::time::{Duration, Instant};

use super::calls::{self, Standing};
use super::client::Client;
use super::progress::Progress;

/// Time between two looks.
const LOOK_PERIOD: Duration = Duration::from_millis(500);
/// How long an import is watched. It goes on without us.
const WATCH_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How the import stands when it is over.
pub(super) async fn to_the_end(client: &Client, id: &str) -> anyhow::Result<Standing> {
    let begun = Instant::now();
    let progress = Progress::import();
    while begun.elapsed() < WATCH_MAX {
        let standing = calls::look(client, id).await?;
        if standing.is_over() {
            progress.end();
            return Ok(standing);
        }
        progress.show(standing.bytes_read, standing.size, &format!("{}, {}", standing.status, standing.counts()));
        tokio::time::sleep(LOOK_PERIOD).await;
    }
    anyhow::bail!("{id} is not over after a day; it goes on by itself")
}
