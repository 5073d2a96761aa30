//! Spans: what was done when, as a part of which trace, for a collector of OpenTelemetry. Nothing of it is there unless an address
//! is configured.
//!
//! Spans have the identifiers that travel in tasks and jobs anyway (`docs/decisions/0018`). They are kept until their invocation
//! ends and then sent as one request (OTLP over HTTP, as JSON), because nothing runs between two invocations. What the collector
//! does not take within [`EXPORT_LIMIT`] is lost, and whoever waits for the invocation waits no longer than that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::context::Scope;
use crate::domain::timestamp::Timestamp;
use crate::domain::trace::{SPAN_ID_BYTES, TraceParent};
use crate::effects::Effects;

/// How long a collector has. It is beside the function, or should be: a caller may wait for this.
const EXPORT_LIMIT: Duration = Duration::from_millis(500);

/// Spans that are kept for one export; those of an invocation that makes more are not recorded.
const SPANS_MAX: usize = 2_000;

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// What is recorded and not yet sent. Cheap to clone; one per process.
#[derive(Clone)]
pub(super) struct Spans(Arc<Recorded>);

struct Recorded {
    effects: Effects,
    address: Uri,
    stack: Arc<str>,
    spans: Mutex<Vec<Span>>,
    client: OnceLock<Option<HttpClient>>,
    has_failed: AtomicBool,
}

/// Who a span is done for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whoever sent a request.
    Server = 2,
    /// We, as a receiver's client.
    Client = 3,
    /// Whoever queued something.
    Consumer = 5,
}

/// Something that was done.
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) function: &'static str,
    pub(super) itself: TraceParent,
    pub(super) parent: Option<[u8; SPAN_ID_BYTES]>,
    /// The invocation it was done in, when that belongs to another trace.
    pub(super) within: Option<TraceParent>,
    pub(super) begun_at: Timestamp,
    pub(super) ended_at: Timestamp,
    pub(super) attributes: Vec<Attribute>,
    pub(super) has_failed: bool,
}

