//! What is played in a run, all of it drawn from the seed before the run begins: applications and their endpoints, how the
//! receivers behave over time, who publishes what and when, what people change meanwhile, and how bad the weather is.
//!
//! A new feature gets its knobs here: a setting of endpoints or applications goes into [`EndpointPlan`] or [`ApplicationPlan`]
//! and into the body that `client.rs` posts, one of messages into [`MessagePlan`]; then it gets an invariant.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fanfare::effects::Random as _;

use super::effects::{Dice, Purpose};

/// The disturbed part of a run: everything that is planned happens within it.
pub(super) const STORM_MS: u64 = 8 * 60 * 1_000;

/// Applications and endpoints are there after this, give or take their makers' troubles.
const SETUP_MS: u64 = 20_000;

/// Retry schedules by how often they are played. The default takes a day and more of simulated time, and its hours of sweeps
/// cost as much as several other runs.
const SCHEDULES: [(&str, u64); 7] = [
    ("5,300,1800,7200,18000,36000,36000", 2),
    ("1,2,4", 20),
    ("5,30,120", 25),
    ("5,60,1000", 20),
    ("0,901,1", 10),
    ("", 5),
    ("3,10,20,40,80", 18),
];

/// The catalogue.
pub(super) const EVENT_TYPES: [&str; 3] = ["order.placed", "order.paid", "user.created"];

/// The plan of a run.
#[derive(Debug)]
pub(super) struct Scenario {
    /// Seconds after which failed attempts are repeated.
    pub(super) retry_schedule: &'static str,
    /// Seconds a receiver has.
    pub(super) request_timeout_s: u64,
    /// Invocations of one function at one time.
    pub(super) concurrency_max: usize,
    pub(super) weather: Weather,
    pub(super) applications: Vec<ApplicationPlan>,
    /// Of all applications; others name them by their place here.
    pub(super) endpoints: Vec<EndpointPlan>,
    pub(super) messages: Vec<MessagePlan>,
    pub(super) changes: Vec<ChangePlan>,
    pub(super) resends: Vec<ResendPlan>,
    pub(super) replays: Vec<ReplayPlan>,
}

/// How probable each fault is, from 0 to 1: for every call to AWS, unless it says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Weather {
    /// Throttled, or failed inside.
    pub(super) refused: f64,
    /// For a transaction: it met another one.
    pub(super) conflict: f64,
    /// Done, but nobody was told.
    pub(super) answer_lost: f64,
    /// Seconds instead of milliseconds, before or after it is done.
    pub(super) slow: f64,
    /// For a batch of writes: some are left undone.
    pub(super) unprocessed: f64,
    /// For a batch of messages: some are refused.
    pub(super) partial: f64,
    /// For a query of the index: what is new is not there yet.
    pub(super) stale: f64,
    /// The sandbox dies before or after it.
    pub(super) crash: f64,
    /// For an invocation: the sandbox dies at some moment.
    pub(super) crash_between: f64,
    /// For a received batch: it is handed out twice.
    pub(super) duplicate: f64,
    /// For a received batch: it is handed out late.
    pub(super) delayed: f64,
    /// For a batch that is done: it is not deleted.
    pub(super) undeleted: f64,
    /// For a request of a client: the answer does not arrive.
    pub(super) cut_off: f64,
}

#[derive(Debug)]
pub(super) struct ApplicationPlan {
    pub(super) name: String,
    /// Deliveries a second, over all of its endpoints.
    pub(super) rate: Option<u16>,
}

#[derive(Debug)]
pub(super) struct EndpointPlan {
    pub(super) application: usize,
    pub(super) made_at_ms: u64,
    /// Empty: all.
    pub(super) event_types: Vec<&'static str>,
    /// What its deliveries are signed with.
    pub(super) secret: String,
    /// Whether its URL says https; its receiver speaks no TLS.
    pub(super) is_https: bool,
    /// Deliveries a second.
    pub(super) rate: Option<u16>,
    /// Whether it wants messages with one ordering key one after the other.
    pub(super) is_ordered: bool,
    /// How it behaves, from these moments on.
    pub(super) phases: Vec<(u64, Behaviour)>,
}

/// What a receiver does with a request, or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Answers with this status.
    Status(u16),
    /// Answers 200 or 500.
    Flaky,
    /// Takes some seconds, then answers 200.
    Slow,
    /// Never answers.
    Hang,
    /// Closes the connection when it has read the request.
    Close,
    /// Closes it in the middle of its answer.
    CloseInBody,
    /// Answers 200 with more than anybody wants to read.
    HugeBody,
    /// Answers 200 with a body that takes some seconds.
    Drip,
    /// Answers 200 with a body that never ends.
    DripForever,
    /// Answers 302.
    Redirect,
    /// Answers with this status, and when to come back: in so many seconds.
    RetryAfter(u16, u64),
    /// The same with a date.
    RetryAfterDate(u16, u64),
    /// Answers with something that is not HTTP.
    Nonsense,
    /// Refuses connections.
    Refused,
    /// Does not answer attempts to connect.
    Unreachable,
    /// Its name does not resolve.
    NoName,
    /// Its name resolves to an address inside of our network.
    Inside,
}

