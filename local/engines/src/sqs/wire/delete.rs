//! `DeleteMessage` and `DeleteMessageBatch`.

use serde::Deserialize;

use super::{Answer, BatchAnswer, done, queue_name, reply};
use crate::sqs::Sqs;
use crate::sqs::limits::check_batch;
use crate::sqs::message::Receipt;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteMessage {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteMessageBatch {
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
    #[serde(default)]
    receipt_handle: String,
}

pub(super) async fn one(sqs: &Sqs, request: DeleteMessage) -> Answer {
    let name = queue_name(&request.queue_url)?;
    let receipt = Receipt::parse(&request.receipt_handle)?;
    let (results, saved) = sqs.book().delete(name, &[receipt], sqs.now_ms())?;
    results.into_iter().collect::<Result<(), _>>()?;
    saved.wait().await?;
    done()
}

pub(super) async fn batch(sqs: &Sqs, request: DeleteMessageBatch) -> Answer {
    let name = queue_name(&request.queue_url)?;
    check_batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let mut answer = BatchAnswer::new();
    let (mut ids, mut receipts) = (Vec::new(), Vec::new());
    for Entry { id, receipt_handle } in request.entries {
        match Receipt::parse(&receipt_handle) {
            Ok(receipt) => {
                ids.push(id);
                receipts.push(receipt);
            }
            Err(error) => answer.fail(id, &error),
        }
    }
    let (results, saved) = sqs.book().delete(name, &receipts, sqs.now_ms())?;
    saved.wait().await?;
    for (id, result) in ids.into_iter().zip(results) {
        answer.note(id, result);
    }
    reply(&answer)
}
