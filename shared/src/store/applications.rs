//! Applications. Each is stored twice, in one transaction: in its own partition, where publishing reads it together with
//! its endpoints, and in its organization's directory, where it is listed. A uid is a third item, which makes it unique.

use super::idempotency::{Creation, Transacted};
use super::item::{Item, ItemBuilder, Reader};
use super::page::Range;
use super::write::Write;
use super::{Created, Idempotency, Store, Updated, keys};
use crate::domain::application::Application;
use crate::domain::audit::Change;
use crate::domain::ids::{AppScope, ApplicationId, OrganizationId};
use crate::domain::names::ApplicationUid;
use crate::domain::page::{Page, PageRequest};
use crate::domain::schedule::RetrySchedule;
use crate::fault::Fault;

/// How a caller names an application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApplicationRef {
    /// By our identifier.
    Id(ApplicationId),
    /// By the caller's own.
    Uid(ApplicationUid),
    /// By the caller's own, which counts only if it is this application's.
    UidOf(ApplicationUid, ApplicationId),
}

impl ApplicationRef {
    /// None when the text can be neither: then there is no such application.
    pub fn parse(text: &str) -> Option<Self> {
        match ApplicationId::parse(text) {
            Some(id) => Some(Self::Id(id)),
            None => ApplicationUid::parse(text).ok().map(Self::Uid),
        }
    }

    /// The same name, if it can be that of this one application.
    pub fn only(self, application: ApplicationId) -> Option<Self> {
        match self {
            Self::Id(id) => (id == application).then_some(Self::Id(id)),
            Self::Uid(uid) => Some(Self::UidOf(uid, application)),
            Self::UidOf(_, only) => (only == application).then_some(self),
        }
    }
}

fn scope(organization: &OrganizationId, application: ApplicationId) -> AppScope {
    AppScope { organization: *organization, application }
}

fn to_item(pk: String, sk: String, application: &Application) -> Item {
    let metadata = application.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    ItemBuilder::new(pk, sk)
        .text("id", application.id.to_string())
        .text_if("uid", application.uid.as_ref().map(ApplicationUid::as_str))
        .text("name", &application.name)
        .number_if("rate", application.rate_limit)
        .pairs("meta", metadata)
        .text_if("retries", application.retry_schedule.as_ref().map(RetrySchedule::to_string))
        .number("shards", application.list_shards)
        .instant("created", application.created_at)
        .instant("updated", application.updated_at)
        .build()
}

pub(super) fn from_item(item: &Item) -> Result<Application, Fault> {
    let reader = Reader::new("application", item);
    let metadata = reader.pairs("meta")?.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Ok(Application {
        id: reader.parsed("id", ApplicationId::parse)?,
        uid: reader.parsed_if("uid", |text| ApplicationUid::parse(text).ok())?,
        name: reader.text("name")?.to_owned(),
        rate_limit: reader.number_if("rate")?,
        metadata,
        retry_schedule: reader.parsed_if("retries", |text| RetrySchedule::parse(text).ok())?,
        list_shards: reader.number("shards")?,
        created_at: reader.instant("created")?,
        updated_at: reader.instant("updated")?,
    })
}

fn own_item(organization: &OrganizationId, application: &Application) -> Item {
    to_item(keys::application(&scope(organization, application.id)), keys::APPLICATION.to_owned(), application)
}

fn directory_item(organization: &OrganizationId, application: &Application) -> Item {
    to_item(keys::directory(organization), keys::directory_sk(application.id.ksuid()), application)
}

fn uid_item(organization: &OrganizationId, uid: &ApplicationUid, id: ApplicationId) -> Item {
    ItemBuilder::new(keys::directory(organization), keys::application_uid_sk(uid)).text("id", id.to_string()).build()
}

impl Store {
    /// Stores a new application.
    pub async fn create_application(
        &self,
        organization: &OrganizationId,
        application: &Application,
        idempotency: Option<&Idempotency>,
        change: &Change,
    ) -> Result<Created, Fault> {
        let action = format!("creating application {}", application.id);
        let mut creation = Creation::new(self, organization, idempotency, &application.id.to_string())?
            .put_new(self, own_item(organization, application), Created::NameTaken)?
            .put_new(self, directory_item(organization, application), Created::NameTaken)?;
        if let Some(uid) = &application.uid {
            creation = creation.put_new(self, uid_item(organization, uid, application.id), Created::NameTaken)?;
        }
        creation.record(self, change)?.run(self, &action).await
    }

    /// Stores a new application that no list shows.
    pub async fn create_unlisted_application(
        &self,
        organization: &OrganizationId,
        application: &Application,
    ) -> Result<Created, Fault> {
        let creation = Creation::new(self, organization, None, &application.id.to_string())?;
        let creation = creation.put_new(self, own_item(organization, application), Created::NameTaken)?;
        creation.run(self, &format!("creating application {}", application.id)).await
    }

