//! `fanfare bench`: how much the gateway on this machine takes and delivers.
//!
//! A gateway is started in this process, with receivers that answer at once. Messages are published through the public API
//! over keep-alive connections, each with an idempotency key as the SDKs send it, and followed to their receivers. What is
//! printed includes the work of the load generator and the receivers, which share the machine and the process. When everything
//! has arrived, reading it can be measured too. Beside the receivers there can be dead ones, which accept connections and never
//! answer: what they cost the others, and how long deliveries waited for them. Instead of publishing one by one, a file can be
//! imported: `import`.

mod dead;
mod import;
mod load;
mod meter;
mod reads;
mod report;
mod scenario;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use fanfare::config::names;
use fanfare::telemetry::{self, LogFormat};
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;

use super::api::{self, NewEndpoint};
use super::args::{BenchArgs, Scenario, organization_default};
use super::http_client::Connection;
use super::receivers::Receiver;
use super::terminal::{is_watched, say};
use crate::{Gateway, Options, State};
use dead::Dead;
use load::Load;
use scenario::Setup;

const APPLICATION: &str = "bench";
/// A bench waits for what is still to arrive as long as something arrives; after this long without, it gives up.
const SILENCE_MAX: Duration = Duration::from_secs(30);
const LOOK_PERIOD: Duration = Duration::from_millis(20);

pub(super) async fn run(args: BenchArgs) -> anyhow::Result<ExitCode> {
    telemetry::start("error", LogFormat::Text, 0.0);
    if args.scenario == Scenario::All {
        return scenario::run_each();
    }
    let setup = Setup::new(args);
    if let Some(bytes) = setup.import {
        return import::run(&setup, bytes).await;
    }
    let (state, _temporary) = state(&setup)?;
    let gateway = Gateway::start(options(&setup, state)).await?;
    let token = gateway.token(&organization_default().context("the default organization")?)?;
    let load = Arc::new(Load::new(&setup));
    let (dead, failed) = (Dead::default(), Arc::new(AtomicUsize::new(0)));
    let receivers = prepare(&gateway, &token, &load, &setup, &dead, &failed).await?;
    let worked_before = report::processor_time();
    let published = load::publish(&load, gateway.address(), &token, setup.connections).await?;
    let is_complete = wait(&load).await;
    let worked = report::processor_time().zip(worked_before).map(|(after, before)| after.saturating_sub(before));
    let reads = match setup.reads {
        0 => Vec::new(),
        times => reads::measure(&gateway, &token, times).await?,
    };
    drop(receivers); // and with them the connections that still wait
    gateway.shutdown().await;
    let failed = failed.load(Ordering::Relaxed);
    let report = report::Report::new(&setup, &load, &published, worked, &reads, &dead, failed);
    say(&if setup.json { report.json() } else { report.table() });
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn options(setup: &Setup, state: State) -> Options {
    Options {
        durability: setup.durability.into(),
        overrides: [
            (names::LOG_LEVEL.to_owned(), "error".to_owned()),
            (names::CIRCUIT_BREAKER.to_owned(), (!setup.no_breaker).to_string()),
        ]
        .into(),
        ..Options::new(state)
    }
}

/// A temporary directory unless another one, or memory, was asked for.
fn state(setup: &Setup) -> anyhow::Result<(State, Option<TempDir>)> {
    if setup.memory {
        return Ok((State::Memory, None));
    }
    if let Some(directory) = &setup.data {
        return Ok((State::Disk(directory.clone()), None));
    }
    let directory = tempfile::tempdir().context("making a temporary directory")?;
    Ok((State::Disk(directory.path().to_owned()), Some(directory)))
}

async fn prepare(
    gateway: &Gateway,
    token: &str,
    load: &Arc<Load>,
    setup: &Setup,
    dead: &Dead,
    failed: &Arc<AtomicUsize>,
) -> anyhow::Result<Vec<Receiver>> {
    let mut api = Connection::open(gateway.address(), token).await?;
    api::create_application(&mut api, APPLICATION).await?;
    let mut receivers = Vec::new();
    for endpoint in 0..load.endpoints() {
        let load = Arc::clone(load);
        let receiver = Receiver::start(move |_, body| {
            load.arrived(endpoint, &body);
            std::future::ready(http::StatusCode::NO_CONTENT)
        });
        receivers.push(receiver.await?);
    }
    for _ in 0..setup.failing {
        let failed = Arc::clone(failed);
        let receiver = Receiver::start(move |_, _| {
            failed.fetch_add(1, Ordering::Relaxed);
            std::future::ready(http::StatusCode::SERVICE_UNAVAILABLE)
        });
        receivers.push(receiver.await?);
    }
    for _ in 0..setup.dead {
        let dead = dead.clone();
        receivers.push(Receiver::start(move |_, _| dead.keep_waiting()).await?);
    }
    for receiver in &receivers {
        let new = NewEndpoint { url: receiver.url(), description: "bench", ..NewEndpoint::default() };
        api::create_endpoint(&mut api, APPLICATION, &new).await?;
    }
    Ok(receivers)
}

/// Until everything has arrived; false when something did not.
async fn wait(load: &Load) -> bool {
    let bar = if is_watched() { ProgressBar::new(load.deliveries_wanted() as u64) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("delivering {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    let (mut last, mut quiet) = (0, Duration::ZERO);
    while load.deliveries() < load.deliveries_wanted() && quiet < SILENCE_MAX {
        tokio::time::sleep(LOOK_PERIOD).await;
        let now = load.deliveries();
        quiet = if now > last { Duration::ZERO } else { quiet + LOOK_PERIOD };
        last = now;
        bar.set_position(now as u64);
    }
    bar.finish_and_clear();
    load.deliveries() >= load.deliveries_wanted()
}
