//! Where an event's id and type stand when the provider is not one we know.

use serde::{Deserialize, Serialize};

use super::Rejected;
use super::claim::Claim;
use super::event::InboundEvent;
use super::headers::HeaderName;
use super::json;
use crate::domain::Invalid;

/// Longest pointer.
const POINTER_BYTES_MAX: usize = 256;

/// Where to find what names an event; without a place there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventNaming {
    /// The provider's identifier of the event, the same in its retries.
    pub id: Option<Place>,
    /// The provider's name for what happened.
    pub event_type: Option<Place>,
}

impl EventNaming {
    /// The body as an event with these names. They are read from the body as it came, not from what it is wrapped in.
    pub(super) fn event(&self, claim: &Claim<'_>) -> Result<InboundEvent, Rejected> {
        let named = |place: &Option<Place>| place.as_ref().and_then(|place| place.text(claim));
        Ok(InboundEvent { id: named(&self.id), event_type: named(&self.event_type), payload: claim.payload()? })
    }
}

/// A place in a request: `{"header": "X-Event-Id"}` or `{"pointer": "/event/id"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// A header.
    Header(HeaderName),
    /// A text or number in a JSON body.
    Pointer(JsonPointer),
}

impl Place {
    /// What stands there, if anything does.
    pub(super) fn text(&self, claim: &Claim<'_>) -> Option<String> {
        match self {
            Self::Header(name) => claim.hint(name.as_str()).map(str::to_owned),
            Self::Pointer(pointer) => json::text_at(std::str::from_utf8(claim.body()).ok()?, pointer.as_str()),
        }
    }

    /// `Invalid` when what stands there must not be passed on.
    pub(super) fn must_be_open(&self) -> Result<(), Invalid> {
        match self {
            Self::Header(name) if name.is_credential() => {
                Err(Invalid::new(format!("the header {} holds a credential and names no event", name.as_str())))
            }
            Self::Header(_) | Self::Pointer(_) => Ok(()),
        }
    }
}

/// A JSON Pointer (RFC 6901) to something within a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JsonPointer(String);

impl JsonPointer {
    /// `/`, and what follows.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if !text.starts_with('/') || text.len() > POINTER_BYTES_MAX {
            let rule = format!("must be a JSON Pointer like /event/id of at most {POINTER_BYTES_MAX} bytes");
            return Err(Invalid::new(rule));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for JsonPointer {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<JsonPointer> for String {
    fn from(pointer: JsonPointer) -> Self {
        pointer.0
    }
}
