//! Importing: a file that came into the bucket is read record by record; the door has the records accepted
//! ([`AcceptMessage::run_bulk`](super::accept_message::AcceptMessage::run_bulk)).
//!
//! `begin.rs` finds out what a created object is and cuts it into parts; `part.rs` reads one, a window of records at a time; `end.rs`
//! adds up. What was asked for before, over the API, is in [`super::ask_import`].
//!
//! Why every step may run twice, and be cut short anywhere:
//! - A created object begins its import once: by a conditional update of the import that waits for it, or a conditional put of
//!   one whose identifier follows from the object. Its parts are queued before S3's event is done; a repeat queues them again.
//! - A part says after every window how far it is. Behind that point nothing is done twice; before it, one window may be, and whoever
//!   accepts it knows ([`Window::is_resumed`]). A part that is begun anew takes it from whoever read it before: that one is
//!   told at its next window, whose messages are the same ones.
//! - The end is found by looking at all parts, and is one conditional update. Until then it is found again by every repeat.
//!
//! Every part checks between two windows whether the import still runs, so a failure or a cancellation stops all of them.

mod begin;
mod end;
mod part;

use crate::blobs::Blobs;
use crate::config::Platform;
use crate::effects::Effects;
use crate::queue::ImportQueue;
use crate::store::Store;
use crate::telemetry::Metrics;

pub use begin::{Begun, FileMessage};
pub use part::{Judged, Next, OpenPart, RawRecord, Window};

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct ImportFile {
    store: Store,
    blobs: Blobs,
    queue: ImportQueue,
    bucket: String,
    effects: Effects,
    metrics: Metrics,
}

impl ImportFile {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        let settings = &platform.settings;
        Self {
            store: Store::new(&platform.sdk, &settings.table, &platform.keys),
            blobs: Blobs::new(&platform.sdk, &settings.bucket),
            queue: ImportQueue::new(&platform.sdk, &settings.import_queue_url),
            bucket: settings.bucket.clone(),
            effects: platform.effects.clone(),
            metrics: platform.telemetry.metrics(),
        }
    }
}
