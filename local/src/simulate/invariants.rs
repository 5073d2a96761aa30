//! What must hold of every run: small functions over its history. A new promise gets a new function, and a line in [`RULES`].
//!
//! They look from outside: at what clients were answered, what receivers saw, and what the API says in the end. What passed
//! through the queue is used for bounds only: a task that was handed out twice may have been attempted twice.

mod restraint;

use std::collections::{BTreeMap, BTreeSet};

use super::history::{Attempt, EndpointLife, History, MessageLife, Request};
use super::journal::{short, time};
use super::scenario::{MessagePlan, Scenario};
use super::world::World;

/// What must not have happened.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The rule that was broken.
    pub rule: &'static str,
    /// How.
    pub what: String,
    /// Names by which the journal's lines about it are found.
    pub about: Vec<String>,
}

/// What a rule may look at.
struct Seen<'a> {
    history: &'a History,
    scenario: &'a Scenario,
    /// How many attempts the schedule has.
    attempts_max: usize,
    /// Longest invocation of the function that makes attempts.
    invocation_ms: u64,
}

/// What a rule found: what, and about whom.
type Found = Vec<(String, Vec<String>)>;

type Rule = fn(&Seen<'_>) -> Found;

const RULES: [(&str, Rule); 19] = [
    ("everything comes to rest", comes_to_rest),
    ("no connection is made into our network", none_inside),
    ("the API answers as it is documented to", no_surprises),
    ("a repeated publish is one message", one_identifier),
    ("every message is delivered, or visibly failed, at every endpoint that wanted it", none_lost),
    ("work in the background ends", work_ends),
    ("nothing is delivered before its time", none_early),
    ("no attempt is made behind a deadline", restraint::none_too_late),
    ("messages of one key arrive in their order", restraint::in_order),
    ("rate limits are kept", restraint::rates_kept),
    ("a receiver in trouble is probed, one attempt at a time", restraint::probed_singly),
    ("an endpoint that is off or deleted gets nothing", none_when_off),
    ("nobody gets what was not meant for him", none_unasked),
    ("there are no more attempts than the schedule and people allow", attempts_bounded),
    ("there are no more requests than attempts that were begun", requests_bounded),
    ("a delivery that succeeded is not attempted again by the schedule", none_after_success),
    ("every request is signed, now, for its message", all_signed),
    ("payloads arrive as they were published", payloads_equal),
    ("a recorded success was answered with 2xx, and a recorded status was the receiver's", records_true),
];

/// Everything that is wrong.
pub(super) fn check(world: &World) -> Vec<Violation> {
    let history = world.history();
    let delays = world.scenario.retry_schedule.split(',').filter(|delay| !delay.is_empty());
    let deliver = world.plan.functions.iter().find(|function| function.binary == "deliver");
    let seen = Seen {
        history: &history,
        scenario: &world.scenario,
        attempts_max: delays.count() + 1,
        invocation_ms: deliver.map_or(0, |function| u64::try_from(function.timeout.as_millis()).unwrap_or(0)),
    };
    broken(&seen)
}

fn broken(seen: &Seen<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (name, rule) in RULES {
        violations.extend(rule(seen).into_iter().map(|(what, about)| Violation { rule: name, what, about }));
    }
    violations
}

fn comes_to_rest(seen: &Seen<'_>) -> Found {
    if seen.history.is_at_rest {
        Vec::new()
    } else {
        vec![("there was always something left to do".to_owned(), vec![])]
    }
}

fn none_inside(seen: &Seen<'_>) -> Found {
    seen.history.trespasses.iter().map(|what| (what.clone(), Vec::new())).collect()
}

fn no_surprises(seen: &Seen<'_>) -> Found {
    seen.history.surprises.iter().map(|what| (what.clone(), vec!["surprise".to_owned()])).collect()
}

fn one_identifier(seen: &Seen<'_>) -> Found {
    let many = seen.history.messages.iter().filter(|message| message.ids.len() > 1);
    many.map(|message| (format!("{:?}", message.ids), message.ids.iter().map(|id| short(id)).collect())).collect()
}

fn none_lost(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for (plan, message, id, endpoint, life) in seen.promised() {
        let attempts = || message.attempts.iter().filter(|attempt| attempt.endpoint == *endpoint);
        let scheduled = attempts().filter(|attempt| !attempt.is_manual).count();
        let is_dead = seen.history.dead.contains(&(id.clone(), endpoint.clone()));
        let (status, next) = match message.standings.get(endpoint) {
            Some((status, next)) => (status.as_str(), next.as_deref().unwrap_or("none")),
            None => ("unknown", "none"),
        };
        let is_well = match status {
            "success" => attempts().any(|attempt| attempt.is_success),
            "fail" => {
                scheduled >= seen.attempts_max
                    || seen.history.undelivered.contains(&(id.clone(), endpoint.clone()))
                    || (plan.deliver_before_ms.is_some() && scheduled > 0)
            }
            _ => false,
        };
        if !is_well && !is_dead {
            let what = format!(
                "{} to {} (there since {}): {status} after {scheduled} attempts, next {next}",
                short(id),
                short(endpoint),
                time(life.made_ms)
            );
            found.push((what, vec![short(id)]));
        }
    }
    found
}

fn work_ends(seen: &Seen<'_>) -> Found {
    let is_over = |status: &Option<String>| status.as_deref().is_some_and(|status| status != "running");
    let open = seen.history.work.iter().filter(|(_, status)| !is_over(status));
    open.map(|(id, status)| (format!("{}: {status:?}", short(id)), vec![short(id)])).collect()
}

fn none_early(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for (plan, message) in seen.scenario.messages.iter().zip(&seen.history.messages) {
        let Some(deliver_at_ms) = plan.deliver_at_ms else { continue };
        let of_it = seen.history.requests.iter().filter(|request| message.ids.contains(&request.message));
        // A person who has it sent again before its time wants it now.
        let is_early = |request: &&Request| request.at_ms < deliver_at_ms && !seen.is_asked_for(request);
        for request in of_it.filter(is_early) {
            let what = format!("{} at {}, not {}", short(&request.message), time(request.at_ms), time(deliver_at_ms));
            found.push((what, vec![short(&request.message)]));
        }
    }
    found
}

/// Bounded by an invocation: it reads its endpoints once, at its beginning.
fn none_when_off(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for (index, life) in seen.history.endpoints.iter().enumerate() {
        for (from_ms, until_ms) in life.times_off() {
            let is_off = |at_ms: u64| at_ms > from_ms + seen.invocation_ms && at_ms < until_ms;
            let requests = seen.history.requests.iter().filter(|request| request.endpoint == index);
            for request in requests.filter(|request| is_off(request.at_ms)) {
                let (at, from) = (time(request.at_ms), time(from_ms));
                let what = format!("r{index}, off since {from}, got {} at {at}", short(&request.message));
                found.push((what, vec![format!("r{index}"), short(&request.message)]));
            }
        }
    }
    found
}

fn none_unasked(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for request in &seen.history.requests {
        let plan = &seen.scenario.endpoints[request.endpoint];
        let of = seen.history.messages.iter().position(|message| message.ids.contains(&request.message));
        // A publisher that gave up was not told the identifier.
        let Some(message) = of.map(|index| &seen.scenario.messages[index]) else { continue };
        let is_subscribed = plan.event_types.is_empty() || plan.event_types.contains(&message.event_type);
        let is_wanted = is_subscribed || seen.is_asked_for(request);
        if message.application != plan.application || !is_wanted {
            let what = format!("r{} got {}", request.endpoint, short(&request.message));
            found.push((what, vec![short(&request.message)]));
        }
    }
    found
}

fn attempts_bounded(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for (message, id) in seen.messages() {
        let mut counts: BTreeMap<(&str, bool), u64> = BTreeMap::new();
        for attempt in &message.attempts {
            *counts.entry((&attempt.endpoint, attempt.is_manual)).or_default() += 1;
        }
        for ((endpoint, is_manual), count) in counts {
            let tasks = seen
                .history
                .queued
                .iter()
                .filter(|(key, _)| key.message == *id && key.endpoint == endpoint && key.is_manual == is_manual);
            // Each task may be attempted once, and once more whenever it was handed out again.
            let (numbers, again) = tasks.fold((0, 0), |(numbers, again), (_, passed)| {
                (numbers + 1, again + passed.handed_out.saturating_sub(1))
            });
            // Each time somebody asks is one more.
            let numbers_max = match is_manual {
                true => numbers,
                false => u64::try_from(seen.attempts_max).unwrap_or(0),
            };
            if numbers > numbers_max || count > numbers_max + again {
                let what = format!(
                    "{} to {}: {count} attempts with {numbers} numbers, {again} handed out again, manual: {is_manual}",
                    short(id),
                    short(endpoint)
                );
                found.push((what, vec![short(id)]));
            }
        }
    }
    found
}

/// The sender repeats a request once when a connection that it kept turns out to be closed.
fn requests_bounded(seen: &Seen<'_>) -> Found {
    let mut counts: BTreeMap<(&str, usize), u64> = BTreeMap::new();
    for request in &seen.history.requests {
        *counts.entry((&request.message, request.endpoint)).or_default() += 1;
    }
    let mut found = Vec::new();
    for ((message, endpoint), count) in counts {
        let id = seen.endpoint_id(endpoint);
        let tasks = seen.history.queued.iter().filter(|(key, _)| key.message == message && Some(&key.endpoint) == id);
        let begun = tasks.map(|(_, passed)| passed.handed_out).sum::<u64>();
        if count > 2 * begun {
            let what = format!("{} to r{endpoint}: {count} requests, {begun} handed out", short(message));
            found.push((what, vec![short(message)]));
        }
    }
    found
}

/// Two attempts that were under way at one time know nothing of each other.
fn none_after_success(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for (message, id) in seen.messages() {
        let endpoints: BTreeSet<&String> = message.attempts.iter().map(|attempt| &attempt.endpoint).collect();
        for endpoint in endpoints {
            let attempts = || message.attempts.iter().filter(|attempt| attempt.endpoint == *endpoint);
            let ends =
                attempts().filter(|attempt| attempt.is_success).map(|success| success.begun_ms + success.duration_ms);
            let Some(first_end) = ends.min() else { continue };
            let is_late = |attempt: &&Attempt| {
                !attempt.is_manual && attempt.begun_ms > first_end + i64::try_from(seen.invocation_ms).unwrap_or(0)
            };
            for attempt in attempts().filter(is_late).filter(|_| !seen.is_first_sent_twice(id, endpoint)) {
                let at = time(u64::try_from(attempt.begun_ms).unwrap_or(0));
                let what = format!("{} to {} again at {at}", short(id), short(endpoint));
                found.push((what, vec![short(id)]));
            }
        }
    }
    found
}

fn all_signed(seen: &Seen<'_>) -> Found {
    /// Between signing and arriving: resolving, connecting, and one repeat.
    const ON_THE_WAY_MS_MAX: i64 = 40_000;
    let mut found = Vec::new();
    for request in &seen.history.requests {
        let age_ms = i64::try_from(request.at_ms).unwrap_or(0) - request.signed_ms;
        let is_now = (-1_000..ON_THE_WAY_MS_MAX).contains(&age_ms);
        let reason = request.unverified.clone().or_else(|| (!is_now).then(|| format!("signed {age_ms} ms before")));
        if let Some(reason) = reason {
            let what = format!("r{}, {}: {reason}", request.endpoint, short(&request.message));
            found.push((what, vec![short(&request.message)]));
        }
    }
    found
}

fn payloads_equal(seen: &Seen<'_>) -> Found {
    let mut found = Vec::new();
    for request in &seen.history.requests {
        let of = seen.history.messages.iter().position(|message| message.ids.contains(&request.message));
        let payload = of.map(|index| seen.scenario.messages[index].payload.as_bytes());
        if payload.is_some_and(|payload| payload != request.body) {
            let what = format!("{} at r{}", short(&request.message), request.endpoint);
            found.push((what, vec![short(&request.message)]));
        }
    }
    found
}

fn records_true(seen: &Seen<'_>) -> Found {
    /// Attempts tell their beginning to 4 ms.
    const ROUNDED_MS: i64 = 5;
    let mut found = Vec::new();
    for (message, id) in seen.messages() {
        for attempt in message.attempts.iter().filter(|attempt| attempt.is_success || attempt.status_code != 0) {
            let during = attempt.begun_ms - ROUNDED_MS..=attempt.begun_ms + attempt.duration_ms + ROUNDED_MS;
            let is_it = seen.history.requests.iter().any(|request| {
                request.message == *id
                    && seen.endpoint_id(request.endpoint) == Some(&attempt.endpoint)
                    && during.contains(&i64::try_from(request.at_ms).unwrap_or(0))
                    && request.status.is_some_and(|status| u64::from(status) == attempt.status_code)
            });
            let is_said_rightly = attempt.is_success == (200..300).contains(&attempt.status_code);
            if !is_it || !is_said_rightly {
                let at = time(u64::try_from(attempt.begun_ms).unwrap_or(0));
                let (status, success) = (attempt.status_code, attempt.is_success);
                let what = format!("{} at {at}: {status}, success: {success}", short(id));
                found.push((what, vec![short(id)]));
            }
        }
    }
    found
}

impl Seen<'_> {
    /// Messages that were accepted.
    fn messages(&self) -> impl Iterator<Item = (&MessageLife, &String)> {
        self.history.messages.iter().filter_map(|message| Some((message, message.id()?)))
    }

    /// Deliveries that were promised: of accepted messages, to endpoints that wanted them and were on from the moment the
    /// publisher asked to the end.
    fn promised(&self) -> Vec<(&MessagePlan, &MessageLife, &String, &String, &EndpointLife)> {
        let mut promised = Vec::new();
        for (index, message) in self.history.messages.iter().enumerate() {
            let (plan, Some(id)) = (&self.scenario.messages[index], message.id()) else { continue };
            for (endpoint, life) in self.scenario.endpoints.iter().zip(&self.history.endpoints) {
                let is_wanted = endpoint.event_types.is_empty() || endpoint.event_types.contains(&plan.event_type);
                if let Some(endpoint_id) = &life.id
                    && endpoint.application == plan.application
                    && is_wanted
                    && life.is_steady_since(message.asked_ms)
                {
                    promised.push((plan, message, id, endpoint_id, life));
                }
            }
        }
        promised
    }

    /// Whether somebody had this message sent to this endpoint again.
    fn is_asked_for(&self, request: &Request) -> bool {
        let id = self.endpoint_id(request.endpoint);
        let mut keys = self.history.queued.keys().filter(|key| key.is_manual);
        keys.any(|key| key.message == request.message && Some(&key.endpoint) == id)
    }

    fn endpoint_id(&self, index: usize) -> Option<&String> {
        self.history.endpoints[index].id.as_ref()
    }

    /// Whether the first task of a delivery went into the queue twice without a mark: the SDK repeated a call whose answer
    /// was lost.
    fn is_first_sent_twice(&self, message: &str, endpoint: &str) -> bool {
        let is_it = |number: u64, key: &super::history::TaskKey| {
            key.message == message && key.endpoint == endpoint && !key.is_manual && key.number == number
        };
        self.history.queued.iter().any(|(key, passed)| is_it(1, key) && passed.sent > 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;

    use super::super::history::{Changed, Passed, TaskKey, Turn};
    use super::*;

    const MESSAGE: &str = "msg_one";
    const ENDPOINT: &str = "ep_one";

    fn task(number: u64) -> TaskKey {
        TaskKey { message: MESSAGE.to_owned(), endpoint: ENDPOINT.to_owned(), is_manual: false, number }
    }

    fn request() -> Request {
        Request {
            endpoint: 0,
            at_ms: 30_100,
            message: MESSAGE.to_owned(),
            unverified: None,
            signed_ms: 30_000,
            body: Bytes::from_static(b"{}"),
            status: Some(200),
        }
    }

    fn attempt() -> Attempt {
        let endpoint = ENDPOINT.to_owned();
        Attempt { endpoint, is_success: true, is_manual: false, status_code: 200, begun_ms: 30_050, duration_ms: 100 }
    }

    /// One message, one endpoint, delivered at once.
    fn healthy() -> (Scenario, History) {
        let mut scenario = Scenario::new(1);
        scenario.endpoints.truncate(1);
        scenario.messages.truncate(1);
        scenario.endpoints[0].event_types.clear();
        (scenario.endpoints[0].application, scenario.messages[0].application) = (0, 0);
        (scenario.messages[0].payload, scenario.messages[0].deliver_at_ms) = ("{}".to_owned(), None);
        let mut history = History::new(&scenario);
        history.is_at_rest = true;
        history.endpoints[0].id = Some(ENDPOINT.to_owned());
        let life = &mut history.messages[0];
        (life.asked_ms, life.accepted_ms, life.ids) = (29_000, Some(29_500), [MESSAGE.to_owned()].into());
        life.attempts.push(attempt());
        life.standings.insert(ENDPOINT.to_owned(), ("success".to_owned(), None));
        history.requests.push(request());
        history.queued.insert(task(1), Passed { sent: 1, handed_out: 1 });
        (scenario, history)
    }

    /// What is broken after something was done to a healthy history with two attempts at most.
    #[track_caller]
    fn check(harm: impl FnOnce(&mut History), expected: &[&str]) {
        let (scenario, mut history) = healthy();
        harm(&mut history);
        let seen = Seen { history: &history, scenario: &scenario, attempts_max: 2, invocation_ms: 60_000 };
        let mut found: Vec<_> = broken(&seen).iter().map(|violation| violation.rule).collect();
        found.dedup();
        let matches =
            found.len() == expected.len() && found.iter().zip(expected).all(|(rule, word)| rule.contains(word));
        assert!(matches, "{found:#?}, expected {expected:?}");
    }

    #[test]
    fn every_rule_notices_what_it_forbids() {
        check(|_| {}, &[]);
        check(|history| history.is_at_rest = false, &["rest"]);
        check(|history| history.trespasses.push("10.0.0.1".to_owned()), &["into our network"]);
        check(|history| history.surprises.push("418".to_owned()), &["documented"]);
        check(|history| history.messages[0].ids.extend(["msg_two".to_owned()]), &["one message"]);
        check(|history| history.requests[0].unverified = Some("other secret".to_owned()), &["signed"]);
        check(|history| history.requests[0].signed_ms = -20_000, &["signed"]);
        check(|history| history.requests[0].body = Bytes::from_static(b"{ }"), &["payloads"]);
        check(|history| history.requests[0].status = Some(500), &["recorded"]);
        check(|history| history.requests.clear(), &["recorded"]);
        check(|history| history.requests.extend([request(), request()]), &["more requests"]);
        check(|history| drop(history.work.insert("qtask_one".to_owned(), Some("running".to_owned()))), &["background"]);
    }

    #[test]
    fn a_delivery_that_is_lost_is_noticed() {
        let stands = |history: &mut History, status: &str| {
            history.messages[0].standings.insert(ENDPOINT.to_owned(), (status.to_owned(), None));
        };
        for status in ["pending", "sending", "fail"] {
            check(|history| stands(history, status), &["delivered, or visibly failed"]);
        }
        check(|history| history.messages[0].standings.clear(), &["delivered, or visibly failed"]);
        let is_dead = |history: &mut History| {
            stands(history, "pending");
            history.dead.insert((MESSAGE.to_owned(), ENDPOINT.to_owned()));
        };
        check(is_dead, &[]);
        let was_off = |history: &mut History| {
            stands(history, "pending");
            let off = Changed { change: Turn::Off, asked_ms: 40_000, answered_ms: None };
            history.endpoints[0].changes.push(off);
        };
        check(was_off, &[]);
    }

    #[test]
    fn attempts_that_should_not_have_been_made_are_noticed() {
        let again = |history: &mut History, number: u64, begun_ms: i64| {
            history.messages[0].attempts.push(Attempt { begun_ms, ..attempt() });
            history.requests.push(Request { at_ms: begun_ms.unsigned_abs() + 50, signed_ms: begun_ms, ..request() });
            history.queued.insert(task(number), Passed { sent: 1, handed_out: 1 });
        };
        check(|history| again(history, 2, 31_000), &[]);
        check(|history| again(history, 2, 100_000), &["succeeded"]);
        check(|history| [2, 3].into_iter().for_each(|number| again(history, number, 31_000)), &["schedule and people"]);
        let off = |asked_ms, answered_ms| Changed { change: Turn::Off, asked_ms, answered_ms };
        check(|history| history.endpoints[0].changes.push(off(1, Some(2))), &[]);
        let after_off = |history: &mut History| {
            history.endpoints[0].changes.push(off(30_200, Some(30_300)));
            again(history, 2, 90_400);
        };
        check(after_off, &["off or deleted", "succeeded"]);
    }
}
