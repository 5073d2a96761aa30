//! What is shown: a bar and a line for each endpoint while it runs, a table in the end. Without a terminal, a line now and
//! then.

use std::time::Duration;

use comfy_table::{Table, presets};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::promises::Attempts;
use super::scenario::{Behaviour, Endpoint, Stage};
use crate::cli::terminal::{is_watched, say};

/// How often a line is printed where nobody watches.
const LINE_PERIOD: Duration = Duration::from_secs(2);

pub(super) enum View {
    Terminal { all: MultiProgress, published: ProgressBar, endpoints: Vec<ProgressBar> },
    Lines { last: Instant },
}

impl View {
    pub(super) fn new(stage: &Stage) -> Self {
        if !is_watched() {
            return Self::Lines { last: Instant::now() };
        }
        let all = MultiProgress::new();
        let bar = |length: usize, name: &str| {
            let bar = all.add(ProgressBar::new(length as u64)).with_prefix(name.to_owned());
            if let Ok(style) = ProgressStyle::with_template("{prefix:<12} {bar:30} {pos:>6}/{len:<6} {msg}") {
                bar.set_style(style);
            }
            bar
        };
        let published = bar(stage.messages(), "published");
        let endpoints = stage.endpoints.iter().map(|endpoint| bar(endpoint.wanted.len(), endpoint.name)).collect();
        Self::Terminal { all, published, endpoints }
    }

    pub(super) fn show(&mut self, stage: &Stage, attempts: &Attempts) {
        match self {
            Self::Terminal { published, endpoints, .. } => {
                published.set_position(stage.accepted() as u64);
                for (bar, endpoint) in endpoints.iter().zip(&stage.endpoints) {
                    bar.set_position(endpoint.tally.delivered() as u64);
                    bar.set_message(state(endpoint, attempts));
                }
            }
            Self::Lines { last } if last.elapsed() >= LINE_PERIOD => {
                *last = Instant::now();
                say(&line(stage));
            }
            Self::Lines { .. } => {}
        }
    }

    pub(super) fn end(&self) {
        if let Self::Terminal { all, .. } = self {
            // A terminal that cannot be cleared keeps its bars.
            let _ = all.clear();
        }
    }
}

/// What happened at an endpoint.
fn state(endpoint: &Endpoint, attempts: &Attempts) -> String {
    let requests = endpoint.tally.requests();
    match endpoint.behaviour {
        Behaviour::Healthy => "delivered".to_owned(),
        Behaviour::Picky => format!("delivered, {requests} requests"),
        Behaviour::Hanging => format!("delivered, {requests} requests, never answered"),
        Behaviour::Dead => format!("delivered, {} attempts, nobody there", attempts.failed(endpoint)),
    }
}

fn line(stage: &Stage) -> String {
    let delivered: usize = stage.endpoints.iter().map(|endpoint| endpoint.tally.delivered()).sum();
    let wanted: usize = stage.endpoints.iter().filter(|each| each.answers()).map(|each| each.wanted.len()).sum();
    format!("published {}/{}, delivered {delivered}/{wanted}", stage.accepted(), stage.messages())
}

/// The table at the end.
pub(super) fn summary(stage: &Stage, attempts: &Attempts) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table
        .set_header(["endpoint", "receiver", "wanted", "delivered", "again", "failed", "verified", "p50 ms", "p99 ms"]);
    for endpoint in &stage.endpoints {
        table.add_row(row(endpoint, attempts));
    }
    format!("{table}\n\np50, p99: from the publisher's request to the first webhook for it")
}

fn row(endpoint: &Endpoint, attempts: &Attempts) -> [String; 9] {
    let seen = endpoint.tally.seen();
    let requests: usize = seen.requests.values().sum();
    let failed =
        if endpoint.answers() { requests - seen.taken.len() - seen.repeats } else { attempts.failed(endpoint) };
    let latency_ms = |quantile: f64| match endpoint.behaviour {
        Behaviour::Dead => "-".to_owned(),
        _ => format!("{:.1}", seen.latency_us.value_at_quantile(quantile) as f64 / 1_000.0),
    };
    let receiver = match endpoint.behaviour {
        Behaviour::Healthy => "answers",
        Behaviour::Picky => "refuses twice, then answers",
        Behaviour::Hanging => "never answers",
        Behaviour::Dead => "not there",
    };
    [
        endpoint.name.to_owned(),
        receiver.to_owned(),
        endpoint.wanted.len().to_string(),
        seen.taken.len().to_string(),
        seen.repeats.to_string(),
        failed.to_string(),
        format!("{} of {requests}", requests - seen.forged),
        latency_ms(0.5),
        latency_ms(0.99),
    ]
}

/// The last words.
pub(super) fn verdict(stage: &Stage, broken: &[String], took: Duration) -> String {
    if broken.is_empty() {
        let delivered: usize = stage.endpoints.iter().map(|endpoint| endpoint.tally.delivered()).sum();
        return format!(
            "\nAll promises kept in {:.1} s: {} messages accepted, {delivered} deliveries, every signature verified, \
             every failed attempt visible, what would fail held back.",
            took.as_secs_f64(),
            stage.accepted()
        );
    }
    format!("\nBroken promises:\n  {}", broken.join("\n  "))
}
