//! Which column of a CSV file becomes which part of a message.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BadFile;
use crate::domain::names::EventTypeName;

/// Which columns hold what, as the caller says. What is left out is taken from the column that has the same name as the part
/// (`eventType`, `eventId`, `channels`, ...), if the file has it; what is named must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Columns {
    /// What happened. There must be such a column, or a default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The event type of rows that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_event_type: Option<EventTypeName>,
    /// The caller's own identifier of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Channels, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<String>,
    /// The application's uid or id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// Tags, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// What ordered endpoints get messages one after the other by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordering_key: Option<String>,
    /// What is delivered. Left out, and without a column `payload`: every column that holds nothing else becomes a text field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<PayloadColumns>,
}

/// Where the payload of a row is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "the name of a column that holds a JSON object, or an object of payload fields and columns"
)]
pub enum PayloadColumns {
    /// In one column, as a JSON object.
    Object(String),
    /// Field by field, each a text: the field's name, and its column.
    Fields(BTreeMap<String, String>),
}

/// The header of a CSV file: what has to be known to read on in its middle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// What stands between two cells.
    pub delimiter: Delimiter,
    /// The names of the columns, in their order.
    pub columns: Vec<String>,
}

/// What stands between two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delimiter {
    /// As RFC 4180 has it.
    Comma,
    /// Where the comma is for decimals.
    Semicolon,
    /// Tab-separated values.
    Tab,
}

impl Delimiter {
    /// It, as it stands in the file.
    pub(super) fn as_byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

impl Header {
    /// Which column has this name.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The same; there must be one.
    pub(super) fn column(&self, name: &str) -> Result<usize, BadFile> {
        self.position(name).ok_or_else(|| BadFile::Header(format!("no column is called {name:?}")))
    }
}
