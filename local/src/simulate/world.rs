//! What everybody in a run shares: time, chance, the engines, the plan of what is deployed, the journal and the history.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use aws_config::{Region, SdkConfig};
use fanfare::config::{JwtSecret, Platform, Settings, names, with_call_limits};
use fanfare::domain::ids::OrganizationId;
use fanfare::domain::timestamp::Timestamp;
use fanfare::effects::{Clock as _, Effects};
use fanfare::http::auth::issue_token;
use fanfare::network::Network;
use fanfare_engines::Engines;
use serde_json::Value;

use super::effects::{Dice, Purpose, SimulatedClock, for_program};
use super::faults::{Switch, Wire};
use super::history::{History, TaskKey};
use super::journal::{Journal, short};
use super::queues::Queues;
use super::receivers::Internet;
use super::scenario::{Scenario, Weather};
use crate::TOKEN_LIFETIME_S;
use crate::provision::provision;
use crate::template::{FunctionPlan, Place, Plan, TEMPLATE};

/// Runs begin at some moment of this day, so that minutes begin at other moments of each run.
const BEGINNING_MS: i64 = 1_767_225_600_000;

const ORGANIZATION: &str = "org_23rb8YdGqMT0qIzpgGwdXfHirMu";
const JWT_SECRET: &str = "the secret of a simulation, which guards nothing";

/// The SDK keeps one quota of retries for each region in a process. A run has a region of its own, so that no other run,
/// on another thread or before it, is felt in it.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// What everybody shares.
pub(super) struct World {
    pub(super) clock: SimulatedClock,
    pub(super) effects: Effects,
    pub(super) faults: Dice,
    pub(super) receivers: Arc<Dice>,
    pub(super) scenario: Scenario,
    pub(super) engines: Engines,
    pub(super) plan: Plan,
    pub(super) place: Place,
    pub(super) token: String,
    pub(super) journal: Journal,
    pub(super) queues: Queues,
    sdk: SdkConfig,
    history: Mutex<History>,
    is_calm: AtomicBool,
}

impl World {
    /// The world before anything happened. Must be called in the run's own runtime.
    pub(super) async fn new(seed: u64) -> anyhow::Result<Self> {
        let faults = Dice::new(seed, Purpose::Faults);
        let into_the_day_ms = i64::try_from(faults.between(0, 86_400_000))?;
        let clock = SimulatedClock::new(Timestamp::from_millis(BEGINNING_MS + into_the_day_ms));
        let scenario = Scenario::new(seed);
        let place = Place::local("http://engines.local");
        let parameters = BTreeMap::from([("JwtSecret".to_owned(), JWT_SECRET.to_owned())]);
        let mut plan = Plan::read(TEMPLATE, &place, &parameters)?;
        configure(&mut plan, &scenario);
        let engines = Engines::in_memory(clock.for_engines())?;
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let sdk = engines.sdk_config().into_builder().region(Region::new(format!("run-{run}"))).build();
        provision(&plan, &sdk).await?;
        let organization = OrganizationId::parse(ORGANIZATION).context("the organization's identifier")?;
        let secret = JwtSecret::parse(JWT_SECRET).map_err(anyhow::Error::msg)?;
        Ok(Self {
            token: issue_token(&secret, &organization, clock.now(), TOKEN_LIFETIME_S)?,
            effects: for_program(clock, seed),
            receivers: Arc::new(Dice::new(seed, Purpose::Receivers)),
            history: Mutex::new(History::new(&scenario)),
            journal: Journal::new(clock),
            queues: Queues::default(),
            is_calm: AtomicBool::new(false),
            clock,
            faults,
            scenario,
            engines,
            plan,
            place,
            sdk,
        })
    }

    /// What a sandbox of the function is started with.
    pub(super) fn platform(
        self: &Arc<Self>,
        function: &FunctionPlan,
        sandbox: &str,
        switch: &Switch,
    ) -> anyhow::Result<Platform> {
        let makes_endpoints = function.binary == "manage";
        let internet = if makes_endpoints { Internet::at_its_best(self) } else { Internet::new(self) };
        let network: Arc<dyn Network> = Arc::new(internet);
        let sdk = with_call_limits(self.sdk.clone());
        // The SDK draws its jitter from a generator of its own.
        let retries = sdk.retry_config().map(|retries| retries.clone().with_use_static_exponential_base(true));
        let mut sdk = sdk.into_builder().http_client(Wire::client(self, sandbox, switch));
        sdk.set_retry_config(retries);
        let sdk = sdk.build();
        let settings = Settings::from_lookup(|name| function.environment.get(name).cloned())?;
        Ok(Platform::new(settings, sdk, self.effects.clone(), network))
    }

    /// The queue service as Lambda's pollers and the invariants see it: nothing goes wrong on this way.
    pub(super) fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk)
    }

    pub(super) fn queue_url(&self, queue: &str) -> String {
        format!("{}/{}/{queue}", self.place.endpoint_url, self.place.account)
    }

    /// How bad it is now.
    pub(super) fn weather(&self) -> Weather {
        if self.is_calm.load(Ordering::Relaxed) { Weather::default() } else { self.scenario.weather }
    }

    /// Whether something of this probability goes wrong now.
    pub(super) fn happens(&self, probability: f64) -> bool {
        self.faults.chance(probability)
    }

    /// From now on nothing goes wrong but receivers.
    pub(super) fn calm_down(&self) {
        self.is_calm.store(true, Ordering::Relaxed);
        self.journal.note("weather", "calm from now on");
    }

    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.clock.elapsed_ms()
    }

    /// Notes messages that were put into a queue.
    pub(super) fn watch_sends(&self, asked: &Value) {
        let queue = asked["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
        for entry in asked["Entries"].as_array().into_iter().flatten() {
            let delay_ms = entry["DelaySeconds"].as_u64().unwrap_or(0) * 1_000;
            self.queues.look_at(queue, self.now_ms() + delay_ms);
            if let Some(key) = TaskKey::read(entry["MessageBody"].as_str().unwrap_or_default()) {
                self.journal.note("queue", format_args!("{key} queued, in {delay_ms} ms"));
                self.history().queued.entry(key).or_default().sent += 1;
            }
        }
    }

    /// How an endpoint is shown.
    pub(super) fn endpoint_name(&self, index: usize) -> String {
        let id = self.history().endpoints[index].id.clone();
        format!("r{index} {}", id.as_deref().map(short).unwrap_or_default())
    }
}

/// The template's environment with what the scenario wants otherwise.
fn configure(plan: &mut Plan, scenario: &Scenario) {
    let given = [
        (names::RETRY_SCHEDULE, scenario.retry_schedule.to_owned()),
        (names::REQUEST_TIMEOUT, scenario.request_timeout_s.to_string()),
        (names::HTTPS_ONLY, "false".to_owned()),
        (names::RATE_LIMIT, "0".to_owned()),
        (names::TOKEN_RATE_LIMIT, "0".to_owned()),
    ];
    for function in &mut plan.functions {
        function.environment.extend(given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
}
