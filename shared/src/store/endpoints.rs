//! Endpoints, in their application's partition: one query reads the application and everything that wants its messages.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, TransactWriteItem, Update};

use super::idempotency::{Creation, Transacted};
use super::item::{Item, ItemBuilder, Reader, number, text};
use super::page::{Range, endpoints_range};
use super::sealing::page_of_readable;
use super::{Created, Idempotency, Store, Updated, applications, keys};
use crate::domain::application::Application;
use crate::domain::audit::Change;
use crate::domain::endpoint::{DisabledBecause, Endpoint, Header, HeaderName, SigningSecrets};
use crate::domain::ids::{AppScope, EndpointId, OrganizationId};
use crate::domain::legacy_signature::{Encoding, LegacyForm, LegacySecret, LegacySignature, SignaturePrefix};
use crate::domain::names::{Channel, EndpointUid, EventTypeName};
use crate::domain::page::{Page, PageRequest};
use crate::domain::rotation::Retired;
use crate::domain::schedule::RetrySchedule;
use crate::domain::signature::SigningSecret;
use crate::domain::subscription::Subscriber;
use crate::domain::timestamp::Timestamp;
use crate::domain::url::EndpointUrl;
use crate::fault::Fault;
use crate::store::ApplicationRef;

/// How a caller names an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointRef {
    /// By our identifier.
    Id(EndpointId),
    /// By the caller's own.
    Uid(EndpointUid),
}

impl EndpointRef {
    /// None when the text can be neither: then there is no such endpoint.
    pub fn parse(text: &str) -> Option<Self> {
        match EndpointId::parse(text) {
            Some(id) => Some(Self::Id(id)),
            None => EndpointUid::parse(text).ok().map(Self::Uid),
        }
    }
}

/// An application and whoever may want its messages.
#[derive(Clone, Debug)]
pub struct Audience {
    /// The application.
    pub application: Application,
    /// All of its endpoints, oldest first.
    pub subscribers: Vec<Subscriber>,
}

