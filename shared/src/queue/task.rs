//! A delivery task as the body of a queued message: JSON, versioned, with the payload inside when that is small.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::Invalid;
use crate::domain::attempt::Trigger;
use crate::domain::delivery::{DeliveryTask, Granted, LinePlace};
use crate::domain::ids::{AppScope, ApplicationId, EndpointId, MessageId, OrganizationId};
use crate::domain::message::Payload;
use crate::domain::names::{Channel, EventTypeName, OrderingKey, Tag};
use crate::domain::original_headers::OriginalHeaders;
use crate::domain::timestamp::Timestamp;
use crate::domain::trace::{self, TraceParent};
use crate::fault::Fault;

/// Largest payload that travels with its task: one queued message is billed for each 64 KiB, and ten of them must fit into
/// one batch of a mebibyte.
pub const PAYLOAD_IN_TASK_BYTES_MAX: usize = 48 * 1024;

/// Raised when a reader of the old form would misunderstand the new one. Both must be read while one is replaced by the
/// other: tasks of the old form are still on their way.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    v: u8,
    org: OrganizationId,
    app: ApplicationId,
    endpoint: EndpointId,
    message: MessageId,
    event_type: EventTypeName,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    channels: Vec<Channel>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    attempt: u16,
    trigger: Trigger,
    expires: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    repeat: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    urgent: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    postponed: u16,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    granted_by_endpoint: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    granted_by_application: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<OrderingKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "trace::of_queued")]
    trace: Option<TraceParent>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    payload: Option<Cow<'a, RawValue>>,
}

fn is_zero(number: &u16) -> bool {
    *number == 0
}

/// `carries_payload`: whether its payload travels with it, when it is small.
pub(super) fn encode(task: &DeliveryTask, carries_payload: bool) -> Result<String, Fault> {
    let wire = Wire {
        v: VERSION,
        org: task.scope.organization,
        app: task.scope.application,
        endpoint: task.endpoint,
        message: task.message,
        event_type: task.event_type.clone(),
        channels: task.channels.clone(),
        tags: task.tags.clone(),
        headers: task.headers.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        attempt: task.number,
        trigger: task.trigger,
        expires: task.expires_at,
        repeat: task.is_repeat,
        before: task.deliver_before,
        urgent: task.is_urgent,
        postponed: task.postponed,
        granted_by_endpoint: task.granted.by_endpoint,
        granted_by_application: task.granted.by_application,
        line: task.place.as_ref().map(|place| place.key.clone()),
        place: task.place.as_ref().map(|place| place.number),
        trace: task.trace,
        payload: task
            .payload
            .as_ref()
            .filter(|payload| carries_payload && travels(payload))
            .map(|payload| Cow::Borrowed(payload.as_raw())),
    };
    serde_json::to_string(&wire).map_err(|error| Fault::corrupt_because("encoding a delivery task", error))
}

/// Whether a payload may travel in a queue: it is small, and it has no character the queue refuses. Of those, JSON text can
/// hold only U+FFFE and U+FFFF.
fn travels(payload: &Payload) -> bool {
    let text = payload.as_str();
    text.len() <= PAYLOAD_IN_TASK_BYTES_MAX && !text.contains(['\u{fffe}', '\u{ffff}'])
}

