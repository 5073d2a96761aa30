//! An endpoint's gate: what everybody who delivers to it knows together, and what follows from it for a delivery that is
//! to be attempted now.
//!
//! Three things can keep an attempt back, none of which makes a request or uses up an attempt:
//!
//! - **The circuit breaker.** Closed, until [`FAILURES_MAX`] attempts in a row fail with no more than [`FAILURES_WITHIN_MS`]
//!   between two of them. Then open, for longer each time ([`open_ms`]); then half-open: one attempt may probe, and its end closes
//!   or opens it again. What counts is whether somebody answers, not whether the answer pleases ([`Sign`]).
//! - **A pause** the receiver asked for, by 429 or 503. Behind it comes a slower pace, which wears off with time.
//! - **Its share of invocations.** An attempt that is not over after [`PATIENCE_MS`] holds one of [`HOLDS_MAX`] places; when
//!   all are taken, nothing new begins. So a receiver that accepts connections and never answers is bounded long before the first
//!   timeout tells anybody about it.
//!
//! Nothing of this is exact, and nothing has to be: a gate read a moment too late lets a few attempts more through.

use super::attempt::Outcome;
use super::timestamp::Timestamp;

/// Failures in a row that open the breaker. One or two are noise.
pub const FAILURES_MAX: u32 = 5;

/// Failures that are further apart than this do not add up: an endpoint that gets a message an hour costs nothing while it
/// fails, and its attempts are what its owner wants to see.
pub const FAILURES_WITHIN_MS: i64 = 60_000;

/// How long the breaker stays open first.
pub const OPEN_MS_FIRST: i64 = 15_000;

/// How long it stays open at most; a receiver that is back waits this long for its next probe.
pub const OPEN_MS_MAX: i64 = 300_000;

/// Shortest and longest pause a receiver may ask for, and what 429 or 503 mean when they do not say. Longer than the longest it
/// waits by its retry schedule.
pub const PAUSE_MS_MIN: i64 = 1_000;
/// See [`PAUSE_MS_MIN`].
pub const PAUSE_MS_DEFAULT: i64 = 2_000;
/// See [`PAUSE_MS_MIN`].
pub const PAUSE_MS_MAX: i64 = 300_000;

/// Time between attempts after the first pause; each further pause doubles it, up to the maximum.
pub const PACE_MS_FIRST: f64 = 100.0;
/// See [`PACE_MS_FIRST`].
pub const PACE_MS_MAX: f64 = 10_000.0;
/// After this time half of the pace is left.
pub const PACE_HALVES_MS: f64 = 60_000.0;
/// A pace below this holds nobody back.
const PACE_MS_MIN: f64 = 5.0;

/// How long an attempt may take before it holds a place. Most receivers answer sooner and cost no write.
pub const PATIENCE_MS: u64 = 250;

/// Invocations that one endpoint's slow attempts may hold at one time: a fifth of those that the template lets run.
pub const HOLDS_MAX: usize = 20;

/// A postponed delivery comes back after this time, twice of it after the next postponement, and so on.
const POSTPONE_MS_FIRST: i64 = 2_000;
/// As long as the queue can delay, with room for jitter.
const POSTPONE_MS_MAX: i64 = 600_000;

/// What is known about an endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gate {
    /// Its breaker.
    pub breaker: Breaker,
    /// Until when the receiver wants to be left alone.
    pub pause_until: Option<Timestamp>,
    /// The pace it was slowed down to, and when.
    pub pace: Option<Pace>,
    /// Up to when its rate limit is used up, in microseconds since the epoch.
    pub used_until_us: Option<i64>,
    /// For each place, until when it is held; places that were never held are missing.
    pub holds: Vec<(usize, Timestamp)>,
}

/// A circuit breaker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breaker {
    /// Failures in a row.
    pub failures: u32,
    /// When the last one was.
    pub failed_at: Option<Timestamp>,
    /// Until when it is open; half-open afterwards. None: it is closed.
    pub open_until: Option<Timestamp>,
    /// How often it opened since it was last closed.
    pub openings: u32,
    /// When it first opened since it was last closed.
    pub opened_at: Option<Timestamp>,
    /// Until when somebody may be probing.
    pub probing_until: Option<Timestamp>,
}

/// A pace that wears off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Time between two attempts, when it was set.
    pub interval_ms: f64,
    /// When it was set.
    pub at: Timestamp,
}

