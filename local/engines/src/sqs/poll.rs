//! Receiving, and waiting for something to receive.
//!
//! A waiting poll sleeps on its queue's bell, which rings with every arrival, so a message is on its way within
//! microseconds. What comes without a bell has a time: the end of the next delay is known and slept for; the end of a
//! lease is looked for every second, because most leases end by a delete and not by time.
//!
//! Whether something is due is asked of the injected clock; sleeping is Tokio's. The wait is over when either says so.

use std::time::Duration;

use tokio::time::Instant;

use super::Sqs;
use super::book::{Delivered, Taken};
use super::error::SqsError;

/// How often a poll looks for leases that ran out.
const LOOK_FOR_LEASES: Duration = Duration::from_secs(1);

/// A request to receive, already checked.
#[derive(Debug)]
pub(crate) struct Poll {
    pub(crate) queue: String,
    pub(crate) count: usize,
    /// None: the queue's own.
    pub(crate) visibility_s: Option<u64>,
    /// None: the queue's own.
    pub(crate) wait_s: Option<u64>,
}

impl Sqs {
    /// Hands out what there is, waiting for it if the poll says so; nothing when the wait is over.
    pub(crate) async fn receive(&self, poll: &Poll) -> Result<Vec<Delivered>, SqsError> {
        let started_ms = self.now_ms();
        let (arrivals, wait_s) = {
            let mut book = self.book();
            let queue = book.queue(&poll.queue, started_ms)?;
            (queue.arrivals.clone(), poll.wait_s.unwrap_or(queue.settings.wait_s))
        };
        let (deadline, deadline_ms) = (Instant::now() + Duration::from_secs(wait_s), started_ms + wait_s * 1000);
        loop {
            let arrival = arrivals.notified();
            tokio::pin!(arrival);
            // Listening begins before looking, so that nothing arrives unheard between the two.
            arrival.as_mut().enable();
            let now_ms = self.now_ms();
            let (taken, look_again) = self.look(poll, now_ms)?;
            if !taken.is_empty() {
                return taken.complete().await;
            }
            if Instant::now() >= deadline || now_ms >= deadline_ms {
                return Ok(Vec::new());
            }
            let until = look_again.map_or(deadline, |pause| deadline.min(Instant::now() + pause));
            tokio::select! {
                () = arrival => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    /// Takes what there is; if there is nothing, says after what pause it is worth looking again without a bell.
    fn look(&self, poll: &Poll, now_ms: u64) -> Result<(Taken, Option<Duration>), SqsError> {
        let mut book = self.book();
        let taken = book.take(&poll.queue, poll.count, poll.visibility_s, now_ms)?;
        let queue = book.queue(&poll.queue, now_ms)?;
        let next_delayed = queue.next_delayed_ms().map(|due_ms| Duration::from_millis(due_ms.saturating_sub(now_ms)));
        let next_lease = (queue.counts().in_flight > 0).then_some(LOOK_FOR_LEASES);
        Ok((taken, [next_delayed, next_lease].into_iter().flatten().min()))
    }
}
