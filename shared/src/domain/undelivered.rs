//! A delivery that ended without being delivered, and without an attempt that says so: nothing is skipped silently. Each
//! leaves a record, one for a message and an endpoint; a later one takes the place of an earlier.
//!
//! A record says how things stood at its time. An attempt that was made since (somebody had it sent again) says more.

use super::attempt::{Attempt, Trigger};
use super::delivery::DeliveryTask;
use super::ids::{EndpointId, MessageId, UndeliveredId};
use super::names::{Channel, EventTypeName, Tag};
use super::timestamp::Timestamp;

/// A delivery that ended before it was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// Of which message.
    pub message: MessageId,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// When it ended.
    pub at: Timestamp,
    /// Why.
    pub reason: UndeliveredBecause,
    /// The attempt that was to be made, from 1.
    pub number: u16,
    /// What was to cause it.
    pub trigger: Trigger,
    /// Copied from the message, so records can be listed by it.
    pub event_type: EventTypeName,
    /// Copied from the message, so records can be listed by it.
    pub channels: Vec<Channel>,
    /// Copied from the message, so records can be listed by it.
    pub tags: Vec<Tag>,
}

impl Undelivered {
    /// What is on record when this task ends so.
    pub fn of(task: &DeliveryTask, reason: UndeliveredBecause, at: Timestamp) -> Self {
        Self {
            message: task.message,
            endpoint: task.endpoint,
            at,
            reason,
            number: task.number,
            trigger: task.trigger,
            event_type: task.event_type.clone(),
            channels: task.channels.clone(),
            tags: task.tags.clone(),
        }
    }

    /// Where it stands among its endpoint's: by time, then by what makes the message its own.
    pub fn id(&self) -> UndeliveredId {
        UndeliveredId::new(self.at, self.message.ksuid().tail())
    }
}

/// Why a delivery ended without being delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndeliveredBecause {
    /// Its endpoint was disabled when its time came.
    EndpointDisabled,
    /// The message's deadline passed.
    DeadlinePassed,
    /// We failed at it ourselves, until it lay among the dead letters.
    DeadLettered,
}

impl UndeliveredBecause {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::EndpointDisabled, Self::DeadlinePassed, Self::DeadLettered];

    /// Its name in the API and in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndpointDisabled => "endpoint_disabled",
            Self::DeadlinePassed => "deadline_passed",
            Self::DeadLettered => "dead_lettered",
        }
    }

    /// The reason of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// Which attempt will not be made when a task ends that we failed at, so that nobody knows how far it came. `attempts` are the
/// delivery's. None: they say themselves what became of it.
pub fn unmade(task: &DeliveryTask, attempts: &[Attempt]) -> Option<u16> {
    let goes_on = |attempt: &Attempt| attempt.trigger == Trigger::Scheduled && attempt.number > task.number;
    let goes_on = task.trigger == Trigger::Scheduled && attempts.iter().any(goes_on);
    if goes_on || attempts.iter().any(|attempt| attempt.outcome.is_success()) {
        return None;
    }
    let is_own = |attempt: &&Attempt| (attempt.number, attempt.trigger) == (task.number, task.trigger);
    match attempts.iter().find(is_own) {
        None => Some(task.number),
        // It was made, but perhaps the next one was never queued; if it was after all, it will say so itself.
        Some(made) => made.next_attempt_at.map(|_| task.number.saturating_add(1)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::attempt::Outcome;
    use crate::domain::delivery::Granted;
    use crate::domain::ids::{AppScope, ApplicationId, AttemptId, OrganizationId};
    use crate::domain::ksuid::TAIL_BYTES;
    use crate::domain::original_headers::OriginalHeaders;

    #[test]
    fn records_stand_by_time_and_those_of_one_instant_apart() {
        let record = |ms: i64, tail: u8| Undelivered {
            message: MessageId::new(Timestamp::from_millis(1_764_000_000_000), [tail; TAIL_BYTES]),
            endpoint: EndpointId::new(Timestamp::from_millis(0), [0; TAIL_BYTES]),
            at: Timestamp::from_millis(1_764_000_000_000 + ms),
            reason: UndeliveredBecause::EndpointDisabled,
            number: 1,
            trigger: Trigger::Scheduled,
            event_type: EventTypeName::parse("a.b").unwrap(),
            channels: Vec::new(),
            tags: Vec::new(),
        };
        assert_eq!(record(0, 1).id(), record(0, 1).id());
        assert!(record(0, 9).id() < record(8, 1).id());
        assert_ne!(record(0, 1).id(), record(0, 2).id());
    }

    fn task(number: u16, trigger: Trigger) -> DeliveryTask {
        let at = Timestamp::from_millis(1_764_000_000_000);
        DeliveryTask {
            scope: AppScope {
                organization: OrganizationId::new(at, [0; 15]),
                application: ApplicationId::new(at, [0; 15]),
            },
            endpoint: EndpointId::new(at, [0; TAIL_BYTES]),
            message: MessageId::new(at, [0; TAIL_BYTES]),
            event_type: EventTypeName::parse("a.b").unwrap(),
            channels: Vec::new(),
            tags: Vec::new(),
            headers: OriginalHeaders::default(),
            number,
            trigger,
            expires_at: at,
            payload: None,
            is_repeat: true,
            deliver_before: None,
            is_urgent: false,
            postponed: 0,
            granted: Granted::default(),
            place: None,
            trace: None,
        }
    }

    fn attempt(number: u16, trigger: Trigger, status: u16, is_planned: bool) -> Attempt {
        let at = Timestamp::from_millis(1_764_000_000_000);
        Attempt {
            id: AttemptId::new(at, [0; TAIL_BYTES]),
            message: MessageId::new(at, [0; TAIL_BYTES]),
            endpoint: EndpointId::new(at, [0; TAIL_BYTES]),
            url: String::new(),
            number,
            trigger,
            outcome: Outcome::Answered { status, body: String::new(), retry_after_ms: None },
            duration_ms: 1,
            next_attempt_at: is_planned.then_some(at),
            event_type: EventTypeName::parse("a.b").unwrap(),
            channels: Vec::new(),
            tags: Vec::new(),
            is_expunged: false,
        }
    }

    #[test]
    fn what_attempts_do_not_say_is_which_one_will_not_be_made() {
        use Trigger::{Manual, Scheduled};
        let failed = |number, is_planned| attempt(number, Scheduled, 500, is_planned);
        let first = task(1, Scheduled);
        assert_eq!(unmade(&first, &[]), Some(1));
        assert_eq!(unmade(&task(3, Scheduled), &[failed(1, true), failed(2, true)]), Some(3));
        assert_eq!(unmade(&first, &[failed(1, true)]), Some(2), "its retry may not be queued");
        assert_eq!(unmade(&first, &[failed(1, false)]), None, "it was the last");
        assert_eq!(unmade(&first, &[failed(1, true), failed(2, true)]), None, "its retry was queued");
        assert_eq!(unmade(&first, &[attempt(1, Manual, 200, false)]), None, "delivered");
        assert_eq!(unmade(&first, &[attempt(1, Manual, 500, false)]), Some(1));
        assert_eq!(unmade(&task(1, Manual), &[attempt(1, Manual, 500, false)]), None);
        assert_eq!(unmade(&task(2, Manual), &[failed(1, true)]), Some(2));
    }

    #[test]
    fn a_reason_is_known_by_its_name() {
        for reason in UndeliveredBecause::ALL {
            assert_eq!(UndeliveredBecause::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(UndeliveredBecause::parse("fate"), None);
    }
}
