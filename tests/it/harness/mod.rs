//! How tests ask: two ways to run the gateway, a receiver with real sockets, and small tools.
//!
//! - [`World`]: the whole gateway behind its HTTP listener, for tests that speak the API as a customer does.
//! - [`Stage`]: the functions on engines in memory, where nothing runs by itself: a test calls a function, moves queue
//!   messages and the clock, and makes single AWS calls fail ([`Faults`]).
//! - [`Engines`]: what the two ways run on.
//! - [`Names`]: the name server of a stage.
//! - [`FileMaker`]: files to import, with what must come of them.
//! - [`Receiver`]: answers deliveries by a script and verifies every one of them with the official verifiers.
//!
//! All of it ends when it is dropped.

mod answer;
mod clock;
mod engines;
mod faults;
mod files;
mod log;
mod made_files;
mod names;
pub(crate) mod process;
mod raw;
mod receiver;
mod records;
mod stage;
pub(crate) mod table;
mod wait;
mod workers;
mod world;

pub(crate) use answer::Answer;
pub(crate) use engines::Engines;
pub(crate) use faults::Way;
pub(crate) use files::LONG_MS;
pub(crate) use log::Log;
pub(crate) use made_files::{BadOne, FileMaker, Flaw};
pub(crate) use names::Names;
pub(crate) use raw::send;
pub(crate) use receiver::{Delivery, Receiver, Reply};
pub(crate) use stage::{JWT_SECRET, ORGANIZATION, Stage, as_json, request};
pub(crate) use wait::eventually;
pub(crate) use world::World;
