//! Delivering: one HTTP attempt, recorded, and what follows from it.
//!
//! Recorded first, then queued. Why it may run twice, and be cut short anywhere:
//! - Before the record, the task is still in the queue and comes again: the receiver may get the message twice, under the
//!   same `webhook-id`.
//! - Between the record and the next step, the task comes again too. A task that may be a repeat looks for its attempt
//!   first, and takes the step that the record says, for the delivery and for its endpoint, instead of sending again.
//! - The next step twice is a retry queued twice; the second one finds the first one's attempt.
//!
//! A receiver in trouble, one with a rate limit, or one that wants messages in order may have to wait: the task is queued again for
//! later, then the old one is forgotten. Queued twice it is two tasks, of which the second finds the first one's attempt. What
//! decides is in `admission`, what an attempt teaches about its receiver in `signs`.
//!
//! An endpoint or message that is gone, disabled or expired ends the delivery without an attempt; when that is not what somebody
//! asked for just so, with a record that says it. So does a payload that was
//! removed, wherever that can be seen for nothing: a task without the payload meets the message's record, one that may be a
//! repeat (every retry is) meets the mark beside the attempts. Only a first attempt that is in the queue with its payload at
//! that moment is made all the same; looking before each of them would double what deliveries read.

mod admission;
mod signs;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::Semaphore;

use self::admission::{Admission, Admitted, Postponement, Recipient};
use super::audit::Audit;
use super::lines::Lines;
use super::undelivered;
use super::waiting::queue_at;
use crate::config::Platform;
use crate::domain::attempt::{Attempt, Outcome, Trigger};
use crate::domain::audit::{Author, Changed, Operation};
use crate::domain::delivery::{DeliveryTask, NextStep, next_step};
use crate::domain::endpoint::{DisabledBecause, Endpoint};
use crate::domain::gate::WaitBecause;
use crate::domain::ids::{AppScope, AttemptId};
use crate::domain::ksuid::STEP_MS;
use crate::domain::legacy_signature::{Signed, legacy_headers};
use crate::domain::message::Payload;
use crate::domain::operational::OperationalEvent;
use crate::domain::schedule::RetrySchedule;
use crate::domain::signature::signature_header;
use crate::domain::timestamp::{MS_PER_DAY, Timestamp};
use crate::domain::undelivered::UndeliveredBecause;
use crate::effects::Effects;
use crate::fault::Fault;
use crate::flows::Payloads;
use crate::queue::{DeliveryQueue, JobQueue};
use crate::sender::{Outbound, Sender, SenderSettings};
use crate::store::{MessageRef, Past, Store, Turn};
use crate::telemetry::{Metric, Metrics, StepEnd, in_trace, step};

/// Attempts of one batch that are made at one time, whatever the queue brings.
const ATTEMPTS_AT_ONCE_MAX: usize = 10;

/// How much longer than the receiver has an attempt may be under way: for what is read and written around it.
const ATTEMPT_MARGIN_MS: i64 = 2_000;

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct Deliver {
    store: Store,
    queue: DeliveryQueue,
    jobs: JobQueue,
    payloads: Payloads,
    sender: Sender,
    effects: Effects,
    audit: Audit,
    lines: Lines,
    metrics: Metrics,
    schedule: RetrySchedule,
    disable_after_ms: i64,
    has_breaker: bool,
    /// Longer than this no attempt is under way.
    attempt_ms_max: i64,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// An attempt was made; this follows.
    Attempted(NextStep),
    /// No attempt was made: it had been made before, or the receiver has the message already.
    MadeBefore {
        /// Whether another attempt is planned.
        goes_on: bool,
    },
    /// It comes again later.
    Postponed(WaitBecause),
    /// There is nobody to deliver to, or nothing to deliver.
    Dropped(Reason),
}

/// Why a delivery ended without an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The endpoint was deleted.
    EndpointDeleted,
    /// The endpoint is disabled.
    EndpointDisabled,
    /// The message is gone: it expired.
    MessageExpired,
    /// The message's deadline passed.
    DeadlinePassed,
    /// The message was called off.
    MessageCanceled,
    /// The message's payload was removed.
    PayloadExpunged,
}

