//! A queue's attributes: read from the text SQS keeps them in, checked, and written back the same way.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::error::SqsError;
use super::limits::{
    DELAY_S_MAX, MESSAGE_BYTES, MESSAGE_BYTES_MAX, RECEIVES, RETENTION_S, VISIBILITY_S_MAX, WAIT_S_MAX,
};

/// Attribute name → value, as on the wire and in the stored queue.
pub(crate) type Attributes = BTreeMap<String, String>;

/// Attributes that are kept and given back, but change nothing here: there are no accounts, keys or policies.
const KEPT_ONLY: [&str; 6] = [
    "Policy",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "RedriveAllowPolicy",
    "ContentBasedDeduplication",
];

/// What a queue was told about itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) delay_s: u64,
    pub(crate) message_bytes_max: u64,
    pub(crate) retention_s: u64,
    pub(crate) wait_s: u64,
    pub(crate) visibility_s: u64,
    pub(crate) redrive: Option<Redrive>,
    kept_only: Attributes,
}

/// After `receives_max` receives a message goes to the queue named `target` instead of being handed out again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Redrive {
    pub(crate) target: String,
    pub(crate) receives_max: u64,
}

impl Default for Settings {
    /// The defaults of SQS.
    fn default() -> Self {
        Self {
            delay_s: 0,
            message_bytes_max: MESSAGE_BYTES_MAX as u64,
            retention_s: 345_600,
            wait_s: 0,
            visibility_s: 30,
            redrive: None,
            kept_only: Attributes::new(),
        }
    }
}

impl Settings {
    /// These settings with `attributes` laid over them.
    pub(crate) fn with(&self, attributes: &Attributes) -> Result<Self, SqsError> {
        let mut changed = self.clone();
        for (name, value) in attributes {
            changed.set(name, value)?;
        }
        Ok(changed)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), SqsError> {
        match name {
            "DelaySeconds" => self.delay_s = number(name, value, 0..=DELAY_S_MAX)?,
            "MaximumMessageSize" => self.message_bytes_max = number(name, value, MESSAGE_BYTES)?,
            "MessageRetentionPeriod" => self.retention_s = number(name, value, RETENTION_S)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait_s = number(name, value, 0..=WAIT_S_MAX)?,
            "VisibilityTimeout" => self.visibility_s = number(name, value, 0..=VISIBILITY_S_MAX)?,
            "RedrivePolicy" => self.redrive = Redrive::parse(value)?,
            "FifoQueue" if value == "false" => {}
            name if KEPT_ONLY.contains(&name) => {
                self.kept_only.insert(name.to_owned(), value.to_owned());
            }
            name => return Err(SqsError::InvalidAttributeName(name.to_owned())),
        }
        Ok(())
    }

    /// Every attribute with its value, the defaults too.
    pub(crate) fn attributes(&self) -> Attributes {
        let numbers = [
            ("DelaySeconds", self.delay_s),
            ("MaximumMessageSize", self.message_bytes_max),
            ("MessageRetentionPeriod", self.retention_s),
            ("ReceiveMessageWaitTimeSeconds", self.wait_s),
            ("VisibilityTimeout", self.visibility_s),
        ];
        let mut all = self.kept_only.clone();
        all.extend(numbers.map(|(name, value)| (name.to_owned(), value.to_string())));
        all.extend(self.redrive.as_ref().map(|redrive| ("RedrivePolicy".to_owned(), redrive.to_json())));
        all
    }
}

impl Redrive {
    /// The policy is JSON in a string; an empty string takes it away. The count comes as a number or as text.
    fn parse(policy: &str) -> Result<Option<Self>, SqsError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Policy {
            dead_letter_target_arn: String,
            max_receive_count: serde_json::Value,
        }
        if policy.is_empty() {
            return Ok(None);
        }
        let invalid = |reason: String| SqsError::InvalidAttributeValue { name: "RedrivePolicy".to_owned(), reason };
        let read: Policy = serde_json::from_str(policy).map_err(|error| invalid(error.to_string()))?;
        let count = match &read.max_receive_count {
            serde_json::Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        let receives_max = count.filter(|count| RECEIVES.contains(count));
        let receives_max = receives_max.ok_or_else(|| invalid("maxReceiveCount must be from 1 to 1000".to_owned()))?;
        let target = queue_of_arn(&read.dead_letter_target_arn);
        let target = target.ok_or_else(|| invalid("deadLetterTargetArn must be the ARN of a queue".to_owned()))?;
        Ok(Some(Self { target: target.to_owned(), receives_max }))
    }

    fn to_json(&self) -> String {
        json!({ "deadLetterTargetArn": queue_arn(&self.target), "maxReceiveCount": self.receives_max }).to_string()
    }
}

/// The ARN of a queue of this engine.
pub(crate) fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:{}:{}:{name}", crate::LOCAL_REGION, crate::LOCAL_ACCOUNT)
}

/// The queue an ARN names. Region and account are not compared: there is only one of each here.
pub(crate) fn queue_of_arn(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:aws:sqs:").and_then(|rest| rest.rsplit(':').next()).filter(|name| !name.is_empty())
}

fn number(name: &str, value: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, SqsError> {
    value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| SqsError::InvalidAttributeValue {
        name: name.to_owned(),
        reason: format!("Must be a number between {} and {}.", range.start(), range.end()),
    })
}
