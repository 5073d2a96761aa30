//! Log lines: one flat JSON object each in the cloud, readable on a terminal. Each carries the invocation and the trace that it
//! belongs to.

use std::fmt::{Debug, Write as _};
use std::io::IsTerminal;

use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::{FilterExt, dynamic_filter_fn};
use tracing_subscriber::fmt::format::{Format, Full, Writer, debug_fn};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::context::Scope;

/// What every line in the cloud has besides its own fields: when, how bad, from which module, what; and as long as an invocation
/// is at work, which one and which trace. A line's own fields have other names.
pub const FIELDS_OF_CONTEXT: [&str; 9] =
    ["timestamp", "level", "target", "message", "function", "request_id", "cold_start", "http.request_id", "trace_id"];

/// Whose lines are ours: the modules that are more than warnings' worth.
const OURS: [&str; 11] = [
    "fanfare", "fanfare_local", "fanfare_engines", "publish", "manage", "history", "deliver", "sweep", "ingest",
    "background", "import",
];

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for a log service.
    Json,
    /// For a person at a terminal.
    Text,
}

/// Starts logging at this level (`error`, `warn`, `info`, `debug`, `trace`, or filter directives). The libraries below
/// us stay at `warn`. With a share of traces that are logged in detail, theirs is `debug`. Does nothing when logging was started
/// before.
pub fn start(level: &str, format: LogFormat, debug_share: f64) {
    report_panics_by_place();
    let has_colours = std::io::stderr().is_terminal();
    let lines = dispatch(std::io::stderr, has_colours, level, format, debug_share);
    let _already_started = tracing::dispatcher::set_global_default(lines);
}

/// Log lines as [`start`] has them, written to somebody else, without colours.
pub fn lines_to<W>(writer: W, level: &str, format: LogFormat, debug_share: f64) -> Dispatch
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    dispatch(writer, false, level, format, debug_share)
}

fn dispatch<W>(writer: W, has_colours: bool, level: &str, format: LogFormat, debug_share: f64) -> Dispatch
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match format {
        LogFormat::Json => lines.event_format(JsonLines).boxed(),
        LogFormat::Text => {
            let text = tracing_subscriber::fmt::format().with_target(false).with_ansi(has_colours);
            lines.fmt_fields(text_fields()).event_format(TextLines(text)).boxed()
        }
    };
    let by_level = by_level(level);
    if debug_share > 0.0 {
        let in_detail = dynamic_filter_fn(|line, _| {
            *line.level() <= tracing::Level::DEBUG
                && OURS.iter().any(|ours| is_within(line.target(), ours))
                && Scope::look(|scope| scope.is_debug).unwrap_or(false)
        });
        Dispatch::new(tracing_subscriber::registry().with(lines.with_filter(by_level.or(in_detail))))
    } else {
        Dispatch::new(tracing_subscriber::registry().with(lines).with(by_level))
    }
}

fn by_level(level: &str) -> EnvFilter {
    let filter = EnvFilter::try_new(format!("warn,{level}"))
        .unwrap_or_else(|_| EnvFilter::new("info"))
        .add_directive(tracing::Level::WARN.into());
    OURS.iter().fold(filter, |filter, target| match format!("{target}={level}").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    })
}

/// Whether a line comes from this crate.
fn is_within(target: &str, of: &str) -> bool {
    target.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// One flat JSON object a line.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> std::fmt::Result {
        let mut at = String::new();
        SystemTime.format_time(&mut Writer::new(&mut at))?;
        let mut line = JsonLine(String::with_capacity(512));
        line.0.push('{');
        line.text("timestamp", &at);
        line.text("level", event.metadata().level().as_str());
        line.text("target", event.metadata().target());
        event.record(&mut line);
        Scope::look(|scope| line.scope(scope));
        writeln!(writer, "{}}}", line.0)
    }
}

/// The fields of one object, as they come.
struct JsonLine(String);

impl JsonLine {
    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.json(name.strip_prefix("r#").unwrap_or(name));
        self.0.push(':');
    }

    /// Text as JSON has it: what stands in it ends no line and begins no field.
    fn json(&mut self, text: &str) {
        self.0.push_str(&serde_json::Value::from(text).to_string());
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.json(text);
    }

    fn bare(&mut self, name: &str, value: impl std::fmt::Display) {
        self.name(name);
        let _a_string_takes_it = write!(self.0, "{value}");
    }

    fn scope(&mut self, scope: &Scope) {
        let invocation = &scope.invocation;
        if !invocation.function.is_empty() {
            self.text("function", invocation.function);
            self.bare("cold_start", invocation.is_cold);
        }
        if !invocation.request_id.is_empty() {
            self.text("request_id", &invocation.request_id);
        }
        if let Some(id) = &invocation.http_request_id {
            self.text("http.request_id", &id.to_string());
        }
        self.text("trace_id", &scope.trace.trace_id_text());
    }
}

impl Visit for JsonLine {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.bare(field.name(), serde_json::Value::from(value));
    }
}

/// Readable lines; those of a request end with its identifier.
struct TextLines(Format<Full, SystemTime>);

impl<S, N> FormatEvent<S, N> for TextLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        write!(writer, "{}", line.trim_end())?;
        if let Some(Some(id)) = Scope::look(|scope| scope.invocation.http_request_id) {
            write!(writer, " http.request_id={id}")?;
        }
        writeln!(writer)
    }
}

/// The fields of a readable line. What stands in them may be a caller's or a receiver's: it ends no line and moves no cursor.
fn text_fields() -> impl for<'writer> FormatFields<'writer> + 'static {
    let field = |writer: &mut Writer<'_>, field: &Field, value: &dyn Debug| {
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
