//! `fanfare simulate`: the gateway under seeded disasters, in simulated time.
//!
//! Many seeds, with what went wrong in them counted, or one seed with its journal. A seed that fails prints what is wrong, the
//! lines of its journal around it, and the line that repeats it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::args::SimulateArgs;
use super::terminal::{complain, is_watched, say};
use crate::simulate::{self, Run};

pub(super) async fn run(args: SimulateArgs) -> anyhow::Result<ExitCode> {
    // Every run has a runtime of its own, which must not be inside of this one.
    tokio::task::spawn_blocking(move || match args.seed {
        Some(seed) => one(seed, args.log),
        None => many(&args),
    })
    .await?
}

fn one(seed: u64, with_journal: bool) -> anyhow::Result<ExitCode> {
    let run = simulate::run(seed)?;
    if with_journal {
        run.journal.iter().for_each(|line| say(line));
    }
    counted(&run.counts).iter().for_each(|line| say(line));
    Ok(verdict(std::slice::from_ref(&run)))
}

/// Fails with the first seed that fails: its journal is worth more than the number of the others.
fn many(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let threads = args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let bar = if is_watched() { ProgressBar::new(args.seeds) } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template("seed {pos}/{len} {wide_bar} {per_sec}, {eta} left")?);
    let begun = Instant::now();
    let seen = Mutex::new(Totals::default());
    simulate::run_many(args.first_seed, args.seeds, threads, |run| {
        bar.inc(1);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.add(run);
        if seen.failed.is_empty() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    bar.finish_and_clear();
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    seen.lines(begun.elapsed()).iter().for_each(|line| say(line));
    Ok(verdict(&seen.failed))
}

fn verdict(runs: &[Run]) -> ExitCode {
    let failed: Vec<_> = runs.iter().filter(|run| !run.violations.is_empty()).collect();
    failed.iter().for_each(|run| complain(&run.report()));
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What many runs came to.
#[derive(Default)]
struct Totals {
    seeds: u64,
    counts: BTreeMap<&'static str, u64>,
    failed: Vec<Run>,
}

impl Totals {
    fn add(&mut self, run: Run) {
        self.seeds += 1;
        for (kind, count) in &run.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        if !run.violations.is_empty() {
            self.failed.push(run);
        }
    }

    fn lines(&self, time: Duration) -> Vec<String> {
        let per_minute = self.seeds as f64 / time.as_secs_f64().max(0.001) * 60.0;
        let mut lines = vec![format!("{} seeds in {:.1} s, {per_minute:.0} a minute", self.seeds, time.as_secs_f64())];
        lines.extend(counted(&self.counts));
        lines
    }
}

fn counted(counts: &BTreeMap<&'static str, u64>) -> Vec<String> {
    counts.iter().map(|(kind, count)| format!("{count:>10}  {kind}")).collect()
}
