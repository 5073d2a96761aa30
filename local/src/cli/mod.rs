//! The binary `fanfare`: its command line, and one file for each thing it can do.
//!
//! Only [`terminal`] writes to the terminal. Exit codes: 0 all well, 1 something went wrong, 2 the command line makes no
//! sense.

mod api;
mod args;
mod bench;
pub mod cost;
mod demo;
mod flags;
mod http_client;
mod import;
mod receivers;
mod simulate;
mod start;
mod terminal;
mod token;

use std::process::ExitCode;

use clap::Parser as _;

pub use flags::{Flag, flags};

use args::{Cli, Command};

/// Runs what the command line asks for.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => start::run(cli.start).await,
        Some(Command::Token(args)) => token::run(args),
        Some(Command::Import(args)) => import::run(args).await,
        Some(Command::Demo(args)) => demo::run(args).await,
        Some(Command::Bench(args)) => bench::run(args).await,
        Some(Command::Simulate(args)) => simulate::run(args).await,
        Some(Command::Cost(args)) => cost::run(args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            terminal::complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