/// Reads a queued body. `receives` is how often the queue has handed it out, this time included: what was handed out
/// before, and every attempt but the first, may have been made already.
pub fn decode(body: &str, receives: u32) -> Result<DeliveryTask, Invalid> {
    let wire: Wire<'_> = serde_json::from_str(body).map_err(|error| Invalid::new(format!("not a task: {error}")))?;
    if wire.v != VERSION {
        return Err(Invalid::new(format!("a task of version {}, this program knows {VERSION}", wire.v)));
    }
    let headers = wire.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let payload = wire.payload.map(|payload| Payload::parse(payload.into_owned())).transpose()?;
    Ok(DeliveryTask {
        scope: AppScope { organization: wire.org, application: wire.app },
        endpoint: wire.endpoint,
        message: wire.message,
        event_type: wire.event_type,
        channels: wire.channels,
        tags: wire.tags,
        headers: OriginalHeaders::from_stored(headers),
        number: wire.attempt,
        trigger: wire.trigger,
        expires_at: wire.expires,
        payload,
        is_repeat: wire.repeat || receives > 1 || wire.attempt > 1,
        deliver_before: wire.before,
        is_urgent: wire.urgent,
        postponed: wire.postponed,
        granted: Granted { by_endpoint: wire.granted_by_endpoint, by_application: wire.granted_by_application },
        place: wire.line.zip(wire.place).map(|(key, number)| LinePlace { key, number }),
        trace: wire.trace,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn task(payload: &str) -> DeliveryTask {
        let at = Timestamp::from_millis(1_764_000_000_000);
        DeliveryTask {
            scope: AppScope {
                organization: OrganizationId::new(at, [1; 15]),
                application: ApplicationId::new(at, [2; 15]),
            },
            endpoint: EndpointId::new(at, [3; 15]),
            message: MessageId::new(at, [4; 15]),
            event_type: EventTypeName::parse("a.b").unwrap(),
            channels: vec![Channel::parse("c:1").unwrap()],
            tags: vec![Tag::parse("t").unwrap()],
            headers: OriginalHeaders::from_stored([("x-a", "1")]),
            number: 1,
            trigger: Trigger::Scheduled,
            expires_at: at,
            payload: Some(Payload::from_text(payload.to_owned()).unwrap()),
            is_repeat: false,
            deliver_before: Some(at),
            is_urgent: true,
            postponed: 3,
            granted: Granted { by_endpoint: true, by_application: false },
            place: Some(LinePlace { key: OrderingKey::parse("k").unwrap(), number: 7 }),
            trace: Some(TraceParent::root([5; 24], true)),
        }
    }

    #[test]
    fn a_task_comes_back_as_it_was_and_its_payload_to_the_byte() {
        let odd = r#"{ "b":1.0e2,  "a":"\u00e9é" }"#;
        let read = decode(&encode(&task(odd), true).unwrap(), 1).unwrap();
        assert_eq!(read.payload.unwrap().as_str(), odd);
        assert_eq!((read.endpoint, read.channels.len(), read.is_repeat), (task(odd).endpoint, 1, false));
        let written = task(odd);
        assert_eq!((&read.tags, read.deliver_before), (&written.tags, written.deliver_before));
        assert_eq!((read.is_urgent, read.postponed, read.granted), (true, 3, written.granted));
        assert_eq!((read.place, read.headers, read.trace), (written.place, written.headers, written.trace));
    }

    #[test]
    fn a_task_without_a_trace_or_with_one_that_makes_no_sense_is_a_task() {
        let traced = encode(&task("{}"), true).unwrap();
        let older = encode(&DeliveryTask { trace: None, ..task("{}") }, true).unwrap();
        assert!(traced.contains("\"trace\":\"00-") && !older.contains("trace"));
        let odd = traced.replace("\"trace\":\"00-", "\"trace\":\"0x-");
        let number = older.replacen('{', "{\"trace\":7,", 1);
        for body in [older, odd, number] {
            assert_eq!(decode(&body, 1).unwrap().trace, None, "{body}");
        }
    }

    #[test]
    fn a_task_from_before_there_were_tags_has_none() {
        let older = encode(&task("{}"), true).unwrap().replace(r#""tags":["t"],"#, "");
        assert!(!older.contains("tags") && decode(&older, 1).unwrap().tags.is_empty());
    }

    #[test]
    fn what_was_handed_out_before_may_be_a_repeat() {
        let first = encode(&task("{}"), true).unwrap();
        assert!(decode(&first, 2).unwrap().is_repeat);
        let second = encode(&DeliveryTask { number: 2, ..task("{}") }, true).unwrap();
        assert!(decode(&second, 1).unwrap().is_repeat);
    }

    #[test]
    fn large_payloads_and_those_a_queue_refuses_stay_behind() {
        let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(PAYLOAD_IN_TASK_BYTES_MAX));
        for payload in [large.as_str(), "{\"a\":\"\u{ffff}\"}"] {
            assert!(decode(&encode(&task(payload), true).unwrap(), 1).unwrap().payload.is_none());
        }
    }

    #[test]
    fn no_payload_travels_where_payloads_are_sealed() {
        let body = encode(&task(r#"{"card":"4242"}"#), false).unwrap();
        assert!(!body.contains("4242") && decode(&body, 1).unwrap().payload.is_none());
    }

    #[test]
    fn poison_is_refused() {
        let newer = encode(&task("{}"), true).unwrap().replace("\"v\":1", "\"v\":2");
        for body in ["", "x", "{}", "[]", newer.as_str()] {
            assert!(decode(body, 1).is_err(), "{body:?}");
        }
    }
}
