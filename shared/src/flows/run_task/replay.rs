//! Sending again: what failed, what was never sent, what a filter says.
//!
//! Done twice, a page queues attempts under the numbers they had the first time, unless those were made meanwhile; whoever
//! delivers them looks whether the attempt was made. Only a page that is repeated after its deliveries were made, by a bulk
//! replay or to a receiver that failed again, reaches the receiver twice, under the same `webhook-id`.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{PAGE_ITEMS, PageDone, RunTask, Stop};
use crate::domain::attempt::{Attempt, Trigger, next_number};
use crate::domain::background::{BackgroundTask, ReplayFilter, Window};
use crate::domain::delivery::{DeliveryStatus, DeliveryTask};
use crate::domain::endpoint::Endpoint;
use crate::domain::ids::{AppScope, AttemptId, EndpointId, MessageId, UndeliveredId};
use crate::domain::ksuid::Ksuid;
use crate::domain::message::Message;
use crate::domain::page::{Cursor, Order, Page, PageRequest};
use crate::domain::subscription::Subscriber;
use crate::domain::timestamp::Timestamp;
use crate::domain::undelivered::Undelivered;
use crate::fault::Fault;
use crate::store::{AttemptFilter, EndpointRef, ListFilter, MessageRef, Traces};
use crate::telemetry;

/// Messages of a page that are looked at at one time.
const LOOKS_MAX: usize = 10;

/// Which messages are sent to an endpoint.
struct Pick<'a> {
    scope: &'a AppScope,
    subscriber: Subscriber,
    /// None: those it wants and was never sent.
    filter: Option<&'a ReplayFilter>,
}

impl RunTask {
    /// One page of an endpoint's failed attempts, then of what ended for it without being delivered. A message is taken where its first failure in the window stands, so it is
    /// taken once, however often it failed.
    pub(super) async fn recover(
        &self,
        task: &BackgroundTask,
        scope: &AppScope,
        endpoint: &EndpointId,
        window: &Window,
    ) -> Result<PageDone, Stop> {
        self.enabled(task, scope, endpoint).await?;
        // Later ones are this task's own.
        let list = ListFilter { after: Some(window.since), before: Some(task.created_at), ..ListFilter::default() };
        let cursor = task.progress.cursor.as_deref();
        if cursor.and_then(UndeliveredId::parse).is_some() {
            return self.recover_undelivered(task, scope, endpoint, window, &list).await;
        }
        let request = page(task, AttemptId::parse);
        let filter = AttemptFilter { status: Some(DeliveryStatus::Fail), list, ..AttemptFilter::default() };
        let found = self.store.list_attempts_for_endpoint(scope, endpoint, &request, &filter).await?;
        let mut looks = Vec::new();
        for attempt in &found.items {
            if window.holds(attempt.message.timestamp()) {
                looks.push(self.failed_delivery(scope, attempt, window));
            }
        }
        let tasks = all(looks).await?;
        self.queue_all(&tasks).await?;
        let PageDone { mut progress, is_last } = done(task, found, tasks.len());
        if is_last {
            let records_begin = UndeliveredId::from_ksuid(Ksuid::first_at(window.since));
            progress.cursor = Some(records_begin.to_string());
        }
        Ok(PageDone { progress, is_last: false })
    }

    /// Behind the failed attempts: one page of what ended for the endpoint without being delivered. A message that had an
    /// attempt when the task was asked for has been taken with it.
    async fn recover_undelivered(
        &self,
        task: &BackgroundTask,
        scope: &AppScope,
        endpoint: &EndpointId,
        window: &Window,
        list: &ListFilter,
    ) -> Result<PageDone, Stop> {
        let found = self.store.list_undelivered(scope, endpoint, &page(task, UndeliveredId::parse), list).await?;
        let mut looks = Vec::new();
        for record in &found.items {
            if window.holds(record.message.timestamp()) {
                looks.push(self.undelivered(scope, record, task.created_at));
            }
        }
        let tasks = all(looks).await?;
        self.queue_all(&tasks).await?;
        Ok(done(task, found, tasks.len()))
    }