/// What a breaker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Lets everything through.
    Closed,
    /// Lets nothing through.
    Open {
        /// Until then.
        until: Timestamp,
    },
    /// Lets one attempt through, to see.
    HalfOpen {
        /// Whether that one is on its way.
        is_probing: bool,
    },
}

impl BreakerState {
    /// Its name in the API and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half-open",
        }
    }
}

/// What a gate says to an attempt that is to be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Go on.
    Free,
    /// Go on if nobody else probes; then everything depends on this attempt.
    Probe,
    /// Not before then.
    Wait {
        /// The earliest instant at which it makes sense to ask again.
        until: Timestamp,
        /// What keeps it back.
        because: WaitBecause,
    },
}

/// What keeps an attempt back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitBecause {
    /// The breaker is open, or half-open with a probe on its way.
    Breaker,
    /// The receiver asked for a pause.
    Pause,
    /// All places are held by attempts that take long.
    Busy,
    /// The rate limit.
    Rate,
    /// An earlier message with the same ordering key.
    Order,
}

/// What an outcome says about the receiver, apart from whether it took the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Somebody is there and works, even if this message was refused.
    Alive,
    /// Nobody answered, or in a way that says it cannot work.
    Trouble,
    /// Nothing: no request was made.
    None,
}

impl Sign {
    /// What this outcome says.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Answered { status: 408 | 500..=599, .. } => Self::Trouble,
            Outcome::Answered { .. } => Self::Alive,
            Outcome::TimedOut { .. } | Outcome::Unreachable { .. } => Self::Trouble,
            Outcome::Forbidden { .. } => Self::None,
        }
    }
}

/// The pause that an outcome asks for, in milliseconds.
pub fn pause_ms(outcome: &Outcome) -> Option<i64> {
    match outcome {
        Outcome::Answered { status: 429 | 503, retry_after_ms, .. } => {
            let wish_ms = retry_after_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
            Some(wish_ms.unwrap_or(PAUSE_MS_DEFAULT).clamp(PAUSE_MS_MIN, PAUSE_MS_MAX))
        }
        _ => None,
    }
}

/// How long the breaker stays open the `opening`th time in a row, from 1. `jitter` is uniform in 0..1: endpoints that failed
/// together are not probed together.
pub fn open_ms(opening: u32, jitter: f64) -> i64 {
    let doubled = OPEN_MS_FIRST << opening.saturating_sub(1).min(16);
    spread(doubled.min(OPEN_MS_MAX), jitter)
}

/// When a delivery that is kept back until `until` comes again, for the `count`th time (from 0): not before, and later each
/// time, so that a backlog which waits for a dead receiver costs less and less. The longer it waits, the wider what was kept back
/// together is spread: it would come back in one moment, and others would notice.
pub fn come_again_at(now: Timestamp, until: Timestamp, count: u16, jitter: f64) -> Timestamp {
    let least_ms = (POSTPONE_MS_FIRST << count.min(16)).min(POSTPONE_MS_MAX);
    let wait_ms = until.millis_since(now).max(least_ms);
    now.plus_millis(wait_ms + (wait_ms as f64 * 0.2 * jitter) as i64)
}

/// From four fifths of it to six fifths.
fn spread(ms: i64, jitter: f64) -> i64 {
    (ms as f64 * (0.8 + 0.4 * jitter.clamp(0.0, 1.0))) as i64
}

impl Breaker {
    /// What it does now.
    pub fn state(&self, now: Timestamp) -> BreakerState {
        match self.open_until {
            None => BreakerState::Closed,
            Some(until) if until > now => BreakerState::Open { until },
            Some(_) => BreakerState::HalfOpen { is_probing: self.probing_until.is_some_and(|until| until > now) },
        }
    }

    /// Whether a failure now adds up with those before.
    pub fn adds_up(&self, now: Timestamp) -> bool {
        self.failed_at.is_some_and(|at| now.millis_since(at) <= FAILURES_WITHIN_MS)
    }

    /// Whether a sign of life would change anything.
    pub fn is_troubled(&self) -> bool {
        self.failures > 0 || self.open_until.is_some()
    }
}

