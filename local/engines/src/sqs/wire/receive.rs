//! `ReceiveMessage`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::send::TRACE_HEADER;
use super::{Answer, queue_name, reply};
use crate::sqs::Sqs;
use crate::sqs::book::Delivered;
use crate::sqs::digest;
use crate::sqs::error::SqsError;
use crate::sqs::limits::{BATCH_ENTRIES_MAX, VISIBILITY_S_MAX, WAIT_S_MAX, within};
use crate::sqs::message::{MessageAttributes, message_id};
use crate::sqs::poll::Poll;
use crate::sqs::settings::queue_arn;

/// The system attributes that can be asked for. The last three are never there: they belong to FIFO queues and to
/// senders with an account.
const SYSTEM_ATTRIBUTES: [&str; 9] = [
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SentTimestamp",
    "MessageGroupId",
    TRACE_HEADER,
    "DeadLetterQueueSourceArn",
    "SenderId",
    "SequenceNumber",
    "MessageDeduplicationId",
];
const ALL: &str = "All";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiveMessage {
    #[serde(default)]
    queue_url: String,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    /// The older name of the next.
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Received<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<MessageOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MessageOut<'a> {
    message_id: String,
    receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    body_md5: String,
    body: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: MessageAttributes,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<String>,
}

pub(super) async fn receive(sqs: &Sqs, request: ReceiveMessage) -> Answer {
    let names = [&request.attribute_names, &request.message_system_attribute_names];
    let system_names: Vec<_> = names.into_iter().flatten().map(String::as_str).collect();
    if let Some(unknown) = system_names.iter().find(|name| **name != ALL && !SYSTEM_ATTRIBUTES.contains(name)) {
        return Err(SqsError::InvalidAttributeName((*unknown).to_owned()));
    }
    let delivered = sqs.receive(&request.poll()?).await?;
    let wanted = request.message_attribute_names.as_slice();
    let messages = delivered.iter().map(|one| written(one, &system_names, wanted)).collect();
    reply(&Received { messages })
}

impl ReceiveMessage {
    fn poll(&self) -> Result<Poll, SqsError> {
        let count =
            within("MaxNumberOfMessages", self.max_number_of_messages.unwrap_or(1), 1..=BATCH_ENTRIES_MAX as u64)?;
        let visibility = self.visibility_timeout.map(|value| within("VisibilityTimeout", value, 0..=VISIBILITY_S_MAX));
        let wait = self.wait_time_seconds.map(|value| within("WaitTimeSeconds", value, 0..=WAIT_S_MAX));
        Ok(Poll {
            queue: queue_name(&self.queue_url)?.to_owned(),
            count: usize::try_from(count).unwrap_or(BATCH_ENTRIES_MAX),
            visibility_s: visibility.transpose()?,
            wait_s: wait.transpose()?,
        })
    }
}

fn written<'a>(delivered: &'a Delivered, system_names: &[&str], attribute_names: &[String]) -> MessageOut<'a> {
    let message_attributes = chosen(&delivered.payload.attributes, attribute_names);
    MessageOut {
        message_id: message_id(delivered.receipt.seq),
        receipt_handle: delivered.receipt.handle(),
        body_md5: digest::of_body(&delivered.payload.body),
        body: &delivered.payload.body,
        attributes: system_attributes(delivered, system_names),
        attributes_md5: digest::of_attributes(&message_attributes),
        message_attributes,
    }
}

fn system_attributes(delivered: &Delivered, names: &[&str]) -> BTreeMap<&'static str, String> {
    if names.is_empty() {
        return BTreeMap::new();
    }
    let is_wanted = |name: &str| names.contains(&ALL) || names.contains(&name);
    let value = |name: &str| match name {
        "ApproximateReceiveCount" => Some(delivered.receive_count.to_string()),
        "ApproximateFirstReceiveTimestamp" => Some(delivered.first_received_ms.to_string()),
        "SentTimestamp" => Some(delivered.sent_ms.to_string()),
        "MessageGroupId" => delivered.group_id.as_deref().map(str::to_owned),
        TRACE_HEADER => delivered.payload.trace_header.clone(),
        "DeadLetterQueueSourceArn" => delivered.origin.as_deref().map(queue_arn),
        _ => None,
    };
    let wanted = SYSTEM_ATTRIBUTES.into_iter().filter(|name| is_wanted(name));
    wanted.filter_map(|name| value(name).map(|value| (name, value))).collect()
}

/// The attributes asked for: by name, by the start of a name (`foo.*`), or all (`All`, `.*`).
fn chosen(attributes: &MessageAttributes, names: &[String]) -> MessageAttributes {
    let matches = |name: &str, wanted: &String| match wanted.strip_suffix(".*") {
        Some(start) => name.starts_with(start),
        None => wanted == ALL || wanted == name,
    };
    let is_wanted = |name: &str| names.iter().any(|wanted| matches(name, wanted));
    let wanted = attributes.iter().filter(|(name, _)| is_wanted(name));
    wanted.map(|(name, attribute)| (name.clone(), attribute.clone())).collect()
}
