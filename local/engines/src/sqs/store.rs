//! The queues' file: its tables and the statements on them. Only the journal's thread uses it after the queues are
//! loaded.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::journal::{Change, NewMessage};
use super::message::{MessageAttributes, Payload, Seq};
use super::settings::Attributes;
use crate::Durability;

/// Stored form of queues and messages. A message is one row; `visible_ms` is the end of its delay.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS starts (number INTEGER PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS queues (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, attributes TEXT NOT NULL, created_ms INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS messages (
        seq INTEGER PRIMARY KEY, queue_id INTEGER NOT NULL, group_id TEXT, sent_ms INTEGER NOT NULL,
        visible_ms INTEGER NOT NULL, receive_count INTEGER NOT NULL DEFAULT 0, first_received_ms INTEGER, origin TEXT,
        payload_bytes INTEGER NOT NULL, attributes TEXT, trace_header TEXT, body TEXT NOT NULL);
";

/// Raised when the tables change in a way an older or newer program must not touch.
const SCHEMA_VERSION: i64 = 1;

/// Pages in the write-ahead log before they are copied into the file, 16 MiB of them. That copy is the only time the
/// disk is synced in `Durability::ProcessKill`; messages are mostly gone before it, and then cost it nothing, so it
/// comes four times as late as SQLite would do it.
const PAGES_PER_CHECKPOINT: i64 = 4000;

/// An open queues' file.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
}

/// What a restart begins with.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// How often these files were opened, this time included.
    pub(crate) start_number: u64,
    pub(crate) queues: Vec<LoadedQueue>,
    pub(crate) messages: Vec<LoadedMessage>,
}

#[derive(Debug)]
pub(crate) struct LoadedQueue {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) attributes: Attributes,
    pub(crate) created_ms: u64,
}

#[derive(Debug)]
pub(crate) struct LoadedMessage {
    pub(crate) seq: Seq,
    pub(crate) queue_id: u32,
    pub(crate) group_id: Option<String>,
    pub(crate) sent_ms: u64,
    pub(crate) visible_ms: u64,
    pub(crate) receive_count: u64,
    pub(crate) first_received_ms: Option<u64>,
    pub(crate) origin: Option<String>,
    pub(crate) payload_bytes: usize,
    pub(crate) payload: Option<Arc<Payload>>,
}

impl Store {
    /// Opens or makes the file and reads what is in it, payloads only up to `payload_bytes_max` in total.
    pub(crate) fn open(
        path: &Path,
        durability: Durability,
        payload_bytes_max: usize,
    ) -> rusqlite::Result<(Self, Loaded)> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", durability.sqlite_synchronous())?;
        connection.pragma_update(None, "wal_autocheckpoint", PAGES_PER_CHECKPOINT)?;
        connection.execute_batch(SCHEMA)?;
        check_version(&connection)?;
        connection.execute("INSERT INTO starts DEFAULT VALUES", [])?;
        let start_number = unsigned(connection.last_insert_rowid());
        let queues = load_queues(&connection)?;
        let messages = load_messages(&connection, payload_bytes_max)?;
        Ok((Self { connection }, Loaded { start_number, queues, messages }))
    }

    pub(crate) fn begin(&self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)
    }

    pub(crate) fn commit(&self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([]).map(drop)
    }

    /// Undoes the open transaction, if there still is one.
    pub(crate) fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "rolling back the queue file failed");
        }
    }

    /// Writes one change into the open transaction.
    pub(crate) fn apply(&self, change: &Change) -> rusqlite::Result<()> {
        match change {
            Change::PutQueue { id, name, attributes, created_ms } => self.put_queue(*id, name, attributes, *created_ms),
            Change::DeleteQueue(id) => {
                self.run("DELETE FROM queues WHERE id = ?1", [id])?;
                self.run("DELETE FROM messages WHERE queue_id = ?1", [id])
            }
            Change::Purge(id) => self.run("DELETE FROM messages WHERE queue_id = ?1", [id]),
            Change::Insert(messages) => messages.iter().try_for_each(|message| self.insert(message)),
            Change::Delete(seqs) => {
                seqs.iter().try_for_each(|seq| self.run("DELETE FROM messages WHERE seq = ?1", [signed(*seq)]))
            }
            Change::Move { seqs, queue_id, origin } => seqs.iter().try_for_each(|seq| {
                self.run(
                    "UPDATE messages SET queue_id = ?2, origin = ?3, receive_count = 0, first_received_ms = NULL, \
                     visible_ms = 0 WHERE seq = ?1",
                    params![signed(*seq), queue_id, origin],
                )
            }),
        }
    }

    /// Writes how often a message was received.
    pub(crate) fn set_received(&self, seq: Seq, receive_count: u64, first_received_ms: u64) -> rusqlite::Result<()> {
        self.run(
            "UPDATE messages SET receive_count = ?2, first_received_ms = ?3 WHERE seq = ?1",
            [signed(seq), signed(receive_count), signed(first_received_ms)],
        )
    }

    /// A message's payload; None when the message is gone.
    pub(crate) fn payload(&self, seq: Seq) -> rusqlite::Result<Option<Payload>> {
        let mut statement =
            self.connection.prepare_cached("SELECT body, attributes, trace_header FROM messages WHERE seq = ?1")?;
        statement.query_row([signed(seq)], |row| read_payload(row, 0)).optional()
    }

    fn put_queue(&self, id: u32, name: &str, attributes: &Attributes, created_ms: u64) -> rusqlite::Result<()> {
        self.run(
            "INSERT INTO queues (id, name, attributes, created_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET attributes = excluded.attributes",
            params![id, name, to_json(attributes)?, signed(created_ms)],
        )
    }

    fn insert(&self, message: &NewMessage) -> rusqlite::Result<()> {
        let attributes = match message.payload.attributes.is_empty() {
            true => None,
            false => Some(to_json(&message.payload.attributes)?),
        };
        self.run(
            "INSERT INTO messages (seq, queue_id, group_id, sent_ms, visible_ms, payload_bytes, attributes, \
             trace_header, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                signed(message.seq),
                message.queue_id,
                message.group_id.as_deref(),
                signed(message.sent_ms),
                signed(message.visible_ms),
                signed(message.payload_bytes as u64),
                attributes,
                message.payload.trace_header,
                message.payload.body
            ],
        )
    }

    fn run(&self, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute(params).map(drop)
    }
}

