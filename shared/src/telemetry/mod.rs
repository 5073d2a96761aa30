//! What the gateway tells whoever operates it: log lines ([`start`]), metrics ([`METRICS`]), spans when they are wanted ([`step`]), and
//! the trace that they and the work behind them belong to ([`trace`], [`in_trace`]). Every invocation of a function passes through
//! [`Watch::invocation`].
//!
//! Nothing here decides anything, and nothing here holds secrets, payloads or response bodies. What is told is written down for
//! its readers in `docs/OPERATING.md`; tests compare.

mod context;
mod lines;
mod metrics;
mod spans;
mod watch;

pub use context::{in_trace, trace};
pub use lines::{FIELDS_OF_CONTEXT, LogFormat, lines_to, start};
pub use metrics::{DIMENSION, Description, METRICS, Metric, Metrics, NAMESPACE, Unit};
pub use spans::{Attribute, StepEnd, step};
pub use watch::{Invoked, MetricLines, Telemetry, TelemetrySettings, Watch, write_to_stdout};