#[derive(Debug)]
pub(super) struct MessagePlan {
    pub(super) application: usize,
    pub(super) at_ms: u64,
    pub(super) event_type: &'static str,
    pub(super) payload: String,
    /// Whether it has an identifier of its own, besides the idempotency key.
    pub(super) has_event_id: bool,
    /// When it is to be delivered, if not at once.
    pub(super) deliver_at_ms: Option<u64>,
    /// After which it is not delivered any more, if so.
    pub(super) deliver_before_ms: Option<u64>,
    /// What it is to be in order with.
    pub(super) ordering_key: Option<&'static str>,
    /// How often its publisher tries before it gives up.
    pub(super) tries_max: u32,
}

#[derive(Debug)]
pub(super) struct ChangePlan {
    pub(super) endpoint: usize,
    pub(super) at_ms: u64,
    pub(super) change: Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Disable,
    Enable,
    Move,
    Delete,
}

/// Somebody has a message sent again.
#[derive(Debug)]
pub(super) struct ResendPlan {
    pub(super) message: usize,
    pub(super) endpoint: usize,
    /// After it was accepted.
    pub(super) after_ms: u64,
}

/// Somebody has sent again, in the background, what an endpoint did not get.
#[derive(Debug)]
pub(super) struct ReplayPlan {
    pub(super) endpoint: usize,
    pub(super) at_ms: u64,
    /// What failed, or what was never sent.
    pub(super) what: Replay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replay {
    Failed,
    Missing,
}

impl Scenario {
    pub(super) fn new(seed: u64) -> Self {
        let dice = Dice::new(seed, Purpose::Scenario);
        let applications: Vec<_> = (0..dice.between(1, 2)).map(|number| application(&dice, number)).collect();
        let mut endpoints = Vec::new();
        for application in 0..applications.len() {
            let most = if dice.chance(0.3) { 5 } else { 3 };
            endpoints.extend((0..dice.between(1, most)).map(|_| endpoint(&dice, application)));
        }
        let burst_at_ms = dice.chance(0.5).then(|| dice.between(SETUP_MS, STORM_MS / 2));
        let messages: Vec<_> =
            (0..dice.between(8, 24)).map(|number| message(&dice, applications.len(), number, burst_at_ms)).collect();
        let changes = changes(&dice, endpoints.len());
        let resends = (0..dice.between(0, 3)).map(|_| ResendPlan {
            message: dice.index(messages.len()),
            endpoint: dice.index(endpoints.len()),
            after_ms: dice.between(0, 120_000),
        });
        let replays = (0..dice.between(0, 2)).map(|_| ReplayPlan {
            endpoint: dice.index(endpoints.len()),
            at_ms: dice.between(STORM_MS / 4, STORM_MS),
            what: *dice.pick(&[Replay::Failed, Replay::Missing]),
        });
        Self {
            retry_schedule: schedule(&dice),
            request_timeout_s: *dice.pick(&[3, 10, 15, 30]),
            concurrency_max: *dice.pick(&[2, 4, 10]),
            weather: Weather::new(&dice),
            resends: resends.collect(),
            replays: replays.collect(),
            applications,
            endpoints,
            messages,
            changes,
        }
    }
}

impl Weather {
    /// Whether nothing goes wrong by itself.
    pub(super) fn is_calm(&self) -> bool {
        *self == Self::default()
    }

    /// One run in ten is calm: what breaks there is broken without any help.
    fn new(dice: &Dice) -> Self {
        let level = match dice.between(0, 9) {
            0 => return Self::default(),
            1..=3 => 0.3,
            4..=7 => 1.0,
            _ => 2.5,
        };
        // Most kinds are there in most runs, and some are rough in some.
        let of = |typical: f64| if dice.chance(0.2) { 0.0 } else { typical * level * (0.2 + 1.6 * dice.fraction()) };
        Self {
            refused: of(0.03),
            conflict: of(0.05),
            answer_lost: of(0.02),
            slow: of(0.015),
            unprocessed: of(0.06),
            partial: of(0.06),
            stale: of(0.3),
            crash: of(0.008),
            crash_between: of(0.015),
            duplicate: of(0.06),
            delayed: of(0.08),
            undeleted: of(0.03),
            cut_off: of(0.05),
        }
    }
}

fn schedule(dice: &Dice) -> &'static str {
    let mut turn = dice.between(1, SCHEDULES.iter().map(|(_, weight)| weight).sum());
    for (schedule, weight) in SCHEDULES {
        if turn <= weight {
            return schedule;
        }
        turn -= weight;
    }
    SCHEDULES[0].0
}

fn application(dice: &Dice, number: u64) -> ApplicationPlan {
    ApplicationPlan { name: format!("application {number}"), rate: dice.chance(0.1).then(|| *dice.pick(&[1, 2, 5])) }
}

