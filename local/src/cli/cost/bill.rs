//! The bill of a month: what a load asks for, times the prices.

use std::collections::BTreeMap;

use serde::Serialize;

use super::counted::Counted;
use super::load::{Load, PerMessage, metric_lines};
use super::prices::{Price, PriceTable};
use super::stack::Stack;

const GB: f64 = 1_073_741_824.0;
const DAYS_OF_A_MONTH: f64 = 730.0 / 24.0;
/// What a request to the API may hold, to be billed as one.
const API_REQUEST_BYTES: f64 = 512.0 * 1_024.0;
/// What an event of EventBridge may hold, to be billed as one.
const EVENT_BYTES: f64 = 65_536.0;
/// What comes with a payload in a request: event type, braces.
const AROUND_PAYLOAD_BYTES: f64 = 300.0;

/// Everything that a bill is reckoned from, but the load.
#[derive(Clone, Debug)]
pub struct Basis {
    /// What was counted.
    pub counted: Counted,
    /// Prices and assumptions.
    pub table: PriceTable,
    /// What runs.
    pub stack: Stack,
}

/// A line of the bill.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Whose.
    pub service: &'static str,
    /// For what.
    pub what: &'static str,
    /// The name of its price.
    pub price: &'static str,
    /// Units for one message; none: it is paid whatever comes.
    pub units_per_message: Option<f64>,
    /// Units of the month.
    pub units: f64,
    /// Dollars of the month.
    pub usd: f64,
}

/// The bill.
#[derive(Clone, Debug, Serialize)]
pub struct Bill {
    /// Its lines.
    pub lines: Vec<Line>,
    /// Messages it is for.
    pub messages: f64,
}

impl Bill {
    /// Dollars of the month.
    pub fn usd(&self) -> f64 {
        self.lines.iter().map(|line| line.usd).sum()
    }

    /// Dollars of a month in which nothing happens.
    pub fn idle_usd(&self) -> f64 {
        self.lines.iter().filter(|line| line.units_per_message.is_none()).map(|line| line.usd).sum()
    }

    /// Dollars for each million of messages, what is paid anyhow left out.
    pub fn usd_per_million(&self) -> f64 {
        (self.usd() - self.idle_usd()) / self.messages.max(f64::MIN_POSITIVE) * 1e6
    }

    /// Dollars of lines by the name of their price.
    pub fn usd_of(&self, prices: &[&str]) -> f64 {
        self.lines.iter().filter(|line| prices.contains(&line.price)).map(|line| line.usd).sum()
    }

    /// The bill with what is free for every account taken off, line by line.
    pub fn with_free_tier(mut self, free: &BTreeMap<String, f64>) -> Self {
        let mut left = free.clone();
        for line in &mut self.lines {
            if let Some(left) = left.get_mut(line.price).filter(|_| line.units > 0.0) {
                let taken = line.units.min(*left);
                *left -= taken;
                line.usd *= 1.0 - taken / line.units;
            }
        }
        self
    }
}

/// Puts lines together.
struct Writer<'a> {
    basis: &'a Basis,
    messages: f64,
    lines: Vec<Line>,
}

impl Writer<'_> {
    fn price(&self, name: &str) -> (&'static str, Price) {
        let all = self.basis.table.prices.all();
        let found = all.into_iter().find(|(of, _)| *of == name);
        debug_assert!(found.is_some(), "no price {name}");
        found.map_or(
            ("", Price { usd: 0.0, per: 1.0, unit: String::new(), source: String::new(), verified: false }),
            |(name, price)| (name, price.clone()),
        )
    }

    /// So many units for each message.
    fn each(&mut self, service: &'static str, what: &'static str, price: &str, units: f64) {
        self.line(service, what, price, Some(units), units * self.messages);
    }

    /// So many units, whatever comes.
    fn always(&mut self, service: &'static str, what: &'static str, price: &str, units: f64) {
        self.line(service, what, price, None, units);
    }

    fn line(
        &mut self,
        service: &'static str,
        what: &'static str,
        price: &str,
        units_per_message: Option<f64>,
        units: f64,
    ) {
        if units.abs() < 1e-12 {
            return;
        }
        let (price, usd) = {
            let (name, price) = self.price(price);
            (name, price.of(units))
        };
        self.lines.push(Line { service, what, price, units_per_message, units, usd });
    }
}

