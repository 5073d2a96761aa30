//! Keys of the table. Every key of a tenant's data begins with the organization of the caller's token, so no query can
//! reach another tenant's items, whatever identifiers it was given. `docs/DATA.md` shows them as one table.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::rates::Metered;
use crate::domain::ids::{
    ApiKeyId, AppScope, AttemptId, ChangeId, EndpointId, ImportId, MessageId, OrganizationId, SourceId,
};
use crate::domain::ksuid::{Ksuid, TAIL_BYTES};
use crate::domain::names::{ApplicationUid, EndpointUid, OrderingKey, SourceUid};
use crate::domain::rate::Window;
use crate::domain::timestamp::Timestamp;

/// The sort keys of an application's partition, in this order: one range holds the application and its endpoints, what
/// a publish reads; uids come behind it.
pub(super) const APPLICATION: &str = "A";
pub(super) const ENDPOINT: &str = "E#";
/// Behind every endpoint, before the uids.
pub(super) const ENDPOINTS_END: &str = "F";

/// The sort keys of a message's partition, in this order: the message, the mark that its payload was removed, its attempts, the
/// records of deliveries that ended without one. So whoever reads the attempts reads the mark along, or the records, or both.
pub(super) const MESSAGE: &str = "M";
pub(super) const EXPUNGED: &str = "P";
pub(super) const ATTEMPT: &str = "T#";
pub(super) const UNDELIVERED: &str = "U#";

/// Name of the index that lists messages of an application, attempts of an endpoint and what ended without one by time.
pub(super) const LISTING: &str = "listing";

/// Partition: an application and its endpoints.
pub(super) fn application(scope: &AppScope) -> String {
    format!("A#{}#{}", scope.organization.ksuid(), scope.application.ksuid())
}

pub(super) fn endpoint_sk(id: &EndpointId) -> String {
    format!("{ENDPOINT}{}", id.ksuid())
}

pub(super) fn endpoint_uid_sk(uid: &EndpointUid) -> String {
    format!("U#{uid}")
}

/// Partition: the directory of an organization's applications.
pub(super) fn directory(organization: &OrganizationId) -> String {
    format!("O#{}", organization.ksuid())
}

pub(super) const DIRECTORY_ENTRY: &str = "A#";

pub(super) fn directory_sk(application: Ksuid) -> String {
    format!("{DIRECTORY_ENTRY}{application}")
}

pub(super) fn application_uid_sk(uid: &ApplicationUid) -> String {
    format!("U#{uid}")
}

/// Partition: an organization's event types, by name.
pub(super) fn event_types(organization: &OrganizationId) -> String {
    format!("T#{}", organization.ksuid())
}

/// The counter of what lies in a partition, before everything else in it.
pub(super) const COUNTER: &str = "C";

/// Partition: what idempotency keys of an organization have made (other than messages, which need no record).
pub(super) fn idempotency(organization: &OrganizationId, key_hash: &[u8]) -> String {
    format!("I#{}#{}", organization.ksuid(), URL_SAFE_NO_PAD.encode(key_hash))
}

/// Partition: an organization's sources, by the time they were made, and their uids.
pub(super) fn sources(organization: &OrganizationId) -> String {
    format!("R#{}", organization.ksuid())
}

/// Partition: counters of requests, of the organization or of one of its tokens or sources.
pub(super) fn rate(organization: &OrganizationId, counted: Metered<'_>) -> String {
    match counted {
        Metered::Organization => format!("N#{}", organization.ksuid()),
        Metered::Part(part) => format!("N#{}#{part}", organization.ksuid()),
    }
}

pub(super) fn rate_window(window: Window) -> String {
    format!("W#{:012}", window.number())
}

/// Partition: an organization's API keys, by the time they were made.
pub(super) fn api_keys(organization: &OrganizationId) -> String {
    format!("C#{}", organization.ksuid())
}

/// Before every API key's identifier in a sort key.
pub(super) const API_KEY: &str = "K#";

pub(super) fn api_key_sk(id: &ApiKeyId) -> String {
    format!("{API_KEY}{}", id.ksuid())
}

/// Partition: an organization's audit log, by time.
pub(super) fn audit_log(organization: &OrganizationId) -> String {
    format!("L#{}", organization.ksuid())
}

/// Before every change's identifier in a sort key.
pub(super) const CHANGE: &str = "L#";

pub(super) fn change_sk(id: &ChangeId) -> String {
    format!("{CHANGE}{}", id.ksuid())
}

/// Partition: an organization's data keys, wrapped, by number.
pub(super) fn data_keys(organization: &OrganizationId) -> String {
    format!("K#{}", organization.ksuid())
}

/// Before every data key's number in a sort key.
pub(super) const DATA_KEY: &str = "N#";

pub(super) fn data_key_sk(number: u32) -> String {
    format!("{DATA_KEY}{number:010}")
}

/// Whose an item is, by its partition: every one begins with its organization.
pub(super) fn organization_of(pk: &str) -> Option<OrganizationId> {
    pk.split('#').nth(1).and_then(Ksuid::parse).map(OrganizationId::from_ksuid)
}

