//! The scenarios: what each measures, and how much of it when nobody says.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::cli::args::{BenchArgs, Scenario, Survives};

/// What is to be measured, with everything decided.
pub(super) struct Setup {
    pub(super) scenario: Scenario,
    pub(super) messages: usize,
    pub(super) endpoints: usize,
    pub(super) failing: usize,
    pub(super) dead: usize,
    pub(super) rate: Option<u32>,
    pub(super) no_breaker: bool,
    pub(super) connections: usize,
    pub(super) reads: usize,
    pub(super) import: Option<u64>,
    pub(super) payload_bytes: usize,
    pub(super) data: Option<PathBuf>,
    pub(super) memory: bool,
    pub(super) durability: Survives,
    pub(super) json: bool,
}

/// How much of what, unless flags say otherwise.
struct Usual {
    messages: usize,
    endpoints: usize,
    failing: usize,
    connections: usize,
    reads: usize,
    import: Option<u64>,
}

const USUAL: Usual = Usual { messages: 20_000, endpoints: 1, failing: 0, connections: 16, reads: 0, import: None };

impl Scenario {
    /// Those that `all` runs, in this order.
    const EACH: [Self; 6] = [Self::Publish, Self::Latency, Self::FanOut, Self::Failing, Self::Import, Self::List];

    fn usual(self) -> Usual {
        match self {
            Self::Publish | Self::All => USUAL,
            Self::Latency => Usual { messages: 5_000, connections: 1, ..USUAL },
            Self::FanOut => Usual { messages: 8_000, endpoints: 5, ..USUAL },
            Self::Failing => Usual { messages: 10_000, failing: 2, ..USUAL },
            Self::Import => Usual { endpoints: 0, import: Some(50_000_000), ..USUAL },
            Self::List => Usual { messages: 10_000, reads: 1_000, ..USUAL },
        }
    }
}

impl Setup {
    pub(super) fn new(args: BenchArgs) -> Self {
        // A file to import is the scenario, too.
        let scenario = if args.import.is_some() { Scenario::Import } else { args.scenario };
        let usual = scenario.usual();
        Self {
            scenario,
            messages: args.messages.unwrap_or(usual.messages),
            endpoints: args.endpoints.unwrap_or(usual.endpoints),
            failing: args.failing.unwrap_or(usual.failing),
            dead: args.dead,
            rate: args.rate,
            no_breaker: args.no_breaker,
            connections: args.connections.unwrap_or(usual.connections),
            reads: args.reads.unwrap_or(usual.reads),
            import: args.import.or(usual.import),
            payload_bytes: args.payload_bytes,
            data: args.data,
            memory: args.memory,
            durability: args.durability,
            json: args.json,
        }
    }
}

/// Runs every scenario, each in a process of its own: what one leaves in memory would be counted to the next.
pub(super) fn run_each() -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut flags: Vec<_> = std::env::args_os().skip(1).collect();
    for word in ["bench", "all"] {
        if let Some(place) = flags.iter().position(|flag| flag == word) {
            flags.remove(place);
        }
    }
    let mut all_well = true;
    for scenario in Scenario::EACH {
        let mut bench = Command::new(&program);
        let ended = bench.arg("bench").arg(scenario.name()).args(&flags).status().context("running a scenario")?;
        all_well &= ended.success();
    }
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn all_means_all() {
        let others = Scenario::value_variants().iter().filter(|scenario| **scenario != Scenario::All);
        let mut missing = others.filter(|scenario| !Scenario::EACH.contains(scenario));
        assert_eq!(missing.next(), None);
    }
}
