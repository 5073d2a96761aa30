//! Who wants what: the messages, the endpoints, and the receivers behind them.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;

use super::tally::Tally;
use crate::cli::api::{self, NewEndpoint};
use crate::cli::http_client::Connection;
use crate::cli::receivers::{Receiver, dead_url};

/// The customer whose endpoints these are.
pub(super) const APPLICATION: &str = "demo";

/// What happens in a shop; the last one is rare, and wanted by receivers that never answer.
const EVENT_TYPES: [&str; 5] = ["invoice.paid", "invoice.failed", "user.created", "user.deleted", "report.ready"];
/// Every how many messages is a report.
const REPORT_EVERY: usize = 50;
/// Every how many messages is on a channel.
const CHANNEL_EVERY: usize = 10;
const CHANNEL: &str = "project-7";
/// How often the picky receiver refuses each message.
const REFUSALS: usize = 2;

/// How a receiver behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Answers at once.
    Healthy,
    /// Refuses each message a few times, then takes it. It works, and so no circuit breaker opens.
    Picky,
    /// Takes the request and never answers.
    Hanging,
    /// Nobody listens.
    Dead,
}

/// What an endpoint is set up with.
struct Wish {
    name: &'static str,
    behaviour: Behaviour,
    /// Empty: all.
    event_types: &'static [&'static str],
    /// Empty: all.
    channels: &'static [&'static str],
}

const WISHES: [Wish; 6] = [
    Wish { name: "everything", behaviour: Behaviour::Healthy, event_types: &[], channels: &[] },
    Wish {
        name: "billing",
        behaviour: Behaviour::Healthy,
        event_types: &["invoice.paid", "invoice.failed"],
        channels: &[],
    },
    Wish { name: "project 7", behaviour: Behaviour::Healthy, event_types: &[], channels: &[CHANNEL] },
    Wish { name: "picky", behaviour: Behaviour::Picky, event_types: &["user.created"], channels: &[] },
    Wish { name: "hanging", behaviour: Behaviour::Hanging, event_types: &["report.ready"], channels: &[] },
    Wish { name: "dead", behaviour: Behaviour::Dead, event_types: &["report.ready"], channels: &[] },
];

/// A message: everything about it follows from its number.
#[derive(Clone, Copy)]
pub(super) struct Message(pub(super) usize);

impl Message {
    fn event_type(self) -> &'static str {
        if self.0.is_multiple_of(REPORT_EVERY) { EVENT_TYPES[4] } else { EVENT_TYPES[self.0 % 4] }
    }

    fn is_on_channel(self) -> bool {
        self.0 % CHANNEL_EVERY == 7
    }

    /// What is posted to the API.
    pub(super) fn body(self) -> serde_json::Value {
        let payload = json!({ "type": self.event_type(), "data": { "n": self.0, "note": "Grüße aus der Demo ✓" } });
        let mut body = json!({ "eventType": self.event_type(), "payload": payload });
        if self.is_on_channel() {
            body["channels"] = json!([CHANNEL]);
        }
        body
    }
}

/// An endpoint, its receiver, and what the receiver saw.
pub(super) struct Endpoint {
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) behaviour: Behaviour,
    pub(super) tally: Arc<Tally>,
    /// Numbers of the messages it wants.
    pub(super) wanted: Vec<usize>,
    _receiver: Option<Receiver>,
}

impl Endpoint {
    /// Whether its receiver takes what it is sent, sooner or later.
    pub(super) fn answers(&self) -> bool {
        matches!(self.behaviour, Behaviour::Healthy | Behaviour::Picky)
    }
}

/// Everything that is set up, and how far it is.
pub(super) struct Stage {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) clock: Arc<Clock>,
    /// By number: the id that came with the 202.
    pub(super) ids: Vec<OnceLock<String>>,
    pub(super) accepted: AtomicUsize,
}

