//! Dead letters: delivery tasks, jobs and pieces of imports, told apart by their own form. What is neither stays where it is, so that it is seen by
//! the queue's depth.

use aws_lambda_events::sqs::SqsMessage;
use fanfare::fault::Fault;
use fanfare::flows::bury::{Buried, Bury};
use fanfare::queue;
use fanfare::telemetry::in_trace;

/// Whether the dead letter may go.
pub(crate) async fn is_buried(bury: &Bury, message: &SqsMessage) -> bool {
    let id = message.message_id.as_deref().unwrap_or_default();
    match bury_known(bury, message.body.as_deref().unwrap_or_default()).await {
        Ok(Some(buried)) => {
            tracing::info!(queue.message_id = id, outcome = ?buried, "dead letter");
            true
        }
        Ok(None) => {
            tracing::error!(queue.message_id = id, "a dead letter is nothing that we queue; it stays");
            false
        }
        Err(fault) => {
            tracing::warn!(queue.message_id = id, error = fault.chain(), "a dead letter was handed back");
            false
        }
    }
}

/// None: nobody knows what it is.
async fn bury_known(bury: &Bury, body: &str) -> Result<Option<Buried>, Fault> {
    /// It was handed out before, or it would not lie here.
    const RECEIVES: u32 = 2;
    if let Ok(task) = queue::decode(body, RECEIVES) {
        return in_trace(task.trace, bury.delivery(&task)).await.map(Some);
    }
    if let Ok(job) = queue::decode_job(body, RECEIVES) {
        return in_trace(job.trace, bury.job(job.work)).await.map(Some);
    }
    match queue::decode_import_work(body) {
        Ok(queued) => in_trace(queued.trace, bury.import_work(queued.work)).await.map(Some),
        Err(_) => Ok(None),
    }
}
