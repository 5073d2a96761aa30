//! Accepting a message: stored once, then queued for every endpoint that wants it, then answered.
//!
//! Up to [`FAN_OUT_INLINE_MAX`] deliveries are queued before the answer. For more, one job is queued before the answer, and the
//! deliveries behind it (`fan_out.rs`): stored and in a queue is what an accepted message is either way.
//!
//! Why it may run twice, and be cut short anywhere:
//! - One conditional put decides. Whoever comes second with the same identity (event id, else idempotency key) finds the
//!   first message, and is answered with it when it asked for the same, refused when it asked for something else.
//! - Cut short after the put, nothing was promised: the caller has no answer yet and repeats. The repeat queues a delivery
//!   for every endpoint that has no attempt yet and no record that there will be none, marked as a possible repeat, so that
//!   whoever delivers looks before it sends; and late enough that an attempt which is being made at this moment is recorded
//!   by then. That heals a crash and costs the ordinary repeat one read.
//! - An endpoint made after the message was accepted is not given it by a repeat.
//! - A message that is to be delivered later waits in the queue, or in the due index when that is too far; both twice are one.
//! - A message whose payload was removed is found like any other; a repeat neither brings the payload back nor delivers it.

mod dispatch;
mod fan_out;
mod in_bulk;
mod schemas;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::audit::Audit;
use super::lines::Lines;
use super::{Refusal, Thing};
use crate::config::Platform;
use crate::domain::application::ApplicationDraft;
use crate::domain::audit::{Author, Changed, Operation};
use crate::domain::ids::{AppScope, ApplicationId, MessageId, OrganizationId};
use crate::domain::message::{ContentHash, Message, MessageDraft, MessageIdentity, Origin, Payload, PayloadPlace};
use crate::domain::names::{Channel, EventTypeName};
use crate::domain::operational::is_operational;
use crate::domain::payload_schema::Violation;
use crate::domain::subscription::Subscriber;
use crate::domain::timestamp::Timestamp;
use crate::effects::Effects;
use crate::fault::Fault;
use crate::flows::Payloads;
use crate::queue::{DeliveryQueue, JobQueue};
use crate::store::{Accepted, ApplicationRef, Audience, EndpointRef, PAYLOAD_IN_ITEM_BYTES_MAX, Store};
use crate::telemetry::{Metric, Metrics};
use schemas::Schemas;

pub use dispatch::FAN_OUT_INLINE_MAX;
pub use fan_out::Fanned;
pub use in_bulk::Record;

/// Uids whose applications are remembered, so that publishing by uid reads as little as publishing by id.
const KNOWN_UIDS_MAX: usize = 10_000;

/// How much longer than an attempt takes at most a repeat's deliveries wait: for its record to be written.
const REPEAT_MARGIN_MS: i64 = 1_000;

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct AcceptMessage {
    store: Store,
    queue: DeliveryQueue,
    jobs: JobQueue,
    lines: Lines,
    payloads: Payloads,
    effects: Effects,
    audit: Audit,
    repeat_delay_ms: i64,
    known_uids: Arc<Mutex<HashMap<(OrganizationId, ApplicationRef), ApplicationId>>>,
    schemas: Schemas,
    metrics: Metrics,
}

/// An application that comes along with a message, in case it is not there yet.
#[derive(Clone, Debug)]
pub struct NewApplication {
    /// What the caller says about it.
    pub draft: ApplicationDraft,
    /// Who sends it.
    pub by: Author,
}

/// A message that is stored and whose deliveries are queued.
#[derive(Clone, Debug)]
pub struct AcceptedMessage {
    /// The message; on a repeat, the first one.
    pub message: Message,
    /// Its payload, or what is shown when that was removed since.
    pub payload: Payload,
    /// Whether it had been accepted before.
    pub is_repeat: bool,
    /// What its event type's schema does not allow, when that is no reason to refuse it.
    pub violation: Option<Violation>,
}

