//! `fanfare`: the whole gateway on one machine. See `fanfare --help`.

use std::process::ExitCode;

/// Two threads that allocate for each other all the time are what the system's allocator is slowest at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    fanfare_local::cli::run().await
}