impl DisabledBecause {
    fn stored(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    fn from_stored(text: &str) -> Option<Self> {
        [Self::Requested, Self::Gone, Self::Failing].into_iter().find(|reason| reason.stored() == text)
    }
}

/// What nobody reads who only has the table: what signs, and headers, which may hold credentials.
const SECRET: [&str; 4] = ["secret", "retired", "headers", "legacy"];

fn to_item(scope: &AppScope, endpoint: &Endpoint) -> Item {
    let metadata = endpoint.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let retired = endpoint.secrets.retired.iter().map(|retired| {
        ItemBuilder::default()
            .text("key", retired.secret.to_secret_text())
            .instant("until", retired.valid_until)
            .build()
    });
    ItemBuilder::new(keys::application(scope), keys::endpoint_sk(&endpoint.id))
        .text("id", endpoint.id.to_string())
        .text_if("uid", endpoint.uid.as_ref().map(EndpointUid::as_str))
        .text("url", endpoint.url.as_str())
        .text_if("about", Some(endpoint.description.as_str()).filter(|text| !text.is_empty()))
        .texts("types", &endpoint.event_types)
        .texts("channels", &endpoint.channels)
        .text_if("disabled", endpoint.disabled.map(DisabledBecause::stored))
        .number_if("rate", endpoint.rate_limit)
        .pairs("meta", metadata)
        .pairs("headers", endpoint.headers.iter().map(|header| (header.name(), header.value())))
        .number("version", endpoint.version)
        .text("secret", endpoint.secrets.current.to_secret_text())
        .items("retired", retired.collect())
        .items("legacy", endpoint.legacy_signatures.iter().map(legacy_item).collect())
        .text_if("retries", endpoint.retry_schedule.as_ref().map(RetrySchedule::to_string))
        .flag("ordered", endpoint.is_ordered)
        .instant_if("failing", endpoint.failing_since)
        .instant("created", endpoint.created_at)
        .instant("updated", endpoint.updated_at)
        .build()
}

pub(super) fn from_item(item: &Item) -> Result<Endpoint, Fault> {
    let reader = Reader::new("endpoint", item);
    let secret = |text: &str| SigningSecret::parse(text).ok();
    let header = |(name, value): (&str, &str)| Header::parse(name, value).map_err(|_| reader.corrupt("headers"));
    let retired = |item| {
        let reader = Reader::new("retired secret", item);
        Ok(Retired { secret: reader.parsed("key", secret)?, valid_until: reader.instant("until")? })
    };
    let metadata = reader.pairs("meta")?.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Ok(Endpoint {
        id: reader.parsed("id", EndpointId::parse)?,
        uid: reader.parsed_if("uid", |text| EndpointUid::parse(text).ok())?,
        url: reader.parsed("url", |text| EndpointUrl::parse(text).ok())?,
        description: reader.text_if("about")?.unwrap_or_default().to_owned(),
        event_types: reader.texts("types", |text| EventTypeName::parse(text).ok())?,
        channels: reader.texts("channels", |text| Channel::parse(text).ok())?,
        disabled: reader.parsed_if("disabled", DisabledBecause::from_stored)?,
        rate_limit: reader.number_if("rate")?,
        metadata,
        headers: reader.pairs("headers")?.into_iter().map(header).collect::<Result<_, _>>()?,
        version: reader.number("version")?,
        secrets: SigningSecrets {
            current: reader.parsed("secret", secret)?,
            retired: reader.items("retired")?.into_iter().map(retired).collect::<Result<_, Fault>>()?,
        },
        legacy_signatures: reader.items("legacy")?.into_iter().map(legacy_signature).collect::<Result<_, Fault>>()?,
        retry_schedule: reader.parsed_if("retries", |text| RetrySchedule::parse(text).ok())?,
        is_ordered: reader.flag("ordered"),
        failing_since: reader.instant_if("failing")?,
        created_at: reader.instant("created")?,
        updated_at: reader.instant("updated")?,
    })
}

fn legacy_item(entry: &LegacySignature) -> Item {
    let item = ItemBuilder::default()
        .text("kind", entry.form.kind())
        .text_if("header", entry.form.header().map(HeaderName::as_str))
        .text_if("key", entry.secret.as_ref().map(LegacySecret::as_str));
    match &entry.form {
        LegacyForm::Svix | LegacyForm::Timestamped { .. } => item.build(),
        LegacyForm::Hmac { encoding, prefix, .. } => {
            item.text("encoding", encoding.as_str()).text("prefix", prefix.as_str()).build()
        }
    }
}

fn legacy_signature(item: &Item) -> Result<LegacySignature, Fault> {
    let reader = Reader::new("legacy signature", item);
    let header = || reader.parsed("header", |text| HeaderName::parse(text).ok());
    let form = match reader.text("kind")? {
        "svix" => LegacyForm::Svix,
        "timestamped" => LegacyForm::Timestamped { header: header()? },
        "hmac" => LegacyForm::Hmac {
            header: header()?,
            encoding: reader.parsed("encoding", |text| Encoding::parse(text).ok())?,
            prefix: reader.parsed("prefix", |text| SignaturePrefix::parse(text).ok())?,
        },
        _ => return Err(reader.corrupt("kind")),
    };
    let secret = reader.parsed_if("key", |text| LegacySecret::parse(text).ok())?;
    Ok(LegacySignature { form, secret })
}

fn subscriber(item: &Item) -> Result<Subscriber, Fault> {
    let reader = Reader::new("endpoint", item);
    Ok(Subscriber {
        endpoint: reader.parsed("id", EndpointId::parse)?,
        is_enabled: reader.text_if("disabled")?.is_none(),
        event_types: reader.texts("types", |text| EventTypeName::parse(text).ok())?,
        channels: reader.texts("channels", |text| Channel::parse(text).ok())?,
        is_ordered: reader.flag("ordered"),
    })
}

fn uid_item(scope: &AppScope, uid: &EndpointUid, id: EndpointId) -> Item {
    ItemBuilder::new(keys::application(scope), keys::endpoint_uid_sk(uid)).text("id", id.to_string()).build()
}

impl Store {
    /// The application and its endpoints' subscriptions: one query when it is named by its identifier; one read more when
    /// named by its uid, which callers that publish often save with `known`, the identifier they found last time.
    pub async fn audience(
        &self,
        organization: &OrganizationId,
        named: &ApplicationRef,
        known: Option<crate::domain::ids::ApplicationId>,
    ) -> Result<Option<Audience>, Fault> {
        if let Some(application) = known {
            let found = self.audience_of(&AppScope { organization: *organization, application }).await?;
            // The uid may belong to another by now; the record itself says whose it is.
            let is_current = |audience: &Audience| match named {
                ApplicationRef::Id(id) => audience.application.id == *id,
                ApplicationRef::Uid(uid) => audience.application.uid.as_ref() == Some(uid),
                ApplicationRef::UidOf(uid, only) => {
                    audience.application.id == *only && audience.application.uid.as_ref() == Some(uid)
                }
            };
            if found.as_ref().is_some_and(is_current) {
                return Ok(found);
            }
        }
        match self.application_id(organization, named).await? {
            Some(application) => self.audience_of(&AppScope { organization: *organization, application }).await,
            None => Ok(None),
        }
    }

