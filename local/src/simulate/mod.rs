//! Deterministic simulation: the whole gateway under seeded disasters, in simulated time, on one thread.
//!
//! A run is made of one number, its seed. The functions are the deployed ones, invoked with the events that Lambda would send,
//! and talk through the real SDK to the engines in memory. Everything around them is played: people, receivers, AWS's bad days.
//!
//! | file | what it plays |
//! |---|---|
//! | `scenario` | what happens, drawn from the seed before the run begins |
//! | `client` | the people who set up, publish, change and look |
//! | `lambda` | sandboxes that die, pollers, schedules |
//! | `faults` | the wire to AWS, where calls are refused, slow, half done, or done without an answer |
//! | `receivers` | the internet: names, addresses, servers that speak real bytes |
//! | `history`, `invariants` | what was seen, and what must hold of it |
//!
//! **What is promised.** The same seed gives the same run, and the same journal to the byte. So a seed that fails is a test that
//! can be repeated: `fanfare simulate --seed S --log`. Nothing here sleeps: time is tokio's, paused, and moves when
//! everybody waits.
//!
//! **What it does not play.** What goes through the bucket, imports and payloads that are too large for the table: its engine works on
//! files, on other threads. `tests/it/imports/cut_short.rs` makes single calls of an import fail instead.

mod client;
mod effects;
mod faults;
mod history;
mod invariants;
mod journal;
mod lambda;
mod queues;
mod receivers;
mod scenario;
mod wire;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_sqs::types::QueueAttributeName;
use futures_util::future::join_all;

use client::Client;
use history::TaskKey;
pub use invariants::Violation;
use lambda::Lambda;
use scenario::EVENT_TYPES;
use world::World;

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// Repeats it.
    pub seed: u64,
    /// What happened, one line for each event.
    pub journal: Vec<String>,
    /// How often what happened: faults by kind, calls, attempts.
    pub counts: BTreeMap<&'static str, u64>,
    /// What must not have happened. Empty: all is well.
    pub violations: Vec<Violation>,
}

impl Run {
    /// The line that repeats it.
    pub fn replay_line(&self) -> String {
        format!("fanfare simulate --seed {} --log", self.seed)
    }

    /// What is wrong, and the lines of the journal around it.
    pub fn report(&self) -> String {
        /// Lines of the journal for one violation.
        const LINES_MAX: usize = 120;
        let mut report = format!("seed {} fails. Replay: {}\n", self.seed, self.replay_line());
        for violation in &self.violations {
            report.push_str(&format!("\n{}: {}\n", violation.rule, violation.what));
            let is_about = |line: &&String| violation.about.iter().any(|name| line.contains(name.as_str()));
            for line in self.journal.iter().filter(is_about).take(LINES_MAX) {
                report.push_str(&format!("  {line}\n"));
            }
        }
        report
    }
}

/// Plays one seed, on this thread.
pub fn run(seed: u64) -> anyhow::Result<Run> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(play(seed))
}

/// Plays many seeds on some threads and shows each run as it ends; stops early when the visitor says so.
pub fn run_many(
    first_seed: u64,
    count: u64,
    threads: usize,
    visit: impl Fn(Run) -> std::ops::ControlFlow<()> + Sync,
) -> anyhow::Result<()> {
    let (next, end) = (AtomicU64::new(first_seed), first_seed.saturating_add(count));
    let work = || -> anyhow::Result<()> {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return Ok(());
            }
            if visit(run(seed)?).is_break() {
                next.store(end, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow::anyhow!("a run panicked"))?)
    })
}

async fn play(seed: u64) -> anyhow::Result<Run> {
    let world = Arc::new(World::new(seed).await?);
    let lambda = Arc::new(Lambda::new(&world));
    let client = Client::new(&world, &lambda)?;
    lambda.start_triggers();
    storm(&world, &client).await;
    world.calm_down();
    come_to_rest(&world, &lambda).await?;
    look(&world, &client).await?;
    let violations = invariants::check(&world);
    let attempts = world.history().messages.iter().map(|message| message.attempts.len()).sum::<usize>();
    world.journal.add("attempts recorded", u64::try_from(attempts)?);
    world.journal.add("requests at receivers", u64::try_from(world.history().requests.len())?);
    let (journal, counts) = world.journal.close();
    Ok(Run { seed, journal, counts, violations })
}

