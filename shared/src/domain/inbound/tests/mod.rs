//! What holds for every scheme: vectors, whatever is changed, and which names events have.

mod changes;
mod events;
mod sample;
mod secrets;
mod vectors;

use super::super::timestamp::Timestamp;
use crate::domain::inbound;
