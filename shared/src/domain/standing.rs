//! How a delivery stands: one message for one endpoint, told by the attempts that were made for it, and by the record that it
//! ended without one. Nothing of this is stored, so it can never say something else than they do.
//!
//! Such a record counts as a failed attempt that plans nothing: what was made before it is over, what was made since (somebody
//! had it sent again) goes on.

use std::collections::BTreeMap;

use super::attempt::{Attempt, AttemptStatus, Trigger};
use super::delivery::DeliveryStatus;
use super::ids::EndpointId;
use super::message::Message;
use super::subscription::Subscriber;
use super::timestamp::Timestamp;
use super::undelivered::Undelivered;

/// A planned attempt that is this late will not be made, whatever became of its task. A backlog that we catch up with is far
/// shorter.
pub const OVERDUE_MS: i64 = 24 * 3_600 * 1_000;

/// How a delivery stands, and when it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How it stands.
    pub status: DeliveryStatus,
    /// When the next attempt is planned, if one is.
    pub next_attempt_at: Option<Timestamp>,
}

impl From<DeliveryStatus> for Standing {
    fn from(status: DeliveryStatus) -> Self {
        Self { status, next_attempt_at: None }
    }
}

/// What one attempt, or the record that there will be none, says about its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it was made.
    pub at: Timestamp,
    /// Which attempt of the delivery.
    pub number: u16,
    /// What caused it.
    pub trigger: Trigger,
    /// How it ended.
    pub status: AttemptStatus,
    /// When the delivery was to go on.
    pub next_attempt_at: Option<Timestamp>,
}

impl From<&Attempt> for Step {
    fn from(attempt: &Attempt) -> Self {
        Self {
            at: attempt.id.timestamp(),
            number: attempt.number,
            trigger: attempt.trigger,
            status: attempt.status(),
            next_attempt_at: attempt.next_attempt_at,
        }
    }
}

impl From<&Undelivered> for Step {
    fn from(record: &Undelivered) -> Self {
        Self {
            at: record.at,
            number: record.number,
            trigger: record.trigger,
            status: AttemptStatus::Fail,
            next_attempt_at: None,
        }
    }
}

/// The attempts of one delivery, gathered one by one, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    is_begun: bool,
    has_success: bool,
    /// Number, time and plan of the last attempt the schedule made. One that a person asked for plans nothing and leaves what
    /// is planned as it is.
    last_scheduled: Option<(u16, Timestamp, Option<Timestamp>)>,
}

impl Trail {
    /// Adds an attempt.
    pub fn add(&mut self, step: Step) {
        self.is_begun = true;
        self.has_success |= step.status == AttemptStatus::Success;
        let is_last = self.last_scheduled.is_none_or(|(number, at, _)| (number, at) <= (step.number, step.at));
        if step.trigger == Trigger::Scheduled && is_last {
            self.last_scheduled = Some((step.number, step.at, step.next_attempt_at));
        }
    }

    /// How the delivery stands at `now`. `is_called_off`: nothing of it is sent any more.
    pub fn standing(&self, is_called_off: bool, now: Timestamp) -> Standing {
        if self.has_success {
            return DeliveryStatus::Success.into();
        }
        let planned = self.last_scheduled.and_then(|(_, _, planned)| planned);
        match planned.filter(|at| now.millis_since(*at) < OVERDUE_MS) {
            Some(_) if is_called_off => DeliveryStatus::Canceled.into(),
            Some(at) => Standing { status: DeliveryStatus::Sending, next_attempt_at: Some(at) },
            None if self.is_begun => DeliveryStatus::Fail.into(),
            None if is_called_off => DeliveryStatus::Canceled.into(),
            None => DeliveryStatus::Pending.into(),
        }
    }
}

impl FromIterator<Step> for Trail {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        let mut trail = Self::default();
        steps.into_iter().for_each(|step| trail.add(step));
        trail
    }
}

