//! Attempts.

use serde_json::{Value, json};
use utoipa::openapi::path::Parameter;

use super::super::op::{BY_TIME, OperationDoc, any_of, flag, one, op, page, times};
use super::super::values::{Empty, StatusCodeClass};
use super::{ATTEMPT, ENDPOINT, INSTANT, MESSAGE, page_of};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::http::query::PageOut;
use crate::http::wire::attempt::AttemptOut;

fn shown() -> Value {
    json!({
        "id": ATTEMPT, "msgId": MESSAGE, "endpointId": ENDPOINT, "url": "https://example.com/webhooks",
        "response": "ok", "responseStatusCode": 200, "responseDurationMs": 48, "status": 0, "statusText": "success",
        "triggerType": 0, "timestamp": INSTANT,
    })
}

fn filters() -> [Parameter; 7] {
    [
        one::<DeliveryStatus>("status", "Only attempts that ended so: 0 or 2, there are no others."),
        one::<StatusCodeClass>("status_code_class", "Only attempts whose answer had a status from here to 99 above."),
        one::<Channel>("channel", "Only of messages with this channel."),
        one::<Tag>("tag", "Only of messages with this tag."),
        any_of::<EventTypeName>("event_types", "Only of messages of these types."),
        flag("expanded_statuses", false, "Has no meaning here: attempts that were called off leave no record."),
        flag("with_content", true, "With the receivers' answers."),
    ]
}

fn of_endpoint() -> Parameter {
    one::<String>("endpoint_id", "Only for this endpoint, by its id or uid.")
}

pub(super) fn operations() -> Vec<OperationDoc> {
    vec![
        op("message-attempt.list-by-endpoint", "List the attempts made for an endpoint")
            .query(page(BY_TIME))
            .query(times())
            .query(filters())
            .query([flag("with_msg", false, "With their messages, without payloads.")])
            .answers::<PageOut<AttemptOut>>(200, page_of(shown(), ATTEMPT)),
        op("message-attempt.list-by-msg", "List the attempts made for a message")
            .query(page(BY_TIME))
            .query(times())
            .query(filters())
            .query([of_endpoint()])
            .answers::<PageOut<AttemptOut>>(200, page_of(shown(), ATTEMPT)),
        op("message-attempt.list-by-msg-deprecated", "List the attempts made for a message, the older way")
            .query(page(BY_TIME))
            .query(times())
            .query(filters())
            .query([of_endpoint()])
            .answers::<PageOut<AttemptOut>>(200, page_of(shown(), ATTEMPT)),
        op("message-attempt.list-by-endpoint-deprecated", "List the attempts of one delivery, the older way")
            .query(page(BY_TIME))
            .query(times())
            .query(filters())
            .answers::<PageOut<AttemptOut>>(200, page_of(shown(), ATTEMPT)),
        op("message-attempt.get", "Get an attempt").answers::<AttemptOut>(200, shown()),
        op("message-attempt.resend", "Send a message to an endpoint once more")
            .describe(
                "One attempt is made at once, whether the endpoint wanted the message or not, and is not retried. Asked \
                 twice it is sent twice.",
            )
            .answers::<Empty>(202, json!({}))
            .errors(&[400]),
    ]
}