/// What a span says about itself: identifiers and numbers, never what was in a message.
pub type Attribute = (&'static str, Value);

/// What is said about a step that is over.
#[derive(Debug, Default)]
pub struct StepEnd {
    /// What it says about itself.
    pub attributes: Vec<Attribute>,
    /// Whether it did not come to what it was for.
    pub has_failed: bool,
}

/// Does a piece of work for a receiver as a step of the trace that is at work.
pub async fn step<F: Future>(name: &'static str, work: F, tell: impl FnOnce(&F::Output) -> StepEnd) -> F::Output {
    let recorded = |scope: &Scope| {
        let spans = scope.invocation.spans.clone().filter(|_| scope.trace.is_sampled)?;
        Some((spans, Arc::clone(&scope.invocation), scope.trace))
    };
    let Some((spans, invocation, parent)) = Scope::look(recorded).flatten() else { return work.await };
    let itself = parent.child(spans.0.effects.random.span_id());
    let begun_at = spans.now();
    let done = work.await;
    let StepEnd { attributes, has_failed } = tell(&done);
    spans.record(Span {
        name,
        kind: Kind::Client,
        function: invocation.function,
        itself,
        parent: Some(parent.span_id),
        within: invocation.trace.filter(|within| within.trace_id != parent.trace_id),
        begun_at,
        ended_at: spans.now(),
        attributes,
        has_failed,
    });
    done
}

impl Spans {
    /// For the collector at this address, without the path of its traces. None: no address.
    pub(super) fn new(endpoint: &str, stack: &Arc<str>, effects: &Effects) -> Option<Self> {
        let address = format!("{}/v1/traces", endpoint.trim_end_matches('/')).parse().ok();
        let address = address.filter(|_| !endpoint.is_empty())?;
        Some(Self(Arc::new(Recorded {
            effects: effects.clone(),
            address,
            stack: Arc::clone(stack),
            spans: Mutex::default(),
            client: OnceLock::new(),
            has_failed: AtomicBool::new(false),
        })))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.effects.now()
    }

    pub(super) fn record(&self, span: Span) {
        let mut spans = self.0.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if span.itself.is_sampled && spans.len() < SPANS_MAX {
            spans.push(span);
        }
    }

    /// Sends what was recorded. A collector that does not answer is logged once, until it answers again.
    pub(super) async fn export(&self) {
        let spans = std::mem::take(&mut *self.0.spans.lock().unwrap_or_else(PoisonError::into_inner));
        if spans.is_empty() {
            return;
        }
        let sent = tokio::time::timeout(EXPORT_LIMIT, self.send(&spans)).await;
        let trouble = match sent {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some("no answer in time".to_owned()),
        };
        let had_failed = self.0.has_failed.swap(trouble.is_some(), Ordering::Relaxed);
        if let (Some(error), false) = (trouble, had_failed) {
            tracing::warn!(error, "spans could not be exported, and are lost");
        }
    }

    async fn send(&self, spans: &[Span]) -> Result<(), String> {
        let client = self.0.client.get_or_init(client).as_ref().ok_or("this machine trusts no certificate")?;
        let body = Full::new(Bytes::from(self.request(spans).to_string()));
        let request = Request::builder().method(Method::POST).uri(&self.0.address);
        let request = request.header(CONTENT_TYPE, "application/json").body(body).map_err(|error| error.to_string())?;
        let answer = client.request(request).await.map_err(|error| error.to_string())?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("answered with {status}")),
        }
    }

    /// `ExportTraceServiceRequest` of OTLP 1, in its JSON form.
    fn request(&self, spans: &[Span]) -> Value {
        let mut functions: Vec<_> = spans.iter().map(|span| span.function).collect();
        functions.sort_unstable();
        functions.dedup();
        let of = |function: &&'static str| {
            let own = spans.iter().filter(|span| span.function == *function).map(written);
            let resource = [("service.name", json!(function)), ("service.namespace", json!(&*self.0.stack))];
            json!({
                "resource": { "attributes": attributes(&resource) },
                "scopeSpans": [{
                    "scope": { "name": "fanfare", "version": env!("CARGO_PKG_VERSION") },
                    "spans": own.collect::<Vec<_>>(),
                }],
            })
        };
        json!({ "resourceSpans": functions.iter().map(of).collect::<Vec<_>>() })
    }
}

/// One connection that is kept between invocations; made with the first export.
fn client() -> Option<HttpClient> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let connector = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider).ok()?;
    let connector = connector.https_or_http().enable_http1().build();
    Some(Client::builder(TokioExecutor::new()).build(connector))
}

fn written(span: &Span) -> Value {
    let nanos = |at: Timestamp| format!("{}000000", at.as_millis());
    let mut written = json!({
        "traceId": span.itself.trace_id_text(),
        "spanId": span.itself.span_id_text(),
        "flags": 1,
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": nanos(span.begun_at),
        "endTimeUnixNano": nanos(span.ended_at),
        "attributes": attributes(&span.attributes),
    });
    if let Some(parent) = span.parent {
        written["parentSpanId"] = json!(TraceParent { span_id: parent, ..span.itself }.span_id_text());
    }
    if let Some(within) = &span.within {
        written["links"] = json!([{ "traceId": within.trace_id_text(), "spanId": within.span_id_text() }]);
    }
    if span.has_failed {
        written["status"] = json!({ "code": 2 });
    }
    written
}

fn attributes(attributes: &[Attribute]) -> Vec<Value> {
    let value = |value: &Value| match value {
        Value::Bool(value) => json!({ "boolValue": value }),
        // 64 bits are text in the JSON of protocol buffers.
        Value::Number(value) => json!({ "intValue": value.to_string() }),
        other => json!({ "stringValue": other.as_str().unwrap_or_default() }),
    };
    attributes.iter().map(|(key, said)| json!({ "key": key, "value": value(said) })).collect()
}