/// What a load costs.
pub fn bill(basis: &Basis, load: &Load) -> Bill {
    let mut writer = Writer { basis, messages: load.messages, lines: Vec::new() };
    let PerMessage { usage, attempts, batches } = load.per_message(&basis.counted, &basis.stack);
    let assumed = &basis.table.assumed;
    let by_file = load.import;
    let requests = 1.0 - by_file;
    let cold_ms = assumed.cold_share.value * assumed.cold_ms.value;

    let api_units = requests * ((load.bytes + AROUND_PAYLOAD_BYTES) / API_REQUEST_BYTES).ceil();
    writer.each("API Gateway", "requests", "http_api_request", api_units);

    let background = usage.invocations.get("background").copied().unwrap_or_default();
    let functions = [
        ("publish", requests - load.inbound, assumed.publish_ms.value),
        ("ingest", load.inbound, assumed.ingest_ms.value),
        ("deliver", batches, assumed.deliver_ms.value + load.receiver_ms),
        ("background", background, assumed.background_ms.value),
    ];
    let invocations: f64 = functions.iter().map(|(_, invocations, _)| invocations).sum();
    writer.each("Lambda", "invocations", "lambda_request", invocations);
    for (name, invocations, ms) in functions {
        let gb_seconds = invocations * (ms + cold_ms) / 1_000.0 * basis.stack.memory_of(name);
        writer.each("Lambda", duration_of(name), "lambda_gb_second", gb_seconds);
    }
    let of_files = by_file * assumed.import_ms.value / 1_000.0 * basis.stack.memory_of("import");
    writer.each("Lambda", duration_of("import"), "lambda_gb_second", of_files);

    writer.each("DynamoDB", "writes", "table_write", usage.table_writes);
    writer.each("DynamoDB", "writes of the index", "table_write", usage.index_writes);
    writer.each("DynamoDB", "reads", "table_read", usage.reads);
    let kept_months = load.kept_days / DAYS_OF_A_MONTH;
    let (table_gb, index_gb) = (usage.table_bytes * kept_months / GB, usage.index_bytes * kept_months / GB);
    writer.each("DynamoDB", "storage", "table_storage", table_gb + index_gb);
    if basis.stack.has_recovery {
        writer.each("DynamoDB", "point-in-time recovery", "table_recovery", table_gb);
    }

    writer.each("SQS", "requests", "queue_request", usage.queue_requests);
    writer.each("SQS", "requests with a group", "queue_fair_request", usage.fair_requests);
    writer.each("S3", "objects put", "bucket_put", usage.puts);
    writer.each("S3", "objects read", "bucket_get", usage.gets);
    writer.each("S3", "storage", "bucket_storage", usage.object_bytes * kept_months / GB);
    keys(&mut writer, load, batches, requests);

    let of_metrics = if basis.stack.has_metric_lines {
        let lines = |(_, invocations, ms): &(_, f64, f64)| {
            metric_lines(invocations * load.messages, *ms, assumed.peak.value) / load.messages.max(f64::MIN_POSITIVE)
        };
        functions.iter().filter(|(name, ..)| *name != "background").map(lines).sum()
    } else {
        0.0
    };
    let lines = usage.log_lines + of_metrics + requests;
    let bytes =
        usage.log_bytes + of_metrics * assumed.metric_line_bytes.value + requests * basis.stack.access_log_bytes;
    let log_gb = (bytes + lines * assumed.log_event_bytes.value) / GB;
    writer.each("CloudWatch", "logs taken in", "log_ingestion", log_gb);
    writer.each("CloudWatch", "logs kept", "log_storage", log_gb * basis.stack.log_days / DAYS_OF_A_MONTH);
    let sent = usage.sent_bytes + attempts * assumed.tls_bytes.value;
    writer.each("Data transfer", "to receivers", "data_out", sent / GB);
    writer.each("Data transfer", "answers to callers", "data_out", usage.answer_bytes / GB);
    // A metric is paid for in the hours in which it is written: at worst in all of them.
    let busy_metrics = if load.messages > 0.0 { basis.stack.busy_metrics } else { 0.0 };
    writer.always("CloudWatch", "metrics of messages", "metric", busy_metrics);
    always(&mut writer);
    Bill { lines: writer.lines, messages: load.messages }
}

fn duration_of(function: &str) -> &'static str {
    match function {
        "publish" => "duration of publish",
        "ingest" => "duration of ingest",
        "deliver" => "duration of deliver",
        "background" => "duration of background",
        _ => "duration of import",
    }
}

