//! The queues. The delivery queue: tasks on their way to the deliver function, at once or after a delay of up to 15 minutes. The
//! job queue ([`JobQueue`]): what is done in the background. The import queue ([`ImportQueue`]): files, and parts of them.
//!
//! The group of a queued task is its endpoint. The queue is a standard one and keeps no order, but hands out groups
//! fairly: one endpoint's backlog does not delay another's.

mod imports;
mod jobs;
mod probe;
mod task;

use std::pin::Pin;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

use crate::domain::delivery::DeliveryTask;
use crate::domain::trace::TraceParent;
use crate::fault::Fault;
use crate::gather::{Gatherer, Limits, Results};
use crate::keys::Keys;

pub use imports::{CreatedObject, ImportQueue, ImportWork, PartJob, decode_created, decode_import_work};
pub use jobs::{FanOut, Job, JobQueue, decode_job};
pub use probe::QueueProbe;
pub use task::{PAYLOAD_IN_TASK_BYTES_MAX, decode};

/// The longest delay a queue can give.
pub const DELAY_MS_MAX: u64 = 900_000;

/// What `SendMessageBatch` takes: ten entries, a mebibyte together, less some room for what is sent around the bodies.
const LIMITS: Limits = Limits { items_max: 10, bytes_max: 1_000_000, calls_max: 4 };

/// What was queued, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued<T> {
    /// What is to be done.
    pub work: T,
    /// The step that queued it. What S3 tells has none, nor what was queued before there were traces.
    pub trace: Option<TraceParent>,
}

/// Whether the queue of this ARN, which an event names as its source, is the one at this URL: both end with its name.
pub fn is_at(arn: &str, url: &str) -> bool {
    let name = url.rsplit('/').next().unwrap_or_default();
    !name.is_empty() && arn.rsplit(':').next() == Some(name)
}

/// The delivery queue. Cheap to clone; one per process.
#[derive(Clone)]
pub struct DeliveryQueue {
    gatherer: Gatherer<Entry>,
    carries_payloads: bool,
}

struct Entry {
    body: String,
    group: String,
    delay_s: i32,
}

impl DeliveryQueue {
    /// The queue at this URL. Small payloads travel with their tasks, which saves reading them, unless they are sealed with these
    /// keys where they are kept.
    pub fn new(sdk: &SdkConfig, url: &str, keys: &Keys) -> Self {
        let (client, url) = (Client::new(sdk), url.to_owned());
        let call = move |entries: Vec<Entry>| -> Pin<Box<dyn Future<Output = Results> + Send>> {
            let (client, url) = (client.clone(), url.clone());
            Box::pin(async move { send(&client, &url, entries).await })
        };
        Self { gatherer: Gatherer::new(LIMITS, Box::new(call)), carries_payloads: !keys.seals_payloads() }
    }

    /// Queues a task, together with what others queue now. The delay is rounded up to a second and cut at
    /// [`DELAY_MS_MAX`]. After a fault it may be queued or not: do it again, a task may come twice.
    pub async fn send(&self, task: &DeliveryTask, delay_ms: u64) -> Result<(), Fault> {
        let body = task::encode(task, self.carries_payloads)?;
        let delay_s = i32::try_from(delay_ms.min(DELAY_MS_MAX).div_ceil(1_000)).unwrap_or(i32::MAX);
        let bytes = body.len();
        self.gatherer.run(Entry { body, group: task.endpoint.to_string(), delay_s }, bytes).await
    }

    /// Queues all of them with the same delay; the first fault, if any, after everything was tried.
    pub async fn send_all(&self, tasks: &[DeliveryTask], delay_ms: u64) -> Result<(), Fault> {
        let sends = tasks.iter().map(|task| self.send(task, delay_ms));
        futures_util::future::join_all(sends).await.into_iter().collect()
    }
}

async fn send(client: &Client, url: &str, entries: Vec<Entry>) -> Results {
    let count = entries.len();
    match send_once(client, url, entries).await {
        Err(fault) => {
            let fault = std::sync::Arc::new(fault);
            (0..count).map(|_| Err(Fault::shared("queueing a delivery", fault.clone()))).collect()
        }
        Ok(refused) => (0..count)
            .map(|index| match refused.iter().find(|(refused, _)| *refused == index) {
                None => Ok(()),
                Some((_, code)) => {
                    Err(Fault::unavailable("queueing a delivery", format!("the queue refused it: {code}")))
                }
            })
            .collect(),
    }
}

/// One call; the entries that the queue refused, with its code. The SDK repeats calls that failed as a whole.
async fn send_once(client: &Client, url: &str, entries: Vec<Entry>) -> Result<Vec<(usize, String)>, Fault> {
    let action = "queueing deliveries";
    let build = |(index, entry): (usize, Entry)| {
        SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(entry.body)
            .message_group_id(entry.group)
            .set_delay_seconds(Some(entry.delay_s).filter(|delay_s| *delay_s > 0))
            .build()
    };
    let entries: Result<Vec<_>, _> = entries.into_iter().enumerate().map(build).collect();
    let entries = entries.map_err(|error| Fault::corrupt_because(action, error))?;
    let call = client.send_message_batch().queue_url(url).set_entries(Some(entries));
    let answer = call.send().await.map_err(|error| Fault::unavailable(action, error))?;
    Ok(answer.failed.into_iter().filter_map(|entry| Some((entry.id.parse().ok()?, entry.code))).collect())
}