    async fn audience_of(&self, scope: &AppScope) -> Result<Option<Audience>, Fault> {
        let action = format!("reading the endpoints of application {}", scope.application);
        let range = Range {
            index: None,
            partition: keys::application(scope),
            from: keys::APPLICATION.to_owned(),
            to: keys::ENDPOINTS_END.to_owned(),
        };
        let items = self.query_count(&action, &range, true, usize::MAX >> 1).await?;
        let Some((first, endpoints)) = items.split_first() else { return Ok(None) };
        if super::key_text(first, "sk") != Some(keys::APPLICATION) {
            return Ok(None); // being deleted: its endpoints outlive it for a moment only when a deletion was cut short
        }
        let subscribers = endpoints.iter().map(subscriber).collect::<Result<_, _>>()?;
        Ok(Some(Audience { application: applications::from_item(first)?, subscribers }))
    }

    async fn endpoint_item(&self, scope: &AppScope, endpoint: &Endpoint) -> Result<Item, Fault> {
        self.seal(to_item(scope, endpoint), &SECRET, endpoint.updated_at).await
    }

    /// Stores a new endpoint.
    pub async fn create_endpoint(
        &self,
        scope: &AppScope,
        endpoint: &Endpoint,
        idempotency: Option<&Idempotency>,
        change: &Change,
    ) -> Result<Created, Fault> {
        let action = format!("creating endpoint {}", endpoint.id);
        let mut creation = Creation::new(self, &scope.organization, idempotency, &endpoint.id.to_string())?
            .require(self, keys::application(scope), keys::APPLICATION)?
            .put_new(self, self.endpoint_item(scope, endpoint).await?, Created::NameTaken)?;
        if let Some(uid) = &endpoint.uid {
            creation = creation.put_new(self, uid_item(scope, uid, endpoint.id), Created::NameTaken)?;
        }
        creation.record(self, change)?.run(self, &action).await
    }

    /// The endpoint a caller names, if the application has it.
    pub async fn endpoint(&self, scope: &AppScope, named: &EndpointRef) -> Result<Option<Endpoint>, Fault> {
        let id = match named {
            EndpointRef::Id(id) => *id,
            EndpointRef::Uid(uid) => {
                let (pk, sk) = (keys::application(scope), keys::endpoint_uid_sk(uid));
                let Some(item) = self.get("looking up an endpoint's uid", pk, sk).await? else { return Ok(None) };
                Reader::new("endpoint uid", &item).parsed("id", EndpointId::parse)?
            }
        };
        let (pk, sk) = (keys::application(scope), keys::endpoint_sk(&id));
        let item = self.get_readable(&format!("reading endpoint {id}"), pk, sk).await?;
        item.as_ref().map(from_item).transpose()
    }

