//! Imports and their parts. Imports lie in one partition for each organization, sorted by the time they were asked for; the parts of
//! one in a partition of their own, in the order of the file.
//!
//! Nobody owns an import while it runs: each change is one update that names what must still be so. A part belongs to whoever
//! began it last.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;

use super::idempotency::Creation;
use super::item::{Item, ItemBuilder, Reader, number, text};
use super::page::{Filtered, Range};
use super::{Created, Idempotency, Store, keys};
use crate::domain::ids::{ApplicationId, ImportId, OrganizationId};
use crate::domain::import::{Counts, Import, ImportStatus, Part, Resume};
use crate::domain::ksuid::Ksuid;
use crate::domain::page::{Page, PageRequest};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

/// Pages of imports one listing looks through for those of an application.
const LIST_READS_MAX: usize = 10;

fn sk(id: &ImportId) -> String {
    format!("{}{}", keys::IMPORT, id.ksuid())
}

fn part_sk(number: u32) -> String {
    format!("{}{number:08}", keys::IMPORT_PART)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::corrupt_because("encoding an import", error))
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn to_item(import: &Import) -> Result<Item, Fault> {
    Ok(ItemBuilder::new(keys::imports(&import.organization), sk(&import.id))
        .text("id", import.id.ksuid().to_string())
        .text_if("app", import.application.map(|id| id.ksuid().to_string()))
        .text("name", &import.name)
        .text("key", &import.key)
        .number("size", whole(import.size))
        .text_if("upload", import.upload.as_ref().map(json).transpose()?)
        .text("columns", json(&import.columns)?)
        .text_if("file", import.file.as_ref().map(json).transpose()?)
        .text("status", import.status.as_str())
        .text_if("failure", import.failure.as_deref())
        .number("parts", import.parts)
        .number("parts_done", import.parts_done)
        .flag("queued", import.is_queued)
        .number("strikes", whole(import.strikes))
        .text_if("totals", import.totals.as_ref().map(json).transpose()?)
        .instant("created", import.created_at)
        .instant_if("started", import.started_at)
        .instant_if("finished", import.finished_at)
        .expires(import.expires_at())
        .build())
}

fn from_item(organization: &OrganizationId, item: &Item) -> Result<Import, Fault> {
    let reader = Reader::new("import", item);
    Ok(Import {
        id: reader.parsed("id", Ksuid::parse).map(ImportId::from_ksuid)?,
        organization: *organization,
        application: reader.parsed_if("app", Ksuid::parse)?.map(ApplicationId::from_ksuid),
        name: reader.text("name")?.to_owned(),
        key: reader.text("key")?.to_owned(),
        size: reader.number("size")?,
        upload: reader.parsed_if("upload", |text| serde_json::from_str(text).ok())?,
        columns: reader.parsed("columns", |text| serde_json::from_str(text).ok())?,
        file: reader.parsed_if("file", |text| serde_json::from_str(text).ok())?,
        status: reader.parsed("status", ImportStatus::parse)?,
        failure: reader.text_if("failure")?.map(str::to_owned),
        parts: reader.number("parts")?,
        parts_done: reader.number("parts_done")?,
        is_queued: reader.flag("queued"),
        strikes: reader.number("strikes")?,
        totals: reader.parsed_if("totals", |text| serde_json::from_str(text).ok())?,
        created_at: reader.instant("created")?,
        started_at: reader.instant_if("started")?,
        finished_at: reader.instant_if("finished")?,
    })
}

fn part_from_item(item: &Item) -> Result<Part, Fault> {
    let reader = Reader::new("part of an import", item);
    Ok(Part {
        number: reader.number("number")?,
        epoch: reader.number("epoch")?,
        resume: reader.parsed_if("resume", |text| serde_json::from_str(text).ok())?.unwrap_or_default(),
        window_at: reader.instant("window_at")?,
        counts: reader.parsed_if("counts", |text| serde_json::from_str(text).ok())?.unwrap_or_default(),
        error_windows: reader.parsed_if("errors", |text| serde_json::from_str(text).ok())?.unwrap_or_default(),
        is_done: reader.flag("done"),
    })
}

