//! A delivery: one message for one endpoint. What it needs to go on ([`DeliveryTask`]), and what happens to it after an
//! attempt ([`next_step`]): decided here, performed by the `deliver` flow.

use super::Invalid;
use super::attempt::{AttemptStatus, Outcome, Trigger};
use super::ids::{AppScope, EndpointId, MessageId};
use super::message::{Message, Payload};
use super::names::{Channel, EventTypeName, OrderingKey, Tag};
use super::original_headers::OriginalHeaders;
use super::schedule::RetrySchedule;
use super::timestamp::Timestamp;
use super::trace::TraceParent;

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
    /// Copied from the message, for the attempt's record.
    pub tags: Vec<Tag>,
    /// Copied from the message: sent with the attempt.
    pub headers: OriginalHeaders,
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
    /// Deliveries of the message stop then.
    pub deliver_before: Option<Timestamp>,
    /// Somebody waits for just this attempt: it does not wait for a better time itself.
    pub is_urgent: bool,
    /// How often this attempt was postponed.
    pub postponed: u16,
    /// The rate limits that have granted this attempt.
    pub granted: Granted,
    /// Its place in the line of its ordering key, when the endpoint wants such messages one after the other.
    pub place: Option<LinePlace>,
    /// The step that asked for the delivery: all of its attempts belong to that trace.
    pub trace: Option<TraceParent>,
}

/// The rate limits that have granted an attempt: it was postponed until the time they named, and need not ask again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// The endpoint's.
    pub by_endpoint: bool,
    /// The application's.
    pub by_application: bool,
}

/// A place in the line of messages that an endpoint wants in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePlace {
    /// Which line of the endpoint's.
    pub key: OrderingKey,
    /// Where in it: smaller is earlier.
    pub number: u64,
}

impl DeliveryTask {
    /// An attempt of this message for one endpoint; the payload is to be read from where it is kept.
    pub fn new(scope: &AppScope, message: &Message, endpoint: EndpointId, number: u16, trigger: Trigger) -> Self {
        Self {
            scope: *scope,
            endpoint,
            message: message.id,
            event_type: message.event_type.clone(),
            channels: message.channels.clone(),
            tags: message.tags.clone(),
            headers: message.headers.clone(),
            number,
            trigger,
            expires_at: message.expires_at,
            payload: None,
            is_repeat: false,
            deliver_before: message.deliver_before,
            is_urgent: false,
            postponed: 0,
            granted: Granted::default(),
            place: None,
            trace: None,
        }
    }

    /// The attempt after this one.
    pub fn next(&self, payload: Option<Payload>) -> Self {
        Self {
            number: self.number.saturating_add(1),
            payload,
            is_repeat: true,
            postponed: 0,
            granted: Granted::default(),
            ..self.clone()
        }
    }

    /// This attempt, to be made later. What was postponed may be queued twice.
    pub fn postponed(&self, granted: Granted) -> Self {
        let postponed = self.postponed.saturating_add(u16::from(granted == Granted::default()));
        Self { is_repeat: true, postponed, granted, ..self.clone() }
    }

    /// Whether the time in which it may be delivered is over. What a person asked for has no such time.
    pub fn is_too_late(&self, at: Timestamp) -> bool {
        self.trigger == Trigger::Scheduled && self.deliver_before.is_some_and(|before| at >= before)
    }
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// The receiver has the message.
    Success,
    /// No attempt was made yet.
    Pending,
    /// Every attempt failed and no other is planned.
    Fail,
    /// Every attempt failed and the next one is planned.
    Sending,
    /// It was called off before it was finished.
    Canceled,
}

impl DeliveryStatus {
    /// All of them, by their numbers.
    pub const ALL: [Self; 5] = [Self::Success, Self::Pending, Self::Fail, Self::Sending, Self::Canceled];

    /// The status of this number in the API.
    pub fn parse(number: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|status| status.number().to_string() == number);
        found.ok_or_else(|| Invalid::new("must be 0 (success), 1 (pending), 2 (fail), 3 (sending) or 4 (canceled)"))
    }

    /// Its number in the API.
    pub fn number(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Pending => 1,
            Self::Fail => 2,
            Self::Sending => 3,
            Self::Canceled => 4,
        }
    }

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Pending => "pending",
            Self::Fail => "fail",
            Self::Sending => "sending",
            Self::Canceled => "canceled",
        }
    }
}

/// The status of an attempt among those of deliveries: attempts are only recorded when they are over.
impl From<AttemptStatus> for DeliveryStatus {
    fn from(status: AttemptStatus) -> Self {
        match status {
            AttemptStatus::Success => Self::Success,
            AttemptStatus::Fail => Self::Fail,
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

impl NextStep {
    /// The same, unless the next attempt would come after the message's deadline.
    pub fn within(self, now: Timestamp, deliver_before: Option<Timestamp>) -> Self {
        match (self, deliver_before) {
            (Self::Retry { delay_ms }, Some(before))
                if delay_ms >= u64::try_from(before.millis_since(now)).unwrap_or(0) =>
            {
                Self::GiveUp
            }
            _ => self,
        }
    }
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
    fn no_attempt_is_planned_behind_the_deadline() {
        let now = Timestamp::from_millis(1_000);
        let retry = NextStep::Retry { delay_ms: 500 };
        assert_eq!(retry.within(now, None), retry);
        assert_eq!(retry.within(now, Some(now.plus_millis(501))), retry);
        assert_eq!(retry.within(now, Some(now.plus_millis(500))), NextStep::GiveUp);
        assert_eq!(retry.within(now, Some(Timestamp::from_millis(0))), NextStep::GiveUp);
        assert_eq!(NextStep::Done.within(now, Some(now)), NextStep::Done);
    }

    #[test]
    fn gone_ends_the_endpoint() {
        check(answered(410), 1, Trigger::Scheduled, NextStep::EndpointGone);
        check(answered(410), 1, Trigger::Manual, NextStep::EndpointGone);
    }
}
