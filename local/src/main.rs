//! `fanfare`: the whole gateway on one machine. See `fanfare --help`.

use std::process::ExitCode;

/// Small, short-lived allocations on several threads are most of what the gateway asks for, and what the C library's
/// allocator is slowest at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    fanfare_local::cli::run().await
}