/// Before every source's identifier in a sort key.
pub(super) const SOURCE: &str = "S#";

pub(super) fn source_sk(id: &SourceId) -> String {
    format!("{SOURCE}{}", id.ksuid())
}

pub(super) fn source_uid_sk(uid: &SourceUid) -> String {
    format!("U#{uid}")
}

/// Partition: an organization's background tasks, by the time they were asked for.
pub(super) fn background(organization: &OrganizationId) -> String {
    format!("B#{}", organization.ksuid())
}

/// Partition: an organization's imports, by the time they were asked for.
pub(super) fn imports(organization: &OrganizationId) -> String {
    format!("F#{}", organization.ksuid())
}

/// Before every import's identifier in a sort key.
pub(super) const IMPORT: &str = "I#";

/// Partition: the parts of an import, in the order of the file.
pub(super) fn import_parts(organization: &OrganizationId, import: &ImportId) -> String {
    format!("F#{}#{}", organization.ksuid(), import.ksuid())
}

/// Before every part's number in a sort key.
pub(super) const IMPORT_PART: &str = "P#";

/// Before every task's identifier in a sort key.
pub(super) const BACKGROUND_TASK: &str = "K#";

/// Partition: an application's portal tokens that were called back.
pub(super) fn sessions(scope: &AppScope) -> String {
    format!("S#{}#{}", scope.organization.ksuid(), scope.application.ksuid())
}

/// Partition: a message and its attempts, by the 15 bytes that follow from id, event id and idempotency key alike.
pub(super) fn message(scope: &AppScope, tail: &[u8; TAIL_BYTES]) -> String {
    let tail = URL_SAFE_NO_PAD.encode(tail);
    format!("M#{}#{}#{tail}", scope.organization.ksuid(), scope.application.ksuid())
}

pub(super) fn message_of(scope: &AppScope, id: &MessageId) -> String {
    message(scope, &id.ksuid().tail())
}

pub(super) fn attempt_sk(id: &AttemptId) -> String {
    format!("{ATTEMPT}{}", id.ksuid())
}

/// Behind every record in a message's partition.
pub(super) fn undelivered_end() -> String {
    format!("{UNDELIVERED}\u{7f}")
}

/// One for a message and an endpoint.
pub(super) fn undelivered_sk(endpoint: &EndpointId) -> String {
    format!("{UNDELIVERED}{}", endpoint.ksuid())
}

/// The one sort key of a gate's partition.
pub(super) const GATE: &str = "G";

/// Partition: an endpoint's gate.
pub(super) fn endpoint_gate(scope: &AppScope, endpoint: &EndpointId) -> String {
    format!("G#{}#{}#{}", scope.organization.ksuid(), scope.application.ksuid(), endpoint.ksuid())
}

/// Partition: an application's gate, which holds its rate limit.
pub(super) fn application_gate(scope: &AppScope) -> String {
    format!("G#{}#{}", scope.organization.ksuid(), scope.application.ksuid())
}

/// Partition: deliveries of one ordering key that an endpoint wants one after the other. The key comes last: it may hold anything.
pub(super) fn line(scope: &AppScope, endpoint: &EndpointId, key: &OrderingKey) -> String {
    let (organization, application) = (scope.organization.ksuid(), scope.application.ksuid());
    format!("Q#{organization}#{application}#{}#{key}", endpoint.ksuid())
}

/// The sort keys of a line's partition: its counter, and its entries by their numbers.
pub(super) const LINE_COUNTER: &str = "C";
pub(super) const LINE_ENTRY: &str = "N#";

pub(super) fn line_sk(number: u64) -> String {
    format!("{LINE_ENTRY}{number:020}")
}

/// Index partition: messages of an application, one shard of them.
pub(super) fn messages_listing(scope: &AppScope, shard: u8) -> String {
    format!("M#{}#{}#{shard}", scope.organization.ksuid(), scope.application.ksuid())
}

/// Index partition: attempts made for an endpoint. One endpoint is tried less often than an index partition can take.
pub(super) fn attempts_listing(scope: &AppScope, endpoint: &EndpointId) -> String {
    format!("E#{}#{}#{}", scope.organization.ksuid(), scope.application.ksuid(), endpoint.ksuid())
}

/// Index partition: what ended for an endpoint without being delivered.
pub(super) fn undelivered_listing(scope: &AppScope, endpoint: &EndpointId) -> String {
    format!("U#{}#{}#{}", scope.organization.ksuid(), scope.application.ksuid(), endpoint.ksuid())
}

/// Partition: deliveries due in one minute, one shard of them. Internal: no caller's request ever names it.
pub(super) fn due(minute: i64, shard: u8) -> String {
    format!("D#{minute}#{shard}")
}

/// Sorts by time within the minute, then by what makes it one delivery.
pub(super) fn due_sk(at: Timestamp, endpoint: &EndpointId, message: &MessageId) -> String {
    format!("{:013}#{}#{}", at.as_millis(), endpoint.ksuid(), message.ksuid())
}

/// Where the sweep left off.
pub(super) const SWEEP_CURSOR: &str = "SWEEP";
