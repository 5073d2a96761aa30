//! What came out, as a table or as one line of JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::{Table, presets};
use hdrhistogram::Histogram;
use serde_json::json;

use super::dead::Dead;
use super::load::{Load, Published};
use super::reads::Read;
use super::scenario::Setup;

pub(super) struct Report<'a> {
    setup: &'a Setup,
    deliveries: usize,
    missing: usize,
    repeats: usize,
    accepted_per_s: f64,
    delivered_per_s: f64,
    publish_ms: [f64; 2],
    arrival_ms: [f64; 2],
    processor_us: Option<f64>,
    memory_peak_mb: Option<f64>,
    reads: Vec<(&'static str, [f64; 2])>,
    dead_requests: usize,
    dead_waited: Duration,
    failed_requests: usize,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        setup: &'a Setup,
        load: &Load,
        published: &Published,
        worked: Option<Duration>,
        reads: &[Read],
        dead: &Dead,
        failed_requests: usize,
    ) -> Self {
        Self {
            setup,
            deliveries: load.deliveries(),
            missing: load.deliveries_wanted() - load.deliveries(),
            repeats: load.repeats(),
            accepted_per_s: rate(load.messages(), published.took),
            delivered_per_s: rate(load.deliveries(), load.delivering_took()),
            publish_ms: percentiles(&published.latency_us),
            arrival_ms: load.arrival_latency_us().map(|latency| percentiles(&latency)).unwrap_or_default(),
            processor_us: worked.map(|worked| worked.as_secs_f64() * 1e6 / load.messages().max(1) as f64),
            memory_peak_mb: memory_peak_mb(),
            reads: reads.iter().map(|read| (read.name, percentiles(&read.latency_us))).collect(),
            dead_requests: dead.requests(),
            dead_waited: dead.waited(),
            failed_requests,
        }
    }

    pub(super) fn table(&self) -> String {
        let Setup { messages, endpoints, connections, payload_bytes, .. } = self.setup;
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
        let processor = self.processor_us.map_or("unknown".to_owned(), |us| format!("{us:.0} µs for each message"));
        row("processor", format!("{processor} (with load generator and receivers)"));
        let memory = self.memory_peak_mb.map_or("unknown".to_owned(), |mb| format!("{mb:.0} MB"));
        row("memory, peak", format!("{memory} (with load generator and receivers)"));
        if self.setup.failing > 0 {
            row("failing endpoints", format!("{}, {} requests", self.setup.failing, self.failed_requests));
        }
        if self.setup.dead > 0 {
            let breaker = if self.setup.no_breaker { "off" } else { "on" };
            row("dead endpoints", format!("{}, breaker {breaker}", self.setup.dead));
            row("waited for them", format!("{:.1?}, {} requests", self.dead_waited, self.dead_requests));
        }
        for (name, [p50, p99]) in &self.reads {
            row(name, format!("p50 {p50:.1} ms, p99 {p99:.1} ms"));
        }
        table.to_string()
    }

    pub(super) fn json(&self) -> String {
        let Setup { messages, endpoints, connections, payload_bytes, .. } = self.setup;
        json!({
            "scenario": self.setup.scenario.name(),
            "messages": messages, "endpoints": endpoints, "connections": connections, "payload_bytes": payload_bytes,
            "state": self.state(), "accepted_per_s": self.accepted_per_s, "delivered_per_s": self.delivered_per_s,
            "deliveries": self.deliveries, "missing": self.missing, "repeats": self.repeats,
            "publish_p50_ms": self.publish_ms[0], "publish_p99_ms": self.publish_ms[1],
            "arrival_p50_ms": self.arrival_ms[0], "arrival_p99_ms": self.arrival_ms[1],
            "processor_us_per_message": self.processor_us,
            "failing_endpoints": self.setup.failing, "failed_requests": self.failed_requests,
            "memory_peak_mb": self.memory_peak_mb,
            "dead_endpoints": self.setup.dead, "breaker": !self.setup.no_breaker, "dead_requests": self.dead_requests,
            "dead_waited_s": self.dead_waited.as_secs_f64(),
            "reads_p50_p99_ms": self.reads.iter().copied().collect::<BTreeMap<_, _>>(),
        })
        .to_string()
    }

    fn state(&self) -> String {
        if self.setup.memory { "memory".to_owned() } else { format!("disk, survives {}", self.setup.durability) }
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

/// The processor time this process has had, over all its threads. Linux says so, in hundredths of a second; others are not asked.
pub(super) fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the program's name, which may hold anything, stand the state and ten more fields; then user and system time.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks()? + ticks()?) * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn processor_time_is_that_of_this_process() {
        let before = processor_time();
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(100) {
            std::hint::black_box(0);
        }
        let worked = processor_time().zip(before).map(|(after, before)| after.saturating_sub(before));
        assert!(worked.is_some_and(|worked| worked >= Duration::from_millis(10)), "{worked:?}");
    }
}
