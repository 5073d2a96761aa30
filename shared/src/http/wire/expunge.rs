//! Removing the payloads of many messages, on the wire.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::Problem;

/// Messages of one request: each takes three calls, and the caller waits for all of them.
pub const EXPUNGED_MESSAGES_MAX: usize = 500;

// What the schema below says in figures.
const _: () = assert!(EXPUNGED_MESSAGES_MAX == 500);

/// Whose payloads are to be removed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BulkExpungeContentsIn {
    /// Ids and event ids of messages.
    #[schema(value_type = Option<Vec<String>>, max_items = 500)]
    ids: Option<BTreeSet<String>>,
}

impl BulkExpungeContentsIn {
    /// The identifiers and event ids, each once.
    pub fn into_ids(self) -> Result<BTreeSet<String>, Problem> {
        let ids = self.ids.unwrap_or_default();
        if ids.len() > EXPUNGED_MESSAGES_MAX {
            let rule = format!("must not have more than {EXPUNGED_MESSAGES_MAX} items");
            return Err(Problem::field(&["body", "ids"], rule));
        }
        Ok(ids)
    }
}

/// What became of one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BulkExpungeStatus {
    /// Its payload is gone.
    Expunged,
    /// There is no such message.
    NotFound,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkExpungeContentsOut {
    /// By what the caller called it.
    pub results: BTreeMap<String, BulkExpungeStatus>,
}
