//! Deliveries: a message as it stands with an endpoint; how many of an endpoint's stand how; and what ended for it without
//! being delivered.

use serde_json::{Value, json};
use utoipa::openapi::path::Parameter;

use super::super::op::{BY_TIME, OperationDoc, any_of, flag, one, op, page, times};
use super::{ATTEMPT, ENDPOINT, INSTANT, MESSAGE, UNDELIVERED, endpoints, messages, page_of};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::names::{Channel, EventTypeName, Tag};
use crate::domain::timestamp::Timestamp;
use crate::http::query::PageOut;
use crate::http::wire::delivery::{EndpointMessageOut, MessageEndpointOut};
use crate::http::wire::statistics::{EndpointAttemptStatsOut, EndpointStatsOut};
use crate::http::wire::undelivered::UndeliveredOut;

fn standing(mut thing: Value) -> Value {
    thing["status"] = 3.into();
    thing["statusText"] = "sending".into();
    thing["nextAttempt"] = INSTANT.into();
    thing
}

fn range() -> [Parameter; 2] {
    [
        one::<Timestamp>("since", "Only attempts from this instant on, at most 28 days ago; left out: 28 days ago."),
        one::<Timestamp>("until", "Only attempts before this instant; left out: now."),
    ]
}

fn labels() -> [Parameter; 3] {
    [
        any_of::<EventTypeName>("event_types", "Only messages of these types."),
        one::<Channel>("channel", "Only messages with this channel."),
        one::<Tag>("tag", "Only messages with this tag."),
    ]
}

pub(super) fn operations() -> Vec<OperationDoc> {
    vec![
        op("message-attempt.list-attempted-messages", "List the messages that were attempted for an endpoint")
            .describe("In the order of their first attempts, which `before` and `after` are about as well.")
            .query(page(BY_TIME))
            .query(times())
            .query(labels())
            .query([
                one::<DeliveryStatus>("status", "Only messages whose delivery stands so."),
                flag("expanded_statuses", false, "Has no meaning here: every status is always told."),
                flag("with_content", true, "With their payloads."),
            ])
            .answers::<PageOut<EndpointMessageOut>>(200, page_of(standing(messages::shown()), ATTEMPT)),
        op("message-attempt.list-attempted-destinations", "List the endpoints that a message goes to")
            .query(page("Which end comes first; the newest endpoint, unless said otherwise."))
            .answers::<PageOut<MessageEndpointOut>>(200, page_of(standing(endpoints::shown()), ENDPOINT)),
        op("endpoint.list-undelivered", "List what ended for an endpoint without being delivered")
            .describe(
                "Deliveries that ended without an attempt that says so, by the time they ended, which `before` and `after` \
                 are about. A record stays where it is when its message is sent again, by `recover`, `replay-missing` or \
                 `bulk-replay`; when that ends so too, it moves to its new time.",
            )
            .query(page(BY_TIME))
            .query(times())
            .query(labels())
            .answers::<PageOut<UndeliveredOut>>(
                200,
                page_of(
                    json!({ "msgId": MESSAGE, "eventType": "invoice.paid", "channels": ["project:123"], "endpointId": ENDPOINT,
                            "reason": "endpoint_disabled", "attempt": 1, "timestamp": INSTANT }),
                    UNDELIVERED,
                ),
            ),
        op("endpoint.get-stats", "Count an endpoint's deliveries")
            .describe(
                "Those with attempts in this range, by how they stand; and those that ended in this range without being \
                 delivered. Also what keeps deliveries back at this moment.",
            )
            .query(range())
            .answers::<EndpointStatsOut>(
                200,
                json!({
                    "success": 980, "pending": 0, "sending": 12, "fail": 8, "canceled": 0, "undelivered": 3,
                    "receiver": {
                        "breaker": "open", "openSince": "2026-11-24T09:30:00Z", "openUntil": "2026-11-24T09:31:00Z",
                        "openings": 2, "waiting": 0,
                    },
                }),
            )
            .errors(&[400]),
        op("endpoint.get-attempt-stats", "Count an endpoint's attempts")
            .query(range())
            .answers::<EndpointAttemptStatsOut>(200, json!({ "success": 980, "fail": 61, "canceled": 0 }))
            .errors(&[400]),
    ]
}
