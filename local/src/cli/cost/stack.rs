//! What the stack is made of, as far as it is paid for: read from the template that is deployed.

use std::collections::BTreeMap;

use anyhow::Context as _;
use fanfare::telemetry::METRICS;
use yaml_serde::Value;

use crate::template::{Place, Plan, TEMPLATE};

/// Seconds of a month, as AWS reckons: 730 hours.
pub const MONTH_S: f64 = 730.0 * 3_600.0;

/// The stack.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Gigabytes of each function, by binary.
    pub memory_gb: BTreeMap<String, f64>,
    /// Queues that Lambda polls.
    pub polled_queues: f64,
    /// Scheduled calls a month.
    pub ticks: f64,
    /// Seconds before the second, third, ... attempt.
    pub retry_delays_s: Vec<f64>,
    /// KMS keys.
    pub keys: f64,
    /// Metrics that alarms watch.
    pub alarms: f64,
    /// Dashboards.
    pub dashboards: f64,
    /// Metrics of the stack's own that there are in every hour: what the sweep writes.
    pub idle_metrics: f64,
    /// Metrics that come with messages: what the other functions write, and what is made of the access log.
    pub busy_metrics: f64,
    /// Whether the functions write metrics into their logs.
    pub has_metric_lines: bool,
    /// Whether the table can be restored to any point in time.
    pub has_recovery: bool,
    /// Bytes of a line of the API's access log.
    pub access_log_bytes: f64,
    /// Days logs are kept.
    pub log_days: f64,
}

impl Stack {
    /// As the template has it, with its parameters' defaults.
    pub fn deployed() -> anyhow::Result<Self> {
        let parameters = BTreeMap::from([("JwtSecret".to_owned(), "x".repeat(32))]);
        let plan = Plan::read(TEMPLATE, &Place::local("http://aws.local"), &parameters)?;
        let template: Value = yaml_serde::from_str(TEMPLATE)?;
        let resources = Resources(member(&template, &["Resources"])?);
        let default = |name: &str| member(&template, &["Parameters", name, "Default"]);
        let schedule = default("RetrySchedule")?.as_str().context("RetrySchedule is no text")?;
        let delays = schedule.split(',').filter(|delay| !delay.is_empty()).map(str::parse);
        let table = resources.one("AWS::DynamoDB::Table")?;
        let recovery = member(table, &["Properties", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"]);
        let api = resources.one("AWS::Serverless::HttpApi")?;
        let format = member(api, &["Properties", "AccessLogSettings", "Format"])?;
        let has_metric_lines = default("Metrics")?.as_str() == Some("true");
        let of_functions = if has_metric_lines { METRICS.len() as f64 } else { 0.0 };
        let idle_metrics = of_functions.min(1.0);
        Ok(Self {
            memory_gb: plan.functions.iter().map(|f| (f.binary.clone(), f64::from(f.memory_mb) / 1_024.0)).collect(),
            polled_queues: plan.mappings.len() as f64,
            ticks: plan.schedules.iter().map(|schedule| MONTH_S / schedule.period.as_secs_f64()).sum(),
            retry_delays_s: delays.collect::<Result<_, _>>().context("reading RetrySchedule")?,
            keys: resources.count("AWS::KMS::Key"),
            alarms: resources.of("AWS::CloudWatch::Alarm").map(watched_metrics).sum::<usize>() as f64,
            dashboards: resources.count("AWS::CloudWatch::Dashboard"),
            idle_metrics,
            busy_metrics: of_functions - idle_metrics + resources.count("AWS::Logs::MetricFilter"),
            has_metric_lines,
            has_recovery: recovery.ok().and_then(Value::as_bool).unwrap_or(false),
            access_log_bytes: rendered_bytes(format.as_str().context("the access log's format is no text")?) as f64,
            log_days: default("LogRetentionDays")?.as_f64().context("LogRetentionDays is no number")?,
        })
    }

    /// Gigabytes of a function.
    pub fn memory_of(&self, binary: &str) -> f64 {
        self.memory_gb.get(binary).copied().unwrap_or_default()
    }
}

struct Resources<'a>(&'a Value);

impl<'a> Resources<'a> {
    fn of(&self, kind: &str) -> impl Iterator<Item = &'a Value> {
        let all = self.0.as_mapping().into_iter().flat_map(|mapping| mapping.iter());
        all.map(|(_, resource)| resource)
            .filter(move |resource| member(resource, &["Type"]).is_ok_and(|of| of.as_str() == Some(kind)))
    }

    fn count(&self, kind: &str) -> f64 {
        self.of(kind).count() as f64
    }

    fn one(&self, kind: &str) -> anyhow::Result<&'a Value> {
        self.of(kind).next().with_context(|| format!("the template has no {kind}"))
    }
}

fn member<'a>(value: &'a Value, path: &[&str]) -> anyhow::Result<&'a Value> {
    path.iter().try_fold(value, |value, name| {
        value.as_mapping().and_then(|mapping| mapping.get(*name)).with_context(|| format!("the template has no {name}"))
    })
}

/// How many metrics an alarm watches, each of which is paid for.
fn watched_metrics(alarm: &Value) -> usize {
    let metrics = member(alarm, &["Properties", "Metrics"]).ok().and_then(Value::as_sequence);
    let Some(metrics) = metrics else { return 1 };
    metrics.iter().filter(|metric| member(metric, &["MetricStat"]).is_ok()).count()
}

/// A line of this format, with values as long as they usually are.
fn rendered_bytes(format: &str) -> usize {
    let usual = |name: &str| match name {
        "requestId" => 16,
        "requestTime" => 26,
        "identity.sourceIp" => 13,
        "routeKey" => 28,
        "status" | "integrationStatus" | "responseLatency" | "responseLength" => 3,
        "integrationErrorMessage" => 1,
        _ => 20,
    };
    let mut bytes = 0;
    for (index, part) in format.split("$context.").enumerate() {
        let name_bytes = match index {
            0 => 0,
            _ => part.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(part.len()),
        };
        let (name, rest) = part.split_at(name_bytes);
        bytes += if index == 0 { 0 } else { usual(name) } + rest.len();
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_stack_is_read_from_the_template() {
        let stack = Stack::deployed().unwrap();
        assert_eq!((stack.memory_of("publish"), stack.memory_of("deliver")), (0.25, 0.25));
        assert_eq!((stack.polled_queues, stack.ticks, stack.keys), (4.0, 43_800.0, 1.0));
        assert_eq!(stack.retry_delays_s[..3], [5.0, 300.0, 1_800.0]);
        assert!(stack.has_recovery && stack.log_days == 30.0);
        // The description of the parameter `Alarms` says so, too.
        assert_eq!((stack.alarms, stack.idle_metrics + stack.busy_metrics), (40.0, METRICS.len() as f64 + 1.0));
    }

    #[test]
    fn a_format_is_as_long_as_its_lines() {
        assert_eq!(rendered_bytes(r#"{"a":"$context.status","b":"$context.identity.sourceIp"}"#), 6 + 3 + 7 + 13 + 2);
    }
}
