//! The audit log: one partition for each organization, sorted by time; nothing changes in it, and TTL takes what is old.
//!
//! One partition is enough. A record is written with a change of the configuration, and an organization's event types, too, are
//! changed in one partition: where they fit, their records do.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::item::{Item, ItemBuilder, Reader};
use super::page::{Filtered, Range};
use super::write::Write;
use super::{Store, keys};
use crate::domain::actor::Actor;
use crate::domain::audit::{Author, Change, Changed, Operation};
use crate::domain::ids::{ApiKeyId, ApplicationId, ChangeId, OrganizationId, RequestId};
use crate::domain::page::{Page, PageRequest};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

/// Pages of all changes that one page of a filtered list reads at most.
const LIST_READS_MAX: usize = 10;

/// What a list of changes is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct ChangeFilter {
    /// What was done.
    pub operation: Option<Operation>,
    /// Identifier or name of what was changed.
    pub thing: Option<String>,
    /// What belongs to this application, and the application itself.
    pub application: Option<ApplicationId>,
    /// Before this instant.
    pub before: Option<Timestamp>,
    /// At or after this instant.
    pub after: Option<Timestamp>,
}

impl ChangeFilter {
    fn wants(&self, change: &Change) -> bool {
        self.operation.is_none_or(|operation| operation == change.operation)
            && self.thing.as_ref().is_none_or(|thing| *thing == change.changed.thing)
            && self.application.is_none_or(|application| change.changed.application == Some(application))
            && self.before.is_none_or(|before| change.at < before)
            && self.after.is_none_or(|after| change.at >= after)
    }

    /// Where the changes lie that it can want: the time bounds cut the range, so that nothing outside of them is read.
    fn range(&self, organization: &OrganizationId) -> Range<'static> {
        let all = Range::prefixed(keys::audit_log(organization), keys::CHANGE);
        let bound = |at: Timestamp| keys::change_sk(&ChangeId::new(at, [0; crate::domain::ksuid::TAIL_BYTES]));
        let from = self.after.map_or(all.from, bound);
        // Identifiers tell time to a few milliseconds: those of the instant itself are looked at one by one.
        let to = self.before.map_or(all.to, |before| bound(before.plus_millis(crate::domain::ksuid::STEP_MS)));
        Range { from, to, ..all }
    }
}

fn to_item(change: &Change) -> Result<Item, Fault> {
    let fields = serde_json::to_string(&change.changed.fields);
    let fields = fields.map_err(|error| Fault::corrupt_because("encoding a change", error))?;
    let (kind, name, application) = match &change.author.actor {
        Actor::Token => ("token", None, None),
        Actor::Identity { subject } => ("identity", Some(subject.clone()), None),
        Actor::ApiKey { id } => ("api-key", Some(id.to_string()), None),
        Actor::Portal { application, token } => ("portal", Some(token.clone()), Some(application.to_string())),
        Actor::Gateway => ("gateway", None, None),
    };
    Ok(ItemBuilder::new(keys::audit_log(&change.author.organization), keys::change_sk(&change.id))
        .text("id", change.id.to_string())
        .instant("at", change.at)
        .text("actor", kind)
        .text_if("name", name)
        .text_if("portal", application)
        .text_if("request", change.author.request_id.map(|id| id.to_string()))
        .text("operation", change.operation.as_str())
        .text("thing", &change.changed.thing)
        .text_if("app", change.changed.application.map(|id| id.to_string()))
        .text("fields", fields)
        .expires(change.expires_at)
        .build())
}

fn from_item(organization: &OrganizationId, item: &Item) -> Result<Change, Fault> {
    let reader = Reader::new("change", item);
    let actor = match reader.text("actor")? {
        "token" => Actor::Token,
        "identity" => Actor::Identity { subject: reader.text("name")?.to_owned() },
        "api-key" => Actor::ApiKey { id: reader.parsed("name", ApiKeyId::parse)? },
        "portal" => Actor::Portal {
            application: reader.parsed("portal", ApplicationId::parse)?,
            token: reader.text("name")?.to_owned(),
        },
        "gateway" => Actor::Gateway,
        _ => return Err(reader.corrupt("actor")),
    };
    let request_id = reader.parsed_if("request", RequestId::parse)?;
    Ok(Change {
        id: reader.parsed("id", ChangeId::parse)?,
        at: reader.instant("at")?,
        author: Author { organization: *organization, actor, request_id },
        operation: reader.parsed("operation", |text| Operation::parse(text).ok())?,
        changed: Changed {
            thing: reader.text("thing")?.to_owned(),
            application: reader.parsed_if("app", ApplicationId::parse)?,
            fields: reader.parsed("fields", |text| serde_json::from_str(text).ok())?,
        },
        expires_at: reader.expires()?,
    })
}

impl Store {
    /// The step of a transaction that puts a change on record. It has no condition, so it never fails by itself: the steps before
    /// it decide.
    pub(super) fn record_step(&self, change: &Change) -> Result<TransactWriteItem, Fault> {
        self.put_step(to_item(change)?)
    }

    /// Puts on record what leaves nothing else in the table. Done twice it leaves one record.
    pub async fn record_change(&self, change: &Change) -> Result<(), Fault> {
        self.writer.write(Write::Put(to_item(change)?)).await
    }

    /// A page of the organization's changes.
    pub async fn list_changes(
        &self,
        organization: &OrganizationId,
        request: &PageRequest<ChangeId>,
        filter: &ChangeFilter,
    ) -> Result<Page<Change, ChangeId>, Fault> {
        let bounds = filter.range(organization);
        let is_outside = |id: &ChangeId| !(&*bounds.from..=&*bounds.to).contains(&&*keys::change_sk(id));
        if bounds.from > bounds.to || request.cursor_key().is_some_and(is_outside) {
            return Ok(request.page(Vec::new(), |change: &Change| change.id));
        }
        let list = Filtered {
            action: "listing changes",
            range: || filter.range(organization),
            sk_of: keys::change_sk,
            read: |item: &Item| from_item(organization, item),
            key_of: |change: &Change| change.id,
            wants: |change: &Change| filter.wants(change),
        };
        self.filtered_page(list, request, LIST_READS_MAX).await
    }
}
