//! KMS: one key, and the two calls of envelope encryption, `GenerateDataKey` and `Decrypt`.
//!
//! Promises: a data key comes back from its blob only for the same key's name and the same encryption context; a blob that was
//! changed is refused. The key itself stays here: in memory, or in a file that nobody but its owner may read (`master_key.rs`).
//! Any key may be named; the name is bound into the blob, so one file serves whatever the template calls its key. What is missing
//! is what Fanfare does not use: policies, grants, aliases, rotation of the key itself.

mod master_key;

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::StatusCode;
use s3s::Body;
use serde::{Deserialize, Serialize};

use crate::OpenError;
use crate::wire::{self, Response};

/// What KMS takes as a blob to decrypt.
const BLOB_BYTES_MAX: usize = 6_144;

/// `AES_256`
const DATA_KEY_BYTES: usize = 32;

/// The key engine.
pub(crate) struct Kms {
    master: RandomizedNonceKey,
}

type Context = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Generate {
    key_id: String,
    key_spec: Option<String>,
    #[serde(default)]
    encryption_context: Context,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypt {
    key_id: Option<String>,
    ciphertext_blob: String,
    #[serde(default)]
    encryption_context: Context,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    key_id: String,
    plaintext: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_blob: Option<String>,
}

/// An error code of KMS.
struct Refused(&'static str);

const INVALID_CIPHERTEXT: Refused = Refused("InvalidCiphertextException");
const INVALID: Refused = Refused("ValidationException");
const INTERNAL: Refused = Refused("KMSInternalException");

impl Kms {
    /// A key that ends with the process.
    pub(crate) fn in_memory() -> Result<Self, OpenError> {
        master_key::random().map(Self::with)
    }

    /// The key in this file; made if it is not there.
    pub(crate) fn on_disk(path: &Path) -> Result<Self, OpenError> {
        master_key::of_file(path).map(Self::with)
    }

    fn with(master: RandomizedNonceKey) -> Self {
        Self { master }
    }

    /// Answers one operation.
    pub(crate) async fn answer(&self, operation: &str, body: Body) -> Response {
        let Some(body) = wire::read_json(body).await else { return wire::unreadable() };
        let answer = match operation {
            "GenerateDataKey" => read(&body).and_then(|request| self.generate(request)),
            "Decrypt" => read(&body).and_then(|request| self.decrypt(request)),
            _ => Err(Refused("UnknownOperationException")),
        };
        match answer.and_then(|answer| serde_json::to_vec(&answer).map_err(|_| INTERNAL)) {
            Ok(answer) => wire::json(StatusCode::OK, answer),
            Err(Refused(code)) => wire::json(StatusCode::BAD_REQUEST, format!(r#"{{"__type":"{code}"}}"#)),
        }
    }

    fn generate(&self, request: Generate) -> Result<Answer, Refused> {
        if request.key_spec.as_deref() != Some("AES_256") {
            return Err(INVALID);
        }
        let mut plain = [0; DATA_KEY_BYTES];
        aws_lc_rs::rand::fill(&mut plain).map_err(|_| INTERNAL)?;
        let mut sealed = plain.to_vec();
        let bound = bound_to(&request.key_id, &request.encryption_context)?;
        let nonce = self.master.seal_in_place_append_tag(Aad::from(&bound), &mut sealed).map_err(|_| INTERNAL)?;
        let name = u8::try_from(request.key_id.len()).map_err(|_| INVALID)?;
        let blob = [&[name], request.key_id.as_bytes(), nonce.as_ref(), &sealed].concat();
        let blob = Some(BASE64.encode(blob));
        Ok(Answer { key_id: request.key_id, plaintext: BASE64.encode(plain), ciphertext_blob: blob })
    }

    fn decrypt(&self, request: Decrypt) -> Result<Answer, Refused> {
        let blob = BASE64.decode(&request.ciphertext_blob).map_err(|_| INVALID)?;
        if blob.len() > BLOB_BYTES_MAX {
            return Err(INVALID);
        }
        let (key_id, rest) = named(&blob).ok_or(INVALID_CIPHERTEXT)?;
        if request.key_id.is_some_and(|wanted| wanted != key_id) {
            return Err(Refused("IncorrectKeyException"));
        }
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or(INVALID_CIPHERTEXT)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| INVALID_CIPHERTEXT)?;
        let (bound, mut sealed) = (bound_to(key_id, &request.encryption_context)?, sealed.to_vec());
        let plain = self.master.open_in_place(nonce, Aad::from(&bound), &mut sealed);
        let plain = plain.map_err(|_| INVALID_CIPHERTEXT)?;
        Ok(Answer { key_id: key_id.to_owned(), plaintext: BASE64.encode(plain), ciphertext_blob: None })
    }
}

/// The name of the key that a blob begins with, and the rest.
fn named(blob: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = blob.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(name).ok()?, rest))
}

/// What a blob is good for: this key, in this context.
fn bound_to(key_id: &str, context: &Context) -> Result<Vec<u8>, Refused> {
    serde_json::to_vec(&(key_id, context)).map_err(|_| INTERNAL)
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|_| Refused("SerializationException"))
}