/// All that people do, while things go wrong.
async fn storm(world: &World, client: &Client) {
    let scenario = &world.scenario;
    join_all(EVENT_TYPES.map(|name| client.make_event_type(name))).await;
    let applications = join_all((0..scenario.applications.len()).map(|index| client.make_application(index))).await;
    world.history().applications = applications;
    let application = |index: usize| world.history().applications[index].clone();
    let endpoints = scenario.endpoints.iter().enumerate().map(|(index, plan)| async move {
        if let Some(application) = application(plan.application) {
            client.make_endpoint(index, &application).await;
        }
    });
    let messages = scenario.messages.iter().enumerate().map(|(index, plan)| async move {
        if let Some(application) = application(plan.application) {
            client.publish(index, &application).await;
        }
    });
    let changes = scenario.changes.iter().enumerate().map(|(number, plan)| client.change(plan, number));
    let resends = scenario.resends.iter().enumerate().map(|(number, plan)| client.resend(plan, number));
    let replays = scenario.replays.iter().enumerate().map(|(number, plan)| client.replay(plan, number));
    let again = futures_util::future::join(join_all(resends), join_all(replays));
    futures_util::future::join4(join_all(endpoints), join_all(messages), join_all(changes), again).await;
}

/// Lets time pass until nothing is left to do.
async fn come_to_rest(world: &World, lambda: &Lambda) -> anyhow::Result<()> {
    /// Longer than any schedule, doubled by receivers that ask for it, and stretched by breakers that let one attempt through
    /// in five minutes; by then an endpoint that only fails is disabled.
    const REST_MS_MAX: u64 = 8 * 24 * 3_600 * 1_000;
    /// Between two looks.
    const LOOK_MS: u64 = 20_000;
    let (begun_ms, sqs) = (world.now_ms(), world.sqs());
    while world.now_ms() < begun_ms + REST_MS_MAX {
        let first_due_ms = world.queues.first_due_at().map(|at| world.clock.ms_at(at));
        if let Some(due_ms) = first_due_ms {
            world.clock.sleep_until_ms(u64::try_from(due_ms).unwrap_or(0).max(world.now_ms() + LOOK_MS)).await;
            continue;
        }
        let mut waiting = 0;
        for mapping in &world.plan.mappings {
            waiting += waiting_in(world, &sqs, &mapping.queue).await?;
        }
        if waiting == 0 && lambda.is_idle() {
            world.history().is_at_rest = true;
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(LOOK_MS)).await;
    }
    world.history().ended_ms = world.now_ms();
    world.journal.note("weather", "nothing is left to do");
    Ok(())
}

/// Messages in a queue, visible or not.
async fn waiting_in(world: &World, sqs: &aws_sdk_sqs::Client, queue: &str) -> anyhow::Result<usize> {
    let asked = sqs.get_queue_attributes().queue_url(world.queue_url(queue));
    let found = asked.attribute_names(QueueAttributeName::All).send().await?.attributes.unwrap_or_default();
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    Ok(names.iter().filter_map(|name| found.get(name)?.parse::<usize>().ok()).sum())
}

/// Reads the end of the history: what the API says, and what lies in the dead-letter queue.
async fn look(world: &World, client: &Client) -> anyhow::Result<()> {
    for (index, plan) in world.scenario.messages.iter().enumerate() {
        let application = world.history().applications[plan.application].clone();
        if let Some(application) = application {
            client.look(index, &application).await;
        }
    }
    for index in 0..world.scenario.endpoints.len() {
        client.look_at_endpoint(index).await;
    }
    client.look_at_work().await;
    let sqs = world.sqs();
    for queue in world.plan.queues.iter().filter(|queue| queue.redrive.is_none()) {
        loop {
            let receive = sqs.receive_message().queue_url(world.queue_url(&queue.name)).max_number_of_messages(10);
            let messages = receive.send().await?.messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            let keys = messages.iter().filter_map(|message| TaskKey::read(message.body()?));
            world.history().dead.extend(keys.map(|key| (key.message, key.endpoint)));
        }
    }
    Ok(())
}
