//! What is asked of AWS to do something: calls, and the units that they are billed by. Counted at the wire by a test
//! (`tests/it/cost/`), added up and multiplied here.

use std::collections::BTreeMap;
use std::ops::{Add, Mul, Sub};

use serde::{Deserialize, Serialize, Serializer};

/// What was asked of AWS. Every number may be a fraction: a mean, or a difference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    /// Calls, by service and operation.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "counts")]
    pub calls: BTreeMap<String, f64>,
    /// Invocations that follow besides the one that is counted, by function.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", serialize_with = "counts")]
    pub invocations: BTreeMap<String, f64>,
    /// Write units of the table itself: up to 1 KiB each.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub table_writes: f64,
    /// Write units that the table's indexes add.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub index_writes: f64,
    /// Read units: up to 4 KiB each, read strongly consistent.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub reads: f64,
    /// Requests to queues: up to 64 KiB each.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub queue_requests: f64,
    /// Those of them whose messages have a group, which a standard queue is paid extra for.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub fair_requests: f64,
    /// Objects put into the bucket (and uploads in parts begun, continued and ended).
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub puts: f64,
    /// Objects read from the bucket.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub gets: f64,
    /// Calls to KMS.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub key_calls: f64,
    /// Bytes that the table holds more than before, with the 100 that each item is billed besides.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub table_bytes: f64,
    /// The same of its indexes.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub index_bytes: f64,
    /// Bytes that the bucket holds more than before.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub object_bytes: f64,
    /// Bytes sent to receivers, TLS not included.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub sent_bytes: f64,
    /// Bytes of answers to callers of the API.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub answer_bytes: f64,
    /// Lines that the functions log at level `info`.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub log_lines: f64,
    /// Bytes of these lines.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "count")]
    pub log_bytes: f64,
}

impl Usage {
    /// Notes a call.
    pub fn call(&mut self, service: &str, operation: &str) {
        *self.calls.entry(format!("{service} {operation}")).or_default() += 1.0;
    }

    /// Calls of a service, by operation.
    pub fn calls_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = (&'a str, f64)> + 'a {
        self.calls.iter().filter_map(move |(name, count)| {
            let (of, operation) = name.split_once(' ')?;
            (of == service).then_some((operation, *count))
        })
    }

    /// The same with every number changed together with the other's.
    fn with(&self, other: &Self, change: impl Fn(f64, f64) -> f64) -> Self {
        let both = |a: &BTreeMap<String, f64>, b: &BTreeMap<String, f64>| {
            let of = |map: &BTreeMap<String, f64>, name: &String| map.get(name).copied().unwrap_or_default();
            let names = a.keys().chain(b.keys());
            let all: BTreeMap<_, _> = names.map(|name| (name.clone(), change(of(a, name), of(b, name)))).collect();
            all.into_iter().filter(|(_, count)| !is_zero(count)).collect()
        };
        Self {
            calls: both(&self.calls, &other.calls),
            invocations: both(&self.invocations, &other.invocations),
            table_writes: change(self.table_writes, other.table_writes),
            index_writes: change(self.index_writes, other.index_writes),
            reads: change(self.reads, other.reads),
            queue_requests: change(self.queue_requests, other.queue_requests),
            fair_requests: change(self.fair_requests, other.fair_requests),
            puts: change(self.puts, other.puts),
            gets: change(self.gets, other.gets),
            key_calls: change(self.key_calls, other.key_calls),
            table_bytes: change(self.table_bytes, other.table_bytes),
            index_bytes: change(self.index_bytes, other.index_bytes),
            object_bytes: change(self.object_bytes, other.object_bytes),
            sent_bytes: change(self.sent_bytes, other.sent_bytes),
            answer_bytes: change(self.answer_bytes, other.answer_bytes),
            log_lines: change(self.log_lines, other.log_lines),
            log_bytes: change(self.log_bytes, other.log_bytes),
        }
    }
}

impl Add<&Usage> for Usage {
    type Output = Usage;

    fn add(self, other: &Usage) -> Usage {
        self.with(other, |a, b| a + b)
    }
}

impl Sub for &Usage {
    type Output = Usage;

    fn sub(self, other: &Usage) -> Usage {
        self.with(other, |a, b| a - b)
    }
}

impl Mul<f64> for &Usage {
    type Output = Usage;

    fn mul(self, factor: f64) -> Usage {
        self.with(&Usage::default(), |a, _| a * factor)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_zero(number: &f64) -> bool {
    number.abs() < 1e-9
}

/// A whole number as one, others with up to four places.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn count<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let rounded = (number * 1e4).round() / 1e4;
    if rounded.fract() == 0.0 {
        return serializer.serialize_i64(rounded as i64);
    }
    serializer.serialize_f64(rounded)
}

fn counts<S: Serializer>(numbers: &BTreeMap<String, f64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(numbers.iter().map(|(name, number)| (name, Count(*number))))
}

struct Count(f64);

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        count(&self.0, serializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn usage() -> Usage {
        let mut usage = Usage { reads: 0.5, table_writes: 2.0, ..Usage::default() };
        usage.call("DynamoDB", "PutItem");
        usage
    }

    #[test]
    fn usages_are_added_taken_away_and_multiplied() {
        let twice = usage() + &usage();
        assert_eq!(twice, &usage() * 2.0);
        assert_eq!(&twice - &usage(), usage());
        assert_eq!(&usage() - &usage(), Usage::default(), "calls of which none are left are not named");
        assert_eq!(twice.calls_of("DynamoDB").collect::<Vec<_>>(), [("PutItem", 2.0)]);
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_is_is_left_out() {
        let text = serde_json::to_string(&usage()).unwrap();
        assert_eq!(text, r#"{"calls":{"DynamoDB PutItem":1},"table_writes":2,"reads":0.5}"#);
        assert_eq!(serde_json::from_str::<Usage>(&text).unwrap(), usage());
    }
}