    /// The first attempt of a delivery that ended without one, with retries, unless it has been begun by now.
    async fn undelivered(
        &self,
        scope: &AppScope,
        record: &Undelivered,
        asked_at: Timestamp,
    ) -> Result<Option<DeliveryTask>, Fault> {
        let attempts = self.traces(scope, &record.message, &record.endpoint).await?.attempts;
        let was_taken = |attempt: &Attempt| attempt.id.timestamp() < asked_at || attempt.outcome.is_success();
        if attempts.iter().any(was_taken) {
            return Ok(None);
        }
        let message = self.store.message(scope, &MessageRef::Id(record.message)).await?;
        let first = |message| self.delivery(scope, &message, &record.endpoint, 1, Trigger::Scheduled);
        Ok(message.and_then(first))
    }

    /// The next attempt of the delivery this one belongs to, if it failed so far and this is where it is taken.
    async fn failed_delivery(
        &self,
        scope: &AppScope,
        failed: &Attempt,
        window: &Window,
    ) -> Result<Option<DeliveryTask>, Fault> {
        let attempts = self.traces(scope, &failed.message, &failed.endpoint).await?.attempts;
        let first = attempts.iter().map(|attempt| attempt.id).filter(|id| id.timestamp() >= window.since).min();
        if first != Some(failed.id) || attempts.iter().any(|attempt| attempt.outcome.is_success()) {
            return Ok(None);
        }
        let message = self.store.message(scope, &MessageRef::Id(failed.message)).await?;
        Ok(message.and_then(|message| self.again(scope, &message, &failed.endpoint, &attempts)))
    }

    /// One page of the application's messages: those the endpoint wants and was never sent begin now, with retries, whether or
    /// not it is on record why they were not.
    pub(super) async fn replay_missing(
        &self,
        task: &BackgroundTask,
        scope: &AppScope,
        endpoint: &EndpointId,
        window: &Window,
    ) -> Result<PageDone, Stop> {
        let subscriber = self.enabled(task, scope, endpoint).await?.subscriber();
        self.each_message(task, window, Pick { scope, subscriber, filter: None }).await
    }

    /// One page of the application's messages: those the filter wants get one more attempt.
    pub(super) async fn bulk_replay(
        &self,
        task: &BackgroundTask,
        scope: &AppScope,
        endpoint: &EndpointId,
        window: &Window,
        filter: &ReplayFilter,
    ) -> Result<PageDone, Stop> {
        let subscriber = self.enabled(task, scope, endpoint).await?.subscriber();
        self.each_message(task, window, Pick { scope, subscriber, filter: Some(filter) }).await
    }

    /// One page of the application's messages, oldest first; queues the delivery that is picked for each.
    async fn each_message(&self, task: &BackgroundTask, window: &Window, pick: Pick<'_>) -> Result<PageDone, Stop> {
        let application = self.application(pick.scope).await?;
        let request = page(task, MessageId::parse);
        let filter = pick.filter.cloned().unwrap_or_default();
        let filter = ListFilter {
            event_types: filter.event_types,
            channel: filter.channel,
            tag: filter.tag,
            after: Some(window.since),
            before: Some(window.until),
        };
        let found = self.store.list_messages(pick.scope, &application, &request, &filter).await?;
        let mut looks = Vec::new();
        for message in &found.items {
            looks.push(self.picked(&pick, message));
        }
        let tasks = all(looks).await?;
        self.queue_all(&tasks).await?;
        Ok(done(task, found, tasks.len()))
    }