impl Pace {
    /// The pace after one more pause at `now`.
    pub fn slower(before: Option<Self>, now: Timestamp) -> Self {
        let interval_ms = match before.map(|pace| pace.left_ms(now)) {
            Some(left) if left >= PACE_MS_MIN => (left * 2.0).clamp(PACE_MS_FIRST, PACE_MS_MAX),
            _ => PACE_MS_FIRST,
        };
        Self { interval_ms, at: now }
    }

    /// What is left of it.
    fn left_ms(self, now: Timestamp) -> f64 {
        let age_ms = now.millis_since(self.at).max(0) as f64;
        self.interval_ms * 0.5f64.powf(age_ms / PACE_HALVES_MS)
    }
}

impl Gate {
    /// What it says to an attempt now; the rate limit is asked for itself ([`Gate::interval_us`]).
    pub fn pass(&self, now: Timestamp) -> Pass {
        let wait = |until, because| Pass::Wait { until, because };
        if let Some(until) = self.pause_until.filter(|until| *until > now) {
            return wait(until, WaitBecause::Pause);
        }
        match self.breaker.state(now) {
            BreakerState::Open { until } => return wait(until, WaitBecause::Breaker),
            BreakerState::HalfOpen { is_probing: true } => return wait(now, WaitBecause::Breaker),
            BreakerState::HalfOpen { is_probing: false } => return Pass::Probe,
            BreakerState::Closed => {}
        }
        match self.free_places(now).next() {
            Some(_) => Pass::Free,
            None => wait(now, WaitBecause::Busy),
        }
    }

    /// The places that nobody holds.
    pub fn free_places(&self, now: Timestamp) -> impl Iterator<Item = usize> {
        (0..HOLDS_MAX).filter(move |place| !self.holds.iter().any(|(held, until)| held == place && *until > now))
    }

    /// Places that are held.
    pub fn held(&self, now: Timestamp) -> usize {
        HOLDS_MAX - self.free_places(now).count()
    }

    /// Time between two attempts in microseconds, by the limit its owner set and by the pace it was slowed down to.
    pub fn interval_us(&self, rate_limit: Option<u16>, now: Timestamp) -> Option<i64> {
        let pace_us = self.pace.map(|pace| pace.left_ms(now)).filter(|ms| *ms >= PACE_MS_MIN).map(|ms| ms * 1_000.0);
        [interval_us(rate_limit), pace_us.map(|us| us as i64)].into_iter().flatten().max()
    }
}

/// Time between two at this rate a second, in microseconds.
pub fn interval_us(rate_limit: Option<u16>) -> Option<i64> {
    rate_limit.filter(|rate| *rate > 0).map(|rate| 1_000_000 / i64::from(rate))
}

/// How much of a rate limit can be used at once after a quiet time, in microseconds: a second's worth.
pub const BURST_US: i64 = 1_000_000;

/// Attempts that were granted by a rate limit: when each of them may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Up to when the limit was used before, in microseconds.
    pub from_us: i64,
    /// Time between two.
    pub interval_us: i64,
}

