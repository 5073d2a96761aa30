//! Which tasks of a batch are attempted now. Decided for all of them together, from one read: so a rate limit is asked once for
//! each endpoint, and of several that meet a half-open breaker one probes.
//!
//! What is asked of the gates here may be done twice or for nothing: a probe that nobody makes is over when its time is, and
//! slots of a rate limit that nobody uses are lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Deliver, Reason};
use crate::domain::application::Application;
use crate::domain::delivery::{DeliveryTask, Granted};
use crate::domain::endpoint::Endpoint;
use crate::domain::gate::{Gate, Pass, WaitBecause, come_again_at, interval_us};
use crate::domain::ids::{AppScope, EndpointId};
use crate::domain::operational::Whose;
use crate::domain::schedule::RetrySchedule;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::store::Recipients;

/// What is to be done with a task.
#[derive(Debug)]
pub(super) enum Admission {
    /// Make its attempt.
    Go {
        /// Whether it is the one attempt that a half-open breaker lets through.
        is_probe: bool,
    },
    /// Make it later.
    Postpone(Postponement),
    /// It is over.
    End(Reason),
    /// It could not be decided.
    Failed(Fault),
}

/// When a task is to come again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Postponement {
    pub(super) at: Timestamp,
    pub(super) because: WaitBecause,
    /// The limits that granted it for then.
    pub(super) granted: Granted,
}

/// What a task's attempt needs to know of its endpoint.
#[derive(Clone)]
pub(super) struct Recipient {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) gate: Arc<Gate>,
    pub(super) schedule: Arc<RetrySchedule>,
    application: Option<Arc<Application>>,
}

impl Recipient {
    /// Whose it is, as operational events tell it.
    pub(super) fn whose<'a>(&'a self, scope: &'a AppScope) -> Whose<'a> {
        match &self.application {
            Some(application) => Whose::of(scope, application),
            None => Whose::from(scope),
        }
    }
}

/// A task, what is known of its endpoint unless that is gone, and what is to be done.
pub(super) struct Admitted {
    pub(super) index: usize,
    pub(super) task: DeliveryTask,
    pub(super) recipient: Option<Recipient>,
    pub(super) admission: Admission,
}

impl Deliver {
    /// Decides for a batch; what comes back is grouped by endpoint.
    pub(super) async fn admit(&self, tasks: Vec<DeliveryTask>) -> Result<Vec<Vec<Admitted>>, Fault> {
        let recipients = self.store.recipients(tasks.iter().map(|task| (task.scope, task.endpoint))).await?;
        let mut groups: BTreeMap<(AppScope, EndpointId), Vec<(usize, DeliveryTask)>> = BTreeMap::new();
        for (index, task) in tasks.into_iter().enumerate() {
            groups.entry((task.scope, task.endpoint)).or_default().push((index, task));
        }
        let admit = groups.into_iter().map(|((scope, id), tasks)| self.admit_group(&recipients, scope, id, tasks));
        let mut groups = futures_util::future::join_all(admit).await;
        self.ask_applications(&recipients, &mut groups).await;
        Ok(groups)
    }

    async fn admit_group(
        &self,
        recipients: &Recipients,
        scope: AppScope,
        id: EndpointId,
        tasks: Vec<(usize, DeliveryTask)>,
    ) -> Vec<Admitted> {
        let now = self.effects.now();
        let endpoint = recipients.endpoint(&scope, &id);
        let recipient = endpoint.map(|endpoint| Recipient {
            schedule: Arc::new(self.schedule_of(recipients, &scope, endpoint)),
            endpoint: Arc::new(endpoint.clone()),
            gate: Arc::new(recipients.gate(&scope, &id)),
            application: recipients.application(&scope).cloned().map(Arc::new),
        });
        let mut group: Vec<Admitted> = tasks
            .into_iter()
            .map(|(index, task)| {
                let admission = first_look(&task, endpoint, now);
                Admitted { index, task, recipient: recipient.clone(), admission }
            })
            .collect();
        if let Some(recipient) = recipient {
            self.ask_gate(&scope, &recipient, &mut group, now).await;
            self.ask_endpoint_limit(&scope, &recipient, &mut group, now).await;
        }
        group
    }

    fn schedule_of(&self, recipients: &Recipients, scope: &AppScope, endpoint: &Endpoint) -> RetrySchedule {
        let of_application =
            || recipients.application(scope).and_then(|application| application.retry_schedule.clone());
        endpoint.retry_schedule.clone().or_else(of_application).unwrap_or_else(|| self.schedule.clone())
    }

    /// Keeps back what the gate does not let through.
    async fn ask_gate(&self, scope: &AppScope, recipient: &Recipient, group: &mut [Admitted], now: Timestamp) {
        if !self.has_breaker {
            return;
        }
        let mut waiting: Vec<&mut Admitted> = group.iter_mut().filter(|admitted| admitted.asks_gate()).collect();
        match recipient.gate.pass(now) {
            Pass::Free => {}
            Pass::Wait { until, because } => {
                for admitted in waiting {
                    admitted.postpone(now, until, because, self.effects.random.fraction());
                }
            }
            Pass::Probe => {
                if !waiting.is_empty() && self.is_ours_to_probe(scope, recipient, now).await {
                    waiting.remove(0).admission = Admission::Go { is_probe: true };
                }
                for admitted in waiting {
                    admitted.postpone(now, now, WaitBecause::Breaker, self.effects.random.fraction());
                }
            }
        }
    }

