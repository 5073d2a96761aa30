//! Which queue is told of which new objects, and the telling.
//!
//! Buckets are configured through S3's own API, and the rules of AWS hold: the queue has to be there, two rules must not
//! want the same object. Nothing of it is kept: whoever opens the engines configures them. What AWS has besides (topics,
//! functions, EventBridge, events of other kinds) is refused, not passed over. Unlike AWS, no test event is sent when a
//! bucket is configured: here that happens at every start.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use s3s::dto::{FilterRuleName, NotificationConfiguration, QueueConfiguration};
use s3s::{S3Result, s3_error};

use super::event::Created;
use crate::sqs::Sqs;
use crate::{Clock, LOCAL_ACCOUNT, LOCAL_REGION};

/// Rules of one bucket: the limit of S3.
const RULES_MAX: usize = 100;

/// The events that happen here.
const EVENTS: [&str; 4] =
    ["s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Copy", "s3:ObjectCreated:CompleteMultipartUpload"];

pub(super) struct Notices {
    sqs: Arc<Sqs>,
    clock: Clock,
    buckets: RwLock<BTreeMap<String, Configured>>,
    last_sequencer: AtomicU64,
}

#[derive(Clone, Default)]
struct Configured {
    as_given: NotificationConfiguration,
    rules: Vec<Rule>,
}

/// Events of these kinds, for keys that begin and end so, go to this queue.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    id: String,
    events: Vec<String>,
    prefix: String,
    suffix: String,
    queue: String,
}

impl Notices {
    pub(super) fn new(sqs: Arc<Sqs>, clock: Clock) -> Self {
        Self { sqs, clock, buckets: RwLock::default(), last_sequencer: AtomicU64::default() }
    }

    /// Takes the place of what the bucket was told before.
    pub(super) fn configure(&self, bucket: String, as_given: NotificationConfiguration) -> S3Result<()> {
        let queue_configurations = as_given.queue_configurations.clone();
        if as_given != (NotificationConfiguration { queue_configurations, ..NotificationConfiguration::default() }) {
            return Err(s3_error!(NotImplemented, "only queues can be told here"));
        }
        let given = as_given.queue_configurations.iter().flatten();
        let rules = given.enumerate().map(|(number, one)| Rule::read(number, one)).collect::<S3Result<Vec<_>>>()?;
        if rules.len() > RULES_MAX {
            return Err(s3_error!(InvalidArgument, "a bucket has at most {RULES_MAX} notification configurations"));
        }
        if let Some(missing) = rules.iter().find(|rule| !self.sqs.has_queue(&rule.queue)) {
            return Err(s3_error!(InvalidArgument, "the queue {} does not exist", missing.queue));
        }
        let overlap = |(n, one): (usize, &Rule)| rules[..n].iter().any(|other| one.overlaps(other));
        if rules.iter().enumerate().any(overlap) {
            return Err(s3_error!(InvalidArgument, "configurations of the same event type overlap"));
        }
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        buckets.insert(bucket, Configured { as_given, rules });
        Ok(())
    }

    /// What a bucket was told.
    pub(super) fn configuration(&self, bucket: &str) -> NotificationConfiguration {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.get(bucket).map(|configured| configured.as_given.clone()).unwrap_or_default()
    }

    /// Whether anybody is told of such an object.
    pub(super) fn is_wanted(&self, event: &str, bucket: &str, key: &str) -> bool {
        self.rule(event, bucket, key).is_some()
    }

    /// Queues the event. When this returns well, it is as durable as every message of the queue.
    pub(super) async fn tell(&self, created: Option<Created>) -> S3Result<()> {
        let Some(created) = created else { return Ok(()) };
        let Some(rule) = self.rule(created.event, &created.bucket, &created.key) else { return Ok(()) };
        let at_ms = (self.clock)();
        let message = created.message(&rule.id, self.sequencer(at_ms), at_ms);
        self.sqs.send(&rule.queue, message).await.map_err(|error| {
            tracing::error!(queue = rule.queue, %error, "a new object could not be told of");
            s3_error!(error, InternalError)
        })
    }

    /// Rules do not overlap, so there is one at most.
    fn rule(&self, event: &str, bucket: &str, key: &str) -> Option<Rule> {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.get(bucket)?.rules.iter().find(|rule| rule.wants(event, key)).cloned()
    }

    /// Grows with every event, and over restarts, as long as the clock does.
    fn sequencer(&self, at_ms: u64) -> u64 {
        /// Events of one millisecond before numbers run ahead of the clock.
        const EVENTS_PER_MS: u64 = 1 << 16;
        let next = |last: u64| Some((last + 1).max(at_ms.saturating_mul(EVENTS_PER_MS)));
        let last = self.last_sequencer.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
        next(last.unwrap_or_else(|last| last)).unwrap_or_default()
    }
}

