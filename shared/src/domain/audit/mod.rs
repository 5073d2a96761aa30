//! The audit log: who changed which part of the configuration, when, and from what to what.
//!
//! A record shows what is harmless. Of what lets somebody in, or may hold a credential, it says only that it changed: secrets,
//! tokens and the values of headers are never in it, nor values of metadata, nor what stands behind a `?` in a URL. What each
//! noun shows is decided in one place, [`fields`], which takes it apart completely: a new field does not compile until it is
//! decided about.
//!
//! A record is part of the transaction that makes the change. So there is none without the other, and what is repeated under an
//! idempotency key, or loses against another change, leaves no record of its own.

mod fields;
mod operation;

use serde_json::Value;

use super::actor::Actor;
use super::ids::{ApplicationId, ChangeId, OrganizationId, RequestId};
use super::timestamp::Timestamp;

pub use fields::{PortalToken, PortalTokens};
pub use operation::Operation;

/// Longest JSON of a value in a record. A longer one is cut: a record is for reading, and with all of a noun's fields, before and
/// after, it has to fit into an item of 400 KB, next to the change in one transaction.
pub const AUDITED_VALUE_BYTES_MAX: usize = 1_024;

/// Stands at the end of a value that was cut.
pub const CUT_MARK: char = '…';

/// On whose behalf the configuration is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Whose configuration it is.
    pub organization: OrganizationId,
    /// Who does it.
    pub actor: Actor,
    /// The request it came with, as the gateway in front names it.
    pub request_id: Option<RequestId>,
}

impl Author {
    /// The gateway itself, which changes something of its own accord.
    pub fn gateway(organization: OrganizationId) -> Self {
        Self { organization, actor: Actor::Gateway, request_id: None }
    }
}

/// One change of the configuration, on record.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Ours; runs with the time.
    pub id: ChangeId,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub author: Author,
    /// What was done.
    pub operation: Operation,
    /// To what.
    pub changed: Changed,
    /// When the record may be forgotten.
    pub expires_at: Timestamp,
}

/// What was changed, and how it differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Identifier or name of the thing.
    pub thing: String,
    /// The application it belongs to, if it belongs to one.
    pub application: Option<ApplicationId>,
    /// What differs; nothing: it was set to what it was.
    pub fields: Vec<FieldChange>,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FieldChange {
    /// As the API calls it.
    pub name: String,
    /// What was there, if that may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there now, if that may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Whether there is more to it than is shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_secret: bool,
}

/// A noun whose changes are put on record.
pub trait Audited {
    /// Identifier or name.
    fn thing(&self) -> String;
    /// All of its fields, but for what no caller decides.
    fn fields(&self) -> Vec<Field>;
}

/// A field as it stands. Lives only while two are compared: it holds secrets.
pub struct Field {
    name: &'static str,
    compared: Value,
    shown: Shown,
}

enum Shown {
    Whole,
    Partly(Value),
    Nothing,
}

impl Field {
    /// One that is shown as it is.
    fn open(name: &'static str, value: impl Into<Value>) -> Self {
        Self { name, compared: value.into(), shown: Shown::Whole }
    }

    /// One of which this much is shown.
    fn partly(name: &'static str, value: impl Into<Value>, shown: impl Into<Value>) -> Self {
        Self { name, compared: value.into(), shown: Shown::Partly(shown.into()) }
    }

    /// One of which nothing is shown but that it changed.
    fn secret(name: &'static str, value: impl Into<Value>) -> Self {
        Self { name, compared: value.into(), shown: Shown::Nothing }
    }

    fn shown(&self) -> Option<Value> {
        let shown = match &self.shown {
            Shown::Whole => &self.compared,
            Shown::Partly(part) => part,
            Shown::Nothing => return None,
        };
        (!shown.is_null()).then(|| bounded(shown))
    }
}

impl Changed {
    /// A thing that was made.
    pub fn created(after: &impl Audited) -> Self {
        Self::differences(after.thing(), Vec::new(), after.fields())
    }

    /// A thing that is not as it was.
    pub fn between<T: Audited>(before: &T, after: &T) -> Self {
        Self::differences(after.thing(), before.fields(), after.fields())
    }

    /// A thing that is gone.
    pub fn deleted(before: &impl Audited) -> Self {
        Self::differences(before.thing(), before.fields(), Vec::new())
    }

    /// As something that belongs to this application.
    pub fn within(self, application: ApplicationId) -> Self {
        Self { application: Some(application), ..self }
    }

    /// Both lists are in the order of the noun; one that is empty stands for a thing that is not there.
    fn differences(thing: String, before: Vec<Field>, after: Vec<Field>) -> Self {
        let names: Vec<_> = if after.is_empty() { &before } else { &after }.iter().map(|field| field.name).collect();
        let (mut before, mut after) = (before.into_iter(), after.into_iter());
        let fields = names.into_iter().filter_map(|name| difference(name, before.next(), after.next()));
        Self { thing, application: None, fields: fields.collect() }
    }
}

fn difference(name: &str, before: Option<Field>, after: Option<Field>) -> Option<FieldChange> {
    let value = |field: &Option<Field>| field.as_ref().map_or(Value::Null, |field| field.compared.clone());
    if value(&before) == value(&after) {
        return None;
    }
    let is_secret = before.iter().chain(&after).any(|field| !matches!(field.shown, Shown::Whole));
    let (before, after) = (before.and_then(|field| field.shown()), after.and_then(|field| field.shown()));
    Some(FieldChange { name: name.to_owned(), before, after, is_secret })
}

/// The value, or as much of its JSON as is kept, as a text.
fn bounded(value: &Value) -> Value {
    let json = value.to_string();
    if json.len() <= AUDITED_VALUE_BYTES_MAX {
        return value.clone();
    }
    let text = value.as_str().unwrap_or(&json);
    let kept = text.floor_char_boundary(AUDITED_VALUE_BYTES_MAX - CUT_MARK.len_utf8());
    Value::String(format!("{}{CUT_MARK}", &text[..kept]))
}

#[cfg(test)]
mod tests;
