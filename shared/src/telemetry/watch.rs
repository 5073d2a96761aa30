//! What is known about a function from one invocation to the next, and what is done around each of them.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::context::{Invocation, Scope};
use super::metrics::{Metric, Metrics};
use super::spans::{Kind, Span, Spans};
use crate::domain::ids::RequestId;
use crate::domain::timestamp::Timestamp;
use crate::domain::trace::{SPAN_ID_BYTES, TRACE_ID_BYTES, TraceParent};
use crate::effects::Effects;

/// What is configured.
#[derive(Clone, Debug, Default)]
pub struct TelemetrySettings {
    /// The share of traces that is logged in detail, 0 to 1.
    pub debug_share: f64,
    /// Whether metrics are written.
    pub has_metrics: bool,
    /// The stack's name, in metrics.
    pub stack: String,
    /// Where spans are sent; empty: nowhere.
    pub otlp_endpoint: String,
}

/// Takes the lines of metrics.
pub type MetricLines = Arc<dyn Fn(&str) + Send + Sync>;

/// What the process tells. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Telemetry {
    effects: Effects,
    debug_share: f64,
    metrics: Metrics,
    has_metrics: bool,
    metric_lines: Option<MetricLines>,
    stack: Arc<str>,
    spans: Option<Spans>,
}

/// What is told about one function. Cheap to clone; one per door.
#[derive(Clone)]
pub struct Watch {
    telemetry: Telemetry,
    function: &'static str,
    is_warm: Arc<AtomicBool>,
}

/// What is known about an invocation that begins.
#[derive(Clone, Debug, Default)]
pub struct Invoked {
    /// What Lambda calls it.
    pub request_id: String,
    /// What its caller calls it.
    pub http_request_id: Option<RequestId>,
    /// The trace of whoever asks.
    pub trace: Option<TraceParent>,
}

impl Telemetry {
    /// Once per process. Metrics are counted, and told to nobody yet.
    pub fn new(settings: &TelemetrySettings, effects: &Effects) -> Self {
        let stack = Arc::from(settings.stack.as_str());
        Self {
            spans: Spans::new(&settings.otlp_endpoint, &stack, effects),
            effects: effects.clone(),
            debug_share: settings.debug_share,
            metrics: Metrics::default(),
            has_metrics: settings.has_metrics,
            metric_lines: None,
            stack,
        }
    }

    /// The same, with its metrics written there, if they are wanted.
    pub fn telling(self, metric_lines: MetricLines) -> Self {
        Self { metric_lines: self.has_metrics.then_some(metric_lines), ..self }
    }

    /// What is counted.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    fn write_metrics(&self, function: &str) {
        if let Some(write) = &self.metric_lines
            && let Some(line) = self.metrics.line(&self.stack, function, self.effects.now())
        {
            write(&line);
        }
    }

    /// What is told about this function.
    pub fn watch(&self, function: &'static str) -> Watch {
        Watch { telemetry: self.clone(), function, is_warm: Arc::default() }
    }
}

impl Watch {
    /// Does the work of an invocation, as a step of its caller's trace or of one that begins here.
    pub async fn invocation<F: Future>(&self, invoked: Invoked, work: F) -> F::Output {
        let Invoked { request_id, http_request_id, trace: caller } = invoked;
        let telemetry = &self.telemetry;
        let (trace, is_cold) = (self.step_of(caller), !self.is_warm.swap(true, Ordering::Relaxed));
        telemetry.metrics.count(Metric::ColdStarts, u64::from(is_cold));
        let invocation = Arc::new(Invocation {
            function: self.function,
            request_id,
            http_request_id,
            is_cold,
            debug_share: telemetry.debug_share,
            trace: Some(trace),
            spans: telemetry.spans.clone(),
        });
        let begun_at = telemetry.spans.as_ref().map(Spans::now);
        let done = Scope::new(Arc::clone(&invocation), trace).around(work).await;
        telemetry.write_metrics(self.function);
        if let (Some(spans), Some(begun_at)) = (&telemetry.spans, begun_at) {
            spans.record(span_of(&invocation, trace, caller, begun_at, spans.now()));
            spans.export().await;
        }
        done
    }

    fn step_of(&self, caller: Option<TraceParent>) -> TraceParent {
        let random = &self.telemetry.effects.random;
        match caller {
            Some(caller) => caller.child(random.span_id()),
            None => {
                let mut both = [0; TRACE_ID_BYTES + SPAN_ID_BYTES];
                random.fill(&mut both);
                // Whoever records traces at all records ours.
                TraceParent::root(both, self.telemetry.spans.is_some())
            }
        }
    }
}

fn span_of(
    invocation: &Invocation,
    itself: TraceParent,
    caller: Option<TraceParent>,
    begun_at: Timestamp,
    ended_at: Timestamp,
) -> Span {
    let kind = if invocation.http_request_id.is_some() { Kind::Server } else { Kind::Consumer };
    let mut attributes = vec![("faas.coldstart", json!(invocation.is_cold))];
    if !invocation.request_id.is_empty() {
        attributes.push(("faas.invocation_id", json!(invocation.request_id)));
    }
    if let Some(id) = invocation.http_request_id {
        attributes.push(("http.request_id", json!(id)));
    }
    Span {
        name: invocation.function,
        kind,
        function: invocation.function,
        itself,
        parent: caller.map(|caller| caller.span_id),
        within: None,
        begun_at,
        ended_at,
        attributes,
        has_failed: false,
    }
}

/// Writes a line for whoever collects what the process says. What cannot be written is lost: there is nobody to tell.
pub fn write_to_stdout(line: &str) {
    let mut out = std::io::stdout().lock();
    let _nobody_to_tell = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}
