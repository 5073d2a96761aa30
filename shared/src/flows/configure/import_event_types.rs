//! Importing event types: each webhook of a document becomes an event type, or changes the one that has its name.
//!
//! Everything is checked before anything is written. Cut short in writing, the same import does the rest: what is as it
//! should be already is left alone, so that it may come as often as it wants.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::event_types::checked;
use super::{Configure, Refusal};
use crate::domain::audit::Author;
use crate::domain::event_type::{EventType, EventTypeDraft};
use crate::domain::ids::OrganizationId;
use crate::domain::names::EventTypeName;
use crate::domain::openapi::Webhook;
use crate::domain::page::{Cursor, Order, PAGE_ITEMS_MAX, PageRequest};
use crate::domain::revision::Precondition;
use crate::domain::timestamp::Timestamp;

/// Writes at one time: an import of the largest size ends within a request's time, and leaves the table to others too.
const WRITES_AT_ONCE: usize = 10;

/// Event types one import archives at most, for the same reason.
const ARCHIVED_MAX: usize = 500;

/// Pages that are looked through for event types the document does not name: more than hold the largest document's and
/// those that may be archived.
const PAGES_MAX: usize = 8;

/// What an import should do besides.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// Only check.
    pub is_dry_run: bool,
    /// Archive the event types that the document does not name.
    pub replaces_all: bool,
}

impl Configure {
    /// Makes the organization's event types what the webhooks say.
    pub async fn import_event_types(
        &self,
        by: &Author,
        webhooks: &[Webhook],
        options: ImportOptions,
    ) -> Result<(), Refusal> {
        let organization = &by.organization;
        let now = self.effects.now();
        let names: Vec<EventTypeName> = webhooks.iter().map(|webhook| webhook.name.clone()).collect();
        let found = self.store.event_types(organization, &names).await?;
        let found: HashMap<_, _> = found.iter().map(|event_type| (&event_type.name, event_type)).collect();
        let is_new = |webhook: &&Webhook| {
            let after = |before: &&EventType| webhook.to_patch().apply(before, now);
            found.get(&webhook.name).is_none_or(|before| !is_same(before, &after(before)))
        };
        let changed: Vec<&Webhook> = webhooks.iter().filter(is_new).collect();
        for webhook in &changed {
            if let Some(before) = found.get(&webhook.name) {
                checked(webhook.to_patch().apply(before, now), "spec")?;
            }
        }
        let archived = match options.replaces_all {
            true => self.not_among(organization, &names).await?,
            false => Vec::new(),
        };
        if options.is_dry_run {
            return Ok(());
        }
        // One after the other: each one that is new counts up, and two that count at once get in each other's way.
        for webhook in changed {
            self.import(by, webhook).await?;
        }
        let archiving: Vec<_> = archived.iter().map(|name| self.archive(by, name)).collect();
        stream::iter(archiving).buffer_unordered(WRITES_AT_ONCE).try_collect::<()>().await
    }

    async fn archive(&self, by: &Author, name: &EventTypeName) -> Result<(), Refusal> {
        match self.delete_event_type(by, name, false, &Precondition::default()).await {
            // Forgotten meanwhile: it is not offered any more either.
            Err(Refusal::NotFound(_)) => Ok(()),
            outcome => outcome,
        }
    }

    async fn import(&self, by: &Author, webhook: &Webhook) -> Result<(), Refusal> {
        let patch = |before: &EventType, now: Timestamp| checked(webhook.to_patch().apply(before, now), "spec");
        let create = || EventTypeDraft {
            description: webhook.description.clone().unwrap_or_default(),
            archived: false,
            deprecated: webhook.deprecated,
            schemas: webhook.schemas.clone(),
            schema_validation: None,
            feature_flags: Vec::new(),
            group_name: webhook.group_name.clone(),
        };
        let anyhow = Precondition::default();
        self.save_event_type(by, &webhook.name, &anyhow, patch, create).await.map(drop)
    }

    /// The event types of other names that are not archived yet.
    async fn not_among(
        &self,
        organization: &OrganizationId,
        names: &[EventTypeName],
    ) -> Result<Vec<EventTypeName>, Refusal> {
        let names: HashSet<_> = names.iter().collect();
        let mut others = Vec::new();
        let mut request = PageRequest { limit: PAGE_ITEMS_MAX, cursor: None, order: Order::Ascending };
        for _ in 0..PAGES_MAX {
            let page = self.store.list_event_types(organization, &request, false).await?;
            others
                .extend(page.items.into_iter().map(|event_type| event_type.name).filter(|name| !names.contains(name)));
            let Some(next) = page.next.filter(|_| !page.is_done && others.len() <= ARCHIVED_MAX) else { break };
            request.cursor = Some(Cursor::After(next));
        }
        if others.len() > ARCHIVED_MAX {
            return Err(Refusal::LimitReached(format!("an import may archive {ARCHIVED_MAX} event types")));
        }
        Ok(others)
    }
}

/// Whether a change changes nothing but the time of it.
fn is_same(before: &EventType, after: &EventType) -> bool {
    *before == EventType { updated_at: before.updated_at, ..after.clone() }
}
