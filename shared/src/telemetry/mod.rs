//! Logs: one JSON object a line in the cloud, readable lines on a terminal. Fields are searchable and never hold
//! secrets, payloads or response bodies.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for a log service.
    Json,
    /// For a person at a terminal.
    Text,
}

/// Starts logging at this level (`error`, `warn`, `info`, `debug`, `trace`, or filter directives). The libraries below
/// us stay at `warn`. Does nothing when logging was started before.
pub fn start(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(format!("warn,{level}"))
        .unwrap_or_else(|_| EnvFilter::new("info"))
        .add_directive(tracing::Level::WARN.into());
    let ours = [
        "fanfare", "fanfare_local", "fanfare_engines", "publish", "manage", "history", "deliver", "sweep", "ingest",
        "background", "import",
    ];
    let filter = ours.iter().fold(filter, |filter, target| match format!("{target}={level}").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    });
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _already_started = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
}
