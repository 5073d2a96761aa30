//! What an organization's secrets are sealed with, as far as it is told.

use super::timestamp::Timestamp;

/// One of an organization's data keys: what is known of it without the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataKeyRecord {
    /// Its number; the highest one seals what is written now.
    pub number: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was erased. What was sealed with it is gone since.
    pub erased_at: Option<Timestamp>,
}
