//! Uploaded files: every record becomes a message, once, whatever is in the file and whatever happens on the way.
//!
//! | module | what is checked |
//! |---|---|
//! | [`accounting`] | what became of each record, in every format, and the same file again |
//! | [`api`] | imports asked for, shown, listed, called off; who may |
//! | [`bad_files`] | files that are none: each ends with a reason, and what was good in them counts |
//! | [`cut_short`] | invocations that die, run out of time, come twice, or race |
//! | [`dropped`] | objects that nobody announced, and objects that become messages themselves |
//! | [`whole`] | over real sockets, with `kill -9` in the middle |

mod accounting;
mod api;
mod bad_files;
mod cut_short;
mod dropped;
mod whole;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::harness::Delivery;

/// A line of NDJSON for a message of this number; its event id, if it is to have one.
fn line(number: usize, event_id: Option<&str>) -> String {
    let mut record = json!({ "eventType": "order.placed", "payload": { "n": number } });
    if let Some(event_id) = event_id {
        record["eventId"] = event_id.into();
    }
    format!("{record}\n")
}

/// The numbers of an import: read, accepted, duplicate, rejected.
fn numbers(import: &Value) -> [u64; 4] {
    ["linesRead", "accepted", "duplicate", "rejected"].map(|name| import[name].as_u64().unwrap())
}

/// How an import stands.
fn status(import: &Value) -> &str {
    import["status"].as_str().unwrap()
}

/// What a delivery carries.
fn payload(delivery: &Delivery) -> Value {
    serde_json::from_slice(&delivery.body).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    gzip_with(Compression::fast(), bytes)
}

fn gzip_best(bytes: &[u8]) -> Vec<u8> {
    gzip_with(Compression::best(), bytes)
}

fn gzip_with(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), compression);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
