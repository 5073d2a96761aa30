//! What comes in and goes out, field by field, and its conversion into domain types by hand. Both generations of SDKs read
//! what goes out: what they call differently is there under both names. Fields we do not know are ignored, for newer SDKs
//! send more.

pub mod api_key;
pub mod application;
pub mod attempt;
pub mod audit;
pub mod authentication;
pub mod background;
pub mod delivery;
pub mod encryption;
pub mod endpoint;
pub mod event_type;
pub mod expunge;
pub mod import;
pub mod jwks;
pub mod legacy_signature;
pub mod message;
pub mod openapi_import;
pub mod source;
pub mod statistics;
pub mod undelivered;

use serde::{Deserialize, Deserializer};

use super::Problem;
use crate::domain::{METADATA_BYTES_MAX, Metadata};

/// For PATCH: a field that is absent is `None`, one that is null is `Some(None)`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn checked_metadata(metadata: Metadata) -> Result<Metadata, Problem> {
    if metadata.contains_key("") {
        return Err(Problem::field(&["body", "metadata"], "must not have an empty name in it"));
    }
    let bytes = serde_json::to_vec(&metadata).map_or(usize::MAX, |json| json.len());
    if bytes > METADATA_BYTES_MAX {
        let rule = format!("must not be larger than {METADATA_BYTES_MAX} bytes as JSON");
        return Err(Problem::field(&["body", "metadata"], rule));
    }
    Ok(metadata)
}

/// A text with bounds on its length in bytes.
fn checked_text(field: &str, text: String, bytes: std::ops::RangeInclusive<usize>) -> Result<String, Problem> {
    if bytes.contains(&text.len()) {
        return Ok(text);
    }
    Err(Problem::field(&["body", field], format!("must be {} to {} bytes long", bytes.start(), bytes.end())))
}

/// Longest time an old secret may go on counting, and the time it does when nothing is said: 7 days and 1 day, in seconds.
const GRACE_S_MAX: u32 = 604_800;
const GRACE_S_DEFAULT: u32 = 86_400;

/// For how long a secret that is replaced goes on counting, in milliseconds.
fn checked_grace(grace_s: Option<u32>) -> Result<i64, Problem> {
    let grace_s = grace_s.unwrap_or(GRACE_S_DEFAULT);
    if grace_s > GRACE_S_MAX {
        return Err(Problem::field(&["body", "gracePeriodSeconds"], format!("must not be more than {GRACE_S_MAX}")));
    }
    Ok(i64::from(grace_s) * 1_000)
}

/// A list without repetitions that, when it is given, has something in it, and not too much.
fn checked_list<T: PartialEq>(field: &str, list: Option<Vec<T>>, items_max: usize) -> Result<Vec<T>, Problem> {
    match list {
        None => Ok(Vec::new()),
        Some(list) if list.is_empty() => {
            Err(Problem::field(&["body", field], "must not be empty; leave it out to mean all"))
        }
        Some(list) => bounded_list(field, list, items_max),
    }
}

/// A list without repetitions and with not too much in it.
fn bounded_list<T: PartialEq>(field: &str, list: Vec<T>, items_max: usize) -> Result<Vec<T>, Problem> {
    if list.len() > items_max {
        return Err(Problem::field(&["body", field], format!("must not have more than {items_max} items")));
    }
    let mut unique = Vec::with_capacity(list.len());
    for item in list {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    Ok(unique)
}
