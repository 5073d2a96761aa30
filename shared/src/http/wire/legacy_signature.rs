//! Legacy signatures on the wire: an extension of endpoints. A secret goes in and never comes out again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::present;
use crate::domain::Invalid;
use crate::domain::endpoint::HeaderName;
use crate::domain::legacy_signature::{
    Encoding, LEGACY_PREFIX_BYTES_MAX, LEGACY_SECRET_BYTES_MAX, LEGACY_SIGNATURES_MAX, LegacyForm, LegacySecret,
    LegacySignature, LegacySignatureDraft, SignaturePrefix,
};
use crate::http::Problem;
use crate::http::openapi::values::LegacyKind;

/// Where they stand in an endpoint.
const FIELD: &str = "legacySignatures";

// What the schemas below and those of endpoints say in figures.
const _: () = assert!(LEGACY_SIGNATURES_MAX == 4 && LEGACY_PREFIX_BYTES_MAX == 32 && LEGACY_SECRET_BYTES_MAX == 256);

/// One more signature that deliveries are to carry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacySignatureIn {
    /// Its form: the standard values under the names of Svix; time and signatures in one header; a signature of the body alone.
    #[schema(value_type = LegacyKind)]
    kind: String,
    /// Where it stands, in no header that another one stands in; `svix` has names of its own, the other kinds need it.
    #[schema(max_length = 256)]
    header: Option<String>,
    /// `hmac`: how it is written; `hex`, unless it is said.
    #[schema(value_type = Option<Encoding>)]
    encoding: Option<String>,
    /// `hmac`: what stands in front of it.
    #[schema(max_length = 32, pattern = "^[!-~]*$")]
    prefix: Option<String>,
    /// Its key, 1 to 256 bytes; left out, the one it has had stays, null, the endpoint's secret is the key. None for `svix`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
    secret: Option<Option<LegacySecret>>,
}

/// All of an endpoint's, checked as a whole.
pub(super) fn into_drafts(entries: Vec<LegacySignatureIn>) -> Result<Vec<LegacySignatureDraft>, Problem> {
    if entries.len() > LEGACY_SIGNATURES_MAX {
        return Err(Problem::field(&["body", FIELD], format!("must not be more than {LEGACY_SIGNATURES_MAX}")));
    }
    let mut drafts: Vec<LegacySignatureDraft> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let index = index.to_string();
        let refuse = |field: &str, reason: Invalid| Problem::field(&["body", FIELD, &index, field], reason.0);
        let draft = entry.into_draft().map_err(|(field, reason)| refuse(field, reason))?;
        if drafts.iter().any(|other| other.form.is_in_place_of(&draft.form)) {
            return Err(refuse("header", Invalid::new("another of these signatures stands in this header")));
        }
        drafts.push(draft);
    }
    Ok(drafts)
}

impl LegacySignatureIn {
    /// Checked, or the field that is wrong.
    fn into_draft(self) -> Result<LegacySignatureDraft, (&'static str, Invalid)> {
        let header = || {
            let header = self.header.as_deref().ok_or_else(|| Invalid::new("is required"));
            header.and_then(HeaderName::parse).map_err(|reason| ("header", reason))
        };
        let form = match self.kind.as_str() {
            "svix" if matches!(self.secret, Some(Some(_))) => {
                return Err(("secret", Invalid::new("svix is signed with the endpoint's secret")));
            }
            "svix" => LegacyForm::Svix,
            "timestamped" => LegacyForm::Timestamped { header: header()? },
            "hmac" => LegacyForm::Hmac {
                header: header()?,
                encoding: Encoding::parse(self.encoding.as_deref().unwrap_or("hex"))
                    .map_err(|reason| ("encoding", reason))?,
                prefix: SignaturePrefix::parse(self.prefix.as_deref().unwrap_or_default())
                    .map_err(|reason| ("prefix", reason))?,
            },
            _ => return Err(("kind", Invalid::new("must be svix, timestamped or hmac"))),
        };
        Ok(LegacySignatureDraft { form, secret: self.secret })
    }
}

/// A legacy signature as callers see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacySignatureOut {
    /// Its form.
    #[schema(value_type = LegacyKind)]
    kind: &'static str,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    header: Option<String>,
    /// How it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Encoding>, nullable = false)]
    encoding: Option<&'static str>,
    /// What stands in front of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    prefix: Option<String>,
    /// Whether it is made with a secret of its own.
    has_secret: bool,
}

impl From<&LegacySignature> for LegacySignatureOut {
    fn from(entry: &LegacySignature) -> Self {
        let (encoding, prefix) = match &entry.form {
            LegacyForm::Svix | LegacyForm::Timestamped { .. } => (None, None),
            LegacyForm::Hmac { encoding, prefix, .. } => (Some(encoding.as_str()), Some(prefix.as_str().to_owned())),
        };
        Self {
            kind: entry.form.kind(),
            header: entry.form.header().map(|header| header.as_str().to_owned()),
            encoding,
            prefix,
            has_secret: entry.secret.is_some(),
        }
    }
}
