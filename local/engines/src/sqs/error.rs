//! The errors of the queue engine and how each looks on the wire: one table.
//!
//! SQS moved from its query protocol to JSON and kept the old codes: the body names the new shape, the header
//! `x-amzn-query-error` the old code, and the SDKs report the old code where the header is there.

use super::journal::NotSaved;
use super::limits::{BATCH_ENTRIES_MAX, MESSAGE_BYTES_MAX};

/// A refused request, or a refused entry of a batch.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SqsError {
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    #[error("A queue already exists with the same name and a different value for attribute {0}")]
    QueueNameExists(String),
    #[error("There should be at least one SendMessageBatchRequestEntry in the request.")]
    EmptyBatchRequest,
    #[error("Maximum number of entries per request are {BATCH_ENTRIES_MAX}. You have sent {0}.")]
    TooManyEntriesInBatchRequest(usize),
    #[error("Id {0} repeated.")]
    BatchEntryIdsNotDistinct(String),
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
    )]
    InvalidBatchEntryId,
    #[error("Batch requests cannot be longer than {MESSAGE_BYTES_MAX} bytes. You have sent {0} bytes.")]
    BatchRequestTooLong(usize),
    #[error("{0}")]
    InvalidMessageContents(String),
    #[error("{0}")]
    InvalidParameterValue(String),
    #[error("The request must contain the parameter {0}.")]
    MissingParameter(String),
    #[error("Unknown Attribute {0}.")]
    InvalidAttributeName(String),
    #[error("Invalid value for the parameter {name}. Reason: {reason}")]
    InvalidAttributeValue { name: String, reason: String },
    #[error("The input receipt handle \"{0}\" is not a valid receipt handle.")]
    ReceiptHandleIsInvalid(String),
    #[error("The message referred to isn't in flight.")]
    MessageNotInflight,
    #[error("Too many messages of this queue are in flight.")]
    OverLimit,
    #[error("{0}")]
    ResourceNotFound(String),
    #[error("{0}")]
    UnsupportedOperation(String),
    #[error("The operation {0} is not known.")]
    UnknownOperation(String),
    #[error("The request's JSON cannot be read: {0}")]
    Serialization(#[from] serde_json::Error),
    /// The disk refused. Whoever asked should ask again: nothing was promised.
    #[error("The change could not be stored.")]
    NotSaved(#[from] NotSaved),
}

impl SqsError {
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::MissingParameter(parameter.to_owned())
    }

    /// HTTP status, shape in the body's `__type`, code of the query protocol.
    fn row(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::QueueDoesNotExist => {
                (400, "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
            }
            Self::QueueNameExists(_) => (400, "com.amazonaws.sqs#QueueNameExists", "QueueAlreadyExists"),
            Self::EmptyBatchRequest => {
                (400, "com.amazonaws.sqs#EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest")
            }
            Self::TooManyEntriesInBatchRequest(_) => (
                400,
                "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            ),
            Self::BatchEntryIdsNotDistinct(_) => {
                (400, "com.amazonaws.sqs#BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
            }
            Self::InvalidBatchEntryId => {
                (400, "com.amazonaws.sqs#InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId")
            }
            Self::BatchRequestTooLong(_) => {
                (400, "com.amazonaws.sqs#BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong")
            }
            Self::InvalidMessageContents(_) => {
                (400, "com.amazonaws.sqs#InvalidMessageContents", "InvalidMessageContents")
            }
            Self::InvalidParameterValue(_) => {
                (400, "com.amazon.coral.service#InvalidParameterValueException", "InvalidParameterValue")
            }
            Self::MissingParameter(_) => {
                (400, "com.amazon.coral.service#MissingRequiredParameterException", "MissingParameter")
            }
            Self::InvalidAttributeName(_) => (400, "com.amazonaws.sqs#InvalidAttributeName", "InvalidAttributeName"),
            Self::InvalidAttributeValue { .. } => {
                (400, "com.amazonaws.sqs#InvalidAttributeValue", "InvalidAttributeValue")
            }
            Self::ReceiptHandleIsInvalid(_) => {
                (404, "com.amazonaws.sqs#ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid")
            }
            Self::MessageNotInflight => {
                (400, "com.amazonaws.sqs#MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight")
            }
            Self::OverLimit => (403, "com.amazonaws.sqs#OverLimit", "OverLimit"),
            Self::ResourceNotFound(_) => {
                (404, "com.amazonaws.sqs#ResourceNotFoundException", "ResourceNotFoundException")
            }
            Self::UnsupportedOperation(_) => {
                (400, "com.amazonaws.sqs#UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation")
            }
            Self::UnknownOperation(_) => (400, "com.amazon.coral.service#UnknownOperationException", "InvalidAction"),
            Self::Serialization(_) => (400, "com.amazon.coral.service#SerializationException", "MalformedInput"),
            Self::NotSaved(_) => (500, "com.amazon.coral.service#InternalFailure", "InternalFailure"),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        self.row().0
    }

    pub(crate) fn shape(&self) -> &'static str {
        self.row().1
    }

    /// The old protocol's code, also the `Code` of a failed batch entry.
    pub(crate) fn code(&self) -> &'static str {
        self.row().2
    }

    /// Whether asking again unchanged is pointless.
    pub(crate) fn is_sender_fault(&self) -> bool {
        self.status() < 500
    }
}
