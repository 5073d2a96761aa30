//! Data keys on the wire: what is known of them, never the keys.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::encryption::DataKeyRecord;
use crate::domain::ids::OrganizationId;
use crate::domain::timestamp::Timestamp;
use crate::http::Problem;

/// One of the organization's data keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataKeyOut {
    /// Its number. The highest one seals what is written now.
    number: u32,
    /// When it was made.
    created_at: Timestamp,
    /// When it was erased; what was sealed with it is gone since.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<Timestamp>,
}

impl From<DataKeyRecord> for DataKeyOut {
    fn from(record: DataKeyRecord) -> Self {
        Self { number: record.number, created_at: record.created_at, erased_at: record.erased_at }
    }
}

/// All of the organization's data keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct DataKeysOut {
    /// Oldest first.
    data: Vec<DataKeyOut>,
}

impl From<Vec<DataKeyRecord>> for DataKeysOut {
    fn from(records: Vec<DataKeyRecord>) -> Self {
        Self { data: records.into_iter().map(DataKeyOut::from).collect() }
    }
}

/// Whose data is to be made unreadable: said once more, because nothing brings it back.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DataKeysEraseIn {
    /// The caller's own organization.
    organization: OrganizationId,
}

impl DataKeysEraseIn {
    /// Goes on only if the caller named its own organization.
    pub fn check(&self, own: &OrganizationId) -> Result<(), Problem> {
        match self.organization == *own {
            true => Ok(()),
            false => Err(Problem::field(&["body", "organization"], "must be the organization of the token")),
        }
    }
}
