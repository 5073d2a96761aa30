//! Logs: one JSON object a line in the cloud, readable lines on a terminal. Fields are searchable and never hold
//! secrets, payloads or response bodies.

use std::io::IsTerminal;

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

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
    report_panics_by_place();
    let _already_started = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
        LogFormat::Text => {
            let is_terminal = std::io::stderr().is_terminal();
            lines.with_target(false).with_ansi(is_terminal).fmt_fields(text_fields()).try_init()
        }
    };
}

/// The fields of a readable line. What stands in them may be a caller's or a receiver's: it ends no line and moves no cursor.
pub fn text_fields() -> impl for<'writer> FormatFields<'writer> + 'static {
    let field = |writer: &mut Writer<'_>, field: &Field, value: &dyn std::fmt::Debug| {
        let text = format!("{value:?}");
        let text: String =
            text.chars().map(|c| if is_wild(c) { c.escape_default().to_string() } else { c.into() }).collect();
        match field.name() {
            "message" => write!(writer, "{text}"),
            name => write!(writer, "{name}={text}"),
        }
    };
    debug_fn(field).delimited(" ")
}

/// Control characters, and those that begin a line or turn the direction of writing.
fn is_wild(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a panic says may hold what it was about: a payload, a secret. Where it happened is enough to find it.
fn report_panics_by_place() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
}