/// A message's deliveries: to the endpoints that have an attempt of it or a record that there was none, and to those that want
/// it, were there when it was accepted and have neither yet. In the order of the endpoints' identifiers. `subscribers` are the
/// endpoints that exist, `attempts` and `undelivered` the message's.
pub fn deliveries(
    message: &Message,
    subscribers: &[Subscriber],
    attempts: &[Attempt],
    undelivered: &[Undelivered],
    now: Timestamp,
) -> Vec<(EndpointId, Standing)> {
    let mut trails: BTreeMap<EndpointId, Trail> = BTreeMap::new();
    for attempt in attempts {
        trails.entry(attempt.endpoint).or_default().add(attempt.into());
    }
    for record in undelivered {
        trails.entry(record.endpoint).or_default().add(record.into());
    }
    let mut found = Vec::new();
    for subscriber in subscribers {
        let is_waiting = subscriber.wants(&message.event_type, &message.channels)
            && subscriber.endpoint.timestamp() <= message.accepted_at;
        let trail = trails.get(&subscriber.endpoint).copied();
        if let Some(trail) = trail.or_else(|| is_waiting.then(Trail::default)) {
            let mut standing = trail.standing(message.is_called_off(), now);
            if standing.status == DeliveryStatus::Pending {
                standing.next_attempt_at = message.deliver_at;
            }
            found.push((subscriber.endpoint, standing));
        }
    }
    found.sort_unstable_by_key(|(endpoint, _)| *endpoint);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);

    fn step(number: u16, trigger: Trigger, status: AttemptStatus, next_in_ms: Option<i64>) -> Step {
        Step { at: NOW, number, trigger, status, next_attempt_at: next_in_ms.map(|ms| NOW.plus_millis(ms)) }
    }

    fn failed(number: u16, next_in_ms: Option<i64>) -> Step {
        step(number, Trigger::Scheduled, AttemptStatus::Fail, next_in_ms)
    }

    fn resent(number: u16, status: AttemptStatus) -> Step {
        step(number, Trigger::Manual, status, None)
    }

    #[track_caller]
    fn check(steps: &[Step], status: DeliveryStatus, next_in_ms: Option<i64>, when_called_off: DeliveryStatus) {
        let trail: Trail = steps.iter().copied().collect();
        let expected = Standing { status, next_attempt_at: next_in_ms.map(|ms| NOW.plus_millis(ms)) };
        assert_eq!(trail.standing(false, NOW), expected, "{steps:?}");
        assert_eq!(trail.standing(true, NOW), when_called_off.into(), "{steps:?}, called off");
    }

    #[test]
    fn a_delivery_stands_as_its_attempts_say() {
        use DeliveryStatus::{Canceled, Fail, Pending, Sending, Success};
        let success = step(2, Trigger::Scheduled, AttemptStatus::Success, None);
        check(&[], Pending, None, Canceled);
        check(&[success], Success, None, Success);
        check(&[failed(1, Some(5_000)), success], Success, None, Success);
        check(&[failed(1, Some(5_000))], Sending, Some(5_000), Canceled);
        check(&[failed(1, Some(-60_000)), failed(2, Some(9_000))], Sending, Some(9_000), Canceled);
        check(&[failed(2, Some(9_000)), failed(1, Some(-60_000))], Sending, Some(9_000), Canceled);
        check(&[failed(1, Some(-60_000)), failed(2, None)], Fail, None, Fail);
        check(&[failed(1, None)], Fail, None, Fail);
    }

    /// The record that this attempt was not made.
    fn ended(number: u16, trigger: Trigger, at_ms: i64) -> Step {
        Step { at: NOW.plus_millis(at_ms), ..step(number, trigger, AttemptStatus::Fail, None) }
    }

    #[test]
    fn a_delivery_that_ended_without_an_attempt_has_failed_until_another_is_made() {
        use DeliveryStatus::{Canceled, Fail, Sending, Success};
        let by_plan = |number, at_ms| ended(number, Trigger::Scheduled, at_ms);
        check(&[by_plan(1, 0)], Fail, None, Fail);
        check(&[failed(1, Some(5_000)), by_plan(2, 5_000)], Fail, None, Fail);
        // Its attempt was made and its retry never queued.
        check(&[failed(1, Some(5_000)), by_plan(1, 1)], Fail, None, Fail);
        check(&[by_plan(1, 1), failed(1, Some(5_000))], Fail, None, Fail);
        // Sent again from the beginning, by hand, by hand with success.
        check(&[by_plan(1, -1), failed(1, Some(5_000))], Sending, Some(5_000), Canceled);
        check(&[by_plan(1, -1), resent(1, AttemptStatus::Fail)], Fail, None, Fail);
        check(&[by_plan(1, -1), resent(1, AttemptStatus::Success)], Success, None, Success);
        // What a person asked for could not be made; what is planned is still planned.
        check(&[failed(1, Some(5_000)), ended(2, Trigger::Manual, 1)], Sending, Some(5_000), Canceled);
    }

    #[test]
    fn an_attempt_a_person_asked_for_leaves_the_plan_as_it_is() {
        use DeliveryStatus::{Canceled, Fail, Sending, Success};
        let (lost, done) = (resent(2, AttemptStatus::Fail), resent(2, AttemptStatus::Success));
        check(&[failed(1, Some(5_000)), lost], Sending, Some(5_000), Canceled);
        check(&[failed(1, None), lost], Fail, None, Fail);
        check(&[failed(1, Some(5_000)), done], Success, None, Success);
        check(&[resent(1, AttemptStatus::Fail)], Fail, None, Fail);
    }

    #[test]
    fn a_planned_attempt_that_is_a_day_late_will_not_come() {
        check(
            &[failed(1, Some(1 - OVERDUE_MS))],
            DeliveryStatus::Sending,
            Some(1 - OVERDUE_MS),
            DeliveryStatus::Canceled,
        );
        check(&[failed(1, Some(-OVERDUE_MS))], DeliveryStatus::Fail, None, DeliveryStatus::Fail);
    }
}
