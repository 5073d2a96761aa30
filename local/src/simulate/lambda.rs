//! Lambda: functions in sandboxes, pollers at the queues, and the schedules, all as the template has them.
//!
//! A sandbox is what a function is started in: it makes its door once, works on one invocation at a time, is used again for the
//! next one, and is gone when it dies. What it was doing stops where it stood; its messages come back after their
//! visibility timeout.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use bytes::Bytes;
use fanfare::effects::Clock as _;
use lambda_runtime::Context;
use serde_json::json;
use tokio::sync::Semaphore;

use super::faults::Switch;
use super::history::TaskKey;
use super::world::World;
use crate::functions::{Handler, handler_of};
use crate::template::{FunctionPlan, MappingPlan, SchedulePlan};
use crate::triggers::{batch_event, verdict};

/// A sandbox is given up after this many invocations now and then: Lambda does not say when.
const GIVEN_UP: f64 = 0.05;

/// Pollers look this often even when nothing is known to be there.
const LOOK_MS: u64 = 20 * 60 * 1_000;

/// A sweep is called this often even when nothing is known to be due.
const SWEEP_MS: u64 = 60 * 60 * 1_000;

/// A batch that is handed out late is so by this.
const LATE_MS_MAX: u64 = 20_000;

/// The second of two that were handed the same messages begins this much later.
const APART_MS_MAX: u64 = 2_000;

/// Lambda.
pub(super) struct Lambda {
    world: Arc<World>,
    functions: BTreeMap<String, FunctionPlan>,
    idle: Mutex<BTreeMap<String, Vec<Sandbox>>>,
    made: AtomicUsize,
    running: AtomicUsize,
}

struct Sandbox {
    name: String,
    handler: Box<dyn Handler>,
    switch: Switch,
}

/// Why an invocation gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Died {
    #[error("the sandbox died")]
    Crashed,
    #[error("time was up")]
    TimedOut,
    #[error("{0}")]
    Failed(String),
}

/// One invocation runs as long as this lives.
struct Running<'a>(&'a AtomicUsize);

