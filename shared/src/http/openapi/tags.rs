//! The headings that operations stand under: what their names begin with.

use utoipa::openapi::tag::{Tag, TagBuilder};

use super::op::OperationDoc;

/// First part of the operations' names, heading, description; in the order in which they are shown.
#[rustfmt::skip]
const TAGS: &[(&str, &str, &str)] = &[
    ("application", "Application", "One customer of yours, with endpoints of its own."),
    ("event-type", "Event type", "The catalogue your customers choose from when they subscribe."),
    ("endpoint", "Endpoint", "A URL that wants messages: what it wants, the secret that signs what it gets, its headers."),
    ("message", "Message", "One event, accepted once and delivered to every endpoint of the application that wants it."),
    ("message-attempt", "Message attempt", "One HTTP request to an endpoint, and what the receiver did with it."),
    ("authentication", "Authentication", "Tokens for portals, and their end; API keys for programs."),
    ("import", "Import", "A file of events, uploaded once; every record becomes a message."),
    ("background-task", "Background task", "Work that goes on after its request was answered."),
    ("statistics", "Statistics", "How much was done."),
    ("source", "Source", "Where the webhooks of a provider come in: verified by its own scheme, they become messages of an application."),
    ("operational-webhook-endpoint", "Operational webhook endpoint", "Where the gateway tells you what happened to your endpoints and messages."),
    ("audit-log", "Audit log", "Who changed the configuration, when, and how."),
    ("encryption-key", "Encryption key", "What your secrets are sealed with: replaced, or erased with all that they seal."),
    ("health", "Health", "Whether the gateway works, for monitors and load balancers."),
    ("openapi", "Document", "This document."),
    ("docs", "Document", "This document."),
];

/// The heading of an operation.
pub(super) fn of(operation: &str) -> &'static str {
    let first = operation.split('.').next().unwrap_or_default();
    TAGS.iter().find(|(name, ..)| *name == first).map_or("Other", |(_, heading, _)| heading)
}

/// The headings that operations stand under.
pub(super) fn used_by(operations: &[OperationDoc]) -> Vec<Tag> {
    let is_used = |heading: &str| operations.iter().any(|operation| of(operation.id) == heading);
    let mut tags: Vec<Tag> = Vec::new();
    for (_, heading, description) in TAGS {
        if is_used(heading) && tags.iter().all(|tag| tag.name != *heading) {
            tags.push(TagBuilder::new().name(*heading).description(Some(*description)).build());
        }
    }
    tags
}
