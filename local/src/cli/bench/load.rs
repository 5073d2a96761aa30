//! The load: numbered messages, when each was sent, and when it arrived where.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use hdrhistogram::Histogram;
use http::{Request, StatusCode};
use http_body_util::Full;

use super::APPLICATION;
use super::scenario::Setup;
use crate::cli::http_client::Connection;

/// `{"n":"00000042","pad":"…"}`: the number stands where it is found without parsing.
const NUMBER_AT: std::ops::Range<usize> = 6..14;
const HEAD_BYTES: usize = r#"{"n":"00000000","pad":""}"#.len();
/// Latencies up to a minute, to three digits.
const LATENCY_US_MAX: u64 = 60_000_000;
/// Not yet.
const NEVER: u32 = u32::MAX;

/// What is sent and what came of it. Times are microseconds since the beginning.
pub(super) struct Load {
    begun: Instant,
    pad: String,
    sent_us: Vec<AtomicU32>,
    /// By endpoint, then by message.
    arrived_us: Vec<Vec<AtomicU32>>,
    next: AtomicUsize,
    deliveries: AtomicUsize,
    repeats: AtomicUsize,
    last_arrival_us: AtomicU64,
    /// Time between two messages; none: as fast as it goes.
    period: Option<Duration>,
}

/// What publishing looked like from outside.
pub(super) struct Published {
    pub(super) latency_us: Histogram<u64>,
    pub(super) took: Duration,
}

impl Load {
    pub(super) fn new(setup: &Setup) -> Self {
        let times = || (0..setup.messages).map(|_| AtomicU32::new(NEVER)).collect();
        Self {
            begun: Instant::now(),
            pad: "x".repeat(setup.payload_bytes.saturating_sub(HEAD_BYTES)),
            sent_us: times(),
            arrived_us: (0..setup.endpoints).map(|_| times()).collect(),
            next: AtomicUsize::new(0),
            deliveries: AtomicUsize::new(0),
            repeats: AtomicUsize::new(0),
            last_arrival_us: AtomicU64::new(0),
            period: setup.rate.filter(|rate| *rate > 0).map(|rate| Duration::from_secs(1) / rate),
        }
    }

    pub(super) fn messages(&self) -> usize {
        self.sent_us.len()
    }

    pub(super) fn endpoints(&self) -> usize {
        self.arrived_us.len()
    }

    pub(super) fn deliveries_wanted(&self) -> usize {
        self.messages() * self.endpoints()
    }

    /// Messages that arrived, each counted once for each endpoint.
    pub(super) fn deliveries(&self) -> usize {
        self.deliveries.load(Ordering::Relaxed)
    }

    /// Messages that arrived again.
    pub(super) fn repeats(&self) -> usize {
        self.repeats.load(Ordering::Relaxed)
    }

    /// From the first request to the last arrival.
    pub(super) fn delivering_took(&self) -> Duration {
        let first_us = self.sent_us.iter().map(|sent| sent.load(Ordering::Relaxed)).min().unwrap_or_default();
        Duration::from_micros(self.last_arrival_us.load(Ordering::Relaxed).saturating_sub(u64::from(first_us)))
    }

    /// From sending the request to the arrival of the webhook, over all endpoints.
    pub(super) fn arrival_latency_us(&self) -> anyhow::Result<Histogram<u64>> {
        let mut histogram = histogram()?;
        for arrived in self.arrived_us.iter().flat_map(|endpoint| endpoint.iter().zip(&self.sent_us)) {
            let (arrived, sent) = (arrived.0.load(Ordering::Relaxed), arrived.1.load(Ordering::Relaxed));
            if arrived != NEVER {
                histogram.saturating_record(u64::from(arrived.saturating_sub(sent)));
            }
        }
        Ok(histogram)
    }

    /// Notes a webhook.
    pub(super) fn arrived(&self, endpoint: usize, body: &[u8]) {
        let number = body.get(NUMBER_AT).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
        let Some(slot) = number.and_then(|number| self.arrived_us.get(endpoint)?.get(number)) else { return };
        let now_us = self.now_us();
        if slot.compare_exchange(NEVER, now_us, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.deliveries.fetch_add(1, Ordering::Relaxed);
            self.last_arrival_us.fetch_max(u64::from(now_us), Ordering::Relaxed);
        } else {
            self.repeats.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn now_us(&self) -> u32 {
        u32::try_from(self.begun.elapsed().as_micros()).unwrap_or(NEVER - 1)
    }

    /// The next message's number and request.
    fn next(&self) -> Option<anyhow::Result<(usize, Request<Full<Bytes>>)>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.messages()).then(|| Ok((number, self.request(number)?)))
    }

    fn request(&self, number: usize) -> anyhow::Result<Request<Full<Bytes>>> {
        let body = format!(r#"{{"eventType":"bench.sent","payload":{{"n":"{number:08}","pad":"{}"}}}}"#, self.pad);
        let request = Request::post(format!("/api/v1/app/{APPLICATION}/msg"));
        let request = request.header("idempotency-key", format!("bench-{}-{number}", std::process::id()));
        Ok(request.body(Full::new(Bytes::from(body)))?)
    }
}

/// Publishes everything over this many connections.
pub(super) async fn publish(
    load: &Arc<Load>,
    address: SocketAddr,
    token: &str,
    connections: usize,
) -> anyhow::Result<Published> {
    let mut publishers = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let api = Connection::open(address, token).await?;
        publishers.spawn(publish_some(Arc::clone(load), api));
    }
    let begun = Instant::now();
    let mut latency_us = histogram()?;
    while let Some(ended) = publishers.join_next().await {
        latency_us.add(ended??)?;
    }
    Ok(Published { latency_us, took: begun.elapsed() })
}

async fn publish_some(load: Arc<Load>, mut api: Connection) -> anyhow::Result<Histogram<u64>> {
    let mut latency_us = histogram()?;
    while let Some(next) = load.next() {
        let (number, request) = next?;
        if let Some(period) = load.period {
            tokio::time::sleep_until((load.begun + period * u32::try_from(number).unwrap_or(u32::MAX)).into()).await;
        }
        let sent_us = load.now_us();
        if let Some(slot) = load.sent_us.get(number) {
            slot.store(sent_us, Ordering::Relaxed);
        }
        let (status, answer) = api.send(request).await?;
        anyhow::ensure!(status == StatusCode::ACCEPTED, "publishing: {status} {}", String::from_utf8_lossy(&answer));
        latency_us.saturating_record(u64::from(load.now_us() - sent_us));
    }
    Ok(latency_us)
}

pub(super) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).context("making a histogram")
}
