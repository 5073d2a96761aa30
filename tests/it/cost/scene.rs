//! A stage whose every call is counted, with applications whose endpoints answer as a test wants.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::task::{Context, Poll};

use aws_sdk_sqs::types::Message;
use fanfare::network::{Network, Stream, SystemNetwork};
use fanfare::telemetry::LogFormat;
use fanfare_local::cli::cost::usage::Usage;
use fanfare_local::template::{Place, Plan, Projection, TEMPLATE};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tracing::subscriber::DefaultGuard;

use super::meter::Meter;
use super::units::Index;
use crate::harness::{Answer, JWT_SECRET, Log, Receiver, Stage};

/// The scene.
pub(super) struct Scene {
    pub(super) stage: Stage,
    pub(super) meter: Meter,
    pub(super) receiver: Receiver,
    /// What the receiver answers with.
    pub(super) status: Arc<AtomicU16>,
    sent: Arc<AtomicU64>,
    log: Log,
    _listening: DefaultGuard,
}

impl Scene {
    /// With these settings besides the template's own, which include its limits of requests.
    pub(super) async fn new(variables: &[(&str, &str)]) -> Self {
        let (log, listening) = Log::of_this_thread("info", LogFormat::Json, 0.0);
        let (meter, sent) = (Meter::new(indexes()), Arc::new(AtomicU64::new(0)));
        let network = Counting(Arc::clone(&sent));
        let stage = Stage::watched(variables, Arc::new(network), |client| meter.wrap(client)).await;
        let receiver = Receiver::start().await;
        receiver.leave_to_test("/");
        let status = receiver.obey("/", 204);
        Self { stage, meter, receiver, status, sent, log, _listening: listening }
    }

    /// An application with so many endpoints, all of them the receiver.
    pub(super) async fn application(&self, endpoints: usize) -> String {
        let application = self.stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
        for _ in 0..endpoints {
            self.stage.endpoint(&application, &self.receiver.url("/")).await;
        }
        self.stage.work(60_000).await; // what operational events there are
        application
    }

    /// Publishes as the SDKs do, with an idempotency key of its own.
    pub(super) async fn publish(&self, application: &str, payload: &Value) -> Answer {
        /// As long as the SDKs' keys.
        const KEY: &str = "auto_00000000-0000-4000-8000-";
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = format!("{KEY}{:012}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.publish_with_key(application, payload, &key).await
    }

    pub(super) async fn publish_with_key(&self, application: &str, payload: &Value, key: &str) -> Answer {
        let answer = self.stage.publish(application, Some(key), payload.clone()).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        let body: Value = serde_json::from_str(&answer.text).unwrap();
        // A time is written without the zeros at its end: now and then a byte shorter. It counts whole.
        let left_out = "2026-01-01T00:00:00.000Z".len() - body["timestamp"].as_str().unwrap().len();
        let bytes = left_out
            + answer.text.len()
            + answer.headers.iter().map(|(k, v)| k.as_str().len() + v.len() + 4).sum::<usize>();
        self.meter.note(|usage| usage.answer_bytes += bytes as f64);
        answer
    }

    /// Forgets what was counted.
    pub(super) fn forget(&self) {
        self.take();
    }

    /// What was counted since the last time.
    pub(super) fn take(&self) -> Usage {
        let mut usage = self.meter.take();
        usage.sent_bytes += self.sent.swap(0, Ordering::SeqCst) as f64;
        let text = self.log.take();
        usage.log_bytes += text.len() as f64;
        usage.log_lines += text.lines().count() as f64;
        usage
    }

    /// What delivering the next so many messages of the queue uses, in one batch.
    pub(super) async fn deliver(&self, count: usize) -> Usage {
        let batch = self.receive(count).await;
        self.forget();
        self.deliver_batch(&batch).await;
        self.take()
    }

    pub(super) async fn receive(&self, count: usize) -> Vec<Message> {
        let batch = self.stage.receive().await;
        assert_eq!(batch.len(), count, "messages in the queue");
        batch
    }

    pub(super) async fn deliver_batch(&self, batch: &[Message]) {
        assert!(self.stage.hand_to_deliver(batch).await.is_empty());
        self.finish(batch).await;
    }

    /// What the poller does around an invocation.
    pub(super) async fn finish(&self, batch: &[Message]) {
        self.meter.polled(batch);
        for message in batch {
            self.stage.delete(message).await;
        }
    }

    pub(super) fn answer_with(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

/// What is paid for beside the table, from the template.
fn indexes() -> Vec<Index> {
    let parameters = [("JwtSecret".to_owned(), JWT_SECRET.to_owned())].into();
    let plan = Plan::read(TEMPLATE, &Place::local("http://engines.local"), &parameters).unwrap();
    let [table] = &*plan.tables else { panic!("one table is counted") };
    let of_table = [Some(table.key.partition.clone()), table.key.sort.clone()];
    let index = |index: &fanfare_local::template::IndexPlan| {
        let Projection::Include(included) = &index.projection else { panic!("{}", index.name) };
        let (partition, sort) = (index.key.partition.clone(), index.key.sort.clone().unwrap());
        let keys = of_table.iter().flatten().chain([&partition, &sort]);
        Index { attributes: keys.chain(included).cloned().collect(), partition: partition.clone(), sort: sort.clone() }
    };
    table.indexes.iter().map(index).collect()
}

/// The system's network, which counts the bytes that go to receivers.
struct Counting(Arc<AtomicU64>);

struct CountingStream {
    inner: Box<dyn Stream>,
    sent: Arc<AtomicU64>,
}

impl Network for Counting {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        SystemNetwork.resolve(host)
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        let sent = Arc::clone(&self.0);
        Box::pin(async move {
            let inner = SystemNetwork.connect(address).await?;
            Ok(Box::new(CountingStream { inner, sent }) as Box<dyn Stream>)
        })
    }
}

impl AsyncRead for CountingStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for CountingStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *self.inner).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.sent.fetch_add(count as u64, Ordering::SeqCst);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_shutdown(cx)
    }
}
