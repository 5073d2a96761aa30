//! Operational webhooks: Fanfare tells the organization itself what became of its endpoints and messages. They are delivered
//! like any message, from an application of the organization's own that no list shows and no path names.

use super::ids::{AppScope, ApplicationId, OrganizationId};

/// What can be subscribed to.
pub const OPERATIONAL_EVENT_TYPES: [&str; 9] = [
    "endpoint.created",
    "endpoint.deleted",
    "endpoint.disabled",
    "endpoint.enabled",
    "endpoint.updated",
    "message.attempt.exhausted",
    "message.attempt.failing",
    "message.attempt.recovered",
    "message.dead_lettered",
];

/// What the application is called in the table.
pub const OPERATIONAL_APPLICATION_NAME: &str = "operational webhooks";

/// The organization's own application: it has the organization's identifier, which no application that was created has.
pub fn operational_application(organization: &OrganizationId) -> ApplicationId {
    ApplicationId::from_ksuid(organization.ksuid())
}

/// Whether this is the organization's own application.
pub fn is_operational(scope: &AppScope) -> bool {
    scope.application == operational_application(&scope.organization)
}
