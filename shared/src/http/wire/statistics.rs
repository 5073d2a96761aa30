//! Statistics of an endpoint on the wire.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::gate::Gate;
use crate::domain::statistics::{AttemptCounts, DeliveryCounts};
use crate::domain::timestamp::Timestamp;

/// Deliveries by how they stand.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointStatsOut {
    /// The receiver has the message.
    success: u64,
    /// No attempt was made yet; these are not counted, and it is 0.
    pending: u64,
    /// Every attempt failed so far, and another one is planned.
    sending: u64,
    /// Every attempt failed, and no other is planned.
    fail: u64,
    /// It was called off.
    canceled: u64,
    /// Ended without being delivered, and without an attempt that says so. One that was attempted before, or since, is also
    /// counted by how it stands.
    undelivered: u64,
    /// What keeps deliveries back at this moment.
    receiver: ReceiverOut,
}

/// What is known about a receiver now, whatever range was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiverOut {
    /// Its circuit breaker: `closed`; `open`, so that deliveries wait; or `half-open`, so that the next one is the test.
    #[schema(value_type = String)]
    breaker: &'static str,
    /// Since when the breaker is not closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    open_since: Option<Timestamp>,
    /// When the next delivery may be the test.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    open_until: Option<Timestamp>,
    /// How often it opened since it was last closed.
    openings: u32,
    /// Until when the receiver asked to be left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    paused_until: Option<Timestamp>,
    /// Invocations that wait for its slow answers.
    waiting: usize,
}

impl ReceiverOut {
    fn new(gate: &Gate, now: Timestamp) -> Self {
        let breaker = &gate.breaker;
        Self {
            breaker: breaker.state(now).as_str(),
            open_since: breaker.opened_at,
            open_until: breaker.open_until,
            openings: breaker.openings,
            paused_until: gate.pause_until.filter(|until| *until > now),
            waiting: gate.held(now),
        }
    }
}

impl EndpointStatsOut {
    /// Counts, and the receiver's state now.
    pub fn new(counts: DeliveryCounts, gate: &Gate, now: Timestamp) -> Self {
        Self {
            receiver: ReceiverOut::new(gate, now),
            success: counts.success,
            pending: counts.pending,
            sending: counts.sending,
            fail: counts.fail,
            canceled: counts.canceled,
            undelivered: counts.undelivered,
        }
    }
}

/// Attempts by how they ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointAttemptStatsOut {
    /// The receiver answered 2xx.
    success: u64,
    /// Anything else.
    fail: u64,
    /// It was called off; attempts are not, and it is 0.
    canceled: u64,
}

impl From<AttemptCounts> for EndpointAttemptStatsOut {
    fn from(counts: AttemptCounts) -> Self {
        // An attempt that is called off is not made and leaves no record.
        Self { success: counts.success, fail: counts.fail, canceled: 0 }
    }
}
