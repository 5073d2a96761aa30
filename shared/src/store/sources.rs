//! Sources of inbound webhooks: one partition for each organization, sorted by the time they were made, uids behind them.
//!
//! What receives a webhook knows the organization and the source from its address, and reads one item.

use std::collections::BTreeSet;

use super::idempotency::{Creation, Transacted};
use super::item::{Item, ItemBuilder, Reader};
use super::page::Range;
use super::sealing::page_of_readable;
use super::{Created, Idempotency, Store, Updated, keys};
use crate::domain::audit::Change;
use crate::domain::endpoint::HeaderName;
use crate::domain::ids::{AppScope, ApplicationId, OrganizationId, SourceId};
use crate::domain::inbound::{InboundSecret, Provider};
use crate::domain::names::{EventTypeName, SourceUid};
use crate::domain::page::{Page, PageRequest};
use crate::domain::rotation::{Retired, Rotating};
use crate::domain::source::Source;
use crate::domain::source_address::SourceToken;
use crate::domain::source_events::{EventTypeRule, Otherwise, Prefix};
use crate::fault::Fault;

/// How a caller names a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceRef {
    /// By our identifier.
    Id(SourceId),
    /// By the caller's own.
    Uid(SourceUid),
}

impl SourceRef {
    /// None when the text can be neither: then there is no such source.
    pub fn parse(text: &str) -> Option<Self> {
        match SourceId::parse(text) {
            Some(id) => Some(Self::Id(id)),
            None => SourceUid::parse(text).ok().map(Self::Uid),
        }
    }
}

/// What nobody reads who only has the table: what webhooks are verified with, and what their address is known by.
const SECRET: [&str; 3] = ["secret", "retired", "token"];

fn to_item(organization: &OrganizationId, source: &Source) -> Result<Item, Fault> {
    let provider = serde_json::to_string(&source.provider);
    let provider = provider.map_err(|error| Fault::corrupt_because("encoding a source's provider", error))?;
    let rule = &source.event_types;
    let (fixed, prefix) = match &rule.otherwise {
        Otherwise::ByKind => (None, None),
        Otherwise::Fixed(event_type) => (Some(event_type.as_str()), None),
        Otherwise::Prefixed(prefix) => (None, Some(prefix.as_str())),
    };
    let retired = source.secrets.iter().flat_map(|secrets| &secrets.retired).map(|retired| {
        ItemBuilder::default().text("key", retired.secret.as_text()).instant("until", retired.valid_until).build()
    });
    let ignored: Vec<&String> = rule.ignore.iter().collect();
    let forwarded: Vec<&str> = source.forwarded_headers.iter().map(HeaderName::as_str).collect();
    Ok(ItemBuilder::new(keys::sources(organization), keys::source_sk(&source.id))
        .text("id", source.id.to_string())
        .text_if("uid", source.uid.as_ref().map(SourceUid::as_str))
        .text("name", &source.name)
        .text("provider", provider)
        .text_if("secret", source.secrets.as_ref().map(|secrets| secrets.current.as_text()))
        .items("retired", retired.collect())
        .text("app", source.application.to_string())
        .text_if("fixed", fixed)
        .text_if("prefix", prefix)
        .pairs("map", rule.map.iter().map(|(theirs, ours)| (theirs.as_str(), ours.as_str())))
        .texts("ignore", &ignored)
        .texts("forward", &forwarded)
        .flag("disabled", source.is_disabled)
        .bytes("token", source.token.as_bytes().to_vec())
        .instant("created", source.created_at)
        .instant("updated", source.updated_at)
        .build())
}

fn from_item(item: &Item) -> Result<Source, Fault> {
    let reader = Reader::new("source", item);
    let provider: Provider = reader.parsed("provider", |text| serde_json::from_str(text).ok())?;
    let token = reader.bytes_if("token")?.and_then(|bytes| bytes.try_into().ok());
    Ok(Source {
        id: reader.parsed("id", SourceId::parse)?,
        uid: reader.parsed_if("uid", |text| SourceUid::parse(text).ok())?,
        name: reader.text("name")?.to_owned(),
        secrets: secrets(&reader, &provider)?,
        provider,
        application: reader.parsed("app", ApplicationId::parse)?,
        event_types: event_types(&reader)?,
        forwarded_headers: reader.texts("forward", |text| HeaderName::parse(text).ok())?,
        is_disabled: reader.flag("disabled"),
        token: token.map(SourceToken::new).ok_or_else(|| reader.corrupt("token"))?,
        created_at: reader.instant("created")?,
        updated_at: reader.instant("updated")?,
    })
}

fn secrets(reader: &Reader<'_>, provider: &Provider) -> Result<Option<Rotating<InboundSecret>>, Fault> {
    let parse = |text: &str| provider.check_secret(text).ok();
    let retired = |item| {
        let reader = Reader::new("retired secret", item);
        Ok(Retired { secret: reader.parsed("key", parse)?, valid_until: reader.instant("until")? })
    };
    let Some(current) = reader.parsed_if("secret", parse)? else { return Ok(None) };
    let retired = reader.items("retired")?.into_iter().map(retired).collect::<Result<_, Fault>>()?;
    Ok(Some(Rotating { current, retired }))
}

