//! Event types: one partition for each organization, sorted by name.

use std::collections::HashSet;

use super::idempotency::{Creation, Transacted};
use super::item::{Item, ItemBuilder, Reader};
use super::page::{Filtered, Range};
use super::{Created, Idempotency, Store, Updated, keys};
use crate::domain::audit::Change;
use crate::domain::event_type::{EVENT_TYPES_PER_ORGANIZATION_MAX, EventType, SchemaValidation};
use crate::domain::ids::OrganizationId;
use crate::domain::names::EventTypeName;
use crate::domain::page::{Page, PageRequest};
use crate::fault::Fault;

/// Before every name in a sort key.
const NAME: &str = "N#";

fn sk(name: &EventTypeName) -> String {
    format!("{NAME}{name}")
}

fn to_item(organization: &OrganizationId, event_type: &EventType) -> Item {
    ItemBuilder::new(keys::event_types(organization), sk(&event_type.name))
        .text("name", event_type.name.as_str())
        .text("about", &event_type.description)
        .flag("archived", event_type.archived)
        .flag("deprecated", event_type.deprecated)
        .text_if("schemas", event_type.schemas.as_ref().map(serde_json::Value::to_string))
        .text_if(
            "validation",
            Some(event_type.schema_validation).filter(|m| *m != SchemaValidation::Off).map(SchemaValidation::as_str),
        )
        .texts("flags", &event_type.feature_flags)
        .text_if("group", event_type.group_name.as_deref())
        .instant("created", event_type.created_at)
        .instant("updated", event_type.updated_at)
        .build()
}

fn from_item(item: &Item) -> Result<EventType, Fault> {
    let reader = Reader::new("event type", item);
    Ok(EventType {
        name: reader.parsed("name", |text| EventTypeName::parse(text).ok())?,
        description: reader.text("about")?.to_owned(),
        archived: reader.flag("archived"),
        deprecated: reader.flag("deprecated"),
        schemas: reader.parsed_if("schemas", |text| serde_json::from_str(text).ok())?,
        schema_validation: reader
            .parsed_if("validation", |text| SchemaValidation::parse(text).ok())?
            .unwrap_or_default(),
        feature_flags: reader.texts("flags", |text| Some(text.to_owned()))?,
        group_name: reader.text_if("group")?.map(str::to_owned),
        created_at: reader.instant("created")?,
        updated_at: reader.instant("updated")?,
    })
}

impl Store {
    /// Stores a new event type.
    pub async fn create_event_type(
        &self,
        organization: &OrganizationId,
        event_type: &EventType,
        idempotency: Option<&Idempotency>,
        change: &Change,
    ) -> Result<Created, Fault> {
        Creation::new(self, organization, idempotency, event_type.name.as_str())?
            .put_new(self, to_item(organization, event_type), Created::NameTaken)?
            .count(self, keys::event_types(organization), keys::COUNTER, EVENT_TYPES_PER_ORGANIZATION_MAX)?
            .record(self, change)?
            .run(self, &format!("creating event type {}", event_type.name))
            .await
    }

    /// The event type of this name.
    pub async fn event_type(
        &self,
        organization: &OrganizationId,
        name: &EventTypeName,
    ) -> Result<Option<EventType>, Fault> {
        let item = self.get(&format!("reading event type {name}"), keys::event_types(organization), sk(name)).await?;
        item.as_ref().map(from_item).transpose()
    }

    /// The event types of these names; those that are not there are missing.
    pub async fn event_types(
        &self,
        organization: &OrganizationId,
        names: &[EventTypeName],
    ) -> Result<Vec<EventType>, Fault> {
        self.event_type_items(organization, names).await?.iter().map(from_item).collect()
    }

    async fn event_type_items(
        &self,
        organization: &OrganizationId,
        names: &[EventTypeName],
    ) -> Result<Vec<Item>, Fault> {
        let wanted: HashSet<_> = names.iter().map(|name| (keys::event_types(organization), sk(name))).collect();
        self.batch_get("looking up event types", wanted.into_iter().collect()).await
    }

    /// Those of the names that no event type of the organization has.
    pub async fn unknown_event_types(
        &self,
        organization: &OrganizationId,
        names: &[EventTypeName],
    ) -> Result<Vec<EventTypeName>, Fault> {
        let items = self.event_type_items(organization, names).await?;
        let known: HashSet<&str> = items.iter().filter_map(|item| super::key_text(item, "name")).collect();
        Ok(names.iter().filter(|name| !known.contains(name.as_str())).cloned().collect())
    }

    /// Stores a changed event type over the one that was read.
    pub async fn update_event_type(
        &self,
        organization: &OrganizationId,
        before: &EventType,
        after: &EventType,
        change: &Change,
    ) -> Result<Updated, Fault> {
        let steps = vec![self.put_over(to_item(organization, after), before.updated_at)?, self.record_step(change)?];
        match self.transact(&format!("updating event type {}", after.name), steps).await? {
            Transacted::Done => Ok(Updated::Done),
            Transacted::Failed(_) => Ok(Updated::Raced),
        }
    }

    /// Forgets the event type that was read; endpoints that name it keep the name.
    pub async fn expunge_event_type(
        &self,
        organization: &OrganizationId,
        seen: &EventType,
        change: &Change,
    ) -> Result<Updated, Fault> {
        let pk = keys::event_types(organization);
        let steps = vec![
            self.delete_if_unchanged(pk.clone(), sk(&seen.name), seen.updated_at)?,
            self.count_step(pk, keys::COUNTER, -1, None)?,
            self.record_step(change)?,
        ];
        match self.transact(&format!("deleting event type {}", seen.name), steps).await? {
            Transacted::Done => Ok(Updated::Done),
            Transacted::Failed(_) => Ok(Updated::Raced),
        }
    }

    /// A page of the organization's event types by name; `include_archived` decides about the archived ones.
    pub async fn list_event_types(
        &self,
        organization: &OrganizationId,
        request: &PageRequest<EventTypeName>,
        include_archived: bool,
    ) -> Result<Page<EventType, EventTypeName>, Fault> {
        let list = Filtered {
            action: "listing event types",
            range: || Range::prefixed(keys::event_types(organization), NAME),
            sk_of: sk,
            read: from_item,
            key_of: |event_type: &EventType| event_type.name.clone(),
            wants: |event_type: &EventType| include_archived || !event_type.archived,
        };
        // Archived ones are few; reading on behind them until the page is full costs little.
        self.filtered_page(list, request, usize::MAX).await
    }
}
