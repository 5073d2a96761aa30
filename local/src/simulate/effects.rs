//! Time and chance of one run. Time is tokio's, which is paused and moves when everybody waits; chance comes from the seed, one
//! stream for each purpose, so that a change to one part of the simulation leaves the others as they were.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanfare::domain::timestamp::Timestamp;
use fanfare::effects::{Clock, Effects, Random};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use tokio::time::Instant;

/// What a stream of chance is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// What is played.
    Scenario,
    /// What goes wrong on the way to AWS, and in Lambda.
    Faults,
    /// What receivers do.
    Receivers,
    /// What the program under test draws: identifiers, jitter.
    Program,
}

/// The run's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct SimulatedClock {
    begun_at: Timestamp,
    origin: Instant,
}

impl SimulatedClock {
    /// It is this late now.
    pub(super) fn new(begun_at: Timestamp) -> Self {
        Self { begun_at, origin: Instant::now() }
    }

    /// Since the beginning of the run.
    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// So much of the run has passed at that instant.
    pub(super) fn ms_at(&self, at: Timestamp) -> i64 {
        at.millis_since(self.begun_at)
    }

    /// That moment of the run.
    pub(super) fn at_ms(&self, ms: u64) -> Timestamp {
        self.begun_at.plus_millis(i64::try_from(ms).unwrap_or(i64::MAX))
    }

    /// For engines.
    pub(super) fn for_engines(self) -> fanfare_engines::Clock {
        Arc::new(move || u64::try_from(self.now().as_millis()).unwrap_or_default())
    }

    /// Waits for that moment of the run.
    pub(super) async fn sleep_until_ms(&self, ms: u64) {
        tokio::time::sleep_until(self.origin + std::time::Duration::from_millis(ms)).await;
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.at_ms(self.elapsed_ms())
    }
}

/// A stream of chance.
#[derive(Debug)]
pub(super) struct Dice(Mutex<StdRng>);

impl Dice {
    pub(super) fn new(seed: u64, purpose: Purpose) -> Self {
        // Any odd number spreads neighbouring seeds and purposes; this one is the golden ratio's.
        let mixed = seed.wrapping_mul(4).wrapping_add(purpose as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(Mutex::new(StdRng::seed_from_u64(mixed)))
    }

    /// Whether something of this probability happens.
    pub(super) fn chance(&self, probability: f64) -> bool {
        probability > 0.0 && self.rng().random_bool(probability.min(1.0))
    }

    /// From `least` to `most`, both included.
    pub(super) fn between(&self, least: u64, most: u64) -> u64 {
        self.rng().random_range(least..=most)
    }

    /// Uniform in 0..1.
    pub(super) fn fraction(&self) -> f64 {
        self.rng().random()
    }

    /// One of several.
    pub(super) fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.index(of.len())]
    }

    /// Below `count`.
    pub(super) fn index(&self, count: usize) -> usize {
        self.rng().random_range(0..count)
    }

    fn rng(&self) -> MutexGuard<'_, StdRng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Random for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        self.rng().fill_bytes(bytes);
    }
}

/// What the program under test is given.
pub(super) fn for_program(clock: SimulatedClock, seed: u64) -> Effects {
    Effects { clock: Arc::new(clock), random: Arc::new(Dice::new(seed, Purpose::Program)) }
}
