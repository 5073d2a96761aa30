//! Configuring: applications, endpoints and event types are created, replaced, changed and deleted.
//!
//! Creating happens once per idempotency key, by a record in the same transaction; a repeat is answered with what the first
//! request made, as it is now. Changing reads, decides and writes over exactly what it read; a change that was overtaken by
//! another is done anew on top of it, if the caller's precondition still holds.

mod applications;
mod endpoints;
mod event_types;
mod import_event_types;
mod public_keys;
mod rotate_secret;

pub use endpoints::{EndpointName, NewEndpoint};
pub use import_event_types::ImportOptions;
pub use rotate_secret::Rotation;

use super::{CreationKey, Refusal, key_reused};
use crate::config::Platform;
use crate::domain::revision::{Precondition, Revision};
use crate::effects::Effects;
use crate::fault::Fault;
use crate::store::{Idempotency, Store};

/// How often a change that was overtaken is tried again. Changes of one thing come seldom; a caller that loses this often is
/// told to try again.
const OVERTAKEN_MAX: usize = 4;

/// The flows, with what they need. Cheap to clone.
#[derive(Clone)]
pub struct Configure {
    store: Store,
    effects: Effects,
    https_only: bool,
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
            store: Store::new(&platform.sdk, &platform.settings.table),
            effects: platform.effects.clone(),
            https_only: platform.settings.https_only,
        }
    }

    /// `place` is what is created where: a key counts once for each.
    fn idempotency(&self, key: Option<CreationKey<'_>>, place: &str) -> Option<Idempotency> {
        key.map(|key| key.at(place, self.effects.now()))
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