/// Data keys that processes ask for again and again: deliver for every organization's endpoints, the others where payloads are sealed.
fn keys(writer: &mut Writer<'_>, load: &Load, batches: f64, requests: f64) {
    let assumed = &writer.basis.table.assumed;
    let renewals = |invocations: f64, ms: f64| {
        load.renewals(invocations * load.messages, ms, assumed.peak.value, assumed.key_minutes.value)
    };
    let delivering = renewals(batches, assumed.deliver_ms.value + load.receiver_ms);
    let publishing = if load.is_sealed { renewals(requests, assumed.publish_ms.value) } else { 0.0 };
    let scenarios = &writer.basis.counted.scenarios;
    let calls = scenarios.deliver_cold.key_calls * delivering + scenarios.publish_cold.key_calls * publishing;
    let reads = delivering + publishing;
    let messages = load.messages.max(f64::MIN_POSITIVE);
    writer.each("KMS", "data keys unwrapped", "key_call", calls / messages);
    writer.each("DynamoDB", "data keys read", "table_read", reads / messages);
}

/// What is paid in a month in which nothing happens.
fn always(writer: &mut Writer<'_>) {
    let (stack, assumed) = (&writer.basis.stack, &writer.basis.table.assumed);
    let empty = writer.basis.counted.scenarios.sweep_empty.clone();
    let ticks = stack.ticks;
    let sweep_gb_seconds = ticks * assumed.sweep_ms.value / 1_000.0 * stack.memory_of("sweep");
    let polls = stack.polled_queues * assumed.polls_per_minute.value * super::stack::MONTH_S / 60.0;
    let (keys, alarms, dashboards, metrics) = (stack.keys, stack.alarms, stack.dashboards, stack.idle_metrics);
    writer.always("EventBridge", "the sweep's schedule", "schedule", ticks);
    writer.always("Lambda", "invocations of sweep", "lambda_request", ticks);
    writer.always("Lambda", "duration of sweep", "lambda_gb_second", sweep_gb_seconds);
    writer.always("DynamoDB", "writes of empty sweeps", "table_write", ticks * empty.table_writes);
    writer.always("DynamoDB", "reads of empty sweeps", "table_read", ticks * empty.reads);
    writer.always("SQS", "polls of quiet queues", "queue_request", polls);
    writer.always("KMS", "keys", "key", keys);
    writer.always("CloudWatch", "metrics that alarms watch", "alarm", alarms);
    writer.always("CloudWatch", "dashboards", "dashboard", dashboards);
    writer.always("CloudWatch", "metrics of the sweep", "metric", metrics);
}

/// What the same load costs with EventBridge and its API destinations, without anything around them.
pub fn api_destinations_usd(basis: &Basis, load: &Load) -> f64 {
    let PerMessage { usage, attempts, .. } = load.per_message(&basis.counted, &basis.stack);
    let prices = &basis.table.api_destinations;
    let events = load.messages * ((load.bytes + AROUND_PAYLOAD_BYTES) / EVENT_BYTES).ceil();
    let sent_gb = (usage.sent_bytes + attempts * basis.table.assumed.tls_bytes.value) / GB;
    prices.event.of(events)
        + prices.invocation.of(load.messages * attempts)
        + basis.table.prices.data_out.of(load.messages * sent_gb)
}

/// What the always-on installation costs, which sends the same bytes.
pub fn always_on_usd(basis: &Basis, fixed_usd: f64, load: &Load) -> f64 {
    fixed_usd + bill(basis, load).usd_of(&["data_out"])
}

/// How many messages a month cost the same either way; none: it is never so, up to a million millions.
pub fn break_even(basis: &Basis, fixed_usd: f64, load: &Load) -> Option<f64> {
    const MESSAGES_MAX: f64 = 1e12;
    /// Halvings: to less than a message.
    const STEPS: usize = 60;
    let is_dearer = |messages: f64| {
        let load = Load { messages, ..*load };
        bill(basis, &load).usd() > always_on_usd(basis, fixed_usd, &load)
    };
    if is_dearer(1.0) || !is_dearer(MESSAGES_MAX) {
        return None;
    }
    let (mut below, mut above) = (1.0, MESSAGES_MAX);
    for _ in 0..STEPS {
        let middle = (below + above) / 2.0;
        if is_dearer(middle) { above = middle } else { below = middle }
    }
    Some(below)
}
