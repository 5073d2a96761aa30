//! Calling off messages, and removing contents: payloads of messages, answers of receivers. Records stay; only updates of items in a message's own
//! partition are made, so the function that makes them needs no right to write anything else.
//!
//! A message's mark is written before its payload is taken away, so whoever delivers finds it first. Removed twice is
//! removed, and cut short in between it is done by asking again.

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{Reader, number, text};
use super::{Store, keys};
use crate::domain::ids::{AppScope, AttemptId, MessageId};
use crate::domain::message::Message;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

impl Store {
    /// Takes a message's payload away. Brings the name of the object it is in, if it is in one, which is still to be deleted:
    /// the record keeps the name, so that this can be done again. None: the message is gone meanwhile.
    pub async fn expunge_message(&self, scope: &AppScope, message: &Message) -> Result<Option<Option<String>>, Fault> {
        let action = format!("removing the payload of message {}", message.id);
        let pk = keys::message_of(scope, &message.id);
        let mark = self
            .update(&pk, keys::EXPUNGED, "SET message = :message, #ttl = :ttl")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":message", text(message.id.ksuid().to_string()))
            // The message's own, which was rounded to seconds when it was written.
            .expression_attribute_values(":ttl", number(message.expires_at.as_seconds()));
        self.updated(&action, mark).await?;
        let update = self.update(&pk, keys::MESSAGE, "SET expunged = :true REMOVE body, zbody");
        let update = update.expression_attribute_values(":true", AttributeValue::Bool(true));
        let Some(left) = self.updated(&action, update.condition_expression("attribute_exists(pk)")).await? else {
            return Ok(None);
        };
        Ok(Some(Reader::new("message", &left).text_if("blob")?.map(str::to_owned)))
    }

    /// Takes the receiver's answer out of an attempt; whether there is such an attempt.
    pub async fn expunge_attempt(
        &self,
        scope: &AppScope,
        message: &MessageId,
        attempt: &AttemptId,
    ) -> Result<bool, Fault> {
        let pk = keys::message_of(scope, message);
        let update = self.update(&pk, keys::attempt_sk(attempt), "SET expunged = :true REMOVE body");
        let update = update.expression_attribute_values(":true", AttributeValue::Bool(true));
        let update = update.condition_expression("attribute_exists(pk)");
        let left = self.updated(&format!("removing the answer of attempt {attempt}"), update).await?;
        Ok(left.is_some())
    }

    /// Calls off a message that is not to be delivered before some time to come. False: there is no such message, or it is
    /// being delivered already.
    pub async fn cancel_message(&self, scope: &AppScope, id: &MessageId, now: Timestamp) -> Result<bool, Fault> {
        let update = self.update(keys::message_of(scope, id), keys::MESSAGE, "SET canceled = :true");
        let update = update.expression_attribute_values(":true", AttributeValue::Bool(true));
        let update = update.condition_expression("deliver > :now");
        let update = update.expression_attribute_values(":now", number(now.as_millis()));
        Ok(self.updated(&format!("calling off message {id}"), update).await?.is_some())
    }
}
