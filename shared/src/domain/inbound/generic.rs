//! HMAC signatures of providers we do not know: their owner says where the signature stands and what is signed.
//!
//! | setting | default |
//! |---|---|
//! | `header`: where the signature stands | needed |
//! | `algorithm`: `sha1`, `sha256`, `sha512` | `sha256` |
//! | `encoding`: `hex`, `base64`, `base64url` | `hex` |
//! | `prefix`: what stands in front of it | nothing |
//! | `timestampHeader`, `timestampUnit` (`seconds`, `milliseconds`), `toleranceSeconds` | no time is signed |
//! | `signed`: the text that is signed, with `{timestamp}`, `{id}`, `{method}`, `{url}` and `{body}` in it | `{body}`, with a time `{timestamp}.{body}` |
//! | `eventId`, `eventType`: a header or a JSON Pointer | events have none |

use serde::{Deserialize, Serialize};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::claim::Claim;
use super::headers::HeaderName;
use super::hmac::{self, Algorithm};
use super::naming::EventNaming;
use super::tolerance::{must_be_recent, parse_millis, parse_seconds};
use super::{Rejected, Verified};
use crate::domain::Invalid;
use crate::domain::timestamp::Timestamp;

/// Longest text in front of a signature.
pub(super) const PREFIX_BYTES_MAX: usize = 32;

/// Longest text around what is signed, its names included.
const TEMPLATE_BYTES_MAX: usize = 128;

/// How an HMAC is made and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HmacScheme {
    /// Where the signature stands.
    pub header: HeaderName,
    /// The digest in it.
    pub algorithm: HmacAlgorithm,
    /// How its bytes are written.
    pub encoding: SignatureEncoding,
    /// What stands in front of them, for example `sha256=`.
    pub prefix: String,
    /// Where the time stands, when it is signed too.
    pub timestamp: Option<TimestampHeader>,
    /// What is signed.
    pub signed: SignedTemplate,
    /// Where events have their names.
    pub naming: EventNaming,
}

/// A digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HmacAlgorithm {
    /// Still safe in an HMAC, and still in use.
    Sha1,
    /// What nearly everybody uses.
    #[default]
    Sha256,
    /// The long one.
    Sha512,
}

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureEncoding {
    /// In either case.
    #[default]
    Hex,
    /// With or without padding.
    Base64,
    /// The alphabet for URLs, with or without padding.
    Base64url,
}

/// Where the time of a signature stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampHeader {
    /// Its name.
    pub header: HeaderName,
    /// What it counts.
    pub unit: TimestampUnit,
    /// How far it may be from now.
    pub tolerance_seconds: u32,
}

/// What a timestamp counts, from the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimestampUnit {
    /// As nearly everybody.
    #[default]
    Seconds,
    /// As HubSpot.
    Milliseconds,
}

/// The text that is signed: pieces to fill in, and what stands between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTemplate(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Timestamp,
    Id,
    Method,
    Url,
    Body,
}

impl Piece {
    const NAMED: [(&str, Piece); 5] = [
        ("{timestamp}", Piece::Timestamp),
        ("{id}", Piece::Id),
        ("{method}", Piece::Method),
        ("{url}", Piece::Url),
        ("{body}", Piece::Body),
    ];

    /// The first piece of an ASCII text that is not empty, and what stands behind it.
    fn first_of(text: &str) -> (Self, &str) {
        let named = Self::NAMED.into_iter().find_map(|(name, piece)| Some((piece, text.strip_prefix(name)?)));
        named.unwrap_or_else(|| {
            let end = text[1..].find('{').map_or(text.len(), |at| at + 1);
            (Self::Text(text[..end].to_owned()), &text[end..])
        })
    }

    fn is_named(&self) -> bool {
        !matches!(self, Self::Text(_))
    }
}

impl SignedTemplate {
    /// The body alone.
    pub fn body() -> Self {
        Self(vec![Piece::Body])
    }

    /// `{timestamp}.{body}`.
    pub fn timestamp_and_body() -> Self {
        Self(vec![Piece::Timestamp, Piece::Text(".".to_owned()), Piece::Body])
    }

