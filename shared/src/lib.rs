//! Fanfare's domain library: everything a webhook gateway is, whatever triggers it.
//!
//! The functions under `functions/` are thin doors over this crate. Rooms, in reading order:
//!
//! | room | what it holds | may know |
//! |---|---|---|
//! | [`domain`] | nouns and rules, pure: no async, no clock, no AWS | nobody |
//! | [`flows`] | verbs, one file each: accept a message, deliver, sweep what is due | `domain` and the service rooms |
//! | [`store`] | the table: keys, records, access patterns | `domain`, `keys` |
//! | [`queue`] | delivery tasks on SQS | `domain` |
//! | [`keys`] | data keys that secrets are sealed with, wrapped by KMS | `domain` |
//! | [`blobs`] | payloads too large for a table item, on S3 | `domain` |
//! | [`sender`] | outbound HTTP behind the address guard | `domain` |
//! | [`http`] | the API contract: auth, problems, pages, wire shapes | `flows`, `domain` |
//! | [`config`] | settings; the only reader of the environment | `domain` |
//! | [`telemetry`] | logs, metrics, traces | `domain` |
//!
//! Four small things everybody shares: [`effects`] (time and randomness, passed in), [`network`] (the way to receivers,
//! passed in), [`fault`] (our own failures, as opposed to what a receiver did, which is data) and [`gather`] (many callers,
//! one call).

pub mod blobs;
pub mod config;
pub mod domain;
pub mod effects;
pub mod fault;
pub mod flows;
pub mod gather;
pub mod http;
pub mod keys;
pub mod network;
pub mod queue;
pub mod sender;
pub mod store;
pub mod telemetry;