fn endpoint(dice: &Dice, application: usize) -> EndpointPlan {
    let is_late = dice.chance(0.15);
    let mut phases = vec![(0, behaviour(dice, 0.6))];
    for _ in 0..dice.between(0, 3) {
        phases.push((dice.between(SETUP_MS, STORM_MS), behaviour(dice, 0.4)));
    }
    // In the end most are well; some stay as they are for ever.
    if dice.chance(0.6) {
        phases.push((STORM_MS + dice.between(0, 600_000), Behaviour::Status(200)));
    }
    phases.sort_by_key(|(at_ms, _)| *at_ms);
    EndpointPlan {
        application,
        made_at_ms: if is_late { dice.between(SETUP_MS, STORM_MS / 2) } else { 0 },
        event_types: if dice.chance(0.3) { vec![*dice.pick(&EVENT_TYPES)] } else { Vec::new() },
        secret: secret(dice),
        is_https: dice.chance(0.02),
        rate: dice.chance(0.2).then(|| *dice.pick(&[1, 2, 5])),
        is_ordered: dice.chance(0.3),
        phases,
    }
}

fn secret(dice: &Dice) -> String {
    let mut bytes = [0; 24];
    dice.fill(&mut bytes);
    format!("whsec_{}", BASE64.encode(bytes))
}

fn behaviour(dice: &Dice, well: f64) -> Behaviour {
    if dice.chance(well) {
        return Behaviour::Status(*dice.pick(&[200, 200, 204, 201]));
    }
    let seconds = *dice.pick(&[0, 1, 7, 60, 4_000]);
    match dice.between(0, 19) {
        0 | 1 => Behaviour::Status(500),
        2 => Behaviour::Status(*dice.pick(&[400, 401, 404, 502, 503])),
        3 | 4 => Behaviour::Flaky,
        5 => Behaviour::Slow,
        6 => Behaviour::Hang,
        7 => Behaviour::Close,
        8 => Behaviour::CloseInBody,
        9 => Behaviour::HugeBody,
        10 => Behaviour::Drip,
        11 => Behaviour::DripForever,
        12 => Behaviour::Redirect,
        13 => Behaviour::RetryAfter(*dice.pick(&[429, 503]), seconds),
        14 => Behaviour::RetryAfterDate(*dice.pick(&[429, 503]), seconds),
        15 => Behaviour::Nonsense,
        16 => Behaviour::Refused,
        17 => *dice.pick(&[Behaviour::Unreachable, Behaviour::NoName, Behaviour::Inside]),
        18 => Behaviour::Status(410),
        _ => Behaviour::Flaky,
    }
}

fn message(dice: &Dice, applications: usize, number: u64, burst_at_ms: Option<u64>) -> MessagePlan {
    // Larger ones do not travel with their task; odd ones must come through as they are.
    let filling = if dice.chance(0.03) { 60_000 } else { dice.between(0, 400) };
    let filling = "x".repeat(usize::try_from(filling).unwrap_or_default());
    let payload = match dice.between(0, 3) {
        0 => format!("{{ \"number\":{number},  \"odd\":\"\\u00e9é\", \"e\":1.0e2, \"filling\":\"{filling}\" }}"),
        _ => format!("{{\"number\":{number},\"filling\":\"{filling}\"}}"),
    };
    let at_ms = match burst_at_ms.filter(|_| dice.chance(0.6)) {
        Some(burst_at_ms) => burst_at_ms + dice.between(0, 2_000),
        None => dice.between(SETUP_MS, STORM_MS),
    };
    let deliver_at_ms = dice.chance(0.1).then(|| at_ms + dice.between(0, 1_200_000));
    let first_ms = deliver_at_ms.unwrap_or(at_ms);
    MessagePlan {
        application: dice.index(applications),
        at_ms,
        event_type: EVENT_TYPES[dice.index(EVENT_TYPES.len())],
        payload,
        has_event_id: dice.chance(0.4),
        deliver_at_ms,
        deliver_before_ms: dice.chance(0.1).then(|| first_ms + dice.between(10_000, 600_000)),
        ordering_key: (deliver_at_ms.is_none() && dice.chance(0.4)).then(|| *dice.pick(&["a", "b"])),
        tries_max: if dice.chance(0.1) { 1 } else { 30 },
    }
}

fn changes(dice: &Dice, endpoints: usize) -> Vec<ChangePlan> {
    let mut changes = Vec::new();
    for _ in 0..dice.between(0, 3) {
        let (endpoint, at_ms) = (dice.index(endpoints), dice.between(SETUP_MS, STORM_MS));
        let change = match dice.between(0, 9) {
            0..=3 => Change::Disable,
            4..=7 => Change::Move,
            _ => Change::Delete,
        };
        changes.push(ChangePlan { endpoint, at_ms, change });
        if change == Change::Disable && dice.chance(0.7) {
            let at_ms = at_ms + dice.between(1_000, 120_000);
            changes.push(ChangePlan { endpoint, at_ms, change: Change::Enable });
        }
    }
    changes
}