    /// Reads `{timestamp}.{body}` and the like. The body is in it, and everything at most once.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = || {
            Invalid::new(format!(
                "must be at most {TEMPLATE_BYTES_MAX} visible ASCII characters with {{body}} in them, and each of \
                 {{timestamp}}, {{id}}, {{method}}, {{url}} at most once"
            ))
        };
        if text.len() > TEMPLATE_BYTES_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(wrong());
        }
        let mut pieces: Vec<Piece> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, behind) = Piece::first_of(rest);
            if piece.is_named() && pieces.contains(&piece) {
                return Err(wrong());
            }
            pieces.push(piece);
            rest = behind;
        }
        let template = Self(pieces);
        if template.has(&Piece::Body) { Ok(template) } else { Err(wrong()) }
    }

    /// The text filled in, in pieces.
    fn parts<'a>(&'a self, claim: &Claim<'a>, time: &'a str, id: &'a str) -> Vec<&'a [u8]> {
        let part = |piece: &'a Piece| match piece {
            Piece::Text(text) => text.as_bytes(),
            Piece::Timestamp => time.as_bytes(),
            Piece::Id => id.as_bytes(),
            Piece::Method => claim.request.method.as_bytes(),
            Piece::Url => claim.request.url.as_bytes(),
            Piece::Body => claim.body(),
        };
        self.0.iter().map(part).collect()
    }

    fn has(&self, piece: &Piece) -> bool {
        self.0.contains(piece)
    }
}

impl std::fmt::Display for SignedTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|piece| {
            let name = Piece::NAMED.iter().find(|(_, named)| named == piece).map(|(name, _)| *name);
            match piece {
                Piece::Text(text) => f.write_str(text),
                _ => f.write_str(name.unwrap_or_default()),
            }
        })
    }
}

impl HmacAlgorithm {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Sha1 => hmac::SHA1,
            Self::Sha256 => hmac::SHA256,
            Self::Sha512 => hmac::SHA512,
        }
    }
}

impl SignatureEncoding {
    /// Whether the text is the tag, in one of the forms in which this encoding is written.
    fn is_same(self, tag: &[u8], given: &str) -> bool {
        let without_padding = given.trim_end_matches('=');
        match self {
            Self::Hex => {
                let lower = hmac::hex(tag);
                hmac::is_same_signature(&lower, given) | hmac::is_same_signature(&lower.to_ascii_uppercase(), given)
            }
            Self::Base64 => hmac::is_same_signature(&STANDARD_NO_PAD.encode(tag), without_padding),
            Self::Base64url => hmac::is_same_signature(&URL_SAFE_NO_PAD.encode(tag), without_padding),
        }
    }
}

impl TimestampUnit {
    fn parse(self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Seconds => parse_seconds(text),
            Self::Milliseconds => parse_millis(text),
        }
    }
}

pub(super) fn verify(claim: &Claim<'_>, scheme: &HmacScheme) -> Result<Verified, Rejected> {
    let malformed = |header: &HeaderName| Rejected::Malformed(header.as_str().to_owned());
    let given = claim.header(scheme.header.as_str())?.strip_prefix(&scheme.prefix);
    let given = given.ok_or_else(|| malformed(&scheme.header))?;
    let time = scheme.timestamp.as_ref().map(|time| claim.header(time.header.as_str())).transpose()?;

    let id = scheme.naming.id.as_ref().and_then(|place| place.text(claim)).unwrap_or_default();
    let parts = scheme.signed.parts(claim, time.unwrap_or_default(), &id);
    claim.signed_by(scheme.algorithm.algorithm(), &parts, |tag| scheme.encoding.is_same(tag, given))?;

    if let (Some(place), Some(text)) = (&scheme.timestamp, time) {
        let signed_at = place.unit.parse(text).ok_or_else(|| malformed(&place.header))?;
        must_be_recent(signed_at, claim.now, place.tolerance_seconds)?;
    }
    Ok(scheme.naming.event(claim)?.into())
}

impl HmacScheme {
    /// Refuses settings that contradict each other.
    pub(super) fn must_fit_together(&self) -> Result<(), Invalid> {
        let is_visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if self.prefix.len() > PREFIX_BYTES_MAX || !self.prefix.bytes().all(is_visible) {
            let rule = format!("prefix: must be at most {PREFIX_BYTES_MAX} visible ASCII characters");
            return Err(Invalid::new(rule));
        }
        if self.timestamp.is_some() != self.signed.has(&Piece::Timestamp) {
            return Err(Invalid::new(
                "signed: {timestamp} must be in it when there is a timestampHeader, and only then",
            ));
        }
        if self.signed.has(&Piece::Id) && self.naming.id.is_none() {
            return Err(Invalid::new("signed: {id} needs to know where the eventId stands"));
        }
        Ok(())
    }
}
