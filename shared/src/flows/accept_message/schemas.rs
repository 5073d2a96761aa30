//! Payloads held against the schema of their event type, where its owner asked for it.
//!
//! A publish must not pay for that with a read of its own. So what is known of an event type, its compiled schema or that
//! nothing is validated, is kept in the process for [`KNOWN_MS`]: one read for each type, minute and process. A change of
//! the event type counts everywhere after that time at the latest.
//!
//! The repeat of a publish is held against the schema of now: when that was tightened meanwhile, the repeat may be refused
//! although the first request was accepted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::domain::event_type::{EventType, SchemaValidation};
use crate::domain::ids::OrganizationId;
use crate::domain::message::MessageDraft;
use crate::domain::names::EventTypeName;
use crate::domain::payload_schema::{PayloadSchema, Violation};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::flows::Refusal;
use crate::store::Store;

/// How long an event type counts as known.
const KNOWN_MS: i64 = 60_000;

/// Event types that are known at one time. Callers choose the names they publish under, so there may be any number.
const KNOWN_MAX: usize = 10_000;

/// Bytes of the schemas that are known, as JSON; compiled they take several times that.
const SCHEMA_BYTES_MAX: usize = 4 * 1024 * 1024;

type Key = (OrganizationId, EventTypeName);

/// What processes know about schemas. Cheap to clone; one per process.
#[derive(Clone, Default)]
pub(super) struct Schemas(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    rules: HashMap<Key, Entry>,
    schema_bytes: usize,
}

#[derive(Clone)]
struct Entry {
    since: Timestamp,
    /// Filled by whoever comes first; the others wait for the same read.
    rule: Arc<OnceCell<Option<Rule>>>,
}

/// What is asked of payloads.
struct Rule {
    schema: PayloadSchema,
    is_strict: bool,
    schema_bytes: usize,
}

impl Schemas {
    /// What the message's payload breaks first and may break; refused, if it may not.
    pub(super) async fn check(
        &self,
        store: &Store,
        organization: &OrganizationId,
        draft: &MessageDraft,
        now: Timestamp,
    ) -> Result<Option<Violation>, Refusal> {
        let key = (*organization, draft.event_type.clone());
        let entry = self.entry(&key, now);
        let rule = entry.rule.get_or_try_init(|| self.read(store, &key)).await?;
        let Some(rule) = rule else { return Ok(None) };
        let Some(violation) = rule.schema.first_violation(draft.payload.as_str()) else { return Ok(None) };
        if rule.is_strict {
            return Err(Refusal::PayloadInvalid(violation));
        }
        // The keyword stands in the schema; the path is made of what the payload says.
        tracing::warn!(event.type = %draft.event_type, keyword = violation.keyword, "a payload breaks its schema");
        Ok(Some(violation))
    }

    /// What is known of an event type, or the place for it.
    fn entry(&self, key: &Key, now: Timestamp) -> Entry {
        let mut known = self.known();
        if let Some(entry) = known.rules.get(key).filter(|entry| now.millis_since(entry.since) < KNOWN_MS) {
            return entry.clone();
        }
        if known.rules.len() >= KNOWN_MAX {
            *known = Known::default();
        }
        let entry = Entry { since: now, rule: Arc::default() };
        let before = known.rules.insert(key.clone(), entry.clone());
        let bytes = before.and_then(|before| before.rule.get()?.as_ref().map(|rule| rule.schema_bytes)).unwrap_or(0);
        known.schema_bytes = known.schema_bytes.saturating_sub(bytes);
        entry
    }

    async fn read(&self, store: &Store, (organization, name): &Key) -> Result<Option<Rule>, Fault> {
        let Some(event_type) = store.event_type(organization, name).await? else { return Ok(None) };
        let Some(rule) = rule_of(&event_type) else { return Ok(None) };
        let mut known = self.known();
        if known.schema_bytes + rule.schema_bytes > SCHEMA_BYTES_MAX {
            // This one is used by who reads it, and read again by the next.
            *known = Known::default();
        } else {
            known.schema_bytes += rule.schema_bytes;
        }
        Ok(Some(rule))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rule_of(event_type: &EventType) -> Option<Rule> {
    match event_type.payload_schema() {
        Ok(schema) => schema.map(|schema| Rule {
            schema,
            is_strict: event_type.schema_validation == SchemaValidation::Reject,
            schema_bytes: event_type.schemas.as_ref().map_or(0, |schemas| schemas.to_string().len()),
        }),
        // It could be used when it was stored. Messages matter more than what we can no longer say about them.
        Err(reason) => {
            tracing::error!(event.type = %event_type.name, reason = reason.0, "a stored schema cannot be used");
            None
        }
    }
}
