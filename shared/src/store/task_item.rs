//! A delivery task inside an item: one that is due at some minute, or one that stands in line. Without its payload, which is
//! read from where it is kept.

use super::attempts::{trigger_from_stored, trigger_stored};
use super::item::{ItemBuilder, Reader};
use crate::domain::attempt::Trigger;
use crate::domain::delivery::{DeliveryTask, Granted, LinePlace};
use crate::domain::ids::{AppScope, ApplicationId, EndpointId, MessageId, OrganizationId};
use crate::domain::ksuid::Ksuid;
use crate::domain::names::{Channel, EventTypeName, OrderingKey, Tag};
use crate::domain::original_headers::OriginalHeaders;
use crate::domain::trace::TraceParent;
use crate::fault::Fault;

/// Adds a task to an item, which has its own `ttl`.
pub(super) fn write(item: ItemBuilder, task: &DeliveryTask) -> ItemBuilder {
    item.text("org", task.scope.organization.ksuid().to_string())
        .text("app", task.scope.application.ksuid().to_string())
        .text("endpoint", task.endpoint.ksuid().to_string())
        .text("message", task.message.ksuid().to_string())
        .text("type", task.event_type.as_str())
        .texts("channels", &task.channels)
        .texts("tags", &task.tags)
        .pairs("headers", task.headers.pairs())
        .number("number", task.number)
        .text_if("trigger", Some(trigger_stored(task.trigger)).filter(|_| task.trigger != Trigger::Scheduled))
        .instant_if("before", task.deliver_before)
        .flag("urgent", task.is_urgent)
        .number_if("postponed", Some(task.postponed).filter(|count| *count > 0))
        .flag("granted_e", task.granted.by_endpoint)
        .flag("granted_a", task.granted.by_application)
        .text_if("line", task.place.as_ref().map(|place| place.key.as_str()))
        .number_if("place", task.place.as_ref().and_then(|place| i64::try_from(place.number).ok()))
        // The short form: items of a delivery that waits are to fit into one write unit.
        .bytes_if("trace", task.trace.map(|trace| trace.to_bytes().to_vec()))
}

/// The task in an item. It may have been queued before.
pub(super) fn read(reader: &Reader<'_>) -> Result<DeliveryTask, Fault> {
    let ksuid = |name| reader.parsed(name, Ksuid::parse);
    let scope = AppScope {
        organization: OrganizationId::from_ksuid(ksuid("org")?),
        application: ApplicationId::from_ksuid(ksuid("app")?),
    };
    let line = reader.parsed_if("line", |text| OrderingKey::parse(text).ok())?;
    Ok(DeliveryTask {
        scope,
        endpoint: EndpointId::from_ksuid(ksuid("endpoint")?),
        message: MessageId::from_ksuid(ksuid("message")?),
        event_type: reader.parsed("type", |text| EventTypeName::parse(text).ok())?,
        channels: reader.texts("channels", |text| Channel::parse(text).ok())?,
        tags: reader.texts("tags", |text| Tag::parse(text).ok())?,
        headers: OriginalHeaders::from_stored(reader.pairs("headers")?),
        number: reader.number("number")?,
        trigger: reader.parsed_if("trigger", trigger_from_stored)?.unwrap_or(Trigger::Scheduled),
        expires_at: reader.expires()?,
        payload: None,
        is_repeat: true,
        deliver_before: reader.instant_if("before")?,
        is_urgent: reader.flag("urgent"),
        postponed: reader.number_if("postponed")?.unwrap_or(0),
        granted: Granted { by_endpoint: reader.flag("granted_e"), by_application: reader.flag("granted_a") },
        place: line.zip(reader.number_if("place")?).map(|(key, number)| LinePlace { key, number }),
        trace: reader.bytes_if("trace")?.and_then(TraceParent::from_bytes),
    })
}
