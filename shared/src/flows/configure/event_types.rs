//! Event types.

use super::{Configure, CreationKey, OVERTAKEN_MAX, Refusal, Saved, key_reused, overtaken, require};
use crate::domain::audit::{Author, Changed, Operation};
use crate::domain::event_type::{EVENT_TYPES_PER_ORGANIZATION_MAX, EventType, EventTypeDraft, EventTypePatch};
use crate::domain::ids::OrganizationId;
use crate::domain::names::EventTypeName;
use crate::domain::page::{Page, PageRequest};
use crate::domain::revision::Precondition;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::flows::Thing;
use crate::store::{Created, Updated};

/// The field that a schema which cannot be used is found in.
const SCHEMAS: &str = "schemas";

const NO_EVENT_TYPE: Refusal = Refusal::NotFound(Thing::EventType);

/// One more would be too many.
fn full() -> Refusal {
    Refusal::LimitReached(format!("an organization may have {EVENT_TYPES_PER_ORGANIZATION_MAX} event types"))
}

impl Configure {
    /// Creates an event type. One that was archived under this name comes back as it is described now.
    pub async fn create_event_type(
        &self,
        by: &Author,
        name: EventTypeName,
        draft: EventTypeDraft,
        key: Option<CreationKey<'_>>,
    ) -> Result<EventType, Refusal> {
        let organization = &by.organization;
        let event_type = checked(draft.clone().create(name.clone(), self.effects.now()), SCHEMAS)?;
        let idempotency = self.idempotency(key, "event-type");
        let change = self.audit.of(by, Operation::EventTypeCreate, Changed::created(&event_type));
        match self.store.create_event_type(organization, &event_type, idempotency.as_ref(), &change).await? {
            Created::New => Ok(event_type),
            Created::Repeat { is_same_request: true, .. } => self.event_type(organization, &name).await,
            Created::Repeat { is_same_request: false, .. } => Err(key_reused()),
            Created::ParentGone => Err(NO_EVENT_TYPE),
            Created::Full => Err(full()),
            Created::NameTaken => {
                if !self.event_type(organization, &name).await?.archived {
                    return Err(Refusal::EventTypeExists(name.to_string()));
                }
                let replace = |before: &EventType, now| checked(draft.clone().replace(before, now), SCHEMAS);
                self.change_event_type(by, &name, &Precondition::default(), replace).await
            }
        }
    }

    /// The event type of this name.
    pub async fn event_type(&self, organization: &OrganizationId, name: &EventTypeName) -> Result<EventType, Refusal> {
        self.store.event_type(organization, name).await?.ok_or(NO_EVENT_TYPE)
    }

    /// A page of the organization's event types.
    pub async fn list_event_types(
        &self,
        organization: &OrganizationId,
        request: &PageRequest<EventTypeName>,
        include_archived: bool,
    ) -> Result<Page<EventType, EventTypeName>, Fault> {
        self.store.list_event_types(organization, request, include_archived).await
    }

    /// Replaces an event type, or creates it.
    pub async fn put_event_type(
        &self,
        by: &Author,
        name: &EventTypeName,
        draft: EventTypeDraft,
        precondition: &Precondition,
    ) -> Result<Saved<EventType>, Refusal> {
        let replace = |before: &EventType, now| checked(draft.clone().replace(before, now), SCHEMAS);
        self.save_event_type(by, name, precondition, replace, || draft.clone()).await
    }

    /// Changes what the patch says.
    pub async fn patch_event_type(
        &self,
        by: &Author,
        name: &EventTypeName,
        patch: EventTypePatch,
        precondition: &Precondition,
    ) -> Result<EventType, Refusal> {
        let apply = |before: &EventType, now| checked(patch.clone().apply(before, now), SCHEMAS);
        self.change_event_type(by, name, precondition, apply).await
    }

    /// Archives an event type, or forgets it altogether.
    pub async fn delete_event_type(
        &self,
        by: &Author,
        name: &EventTypeName,
        expunge: bool,
        precondition: &Precondition,
    ) -> Result<(), Refusal> {
        let organization = &by.organization;
        if !expunge {
            let archive = |before: &EventType, now| {
                let archive = EventTypePatch { archived: Some(true), ..EventTypePatch::default() };
                Ok(archive.apply(before, now))
            };
            return self.change_event_type(by, name, precondition, archive).await.map(drop);
        }
        for _ in 0..OVERTAKEN_MAX {
            let before = self.event_type(organization, name).await?;
            require(precondition, Some(&before.revision()))?;
            let change = self.audit.of(by, Operation::EventTypeDelete, Changed::deleted(&before));
            if self.store.expunge_event_type(organization, &before, &change).await? == Updated::Done {
                return Ok(());
            }
        }
        Err(overtaken())
    }

    /// Changes an event type, or creates it when there is none, whoever else does the same meanwhile.
    pub(super) async fn save_event_type(
        &self,
        by: &Author,
        name: &EventTypeName,
        precondition: &Precondition,
        change: impl Fn(&EventType, Timestamp) -> Result<EventType, Refusal>,
        create: impl Fn() -> EventTypeDraft,
    ) -> Result<Saved<EventType>, Refusal> {
        let organization = &by.organization;
        for _ in 0..OVERTAKEN_MAX {
            match self.change_event_type(by, name, precondition, &change).await {
                Err(Refusal::NotFound(_)) => {}
                outcome => return outcome.map(Saved::Existing),
            }
            require(precondition, None)?;
            let new = checked(create().create(name.clone(), self.effects.now()), SCHEMAS)?;
            let change = self.audit.of(by, Operation::EventTypeCreate, Changed::created(&new));
            match self.store.create_event_type(organization, &new, None, &change).await? {
                Created::New => return Ok(Saved::Created(new)),
                Created::Full => return Err(full()),
                Created::NameTaken | Created::ParentGone | Created::Repeat { .. } => {}
            }
        }
        Err(overtaken())
    }

    async fn change_event_type(
        &self,
        by: &Author,
        name: &EventTypeName,
        precondition: &Precondition,
        change: impl Fn(&EventType, Timestamp) -> Result<EventType, Refusal>,
    ) -> Result<EventType, Refusal> {
        let organization = &by.organization;
        for _ in 0..OVERTAKEN_MAX {
            let before = self.event_type(organization, name).await?;
            require(precondition, Some(&before.revision()))?;
            let after = change(&before, self.effects.now())?;
            let change = self.audit.of(by, Operation::EventTypeUpdate, Changed::between(&before, &after));
            match self.store.update_event_type(organization, &before, &after, &change).await? {
                Updated::Done => return Ok(after),
                Updated::UidTaken | Updated::Raced | Updated::Repeat { .. } => {}
            }
        }
        Err(overtaken())
    }
}

/// The event type, if payloads can be held against its schema when they are to be.
pub(super) fn checked(event_type: EventType, field: &'static str) -> Result<EventType, Refusal> {
    match event_type.payload_schema() {
        Ok(_) => Ok(event_type),
        Err(reason) => Err(Refusal::Invalid { field, reason }),
    }
}
