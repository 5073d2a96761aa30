//! What calls functions without anybody asking: queues (Lambda's event source mappings) and schedules (EventBridge
//! Scheduler).

mod batch;
mod mapping;
mod schedule;
pub(crate) mod verdict;

pub(crate) use batch::event as batch_event;
pub(crate) use mapping::{Mapping, run as run_mapping};
pub(crate) use schedule::{Schedule, run as run_schedule};