    /// Endpoints of several applications by their identifiers; those that are gone are missing.
    pub async fn endpoints(
        &self,
        wanted: &[(AppScope, EndpointId)],
    ) -> Result<HashMap<(AppScope, EndpointId), Endpoint>, Fault> {
        let mut by_key = HashMap::new();
        for (scope, id) in wanted {
            by_key.insert((keys::application(scope), keys::endpoint_sk(id)), (*scope, *id));
        }
        let items = self.batch_get("reading endpoints", by_key.keys().cloned().collect()).await?;
        let mut endpoints = HashMap::with_capacity(items.len());
        for item in &self.readable(items).await? {
            let key = |name| super::key_text(item, name).unwrap_or_default().to_owned();
            if let Some(whose) = by_key.get(&(key("pk"), key("sk"))) {
                endpoints.insert(*whose, from_item(item)?);
            }
        }
        Ok(endpoints)
    }

    /// Stores a changed endpoint over the one that was read.
    pub async fn update_endpoint(
        &self,
        scope: &AppScope,
        before: &Endpoint,
        after: &Endpoint,
        change: &Change,
    ) -> Result<Updated, Fault> {
        let mut steps = vec![self.put_over(self.endpoint_item(scope, after).await?, before.updated_at)?];
        if before.uid != after.uid {
            if let Some(uid) = &after.uid {
                steps.push(self.put_if_new(uid_item(scope, uid, after.id))?);
            }
            if let Some(uid) = &before.uid {
                steps.push(self.delete_step(keys::application(scope), keys::endpoint_uid_sk(uid))?);
            }
        }
        steps.push(self.record_step(change)?);
        match self.transact(&format!("updating endpoint {}", after.id), steps).await? {
            Transacted::Done => Ok(Updated::Done),
            Transacted::Failed(failed) if failed.iter().all(|(step, _)| *step == 1) => Ok(Updated::UidTaken),
            Transacted::Failed(_) => Ok(Updated::Raced),
        }
    }

    /// Stores a changed endpoint over the one that was read, once for an idempotency key.
    pub async fn update_endpoint_once(
        &self,
        scope: &AppScope,
        before: &Endpoint,
        after: &Endpoint,
        idempotency: &Idempotency,
        change: &Change,
    ) -> Result<Updated, Fault> {
        let steps = vec![
            self.once(&scope.organization, idempotency, &after.id.to_string())?,
            self.put_over(self.endpoint_item(scope, after).await?, before.updated_at)?,
            self.record_step(change)?,
        ];
        match self.transact(&format!("updating endpoint {}", after.id), steps).await? {
            Transacted::Done => Ok(Updated::Done),
            Transacted::Failed(failed) => match failed.first() {
                Some((0, record)) => Updated::repeat(idempotency, record.as_ref()),
                _ => Ok(Updated::Raced),
            },
        }
    }

    /// Deletes the endpoint that was read and its uid; tasks on their way find nothing and end.
    pub async fn delete_endpoint(
        &self,
        scope: &AppScope,
        endpoint: &Endpoint,
        change: &Change,
    ) -> Result<Updated, Fault> {
        let (pk, sk) = (keys::application(scope), keys::endpoint_sk(&endpoint.id));
        let mut steps = vec![self.delete_if_unchanged(pk, sk, endpoint.updated_at)?];
        if let Some(uid) = &endpoint.uid {
            steps.push(self.delete_step(keys::application(scope), keys::endpoint_uid_sk(uid))?);
        }
        steps.push(self.record_step(change)?);
        match self.transact(&format!("deleting endpoint {}", endpoint.id), steps).await? {
            Transacted::Done => Ok(Updated::Done),
            Transacted::Failed(_) => Ok(Updated::Raced),
        }
    }