impl<'a> Running<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lambda {
    pub(super) fn new(world: &Arc<World>) -> Self {
        Self {
            functions: world.plan.functions.iter().map(|plan| (plan.logical_id.clone(), plan.clone())).collect(),
            idle: Mutex::default(),
            made: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            world: Arc::clone(world),
        }
    }

    /// Starts the pollers and the schedules.
    pub(super) fn start_triggers(self: &Arc<Self>) {
        for mapping in self.world.plan.mappings.clone() {
            tokio::spawn(Arc::clone(self).poll(mapping));
        }
        for schedule in self.world.plan.schedules.clone() {
            tokio::spawn(Arc::clone(self).tick(schedule));
        }
    }

    /// Whether nothing is being worked on.
    pub(super) fn is_idle(&self) -> bool {
        self.running.load(Ordering::Relaxed) == 0
    }

    /// Has a function handle an event.
    pub(super) async fn invoke(&self, function: &str, event: Bytes) -> Result<Bytes, Died> {
        let _running = Running::new(&self.running);
        let world = &*self.world;
        let plan = self.functions.get(function).ok_or_else(|| Died::Failed(format!("no function {function}")))?;
        let sandbox = self.sandbox(plan).map_err(|error| Died::Failed(format!("{error:#}")))?;
        let death = world.happens(world.weather().crash_between);
        let death = death.then(|| Duration::from_millis(world.faults.between(0, 5_000)));
        let dies = async {
            match death {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
        };
        let mut context = Context::default();
        let deadline = world.clock.now().as_millis() + i64::try_from(plan.timeout.as_millis()).unwrap_or(0);
        context.deadline = u64::try_from(deadline).unwrap_or_default();
        let handled = tokio::select! {
            biased;
            () = sandbox.switch.pulled() => Err(Died::Crashed),
            handled = tokio::time::timeout(plan.timeout, sandbox.handler.handle(event, context)) => match handled {
                Err(_) => Err(Died::TimedOut),
                Ok(answer) => Ok(answer.map_err(|error| Died::Failed(error.to_string()))),
            },
            () = dies => {
                world.journal.count("crashes", &sandbox.name, "dies between two calls");
                Err(Died::Crashed)
            }
        };
        match handled {
            Ok(answer) => {
                if !world.happens(GIVEN_UP) {
                    self.give_back(plan, sandbox);
                }
                answer
            }
            Err(died) => {
                world.journal.note(&sandbox.name, format_args!("is gone: {died}"));
                Err(died)
            }
        }
    }

    fn sandbox(&self, plan: &FunctionPlan) -> anyhow::Result<Sandbox> {
        let idle =
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&plan.logical_id).and_then(Vec::pop);
        if let Some(sandbox) = idle {
            return Ok(sandbox);
        }
        let name = format!("{}#{}", plan.binary, self.made.fetch_add(1, Ordering::Relaxed));
        let switch = Switch::new();
        let platform = self.world.platform(plan, &name, &switch)?;
        let handler = handler_of(&plan.binary, &platform).with_context(|| format!("no handler for {}", plan.binary))?;
        self.world.journal.add("sandboxes", 1);
        Ok(Sandbox { name, handler, switch })
    }

    fn give_back(&self, plan: &FunctionPlan, sandbox: Sandbox) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.entry(plan.logical_id.clone()).or_default().push(sandbox);
    }

    /// Brings messages of a queue to its function.
    async fn poll(self: Arc<Self>, mapping: MappingPlan) {
        let world = &*self.world;
        let most = mapping.concurrency_max.min(world.scenario.concurrency_max);
        let (free, sqs) = (Arc::new(Semaphore::new(most)), world.sqs());
        let mapping = Arc::new(mapping);
        while let Ok(permit) = Arc::clone(&free).acquire_owned().await {
            self.wait_for_messages(&mapping.queue).await;
            let messages = self.receive(&sqs, &mapping).await;
            if messages.is_empty() {
                continue;
            }
            let copy = world.happens(world.weather().duplicate).then(|| messages.clone());
            if let Some(copy) = copy {
                world.journal.count(
                    "messages handed out twice",
                    "queue",
                    format_args!("{} messages, twice", copy.len()),
                );
                let (this, sqs, mapping) = (Arc::clone(&self), sqs.clone(), Arc::clone(&mapping));
                let apart = Duration::from_millis(world.faults.between(0, APART_MS_MAX));
                tokio::spawn(async move {
                    tokio::time::sleep(apart).await;
                    this.work(&sqs, &mapping, copy).await;
                });
            }
            let (this, sqs, mapping) = (Arc::clone(&self), sqs.clone(), Arc::clone(&mapping));
            tokio::spawn(async move {
                this.work(&sqs, &mapping, messages).await;
                drop(permit);
            });
        }
    }

    async fn wait_for_messages(&self, queue: &str) {
        let (world, limit_ms) = (&*self.world, self.world.now_ms() + LOOK_MS);
        loop {
            let next_ms = world.queues.next_look_ms(queue).unwrap_or(limit_ms).min(limit_ms);
            if next_ms <= world.now_ms() {
                break;
            }
            tokio::select! {
                biased;
                () = world.queues.changed() => {}
                () = world.clock.sleep_until_ms(next_ms) => {}
            }
        }
        world.queues.looking(queue, world.now_ms());
    }

    async fn receive(&self, sqs: &aws_sdk_sqs::Client, mapping: &MappingPlan) -> Vec<Message> {
        let world = &*self.world;
        let count = world.faults.between(1, u64::try_from(mapping.batch_size).unwrap_or(1));
        let receive = sqs.receive_message().queue_url(world.queue_url(&mapping.queue));
        let receive = receive.max_number_of_messages(i32::try_from(count).unwrap_or(1));
        let received = receive.message_system_attribute_names(MessageSystemAttributeName::All).send().await;
        let mut messages = received.map(|received| received.messages.unwrap_or_default()).unwrap_or_default();
        if messages.is_empty() {
            return messages;
        }
        // There may be more, and these may come back.
        world.queues.look_at(&mapping.queue, world.now_ms());
        let plan = world.plan.queues.iter().find(|plan| plan.name == mapping.queue);
        let visibility_ms = plan.map_or(0, |plan| u64::from(plan.visibility_s) * 1_000);
        world.queues.look_at(&mapping.queue, world.now_ms() + visibility_ms);
        // A standard queue keeps no order.
        for index in (1..messages.len()).rev() {
            messages.swap(index, world.faults.index(index + 1));
        }
        messages
    }

    async fn work(&self, sqs: &aws_sdk_sqs::Client, mapping: &MappingPlan, messages: Vec<Message>) {
        let _running = Running::new(&self.running);
        let world = &*self.world;
        if world.happens(world.weather().delayed) {
            let ms = world.faults.between(1, LATE_MS_MAX);
            world.journal.count("batches handed out late", "queue", format_args!("a batch, {ms} ms late"));
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        for message in &messages {
            if let Some(key) = TaskKey::read(message.body().unwrap_or_default()) {
                world.history().queued.entry(key).or_default().handed_out += 1;
            }
        }
        let arn = format!("arn:aws:sqs:{}:{}:{}", world.place.region, world.place.account, mapping.queue);
        let Ok(event) = batch_event(&messages, &arn, &world.place.region) else { return };
        let Ok(answer) = self.invoke(&mapping.function, event).await else { return };
        let ids: Vec<&str> = messages.iter().filter_map(Message::message_id).collect();
        let kept = match verdict::of(&answer, mapping.reports_failures, &ids) {
            verdict::Verdict::NothingDone(_) => return,
            verdict::Verdict::DoneBut(kept) => kept,
        };
        if !kept.is_empty() {
            world.journal.count(
                "messages handed back",
                "queue",
                format_args!("{} of {} come back", kept.len(), ids.len()),
            );
        }
        if world.happens(world.weather().undeleted) {
            world.journal.count("messages not deleted", "queue", format_args!("{} messages not deleted", ids.len()));
            return;
        }
        let is_done = |message: &&Message| message.message_id().is_none_or(|id| !kept.contains(id));
        let entries = messages.iter().filter(is_done).enumerate().filter_map(|(index, message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
            entry.receipt_handle(message.receipt_handle()?).build().ok()
        });
        let entries: Vec<_> = entries.collect();
        if !entries.is_empty() {
            let url = world.queue_url(&mapping.queue);
            // What is not deleted comes back, as on AWS.
            let _ = sqs.delete_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
        }
    }

    /// Calls a function regularly. A tick with nothing to do is left out, as far as that can be seen on the wire.
    async fn tick(self: Arc<Self>, schedule: SchedulePlan) {
        let world = &*self.world;
        let period_ms = u64::try_from(schedule.period.as_millis()).unwrap_or(u64::MAX);
        let mut last_ms = 0;
        loop {
            world.clock.sleep_until_ms((world.now_ms() / period_ms + 1) * period_ms).await;
            let now = world.clock.now();
            let horizon = now.plus_millis(i64::try_from(period_ms).unwrap_or(i64::MAX));
            let is_due = world.queues.first_due_at().is_some_and(|at| at <= horizon);
            if !is_due && world.now_ms() < last_ms + SWEEP_MS {
                continue;
            }
            last_ms = world.now_ms();
            let event = Bytes::from(json!({ "source": "aws.scheduler" }).to_string());
            // A call that failed is not repeated: the next one comes by itself.
            let _ = self.invoke(&schedule.function, event).await;
        }
    }
}
