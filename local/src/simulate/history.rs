//! The recorded history of a run: what clients asked and were answered, what receivers saw, what passed through the queues, and
//! what the API says in the end. The invariants are functions over it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::Value;

use super::journal::short;
use super::scenario::{Change, Scenario};

/// The history.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Identifiers, by their place in the scenario; none for one that could not be made.
    pub(super) applications: Vec<Option<String>>,
    /// By their place in the scenario.
    pub(super) endpoints: Vec<EndpointLife>,
    /// By their place in the scenario.
    pub(super) messages: Vec<MessageLife>,
    /// What arrived at receivers, in order.
    pub(super) requests: Vec<Request>,
    /// Delivery tasks that passed through the queue.
    pub(super) queued: BTreeMap<TaskKey, Passed>,
    /// Work in the background that was asked for, and how it stands in the end.
    pub(super) work: BTreeMap<String, Option<String>>,
    /// Tasks that lie in the dead-letter queue in the end.
    pub(super) dead: BTreeSet<(String, String)>,
    /// Deliveries that are on record as undelivered in the end.
    pub(super) undelivered: BTreeSet<(String, String)>,
    /// Connections to addresses that no connection may be made to.
    pub(super) trespasses: Vec<String>,
    /// What should not have been answered.
    pub(super) surprises: Vec<String>,
    /// Whether everything came to rest.
    pub(super) is_at_rest: bool,
    /// When the run ended.
    pub(super) ended_ms: u64,
}

#[derive(Debug, Default)]
pub(super) struct EndpointLife {
    /// None before it is made.
    pub(super) id: Option<String>,
    /// When its maker knew that it was there.
    pub(super) made_ms: u64,
    pub(super) changes: Vec<Changed>,
}

/// Something that decides whether an endpoint gets anything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changed {
    pub(super) change: Turn,
    pub(super) asked_ms: u64,
    /// None: nobody knows whether it was done.
    pub(super) answered_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// By its owner.
    Off,
    /// By its owner.
    On,
    /// By its owner.
    Deleted,
    /// It answered 410.
    Gone,
}

#[derive(Debug, Default)]
pub(super) struct MessageLife {
    /// When its publisher first asked.
    pub(super) asked_ms: u64,
    /// When its publisher was first told that it is accepted.
    pub(super) accepted_ms: Option<u64>,
    /// Every identifier its publisher was told: one, or something is wrong.
    pub(super) ids: BTreeSet<String>,
    /// What the API says in the end.
    pub(super) attempts: Vec<Attempt>,
    /// Status and next attempt of its deliveries in the end, by endpoint.
    pub(super) standings: BTreeMap<String, (String, Option<String>)>,
}

impl MessageLife {
    /// Its identifier, when it was accepted.
    pub(super) fn id(&self) -> Option<&String> {
        self.accepted_ms.and(self.ids.first())
    }
}

/// An attempt as the API tells of it.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) endpoint: String,
    pub(super) is_success: bool,
    pub(super) is_manual: bool,
    pub(super) status_code: u64,
    /// When it began, to 4 ms.
    pub(super) begun_ms: i64,
    pub(super) duration_ms: i64,
}

/// A request as a receiver saw it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) endpoint: usize,
    pub(super) at_ms: u64,
    /// `webhook-id`.
    pub(super) message: String,
    /// Why its signature is not good.
    pub(super) unverified: Option<String>,
    /// `webhook-timestamp`, from the beginning of the run.
    pub(super) signed_ms: i64,
    pub(super) body: Bytes,
    /// What was answered.
    pub(super) status: Option<u16>,
}

/// What makes a delivery task the same as another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TaskKey {
    pub(super) message: String,
    pub(super) endpoint: String,
    pub(super) is_manual: bool,
    pub(super) number: u64,
}

/// How often a task was put into the queue, and handed out by it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Passed {
    pub(super) sent: u64,
    pub(super) handed_out: u64,
}

impl TaskKey {
    /// From the body of a queued message; none when it is another kind of message.
    pub(super) fn read(body: &str) -> Option<Self> {
        let body: Value = serde_json::from_str(body).ok()?;
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        Some(Self {
            message: text("message")?,
            endpoint: text("endpoint")?,
            is_manual: text("trigger")? == "manual",
            number: body["attempt"].as_u64()?,
        })
    }
}

impl std::fmt::Display for TaskKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let trigger = if self.is_manual { ", manual" } else { "" };
        write!(f, "{} to {}, attempt {}{trigger}", short(&self.message), short(&self.endpoint), self.number)
    }
}

impl History {
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self {
            endpoints: scenario.endpoints.iter().map(|_| EndpointLife::default()).collect(),
            messages: scenario.messages.iter().map(|_| MessageLife::default()).collect(),
            ..Self::default()
        }
    }
}

impl EndpointLife {
    /// Whether it was there and on at that moment, and stayed so until the end, as far as anybody can tell.
    pub(super) fn is_steady_since(&self, ms: u64) -> bool {
        let is_there = self.id.is_some() && self.made_ms <= ms;
        let is_over = |changed: &&Changed| changed.answered_ms.is_some_and(|answered_ms| answered_ms < ms);
        let last_before = self.changes.iter().take_while(is_over).last();
        let is_on = last_before.is_none_or(|changed| changed.change == Turn::On);
        is_there && is_on && self.changes.iter().all(|changed| is_over(&changed))
    }

    /// When it was off or deleted for certain: from an answer to the next question.
    pub(super) fn times_off(&self) -> Vec<(u64, u64)> {
        let mut times = Vec::new();
        for (index, changed) in self.changes.iter().enumerate() {
            let Some(from_ms) = changed.answered_ms else { continue };
            if matches!(changed.change, Turn::Off | Turn::Deleted) {
                let next_on = self.changes[index..].iter().find(|later| later.change == Turn::On);
                // Somebody may be asking for it to be on while this is asked.
                let is_alone = self.changes.iter().all(|other| {
                    other.change != Turn::On
                        || other.asked_ms >= from_ms
                        || other.answered_ms.is_some_and(|answered_ms| answered_ms <= changed.asked_ms)
                });
                if is_alone {
                    times.push((from_ms, next_on.map_or(u64::MAX, |on| on.asked_ms)));
                }
            }
        }
        times
    }
}

impl Turn {
    /// What a change means for who gets anything; none when it means nothing.
    pub(super) fn of(change: Change) -> Option<Self> {
        match change {
            Change::Disable => Some(Self::Off),
            Change::Enable => Some(Self::On),
            Change::Delete => Some(Self::Deleted),
            Change::Move => None,
        }
    }
}
