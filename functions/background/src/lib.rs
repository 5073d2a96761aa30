//! The door `background`: work that is larger than a request, one task for each queued job. A task that is not done in time
//! goes back into the queue by itself; what fails through us comes again.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use fanfare::config::Platform;
use fanfare::domain::timestamp::Timestamp;
use fanfare::flows::run_task::RunTask;
use fanfare::queue;
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
}

impl Door {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self { run_task: RunTask::new(platform) }
    }

    /// One batch, which the template keeps to one job. Names the messages that are to stay in the queue.
    pub async fn handle(&self, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
        let deadline = Timestamp::from_millis(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
        let mut response = SqsBatchResponse::default();
        for message in event.payload.records {
            if !self.is_done(&message, deadline).await {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message.message_id.unwrap_or_default();
                response.batch_item_failures.push(failure);
            }
        }
        Ok(response)
    }

    async fn is_done(&self, message: &SqsMessage, deadline: Timestamp) -> bool {
        let job = match queue::decode_job(message.body.as_deref().unwrap_or_default()) {
            Ok(job) => job,
            Err(reason) => {
                let id = message.message_id.as_deref().unwrap_or_default();
                tracing::error!(queue.message_id = id, reason = reason.0, "a queued message is no job");
                return false;
            }
        };
        let receives = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse::<u32>().ok());
        let is_last_try = receives.is_some_and(|receives| receives >= RECEIVES_MAX);
        match self.run_task.run(job, deadline.plus_millis(-RESERVE_MS), is_last_try).await {
            Ok(left) => {
                tracing::info!(task.id = %job.task, left = ?left, "background task");
                true
            }
            Err(fault) => {
                tracing::warn!(task.id = %job.task, error = fault.chain(), "a background task was handed back");
                false
            }
        }
    }
}
