//! Configuring: applications, endpoints, event types and sources are created, replaced, changed and deleted.
//!
//! Creating happens once per idempotency key, by a record in the same transaction; a repeat is answered with what the first
//! request made, as it is now. Changing reads, decides and writes over exactly what it read; a change that was overtaken by
//! another is done anew on top of it, if the caller's precondition still holds.
//!
//! What happens to an endpoint is told as an operational event, after it is stored: `endpoint.created` and `endpoint.deleted`;
//! for every change of its configuration, its headers and its secret included, `endpoint.updated`, also when the new one says
//! the same as the old one; and when its switch was changed, `endpoint.disabled` or `endpoint.enabled` besides. An endpoint
//! that is deleted with its application is not told of. Cut short in between, the caller has no answer and repeats: a repeat
//! under an idempotency key tells it again, which is one message; a change that is made again is told as a change. Only of a
//! deletion nothing is left that could be told. When the queue refuses the event, the change is done all the same: the
//! caller hears of its success, the log of the event.
//!
//! Every change is put on record in the transaction that makes it ([`crate::domain::audit`]): with its author, whom the door names.
//! The organization's own application is no change of anybody's; an endpoint that goes with its application is part of its record.
//!
//! One message to the job queue for each event, whoever listens: what is known of listeners in a process would be old when
//! the first one comes, and configurations seldom change.
//!
//! An endpoint that is given a new URL has it looked at, its name resolved: one that no webhook would be sent to is refused.
//! A name that tells nothing yet is taken, because every attempt looks again.

mod api_keys;
mod applications;
mod data_keys;
mod endpoints;
mod event_types;
mod import_event_types;
mod portals;
mod public_keys;
mod rotate_secret;
mod sources;

pub use api_keys::NewApiKey;
pub use endpoints::{EndpointName, NewEndpoint};
pub use import_event_types::ImportOptions;
pub use rotate_secret::Rotation;
pub use sources::{NewSource, SourceRotation};

use std::sync::Arc;

use super::audit::Audit;
use super::{CreationKey, Refusal, key_reused};
use crate::config::Platform;
use crate::domain::operational::OperationalEvent;
use crate::domain::revision::{Precondition, Revision};
use crate::effects::Effects;
use crate::fault::Fault;
use crate::queue::JobQueue;
use crate::sender::Destinations;
use crate::store::{Idempotency, Store};

/// How often a change that was overtaken is tried again. Changes of one thing come seldom; a caller that loses this often is
/// told to try again.
const OVERTAKEN_MAX: usize = 4;

/// The flows, with what they need. Cheap to clone.
#[derive(Clone)]
pub struct Configure {
    store: Store,
    jobs: JobQueue,
    effects: Effects,
    audit: Audit,
    https_only: bool,
    destinations: Destinations,
}

/// How a thing came to be as it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Saved<T> {
    /// It was made.
    Created(T),
    /// It was there; now it is as asked, or was found as it is.
    Existing(T),
}

impl Configure {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self {
            store: Store::new(&platform.sdk, &platform.settings.table, &platform.keys),
            jobs: JobQueue::new(&platform.sdk, &platform.settings.job_queue_url),
            effects: platform.effects.clone(),
            audit: Audit::new(platform),
            https_only: platform.settings.https_only,
            destinations: Destinations::new(&platform.settings.allowed_subnets, Arc::clone(&platform.network)),
        }
    }

    /// `place` is what is created where: a key counts once for each.
    fn idempotency(&self, key: Option<CreationKey<'_>>, place: &str) -> Option<Idempotency> {
        key.map(|key| key.at(place, self.effects.now()))
    }

    /// Has the organization told of what is stored already.
    async fn announce(&self, events: &[OperationalEvent]) {
        let announcements = events.iter().map(|event| self.jobs.announce(event));
        let outcomes = futures_util::future::join_all(announcements).await;
        for (event, outcome) in events.iter().zip(outcomes) {
            if let Err(fault) = outcome {
                tracing::error!(operational.key = event.key, error = fault.chain(), "an operational event is lost");
            }
        }
    }
}

/// Goes on only if what was found is as the caller wants it to be.
fn require(precondition: &Precondition, found: Option<&Revision>) -> Result<(), Refusal> {
    if precondition.holds(found) { Ok(()) } else { Err(Refusal::PreconditionFailed) }
}

fn uid_taken() -> Refusal {
    Refusal::Conflict("this uid is taken".to_owned())
}

fn overtaken() -> Refusal {
    Refusal::Fault(Fault::unavailable("changing the configuration", "it is being changed by others at this moment"))
}
