//! `ChangeMessageVisibility` and `ChangeMessageVisibilityBatch`.

use serde::Deserialize;

use super::{Answer, BatchAnswer, done, queue_name, reply};
use crate::sqs::Sqs;
use crate::sqs::error::SqsError;
use crate::sqs::limits::{VISIBILITY_S_MAX, check_batch, within};
use crate::sqs::message::Receipt;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeMessageVisibility {
    #[serde(default)]
    queue_url: String,
    #[serde(flatten)]
    change: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeMessageVisibilityBatch {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(default)]
    id: String,
    #[serde(flatten)]
    change: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    #[serde(default)]
    receipt_handle: String,
    visibility_timeout: Option<i64>,
}

pub(super) fn one(sqs: &Sqs, request: &ChangeMessageVisibility) -> Answer {
    request.change.make(sqs, queue_name(&request.queue_url)?)?;
    done()
}

pub(super) fn batch(sqs: &Sqs, request: ChangeMessageVisibilityBatch) -> Answer {
    let name = queue_name(&request.queue_url)?;
    sqs.book().queue(name, sqs.now_ms())?;
    check_batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let mut answer = BatchAnswer::new();
    for Entry { id, change } in request.entries {
        answer.note(id, change.make(sqs, name));
    }
    reply(&answer)
}

impl Change {
    fn make(&self, sqs: &Sqs, name: &str) -> Result<(), SqsError> {
        let timeout = self.visibility_timeout.ok_or_else(|| SqsError::missing("VisibilityTimeout"))?;
        let visibility_s = within("VisibilityTimeout", timeout, 0..=VISIBILITY_S_MAX)?;
        let receipt = Receipt::parse(&self.receipt_handle)?;
        sqs.book().change_visibility(name, &receipt, visibility_s, sqs.now_ms())
    }
}
