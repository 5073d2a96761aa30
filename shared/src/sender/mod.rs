//! Outbound HTTP: one signed POST to a receiver's address, and what came of it; and, by the same way, small files that a provider
//! of inbound webhooks publishes ([`Sender::fetch`]).
//!
//! # Promises
//!
//! - **No error comes out.** Whatever the receiver, its name server or the network between does is an [`Outcome`].
//! - **It ends.** One limit covers name resolution, connection, TLS, request, and the answer to the end of its body;
//!   below it stand limits for one connection attempt, for the headers and for the body of the answer.
//! - **Only public addresses** and what the operator allows ([`guard`]), by names and at ports that a webhook may have
//!   ([`Destinations`]). The check sits where connections are made (`connect.rs`), so the pool above can hold no other.
//! - **Nothing can be smuggled in**: URL, id and headers are types that cannot hold a line break.
//! - Redirects are answers, not instructions; no cookies; no proxies from the environment; HTTP/1.1 only, because every
//!   receiver speaks it.
//!
//! # A request may be sent twice
//!
//! Connections are kept for the next delivery, and a receiver may close one at any moment. Two repeats follow from that,
//! both at once and within the same limit:
//!
//! 1. The connection turns out closed before a byte of the request was written: hyper-util takes another one. The
//!    receiver has seen nothing.
//! 2. The request was written, but the connection, which had answered an earlier request, ends without an answer. So
//!    looks a connection that the receiver closed while a Lambda sandbox was frozen, or while our request was on its way.
//!    The request goes out once more, on a fresh connection; a failure there is final. The receiver may have seen both.
//!
//! That is harmless because delivery is at least once anyway: both carry the same `webhook-id`, by which a receiver
//! recognizes the second, and the same signature, so it is even the same bytes. Without the repeat, the pool's
//! bookkeeping would show in the customer's log as failed attempts.
//!
//! What it leaves to others: signing, when to try again, what to record, rate limits.

mod answer;
mod connect;
mod connection;
mod destinations;
mod failure;
mod fetch;
pub mod guard;
mod request;
mod tls;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ipnet::IpNet;
use tokio::time::{Instant, timeout};

pub use self::answer::RETRY_AFTER_MS_MAX;
use self::connect::Connector;
use self::connection::HasAnswered;
pub use self::destinations::Destinations;
use self::failure::Failure;
pub use self::fetch::NotFetched;
pub use self::request::Outbound;
use self::tls::{Roots, Tls};
use crate::domain::attempt::Outcome;
use crate::network::Network;

/// How long a connection waits for its next delivery. Just below 5 seconds, after which the most common servers (Node,
/// Apache) close it themselves: reusing it then would be a race. A busy receiver never leaves one idle for so long.
const POOL_IDLE_TIMEOUT_MS: u64 = 4_000;

/// Idle connections kept for one receiver. As many as one process sends to it at the same time, with room, or else they
/// would be closed and opened again and again; and few enough that one receiver cannot use up the file descriptors.
const POOL_IDLE_PER_HOST_MAX: usize = 128;

/// Status line and headers of an answer, and the unit in which its body is read. Common servers stop at 8 or 16 KiB.
const ANSWER_HEAD_BYTES_MAX: usize = 32 * 1_024;

/// Headers of an answer.
const ANSWER_HEADERS_MAX: usize = 100;

type Client = legacy::Client<Connector, Full<Bytes>>;

/// What the operator decides.
#[derive(Clone, Debug)]
pub struct SenderSettings {
    /// The limit of one request, from name resolution to the last byte of the answer.
    pub request_timeout_ms: u32,
    /// Networks that may be delivered to although they are not public.
    pub allowed_subnets: Vec<IpNet>,
    /// Whether plain http is refused.
    pub https_only: bool,
}

/// Sends. Make one for the process; a clone shares its connections.
#[derive(Clone)]
pub struct Sender(Arc<Inner>);

struct Inner {
    client: Client,
    /// Opens a connection for each request; see the second repeat above.
    fresh_client: Client,
    request_timeout_ms: u32,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// What the receiver did.
    pub outcome: Outcome,
    /// From the beginning of name resolution to the end of the answer.
    pub duration_ms: u32,
}

impl Sender {
    /// A sender with an empty pool; nothing is read or connected yet.
    pub fn new(settings: &SenderSettings, network: Arc<dyn Network>) -> Self {
        Self::with(settings, network, Roots::System)
    }

    fn with(settings: &SenderSettings, network: Arc<dyn Network>, roots: Roots) -> Self {
        let limit = Duration::from_millis(settings.request_timeout_ms.into());
        let destinations = Destinations::new(&settings.allowed_subnets, Arc::clone(&network));
        let connector = Connector::new(destinations, settings.https_only, network, Tls::new(roots), limit);
        Self(Arc::new(Inner {
            client: client(connector.clone(), POOL_IDLE_PER_HOST_MAX),
            fresh_client: client(connector, 0),
            request_timeout_ms: settings.request_timeout_ms,
        }))
    }

    /// Sends one request and waits for the answer. Dropping the future ends the exchange and closes its connection.
    pub async fn send(&self, request: Outbound<'_>) -> Sent {
        let (started, limit_ms) = (Instant::now(), self.0.request_timeout_ms);
        let limit = Duration::from_millis(limit_ms.into());
        let exchange = timeout(limit, self.exchange(&request, started)).await.unwrap_or(Err(Failure::TooSlow));
        let outcome = exchange.unwrap_or_else(|failure| failure.into_outcome(limit_ms));
        Sent { outcome, duration_ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX) }
    }

    async fn exchange(&self, request: &Outbound<'_>, started: Instant) -> Result<Outcome, Failure> {
        let answer = self.answer_to(request).await?;
        let status = answer.status().as_u16();
        let answered_at = request.at.plus_millis(i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX));
        let retry_after_ms = answer::retry_after_ms(answer.headers(), answered_at);
        let body = answer::read_body(answer).await?;
        Ok(Outcome::Answered { status, body, retry_after_ms })
    }

    async fn answer_to(&self, request: &Outbound<'_>) -> Result<Response<Incoming>, Failure> {
        let error = match self.0.client.request(request.to_http()?).await {
            Ok(answer) => {
                if let Some(note) = answer.extensions().get::<HasAnswered>() {
                    note.set();
                }
                return Ok(answer);
            }
            Err(error) => error,
        };
        let failure = Failure::of_exchange(&error);
        if failure != Failure::Closed || !had_answered(&error) {
            return Err(failure);
        }
        let repeated = self.0.fresh_client.request(request.to_http()?).await;
        repeated.map_err(|error| Failure::of_exchange(&error))
    }
}

/// Whether the request failed on a connection that had answered an earlier one.
fn had_answered(error: &legacy::Error) -> bool {
    let mut notes = Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut notes);
    }
    notes.get::<HasAnswered>().is_some_and(HasAnswered::get)
}

fn client(connector: Connector, idle_per_host_max: usize) -> Client {
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_millis(POOL_IDLE_TIMEOUT_MS))
        .pool_max_idle_per_host(idle_per_host_max)
        .http1_max_buf_size(ANSWER_HEAD_BYTES_MAX)
        .http1_max_headers(ANSWER_HEADERS_MAX)
        .build(connector)
}