impl Grant {
    /// When the `index`th of them, from 0, may be made.
    pub fn at(self, index: usize) -> Timestamp {
        let index = i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1);
        Timestamp::from_millis(self.from_us.saturating_add(self.interval_us.saturating_mul(index)).div_euclid(1_000))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);

    fn after(ms: i64) -> Timestamp {
        NOW.plus_millis(ms)
    }

    fn open(until: Timestamp) -> Gate {
        Gate { breaker: Breaker { open_until: Some(until), ..Breaker::default() }, ..Gate::default() }
    }

    #[test]
    fn a_breaker_is_open_then_lets_one_through_and_then_waits_for_it() {
        assert_eq!(Gate::default().pass(NOW), Pass::Free);
        let mut gate = open(after(10));
        assert_eq!(gate.pass(NOW), Pass::Wait { until: after(10), because: WaitBecause::Breaker });
        assert_eq!(gate.pass(after(10)), Pass::Probe);
        gate.breaker.probing_until = Some(after(20));
        assert_eq!(gate.pass(after(10)), Pass::Wait { until: after(10), because: WaitBecause::Breaker });
        assert_eq!(gate.pass(after(20)), Pass::Probe, "who probed is gone");
    }

    #[test]
    fn it_stays_open_longer_each_time_up_to_a_limit() {
        let times: Vec<i64> = (1..8).map(|opening| open_ms(opening, 0.5)).collect();
        assert_eq!(times, [15_000, 30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
        assert_eq!((open_ms(1, 0.0), open_ms(1, 1.0), open_ms(u32::MAX, 0.5)), (12_000, 18_000, OPEN_MS_MAX));
    }

    #[test]
    fn an_answer_is_a_sign_of_life_unless_it_says_that_nothing_works() {
        let answered = |status| Outcome::Answered { status, body: String::new(), retry_after_ms: None };
        for status in [200, 302, 400, 404, 410, 429] {
            assert_eq!(Sign::of(&answered(status)), Sign::Alive, "{status}");
        }
        for status in [408, 500, 503, 599] {
            assert_eq!(Sign::of(&answered(status)), Sign::Trouble, "{status}");
        }
        assert_eq!(Sign::of(&Outcome::TimedOut { limit_ms: 1 }), Sign::Trouble);
        assert_eq!(Sign::of(&Outcome::Forbidden { reason: String::new() }), Sign::None);
    }

    #[test]
    fn a_pause_is_what_429_and_503_ask_for_within_bounds() {
        let pause = |status, wish| pause_ms(&Outcome::Answered { status, body: String::new(), retry_after_ms: wish });
        assert_eq!(pause(429, Some(7_000)), Some(7_000));
        assert_eq!(pause(503, None), Some(PAUSE_MS_DEFAULT));
        assert_eq!((pause(503, Some(0)), pause(503, Some(u64::MAX))), (Some(PAUSE_MS_MIN), Some(PAUSE_MS_MAX)));
        assert_eq!(pause(500, Some(7_000)), None);
        let gate = Gate { pause_until: Some(after(5)), ..Gate::default() };
        assert_eq!(gate.pass(NOW), Pass::Wait { until: after(5), because: WaitBecause::Pause });
        assert_eq!(gate.pass(after(5)), Pass::Free);
    }

    #[test]
    fn a_pace_doubles_with_each_pause_and_wears_off() {
        let first = Pace::slower(None, NOW);
        let second = Pace::slower(Some(first), NOW);
        assert_eq!((first.interval_ms, second.interval_ms), (100.0, 200.0));
        let gate = Gate { pace: Some(second), ..Gate::default() };
        assert_eq!(gate.interval_us(None, NOW), Some(200_000));
        assert_eq!(gate.interval_us(None, after(60_000)), Some(100_000));
        assert_eq!(gate.interval_us(Some(2), NOW), Some(500_000), "the slower of the two");
        assert_eq!(gate.interval_us(None, after(600_000)), None);
        let slowest = (0..20).fold(first, |pace, _| Pace::slower(Some(pace), NOW));
        assert_eq!(slowest.interval_ms, PACE_MS_MAX);
    }

    #[test]
    fn when_all_places_are_held_nothing_new_begins_until_one_is_free_or_forgotten() {
        let mut gate = Gate { holds: (0..HOLDS_MAX).map(|place| (place, after(10))).collect(), ..Gate::default() };
        assert_eq!(gate.pass(NOW), Pass::Wait { until: NOW, because: WaitBecause::Busy });
        assert_eq!(gate.pass(after(10)), Pass::Free);
        gate.holds.remove(3);
        assert_eq!(
            (gate.pass(NOW), gate.free_places(NOW).next(), gate.held(NOW)),
            (Pass::Free, Some(3), HOLDS_MAX - 1)
        );
    }

    #[test]
    fn what_is_postponed_comes_not_before_its_time_and_later_each_time() {
        let wait = |until, count| come_again_at(NOW, until, count, 0.5).millis_since(NOW);
        assert_eq!((wait(NOW, 0), wait(NOW, 1), wait(NOW, 4)), (2_200, 4_400, 35_200));
        assert_eq!((wait(after(15_000), 0), wait(NOW, 60_000)), (16_500, 660_000));
    }

    #[test]
    fn a_grant_spaces_attempts_and_lets_a_seconds_worth_go_at_once() {
        let now_us = NOW.as_millis() * 1_000;
        let grant = Grant { from_us: now_us - BURST_US, interval_us: interval_us(Some(4)).unwrap() };
        let offsets: Vec<i64> = (0..6).map(|index| grant.at(index).millis_since(NOW)).collect();
        assert_eq!(offsets, [-750, -500, -250, 0, 250, 500]);
        assert_eq!((interval_us(None), interval_us(Some(u16::MAX))), (None, Some(15)));
    }
}