    async fn is_ours_to_probe(&self, scope: &AppScope, recipient: &Recipient, now: Timestamp) -> bool {
        let (id, breaker) = (recipient.endpoint.id, &recipient.gate.breaker);
        match self.store.claim_probe(scope, &id, breaker, now.plus_millis(self.attempt_ms_max), now).await {
            Ok(is_ours) => {
                if is_ours {
                    tracing::info!(endpoint.id = %id, "the circuit breaker is half-open: one attempt probes");
                }
                is_ours
            }
            Err(fault) => {
                tracing::warn!(endpoint.id = %id, error = fault.chain(), "a probe could not be taken on");
                false
            }
        }
    }

    /// Takes what is left out of the endpoint's rate limit.
    async fn ask_endpoint_limit(
        &self,
        scope: &AppScope,
        recipient: &Recipient,
        group: &mut [Admitted],
        now: Timestamp,
    ) {
        let (endpoint, gate) = (&recipient.endpoint, &recipient.gate);
        let Some(interval_us) = gate.interval_us(endpoint.rate_limit, now) else { return };
        let count = group.iter().filter(|admitted| admitted.asks_endpoint()).count();
        if count == 0 {
            return;
        }
        let grant = self.store.grant(scope, &endpoint.id, interval_us, count, now).await;
        let by = |granted: Granted| Granted { by_endpoint: true, ..granted };
        self.apply(grant, group.iter_mut().filter(|admitted| admitted.asks_endpoint()), by, now);
    }

    /// Takes what is left out of the rate limits of the applications.
    async fn ask_applications(&self, recipients: &Recipients, groups: &mut [Vec<Admitted>]) {
        let now = self.effects.now();
        let mut counts: BTreeMap<AppScope, (i64, usize)> = BTreeMap::new();
        for admitted in groups.iter().flatten().filter(|admitted| admitted.asks_application()) {
            let limit = recipients.application(&admitted.task.scope).and_then(|application| application.rate_limit);
            if let Some(interval_us) = interval_us(limit) {
                counts.entry(admitted.task.scope).or_insert((interval_us, 0)).1 += 1;
            }
        }
        for (scope, (interval_us, count)) in counts {
            let grant = self.store.grant_of_application(&scope, interval_us, count, now).await;
            let asking = groups.iter_mut().flatten().filter(|admitted| admitted.asks_application());
            let of_it = asking.filter(|admitted| admitted.task.scope == scope);
            // What it asked of its endpoint before counts on.
            let by = |_| Granted { by_application: true, by_endpoint: true };
            self.apply(grant, of_it, by, now);
        }
    }

    /// Lets go what a limit grants for now, and postpones the rest to its time.
    fn apply<'a>(
        &self,
        grant: Result<crate::domain::gate::Grant, Fault>,
        asking: impl Iterator<Item = &'a mut Admitted>,
        by: impl Fn(Granted) -> Granted,
        now: Timestamp,
    ) {
        let grant = grant.map_err(Arc::new);
        for (nth, admitted) in asking.enumerate() {
            match &grant {
                Err(fault) => {
                    admitted.admission = Admission::Failed(Fault::shared("asking a rate limit", Arc::clone(fault)));
                }
                Ok(grant) if grant.at(nth) <= now => {}
                Ok(grant) => {
                    let jitter_ms = (grant.interval_us / 1_000) as f64 * self.effects.random.fraction();
                    admitted.admission = Admission::Postpone(Postponement {
                        at: grant.at(nth).plus_millis(jitter_ms as i64),
                        because: WaitBecause::Rate,
                        granted: by(admitted.task.granted),
                    });
                }
            }
        }
    }
}

impl Admitted {
    fn is_going(&self) -> bool {
        matches!(self.admission, Admission::Go { .. })
    }

    /// Whether the gate is asked: a person who asked for an attempt does not wait.
    fn asks_gate(&self) -> bool {
        self.is_going() && !self.task.is_urgent
    }

    fn asks_endpoint(&self) -> bool {
        self.asks_gate() && !self.task.granted.by_endpoint
    }

    fn asks_application(&self) -> bool {
        self.asks_gate() && !self.task.granted.by_application
    }

    fn postpone(&mut self, now: Timestamp, until: Timestamp, because: WaitBecause, jitter: f64) {
        let at = come_again_at(now, until, self.task.postponed, jitter);
        // What a limit had granted was for now.
        self.admission = Admission::Postpone(Postponement { at, because, granted: Granted::default() });
    }
}

/// What can be said without the gate.
fn first_look(task: &DeliveryTask, endpoint: Option<&Endpoint>, now: Timestamp) -> Admission {
    let Some(endpoint) = endpoint else { return Admission::End(Reason::EndpointDeleted) };
    if endpoint.disabled.is_some() {
        return Admission::End(Reason::EndpointDisabled);
    }
    if task.expires_at <= now {
        return Admission::End(Reason::MessageExpired);
    }
    if task.is_too_late(now) {
        return Admission::End(Reason::DeadlinePassed);
    }
    Admission::Go { is_probe: false }
}
