//! What comes from outside, damaged at random: no panic, no 5xx, nothing that takes long.
//!
//! Each target plays cases for `FUZZ_SECONDS` (5 unless it is said), one after the other. A case is made from a seed: the samples
//! under `events/` and `tests/corpus/`, damaged by [`mutate`], or bytes that never were anything. The first seed is
//! `FUZZ_FIRST_SEED` (0); a case that fails prints its own, and `FUZZ_SEED` plays that one alone. A target says which answers it
//! has to see: one whose inputs are all refused at the first letter has tested little.
//!
//! `tests/lanes/fuzz.sh` runs all of them, with seeds that nobody has played before.

mod doors;
mod mutate;
mod readers;
mod requests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::harness::process::root;
use mutate::Dice;

/// How long a target is played when nobody says.
const SECONDS_DEFAULT: u64 = 5;

/// Longest time of one case. A machine with much else to do takes some milliseconds for the slowest.
const CASE_MAX: Duration = Duration::from_secs(2);

/// Fewer cases than this in the whole time, and the target does not get to its work.
const CASES_MIN: u64 = 20;

/// What a case came to, in a word that is counted.
type Outcome = String;

/// Plays a target until its time is over; `expected` are outcomes of which there has to be one at least.
#[allow(clippy::print_stdout, reason = "says what was tried, and how to try it again")]
fn play(target: &str, expected: &[&str], mut case: impl FnMut(&mut Dice) -> Outcome) {
    if let Some(seed) = variable("FUZZ_SEED") {
        println!("{target}: seed {seed} is {}", one(target, seed, &mut case));
        return;
    }
    let first = variable("FUZZ_FIRST_SEED").unwrap_or(0);
    let length = Duration::from_secs(variable("FUZZ_SECONDS").unwrap_or(SECONDS_DEFAULT));
    let (mut outcomes, mut seed, started) = (BTreeMap::<Outcome, u64>::new(), first, Instant::now());
    while started.elapsed() < length {
        *outcomes.entry(one(target, seed, &mut case)).or_default() += 1;
        seed = seed.wrapping_add(1);
    }
    let cases = seed.wrapping_sub(first);
    println!("{target}: {cases} cases from seed {first}: {outcomes:?}");
    assert!(cases >= CASES_MIN, "{target}: {cases} cases only");
    for outcome in expected {
        assert!(outcomes.contains_key(*outcome), "{target}: no case was {outcome}: {outcomes:?}");
    }
}

fn one(target: &str, seed: u64, case: &mut impl FnMut(&mut Dice) -> Outcome) -> Outcome {
    let told = Told { target, seed };
    let watchdog = Watchdog::start(told.repeat());
    let started = Instant::now();
    let outcome = case(&mut Dice::new(seed));
    assert!(started.elapsed() < CASE_MAX, "{target}: the case took {:?}", started.elapsed());
    drop(watchdog);
    outcome
}

/// Says how a case is played again, when it panics.
struct Told<'a> {
    target: &'a str,
    seed: u64,
}

impl Told<'_> {
    fn repeat(&self) -> String {
        let Self { target, seed } = self;
        format!("FUZZ_SEED={seed} cargo test -p fanfare-tests --test it -- --ignored --nocapture fuzz::{target}")
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to play this case again: {}", self.repeat());
        }
    }
}

/// Ends the process when a case does not end: nothing else can interrupt a loop.
struct Watchdog {
    _is_done: mpsc::Sender<()>,
}

impl Watchdog {
    /// A case that is only slow is told by its own clock; this is for those that hang.
    const HANG: Duration = Duration::from_secs(10);

    fn start(repeat: String) -> Self {
        let (is_done, wait) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if wait.recv_timeout(Self::HANG) == Err(RecvTimeoutError::Timeout) {
                eprintln!("the case hangs; to play it again: {repeat}");
                std::process::abort();
            }
        });
        Self { _is_done: is_done }
    }
}

#[allow(clippy::disallowed_methods, reason = "how long and from where is said by whoever runs the lane")]
fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// The files of a folder below the repository's root, in the order of their names.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder} is empty");
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// The lines of a corpus whose samples are lines.
fn lines(folder: &str) -> Vec<String> {
    let files = files(folder).into_iter().map(|file| String::from_utf8(file).unwrap());
    files.flat_map(|file| file.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// What asynchronous targets run on: one thread, so that a panic anywhere is the test's.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
