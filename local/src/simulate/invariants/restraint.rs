//! What is held back: until its turn, by a rate limit, by an open breaker, or for good by a deadline.
//!
//! Attempts that a person asked for, and those of replays, do not wait; so these rules look at the schedule's attempts. Limits and
//! breakers are advice that a bad day may keep from being written or heard: they are held to it where the weather is calm.

use fanfare::domain::gate::{FAILURES_MAX, FAILURES_WITHIN_MS, OPEN_MS_FIRST};

use super::super::history::{Attempt, MessageLife};
use super::super::journal::{short, time};
use super::super::scenario::{Behaviour, Replay, STORM_MS};
use super::{Found, Seen};

/// Attempts tell their beginning to 4 ms.
const ROUNDED_MS: i64 = 5;

/// What was handed out late before the storm ended is over by then: the longest visibility timeout, and a margin.
const CALM_AFTER_MS: i64 = 10 * 60 * 1_000;

fn of_schedule<'a>(message: &'a MessageLife, endpoint: &'a str) -> impl Iterator<Item = &'a Attempt> {
    message.attempts.iter().filter(move |attempt| attempt.endpoint == endpoint && !attempt.is_manual)
}

fn shown(ms: i64) -> String {
    time(u64::try_from(ms).unwrap_or(0))
}

impl Seen<'_> {
    /// From when on nothing goes wrong by itself.
    fn calm_from_ms(&self) -> i64 {
        if self.scenario.weather.is_calm() { 0 } else { i64::try_from(STORM_MS).unwrap_or(0) + CALM_AFTER_MS }
    }

    /// Attempts at an endpoint, of all messages, in the order in which they began.
    fn attempts_at(&self, endpoint: &str, which: impl Fn(&Attempt) -> bool) -> Vec<(&String, &Attempt)> {
        let mut attempts = Vec::new();
        for (message, id) in self.messages() {
            let at_it = message.attempts.iter().filter(|attempt| attempt.endpoint == endpoint && which(attempt));
            attempts.extend(at_it.map(|attempt| (id, attempt)));
        }
        attempts.sort_by_key(|(_, attempt)| attempt.begun_ms);
        attempts
    }

    /// Whether somebody had sent again what an endpoint was never sent, which keeps no order.
    fn is_replayed(&self, endpoint: usize) -> bool {
        self.scenario.replays.iter().any(|plan| plan.endpoint == endpoint && plan.what == Replay::Missing)
    }
}

pub(super) fn none_too_late(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for (plan, message) in seen.scenario.messages.iter().zip(&seen.history.messages) {
        let (Some(before_ms), Some(id)) = (plan.deliver_before_ms, message.id()) else { continue };
        let before_ms = i64::try_from(before_ms).unwrap_or(i64::MAX);
        let late =
            message.attempts.iter().filter(|attempt| !attempt.is_manual && attempt.begun_ms > before_ms + ROUNDED_MS);
        for attempt in late {
            found.push((
                format!("{} at {}, not {}", short(id), shown(attempt.begun_ms), shown(before_ms)),
                vec![short(id)],
            ));
        }
    }
    found
}

/// Of two messages, one of which was accepted before the other was published.
pub(super) fn in_order(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for (index, (plan, life)) in seen.scenario.endpoints.iter().zip(&seen.history.endpoints).enumerate() {
        let Some(endpoint) = life.id.as_ref().filter(|_| plan.is_ordered && !seen.is_replayed(index)) else { continue };
        let planned = || seen.scenario.messages.iter().zip(&seen.history.messages);
        for (first_plan, first) in planned().filter(|(plan, _)| plan.ordering_key.is_some()) {
            let is_behind = |second: &MessageLife| first.accepted_ms.is_some_and(|ms| ms < second.asked_ms);
            let same_line = planned().filter(|(plan, second)| {
                plan.ordering_key == first_plan.ordering_key
                    && plan.application == first_plan.application
                    && is_behind(second)
            });
            let Some(last_of_first) = of_schedule(first, endpoint).map(|attempt| attempt.begun_ms).max() else {
                continue;
            };
            for (_, second) in same_line {
                let begun = of_schedule(second, endpoint).map(|attempt| attempt.begun_ms).min();
                if let (Some(begun_ms), Some(id), Some(before)) = (begun, second.id(), first.id())
                    && begun_ms + ROUNDED_MS < last_of_first
                {
                    let what = format!(
                        "{} began at {} at {}, {} went on until {}",
                        short(id),
                        short(endpoint),
                        shown(begun_ms),
                        short(before),
                        shown(last_of_first)
                    );
                    found.push((what, vec![short(id), short(before)]));
                }
            }
        }
    }
    found
}

