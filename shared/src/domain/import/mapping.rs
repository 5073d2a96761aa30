//! A row of cells to a message, by the columns that were found in the header.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::read::RECORD_BYTES_MAX;
use super::{BadFile, BadRecord, Columns, Header, PayloadColumns};
use crate::domain::names::EventTypeName;

/// The cells of one row.
pub(super) struct Cells<'a> {
    /// All of them, one behind the other.
    bytes: &'a [u8],
    /// The same, if all of it is text.
    text: Option<&'a str>,
    /// Where each ends.
    ends: &'a [usize],
}

impl<'a> Cells<'a> {
    pub(super) fn new(bytes: &'a [u8], ends: &'a [usize]) -> Self {
        Self { bytes, text: std::str::from_utf8(bytes).ok(), ends }
    }

    /// One of them, if it is text. Checked by itself, too: two cells may be text only together.
    pub(super) fn get(&self, at: usize) -> Option<&'a str> {
        let begin = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        let end = *self.ends.get(at)?;
        match self.text {
            Some(text) => text.get(begin..end),
            None => std::str::from_utf8(self.bytes.get(begin..end)?).ok(),
        }
    }
}

impl Columns {
    /// Finds the columns in a header.
    pub(super) fn bind(&self, header: &Header) -> Result<Mapping, BadFile> {
        let find = |named: &Option<String>, part: &str| match named {
            Some(name) => header.column(name).map(Some),
            None => Ok(header.position(part)),
        };
        let event_type = find(&self.event_type, "eventType")?;
        if event_type.is_none() && self.default_event_type.is_none() {
            return Err(BadFile::Header(
                "no column is called eventType, none is named for it, and it has no default".to_owned(),
            ));
        }
        let event_id = find(&self.event_id, "eventId")?;
        let channels = find(&self.channels, "channels")?;
        let application = find(&self.application, "application")?;
        let tags = find(&self.tags, "tags")?;
        let ordering_key = find(&self.ordering_key, "orderingKey")?;
        let used = [event_type, event_id, channels, application, tags, ordering_key];
        Ok(Mapping {
            names: header.columns.clone(),
            event_type,
            default_event_type: self.default_event_type.clone(),
            event_id,
            channels,
            application,
            tags,
            ordering_key,
            payload: self.bind_payload(header, &used)?,
        })
    }

    fn bind_payload(&self, header: &Header, used: &[Option<usize>]) -> Result<PayloadMapping, BadFile> {
        let fields = match &self.payload {
            Some(PayloadColumns::Object(name)) => return Ok(PayloadMapping::Object(header.column(name)?)),
            Some(PayloadColumns::Fields(fields)) => {
                let found = fields.iter().map(|(field, name)| Ok((field.clone(), header.column(name)?)));
                found.collect::<Result<_, BadFile>>()?
            }
            None => {
                if let Some(column) = header.position("payload") {
                    return Ok(PayloadMapping::Object(column));
                }
                let left = header.columns.iter().enumerate().filter(|(column, _)| !used.contains(&Some(*column)));
                left.map(|(column, name)| (name.clone(), column)).collect()
            }
        };
        Ok(PayloadMapping::Fields(fields))
    }
}

/// The columns of one file, found.
pub(super) struct Mapping {
    names: Vec<String>,
    event_type: Option<usize>,
    default_event_type: Option<EventTypeName>,
    event_id: Option<usize>,
    channels: Option<usize>,
    application: Option<usize>,
    tags: Option<usize>,
    ordering_key: Option<usize>,
    payload: PayloadMapping,
}

enum PayloadMapping {
    /// A column that holds a JSON object.
    Object(usize),
    /// Fields, and their columns.
    Fields(Vec<(String, usize)>),
}

impl Mapping {
    /// A row in the form in which the API takes messages. An empty cell is left out, except in the payload.
    pub(super) fn json(&self, cells: &Cells<'_>) -> Result<Vec<u8>, BadRecord> {
        let row = BoundRow { mapping: self, cells };
        let default_event_type = self.default_event_type.as_ref().map(EventTypeName::as_str);
        let message = RowMessage {
            event_type: row.filled(self.event_type)?.or(default_event_type),
            event_id: row.filled(self.event_id)?,
            channels: row.list(self.channels)?,
            application: row.filled(self.application)?,
            tags: row.list(self.tags)?,
            ordering_key: row.filled(self.ordering_key)?,
            payload: match &self.payload {
                PayloadMapping::Object(column) => RowPayload::Object(row.object(*column)?),
                PayloadMapping::Fields(fields) => RowPayload::Fields(row.fields(fields)?),
            },
        };
        #[allow(clippy::expect_used)] // texts, lists of texts, and JSON that was read before
        let json = serde_json::to_vec(&message).expect("a message of texts");
        if json.len() > RECORD_BYTES_MAX { Err(BadRecord::TooLong) } else { Ok(json) }
    }
}

/// One row with the columns of its file.
struct BoundRow<'a> {
    mapping: &'a Mapping,
    cells: &'a Cells<'a>,
}

impl<'a> BoundRow<'a> {
    fn name(&self, column: usize) -> String {
        self.mapping.names.get(column).cloned().unwrap_or_default()
    }

    fn cell(&self, column: usize) -> Result<&'a str, BadRecord> {
        self.cells.get(column).ok_or_else(|| BadRecord::CellNotUtf8 { column: self.name(column) })
    }

    fn filled(&self, column: Option<usize>) -> Result<Option<&'a str>, BadRecord> {
        let cell = column.map(|column| self.cell(column)).transpose()?;
        Ok(cell.filter(|text| !text.is_empty()))
    }

    fn list(&self, column: Option<usize>) -> Result<Vec<&'a str>, BadRecord> {
        let text = self.filled(column)?.unwrap_or_default();
        Ok(text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect())
    }

    /// The cell goes into the message as it is, so it must be JSON by itself.
    fn object(&self, column: usize) -> Result<&'a RawValue, BadRecord> {
        let bad = |reason: String| BadRecord::Payload { column: self.name(column), reason };
        let json: &RawValue = serde_json::from_str(self.cell(column)?).map_err(|error| bad(error.to_string()))?;
        if json.get().starts_with('{') { Ok(json) } else { Err(bad("it is another JSON value".to_owned())) }
    }

    fn fields(&self, fields: &'a [(String, usize)]) -> Result<Vec<(&'a str, &'a str)>, BadRecord> {
        fields.iter().map(|(field, column)| Ok((field.as_str(), self.cell(*column)?))).collect()
    }
}

/// A row as a message, as the API takes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowMessage<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    channels: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ordering_key: Option<&'a str>,
    payload: RowPayload<'a>,
}

enum RowPayload<'a> {
    Object(&'a RawValue),
    Fields(Vec<(&'a str, &'a str)>),
}

impl Serialize for RowPayload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(json) => json.serialize(serializer),
            Self::Fields(fields) => serializer.collect_map(fields.iter().copied()),
        }
    }
}
