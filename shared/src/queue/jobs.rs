//! The job queue: what is done in the background. A job names what is to be done; a task's state stands in the table, a fan-out
//! says itself how far it is.
//!
//! Each kind is read by itself: a program that does not know a kind refuses the job and leaves it in the queue, for the one
//! that does.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use serde::{Deserialize, Serialize};

use super::Queued;
use crate::domain::Invalid;
use crate::domain::ids::{AppScope, ApplicationId, EndpointId, MessageId, OrganizationId, TaskId};
use crate::domain::message::IDEMPOTENCY_KEY_BYTES_MAX;
use crate::domain::operational::{OperationalEvent, is_operational};
use crate::domain::trace::{self, TraceParent};
use crate::fault::Fault;
use crate::telemetry;

/// Raised when a reader of the old form would misunderstand the new one.
const VERSION: u8 = 1;

/// The job queue. Cheap to clone; one per process.
#[derive(Clone)]
pub struct JobQueue {
    client: Client,
    url: String,
}

/// Something that is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// A background task is to be worked on.
    Task {
        /// Whose.
        organization: OrganizationId,
        /// Which.
        task: TaskId,
    },
    /// The organization is to be told something.
    Announce(Box<OperationalEvent>),
    /// A message that is stored has more deliveries than its publish queues itself.
    FanOut(FanOut),
}

/// A message whose deliveries are to be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FanOut {
    /// Whose.
    pub scope: AppScope,
    /// Which message.
    pub message: MessageId,
    /// The last endpoint whose delivery is queued; the next ones follow in the order of their identifiers.
    pub after: Option<EndpointId>,
    /// The last endpoint that was there when the message was accepted.
    pub until: EndpointId,
    /// Whether deliveries behind that may have been queued before.
    pub is_repeat: bool,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<OrganizationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<TaskId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    announce: Option<Box<OperationalEvent>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fan_out: Option<FanOutWire>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "trace::of_queued")]
    trace: Option<TraceParent>,
}

#[derive(Serialize, Deserialize)]
struct FanOutWire {
    org: OrganizationId,
    app: ApplicationId,
    message: MessageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<EndpointId>,
    until: EndpointId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    repeat: bool,
}

impl FanOut {
    /// Whether the delivery to this endpoint is still to be queued.
    pub fn is_open(&self, endpoint: EndpointId) -> bool {
        endpoint <= self.until && self.after.is_none_or(|after| endpoint > after)
    }
}

impl JobQueue {
    /// The queue at this URL.
    pub fn new(sdk: &SdkConfig, url: &str) -> Self {
        Self { client: Client::new(sdk), url: url.to_owned() }
    }

    /// Queues a job, as a part of the trace that is at work. After a fault it may be queued or not: do it again, a job may come twice.
    pub async fn send(&self, job: Job) -> Result<(), Fault> {
        let action = match &job {
            Job::Task { task, .. } => format!("queueing background task {task}"),
            Job::Announce(event) => format!("queueing the operational event {}", event.key),
            Job::FanOut(fan_out) => format!("queueing the fan-out of message {}", fan_out.message),
        };
        let wire = Wire { trace: telemetry::trace(), ..Wire::from(job) };
        let body = serde_json::to_string(&wire).map_err(|error| Fault::corrupt_because(&*action, error))?;
        let send = self.client.send_message().queue_url(&self.url).message_body(body).send();
        send.await.map(drop).map_err(|error| Fault::unavailable(action, error))
    }

    /// Has the organization told of an event, if it wants to hear of it; twice is once. What happens in the organization's own
    /// application is not told: it would never end.
    pub async fn announce(&self, event: &OperationalEvent) -> Result<(), Fault> {
        if is_operational(&event.scope()) {
            return Ok(());
        }
        self.send(Job::Announce(Box::new(event.clone()))).await
    }
}

impl From<Job> for Wire {
    fn from(job: Job) -> Self {
        let nothing = Self { v: VERSION, org: None, task: None, announce: None, fan_out: None, trace: None };
        match job {
            Job::Task { organization, task } => Self { org: Some(organization), task: Some(task), ..nothing },
            Job::Announce(event) => Self { announce: Some(event), ..nothing },
            Job::FanOut(FanOut { scope, message, after, until, is_repeat }) => {
                let AppScope { organization: org, application: app } = scope;
                Self { fan_out: Some(FanOutWire { org, app, message, after, until, repeat: is_repeat }), ..nothing }
            }
        }
    }
}

/// Reads a queued body. `receives` is how often the queue has handed it out, this time included.
pub fn decode_job(body: &str, receives: u32) -> Result<Queued<Job>, Invalid> {
    let wire: Wire = serde_json::from_str(body).map_err(|error| Invalid::new(format!("not a job: {error}")))?;
    if wire.v != VERSION {
        return Err(Invalid::new(format!("a job of version {}, this program knows {VERSION}", wire.v)));
    }
    let trace = wire.trace;
    Ok(Queued { work: job_of(wire, receives)?, trace })
}