impl Stage {
    pub(super) fn messages(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Whether everything is accepted and has arrived wherever somebody takes it.
    pub(super) fn is_delivered(&self) -> bool {
        let has_all = |endpoint: &Endpoint| endpoint.tally.delivered() >= endpoint.wanted.len();
        self.accepted() == self.messages() && self.endpoints.iter().filter(|each| each.answers()).all(has_all)
    }
}

/// When each message was sent, in microseconds.
pub(super) struct Clock {
    begun: Instant,
    sent_us: Vec<AtomicU64>,
}

impl Clock {
    pub(super) fn note_sent(&self, number: usize) {
        if let Some(slot) = self.sent_us.get(number) {
            slot.store(self.now_us(), Ordering::Relaxed);
        }
    }

    pub(super) fn since_sent_us(&self, number: usize) -> u64 {
        let sent_us = self.sent_us.get(number).map_or(0, |sent| sent.load(Ordering::Relaxed));
        self.now_us().saturating_sub(sent_us)
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Sets it all up through the API.
pub(super) async fn prepare(api: &mut Connection, messages: usize) -> anyhow::Result<Stage> {
    api::create_application(api, APPLICATION).await?;
    for name in EVENT_TYPES {
        api::put_event_type(api, name).await?;
    }
    let sent_us = (0..messages).map(|_| AtomicU64::new(0)).collect();
    let clock = Arc::new(Clock { begun: Instant::now(), sent_us });
    let mut endpoints = Vec::new();
    for wish in &WISHES {
        endpoints.push(endpoint(api, wish, messages, &clock).await?);
    }
    let ids = (0..messages).map(|_| OnceLock::new()).collect();
    Ok(Stage { endpoints, clock, ids, accepted: AtomicUsize::new(0) })
}

async fn endpoint(api: &mut Connection, wish: &Wish, messages: usize, clock: &Arc<Clock>) -> anyhow::Result<Endpoint> {
    let tally = Arc::new(Tally::new(Arc::clone(clock))?);
    let receiver = match wish.behaviour {
        Behaviour::Dead => None,
        Behaviour::Healthy | Behaviour::Picky | Behaviour::Hanging => Some(receiver(wish.behaviour, &tally).await?),
    };
    let url = match &receiver {
        Some(receiver) => receiver.url(),
        None => dead_url().await?,
    };
    let new = NewEndpoint { url, description: wish.name, event_types: wish.event_types, channels: wish.channels };
    let id = api::create_endpoint(api, APPLICATION, &new).await?;
    tally.set_secret(&api::endpoint_secret(api, APPLICATION, &id).await?)?;
    let wants = |number: &usize| {
        let message = Message(*number);
        (wish.event_types.is_empty() || wish.event_types.contains(&message.event_type()))
            && (wish.channels.is_empty() || message.is_on_channel())
    };
    let wanted = (0..messages).filter(wants).collect();
    Ok(Endpoint { id, name: wish.name, behaviour: wish.behaviour, tally, wanted, _receiver: receiver })
}

async fn receiver(behaviour: Behaviour, tally: &Arc<Tally>) -> std::io::Result<Receiver> {
    let tally = Arc::clone(tally);
    let receive = move |headers, body: bytes::Bytes| {
        let tally = Arc::clone(&tally);
        async move {
            let requests = tally.note(&headers, &body);
            match behaviour {
                Behaviour::Picky if requests.count <= REFUSALS => StatusCode::CONFLICT,
                Behaviour::Healthy | Behaviour::Picky => {
                    tally.note_taken(requests.number);
                    StatusCode::NO_CONTENT
                }
                Behaviour::Hanging | Behaviour::Dead => std::future::pending().await,
            }
        }
    };
    Receiver::start(receive).await
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
impl Endpoint {
    /// An endpoint without a receiver, that wants all of so many messages.
    pub(super) fn for_test(behaviour: Behaviour, secret: &str, messages: usize) -> Self {
        let tally = Tally::new(Stage::clock_for_test(messages)).unwrap();
        tally.set_secret(secret).unwrap();
        let (id, wanted) = ("ep_test".to_owned(), (0..messages).collect());
        Self { id, name: "test", behaviour, tally: Arc::new(tally), wanted, _receiver: None }
    }
}

#[cfg(test)]
impl Stage {
    pub(super) fn clock_for_test(messages: usize) -> Arc<Clock> {
        Arc::new(Clock { begun: Instant::now(), sent_us: (0..messages).map(|_| AtomicU64::new(0)).collect() })
    }
}
