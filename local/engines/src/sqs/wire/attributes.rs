//! `GetQueueAttributes` and `SetQueueAttributes`.

use serde::Deserialize;
use serde_json::json;

use super::{Answer, done, queue_name, reply};
use crate::sqs::Sqs;
use crate::sqs::error::SqsError;
use crate::sqs::queue::Queue;
use crate::sqs::settings::{Attributes, queue_arn};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetQueueAttributes {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetQueueAttributes {
    #[serde(default)]
    queue_url: String,
    #[serde(default)]
    attributes: Attributes,
}

/// Attributes that exist and are not set here; asking for one is no mistake.
const NEVER_SET: [&str; 8] = [
    "Policy",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "FifoQueue",
    "ContentBasedDeduplication",
];

pub(super) fn get(sqs: &Sqs, request: GetQueueAttributes) -> Answer {
    let mut book = sqs.book();
    let mut attributes = all(book.queue(queue_name(&request.queue_url)?, sqs.now_ms())?);
    let names = request.attribute_names;
    let is_known = |name: &String| name == "All" || attributes.contains_key(name) || NEVER_SET.contains(&name.as_str());
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        return Err(SqsError::InvalidAttributeName(unknown.clone()));
    }
    if !names.iter().any(|name| name == "All") {
        attributes.retain(|name, _| names.contains(name));
    }
    if attributes.is_empty() { done() } else { reply(&json!({ "Attributes": attributes })) }
}

pub(super) async fn set(sqs: &Sqs, request: SetQueueAttributes) -> Answer {
    let saved = sqs.book().set_attributes(queue_name(&request.queue_url)?, &request.attributes)?;
    saved.wait().await?;
    done()
}

/// What was set, and what is counted.
fn all(queue: &Queue) -> Attributes {
    let counts = queue.counts();
    let mut attributes = queue.settings.attributes();
    let created_s = (queue.created_ms / 1000).to_string();
    attributes.extend(
        [
            ("QueueArn", queue_arn(&queue.name)),
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
            ("LastModifiedTimestamp", created_s.clone()),
            ("CreatedTimestamp", created_s),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    attributes
}