    /// A page of the application's endpoints, by the time they were made.
    pub async fn list_endpoints(
        &self,
        scope: &AppScope,
        request: &PageRequest<EndpointId>,
    ) -> Result<Page<Endpoint, EndpointId>, Fault> {
        let range = endpoints_range(keys::application(scope));
        let items = self.query_page("listing endpoints", range, request, keys::endpoint_sk).await?;
        let items = self.open_all(items).await?;
        let id = |item: &Item| Reader::new("endpoint", item).parsed("id", EndpointId::parse);
        page_of_readable(request, &items, id, from_item)
    }

    /// All of the application's endpoints, oldest first.
    pub async fn endpoint_ids(&self, scope: &AppScope) -> Result<Vec<EndpointId>, Fault> {
        let range = endpoints_range(keys::application(scope));
        let items = self.query_count("reading endpoints", &range, true, usize::MAX >> 1).await?;
        items.iter().map(|item| Reader::new("endpoint", item).parsed("id", EndpointId::parse)).collect()
    }

    /// How many endpoints the application has.
    pub async fn count_endpoints(&self, scope: &AppScope) -> Result<usize, Fault> {
        let range = endpoints_range(keys::application(scope));
        Ok(self.query_count("counting endpoints", &range, true, usize::MAX >> 1).await?.len())
    }

    /// Notes that every attempt fails since this instant, unless an earlier one is noted. Does not count as a change of
    /// the configuration. An endpoint that is gone stays gone.
    pub async fn note_failing(&self, scope: &AppScope, id: &EndpointId, since: Timestamp) -> Result<(), Fault> {
        let update = self.update_state(scope, id, "SET failing = if_not_exists(failing, :since)");
        let update = update.condition_expression("attribute_exists(pk)");
        self.send_update(id, update.expression_attribute_values(":since", number(since.as_millis()))).await
    }

    /// Notes that an attempt succeeded.
    pub async fn note_succeeding(&self, scope: &AppScope, id: &EndpointId) -> Result<(), Fault> {
        let update = self.update_state(scope, id, "REMOVE failing").condition_expression("attribute_exists(pk)");
        self.send_update(id, update).await
    }

    /// Disables the endpoint, unless it is disabled already or its owner changed it since `seen` was read.
    pub async fn disable_endpoint(
        &self,
        scope: &AppScope,
        seen: &Endpoint,
        because: DisabledBecause,
        change: &Change,
    ) -> Result<(), Fault> {
        let action = format!("disabling endpoint {}", seen.id);
        let update = Update::builder()
            .table_name(&*self.table)
            .key("pk", text(keys::application(scope)))
            .key("sk", text(keys::endpoint_sk(&seen.id)))
            .update_expression("SET disabled = :because, updated = :now")
            .condition_expression("attribute_not_exists(disabled) AND updated = :seen")
            .expression_attribute_values(":because", text(because.stored()))
            .expression_attribute_values(":now", number(change.at.later_than(seen.updated_at).as_millis()))
            .expression_attribute_values(":seen", number(seen.updated_at.as_millis()))
            .build()
            .map_err(|error| Fault::corrupt_because(&*action, error))?;
        let steps = vec![TransactWriteItem::builder().update(update).build(), self.record_step(change)?];
        self.transact(&action, steps).await.map(drop)
    }

    /// Nothing of the item is brought back: it holds secrets.
    fn update_state(&self, scope: &AppScope, id: &EndpointId, expression: &str) -> UpdateItemFluentBuilder {
        let update = self.update(keys::application(scope), keys::endpoint_sk(id), expression);
        update.return_values(ReturnValue::None)
    }

    /// A failed condition means that there is nothing to update.
    async fn send_update(&self, id: &EndpointId, update: UpdateItemFluentBuilder) -> Result<(), Fault> {
        self.updated(&format!("updating the state of endpoint {id}"), update).await.map(drop)
    }
}
