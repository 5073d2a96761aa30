//! The job queue: background tasks that are to be worked on. A job only names its task; what is to be done and how far it is
//! stand in the table.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use serde::{Deserialize, Serialize};

use crate::domain::Invalid;
use crate::domain::ids::{OrganizationId, TaskId};
use crate::fault::Fault;

/// Raised when a reader of the old form would misunderstand the new one.
const VERSION: u8 = 1;

/// The job queue. Cheap to clone; one per process.
#[derive(Clone)]
pub struct JobQueue {
    client: Client,
    url: String,
}

/// A task that is to be worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Whose.
    pub organization: OrganizationId,
    /// Which.
    pub task: TaskId,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u8,
    org: OrganizationId,
    task: TaskId,
}

impl JobQueue {
    /// The queue at this URL.
    pub fn new(sdk: &SdkConfig, url: &str) -> Self {
        Self { client: Client::new(sdk), url: url.to_owned() }
    }

    /// Queues a job. After a fault it may be queued or not: do it again, a job may come twice.
    pub async fn send(&self, job: Job) -> Result<(), Fault> {
        let action = format!("queueing background task {}", job.task);
        let wire = Wire { v: VERSION, org: job.organization, task: job.task };
        let body = serde_json::to_string(&wire).map_err(|error| Fault::corrupt_because(&*action, error))?;
        let send = self.client.send_message().queue_url(&self.url).message_body(body).send();
        send.await.map(drop).map_err(|error| Fault::unavailable(action, error))
    }
}

/// Reads a queued body.
pub fn decode_job(body: &str) -> Result<Job, Invalid> {
    let wire: Wire = serde_json::from_str(body).map_err(|error| Invalid::new(format!("not a job: {error}")))?;
    if wire.v != VERSION {
        return Err(Invalid::new(format!("a job of version {}, this program knows {VERSION}", wire.v)));
    }
    Ok(Job { organization: wire.org, task: wire.task })
}
