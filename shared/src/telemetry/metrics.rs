//! Metrics: what is counted, and how it gets out. [`METRICS`] is the list; `docs/OPERATING.md` explains it to its readers.
//!
//! Counted in the process, where it happens, and written at the end of an invocation as one line that CloudWatch takes apart
//! (embedded metric format): at most one a second and process, so what they cost does not grow with what is done. No identifier is
//! a dimension: each would be a metric of its own, and paid for.
//!
//! What a process counted in the last second of its life is lost with it, unless it is among those that somebody waits for
//! ([`Description::is_urgent`]): those are written at once.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::domain::timestamp::Timestamp;

/// Under which name CloudWatch keeps them.
pub const NAMESPACE: &str = "Fanfare";

/// The one dimension: the stack's name.
pub const DIMENSION: &str = "Stack";

/// How long after a line the next one is written at the earliest.
const LINE_EVERY_MS: i64 = 1_000;

/// Values of one metric in a line: CloudWatch takes so many.
const VALUES_MAX: usize = 100;

/// What a number is a number of, in CloudWatch's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things that happened; they are added up.
    Count,
    /// How long something took; each value counts by itself.
    Milliseconds,
    /// How late something is; each value counts by itself.
    Seconds,
}

impl Unit {
    /// As CloudWatch writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
        }
    }
}

/// A metric, as its readers know it.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its name in CloudWatch.
    pub name: &'static str,
    /// What its numbers are.
    pub unit: Unit,
    /// Whether it is written at the end of its invocation, come what may.
    pub is_urgent: bool,
    /// What is counted.
    pub meaning: &'static str,
}

macro_rules! metrics {
    ($($name:ident, $unit:ident, $is_urgent:literal, $meaning:literal;)*) => {
        /// What can be counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric {
            $(#[doc = $meaning] $name,)*
        }

        /// All metrics, in the order of [`Metric`].
        pub const METRICS: &[Description] = &[
            $(Description { name: stringify!($name), unit: Unit::$unit, is_urgent: $is_urgent, meaning: $meaning },)*
        ];
    };
}

metrics! {
    MessagesAccepted, Count, false, "messages that were stored and queued for their endpoints; the repeat of a publish is none";
    DeliveriesSucceeded, Count, false, "attempts that the receiver answered with 2xx";
    AttemptsFailed, Count, false, "attempts that ended otherwise: another status, no answer in time, no connection";
    DeliveriesExhausted, Count, false, "deliveries whose last planned attempt has failed";
    DeliveriesPostponed, Count, false, "attempts that were put off without a request: circuit breaker, rate limit, order";
    AttemptLatency, Milliseconds, false, "how long a receiver took for one attempt";
    DeliveryDelay, Milliseconds, false, "from accepting a message to its first attempt, where nothing held that back on purpose";
    EndpointsDisabled, Count, true, "endpoints that were disabled because they fail for days, or said that they are gone";
    ImportsCompleted, Count, true, "imports that were read to their end";
    ImportsFailed, Count, true, "imports that ended before their end";
    ImportRecordsRejected, Count, true, "records of finished imports that could not become messages";
    InboundAccepted, Count, false, "requests of providers whose events were accepted";
    InboundRefused, Count, false, "requests to inbound addresses that were refused: no such source, not verified, not readable";
    DeadLettersRecorded, Count, true, "dead letters that were put on record: our own failures";
    DueBacklogAge, Seconds, false, "how late the oldest delivery was that a sweep found due; 0 when there was none";
    ColdStarts, Count, false, "first invocations of a process";
}

/// What was counted since the last line. Cheap to clone; one per process.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Counted>);

struct Counted {
    counts: Vec<AtomicU64>,
    values: Vec<Mutex<Sample>>,
    last_line_ms: AtomicI64,
}

impl Default for Counted {
    fn default() -> Self {
        Self {
            counts: METRICS.iter().map(|_| AtomicU64::new(0)).collect(),
            values: METRICS.iter().map(|_| Mutex::default()).collect(),
            last_line_ms: AtomicI64::new(0),
        }
    }
}

/// Values of one metric: all of them as long as they fit into a line, else every second, fourth, eighth one, which leaves their
/// distribution as it is.
#[derive(Default)]
struct Sample {
    values: Vec<u64>,
    seen: u64,
    stride_log2: u32,
}

impl Sample {
    fn add(&mut self, value: u64) {
        if self.seen & ((1 << self.stride_log2) - 1) == 0 {
            if self.values.len() == VALUES_MAX {
                let mut index = 0;
                self.values.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.stride_log2 += 1;
            }
            self.values.push(value);
        }
        self.seen += 1;
    }
}

impl Metrics {
    /// Counts so many.
    pub fn count(&self, metric: Metric, how_many: u64) {
        self.0.counts[metric as usize].fetch_add(how_many, Ordering::Relaxed);
    }

