//! The bucket. Payloads too large for a table item are here; files that are uploaded, and what is said of them, in [`files`].
//!
//! A payload's name contains a hash of the message's content: a repeat writes the same payload under the same name, and
//! a conflicting request under another, so writing twice never changes what somebody already accepted. Whether its bytes are sealed is
//! not known here (`flows/payloads.rs`). Objects expire with the bucket's
//! lifecycle rule.

mod files;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;

use crate::domain::hex::hex;
use crate::domain::ids::{AppScope, MessageId};
use crate::domain::message::{ContentHash, PAYLOAD_BYTES_MAX};
use crate::fault::Fault;
use crate::keys::SEALED_BYTES_MORE;

pub use files::{FileHead, FileStream, ReadError};

/// Largest object that is read as a payload: the largest payload, sealed.
const OBJECT_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + SEALED_BYTES_MORE;

/// The bucket. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Blobs {
    client: Client,
    bucket: String,
}

impl Blobs {
    /// The bucket of this name.
    pub fn new(sdk: &SdkConfig, bucket: &str) -> Self {
        Self { client: Client::new(sdk), bucket: bucket.to_owned() }
    }

    /// Stores a payload under its name.
    pub async fn put_payload(&self, name: &str, bytes: Vec<u8>) -> Result<(), Fault> {
        let put = self.client.put_object().bucket(&self.bucket).key(name).content_type("application/json");
        let stored = put.body(ByteStream::from(bytes)).send().await;
        stored.map(drop).map_err(|error| Fault::unavailable(format!("storing the payload {name}"), error))
    }

    /// Deletes a payload's object. One that is not there (any more) is deleted.
    pub async fn delete_payload(&self, name: &str) -> Result<(), Fault> {
        let deleted = self.client.delete_object().bucket(&self.bucket).key(name).send().await;
        deleted.map(drop).map_err(|error| Fault::unavailable("deleting the payload of a message", error))
    }

    /// The payload of this name.
    pub async fn payload(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let action = || format!("reading the payload {name}");
        let answer = self.client.get_object().bucket(&self.bucket).key(name).send().await;
        let answer = answer.map_err(|error| Fault::unavailable(action(), error))?;
        if answer.content_length().is_some_and(|length| length > OBJECT_BYTES_MAX as i64) {
            return Err(Fault::corrupt(action()));
        }
        let bytes = answer.body.collect().await.map_err(|error| Fault::unavailable(action(), error))?;
        Ok(bytes.to_vec())
    }
}

/// The name under which a message's payload is stored.
pub fn payload_name(scope: &AppScope, id: &MessageId, hash: &ContentHash) -> String {
    let (tail, hash) = (hex(&id.ksuid().tail()), hex(&hash.0));
    format!("payload/{}/{}/{tail}{hash}", scope.organization.ksuid(), scope.application.ksuid())
}
