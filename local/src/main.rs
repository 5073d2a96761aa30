//! `fanfare`: the whole gateway on one machine. See `fanfare --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    fanfare_local::cli::run().await
}
