//! `fanfare`: serve until Ctrl-C, and say how to begin.

use std::process::ExitCode;

use anyhow::Context as _;
use fanfare::telemetry::{self, LogFormat};
use tokio::signal;

use super::args::{StartArgs, organization_default};
use super::terminal::{complain, say};
use crate::{Gateway, State};

pub(super) async fn run(args: StartArgs) -> anyhow::Result<ExitCode> {
    // What is no share is refused with the other settings.
    let debug_share = args.debug_sample.as_deref().and_then(|share| share.parse().ok()).unwrap_or_default();
    telemetry::start(&args.log_level, LogFormat::Text, debug_share);
    let options = args.into_options();
    let state = options.state.clone();
    let gateway = Gateway::start(options).await?;
    greet(&gateway, &state)?;
    stopped().await?;
    complain("stopping; Ctrl-C again to stop at once");
    tokio::select! {
        () = gateway.shutdown() => Ok(ExitCode::SUCCESS),
        again = stopped() => again.map(|()| ExitCode::FAILURE),
    }
}

fn greet(gateway: &Gateway, state: &State) -> anyhow::Result<()> {
    let api = format!("http://{}", gateway.address());
    let token = gateway.token(&organization_default().context("the default organization")?)?;
    let kept = match state {
        State::Memory => "in memory, gone at the end".to_owned(),
        State::Disk(directory) => format!("in {}", std::path::absolute(directory)?.display()),
    };
    say(&format!("Fanfare runs.\n\n  API     {api}\n  state   {kept}"));
    if let Some(aws) = gateway.aws_address() {
        say(&format!("  AWS     http://{aws} (table, queues, bucket; nothing is checked)"));
    }
    say(&format!("  token   {token}\n"));
    say(&format!(
        "Create an application:\n\n  curl -sS '{api}/api/v1/app?get_if_exists=true' \\\n    \
         -H 'authorization: Bearer {token}' \\\n    -H 'content-type: application/json' \\\n    \
         -d '{{\"name\": \"Acme\", \"uid\": \"acme\"}}'\n\nCtrl-C stops."
    ));
    Ok(())
}

/// Ctrl-C, or the signal service managers send.
async fn stopped() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        let mut terminated = signal::unix::signal(signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = signal::ctrl_c() => interrupted?,
            _ = terminated.recv() => {}
        }
    }
    #[cfg(not(unix))]
    signal::ctrl_c().await?;
    Ok(())
}
