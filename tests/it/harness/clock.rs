//! Time that a test moves, and jitter that has no say.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fanfare::domain::timestamp::Timestamp;
use fanfare::effects::{Clock, Effects, Random, SystemClock, SystemRandom};
use fanfare_second_engines::SecondEngines;

/// A clock for the functions and the engines alike. It stands still until it is moved, unless it ticks.
#[derive(Clone)]
pub(crate) struct TestClock {
    now_ms: Arc<AtomicI64>,
    tick_ms: i64,
}

impl TestClock {
    /// Begins at the machine's time, since the official verifiers compare with that.
    pub(crate) fn new() -> Self {
        Self { now_ms: Arc::new(AtomicI64::new(SystemClock.now().as_millis())), tick_ms: 0 }
    }

    /// The same time, for somebody who takes this long between two looks at it.
    pub(crate) fn ticking(&self, tick_ms: i64) -> Self {
        Self { now_ms: Arc::clone(&self.now_ms), tick_ms }
    }

    pub(crate) fn forward_ms(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
        self.tell();
    }

    pub(crate) fn forward_s(&self, seconds: i64) {
        self.forward_ms(seconds * 1_000);
    }

    /// To the beginning of a minute counted from the epoch.
    pub(crate) fn go_to_minute(&self, minute: i64) {
        self.now_ms.store(minute * 60_000, Ordering::SeqCst);
        self.tell();
    }

    /// Engines of others cannot look at it.
    fn tell(&self) {
        SecondEngines::set_clock(u64::try_from(self.now_ms.load(Ordering::SeqCst)).unwrap());
    }

    pub(crate) fn for_engines(&self) -> fanfare_engines::Clock {
        let clock = self.clone();
        Arc::new(move || u64::try_from(clock.now().as_millis()).unwrap())
    }

    /// With this clock and [`FixedJitter`].
    pub(crate) fn effects(&self) -> Effects {
        Effects { clock: Arc::new(self.clone()), random: Arc::new(FixedJitter) }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_ms.fetch_add(self.tick_ms, Ordering::SeqCst))
    }
}

/// Random identifiers and secrets, but every delay is exactly what the schedule says.
pub(crate) struct FixedJitter;

impl Random for FixedJitter {
    fn fill(&self, bytes: &mut [u8]) {
        SystemRandom.fill(bytes);
    }

    fn fraction(&self) -> f64 {
        0.5
    }
}
