//! The AWS services Fanfare needs, embedded: DynamoDB, SQS, S3 and KMS inside one process.
//!
//! For the local gateway and for every test. Fanfare's code never learns that they are here: it speaks to them through
//! the real AWS SDK clients, either
//!
//! * **in process**: [`Engines::sdk_config`] (or [`Engines::http_client`], with a test that injects faults in front of it:
//!   [`intercept`]) answers a client's requests without a socket, or
//! * **over HTTP**: [`Engines::serve`] is one endpoint for all of them, for boto3, the AWS CLI, or Lambda binaries that
//!   are started with `AWS_ENDPOINT_URL`, or
//! * **by presigned URL**: [`Engines::presigned`] lets those in who have one, for what it was signed for.
//!
//! | service  | engine | kept in |
//! |---|---|---|
//! | DynamoDB | `dynoxide`, on SQLite | `table.sqlite` |
//! | SQS      | our own (`sqs/`): standard queues made fair by message group | `queues.sqlite` |
//! | S3       | `s3s-fs`, on a directory | `objects/` |
//! | KMS      | our own (`kms/`): one key, envelope encryption | `master-key`, for its owner only |
//!
//! **What is promised.** An answer that says a write happened is given after the write is as durable as [`Durability`]
//! says; by default it survives `kill -9` of the process. Messages come at least once, in fair order. Only one process
//! has a data directory at a time. Whatever a sender can do wrong, it gets AWS's error code for.
//!
//! **What is not.** Policies are not checked, and signatures of presigned URLs only: whoever can reach the endpoint may do
//! everything, so it belongs on the loopback address. There are no throttles and no conflicts of transactions; tests inject those.
//!
//! **Time.** The queues, and the table of an in-memory run, read the [`Clock`] they are given. Two clocks are not
//! ours to set: S3 stamps objects with the file system's time, and the table on disk reads the machine's.
//!
//! *A waiting long poll* looks at its queue again when a message arrives, when the next delayed message is due, every
//! second while a message may come back from a consumer, and when its wait is over. Waiting itself is Tokio's time
//! (`tokio::time`), what is due is the injected clock's. So a test has three ways, none of which sleeps:
//! receive with `WaitTimeSeconds` 0 after moving its clock; call [`Engines::clock_moved`] after moving it, which makes
//! every waiting poll look again; or pause Tokio's time and make the injected clock follow it. A wait is over as soon
//! as either clock says so, so a clock that stands still cannot keep a poll for ever. Pause Tokio's time only with
//! engines in memory, which do everything but S3 within the caller's task: paused time does not wait for the threads
//! that write files.

mod checkpoints;
mod clock;
mod durability;
mod engines;
mod error;
mod in_process;
mod intercept;
mod kms;
mod lock;
mod objects;
mod presigned;
mod serve;
mod sqs;
mod table;
mod thread;
mod wire;

pub use clock::{Clock, system_clock};
pub use durability::Durability;
pub use engines::Engines;
pub use error::{OpenError, SweepError};
pub use intercept::intercept;
pub use presigned::{ObjectBody, Presigned};

/// The one region the engines are in.
pub const LOCAL_REGION: &str = "us-east-1";

/// The one account the engines belong to.
pub const LOCAL_ACCOUNT: &str = "000000000000";
