//! The whole gateway on one machine: the deployed functions behind a real HTTP listener and embedded engines.
//!
//! | module | what it is | in the cloud |
//! |---|---|---|
//! | [`template`] | reads `template.yaml`: what there is to run | CloudFormation and SAM |
//! | [`provision`](mod@provision) | makes table, queues and bucket where they are missing | the same |
//! | [`functions`] | the handlers of `functions/`, invoked with JSON | Lambda |
//! | `api_gateway` | HTTP in front | API Gateway, HTTP API |
//! | `triggers` | brings messages and ticks to functions | event source mappings, EventBridge Scheduler |
//! | `fanfare_engines` | DynamoDB, SQS and S3, in process | themselves |
//! | [`Gateway`] | all of it together, to be started and shut down | the stack |
//! | [`simulate`] | the same functions under seeded disasters, in simulated time | |
//! | [`cli`] | the binary `fanfare` | |
//!
//! **What it promises.** The functions are those that are deployed, unchanged; every event reaches them as the JSON AWS
//! would send; they speak to their table, queue and bucket through the real SDK. What runs, and how, is read from
//! `template.yaml`. State on disk survives the death of the process in any way.
//!
//! **What it must not know.** What a message, an endpoint or a delivery is: that is the business of `fanfare` and the
//! functions. (The commands under [`cli`] that show the gateway at work know the public API, as any caller does. So does
//! [`simulate`], whose rules also look at what passes through the queue.)

mod api_gateway;
pub mod cli;
mod directory;
pub mod functions;
mod gateway;
mod ids;
mod options;
pub mod provision;
pub mod secret;
pub mod simulate;
pub mod tasks;
pub mod template;
mod triggers;

pub use gateway::{Gateway, TOKEN_LIFETIME_S};
pub use options::{LOCAL_DEFAULTS, Options, State};
