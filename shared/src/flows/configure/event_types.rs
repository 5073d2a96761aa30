//! Event types.

use super::{Configure, CreationKey, OVERTAKEN_MAX, Refusal, Saved, key_reused, overtaken};
use crate::domain::event_type::{EventType, EventTypeDraft, EventTypePatch};
use crate::domain::ids::OrganizationId;
use crate::domain::names::EventTypeName;
use crate::domain::page::{Page, PageRequest};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::flows::Thing;
use crate::store::{Created, Updated};

const NO_EVENT_TYPE: Refusal = Refusal::NotFound(Thing::EventType);

impl Configure {
    /// Creates an event type. One that was archived under this name comes back as it is described now.
    pub async fn create_event_type(
        &self,
        organization: &OrganizationId,
        name: EventTypeName,
        draft: EventTypeDraft,
        key: Option<CreationKey<'_>>,
    ) -> Result<EventType, Refusal> {
        let event_type = draft.clone().create(name.clone(), self.effects.now());
        let idempotency = self.idempotency(key, "event-type");
        match self.store.create_event_type(organization, &event_type, idempotency.as_ref()).await? {
            Created::New => Ok(event_type),
            Created::Repeat { is_same_request: true, .. } => self.event_type(organization, &name).await,
            Created::Repeat { is_same_request: false, .. } => Err(key_reused()),
            Created::ParentGone => Err(NO_EVENT_TYPE),
            Created::NameTaken => {
                if !self.event_type(organization, &name).await?.archived {
                    return Err(Refusal::EventTypeExists(name.to_string()));
                }
                self.change_event_type(organization, &name, |before, now| draft.clone().replace(before, now)).await
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
        organization: &OrganizationId,
        name: &EventTypeName,
        draft: EventTypeDraft,
    ) -> Result<Saved<EventType>, Refusal> {
        let replace = |before: &EventType, now| draft.clone().replace(before, now);
        match self.change_event_type(organization, name, replace).await {
            Err(Refusal::NotFound(_)) => {
                self.create_event_type(organization, name.clone(), draft.clone(), None).await.map(Saved::Created)
            }
            outcome => outcome.map(Saved::Existing),
        }
    }

    /// Changes what the patch says.
    pub async fn patch_event_type(
        &self,
        organization: &OrganizationId,
        name: &EventTypeName,
        patch: EventTypePatch,
    ) -> Result<EventType, Refusal> {
        self.change_event_type(organization, name, |before, now| patch.clone().apply(before, now)).await
    }

    /// Archives an event type, or forgets it altogether.
    pub async fn delete_event_type(
        &self,
        organization: &OrganizationId,
        name: &EventTypeName,
        expunge: bool,
    ) -> Result<(), Refusal> {
        if expunge {
            self.event_type(organization, name).await?;
            return Ok(self.store.expunge_event_type(organization, name).await?);
        }
        let archive = EventTypePatch { archived: Some(true), ..EventTypePatch::default() };
        self.patch_event_type(organization, name, archive).await.map(drop)
    }

    async fn change_event_type(
        &self,
        organization: &OrganizationId,
        name: &EventTypeName,
        change: impl Fn(&EventType, Timestamp) -> EventType,
    ) -> Result<EventType, Refusal> {
        for _ in 0..OVERTAKEN_MAX {
            let before = self.event_type(organization, name).await?;
            let after = change(&before, self.effects.now());
            match self.store.update_event_type(organization, &before, &after).await? {
                Updated::Done => return Ok(after),
                Updated::UidTaken | Updated::Raced | Updated::Repeat { .. } => {}
            }
        }
        Err(overtaken())
    }
}
