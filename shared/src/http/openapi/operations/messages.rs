//! Messages.

use serde_json::{Value, json};

use super::super::op::{BY_TIME, OperationDoc, any_of, flag, one, op, page, times};
use super::{INSTANT, MESSAGE, page_of};
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::http::query::PageOut;
use crate::http::wire::message::{EventExampleIn, MessageIn, MessageOut, MessagePrecheckIn, MessagePrecheckOut};

fn payload() -> Value {
    json!({ "invoice": "in_1234", "amount": 4200 })
}

pub(super) fn shown() -> Value {
    json!({
        "id": MESSAGE, "eventId": "invoice-1234-paid", "eventType": "invoice.paid", "channels": ["project:123"],
        "tags": ["imported"], "payload": payload(), "timestamp": INSTANT,
    })
}

pub(super) fn operations() -> Vec<OperationDoc> {
    vec![
        op("message.create", "Publish a message")
            .describe(
                "It is stored and its deliveries are queued before this is answered. A repeat with the same `eventId`, or \
                 else with the same idempotency key, is answered with the first message.",
            )
            .query([flag("with_content", true, "Answer with the payload.")])
            .body::<MessageIn>(json!({
                "eventType": "invoice.paid", "eventId": "invoice-1234-paid", "channels": ["project:123"],
                "tags": ["imported"], "payload": payload(),
            }))
            .idempotent()
            .answers::<MessageOut>(202, shown())
            .errors(&[409]),
        op("message.list", "List an application's messages")
            .query(page(BY_TIME))
            .query(times())
            .query([
                any_of::<EventTypeName>("event_types", "Only messages of these types."),
                one::<Channel>("channel", "Only messages with this channel."),
                one::<Tag>("tag", "Only messages with this tag."),
                flag("with_content", true, "With their payloads."),
            ])
            .answers::<PageOut<MessageOut>>(200, page_of(shown(), MESSAGE)),
        op("message.get", "Get a message")
            .query([flag("with_content", true, "With its payload.")])
            .answers::<MessageOut>(200, shown()),
        op("message.cancel", "Call off a message for later")
            .answers_nothing("Nobody will deliver it; twice is as good as once.")
            .errors(&[409]),
        op("message.precheck", "Ask whether anybody would get a message")
            .body::<MessagePrecheckIn>(json!({ "eventType": "invoice.paid", "channels": ["project:123"] }))
            .answers::<MessagePrecheckOut>(200, json!({ "active": true })),
        op("endpoint.send-example", "Send an endpoint an example of an event")
            .describe("The message is made from the event type's newest schema and goes to this endpoint only.")
            .body::<EventExampleIn>(json!({ "eventType": "invoice.paid" }))
            .idempotent()
            .answers::<MessageOut>(202, shown())
            .errors(&[400, 409]),
    ]
}
