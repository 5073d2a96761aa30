//! What is counted about an endpoint, and over which time.

use super::Invalid;
use super::attempt::AttemptStatus;
use super::background::{CLOCK_SLACK_MS, USAGE_DAYS_MAX, Window};
use super::delivery::DeliveryStatus;
use super::timestamp::{MS_PER_DAY, Timestamp};

/// The window a caller asks for at `now`; by default all that is counted.
pub fn window(since: Option<Timestamp>, until: Option<Timestamp>, now: Timestamp) -> Result<Window, Invalid> {
    let earliest = now.plus_millis(-USAGE_DAYS_MAX * MS_PER_DAY);
    let latest = now.plus_millis(CLOCK_SLACK_MS);
    let (since, until) = (since.unwrap_or(earliest), until.unwrap_or(latest));
    if since < earliest.plus_millis(-CLOCK_SLACK_MS) {
        return Err(Invalid::new(format!("since must not be more than {USAGE_DAYS_MAX} days ago")));
    }
    if until > latest {
        return Err(Invalid::new("until must not be in the future"));
    }
    if since >= until {
        return Err(Invalid::new("since must be before until"));
    }
    Ok(Window { since, until })
}

/// Deliveries by how they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// [`DeliveryStatus::Success`].
    pub success: u64,
    /// [`DeliveryStatus::Pending`].
    pub pending: u64,
    /// [`DeliveryStatus::Sending`].
    pub sending: u64,
    /// [`DeliveryStatus::Fail`].
    pub fail: u64,
    /// [`DeliveryStatus::Canceled`].
    pub canceled: u64,
    /// Those that ended without being delivered, and without an attempt that says so. One that was attempted before, or since,
    /// is also counted by how it stands.
    pub undelivered: u64,
}

impl DeliveryCounts {
    /// Counts one.
    pub fn add(&mut self, status: DeliveryStatus) {
        let count = match status {
            DeliveryStatus::Success => &mut self.success,
            DeliveryStatus::Pending => &mut self.pending,
            DeliveryStatus::Fail => &mut self.fail,
            DeliveryStatus::Sending => &mut self.sending,
            DeliveryStatus::Canceled => &mut self.canceled,
        };
        *count += 1;
    }
}

/// Attempts by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptCounts {
    /// [`AttemptStatus::Success`].
    pub success: u64,
    /// [`AttemptStatus::Fail`].
    pub fail: u64,
}

impl AttemptCounts {
    /// Counts one.
    pub fn add(&mut self, status: AttemptStatus) {
        match status {
            AttemptStatus::Success => self.success += 1,
            AttemptStatus::Fail => self.fail += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(since_ms: Option<i64>, until_ms: Option<i64>, is_fine: bool) {
        let now = Timestamp::from_millis(1_764_000_000_000);
        let instant = |ms: Option<i64>| ms.map(|ms| now.plus_millis(ms));
        let window = window(instant(since_ms), instant(until_ms), now);
        assert_eq!(window.is_ok(), is_fine, "{since_ms:?} to {until_ms:?}: {window:?}");
    }

    #[test]
    fn a_window_lies_within_the_last_28_days() {
        check(None, None, true);
        check(Some(-MS_PER_DAY), None, true);
        check(Some(-28 * MS_PER_DAY - CLOCK_SLACK_MS), Some(CLOCK_SLACK_MS), true);
        check(Some(-28 * MS_PER_DAY - CLOCK_SLACK_MS - 1), None, false);
        check(None, Some(CLOCK_SLACK_MS + 1), false);
        check(Some(-MS_PER_DAY), Some(-MS_PER_DAY), false);
        check(Some(-MS_PER_DAY), Some(-2 * MS_PER_DAY), false);
        check(None, Some(-29 * MS_PER_DAY), false);
    }

    #[test]
    fn without_bounds_it_is_all_of_them_up_to_now() {
        let now = Timestamp::from_millis(1_764_000_000_000);
        let window = window(None, None, now);
        let is_all = window.map(|window| (now.millis_since(window.since), window.until > now));
        assert_eq!(is_all, Ok((USAGE_DAYS_MAX * MS_PER_DAY, true)));
    }
}