fn event_types(reader: &Reader<'_>) -> Result<EventTypeRule, Fault> {
    let fixed = reader.parsed_if("fixed", |text| EventTypeName::parse(text).ok())?;
    let prefix = reader.parsed_if("prefix", |text| Prefix::parse(text).ok())?;
    let otherwise = match (fixed, prefix) {
        (Some(event_type), _) => Otherwise::Fixed(event_type),
        (None, Some(prefix)) => Otherwise::Prefixed(prefix),
        (None, None) => Otherwise::ByKind,
    };
    let pair = |(theirs, ours): (&str, &str)| {
        let ours = EventTypeName::parse(ours).map_err(|_| reader.corrupt("map"))?;
        Ok((theirs.to_owned(), ours))
    };
    let map = reader.pairs("map")?.into_iter().map(pair).collect::<Result<_, Fault>>()?;
    let ignore = BTreeSet::from_iter(reader.texts("ignore", |text| Some(text.to_owned()))?);
    Ok(EventTypeRule { otherwise, map, ignore })
}

fn uid_item(organization: &OrganizationId, uid: &SourceUid, id: SourceId) -> Item {
    ItemBuilder::new(keys::sources(organization), keys::source_uid_sk(uid)).text("id", id.to_string()).build()
}

impl Store {
    async fn source_item(&self, organization: &OrganizationId, source: &Source) -> Result<Item, Fault> {
        self.seal(to_item(organization, source)?, &SECRET, source.updated_at).await
    }

    /// Stores a new source of an application that is there.
    pub async fn create_source(
        &self,
        organization: &OrganizationId,
        source: &Source,
        idempotency: Option<&Idempotency>,
        change: &Change,
    ) -> Result<Created, Fault> {
        let scope = AppScope { organization: *organization, application: source.application };
        let mut creation = Creation::new(self, organization, idempotency, &source.id.to_string())?
            .require(self, keys::application(&scope), keys::APPLICATION)?
            .put_new(self, self.source_item(organization, source).await?, Created::NameTaken)?;
        if let Some(uid) = &source.uid {
            creation = creation.put_new(self, uid_item(organization, uid, source.id), Created::NameTaken)?;
        }
        creation.record(self, change)?.run(self, &format!("creating source {}", source.id)).await
    }

    /// The source a caller names, if the organization has it.
    pub async fn source(&self, organization: &OrganizationId, named: &SourceRef) -> Result<Option<Source>, Fault> {
        let id = match named {
            SourceRef::Id(id) => *id,
            SourceRef::Uid(uid) => {
                let (pk, sk) = (keys::sources(organization), keys::source_uid_sk(uid));
                let Some(item) = self.get("looking up a source's uid", pk, sk).await? else { return Ok(None) };
                Reader::new("source uid", &item).parsed("id", SourceId::parse)?
            }
        };
        let (pk, sk) = (keys::sources(organization), keys::source_sk(&id));
        let item = self.get_readable(&format!("reading source {id}"), pk, sk).await?;
        item.as_ref().map(from_item).transpose()
    }

    /// Stores a changed source over the one that was read, once for an idempotency key if there is one.
    pub async fn update_source(
        &self,
        organization: &OrganizationId,
        before: &Source,
        after: &Source,
        idempotency: Option<&Idempotency>,
        change: &Change,
    ) -> Result<Updated, Fault> {
        let mut steps = vec![self.put_over(self.source_item(organization, after).await?, before.updated_at)?];
        if before.uid != after.uid {
            if let Some(uid) = &after.uid {
                steps.push(self.put_if_new(uid_item(organization, uid, after.id))?);
            }
            if let Some(uid) = &before.uid {
                steps.push(self.delete_step(keys::sources(organization), keys::source_uid_sk(uid))?);
            }
        }
        let once = idempotency.map(|key| self.once(organization, key, &after.id.to_string())).transpose()?;
        let record = once.as_ref().map(|_| steps.len());
        steps.extend(once);
        steps.push(self.record_step(change)?);
        let failed = match self.transact(&format!("updating source {}", after.id), steps).await? {
            Transacted::Done => return Ok(Updated::Done),
            Transacted::Failed(failed) => failed,
        };
        let repeated = failed.iter().find(|(step, _)| Some(*step) == record);
        match (repeated, idempotency) {
            (Some((_, item)), Some(key)) => Updated::repeat(key, item.as_ref()),
            _ if failed.iter().all(|(step, _)| *step == 1) => Ok(Updated::UidTaken),
            _ => Ok(Updated::Raced),
        }
    }

    /// Deletes the source that was read and its uid.
    pub async fn delete_source(
        &self,
        organization: &OrganizationId,
        source: &Source,
        change: &Change,
    ) -> Result<Updated, Fault> {
        let (pk, sk) = (keys::sources(organization), keys::source_sk(&source.id));
        let mut steps = vec![self.delete_if_unchanged(pk, sk, source.updated_at)?];
        if let Some(uid) = &source.uid {
            steps.push(self.delete_step(keys::sources(organization), keys::source_uid_sk(uid))?);
        }
        steps.push(self.record_step(change)?);
        match self.transact(&format!("deleting source {}", source.id), steps).await? {
            Transacted::Done => Ok(Updated::Done),
            Transacted::Failed(_) => Ok(Updated::Raced),
        }
    }

    /// A page of the organization's sources, by the time they were made.
    pub async fn list_sources(
        &self,
        organization: &OrganizationId,
        request: &PageRequest<SourceId>,
    ) -> Result<Page<Source, SourceId>, Fault> {
        let range = Range::prefixed(keys::sources(organization), keys::SOURCE);
        let items = self.query_page("listing sources", range, request, keys::source_sk).await?;
        let items = self.open_all(items).await?;
        let id = |item: &Item| Reader::new("source", item).parsed("id", SourceId::parse);
        page_of_readable(request, &items, id, from_item)
    }

    /// How many sources the organization has.
    pub async fn count_sources(&self, organization: &OrganizationId) -> Result<usize, Fault> {
        let range = Range::prefixed(keys::sources(organization), keys::SOURCE);
        Ok(self.query_count("counting sources", &range, true, usize::MAX >> 1).await?.len())
    }
}
