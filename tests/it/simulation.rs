//! The promises, under disasters that are drawn from seeds: see `local/src/simulate/`. `fanfare simulate` plays more of them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Mutex;

use fanfare_local::simulate::{self, Run};

/// What is played in every test run. Each seed costs some tens of milliseconds.
const SEEDS: u64 = 200;

/// What must have gone wrong somewhere in so many seeds, or they prove nothing.
const DISASTERS: [&str; 12] = [
    "answers cut off",
    "answers lost",
    "batches handed out late",
    "crashes",
    "messages handed back",
    "messages handed out twice",
    "messages not deleted",
    "messages refused",
    "refused",
    "slow calls",
    "transaction conflicts",
    "writes left undone",
];

#[derive(Default)]
struct Seen {
    counts: BTreeMap<&'static str, u64>,
    reports: Vec<String>,
}

#[test]
fn the_promises_hold_under_seeded_disasters() {
    let seen = Mutex::new(Seen::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let visit = |run: Run| {
        let mut seen = seen.lock().unwrap();
        for (kind, count) in &run.counts {
            *seen.counts.entry(kind).or_default() += count;
        }
        if run.violations.is_empty() {
            return ControlFlow::Continue(());
        }
        seen.reports.push(run.report());
        ControlFlow::Break(())
    };
    simulate::run_many(1, SEEDS, threads, visit).unwrap();
    let seen = seen.into_inner().unwrap();
    assert!(seen.reports.is_empty(), "{}", seen.reports.join("\n"));
    for disaster in DISASTERS {
        assert!(seen.counts.contains_key(disaster), "nothing of {disaster:?} in {:?}", seen.counts);
    }
}

#[test]
fn a_seed_is_played_the_same_way_every_time() {
    for seed in [2, 7, 1_000_003] {
        let journals = [(); 2].map(|()| std::thread::spawn(move || simulate::run(seed).unwrap().journal));
        let [first, second] = journals.map(|journal| journal.join().unwrap());
        let parts_at = first.iter().zip(&second).position(|(one, other)| one != other);
        let shown = parts_at.map(|at| (&first[at], &second[at]));
        assert_eq!(shown, None, "seed {seed} goes two ways");
        assert_eq!(first.len(), second.len(), "seed {seed}");
        assert!(first.len() > 50, "seed {seed} is no story: {first:#?}");
    }
}
