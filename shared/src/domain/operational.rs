//! Operational webhooks: Fanfare tells the organization itself what became of its endpoints and messages. They are delivered
//! like any message, from an application of the organization's own that no list shows and no path names.
//!
//! What is told ([`OperationalEvent`]) has the names and shapes of the Svix API; `endpoint.enabled` and `message.dead_lettered`
//! are Fanfare's own, in the same manner. Each event has a key that follows from what happened, so that telling it twice is
//! one message. About the organization's own application nothing is ever told: it would never end.

use super::Invalid;
use super::application::Application;
use super::attempt::{Attempt, Trigger};
use super::delivery::DeliveryTask;
use super::endpoint::Endpoint;
use super::ids::{AppScope, ApplicationId, AttemptId, EndpointId, MessageId, OrganizationId};
use super::message::{MessageDraft, Payload, RETENTION_DAYS_DEFAULT};
use super::names::{ApplicationUid, EndpointUid, EventId, EventTypeName};
use super::original_headers::OriginalHeaders;
use super::timestamp::Timestamp;

/// After so many failed attempts a delivery counts as failing.
pub const FAILING_AFTER_ATTEMPTS: u16 = 4;

/// What the application is called in the table.
pub const OPERATIONAL_APPLICATION_NAME: &str = "operational webhooks";

/// The organization's own application: it has the organization's identifier, which no application that was created has.
pub fn operational_application(organization: &OrganizationId) -> ApplicationId {
    ApplicationId::from_ksuid(organization.ksuid())
}

/// Whether this is the organization's own application.
pub fn is_operational(scope: &AppScope) -> bool {
    scope.application == operational_application(&scope.organization)
}

/// What can be told, and subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum OperationalEventType {
    /// An endpoint was made.
    EndpointCreated,
    /// An endpoint was deleted by itself, not with its application.
    EndpointDeleted,
    /// An endpoint gets nothing any more.
    EndpointDisabled,
    /// An endpoint gets messages again.
    EndpointEnabled,
    /// An endpoint's configuration was changed: anything of it, headers and secrets included.
    EndpointUpdated,
    /// The last attempt of a delivery failed.
    AttemptExhausted,
    /// The attempt number [`FAILING_AFTER_ATTEMPTS`] of a delivery failed.
    AttemptFailing,
    /// A delivery that was failing succeeded.
    AttemptRecovered,
    /// We failed at a delivery again and again.
    DeadLettered,
}

impl OperationalEventType {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::EndpointCreated,
        Self::EndpointDeleted,
        Self::EndpointDisabled,
        Self::EndpointEnabled,
        Self::EndpointUpdated,
        Self::AttemptExhausted,
        Self::AttemptFailing,
        Self::AttemptRecovered,
        Self::DeadLettered,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndpointCreated => "endpoint.created",
            Self::EndpointDeleted => "endpoint.deleted",
            Self::EndpointDisabled => "endpoint.disabled",
            Self::EndpointEnabled => "endpoint.enabled",
            Self::EndpointUpdated => "endpoint.updated",
            Self::AttemptExhausted => "message.attempt.exhausted",
            Self::AttemptFailing => "message.attempt.failing",
            Self::AttemptRecovered => "message.attempt.recovered",
            Self::DeadLettered => "message.dead_lettered",
        }
    }

    /// The one of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.as_str() == text)
    }
}

impl From<OperationalEventType> for &'static str {
    fn from(event_type: OperationalEventType) -> Self {
        event_type.as_str()
    }
}

impl TryFrom<String> for OperationalEventType {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text).ok_or_else(|| Invalid::new("not an operational event"))
    }
}

/// Something that happened to an organization's endpoint or message. This is also how it travels in the job queue.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OperationalEvent {
    /// Who is told.
    #[serde(rename = "org")]
    pub organization: OrganizationId,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: OperationalEventType,
    /// The same whenever the same is told: an idempotency key.
    pub key: String,
    /// What is told.
    pub data: EventData,
}

/// What an event tells, under the names it has in the payload. What does not belong to the event, or was not in hand, is left out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventData {
    /// The application.
    pub app_id: ApplicationId,
    /// The caller's own identifier of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_uid: Option<ApplicationUid>,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The caller's own identifier of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_uid: Option<EndpointUid>,
    /// The message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg_id: Option<MessageId>,
    /// The caller's own identifier of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg_event_id: Option<EventId>,
    /// The attempt that made it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<LastAttempt>,
    /// Since when every attempt had failed when the endpoint was disabled; when none had, the instant it was disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_since: Option<Timestamp>,
    /// Who disabled the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<DisabledBy>,
}

/// An attempt, as far as it is told.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastAttempt {
    /// Which.
    pub id: AttemptId,
    /// What the receiver answered; 0: nothing.
    pub response_status_code: u16,
    /// When.
    pub timestamp: Timestamp,
}

/// Who disabled an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledBy {
    /// Its owner.
    Manual,
    /// Fanfare: it failed for too long, or said that it is gone.
    Automatic,
}

/// An application as far as it is in hand.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    scope: &'a AppScope,
    uid: Option<&'a ApplicationUid>,
}

