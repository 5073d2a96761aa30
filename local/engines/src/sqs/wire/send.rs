//! `SendMessage` and `SendMessageBatch`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answer, BatchAnswer, queue_name, reply};
use crate::sqs::Sqs;
use crate::sqs::book::Outgoing;
use crate::sqs::digest;
use crate::sqs::error::SqsError;
use crate::sqs::limits::{DELAY_S_MAX, MESSAGE_BYTES_MAX, check_batch, check_group_id, within};
use crate::sqs::message::{MessageAttribute, MessageAttributes, Payload, message_id};

/// The one system attribute a sender may give.
pub(super) const TRACE_HEADER: &str = "AWSTraceHeader";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessage {
    #[serde(default)]
    queue_url: String,
    #[serde(flatten)]
    message: MessageIn,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendMessageBatch {
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
    message: MessageIn,
}

/// A message as a sender gives it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MessageIn {
    #[serde(default)]
    message_body: String,
    delay_seconds: Option<i64>,
    message_attributes: Option<MessageAttributes>,
    message_system_attributes: Option<BTreeMap<String, MessageAttribute>>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

/// What the sender gets to compare with what it sent.
#[derive(Serialize)]
struct Receipt {
    #[serde(rename = "Id", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    body_md5: String,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<String>,
    #[serde(rename = "MD5OfMessageSystemAttributes", skip_serializing_if = "Option::is_none")]
    system_attributes_md5: Option<String>,
}

pub(super) async fn one(sqs: &Sqs, request: SendMessage) -> Answer {
    let name = queue_name(&request.queue_url)?;
    let bytes_max = message_bytes_max(sqs, name)?;
    let (message, mut receipt) = request.message.checked(bytes_max)?;
    let (seqs, saved) = sqs.book().send(name, vec![message], sqs.now_ms())?;
    saved.wait().await?;
    receipt.message_id = seqs.first().copied().map(message_id).unwrap_or_default();
    reply(&receipt)
}

pub(super) async fn batch(sqs: &Sqs, request: SendMessageBatch) -> Answer {
    let name = queue_name(&request.queue_url)?;
    let bytes_max = message_bytes_max(sqs, name)?;
    check_batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let mut answer = BatchAnswer::new();
    let mut accepted = Vec::with_capacity(request.entries.len());
    for Entry { id, message } in request.entries {
        match message.checked(bytes_max) {
            Ok((message, receipt)) => accepted.push((message, Receipt { id: Some(id), ..receipt })),
            Err(error) => answer.fail(id, &error),
        }
    }
    let total_bytes: usize = accepted.iter().map(|(message, _)| message.payload_bytes).sum();
    if total_bytes > MESSAGE_BYTES_MAX {
        return Err(SqsError::BatchRequestTooLong(total_bytes));
    }
    let (messages, receipts): (Vec<_>, Vec<_>) = accepted.into_iter().unzip();
    if !messages.is_empty() {
        let (seqs, saved) = sqs.book().send(name, messages, sqs.now_ms())?;
        saved.wait().await?;
        let ids = seqs.into_iter().map(message_id);
        answer.successful = receipts.into_iter().zip(ids).map(|(r, message_id)| Receipt { message_id, ..r }).collect();
    }
    reply(&answer)
}

fn message_bytes_max(sqs: &Sqs, name: &str) -> Result<usize, SqsError> {
    let bytes_max = sqs.book().queue(name, sqs.now_ms())?.settings.message_bytes_max;
    Ok(usize::try_from(bytes_max).unwrap_or(MESSAGE_BYTES_MAX))
}

impl MessageIn {
    /// The message as the engine takes it, and the receipt for it, but for the id.
    fn checked(self, bytes_max: usize) -> Result<(Outgoing, Receipt), SqsError> {
        if self.message_deduplication_id.is_some() {
            return Err(SqsError::InvalidParameterValue(
                "The request include parameter that is not valid for this queue type".to_owned(),
            ));
        }
        self.message_group_id.as_deref().map_or(Ok(()), check_group_id)?;
        let delay_s = self.delay_seconds.map(|delay_s| within("DelaySeconds", delay_s, 0..=DELAY_S_MAX)).transpose()?;
        let system_attributes = self.message_system_attributes.unwrap_or_default();
        let payload = Payload {
            body: self.message_body,
            attributes: self.message_attributes.unwrap_or_default(),
            trace_header: trace_header(&system_attributes)?,
        };
        let payload = payload.checked()?;
        let payload_bytes = payload.bytes_len();
        if payload_bytes > bytes_max {
            return Err(SqsError::InvalidParameterValue(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {bytes_max} bytes."
            )));
        }
        let receipt = Receipt {
            id: None,
            message_id: String::new(),
            body_md5: digest::of_body(&payload.body),
            attributes_md5: digest::of_attributes(&payload.attributes),
            system_attributes_md5: digest::of_attributes(&system_attributes),
        };
        Ok((Outgoing { payload, payload_bytes, group_id: self.message_group_id, delay_s }, receipt))
    }
}

fn trace_header(system_attributes: &MessageAttributes) -> Result<Option<String>, SqsError> {
    match system_attributes.keys().find(|name| *name != TRACE_HEADER) {
        Some(name) => {
            Err(SqsError::InvalidParameterValue(format!("Message system attribute name '{name}' is invalid.")))
        }
        None => Ok(system_attributes.get(TRACE_HEADER).and_then(|header| header.string_value.clone())),
    }
}
