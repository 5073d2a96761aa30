//! The bucket. Payloads too large for a table item are here; files that are uploaded, and what is said of them, in [`files`].
//!
//! A payload's name contains a hash of the message's content: a repeat writes the same bytes under the same name, and
//! a conflicting request under another, so writing twice never changes what somebody already accepted. Objects expire with the bucket's
//! lifecycle rule.

mod files;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::domain::ids::{AppScope, MessageId};
use crate::domain::message::{ContentHash, Message, PAYLOAD_BYTES_MAX, Payload, PayloadPlace};
use crate::fault::Fault;

pub use files::{FileHead, FileStream, ReadError};

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

    /// Stores a message's payload; where it is from now on.
    pub async fn put_payload(
        &self,
        scope: &AppScope,
        id: &MessageId,
        hash: &ContentHash,
        payload: &Payload,
    ) -> Result<PayloadPlace, Fault> {
        let name = payload_name(scope, id, hash);
        let body = ByteStream::from(Bytes::copy_from_slice(payload.as_str().as_bytes()));
        let put = self.client.put_object().bucket(&self.bucket).key(&name).content_type("application/json").body(body);
        put.send().await.map_err(|error| Fault::unavailable(format!("storing the payload of message {id}"), error))?;
        Ok(PayloadPlace::Blob(name))
    }

    /// Deletes a payload's object. One that is not there (any more) is deleted.
    pub async fn delete_payload(&self, name: &str) -> Result<(), Fault> {
        let deleted = self.client.delete_object().bucket(&self.bucket).key(name).send().await;
        deleted.map(drop).map_err(|error| Fault::unavailable("deleting the payload of a message", error))
    }

    /// A message's payload, wherever it is; none: it was removed.
    pub async fn payload_of(&self, message: &Message) -> Result<Option<Payload>, Fault> {
        let name = match &message.payload {
            PayloadPlace::Here(payload) => return Ok(Some(payload.clone())),
            PayloadPlace::Blob(name) => name,
            PayloadPlace::Expunged => return Ok(None),
        };
        let action = || format!("reading the payload of message {}", message.id);
        let answer = self.client.get_object().bucket(&self.bucket).key(name).send().await;
        let answer = answer.map_err(|error| Fault::unavailable(action(), error))?;
        if answer.content_length().is_some_and(|length| length > PAYLOAD_BYTES_MAX as i64) {
            return Err(Fault::corrupt(action()));
        }
        let bytes = answer.body.collect().await.map_err(|error| Fault::unavailable(action(), error))?.to_vec();
        let text = String::from_utf8(bytes).map_err(|error| Fault::corrupt_because(action(), error))?;
        Payload::from_text(text).map(Some).map_err(|error| Fault::corrupt_because(action(), error))
    }
}

fn payload_name(scope: &AppScope, id: &MessageId, hash: &ContentHash) -> String {
    let hex: String = id.ksuid().tail().iter().chain(&hash.0).map(|byte| format!("{byte:02x}")).collect();
    format!("payload/{}/{}/{hex}", scope.organization.ksuid(), scope.application.ksuid())
}
