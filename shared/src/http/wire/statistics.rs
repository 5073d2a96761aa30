//! Statistics of an endpoint on the wire.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::statistics::{AttemptCounts, DeliveryCounts};

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
}

impl From<DeliveryCounts> for EndpointStatsOut {
    fn from(counts: DeliveryCounts) -> Self {
        Self {
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
