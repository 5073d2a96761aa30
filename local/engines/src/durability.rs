//! What an acknowledged write survives.

/// What an acknowledged write survives. Both SQLite files are in WAL mode; this chooses how often they are synced.
///
/// The queues' file: its connection sets `PRAGMA synchronous` itself. The table's file: dynoxide sets WAL mode and
/// leaves `synchronous` at what SQLite was compiled with, which is `FULL` (its build, `libsqlite3-sys`, can be told
/// otherwise with `LIBSQLITE3_FLAGS`; opening then fails for [`Durability::PowerLoss`] instead of promising too much).
/// For [`Durability::ProcessKill`] the engine's `disable_bulk_loading` is called once, whose statements are
/// `synchronous = NORMAL` and SQLite's default cache settings.
///
/// Objects (S3) are written to a temporary file and renamed, never synced: they survive `kill -9`, and the operating
/// system decides about power loss in either mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The death of the process in any way, `kill -9` included: a commit is in the operating system's hands before it
    /// is acknowledged. A power failure may lose the last moments, and damages nothing.
    #[default]
    ProcessKill,
    /// A power failure too: every commit is synced to the disk before it is acknowledged.
    PowerLoss,
}

impl Durability {
    /// The value of `PRAGMA synchronous`.
    pub(crate) fn sqlite_synchronous(self) -> &'static str {
        match self {
            Self::ProcessKill => "NORMAL",
            Self::PowerLoss => "FULL",
        }
    }
}
