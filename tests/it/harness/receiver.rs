//! A customer's receiver: real sockets on loopback, answers by a script, and verifies every delivery with the verifiers
//! that Svix and Standard Webhooks publish.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::wait::eventually;

/// What the receiver does with one delivery.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers with this status.
    Status(u16),
    /// Answers with this status and a header.
    WithHeader(u16, &'static str, String),
    /// Answers with 200 and this text.
    Text(String),
    /// Answers with this status after a while.
    Slow(Duration, u16),
    /// Never answers.
    Hang,
    /// Closes the connection without an answer.
    Close,
}

/// A delivery as it came.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) path: String,
    /// The message, which every attempt of it names.
    pub(crate) id: String,
    /// Which delivery of this message to this path it is, from 1.
    pub(crate) nth: usize,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

type Script = Arc<dyn Fn(&Delivery) -> Reply + Send + Sync>;

#[derive(Default)]
struct State {
    scripts: HashMap<String, Script>,
    /// What a path's deliveries are signed with, as the API told.
    secrets: HashMap<String, String>,
    deliveries: Vec<Delivery>,
    failures: Vec<String>,
    ignores_time: bool,
    /// Paths whose deliveries a test verifies itself.
    verified_elsewhere: HashSet<String>,
}

/// The receiver. Stops listening when it is dropped, and fails the test if a delivery could not be verified.
pub(crate) struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    server: AbortHandle,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let server = tokio::spawn(serve(listener, Arc::clone(&state))).abort_handle();
        Self { address, state, server }
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sets what a path does; without a script it answers 204.
    pub(crate) fn on(&self, path: &str, script: impl Fn(&Delivery) -> Reply + Send + Sync + 'static) {
        self.state.lock().unwrap().scripts.insert(path.to_owned(), Arc::new(script));
    }

    /// Has a path answer with the status that stands in what comes back, beginning with this one.
    pub(crate) fn obey(&self, path: &str, status: u16) -> Arc<AtomicU16> {
        let status = Arc::new(AtomicU16::new(status));
        let says = Arc::clone(&status);
        self.on(path, move |_| Reply::Status(says.load(Ordering::SeqCst)));
        status
    }

    /// Tells what the path's deliveries must be signed with. A delivery to a path without a secret is a failure.
    pub(crate) fn verify(&self, path: &str, secret: &str) {
        self.state.lock().unwrap().secrets.insert(path.to_owned(), secret.to_owned());
    }

    /// For signatures that the official verifiers do not know: the test verifies this path's deliveries itself.
    pub(crate) fn leave_to_test(&self, path: &str) {
        self.state.lock().unwrap().verified_elsewhere.insert(path.to_owned());
    }

    /// For tests that move the clock: signatures count, their age does not.
    pub(crate) fn ignore_time(&self) {
        self.state.lock().unwrap().ignores_time = true;
    }

    /// All deliveries so far, in the order they came.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.state.lock().unwrap().deliveries.clone()
    }

    /// The deliveries to a path.
    pub(crate) fn at(&self, path: &str) -> Vec<Delivery> {
        let mut deliveries = self.deliveries();
        deliveries.retain(|delivery| delivery.path == path);
        deliveries
    }

    /// The deliveries of a message.
    pub(crate) fn of(&self, message_id: &str) -> Vec<Delivery> {
        let mut deliveries = self.deliveries();
        deliveries.retain(|delivery| delivery.id == message_id);
        deliveries
    }

    /// Waits until a path got so many deliveries.
    pub(crate) async fn wait_at(&self, path: &str, count: usize) -> Vec<Delivery> {
        let look = async || Some(self.at(path)).filter(|deliveries| deliveries.len() >= count);
        eventually(&format!("{count} deliveries to {path}"), look).await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
        let failures = std::mem::take(&mut self.state.lock().unwrap().failures);
        if !std::thread::panicking() {
            assert!(failures.is_empty(), "deliveries that could not be verified: {failures:#?}");
        }
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    // Dropped with this task, and with it every connection.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(|request| answer(Arc::clone(&state), request));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let reply = state.lock().unwrap().take(head.uri.path(), head.headers, body);
    let response = Response::builder();
    Ok(match reply {
        Reply::Status(status) => response.status(status).body(Full::default())?,
        Reply::WithHeader(status, name, value) => response.status(status).header(name, value).body(Full::default())?,
        Reply::Text(text) => response.body(Full::from(text))?,
        Reply::Slow(time, status) => {
            tokio::time::sleep(time).await;
            response.status(status).body(Full::default())?
        }
        Reply::Hang => match std::future::pending::<Infallible>().await {},
        Reply::Close => return Err("closed by the script".into()),
    })
}

impl State {
    /// Notes a delivery, verified or not, and says what to do with it.
    fn take(&mut self, path: &str, headers: HeaderMap, body: Bytes) -> Reply {
        let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        let nth = self.deliveries.iter().filter(|before| before.path == path && before.id == id).count() + 1;
        let delivery = Delivery { path: path.to_owned(), id, nth, headers, body };
        if let Err(reason) = self.check(&delivery) {
            self.failures.push(format!("{reason}: {delivery:?}"));
        }
        let reply = self.scripts.get(path).map_or(Reply::Status(204), |script| script(&delivery));
        self.deliveries.push(delivery);
        reply
    }

    fn check(&self, delivery: &Delivery) -> Result<(), String> {
        if self.verified_elsewhere.contains(&delivery.path) {
            return Ok(());
        }
        let secret = self.secrets.get(&delivery.path).ok_or("nobody told the secret of this path")?;
        let svix = svix::webhooks::Webhook::new(secret).map_err(|error| error.to_string())?;
        if self.ignores_time {
            return svix
                .verify_ignoring_timestamp(&delivery.body, &delivery.headers)
                .map_err(|error| error.to_string());
        }
        svix.verify(&delivery.body, &delivery.headers).map_err(|error| format!("svix: {error}"))?;
        let standard = standardwebhooks::Webhook::new(secret).map_err(|error| error.to_string())?;
        standard.verify(&delivery.body, &delivery.headers).map_err(|error| format!("standardwebhooks: {error}"))
    }
}
