//! How many requests an API caller may make: counted in windows of ten seconds, shared by all processes that answer.
//!
//! # How it stays cheap
//!
//! A process gives each caller [`FREE_PER_WINDOW`] requests of a window without asking anybody. For more it takes an allowance out of a
//! counter that all processes share, and each allowance is as large as what it needed so far: so a caller that comes seldom
//! costs nothing, and one that comes often costs a write now and then.
//!
//! # What is promised
//!
//! In one window all processes together let through at most the limit and [`FREE_PER_WINDOW`] for each process. A process answers one
//! request at a time on Lambda, so how many there are is bounded by the functions' concurrency.

use super::timestamp::Timestamp;

/// Length of a window. Long enough that a caller with one request a second fits into what is free; short enough to wait for.
pub const WINDOW_S: i64 = 10;

/// Requests of a window that a process lets through without taking them out of the shared counter.
pub const FREE_PER_WINDOW: u32 = 10;

/// Smallest allowance that is taken, so that a caller just above what is free does not cost a write for each request.
const ALLOWANCE_MIN: u32 = 10;

/// Largest, so that no process takes what the others need.
const ALLOWANCE_MAX: u32 = 250;

/// A window: which one since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window(i64);

impl Window {
    /// The window of this instant.
    pub fn of(now: Timestamp) -> Self {
        Self(now.as_seconds().div_euclid(WINDOW_S))
    }

    /// Its number.
    pub fn number(self) -> i64 {
        self.0
    }

    /// When it is over.
    pub fn end(self) -> Timestamp {
        Timestamp::from_millis((self.0 + 1) * WINDOW_S * 1_000)
    }

    /// Seconds until it is over, at least one.
    pub fn seconds_left(self, now: Timestamp) -> i64 {
        (self.end().as_seconds() - now.as_seconds()).clamp(1, WINDOW_S)
    }
}

/// What one process knows of one caller.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    window: Window,
    /// Requests that were let through in this window.
    used: u32,
    /// Requests that may be: what is free, and every allowance.
    granted: u32,
    /// What the shared counter held when we last heard of it.
    shared: u32,
    /// Whether there is nothing left in the counter.
    is_empty: bool,
}

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Let it through.
    Pass,
    /// Refuse it.
    Refuse,
    /// Take this much out of the shared counter first, and say what came of it.
    Ask(u32),
}

impl Meter {
    /// A caller that was not seen before.
    pub fn new(now: Timestamp) -> Self {
        Self { window: Window::of(now), used: 0, granted: FREE_PER_WINDOW, shared: 0, is_empty: false }
    }

    /// The window it counts.
    pub fn window(&self) -> Window {
        self.window
    }

    /// What is to be done with a request that comes now, of which a window may have so many.
    pub fn request(&mut self, limit: u32, now: Timestamp) -> Verdict {
        if self.window != Window::of(now) {
            *self = Self::new(now);
        }
        if self.used < self.granted.min(limit.max(1)) {
            self.used += 1;
            return Verdict::Pass;
        }
        match self.is_empty {
            true => Verdict::Refuse,
            false => Verdict::Ask(self.used.clamp(ALLOWANCE_MIN, ALLOWANCE_MAX).min(limit.max(1))),
        }
    }

    /// The allowance was taken; the shared counter holds so much now. The request passes.
    pub fn granted(&mut self, allowance: u32, shared: u32) {
        self.granted = self.granted.saturating_add(allowance);
        self.shared = shared;
        self.used += 1;
    }

    /// There was nothing left. The request is refused, and the others of this window.
    pub fn refused(&mut self) {
        self.is_empty = true;
    }

    /// Requests that are left of this window, as far as this process knows.
    pub fn left(&self, limit: u32) -> u32 {
        match self.is_empty {
            true => self.granted.saturating_sub(self.used),
            false => limit.saturating_sub(self.shared.max(self.used)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_764_000_000_000 + ms)
    }

    /// The shared counter of one window, as the table keeps it.
    #[derive(Default)]
    struct Counter {
        taken: u32,
        writes: u32,
    }

    impl Counter {
        fn take(&mut self, allowance: u32, limit: u32) -> Option<u32> {
            self.writes += 1;
            (self.taken + allowance <= limit).then(|| {
                self.taken += allowance;
                self.taken
            })
        }
    }

    fn ask(meter: &mut Meter, counter: &mut Counter, limit: u32, now: Timestamp) -> bool {
        match meter.request(limit, now) {
            Verdict::Pass => true,
            Verdict::Refuse => false,
            Verdict::Ask(allowance) => match counter.take(allowance, limit) {
                Some(shared) => {
                    meter.granted(allowance, shared);
                    true
                }
                None => {
                    meter.refused();
                    false
                }
            },
        }
    }

    proptest! {
        #[test]
        fn together_they_let_through_the_limit_and_what_is_free(
            processes in 1_usize..20,
            limit in 1_u32..2_000,
            whose in prop::collection::vec(any::<prop::sample::Index>(), 0..4_000),
        ) {
            let (mut meters, mut counter) = (vec![Meter::new(at(0)); processes], Counter::default());
            let mut passed = 0;
            for index in &whose {
                passed += u32::from(ask(&mut meters[index.index(processes)], &mut counter, limit, at(0)));
            }
            let free = FREE_PER_WINDOW.min(limit) * processes as u32;
            prop_assert!(passed <= limit + free, "{passed} of {limit}");
            // Whoever wants less than what is free to a single process is never refused.
            prop_assert!(passed >= (whose.len() as u32).min(FREE_PER_WINDOW.min(limit)));
        }

        #[test]
        fn one_process_keeps_the_limit_almost_exactly_and_writes_seldom(limit in 300_u32..20_000) {
            let (mut meter, mut counter) = (Meter::new(at(0)), Counter::default());
            let passed = (0..limit * 2).filter(|_| ask(&mut meter, &mut counter, limit, at(0))).count() as u32;
            prop_assert!(passed <= limit + FREE_PER_WINDOW && passed + ALLOWANCE_MAX > limit, "{passed} of {limit}");
            prop_assert!(counter.writes <= 8 + limit / ALLOWANCE_MAX);
        }
    }

    #[test]
    fn a_caller_that_comes_once_a_second_costs_nothing() {
        let (mut meter, mut counter) = (Meter::new(at(0)), Counter::default());
        for second in 0..100 {
            assert!(ask(&mut meter, &mut counter, 100, at(second * 1_000)));
        }
        assert_eq!(counter.writes, 0);
    }

    #[test]
    fn a_window_that_is_over_is_forgotten() {
        let (mut meter, mut counter) = (Meter::new(at(0)), Counter::default());
        assert!((0..50).filter(|_| ask(&mut meter, &mut counter, 20, at(0))).count() < 50);
        let next = Window::of(at(0)).end();
        assert!(ask(&mut meter, &mut Counter::default(), 20, next));
        assert_eq!((Window::of(at(0)).seconds_left(at(0)), Window::of(next).seconds_left(next)), (10, 10));
    }
}
