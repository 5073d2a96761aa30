//! A delivery that ended without being delivered, and without an attempt that says so: nothing is skipped silently. Each
//! leaves a record, one for a message and an endpoint; a later one takes the place of an earlier.
//!
//! A record says how things stood at its time. An attempt that was made since (somebody had it sent again) says more.

use super::attempt::Trigger;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::ksuid::TAIL_BYTES;

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

    #[test]
    fn a_reason_is_known_by_its_name() {
        for reason in UndeliveredBecause::ALL {
            assert_eq!(UndeliveredBecause::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(UndeliveredBecause::parse("fate"), None);
    }
}