impl AcceptMessage {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        let store = Store::new(&platform.sdk, &platform.settings.table, &platform.keys);
        let queue = DeliveryQueue::new(&platform.sdk, &platform.settings.delivery_queue_url, &platform.keys);
        Self {
            payloads: Payloads::new(platform, &store),
            lines: Lines::new(&store, &queue),
            store,
            queue,
            jobs: JobQueue::new(&platform.sdk, &platform.settings.job_queue_url),
            effects: platform.effects.clone(),
            audit: Audit::new(platform),
            repeat_delay_ms: i64::from(platform.settings.request_timeout_ms) + REPEAT_MARGIN_MS,
            known_uids: Arc::default(),
            schemas: Schemas::default(),
            metrics: platform.telemetry.metrics(),
        }
    }

    /// Accepts what the draft says for the named application. `new` is the application itself, when the caller sends it
    /// along in case it is not there yet.
    pub async fn run(
        &self,
        organization: &OrganizationId,
        named: &ApplicationRef,
        new: Option<NewApplication>,
        idempotency_key: Option<&str>,
        draft: MessageDraft,
    ) -> Result<AcceptedMessage, Refusal> {
        let mut audience = self.audience(organization, named).await?;
        if let (None, Some(new)) = (&audience, new) {
            // A message that is refused leaves no application behind.
            self.schemas.check(&self.store, organization, &draft, self.effects.now()).await?;
            self.create_application(new).await?;
            audience = self.audience(organization, named).await?;
        }
        let audience = audience.ok_or(Refusal::NotFound(Thing::Application))?;
        self.accept(organization, audience, idempotency_key, draft).await
    }

    /// Accepts a message for one endpoint only, whatever that one has subscribed to.
    pub async fn run_for(
        &self,
        organization: &OrganizationId,
        named: &ApplicationRef,
        endpoint: &EndpointRef,
        idempotency_key: Option<&str>,
        draft: MessageDraft,
    ) -> Result<AcceptedMessage, Refusal> {
        let audience = self.audience(organization, named).await?.ok_or(Refusal::NotFound(Thing::Application))?;
        let scope = AppScope { organization: *organization, application: audience.application.id };
        let endpoint = self.store.endpoint(&scope, endpoint).await?.ok_or(Refusal::NotFound(Thing::Endpoint))?;
        let subscriber = Subscriber { event_types: Vec::new(), channels: Vec::new(), ..endpoint.subscriber() };
        let audience = Audience { subscribers: vec![subscriber], ..audience };
        self.accept(organization, audience, idempotency_key, draft).await
    }

    /// Accepts a message if any endpoint would get it; else, and without such an application, nothing is stored.
    pub async fn run_if_wanted(
        &self,
        organization: &OrganizationId,
        named: &ApplicationRef,
        idempotency_key: Option<&str>,
        draft: MessageDraft,
    ) -> Result<Option<AcceptedMessage>, Refusal> {
        match self.audience(organization, named).await? {
            Some(audience) if is_wanted(&audience, &draft.event_type, &draft.channels) => {
                self.accept(organization, audience, idempotency_key, draft).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Whether any endpoint would get a message of this type on these channels.
    pub async fn is_wanted(
        &self,
        organization: &OrganizationId,
        named: &ApplicationRef,
        event_type: &EventTypeName,
        channels: &[Channel],
    ) -> Result<bool, Refusal> {
        let audience = self.audience(organization, named).await?.ok_or(Refusal::NotFound(Thing::Application))?;
        Ok(is_wanted(&audience, event_type, channels))
    }

    /// Two that create the same application at once end up with one.
    async fn create_application(&self, NewApplication { draft, by }: NewApplication) -> Result<(), Fault> {
        let now = self.effects.now();
        let application = draft.create(ApplicationId::new(now, self.effects.random.id_tail()), now);
        let changed = Changed::created(&application).within(application.id);
        let change = self.audit.of(&by, Operation::ApplicationCreate, changed);
        self.store.create_application(&by.organization, &application, None, &change).await.map(drop)
    }

    async fn accept(
        &self,
        organization: &OrganizationId,
        audience: Audience,
        idempotency_key: Option<&str>,
        draft: MessageDraft,
    ) -> Result<AcceptedMessage, Refusal> {
        let scope = AppScope { organization: *organization, application: audience.application.id };
        // What is told there is ours to say: an event type that the organization named alike has no say in it.
        let violation = match is_operational(&scope) {
            true => None,
            false => self.schemas.check(&self.store, organization, &draft, self.effects.now()).await?,
        };
        let payload = draft.payload.clone();
        let (message, is_repeat) = self.store(&scope, &audience, idempotency_key, draft).await?;
        if message.payload.is_expunged() {
            return Ok(AcceptedMessage { message, payload: Payload::gone(), is_repeat, violation });
        }
        self.dispatch(&scope, &audience, &message, is_repeat).await?;
        self.metrics.count(Metric::MessagesAccepted, u64::from(!is_repeat));
        Ok(AcceptedMessage { message, payload, is_repeat, violation })
    }

    async fn audience(&self, organization: &OrganizationId, named: &ApplicationRef) -> Result<Option<Audience>, Fault> {
        if let ApplicationRef::Id(_) = named {
            return self.store.audience(organization, named, None).await;
        }
        let key = (*organization, named.clone());
        let known = self.known_uids().get(&key).copied();
        let audience = self.store.audience(organization, named, known).await?;
        let mut known_uids = self.known_uids();
        match &audience {
            None => drop(known_uids.remove(&key)),
            Some(found) if known != Some(found.application.id) => {
                if known_uids.len() >= KNOWN_UIDS_MAX {
                    known_uids.clear();
                }
                known_uids.insert(key, found.application.id);
            }
            Some(_) => {}
        }
        Ok(audience)
    }

    fn known_uids(&self) -> std::sync::MutexGuard<'_, HashMap<(OrganizationId, ApplicationRef), ApplicationId>> {
        self.known_uids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message as it is stored, and whether it was stored before.
    async fn store(
        &self,
        scope: &AppScope,
        audience: &Audience,
        idempotency_key: Option<&str>,
        draft: MessageDraft,
    ) -> Result<(Message, bool), Refusal> {
        let event_id = draft.event_id.clone();
        let identity = match (&event_id, idempotency_key) {
            (Some(event_id), _) => MessageIdentity::EventId(event_id),
            (None, Some(key)) => MessageIdentity::IdempotencyKey(key),
            (None, None) => MessageIdentity::Random(self.effects.random.id_tail()),
        };
        let hash = draft.content_hash();
        let message = message_of(scope, &identity, draft, None, self.effects.now());
        self.put(scope, audience, message, &hash).await
    }

    /// Stores a message, its payload in the bucket when that is large, unless there is one of its identity.
    async fn put(
        &self,
        scope: &AppScope,
        audience: &Audience,
        mut message: Message,
        hash: &ContentHash,
    ) -> Result<(Message, bool), Refusal> {
        if let Some(payload) = large_payload(&message) {
            message.payload = self.payloads.put(scope, &message.id, hash, payload, message.accepted_at).await?;
        }
        match self.store.accept(scope, &audience.application, &message, hash).await? {
            Accepted::New => Ok((message, false)),
            Accepted::Repeat(first) => {
                // Its object has the name it had before it was removed: the repeat has just written it again.
                if let (true, PayloadPlace::Blob(name)) = (first.payload.is_expunged(), &message.payload) {
                    self.payloads.delete(name).await?;
                }
                Ok((*first, true))
            }
            Accepted::Conflict => Err(Refusal::Conflict(match message.event_id.is_some() {
                true => "a message with this eventId and other content exists already".to_owned(),
                false => "this idempotency key was used for a message with other content".to_owned(),
            })),
        }
    }
}

/// The message that a draft becomes, accepted at `at`, with its payload in hand.
fn message_of(
    scope: &AppScope,
    identity: &MessageIdentity<'_>,
    draft: MessageDraft,
    origin: Option<Origin>,
    at: Timestamp,
) -> Message {
    let id = MessageId::new(at, identity.tail(scope));
    Message {
        id,
        expires_at: draft.expires_at(at),
        event_id: draft.event_id,
        event_type: draft.event_type,
        channels: draft.channels,
        tags: draft.tags,
        payload: PayloadPlace::Here(draft.payload),
        accepted_at: id.timestamp(),
        deliver_at: draft.deliver_at.filter(|deliver_at| *deliver_at > at),
        deliver_before: draft.deliver_before,
        ordering_key: draft.ordering_key,
        headers: draft.headers,
        origin,
        is_canceled: false,
    }
}

/// A payload that its message's record has no room for.
fn large_payload(message: &Message) -> Option<&Payload> {
    match &message.payload {
        PayloadPlace::Here(payload) if payload.as_str().len() > PAYLOAD_IN_ITEM_BYTES_MAX => Some(payload),
        PayloadPlace::Here(_) | PayloadPlace::Blob(_) | PayloadPlace::Expunged => None,
    }
}

fn is_wanted(audience: &Audience, event_type: &EventTypeName, channels: &[Channel]) -> bool {
    audience.subscribers.iter().any(|subscriber| subscriber.wants(event_type, channels))
}
