//! What came out, as a table or as one line of JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::{Table, presets};
use hdrhistogram::Histogram;
use serde_json::json;

use super::dead::Dead;
use super::load::{Load, Published};
use super::reads::Read;
use crate::cli::args::BenchArgs;

pub(super) struct Report<'a> {
    args: &'a BenchArgs,
    deliveries: usize,
    missing: usize,
    repeats: usize,
    accepted_per_s: f64,
    delivered_per_s: f64,
    publish_ms: [f64; 2],
    arrival_ms: [f64; 2],
    memory_peak_mb: Option<f64>,
    reads: Vec<(&'static str, [f64; 2])>,
    dead_requests: usize,
    dead_waited: Duration,
}

impl<'a> Report<'a> {
    pub(super) fn new(args: &'a BenchArgs, load: &Load, published: &Published, reads: &[Read], dead: &Dead) -> Self {
        Self {
            args,
            deliveries: load.deliveries(),
            missing: load.deliveries_wanted() - load.deliveries(),
            repeats: load.repeats(),
            accepted_per_s: rate(load.messages(), published.took),
            delivered_per_s: rate(load.deliveries(), load.delivering_took()),
            publish_ms: percentiles(&published.latency_us),
            arrival_ms: load.arrival_latency_us().map(|latency| percentiles(&latency)).unwrap_or_default(),
            memory_peak_mb: memory_peak_mb(),
            reads: reads.iter().map(|read| (read.name, percentiles(&read.latency_us))).collect(),
            dead_requests: dead.requests(),
            dead_waited: dead.waited(),
        }
    }

    pub(super) fn table(&self) -> String {
        let BenchArgs { messages, endpoints, connections, payload_bytes, .. } = self.args;
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut row = |name: &str, value: String| {
            table.add_row([name, &value]);
        };
        row("messages", format!("{messages} of {payload_bytes} bytes over {connections} connections"));
        row("endpoints", endpoints.to_string());
        row("state", self.state());
        row("accepted", format!("{:.0}/s", self.accepted_per_s));
        row("delivered", format!("{:.0}/s ({} of {})", self.delivered_per_s, self.deliveries, messages * endpoints));
        row("delivered again", self.repeats.to_string());
        row("publish latency", format!("p50 {:.1} ms, p99 {:.1} ms", self.publish_ms[0], self.publish_ms[1]));
        row("sent to arrived", format!("p50 {:.1} ms, p99 {:.1} ms", self.arrival_ms[0], self.arrival_ms[1]));
        let memory = self.memory_peak_mb.map_or("unknown".to_owned(), |mb| format!("{mb:.0} MB"));
        row("memory, peak", format!("{memory} (with load generator and receivers)"));
        if self.args.dead > 0 {
            let breaker = if self.args.no_breaker { "off" } else { "on" };
            row("dead endpoints", format!("{}, breaker {breaker}", self.args.dead));
            row("waited for them", format!("{:.1?}, {} requests", self.dead_waited, self.dead_requests));
        }
        for (name, [p50, p99]) in &self.reads {
            row(name, format!("p50 {p50:.1} ms, p99 {p99:.1} ms"));
        }
        table.to_string()
    }

    pub(super) fn json(&self) -> String {
        let BenchArgs { messages, endpoints, connections, payload_bytes, .. } = self.args;
        json!({
            "messages": messages, "endpoints": endpoints, "connections": connections, "payload_bytes": payload_bytes,
            "state": self.state(), "accepted_per_s": self.accepted_per_s, "delivered_per_s": self.delivered_per_s,
            "deliveries": self.deliveries, "missing": self.missing, "repeats": self.repeats,
            "publish_p50_ms": self.publish_ms[0], "publish_p99_ms": self.publish_ms[1],
            "arrival_p50_ms": self.arrival_ms[0], "arrival_p99_ms": self.arrival_ms[1],
            "memory_peak_mb": self.memory_peak_mb,
            "dead_endpoints": self.args.dead, "breaker": !self.args.no_breaker, "dead_requests": self.dead_requests,
            "dead_waited_s": self.dead_waited.as_secs_f64(),
            "reads_p50_p99_ms": self.reads.iter().copied().collect::<BTreeMap<_, _>>(),
        })
        .to_string()
    }

    fn state(&self) -> String {
        if self.args.memory { "memory".to_owned() } else { format!("disk, survives {}", self.args.durability) }
    }
}

/// Things a second.
pub(super) fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(f64::EPSILON)
}

fn percentiles(latency_us: &Histogram<u64>) -> [f64; 2] {
    [0.50, 0.99].map(|quantile| latency_us.value_at_quantile(quantile) as f64 / 1_000.0)
}

/// The most memory this process ever had. Linux says so; others are not asked.
pub(super) fn memory_peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}