    /// The delivery of a message that is wanted, if it is.
    async fn picked(&self, pick: &Pick<'_>, message: &Message) -> Result<Option<DeliveryTask>, Fault> {
        let endpoint = &pick.subscriber.endpoint;
        let is_subscribed = pick.subscriber.wants(&message.event_type, &message.channels);
        if pick.filter.is_none() && !is_subscribed {
            return Ok(None);
        }
        let traces = self.traces(pick.scope, &message.id, endpoint).await?;
        let attempts = &traces.attempts;
        let Some(filter) = pick.filter else {
            let first = || self.delivery(pick.scope, message, endpoint, 1, Trigger::Scheduled);
            return Ok(attempts.is_empty().then(first).flatten());
        };
        let status = traces.trail().standing(message.is_called_off(), self.effects.now()).status;
        let class = attempts.last().map(|attempt| attempt.outcome.status_code() / 100 * 100);
        let is_its = is_subscribed || !attempts.is_empty() || !traces.undelivered.is_empty();
        let is_wanted = is_its
            && filter.status.is_none_or(|wanted| wanted == status)
            && filter.status_code_class.is_none_or(|wanted| Some(wanted) == class);
        Ok(is_wanted.then(|| self.again(pick.scope, message, endpoint, attempts)).flatten())
    }

    /// The endpoint, which must be there and want deliveries. Who asks for a replay says that the receiver works: what was
    /// learnt before counts no more when it begins.
    async fn enabled(&self, task: &BackgroundTask, scope: &AppScope, id: &EndpointId) -> Result<Endpoint, Stop> {
        if task.progress.cursor.is_none() {
            self.store.forget_gate(scope, id).await?;
        }
        let endpoint = self.store.endpoint(scope, &EndpointRef::Id(*id)).await?;
        let endpoint = endpoint.ok_or(Stop::Impossible("the endpoint was deleted"))?;
        match endpoint.disabled {
            None => Ok(endpoint),
            Some(_) => Err(Stop::Impossible("the endpoint is disabled; enable it and ask again")),
        }
    }

    /// What a delivery left so far.
    async fn traces(&self, scope: &AppScope, message: &MessageId, endpoint: &EndpointId) -> Result<Traces, Fault> {
        Ok(self.store.traces_of(scope, message).await?.of(endpoint))
    }

    /// One more attempt, behind those that were made.
    fn again(
        &self,
        scope: &AppScope,
        message: &Message,
        endpoint: &EndpointId,
        attempts: &[Attempt],
    ) -> Option<DeliveryTask> {
        self.delivery(scope, message, endpoint, next_number(attempts), Trigger::Manual)
    }

    /// An attempt of a message that still has something to deliver, and may be delivered now.
    fn delivery(
        &self,
        scope: &AppScope,
        message: &Message,
        endpoint: &EndpointId,
        number: u16,
        trigger: Trigger,
    ) -> Option<DeliveryTask> {
        let task = || DeliveryTask::new(scope, message, *endpoint, number, trigger);
        let is_deliverable = message.is_deliverable(self.effects.now());
        is_deliverable.then(|| DeliveryTask { is_repeat: true, trace: telemetry::trace(), ..task() })
    }
}

/// What the looks found, a few of them at a time.
async fn all<F>(looks: Vec<F>) -> Result<Vec<DeliveryTask>, Fault>
where
    F: Future<Output = Result<Option<DeliveryTask>, Fault>>,
{
    let found: Vec<_> = stream::iter(looks).buffered(LOOKS_MAX).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// The page behind the task's cursor, oldest first.
pub(super) fn page<K>(task: &BackgroundTask, parse: impl Fn(&str) -> Option<K>) -> PageRequest<K> {
    let cursor = task.progress.cursor.as_deref().and_then(parse).map(Cursor::After);
    PageRequest { limit: PAGE_ITEMS, cursor, order: Order::Ascending }
}

/// The progress behind a page of a list, of which so much was done.
pub(super) fn done<T, K: ToString>(task: &BackgroundTask, page: Page<T, K>, count: usize) -> PageDone {
    advance(task, page.items.len(), count, page.next.filter(|_| !page.is_done))
}

/// The progress behind what was seen and done; without a next place it was the last.
pub(super) fn advance<K: ToString>(task: &BackgroundTask, seen: usize, done: usize, next: Option<K>) -> PageDone {
    let mut progress = task.progress.clone();
    progress.seen += seen as u64;
    progress.done += done as u64;
    let is_last = next.is_none();
    progress.cursor = next.map(|key| key.to_string());
    PageDone { progress, is_last }
}
