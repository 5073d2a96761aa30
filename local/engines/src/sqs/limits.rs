//! The limits SQS puts on what it is sent, and the checks that answer with the code SQS would use.
//!
//! Fanfare must not learn to live with less strictness here than it meets in an account, so every limit that a
//! sender can break is the real one. Source of the numbers: the SQS developer guide, "Amazon SQS quotas".

use super::error::SqsError;

/// One message with its attributes, and one batch of them together (1 MiB since 2025).
pub(crate) const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// Entries of one batch request, and messages of one receive.
pub(crate) const BATCH_ENTRIES_MAX: usize = 10;
/// Message attributes a message may carry.
pub(crate) const ATTRIBUTES_MAX: usize = 10;
/// `DelaySeconds`: 15 minutes.
pub(crate) const DELAY_S_MAX: u64 = 900;
/// `VisibilityTimeout`: 12 hours.
pub(crate) const VISIBILITY_S_MAX: u64 = 43_200;
/// `WaitTimeSeconds` of one long poll.
pub(crate) const WAIT_S_MAX: u64 = 20;
/// `MessageRetentionPeriod`: a minute to 14 days.
pub(crate) const RETENTION_S: std::ops::RangeInclusive<u64> = 60..=1_209_600;
/// `MaximumMessageSize` of a queue may be lowered to a kibibyte.
pub(crate) const MESSAGE_BYTES: std::ops::RangeInclusive<u64> = 1024..=MESSAGE_BYTES_MAX as u64;
/// `maxReceiveCount` of a redrive policy.
pub(crate) const RECEIVES: std::ops::RangeInclusive<u64> = 1..=1000;
/// Messages of one queue in flight at once; a receive above it answers `OverLimit`.
pub(crate) const IN_FLIGHT_MAX: usize = 120_000;
/// Characters of a `MessageGroupId`, a batch entry id and a queue name.
pub(crate) const GROUP_ID_CHARS_MAX: usize = 128;
const ENTRY_ID_CHARS_MAX: usize = 80;
const QUEUE_NAME_CHARS_MAX: usize = 80;

/// The range a numeric parameter must lie in.
pub(crate) fn within(name: &str, value: i64, range: std::ops::RangeInclusive<u64>) -> Result<u64, SqsError> {
    let (first, last) = (*range.start(), *range.end());
    u64::try_from(value).ok().filter(|value| range.contains(value)).ok_or_else(|| {
        SqsError::InvalidParameterValue(format!(
            "Value {value} for parameter {name} is invalid. Reason: Must be between {first} and {last}, if provided."
        ))
    })
}

/// A body must be there and hold only characters that XML 1.0 allows: SQS still speaks XML on some of its wires.
pub(crate) fn check_body(body: &str) -> Result<(), SqsError> {
    if body.is_empty() {
        return Err(SqsError::missing("MessageBody"));
    }
    check_characters(body)
}

/// `#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF`.
pub(crate) fn check_characters(text: &str) -> Result<(), SqsError> {
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    match text.chars().find(|c| !allowed(*c)) {
        None => Ok(()),
        Some(found) => Err(SqsError::InvalidMessageContents(format!(
            "Invalid binary character '#x{:X}' was found in the message body, the set of allowed characters is \
             #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
            u32::from(found)
        ))),
    }
}

/// Letters, digits and punctuation, at most 128 of them.
pub(crate) fn check_group_id(group_id: &str) -> Result<(), SqsError> {
    let is_valid = (1..=GROUP_ID_CHARS_MAX).contains(&group_id.len()) && group_id.chars().all(|c| c.is_ascii_graphic());
    is_valid.then_some(()).ok_or_else(|| {
        SqsError::InvalidParameterValue(format!(
            "Value {group_id} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include \
             alphanumeric and punctuation characters. 1 to {GROUP_ID_CHARS_MAX} in length."
        ))
    })
}

/// Letters, digits, hyphens and underscores, at most 80 of them. A FIFO queue's name ends in `.fifo`, and this
/// engine has no FIFO queues: Fanfare's are standard queues made fair by message group.
pub(crate) fn check_queue_name(name: &str) -> Result<(), SqsError> {
    if name.ends_with(".fifo") {
        return Err(SqsError::UnsupportedOperation(format!(
            "The queue {name} cannot be made: this engine has standard queues only (with fair message groups), no FIFO queues."
        )));
    }
    is_plain_name(name, QUEUE_NAME_CHARS_MAX).then_some(()).ok_or_else(|| {
        SqsError::InvalidParameterValue(format!(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to {QUEUE_NAME_CHARS_MAX} in length"
        ))
    })
}

/// What holds for every batch before any of its entries is looked at.
pub(crate) fn check_batch<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), SqsError> {
    let count = ids.len();
    if count == 0 {
        return Err(SqsError::EmptyBatchRequest);
    }
    if count > BATCH_ENTRIES_MAX {
        return Err(SqsError::TooManyEntriesInBatchRequest(count));
    }
    let mut seen = std::collections::HashSet::new();
    for id in ids {
        if !is_plain_name(id, ENTRY_ID_CHARS_MAX) {
            return Err(SqsError::InvalidBatchEntryId);
        }
        if !seen.insert(id) {
            return Err(SqsError::BatchEntryIdsNotDistinct(id.to_owned()));
        }
    }
    Ok(())
}

fn is_plain_name(name: &str, chars_max: usize) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=chars_max).contains(&name.len()) && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_xml_characters_pass() {
        for good in ["a", "tab\tline\nreturn\r", "\u{D7FF}\u{E000}\u{FFFD}\u{10FFFF}"] {
            assert!(check_body(good).is_ok(), "{good:?}");
        }
        for bad in ["\0", "a\u{1}", "\u{FFFE}", "\u{FFFF}", "\u{B}"] {
            assert!(matches!(check_body(bad), Err(SqsError::InvalidMessageContents(_))), "{bad:?}");
        }
    }
}
