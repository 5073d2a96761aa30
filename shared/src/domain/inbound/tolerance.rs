//! How old a signed request may be: what is signed with its time cannot be sent again later by somebody who saw it.

use super::Rejected;
use crate::domain::timestamp::Timestamp;

/// Five minutes, as Stripe, Slack, Zoom and Standard Webhooks document it. The same towards the future: clocks differ, and
/// a request that is from the future by more is a mistake or a trick.
pub const TOLERANCE_SECONDS_DEFAULT: u32 = 300;

/// Longest tolerance a source may be given. A provider that signs a retry with the time of the first attempt needs more than
/// the default; beyond a day the time protects from nothing.
pub const TOLERANCE_SECONDS_MAX: u32 = 86_400;

/// Refuses what was signed too long before now, or after it.
pub(super) fn must_be_recent(signed_at: Timestamp, now: Timestamp, tolerance_seconds: u32) -> Result<(), Rejected> {
    let tolerance_ms = i64::from(tolerance_seconds) * 1_000;
    match now.millis_since(signed_at) {
        age_ms if age_ms > tolerance_ms => Err(Rejected::TooOld),
        age_ms if age_ms < -tolerance_ms => Err(Rejected::FromFuture),
        _ => Ok(()),
    }
}

/// Decimal digits, nothing else: a sign or a blank would be another text with the same meaning.
pub(super) fn parse_seconds(text: &str) -> Option<Timestamp> {
    parse_digits(text).map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000)))
}

/// As [`parse_seconds`], for milliseconds.
pub(super) fn parse_millis(text: &str) -> Option<Timestamp> {
    parse_digits(text).map(Timestamp::from_millis)
}

fn parse_digits(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}
