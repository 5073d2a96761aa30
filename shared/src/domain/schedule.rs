//! When a failed delivery is tried again.

use super::Invalid;

/// Retries one delivery may have: ten days of 10 h steps is more than anyone waits for.
pub const RETRIES_MAX: usize = 24;

/// Longest single delay, in seconds: messages are kept for weeks, not months.
pub const RETRY_DELAY_S_MAX: u32 = 7 * 24 * 3_600;

/// By how much of itself a delay is moved at random, either way: a fleet of receivers that failed together must not be
/// retried together.
pub const JITTER: f64 = 0.2;

/// The delays after the first, second, … failed attempt, in seconds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct RetrySchedule(Vec<u32>);

impl RetrySchedule {
    /// From delays in seconds. An empty list means: try once.
    pub fn new(delays_s: Vec<u32>) -> Result<Self, Invalid> {
        if delays_s.len() > RETRIES_MAX {
            return Err(Invalid::new(format!("must not have more than {RETRIES_MAX} retries")));
        }
        if delays_s.iter().any(|delay_s| *delay_s > RETRY_DELAY_S_MAX) {
            return Err(Invalid::new(format!("must not have a delay above {RETRY_DELAY_S_MAX} seconds")));
        }
        Ok(Self(delays_s))
    }

    /// Parses `5,300,1800`; empty text is the empty schedule.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let delays = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        delays
            .map(|part| part.parse().map_err(|_| Invalid::new(format!("{part:?} is not a whole number of seconds"))))
            .collect::<Result<Vec<u32>, _>>()
            .and_then(Self::new)
    }

    /// Milliseconds from failed attempt `number` (from 1) to the next one, or `None` when there is none.
    ///
    /// `jitter` is uniform in 0..1. A `Retry-After` is honoured from the scheduled delay up to twice of it, so that a
    /// receiver can slow us down but not switch us off.
    pub fn delay_ms(&self, number: u16, jitter: f64, retry_after_ms: Option<u64>) -> Option<u64> {
        let base_ms = u64::from(*self.0.get(usize::from(number).checked_sub(1)?)?) * 1_000;
        Some(match retry_after_ms {
            Some(wish_ms) => wish_ms.clamp(base_ms, base_ms * 2),
            None => (base_ms as f64 * (1.0 - JITTER + 2.0 * JITTER * jitter.clamp(0.0, 1.0))) as u64,
        })
    }

    /// The delays, in seconds.
    pub fn delays_s(&self) -> &[u32] {
        &self.0
    }

    /// How many attempts a delivery has at most.
    pub fn attempts_max(&self) -> usize {
        self.0.len() + 1
    }
}

impl Default for RetrySchedule {
    /// Eight attempts over about 28 hours, the schedule receivers of Svix know.
    fn default() -> Self {
        Self(vec![5, 300, 1_800, 7_200, 18_000, 36_000, 36_000])
    }
}

impl<'de> serde::Deserialize<'de> for RetrySchedule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl std::fmt::Display for RetrySchedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let delays: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&delays.join(","))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_forms() {
        assert_eq!(RetrySchedule::parse("5, 300,1800").unwrap().to_string(), "5,300,1800");
        assert_eq!(RetrySchedule::parse("").unwrap().attempts_max(), 1);
        for text in ["5;6", "-1", "1.5", "soon", "604801", &"1,".repeat(25)] {
            assert!(RetrySchedule::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_default_ends_after_eight_attempts() {
        let schedule = RetrySchedule::default();
        assert_eq!(schedule.delay_ms(1, 0.5, None), Some(5_000));
        assert_eq!(schedule.delay_ms(7, 0.5, None), Some(36_000_000));
        assert_eq!(schedule.delay_ms(8, 0.5, None), None);
        assert_eq!(schedule.delay_ms(0, 0.5, None), None);
    }

    #[test]
    fn retry_after_slows_down_within_bounds() {
        let schedule = RetrySchedule::parse("10").unwrap();
        for (wish_ms, delay_ms) in [(0, 10_000), (15_000, 15_000), (3_600_000, 20_000)] {
            assert_eq!(schedule.delay_ms(1, 0.5, Some(wish_ms)), Some(delay_ms));
        }
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_fifth(base_s in 1u32..RETRY_DELAY_S_MAX, jitter in 0.0f64..1.0) {
            let delay_ms = RetrySchedule::new(vec![base_s]).unwrap().delay_ms(1, jitter, None).unwrap() as f64;
            let base_ms = f64::from(base_s) * 1_000.0;
            prop_assert!(delay_ms >= base_ms * 0.8 - 1.0 && delay_ms <= base_ms * 1.2 + 1.0);
        }
    }
}