impl<'a> Whose<'a> {
    /// The application itself is in hand; `scope` is its own.
    pub fn of(scope: &'a AppScope, application: &'a Application) -> Self {
        Self { scope, uid: application.uid.as_ref() }
    }
}

impl<'a> From<&'a AppScope> for Whose<'a> {
    fn from(scope: &'a AppScope) -> Self {
        Self { scope, uid: None }
    }
}

impl OperationalEvent {
    /// An endpoint was made. A repeat of the request tells it as it is by then, under the same key.
    pub fn endpoint_created<'a>(whose: impl Into<Whose<'a>>, endpoint: &Endpoint) -> Self {
        Self::of_endpoint(OperationalEventType::EndpointCreated, whose.into(), endpoint, endpoint.created_at)
    }

    /// An endpoint was deleted; this is how it was.
    pub fn endpoint_deleted<'a>(whose: impl Into<Whose<'a>>, before: &Endpoint) -> Self {
        Self::of_endpoint(OperationalEventType::EndpointDeleted, whose.into(), before, before.updated_at)
    }

    /// Its owner changed an endpoint, from `before` to `after`: the change, and what became of its switch.
    pub fn endpoint_changed<'a>(whose: impl Into<Whose<'a>>, before: &Endpoint, after: &Endpoint) -> Vec<Self> {
        use OperationalEventType::{EndpointDisabled, EndpointEnabled, EndpointUpdated};
        let whose = whose.into();
        let event = |event_type| Self::of_endpoint(event_type, whose, after, after.updated_at);
        let switched = match (before.disabled, after.disabled) {
            (None, Some(_)) => {
                let since = after.failing_since.unwrap_or(after.updated_at);
                Some(event(EndpointDisabled).disabled_by(DisabledBy::Manual, since))
            }
            (Some(_), None) => Some(event(EndpointEnabled)),
            (None, None) | (Some(_), Some(_)) => None,
        };
        std::iter::once(event(EndpointUpdated)).chain(switched).collect()
    }

    /// We disabled an endpoint that was found like this, because of an attempt. Attempts that find it the same at one time
    /// tell it once.
    pub fn endpoint_given_up<'a>(whose: impl Into<Whose<'a>>, seen: &Endpoint, attempt: &Attempt) -> Self {
        let since = seen.failing_since.unwrap_or(attempt.id.timestamp());
        let event = Self::of_endpoint(OperationalEventType::EndpointDisabled, whose.into(), seen, seen.updated_at);
        event.disabled_by(DisabledBy::Automatic, since)
    }

    /// What a recorded attempt gives to tell, if anything. Only the schedule's attempts do: those a person asks for are seen by
    /// who asked. `event_id` is the message's, where it is in hand.
    pub fn of_attempt<'a>(whose: impl Into<Whose<'a>>, attempt: &Attempt, event_id: Option<&EventId>) -> Option<Self> {
        if attempt.trigger != Trigger::Scheduled {
            return None;
        }
        let event_type = match (attempt.outcome.is_success(), attempt.next_attempt_at) {
            (true, _) if attempt.number > FAILING_AFTER_ATTEMPTS => OperationalEventType::AttemptRecovered,
            (false, None) => OperationalEventType::AttemptExhausted,
            (false, Some(_)) if attempt.number == FAILING_AFTER_ATTEMPTS => OperationalEventType::AttemptFailing,
            (true, _) | (false, Some(_)) => return None,
        };
        let mut event = Self::of_message(event_type, whose.into(), &attempt.message, &attempt.endpoint, attempt.number);
        event.data.msg_event_id = event_id.cloned();
        event.data.last_attempt = Some(LastAttempt {
            id: attempt.id,
            response_status_code: attempt.outcome.status_code(),
            timestamp: attempt.id.timestamp(),
        });
        Some(event)
    }

    /// We gave up a delivery that we failed at ourselves: it lies with the dead letters.
    pub fn dead_lettered(task: &DeliveryTask) -> Self {
        let event_type = OperationalEventType::DeadLettered;
        Self::of_message(event_type, Whose::from(&task.scope), &task.message, &task.endpoint, task.number)
    }

    /// The application it is about.
    pub fn scope(&self) -> AppScope {
        AppScope { organization: self.organization, application: self.data.app_id }
    }

    /// The message that tells it.
    pub fn message(&self) -> Result<MessageDraft, Invalid> {
        #[derive(serde::Serialize)]
        struct Body<'a> {
            r#type: OperationalEventType,
            data: &'a EventData,
        }
        let body = serde_json::to_string(&Body { r#type: self.event_type, data: &self.data });
        let body = body.map_err(|error| Invalid::new(error.to_string()))?;
        Ok(MessageDraft {
            event_id: None,
            event_type: EventTypeName::parse(self.event_type.as_str())?,
            channels: Vec::new(),
            tags: Vec::new(),
            payload: Payload::from_text(body)?,
            retention_days: RETENTION_DAYS_DEFAULT,
            deliver_at: None,
            deliver_before: None,
            ordering_key: None,
            headers: OriginalHeaders::default(),
        })
    }

    /// `at` is the instant of the change.
    fn of_endpoint(event_type: OperationalEventType, whose: Whose<'_>, endpoint: &Endpoint, at: Timestamp) -> Self {
        let mut event = Self::new(event_type, whose, endpoint.id, &format!("{} {}", endpoint.id, at.as_millis()));
        event.data.endpoint_uid = endpoint.uid.clone();
        event
    }

    /// `number` is the attempt's.
    fn of_message(
        event_type: OperationalEventType,
        whose: Whose<'_>,
        message: &MessageId,
        endpoint: &EndpointId,
        number: u16,
    ) -> Self {
        let mut event = Self::new(event_type, whose, *endpoint, &format!("{message} {endpoint} {number}"));
        event.data.msg_id = Some(*message);
        event
    }

    fn new(event_type: OperationalEventType, whose: Whose<'_>, endpoint: EndpointId, happening: &str) -> Self {
        let AppScope { organization, application } = *whose.scope;
        Self {
            organization,
            event_type,
            key: format!("{} {happening}", event_type.as_str()),
            data: EventData {
                app_id: application,
                app_uid: whose.uid.cloned(),
                endpoint_id: endpoint,
                endpoint_uid: None,
                msg_id: None,
                msg_event_id: None,
                last_attempt: None,
                fail_since: None,
                trigger: None,
            },
        }
    }

    fn disabled_by(mut self, who: DisabledBy, fail_since: Timestamp) -> Self {
        self.data.fail_since = Some(fail_since);
        self.data.trigger = Some(who);
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::attempt::Outcome;

    const AT: Timestamp = Timestamp::from_millis(1_764_000_000_000);

    fn scope() -> AppScope {
        AppScope { organization: OrganizationId::new(AT, [1; 15]), application: ApplicationId::new(AT, [2; 15]) }
    }

    fn attempt(number: u16, status: u16, trigger: Trigger, is_last: bool) -> Attempt {
        Attempt {
            id: AttemptId::new(AT, [5; 15]),
            message: MessageId::new(AT, [4; 15]),
            endpoint: EndpointId::new(AT, [3; 15]),
            url: String::new(),
            number,
            trigger,
            outcome: Outcome::Answered { status, body: String::new(), retry_after_ms: None },
            duration_ms: 1,
            next_attempt_at: (!is_last).then_some(AT),
            event_type: EventTypeName::parse("a.b").unwrap(),
            channels: Vec::new(),
            tags: Vec::new(),
            is_expunged: false,
        }
    }

    #[track_caller]
    fn check(attempt: &Attempt, told: Option<OperationalEventType>) {
        let event = OperationalEvent::of_attempt(&scope(), attempt, None);
        assert_eq!(event.map(|event| event.event_type), told, "{attempt:?}");
    }

    #[test]
    fn an_attempt_tells_when_a_delivery_begins_to_fail_recovers_or_ends() {
        use OperationalEventType::{AttemptExhausted, AttemptFailing, AttemptRecovered};
        use Trigger::{Manual, Scheduled};
        for number in [1, 3, 5, 7] {
            check(&attempt(number, 500, Scheduled, false), None);
        }
        check(&attempt(4, 500, Scheduled, false), Some(AttemptFailing));
        check(&attempt(4, 200, Scheduled, true), None);
        check(&attempt(5, 200, Scheduled, true), Some(AttemptRecovered));
        check(&attempt(1, 410, Scheduled, true), Some(AttemptExhausted));
        check(&attempt(4, 500, Scheduled, true), Some(AttemptExhausted));
        check(&attempt(8, 500, Scheduled, true), Some(AttemptExhausted));
        for status in [200, 500] {
            check(&attempt(8, status, Manual, true), None);
        }
    }

    #[test]
    fn an_attempt_is_told_in_the_official_shape_and_under_a_key_of_its_own() {
        let event_id = EventId::parse("order-7").unwrap();
        let told = |number| {
            OperationalEvent::of_attempt(&scope(), &attempt(number, 503, Trigger::Scheduled, true), Some(&event_id))
        };
        let event = told(8).unwrap();
        assert_eq!(Some(&event), told(8).as_ref());
        assert_ne!(event.key, told(9).unwrap().key);
        let body: serde_json::Value = serde_json::from_str(event.message().unwrap().payload.as_str()).unwrap();
        let AppScope { application, .. } = scope();
        let expected = serde_json::json!({ "type": "message.attempt.exhausted", "data": {
            "appId": application,
            "endpointId": EndpointId::new(AT, [3; 15]),
            "msgId": MessageId::new(AT, [4; 15]),
            "msgEventId": "order-7",
            "lastAttempt": {
                "id": AttemptId::new(AT, [5; 15]),
                "responseStatusCode": 503,
                "timestamp": "2025-11-24T16:00:00Z",
            },
        }});
        assert_eq!(body, expected);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for each in OperationalEventType::ALL {
            assert_eq!(OperationalEventType::parse(each.as_str()), Some(each));
            assert!(EventTypeName::parse(each.as_str()).is_ok());
        }
        assert_eq!(OperationalEventType::parse("endpoint.exploded"), None);
    }
}