fn job_of(wire: Wire, receives: u32) -> Result<Job, Invalid> {
    match wire {
        Wire { org: Some(organization), task: Some(task), announce: None, fan_out: None, .. } => {
            Ok(Job::Task { organization, task })
        }
        Wire { task: None, announce: Some(event), fan_out: None, .. } => announcement(event),
        Wire { task: None, announce: None, fan_out: Some(fan_out), .. } => {
            let FanOutWire { org: organization, app: application, message, after, until, repeat } = fan_out;
            let scope = AppScope { organization, application };
            Ok(Job::FanOut(FanOut { scope, message, after, until, is_repeat: repeat || receives > 1 }))
        }
        _ => Err(Invalid::new("a job of no kind that this program knows")),
    }
}

fn announcement(event: Box<OperationalEvent>) -> Result<Job, Invalid> {
    if event.key.is_empty() || event.key.len() > IDEMPOTENCY_KEY_BYTES_MAX {
        return Err(Invalid::new("an operational event without a key that can be used"));
    }
    if is_operational(&event.scope()) {
        return Err(Invalid::new("an event of the application that tells events"));
    }
    Ok(Job::Announce(event))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::operational::{OperationalEventType, operational_application};
    use crate::domain::timestamp::Timestamp;

    const AT: Timestamp = Timestamp::from_millis(1_764_000_000_000);

    fn scope() -> AppScope {
        AppScope { organization: OrganizationId::new(AT, [1; 15]), application: ApplicationId::new(AT, [2; 15]) }
    }

    fn event(application: ApplicationId) -> OperationalEvent {
        let data = serde_json::json!({ "appId": application, "endpointId": EndpointId::new(AT, [3; 15]) });
        OperationalEvent {
            organization: scope().organization,
            event_type: OperationalEventType::EndpointCreated,
            key: "k".to_owned(),
            data: serde_json::from_value(data).unwrap(),
        }
    }

    fn encode(job: Job) -> String {
        serde_json::to_string(&Wire::from(job)).unwrap()
    }

    fn fan_out(is_repeat: bool) -> FanOut {
        let (after, until) = (Some(EndpointId::new(AT, [5; 15])), EndpointId::new(AT, [6; 15]));
        FanOut { scope: scope(), message: MessageId::new(AT, [4; 15]), after, until, is_repeat }
    }

    #[test]
    fn every_kind_comes_back_as_it_was() {
        let task = Job::Task { organization: scope().organization, task: TaskId::new(AT, [3; 15]) };
        for job in [task, Job::Announce(Box::new(event(scope().application))), Job::FanOut(fan_out(false))] {
            assert_eq!(decode_job(&encode(job.clone()), 1).unwrap(), Queued { work: job, trace: None });
        }
        assert_eq!(decode_job(&encode(Job::FanOut(fan_out(false))), 2).unwrap().work, Job::FanOut(fan_out(true)));
    }

    #[test]
    fn a_task_has_the_form_it_always_had() {
        let (organization, task) = (scope().organization, TaskId::new(AT, [3; 15]));
        let body = format!(r#"{{"v":1,"org":"{organization}","task":"{task}"}}"#);
        assert_eq!(encode(Job::Task { organization, task }), body);
        let of_tomorrow = body.replace("\"v\"", "\"more\":[1],\"v\"");
        assert_eq!(decode_job(&of_tomorrow, 1).unwrap().work, Job::Task { organization, task });
        let trace = TraceParent::root([7; 24], true);
        let traced = body.replace('}', &format!(",\"trace\":\"{trace}\"}}"));
        assert_eq!(decode_job(&traced, 1).unwrap().trace, Some(trace));
        assert_eq!(decode_job(&traced.replace("00-", "zz-"), 1).unwrap().trace, None);
    }

    #[test]
    fn poison_is_refused() {
        let task = encode(Job::Task { organization: scope().organization, task: TaskId::new(AT, [3; 15]) });
        let told = encode(Job::Announce(Box::new(event(scope().application))));
        let of_itself = event(operational_application(&scope().organization));
        let bodies = [
            String::new(),
            "{}".to_owned(),
            r#"{"v":1}"#.to_owned(),
            r#"{"v":1,"tomorrow":{}}"#.to_owned(),
            task.replace("\"v\":1", "\"v\":2"),
            task.replace('}', r#","fan_out":{}}"#),
            told.replace("endpoint.created", "endpoint.exploded"),
            told.replace("\"key\":\"k\"", "\"key\":\"\""),
            encode(Job::Announce(Box::new(of_itself))),
        ];
        for body in bodies {
            assert!(decode_job(&body, 1).is_err(), "{body:?}");
        }
    }
}
