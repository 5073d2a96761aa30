//! `fanfare demo`: the gateway at its work, watched from outside, with its promises checked.
//!
//! A gateway in memory and a handful of receivers ([`scenario`]) run in this process and speak over TCP. Some receivers are
//! well, one refuses every message twice, one never answers, one is not there at all. A few thousand messages are
//! published through the public API; every webhook is verified with the official Standard Webhooks library ([`tally`]), and
//! at the end everything the gateway promises is held against what was seen ([`promises`]). Only configuration makes it
//! quick: short delays between attempts, one second for a receiver to answer.

mod promises;
mod publish;
mod scenario;
mod tally;
mod view;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fanfare::config::names;
use fanfare::telemetry::{self, LogFormat};
use tokio::time::Instant;

use super::args::{DemoArgs, organization_default};
use super::http_client::Connection;
use super::terminal::say;
use crate::{Gateway, Options, State};
use promises::Attempts;
use scenario::Stage;
use view::View;

/// Three retries, a second apart. Twice is as often as the picky receiver refuses.
const RETRY_SCHEDULE: &str = "1,1,1";
const REQUEST_TIMEOUT_S: &str = "1";
/// After this long the demo stops waiting, and says what is missing.
const WAIT_MAX: Duration = Duration::from_secs(45);
const LOOK_PERIOD: Duration = Duration::from_millis(100);
/// How often the API is asked for the attempts of receivers that never answer.
const ASK_PERIOD: Duration = Duration::from_millis(500);

pub(super) async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    telemetry::start("error", LogFormat::Text, 0.0);
    let begun = Instant::now();
    let overrides = [
        (names::RETRY_SCHEDULE, RETRY_SCHEDULE),
        (names::REQUEST_TIMEOUT, REQUEST_TIMEOUT_S),
        (names::LOG_LEVEL, "error"),
    ];
    let overrides = overrides.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let gateway = Gateway::start(Options { overrides, ..Options::new(State::Memory) }).await?;
    let token = gateway.token(&organization_default().context("the default organization")?)?;
    let mut api = Connection::open(gateway.address(), &token).await?;
    let stage = Arc::new(scenario::prepare(&mut api, args.messages as usize).await?);
    say(&format!(
        "{} messages, {} endpoints, the API at http://{}\n",
        args.messages,
        stage.endpoints.len(),
        gateway.address()
    ));

    let publishing = tokio::spawn(publish::all(Arc::clone(&stage), gateway.address(), token));
    let attempts = watch(&stage, &mut api).await?;
    publishing.abort();
    let broken = promises::broken(&stage, &attempts);
    say(&view::summary(&stage, &attempts));
    say(&view::verdict(&stage, &broken, begun.elapsed()));
    gateway.shutdown().await;
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Until everything that can happen has happened.
async fn watch(stage: &Stage, api: &mut Connection) -> anyhow::Result<Attempts> {
    let mut view = View::new(stage);
    let mut attempts = Attempts::default();
    let (begun, mut asked) = (Instant::now(), Instant::now());
    while begun.elapsed() < WAIT_MAX {
        tokio::time::sleep(LOOK_PERIOD).await;
        view.show(stage, &attempts);
        if asked.elapsed() > ASK_PERIOD {
            attempts = promises::attempts(stage, api).await?;
            asked = Instant::now();
        }
        if stage.is_delivered() && attempts.are_complete(stage) {
            break;
        }
    }
    view.end();
    promises::attempts(stage, api).await
}