impl Store {
    /// Stores a new import, once for an idempotency key.
    pub async fn create_import(&self, import: &Import, idempotency: Option<&Idempotency>) -> Result<Created, Fault> {
        Creation::new(self, &import.organization, idempotency, &import.id.to_string())?
            .put_new(self, to_item(import)?, Created::NameTaken)?
            .run(self, &format!("creating import {}", import.id))
            .await
    }

    /// The import with this identifier, if the organization has it.
    pub async fn import(&self, organization: &OrganizationId, id: &ImportId) -> Result<Option<Import>, Fault> {
        let item = self.get(&format!("reading import {id}"), keys::imports(organization), sk(id)).await?;
        item.map(|item| from_item(organization, &item)).transpose()
    }

    /// Its file came: what is known of it, and the parts it is read in. None: it no longer waits.
    pub async fn begin_import(&self, import: &Import, now: Timestamp) -> Result<Option<Import>, Fault> {
        const BEGIN: &str =
            "SET #status = :running, #file = :file, #size = :size, #parts = :parts, #started = :started";
        let update = self
            .update(keys::imports(&import.organization), sk(&import.id), BEGIN)
            .condition_expression("#status = :waiting")
            .expression_attribute_names("#file", "file")
            .expression_attribute_names("#size", "size")
            .expression_attribute_names("#parts", "parts")
            .expression_attribute_names("#started", "started")
            .expression_attribute_values(":waiting", text(ImportStatus::Waiting.as_str()))
            .expression_attribute_values(":file", text(json(&import.file)?))
            .expression_attribute_values(":size", number(whole(import.size)))
            .expression_attribute_values(":parts", number(import.parts))
            .expression_attribute_values(":started", number(now.as_millis()))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":running", text(ImportStatus::Running.as_str()));
        self.updated_import(import, "beginning", update).await
    }

    /// All of its parts are in the queue.
    pub async fn note_import_queued(&self, import: &Import) -> Result<(), Fault> {
        let update = self
            .update(keys::imports(&import.organization), sk(&import.id), "SET #queued = :yes")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#queued", "queued")
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        self.updated_import(import, "noting the queueing of", update).await.map(drop)
    }

    /// Counts rejected records, perhaps some of them twice; the import as it is then.
    pub async fn note_import_strikes(&self, import: &Import, count: u64) -> Result<Option<Import>, Fault> {
        self.add_to_import(import, "strikes", whole(count)).await
    }

    /// Counts a part as done, perhaps twice; the import as it is then.
    pub async fn note_import_part_done(&self, import: &Import) -> Result<Option<Import>, Fault> {
        self.add_to_import(import, "parts_done", 1).await
    }

    async fn add_to_import(&self, import: &Import, name: &str, count: i64) -> Result<Option<Import>, Fault> {
        let update = self
            .update(keys::imports(&import.organization), sk(&import.id), "ADD #counter :count")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#counter", name)
            .expression_attribute_values(":count", number(count));
        self.updated_import(import, "counting for", update).await
    }

    /// Ends an import that waits or runs; none: it was over already.
    pub async fn end_import(
        &self,
        import: &Import,
        status: ImportStatus,
        failure: Option<&str>,
        totals: Option<Counts>,
        now: Timestamp,
    ) -> Result<Option<Import>, Fault> {
        let mut update = self
            .update(keys::imports(&import.organization), sk(&import.id), "")
            .condition_expression("#status IN (:waiting, :running)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#finished", "finished")
            .expression_attribute_values(":waiting", text(ImportStatus::Waiting.as_str()))
            .expression_attribute_values(":running", text(ImportStatus::Running.as_str()))
            .expression_attribute_values(":status", text(status.as_str()))
            .expression_attribute_values(":now", number(now.as_millis()));
        let mut expression = "SET #status = :status, #finished = :now".to_owned();
        let said = failure.map(|failure| ("failure", failure.to_owned()));
        let counted = totals.as_ref().map(json).transpose()?.map(|totals| ("totals", totals));
        for (name, value) in said.into_iter().chain(counted) {
            expression.push_str(&format!(", #{name} = :{name}"));
            update = update.expression_attribute_names(format!("#{name}"), name);
            update = update.expression_attribute_values(format!(":{name}"), text(value));
        }
        let update = update.update_expression(expression);
        self.updated_import(import, "ending", update).await
    }

    async fn updated_import(
        &self,
        import: &Import,
        doing: &str,
        update: UpdateItemFluentBuilder,
    ) -> Result<Option<Import>, Fault> {
        let item = self.updated(&format!("{doing} import {}", import.id), update).await?;
        item.map(|item| from_item(&import.organization, &item)).transpose()
    }

    /// A page of the organization's imports, or of one application's, by the time they were asked for.
    pub async fn list_imports(
        &self,
        organization: &OrganizationId,
        application: Option<ApplicationId>,
        request: &PageRequest<ImportId>,
    ) -> Result<Page<Import, ImportId>, Fault> {
        let list = Filtered {
            action: "listing imports",
            range: || Range::prefixed(keys::imports(organization), keys::IMPORT),
            sk_of: sk,
            read: |item: &Item| from_item(organization, item),
            key_of: |import: &Import| import.id,
            wants: |import: &Import| application.is_none() || import.application == application,
        };
        self.filtered_page(list, request, LIST_READS_MAX).await
    }

    /// Begins, or goes on with, a part of an import: from now on it is ours, and where it stands.
    pub async fn claim_part(&self, import: &Import, part: u32, now: Timestamp) -> Result<Part, Fault> {
        const CLAIM: &str = "ADD #epoch :one SET #number = :number, #window_at = if_not_exists(#window_at, :now), \
                             #ttl = :ttl";
        let update = self
            .update(keys::import_parts(&import.organization, &import.id), part_sk(part), CLAIM)
            .expression_attribute_names("#epoch", "epoch")
            .expression_attribute_names("#number", "number")
            .expression_attribute_names("#window_at", "window_at")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":number", number(part))
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":ttl", number(import.expires_at().as_seconds()));
        let action = format!("beginning part {part} of import {}", import.id);
        let item = self.updated(&action, update).await?.ok_or_else(|| Fault::corrupt(action))?;
        part_from_item(&item)
    }

    /// Stores how far a part is; false: somebody else has begun it since.
    pub async fn checkpoint_part(&self, import: &Import, part: &Part) -> Result<bool, Fault> {
        const CHECKPOINT: &str = "SET #resume = :resume, #window_at = :window_at, #counts = :counts, #errors = :errors, \
                                  #done = :done";
        let update = self
            .update(keys::import_parts(&import.organization, &import.id), part_sk(part.number), CHECKPOINT)
            .condition_expression("#epoch = :epoch")
            .expression_attribute_names("#epoch", "epoch")
            .expression_attribute_names("#resume", "resume")
            .expression_attribute_names("#window_at", "window_at")
            .expression_attribute_names("#counts", "counts")
            .expression_attribute_names("#errors", "errors")
            .expression_attribute_names("#done", "done")
            .expression_attribute_values(":epoch", number(part.epoch))
            .expression_attribute_values(":resume", text(json::<Resume>(&part.resume)?))
            .expression_attribute_values(":window_at", number(part.window_at.as_millis()))
            .expression_attribute_values(":counts", text(json(&part.counts)?))
            .expression_attribute_values(":errors", text(json(&part.error_windows)?))
            .expression_attribute_values(":done", AttributeValue::Bool(part.is_done));
        let action = format!("noting how far part {} of import {} is", part.number, import.id);
        Ok(self.updated(&action, update).await?.is_some())
    }

    /// The parts that were begun, in the order of the file.
    pub async fn import_parts(&self, import: &Import) -> Result<Vec<Part>, Fault> {
        let range = Range::prefixed(keys::import_parts(&import.organization, &import.id), keys::IMPORT_PART);
        let count = usize::try_from(import.parts).unwrap_or(usize::MAX);
        let items = self.query_count("reading the parts of an import", &range, true, count.max(1)).await?;
        items.iter().map(part_from_item).collect()
    }
}