/// A file without a version is new and gets ours; any other version is refused, not guessed at.
fn check_version(connection: &Connection) -> rusqlite::Result<()> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        0 => connection.pragma_update(None, "user_version", SCHEMA_VERSION),
        SCHEMA_VERSION => Ok(()),
        other => Err(rusqlite::Error::InvalidParameterName(format!(
            "the queue file has format {other}, this program knows format {SCHEMA_VERSION}"
        ))),
    }
}

fn load_queues(connection: &Connection) -> rusqlite::Result<Vec<LoadedQueue>> {
    let mut statement = connection.prepare("SELECT id, name, attributes, created_ms FROM queues ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        Ok(LoadedQueue {
            id: row.get(0)?,
            name: row.get(1)?,
            attributes: from_json(2, &row.get::<_, String>(2)?)?,
            created_ms: unsigned(row.get(3)?),
        })
    })?;
    rows.collect()
}

fn load_messages(connection: &Connection, payload_bytes_max: usize) -> rusqlite::Result<Vec<LoadedMessage>> {
    let mut statement = connection.prepare(
        "SELECT seq, queue_id, group_id, sent_ms, visible_ms, receive_count, first_received_ms, origin, payload_bytes, \
         body, attributes, trace_header FROM messages ORDER BY seq",
    )?;
    let mut room_bytes = payload_bytes_max;
    let rows = statement.query_map([], |row| {
        let payload_bytes = usize::try_from(row.get::<_, i64>(8)?).unwrap_or(usize::MAX);
        let fits = room_bytes.checked_sub(payload_bytes);
        room_bytes = fits.unwrap_or(room_bytes);
        Ok(LoadedMessage {
            seq: unsigned(row.get(0)?),
            queue_id: row.get(1)?,
            group_id: row.get(2)?,
            sent_ms: unsigned(row.get(3)?),
            visible_ms: unsigned(row.get(4)?),
            receive_count: unsigned(row.get(5)?),
            first_received_ms: row.get::<_, Option<i64>>(6)?.map(unsigned),
            origin: row.get(7)?,
            payload_bytes,
            payload: fits.map(|_| read_payload(row, 9)).transpose()?.map(Arc::new),
        })
    })?;
    rows.collect()
}

/// Body, attributes and trace header, in this order from column `first` on.
fn read_payload(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Payload> {
    let attributes: Option<String> = row.get(first + 1)?;
    Ok(Payload {
        body: row.get(first)?,
        attributes: attributes.map_or_else(|| Ok(MessageAttributes::new()), |text| from_json(first + 1, &text))?,
        trace_header: row.get(first + 2)?,
    })
}

fn to_json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn from_json<T: serde::de::DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into()))
}

/// SQLite's integers are signed; ours are times and counters far below the sign bit.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_as_durable_as_was_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        for (durability, expected) in [(Durability::ProcessKill, 1), (Durability::PowerLoss, 2)] {
            let (store, _) = Store::open(&directory.path().join("queues.sqlite"), durability, 0).unwrap();
            let pragma = |name| store.connection.pragma_query_value(None, name, |row| row.get::<_, String>(0));
            let synchronous: i64 = store.connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
            assert_eq!((pragma("journal_mode").unwrap().as_str(), synchronous), ("wal", expected));
        }
    }

    #[test]
    fn a_file_of_another_format_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("queues.sqlite");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
        assert!(Store::open(&path, Durability::default(), 0).is_err());
    }
}
