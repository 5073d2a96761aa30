//! A delivery: one message for one endpoint. What it needs to go on ([`DeliveryTask`]), and what happens to it after an
//! attempt ([`next_step`]): decided here, performed by the `deliver` flow.

use super::attempt::{Attempt, Outcome, Trigger};
use super::ids::{AppScope, EndpointId, MessageId};
use super::message::Payload;
use super::names::{Channel, EventTypeName};
use super::schedule::RetrySchedule;
use super::timestamp::Timestamp;

/// One attempt that is to be made: what travels through the delivery queue and waits in the due index.
#[derive(Clone, Debug)]
pub struct DeliveryTask {
    /// Whose.
    pub scope: AppScope,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// Which message.
    pub message: MessageId,
    /// Copied from the message, for the attempt's record.
    pub event_type: EventTypeName,
    /// Copied from the message, for the attempt's record.
    pub channels: Vec<Channel>,
    /// Which attempt this will be, from 1.
    pub number: u16,
    /// What caused it.
    pub trigger: Trigger,
    /// After this the message is forgotten, and its attempts with it.
    pub expires_at: Timestamp,
    /// What is delivered, when it is small enough to travel along; otherwise it is read from where it is kept.
    pub payload: Option<Payload>,
    /// This task was queued before, perhaps: look whether the attempt was already made before making it.
    pub is_repeat: bool,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// The receiver has it.
    Success,
    /// No attempt was made yet.
    Pending,
    /// It failed, and no attempt is planned.
    Fail,
    /// It failed so far; another attempt is planned.
    Sending,
    /// It was called off before the first attempt.
    Canceled,
}

impl DeliveryStatus {
    /// The status of this number in the API.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Success, Self::Pending, Self::Fail, Self::Sending, Self::Canceled].get(usize::from(number)).copied()
    }

    /// How a delivery with these attempts stands, oldest first.
    pub fn of(attempts: &[Attempt]) -> Self {
        match attempts.last() {
            None => Self::Pending,
            Some(_) if attempts.iter().any(|attempt| attempt.outcome.is_success()) => Self::Success,
            Some(last) if last.next_attempt_at.is_some() => Self::Sending,
            Some(_) => Self::Fail,
        }
    }
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// The receiver has it.
    Done,
    /// Try again after this delay.
    Retry {
        /// From the end of the attempt.
        delay_ms: u64,
    },
    /// No attempt is left; the delivery has failed.
    GiveUp,
    /// The receiver said 410 Gone: this delivery has failed and the endpoint wants no others.
    EndpointGone,
}

/// Decides the next step after attempt `number` (from 1). `jitter` is uniform in 0..1.
pub fn next_step(outcome: &Outcome, number: u16, trigger: Trigger, schedule: &RetrySchedule, jitter: f64) -> NextStep {
    if outcome.is_success() {
        return NextStep::Done;
    }
    let retry_after_ms = match outcome {
        Outcome::Answered { status: 410, .. } => return NextStep::EndpointGone,
        Outcome::Answered { retry_after_ms, .. } => *retry_after_ms,
        Outcome::TimedOut { .. } | Outcome::Unreachable { .. } | Outcome::Forbidden { .. } => None,
    };
    if trigger == Trigger::Manual {
        return NextStep::GiveUp;
    }
    match schedule.delay_ms(number, jitter, retry_after_ms) {
        Some(delay_ms) => NextStep::Retry { delay_ms },
        None => NextStep::GiveUp,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn answered(status: u16) -> Outcome {
        Outcome::Answered { status, body: String::new(), retry_after_ms: None }
    }

    #[track_caller]
    fn check(outcome: Outcome, number: u16, trigger: Trigger, expected: NextStep) {
        let schedule = RetrySchedule::parse("5,300").unwrap();
        assert_eq!(next_step(&outcome, number, trigger, &schedule, 0.5), expected);
    }

    #[test]
    fn only_2xx_is_success_and_redirects_are_failures() {
        for status in [200, 204, 299] {
            check(answered(status), 1, Trigger::Scheduled, NextStep::Done);
        }
        for status in [199, 300, 301, 404, 500] {
            check(answered(status), 1, Trigger::Scheduled, NextStep::Retry { delay_ms: 5_000 });
        }
    }

    #[test]
    fn the_schedule_ends_and_manual_attempts_have_none() {
        check(Outcome::TimedOut { limit_ms: 1 }, 2, Trigger::Scheduled, NextStep::Retry { delay_ms: 300_000 });
        check(Outcome::TimedOut { limit_ms: 1 }, 3, Trigger::Scheduled, NextStep::GiveUp);
        check(Outcome::Unreachable { reason: String::new() }, 1, Trigger::Manual, NextStep::GiveUp);
    }

    #[test]
    fn gone_ends_the_endpoint() {
        check(answered(410), 1, Trigger::Scheduled, NextStep::EndpointGone);
        check(answered(410), 1, Trigger::Manual, NextStep::EndpointGone);
    }
}
