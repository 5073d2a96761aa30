//! The end of a thread that somebody owns.

use std::thread::JoinHandle;

/// Waits for a thread that has been told to end, when its owner is dropped. That it panicked can only be said then.
pub(crate) fn join(thread: &mut Option<JoinHandle<()>>, panicked: &str) {
    if let Some(thread) = thread.take()
        && thread.join().is_err()
    {
        tracing::error!("{panicked}");
    }
}