/// In any ten seconds: what they allow, and a second's worth that had gathered.
pub(super) fn rates_kept(seen: &Seen<'_>) -> Found {
    const WINDOW_S: usize = 10;
    let mut found = Vec::new();
    if !seen.scenario.weather.is_calm() {
        return found;
    }
    let mut check = |who: String, rate: u16, mut begun: Vec<i64>| {
        begun.sort_unstable();
        let most = usize::from(rate) * (WINDOW_S + 1) + 1;
        for window in begun.windows(most + 1) {
            let (first, last) = (window[0], window[most]);
            if last - first < 1_000 * i64::try_from(WINDOW_S).unwrap_or(0) {
                found.push((
                    format!("{who}: {} attempts from {} to {}", most + 1, shown(first), shown(last)),
                    Vec::new(),
                ));
                break;
            }
        }
    };
    let begun = |endpoint: &String| {
        let attempts = seen.attempts_at(endpoint, |attempt| !attempt.is_manual);
        attempts.iter().map(|(_, attempt)| attempt.begun_ms).collect::<Vec<_>>()
    };
    for (plan, life) in seen.scenario.endpoints.iter().zip(&seen.history.endpoints) {
        if let (Some(rate), Some(id)) = (plan.rate, &life.id) {
            check(short(id), rate, begun(id));
        }
    }
    for (index, application) in seen.scenario.applications.iter().enumerate() {
        let Some(rate) = application.rate else { continue };
        let of_it =
            seen.scenario.endpoints.iter().zip(&seen.history.endpoints).filter(|(plan, _)| plan.application == index);
        check(application.name.clone(), rate, of_it.filter_map(|(_, life)| life.id.as_ref()).flat_map(begun).collect());
    }
    found
}

/// Behind five failures in a row attempts come one at a time, with a pause in between, until somebody answers.
pub(super) fn probed_singly(seen: &Seen<'_>) -> Found {
    /// What was under way when the breaker opened has begun by then.
    const SETTLED_MS: i64 = 1_000;
    let apart_ms = OPEN_MS_FIRST * 8 / 10;
    let mut found = Vec::new();
    for (index, (plan, life)) in seen.scenario.endpoints.iter().zip(&seen.history.endpoints).enumerate() {
        // What is not sent at all is no sign, and changes of the endpoint and replays begin anew.
        let is_plain = !plan.phases.iter().any(|(_, behaviour)| *behaviour == Behaviour::Inside)
            && !seen.scenario.replays.iter().any(|replay| replay.endpoint == index)
            && !seen.scenario.changes.iter().any(|change| change.endpoint == index);
        let Some(endpoint) = life.id.as_ref().filter(|_| is_plain) else { continue };
        let mut attempts = seen.attempts_at(endpoint, |_| true);
        attempts.retain(|(_, attempt)| attempt.begun_ms >= seen.calm_from_ms());
        let end = |attempt: &Attempt| attempt.begun_ms + attempt.duration_ms;
        let is_trouble = |attempt: &Attempt| matches!(attempt.status_code, 0 | 408 | 500..=599);
        let mut by_end = attempts.clone();
        by_end.sort_by_key(|(_, attempt)| end(attempt));
        let (mut in_a_row, mut last_end_ms) = (0, i64::MIN);
        let opened_ms = by_end.iter().find_map(|(_, attempt)| {
            let adds_up = end(attempt).saturating_sub(last_end_ms) <= FAILURES_WITHIN_MS;
            in_a_row = match (is_trouble(attempt), adds_up) {
                (false, _) => 0,
                (true, true) => in_a_row + 1,
                (true, false) => 1,
            };
            last_end_ms = end(attempt);
            (in_a_row == FAILURES_MAX).then_some(last_end_ms)
        });
        let Some(opened_ms) = opened_ms else { continue };
        let answered_ms = by_end.iter().find(|(_, attempt)| end(attempt) > opened_ms && !is_trouble(attempt));
        let until_ms = answered_ms.map_or(i64::MAX, |(_, attempt)| end(attempt));
        let in_trouble = |attempt: &Attempt| {
            (opened_ms + SETTLED_MS..until_ms.saturating_sub(ROUNDED_MS)).contains(&attempt.begun_ms)
        };
        let probes: Vec<_> = attempts.iter().filter(|(_, attempt)| !attempt.is_manual && in_trouble(attempt)).collect();
        for pair in probes.windows(2) {
            let (first, second) = (pair[0].1.begun_ms, pair[1].1.begun_ms);
            if second - first < apart_ms {
                let what = format!("{}: attempts at {} and {}", short(endpoint), shown(first), shown(second));
                found.push((what, vec![short(endpoint)]));
            }
        }
    }
    found
}
