//! What can go wrong while the engines are opened, or swept. Every other failure is an answer on the AWS wire.

use std::path::PathBuf;

/// Why the engines could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory, or the temporary one of an in-memory run, cannot be made.
    #[error("making the directory {}", path.display())]
    Directory {
        /// The directory asked for.
        path: PathBuf,
        /// Why the file system refused.
        source: std::io::Error,
    },
    /// Another process (or another `Engines` of this one) uses the data directory.
    #[error("the data directory {} is in use by another process", path.display())]
    InUse {
        /// The directory asked for.
        path: PathBuf,
    },
    /// The data directory's lock cannot be taken.
    #[error("locking {}", path.display())]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// Why the file system refused.
        source: std::io::Error,
    },
    /// The SQLite this program was built with does not sync by default, and the table's file relies on it.
    #[error("opening the table in {place}: this build of SQLite does not survive a power failure by default")]
    NotDurable {
        /// The file.
        place: String,
    },
    /// The table's file cannot be opened or set up.
    #[error("opening the table in {place}")]
    Table {
        /// The file, or "memory".
        place: String,
        /// What the DynamoDB engine said.
        source: dynoxide::DynoxideError,
    },
    /// The queues' file cannot be opened, set up or read.
    #[error("opening the queues in {}", path.display())]
    Queues {
        /// The file asked for.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The objects' directory cannot be used.
    #[error("opening the objects in {}: {reason}", path.display())]
    Objects {
        /// The directory asked for.
        path: PathBuf,
        /// What the S3 engine said; its error type is not a standard one.
        reason: String,
    },
    /// The file of the key that secrets are sealed with cannot be made or read.
    #[error("the master key in {}", path.display())]
    MasterKey {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others than its owner may read the key.
    #[error("the master key in {} is open to others; chmod 600 it, and think of it as known", path.display())]
    MasterKeyExposed {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// A thread that owns one of the files cannot be started.
    #[error("starting the thread of a file")]
    Writer(#[source] std::io::Error),
}

/// Why expired items could not be removed from the table.
#[derive(Debug, thiserror::Error)]
#[error("removing expired items from the table")]
pub struct SweepError(#[from] pub(crate) dynoxide::DynoxideError);
