//! Statistics of an endpoint on the wire.

use serde::Serialize;

use crate::domain::statistics::{AttemptCounts, DeliveryCounts};

/// Deliveries by how they stand.
#[derive(Debug, Serialize)]
pub struct EndpointStatsOut {
    success: u64,
    pending: u64,
    sending: u64,
    fail: u64,
    canceled: u64,
}

impl From<DeliveryCounts> for EndpointStatsOut {
    fn from(counts: DeliveryCounts) -> Self {
        Self {
            success: counts.success,
            pending: counts.pending,
            sending: counts.sending,
            fail: counts.fail,
            canceled: counts.canceled,
        }
    }
}

/// Attempts by how they ended.
#[derive(Debug, Serialize)]
pub struct EndpointAttemptStatsOut {
    success: u64,
    fail: u64,
    canceled: u64,
}

impl From<AttemptCounts> for EndpointAttemptStatsOut {
    fn from(counts: AttemptCounts) -> Self {
        // An attempt that is called off is not made and leaves no record.
        Self { success: counts.success, fail: counts.fail, canceled: 0 }
    }
}
