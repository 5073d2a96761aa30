//! The deployed functions, in this process.
//!
//! A [`Function`] is what Lambda makes of a handler: it takes an event as JSON bytes and gives JSON bytes back, knows its
//! deadline, and is stopped when the deadline is over. The handlers are those of `functions/`, built as their own
//! `main.rs` builds them, each from a platform of its own with the environment the template gives it. What differs from
//! the cloud: all run in one process, an invocation needs no sandbox of its own, and memory is not limited.
//!
//! **What is promised.** A panic, an error or a timeout ends one invocation, never the process. An invocation that has
//! begun goes on to its end, also when whoever asked for it has gone.

mod context;
mod handler;
mod invoke;
mod known;

pub use handler::{Handler, HandlerFuture, events, http};
pub use invoke::{Function, InvokeError, PAYLOAD_BYTES_MAX};
pub(crate) use known::handler_of;