impl Rule {
    fn read(number: usize, given: &QueueConfiguration) -> S3Result<Self> {
        let here = format!("arn:aws:sqs:{LOCAL_REGION}:{LOCAL_ACCOUNT}:");
        let Some(queue) = given.queue_arn.strip_prefix(&here) else {
            return Err(s3_error!(InvalidArgument, "{} is not the ARN of a queue here", given.queue_arn));
        };
        let events: Vec<String> = given.events.iter().map(|event| event.as_ref().to_owned()).collect();
        if let Some(unknown) = events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
            return Err(s3_error!(NotImplemented, "{unknown} does not happen here"));
        }
        let id = given.id.clone().unwrap_or_else(|| format!("configuration-{number}"));
        let mut rule = Self { id, events, prefix: String::new(), suffix: String::new(), queue: queue.to_owned() };
        let filter = given.filter.as_ref().and_then(|filter| filter.key.as_ref());
        for part in filter.and_then(|key| key.filter_rules.as_ref()).into_iter().flatten() {
            let value = part.value.clone().unwrap_or_default();
            // The names come in any case: the console writes `Prefix`, the documentation `prefix`.
            match part.name.as_ref().map(|name| name.as_str().to_ascii_lowercase()).as_deref() {
                Some(FilterRuleName::PREFIX) => rule.prefix = value,
                Some(FilterRuleName::SUFFIX) => rule.suffix = value,
                _ => return Err(s3_error!(InvalidArgument, "filter rule name must be either prefix or suffix")),
            }
        }
        Ok(rule)
    }

    fn wants(&self, event: &str, key: &str) -> bool {
        let is_of = |wanted: &String| wanted == "s3:ObjectCreated:*" || wanted.strip_prefix("s3:") == Some(event);
        key.starts_with(&self.prefix) && key.ends_with(&self.suffix) && self.events.iter().any(is_of)
    }

    /// Whether some key could be wanted by both, for the same event.
    fn overlaps(&self, other: &Self) -> bool {
        let all = |rule: &Self| rule.events.iter().any(|event| event.ends_with('*'));
        let events = all(self) || all(other) || self.events.iter().any(|event| other.events.contains(event));
        let prefixes = self.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&self.prefix);
        let suffixes = self.suffix.ends_with(&other.suffix) || other.suffix.ends_with(&self.suffix);
        events && prefixes && suffixes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(event: &str, prefix: &str, suffix: &str) -> Rule {
        let [id, queue] = ["r", "q"].map(str::to_owned);
        Rule { id, events: vec![format!("s3:{event}")], prefix: prefix.to_owned(), suffix: suffix.to_owned(), queue }
    }

    #[test]
    fn a_rule_wants_its_events_its_prefix_and_its_suffix() {
        let all = rule("ObjectCreated:*", "drop/", ".csv");
        assert!(all.wants("ObjectCreated:Copy", "drop/a.csv"));
        assert!(!all.wants("ObjectCreated:Copy", "dropped/a.csv") && !all.wants("ObjectCreated:Copy", "drop/a.json"));
        assert!(!rule("ObjectCreated:Put", "", "").wants("ObjectCreated:Copy", "a"));
    }

    #[test]
    fn rules_that_could_want_the_same_object_overlap() {
        let check = |one: Rule, other: Rule, expected: bool| {
            assert_eq!((one.overlaps(&other), other.overlaps(&one)), (expected, expected), "{one:?} {other:?}");
        };
        check(rule("ObjectCreated:*", "a/", ""), rule("ObjectCreated:Put", "a/b/", ""), true);
        check(rule("ObjectCreated:*", "a/", ""), rule("ObjectCreated:*", "b/", ""), false);
        check(rule("ObjectCreated:*", "a/", ".csv"), rule("ObjectCreated:*", "a/", ".json"), false);
        check(rule("ObjectCreated:*", "a/", ".gz"), rule("ObjectCreated:*", "", "csv.gz"), true);
        check(rule("ObjectCreated:Put", "a/", ""), rule("ObjectCreated:Copy", "a/", ""), false);
    }

    #[test]
    fn sequencers_grow_even_when_the_clock_stands() {
        let sqs = Arc::new(Sqs::in_memory(crate::system_clock()));
        let notices = Notices::new(sqs, crate::system_clock());
        let numbers = [5, 5, 4, 6].map(|at_ms| notices.sequencer(at_ms));
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    }
}
