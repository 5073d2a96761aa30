//! The door `background`: what is done behind the requests, one piece of it for each queued job. Tasks are worked on, and go back
//! into the queue by themselves when time is up; operational events become messages of the organization's own application,
//! when an endpoint there wants them; the deliveries of messages that have too many for their publish are queued; what the queues'
//! consumers failed at again and again is put on record. What fails through us comes again.

mod dead_letters;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use fanfare::config::Platform;
use fanfare::domain::ids::{OrganizationId, TaskId};
use fanfare::domain::operational::{OperationalEvent, operational_application};
use fanfare::domain::timestamp::Timestamp;
use fanfare::fault::Fault;
use fanfare::flows::Refusal;
use fanfare::flows::accept_message::AcceptMessage;
use fanfare::flows::bury::Bury;
use fanfare::flows::run_task::RunTask;
use fanfare::queue::{self, FanOut, Job};
use fanfare::store::ApplicationRef;
use fanfare::telemetry::{Invoked, Watch, in_trace};
use lambda_runtime::{Error, LambdaEvent};

/// How long before its deadline an invocation stops: enough for the page it is at.
const RESERVE_MS: i64 = 20_000;

/// How often the queue hands a job out before it moves it to the dead letters, as the template has it. The last time a fault
/// ends the task, so that whoever asked for it sees that nobody works on it any more.
const RECEIVES_MAX: u32 = 5;

/// The door, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    run_task: RunTask,
    accept_message: AcceptMessage,
    bury: Bury,
    job_queue_url: String,
    watch: Watch,
}

impl Door {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self {
            run_task: RunTask::new(platform),
            accept_message: AcceptMessage::new(platform),
            bury: Bury::new(platform),
            job_queue_url: platform.settings.job_queue_url.clone(),
            watch: platform.telemetry.watch("background"),
        }
    }

    /// One batch, which the template keeps to one job, or to ten dead letters. Names the messages that are to stay in the queue.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
        let LambdaEvent { payload, context } = event;
        let deadline = Timestamp::from_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX));
        let invoked = Invoked { request_id: context.request_id, ..Invoked::default() };
        Ok(self.watch.invocation(invoked, self.work_on(payload, deadline)).await)
    }

    async fn work_on(&self, batch: SqsEvent, deadline: Timestamp) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        for message in batch.records {
            let is_done = match self.is_job(&message) {
                true => self.is_done(&message, deadline).await,
                false => dead_letters::is_buried(&self.bury, &message).await,
            };
            if !is_done {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message.message_id.unwrap_or_default();
                response.batch_item_failures.push(failure);
            }
        }
        response
    }

    /// Whether it comes from the job queue, as all do that do not say otherwise. A dead letter may read like a job, so the body
    /// cannot tell.
    fn is_job(&self, message: &SqsMessage) -> bool {
        message.event_source_arn.as_deref().is_none_or(|arn| queue::is_at(arn, &self.job_queue_url))
    }

    async fn is_done(&self, message: &SqsMessage, deadline: Timestamp) -> bool {
        let receives = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse::<u32>().ok());
        let job = match queue::decode_job(message.body.as_deref().unwrap_or_default(), receives.unwrap_or(2)) {
            Ok(job) => job,
            Err(reason) => {
                let id = message.message_id.as_deref().unwrap_or_default();
                tracing::error!(queue.message_id = id, reason = reason.0, "a queued message is no job");
                return false;
            }
        };
        let is_last_try = receives.is_some_and(|receives| receives >= RECEIVES_MAX);
        let stop_at = deadline.plus_millis(-RESERVE_MS);
        let done = async {
            let done = match job.work {
                Job::Task { organization, task } => self.work(organization, task, stop_at, is_last_try).await,
                Job::Announce(event) => self.tell(&event).await,
                Job::FanOut(fan_out) => self.fan_out(fan_out, stop_at).await,
            };
            done.inspect_err(|fault| tracing::warn!(error = fault.chain(), "a job was handed back")).is_ok()
        };
        in_trace(job.trace, done).await
    }

    async fn work(
        &self,
        organization: OrganizationId,
        task: TaskId,
        stop_at: Timestamp,
        is_last_try: bool,
    ) -> Result<(), Fault> {
        let left = self.run_task.run(organization, task, stop_at, is_last_try).await?;
        tracing::info!(task.id = %task, outcome = ?left, "background task");
        Ok(())
    }

    async fn fan_out(&self, job: FanOut, stop_at: Timestamp) -> Result<(), Fault> {
        let fanned = self.accept_message.fan_out(job, stop_at).await?;
        tracing::info!(message.id = %job.message, outcome = ?fanned, "fan-out");
        Ok(())
    }

    /// Sends an event to the organization's own endpoints that want it.
    async fn tell(&self, event: &OperationalEvent) -> Result<(), Fault> {
        let own = ApplicationRef::Id(operational_application(&event.organization));
        let draft = event.message().map_err(|reason| Fault::corrupt_because("writing an operational event", reason))?;
        let told = self.accept_message.run_if_wanted(&event.organization, &own, Some(&event.key), draft).await;
        match told {
            Ok(accepted) => {
                let message = accepted.map(|accepted| accepted.message.id.to_string());
                tracing::debug!(operational.key = event.key, message.id = message, "operational event");
                Ok(())
            }
            // It was told before, as it looked then.
            Err(Refusal::Conflict(_)) => Ok(()),
            Err(Refusal::Fault(fault)) => Err(fault),
            Err(refusal) => Err(Fault::corrupt_because(format!("telling the event {}", event.key), refusal)),
        }
    }
}