    /// The application a caller names, if the organization has it.
    pub async fn application(
        &self,
        organization: &OrganizationId,
        named: &ApplicationRef,
    ) -> Result<Option<Application>, Fault> {
        let Some(id) = self.application_id(organization, named).await? else { return Ok(None) };
        let pk = keys::application(&scope(organization, id));
        let item = self.get(&format!("reading application {id}"), pk, keys::APPLICATION.to_owned()).await?;
        item.as_ref().map(from_item).transpose()
    }

    /// Whose uid it is; identifiers are taken at their word.
    pub(super) async fn application_id(
        &self,
        organization: &OrganizationId,
        named: &ApplicationRef,
    ) -> Result<Option<ApplicationId>, Fault> {
        let (uid, only) = match named {
            ApplicationRef::Id(id) => return Ok(Some(*id)),
            ApplicationRef::Uid(uid) => (uid, None),
            ApplicationRef::UidOf(uid, only) => (uid, Some(*only)),
        };
        let item = self
            .get("looking up an application's uid", keys::directory(organization), keys::application_uid_sk(uid))
            .await?;
        let id =
            item.map(|item| Reader::new("application uid", &item).parsed("id", ApplicationId::parse)).transpose()?;
        Ok(id.filter(|id| only.is_none_or(|only| only == *id)))
    }

    /// Stores a changed application over the one that was read.
    pub async fn update_application(
        &self,
        organization: &OrganizationId,
        before: &Application,
        after: &Application,
        change: &Change,
    ) -> Result<Updated, Fault> {
        let mut steps = vec![
            self.put_over(own_item(organization, after), before.updated_at)?,
            self.put_over(directory_item(organization, after), before.updated_at)?,
        ];
        if before.uid != after.uid {
            if let Some(uid) = &after.uid {
                steps.push(self.put_if_new(uid_item(organization, uid, after.id))?);
            }
            if let Some(uid) = &before.uid {
                steps.push(self.delete_step(keys::directory(organization), keys::application_uid_sk(uid))?);
            }
        }
        steps.push(self.record_step(change)?);
        match self.transact(&format!("updating application {}", after.id), steps).await? {
            Transacted::Done => Ok(Updated::Done),
            Transacted::Failed(failed) if failed.iter().all(|(step, _)| *step == 2) => Ok(Updated::UidTaken),
            Transacted::Failed(_) => Ok(Updated::Raced),
        }
    }

    /// Deletes the application, its uid and its endpoints. Endpoints go first: cut short, it leaves an application with
    /// fewer endpoints, and doing it again ends it. Messages stay until they expire, but nothing finds them any more.
    /// Somebody else may have deleted it meanwhile, and has it on record.
    pub async fn delete_application(
        &self,
        organization: &OrganizationId,
        application: &Application,
        change: &Change,
    ) -> Result<(), Fault> {
        let action = format!("deleting application {}", application.id);
        let pk = keys::application(&scope(organization, application.id));
        let range = Range { index: None, partition: pk.clone(), from: keys::ENDPOINT.to_owned(), to: "~".to_owned() };
        let belongings = self.query_count(&action, &range, true, usize::MAX >> 1).await?;
        let sort_keys = belongings.iter().filter_map(|item| super::key_text(item, "sk"));
        self.writer.write_all(sort_keys.map(|sk| Write::Delete { pk: pk.clone(), sk: sk.to_owned() })).await?;

        let mut steps = vec![
            self.delete_existing(pk, keys::APPLICATION.to_owned())?,
            self.delete_step(keys::directory(organization), keys::directory_sk(application.id.ksuid()))?,
        ];
        if let Some(uid) = &application.uid {
            steps.push(self.delete_step(keys::directory(organization), keys::application_uid_sk(uid))?);
        }
        steps.push(self.record_step(change)?);
        self.transact(&action, steps).await.map(drop)
    }

    /// A page of the organization's applications, by the time they were made.
    pub async fn list_applications(
        &self,
        organization: &OrganizationId,
        request: &PageRequest<ApplicationId>,
    ) -> Result<Page<Application, ApplicationId>, Fault> {
        let range = Range::prefixed(keys::directory(organization), keys::DIRECTORY_ENTRY);
        let sk_of = |id: &ApplicationId| keys::directory_sk(id.ksuid());
        let items = self.query_page("listing applications", range, request, sk_of).await?;
        let applications = items.iter().map(from_item).collect::<Result<Vec<_>, _>>()?;
        Ok(request.page(applications, |application| application.id))
    }
}