impl Ended {
    /// Whether the delivery goes on, in a task of its own.
    fn goes_on(self) -> bool {
        match self {
            Self::Attempted(next) => matches!(next, NextStep::Retry { .. }),
            Self::MadeBefore { goes_on } => goes_on,
            Self::Postponed(_) => true,
            Self::Dropped(_) => false,
        }
    }
}

impl Reason {
    /// What is put on record. Who deletes, calls off or removes something knows that it is not delivered.
    fn on_record(self) -> Option<UndeliveredBecause> {
        match self {
            Self::EndpointDisabled => Some(UndeliveredBecause::EndpointDisabled),
            Self::DeadlinePassed => Some(UndeliveredBecause::DeadlinePassed),
            Self::EndpointDeleted | Self::MessageExpired | Self::MessageCanceled | Self::PayloadExpunged => None,
        }
    }
}

impl Deliver {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        let settings = &platform.settings;
        let store = Store::new(&platform.sdk, &settings.table, &platform.keys);
        let queue = DeliveryQueue::new(&platform.sdk, &settings.delivery_queue_url, &platform.keys);
        let sender = SenderSettings {
            request_timeout_ms: settings.request_timeout_ms,
            allowed_subnets: settings.allowed_subnets.clone(),
            https_only: settings.https_only,
        };
        Self {
            lines: Lines::new(&store, &queue),
            payloads: Payloads::new(platform, &store),
            store,
            queue,
            jobs: JobQueue::new(&platform.sdk, &settings.job_queue_url),
            sender: Sender::new(&sender, platform.network.clone()),
            effects: platform.effects.clone(),
            audit: Audit::new(platform),
            metrics: platform.telemetry.metrics(),
            schedule: settings.retry_schedule.clone(),
            disable_after_ms: i64::from(settings.disable_after_days) * MS_PER_DAY,
            has_breaker: settings.circuit_breaker,
            attempt_ms_max: i64::from(settings.request_timeout_ms) + ATTEMPT_MARGIN_MS,
        }
    }

    /// Delivers a batch of tasks to their endpoints, and reports how each ended, by its index, as soon as it has. A fault that
    /// comes back itself is one of the whole batch.
    pub async fn run(
        &self,
        tasks: Vec<DeliveryTask>,
        report: impl Fn(usize, Result<Ended, Fault>) + Sync,
    ) -> Result<(), Fault> {
        let groups = self.admit(tasks).await?;
        let at_once = Semaphore::new(ATTEMPTS_AT_ONCE_MAX);
        let groups = groups.into_iter().map(|group| self.run_group(group, &at_once, &report));
        futures_util::future::join_all(groups).await;
        Ok(())
    }

    /// Delivers the tasks of one endpoint, at once.
    async fn run_group(
        &self,
        group: Vec<Admitted>,
        at_once: &Semaphore,
        report: &(impl Fn(usize, Result<Ended, Fault>) + Sync),
    ) {
        let whose = group.first().and_then(|first| Some((first.task.scope, first.recipient.clone()?)));
        let deliveries = stream::iter(group).map(|admitted| async move {
            // Never closed: there is always a permit to come.
            let _permit = at_once.acquire().await;
            let (index, trace) = (admitted.index, admitted.task.trace);
            in_trace(trace, async { report(index, self.run_one(admitted).await) }).await;
        });
        let all = deliveries.buffer_unordered(ATTEMPTS_AT_ONCE_MAX).for_each(|()| std::future::ready(()));
        match whose {
            Some((scope, recipient)) => self.holding_a_place(&scope, &recipient, all).await,
            None => all.await,
        }
    }

    async fn run_one(&self, admitted: Admitted) -> Result<Ended, Fault> {
        let Admitted { task, recipient, admission, .. } = admitted;
        let ended = match (admission, recipient) {
            (Admission::Failed(fault), _) => return Err(fault),
            (Admission::Postpone(postponement), _) => self.postpone(&task, postponement).await?,
            (Admission::End(reason), _) => Ended::Dropped(reason),
            (Admission::Go { .. }, None) => Ended::Dropped(Reason::EndpointDeleted),
            (Admission::Go { is_probe }, Some(recipient)) => self.go(&task, &recipient, is_probe).await?,
        };
        if let Ended::Dropped(reason) = ended
            && let Some(because) = reason.on_record()
        {
            undelivered::record(&self.store, &task, because, self.effects.now()).await?;
        }
        if let (Some(place), false) = (&task.place, ended.goes_on()) {
            self.lines.leave(&task, place).await?;
        }
        Ok(ended)
    }

    async fn go(&self, task: &DeliveryTask, recipient: &Recipient, is_probe: bool) -> Result<Ended, Fault> {
        if let Some(place) = &task.place {
            let now = self.effects.now();
            match self.store.take_turn(task, place, now.plus_millis(self.attempt_ms_max), now).await? {
                Turn::Yours => {}
                Turn::Over => return Ok(Ended::MadeBefore { goes_on: false }),
                Turn::Taken => return self.postpone(task, self.soon(task, WaitBecause::Order)).await,
            }
        }
        if task.is_repeat
            && let Some(ended) = self.look_back(task, recipient).await?
        {
            return Ok(ended);
        }
        match self.payload(task).await? {
            // It was in time when it was admitted; what was read since may have taken a while.
            Ok(_) if task.is_too_late(self.effects.now()) => Ok(Ended::Dropped(Reason::DeadlinePassed)),
            Ok(payload) => self.attempt(task, recipient, payload, is_probe).await,
            Err(reason) => Ok(Ended::Dropped(reason)),
        }
    }

    /// Has a task come again later, in place of the one that is in hand.
    async fn postpone(&self, task: &DeliveryTask, postponement: Postponement) -> Result<Ended, Fault> {
        let Postponement { at, because, granted } = postponement;
        tracing::debug!(message.id = %task.message, endpoint.id = %task.endpoint, because = ?because, "postponed");
        self.queue_for(task.postponed(granted), at).await?;
        self.metrics.count(Metric::DeliveriesPostponed, 1);
        Ok(Ended::Postponed(because))
    }

    /// Whether the attempt needs no making: it was made before, or a retry finds that the receiver has the message by now,
    /// because somebody had it resent.
    async fn look_back(&self, task: &DeliveryTask, recipient: &Recipient) -> Result<Option<Ended>, Fault> {
        let Past { mut attempts, is_expunged, .. } = self.store.past_of(&task.scope, &task.message).await?;
        attempts.retain(|attempt| attempt.endpoint == task.endpoint);
        let is_it = |attempt: &&Attempt| (attempt.number, attempt.trigger) == (task.number, task.trigger);
        if let Some(made) = attempts.iter().find(is_it) {
            // Where a later attempt is on record, whoever made it goes on from there; but a place in line is left by its own task.
            let is_later = |later: &Attempt| later.trigger == made.trigger && later.number > made.number;
            let goes_on_elsewhere = task.place.is_none() && attempts.iter().any(is_later);
            if !is_expunged && !goes_on_elsewhere {
                self.follow_up(task, made.next_attempt_at, task.payload.clone()).await?;
            }
            // What its owner did since (a new address, enabled again) counts for more than an old attempt, whose
            // identifier tells its time rounded down.
            if made.id.timestamp().plus_millis(STEP_MS) > recipient.endpoint.updated_at {
                self.note_health(&task.scope, recipient, made, step_of(made), self.effects.now()).await?;
            }
            self.tell(&task.scope, recipient, made).await?;
            return Ok(Some(Ended::MadeBefore { goes_on: made.next_attempt_at.is_some() && !is_expunged }));
        }
        if is_expunged {
            return Ok(Some(Ended::Dropped(Reason::PayloadExpunged)));
        }
        let has_it = attempts.iter().any(|attempt| attempt.outcome.is_success());
        Ok((has_it && task.trigger == Trigger::Scheduled).then_some(Ended::MadeBefore { goes_on: false }))
    }

    /// What is to be sent, or why there is nothing.
    async fn payload(&self, task: &DeliveryTask) -> Result<Result<Payload, Reason>, Fault> {
        if let Some(payload) = &task.payload {
            return Ok(Ok(payload.clone()));
        }
        match self.store.message(&task.scope, &MessageRef::Id(task.message)).await? {
            Some(message) if message.is_canceled => Ok(Err(Reason::MessageCanceled)),
            Some(message) => Ok(self.payloads.of(&task.scope, &message).await?.ok_or(Reason::PayloadExpunged)),
            None => Ok(Err(Reason::MessageExpired)),
        }
    }

    async fn attempt(
        &self,
        task: &DeliveryTask,
        recipient: &Recipient,
        payload: Payload,
        is_probe: bool,
    ) -> Result<Ended, Fault> {
        let endpoint = &*recipient.endpoint;
        let begun_at = self.effects.now();
        let sent = self.send(task, endpoint, &payload, begun_at);
        let sent = step("attempt", sent, |sent| told(task, &sent.outcome)).await;
        let now = self.effects.now();
        let jitter = self.effects.random.fraction();
        let next = next_step(&sent.outcome, task.number, task.trigger, &recipient.schedule, jitter);
        let next = next.within(now, task.deliver_before);
        let next_attempt_at = match next {
            NextStep::Retry { delay_ms } => Some(now.plus_millis(i64::try_from(delay_ms).unwrap_or(i64::MAX))),
            NextStep::Done | NextStep::GiveUp | NextStep::EndpointGone => None,
        };
        let attempt = Attempt {
            id: AttemptId::new(begun_at, self.effects.random.id_tail()),
            message: task.message,
            endpoint: task.endpoint,
            url: endpoint.url.to_string(),
            number: task.number,
            trigger: task.trigger,
            outcome: sent.outcome,
            duration_ms: sent.duration_ms,
            next_attempt_at,
            event_type: task.event_type.clone(),
            channels: task.channels.clone(),
            tags: task.tags.clone(),
            is_expunged: false,
        };
        log(&attempt, next);
        self.count(task, &attempt, next, begun_at);
        self.store.record_attempt(&task.scope, &attempt, task.expires_at).await?;
        self.follow_up(task, next_attempt_at, Some(payload)).await?;
        self.note_sign(&task.scope, recipient, &attempt.outcome, is_probe).await;
        self.note_health(&task.scope, recipient, &attempt, next, now).await?;
        self.tell(&task.scope, recipient, &attempt).await?;
        Ok(Ended::Attempted(next))
    }

    fn count(&self, task: &DeliveryTask, attempt: &Attempt, next: NextStep, begun_at: Timestamp) {
        self.metrics.note(Metric::AttemptLatency, u64::from(attempt.duration_ms));
        // What waited on purpose (its own time, a limit, an earlier try of ours) is a repeat.
        if task.number == 1 && !task.is_repeat {
            let delay_ms = begun_at.millis_since(task.message.timestamp());
            self.metrics.note(Metric::DeliveryDelay, u64::try_from(delay_ms).unwrap_or(0));
        }
        match next {
            NextStep::Done => self.metrics.count(Metric::DeliveriesSucceeded, 1),
            NextStep::Retry { .. } => self.metrics.count(Metric::AttemptsFailed, 1),
            NextStep::GiveUp | NextStep::EndpointGone => {
                self.metrics.count(Metric::AttemptsFailed, 1);
                self.metrics.count(Metric::DeliveriesExhausted, u64::from(task.trigger == Trigger::Scheduled));
            }
        }
    }

    async fn send(
        &self,
        task: &DeliveryTask,
        endpoint: &Endpoint,
        payload: &Payload,
        at: Timestamp,
    ) -> crate::sender::Sent {
        let body = payload.as_str().as_bytes();
        let signature = signature_header(endpoint.secrets.valid_at(at), &task.message, at, body);
        let signed = Signed { id: &task.message, at, body, standard: &signature };
        let legacy = legacy_headers(&endpoint.legacy_signatures, &endpoint.secrets, signed);
        let request = Outbound {
            url: &endpoint.url,
            id: &task.message,
            at,
            signature: &signature,
            legacy: &legacy,
            headers: &endpoint.headers,
            original: &task.headers,
            body: bytes::Bytes::copy_from_slice(body),
        };
        self.sender.send(request).await
    }

    /// Sees to it that the next attempt will be made.
    async fn follow_up(
        &self,
        task: &DeliveryTask,
        next_attempt_at: Option<Timestamp>,
        payload: Option<Payload>,
    ) -> Result<(), Fault> {
        match next_attempt_at {
            Some(at) => self.queue_for(task.next(payload), at).await,
            None => Ok(()),
        }
    }

    /// Has a task come at its time.
    async fn queue_for(&self, task: DeliveryTask, at: Timestamp) -> Result<(), Fault> {
        queue_at(&self.store, &self.queue, vec![task], at, self.effects.now()).await
    }

    /// Keeps the endpoint's state: since when it fails, and that it is disabled when it has failed for too long or said
    /// that it is gone. Only changes are written.
    async fn note_health(
        &self,
        scope: &AppScope,
        recipient: &Recipient,
        attempt: &Attempt,
        next: NextStep,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let endpoint = &*recipient.endpoint;
        let because = match (next, endpoint.failing_since) {
            (NextStep::EndpointGone, _) => DisabledBecause::Gone,
            (NextStep::Done, Some(_)) => return self.store.note_succeeding(scope, &endpoint.id).await,
            (NextStep::Done, None) => return Ok(()),
            (NextStep::Retry { .. } | NextStep::GiveUp, None) => {
                return self.store.note_failing(scope, &endpoint.id, now).await;
            }
            (NextStep::Retry { .. } | NextStep::GiveUp, Some(since)) => {
                if now.millis_since(since) < self.disable_after_ms {
                    return Ok(());
                }
                DisabledBecause::Failing
            }
        };
        tracing::warn!(endpoint.id = %endpoint.id, because = ?because, "endpoint disabled");
        // Told first: cut short in between, the task comes again and finds an endpoint that is still to be disabled.
        self.jobs.announce(&OperationalEvent::endpoint_given_up(recipient.whose(scope), endpoint, attempt)).await?;
        let disabled = Endpoint { disabled: Some(because), ..endpoint.clone() };
        let changed = Changed::between(endpoint, &disabled).within(scope.application);
        let change = self.audit.of(&Author::gateway(scope.organization), Operation::EndpointDisable, changed);
        self.store.disable_endpoint(scope, endpoint, because, &change).await?;
        self.metrics.count(Metric::EndpointsDisabled, 1);
        Ok(())
    }

    /// Tells the organization what an attempt came to, if that is something to tell.
    async fn tell(&self, scope: &AppScope, recipient: &Recipient, attempt: &Attempt) -> Result<(), Fault> {
        match OperationalEvent::of_attempt(recipient.whose(scope), attempt, None) {
            Some(event) => self.jobs.announce(&event).await,
            None => Ok(()),
        }
    }
}