    /// Notes a value.
    pub fn note(&self, metric: Metric, value: u64) {
        self.0.values[metric as usize].lock().unwrap_or_else(PoisonError::into_inner).add(value);
    }

    /// The line that is due now, if there is anything to say.
    pub(super) fn line(&self, stack: &str, function: &str, now: Timestamp) -> Option<String> {
        let (now_ms, last_ms) = (now.as_millis(), self.0.last_line_ms.load(Ordering::Relaxed));
        if (last_ms..last_ms + LINE_EVERY_MS).contains(&now_ms) && !self.is_urgent() {
            return None;
        }
        let mut line = Map::new();
        let mut names = Vec::new();
        for (index, metric) in METRICS.iter().enumerate() {
            if let Some(value) = self.take(index, metric.unit) {
                names.push(json!({ "Name": metric.name, "Unit": metric.unit.as_str() }));
                line.insert(metric.name.to_owned(), value);
            }
        }
        if names.is_empty() {
            return None;
        }
        self.0.last_line_ms.store(now_ms, Ordering::Relaxed);
        let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": names });
        line.insert("_aws".to_owned(), json!({ "Timestamp": now_ms, "CloudWatchMetrics": [directive] }));
        line.insert(DIMENSION.to_owned(), Value::from(stack));
        line.insert("function".to_owned(), Value::from(function));
        Some(Value::Object(line).to_string())
    }

    fn is_urgent(&self) -> bool {
        let counts = METRICS.iter().zip(&self.0.counts);
        counts.filter(|(metric, _)| metric.is_urgent).any(|(_, count)| count.load(Ordering::Relaxed) > 0)
    }

    fn take(&self, index: usize, unit: Unit) -> Option<Value> {
        match unit {
            Unit::Count => {
                let count = self.0.counts[index].swap(0, Ordering::Relaxed);
                (count > 0).then(|| Value::from(count))
            }
            Unit::Milliseconds | Unit::Seconds => {
                let sample = std::mem::take(&mut *self.0.values[index].lock().unwrap_or_else(PoisonError::into_inner));
                (sample.seen > 0).then(|| Value::from(sample.values))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_764_000_000_000 + ms)
    }

    fn read(line: Option<String>) -> Value {
        serde_json::from_str(&line.unwrap()).unwrap()
    }

    #[test]
    fn the_list_is_in_the_order_of_the_names() {
        for (metric, name) in [(Metric::MessagesAccepted, "MessagesAccepted"), (Metric::ColdStarts, "ColdStarts")] {
            assert_eq!(METRICS[metric as usize].name, name);
        }
    }

    #[test]
    fn a_line_is_written_once_a_second_and_says_what_was_counted_since() {
        let metrics = Metrics::default();
        assert_eq!(metrics.line("s", "f", at(0)), None, "nothing happened");
        metrics.count(Metric::MessagesAccepted, 2);
        metrics.note(Metric::AttemptLatency, 7);
        let line = read(metrics.line("s", "f", at(0)));
        assert_eq!((&line["MessagesAccepted"], &line["AttemptLatency"]), (&json!(2), &json!([7])));
        metrics.count(Metric::MessagesAccepted, 3);
        assert_eq!(metrics.line("s", "f", at(999)), None);
        metrics.count(Metric::MessagesAccepted, 1);
        let line = read(metrics.line("s", "f", at(1_000)));
        assert_eq!((&line["MessagesAccepted"], line.get("AttemptLatency")), (&json!(4), None));
        assert_eq!(metrics.line("s", "f", at(2_000)), None);
        metrics.count(Metric::ColdStarts, 1);
        assert!(metrics.line("s", "f", at(-5_000)).is_some(), "a clock that was set back does not silence it");
    }

    #[test]
    fn what_somebody_waits_for_is_written_at_once() {
        let metrics = Metrics::default();
        metrics.count(Metric::ColdStarts, 1);
        assert!(metrics.line("s", "f", at(0)).is_some());
        metrics.count(Metric::ImportsFailed, 1);
        assert_eq!(read(metrics.line("s", "f", at(1)))["ImportsFailed"], 1);
    }

    #[test]
    fn more_values_than_a_line_takes_are_thinned_and_keep_their_distribution() {
        let metrics = Metrics::default();
        (0..10_000).for_each(|value| metrics.note(Metric::DeliveryDelay, value));
        let line = read(metrics.line("s", "f", at(0)));
        let values: Vec<u64> = line["DeliveryDelay"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect();
        assert!((50..=VALUES_MAX).contains(&values.len()), "{}", values.len());
        let mean = values.iter().sum::<u64>() / values.len() as u64;
        assert!((4_700..=5_300).contains(&mean), "{mean}");
    }
}