/// The step that was decided when the attempt was made; how long ago its delay began does not matter any more.
fn step_of(made: &Attempt) -> NextStep {
    match (&made.outcome, made.next_attempt_at) {
        (outcome, _) if outcome.is_success() => NextStep::Done,
        (Outcome::Answered { status: 410, .. }, _) => NextStep::EndpointGone,
        (_, Some(_)) => NextStep::Retry { delay_ms: 0 },
        (_, None) => NextStep::GiveUp,
    }
}

/// What the span of an attempt says.
fn told(task: &DeliveryTask, outcome: &Outcome) -> StepEnd {
    let mut attributes = vec![
        ("message.id", serde_json::json!(task.message)),
        ("endpoint.id", serde_json::json!(task.endpoint)),
        ("attempt.number", task.number.into()),
    ];
    if let Outcome::Answered { status, .. } = outcome {
        attributes.push(("http.response.status_code", (*status).into()));
    }
    StepEnd { attributes, has_failed: !outcome.is_success() }
}

fn log(attempt: &Attempt, next: NextStep) {
    let status = attempt.outcome.status_code();
    let problem = match &attempt.outcome {
        Outcome::Answered { .. } => "",
        Outcome::TimedOut { .. } => "timeout",
        Outcome::Unreachable { .. } => "unreachable",
        Outcome::Forbidden { .. } => "forbidden",
    };
    tracing::debug!(
        message.id = %attempt.message,
        endpoint.id = %attempt.endpoint,
        attempt.number = attempt.number,
        duration_ms = attempt.duration_ms,
        status,
        problem,
        next = ?next,
        "attempt made"
    );
}
