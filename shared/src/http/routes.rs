//! The route table: every operation, its path, and the function behind it. `template.yaml` and the functions' routers say
//! the same in their own ways; a test compares the three.

use axum::response::{IntoResponse, Redirect, Response};
use http::{Method, Uri};

use super::Problem;
use crate::domain::access::Capability::{
    self, CreateAttempts, ManageEndpoint, ManageEndpointSecret, ViewBase, ViewEndpointSecret,
};
use crate::domain::access::Right::{self, Configure, Publish, Read};

/// One operation of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path with `{parameters}`.
    pub path: &'static str,
    /// Which function answers.
    pub function: &'static str,
    /// Its name in the API's documents.
    pub operation: &'static str,
    /// Who may call it.
    pub access: Access,
}

/// Who may call a route. Tokens of other organizations and of other applications find nothing behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody; no token is looked at.
    Public,
    /// Whoever has a token of any kind.
    AnyToken,
    /// The organization's callers with this right.
    Organization(Right),
    /// The organization's callers with the right that belongs to this capability, and a portal of the application that has it.
    Application(Capability),
}

use Access::{AnyToken, Application, Organization, Public};

const fn route(
    method: &'static str,
    path: &'static str,
    function: &'static str,
    operation: &'static str,
    access: Access,
) -> Route {
    Route { method, path, function, operation, access }
}

const APP: &str = "/api/v1/app";
const APP_ID: &str = "/api/v1/app/{app_id}";
const ENDPOINT: &str = "/api/v1/app/{app_id}/endpoint";
const ENDPOINT_ID: &str = "/api/v1/app/{app_id}/endpoint/{endpoint_id}";
const SECRET: &str = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/secret";
const HEADERS: &str = "/api/v1/app/{app_id}/endpoint/{endpoint_id}/headers";
const MESSAGE: &str = "/api/v1/app/{app_id}/msg";
const RESEND: &str = "/api/v1/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/resend";
const EVENT_TYPE: &str = "/api/v1/event-type";
const EVENT_TYPE_NAME: &str = "/api/v1/event-type/{event_type_name}";
const OPERATIONAL: &str = "/api/v1/operational-webhook/endpoint";
const OPERATIONAL_ID: &str = "/api/v1/operational-webhook/endpoint/{endpoint_id}";
const OPERATIONAL_HEADERS: &str = "/api/v1/operational-webhook/endpoint/{endpoint_id}/headers";
const SOURCE: &str = "/api/v1/source";
const SOURCE_ID: &str = "/api/v1/source/{source_id}";
const API_KEY: &str = "/api/v1/auth/api-key";
const API_KEY_ID: &str = "/api/v1/auth/api-key/{key_id}";
const ATTEMPTS_BY_ENDPOINT: &str = "/api/v1/app/{app_id}/attempt/endpoint/{endpoint_id}";
const ATTEMPT_CONTENT: &str = "/api/v1/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}/content";
const ATTEMPTS_OF_DELIVERY: &str = "/api/v1/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/attempt";

/// All of them.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    route("POST", MESSAGE, "publish", "message.create", Organization(Publish)),
    route("POST", "/api/v1/app/{app_id}/msg/precheck/active", "publish", "message.precheck", Organization(Publish)),
    route("POST", "/api/v1/app/{app_id}/endpoint/{endpoint_id}/send-example", "publish", "endpoint.send-example", Application(CreateAttempts)),

    route("GET", APP, "manage", "application.list", Organization(Read)),
    route("POST", APP, "manage", "application.create", Organization(Configure)),
    route("GET", APP_ID, "manage", "application.get", Application(ViewBase)),
    route("PUT", APP_ID, "manage", "application.update", Organization(Configure)),
    route("PATCH", APP_ID, "manage", "application.patch", Organization(Configure)),
    route("DELETE", APP_ID, "manage", "application.delete", Organization(Configure)),
    route("GET", ENDPOINT, "manage", "endpoint.list", Application(ViewBase)),
    route("POST", ENDPOINT, "manage", "endpoint.create", Application(ManageEndpoint)),
    route("GET", ENDPOINT_ID, "manage", "endpoint.get", Application(ViewBase)),
    route("PUT", ENDPOINT_ID, "manage", "endpoint.update", Application(ManageEndpoint)),
    route("PATCH", ENDPOINT_ID, "manage", "endpoint.patch", Application(ManageEndpoint)),
    route("DELETE", ENDPOINT_ID, "manage", "endpoint.delete", Application(ManageEndpoint)),
    route("GET", SECRET, "manage", "endpoint.get-secret", Application(ViewEndpointSecret)),
    route("POST", "/api/v1/app/{app_id}/endpoint/{endpoint_id}/secret/rotate", "manage", "endpoint.rotate-secret", Application(ManageEndpointSecret)),
    route("GET", HEADERS, "manage", "endpoint.get-headers", Application(ViewBase)),
    route("PUT", HEADERS, "manage", "endpoint.update-headers", Application(ManageEndpoint)),
    route("PATCH", HEADERS, "manage", "endpoint.patch-headers", Application(ManageEndpoint)),
    route("GET", EVENT_TYPE, "manage", "event-type.list", Application(ViewBase)),
    route("POST", EVENT_TYPE, "manage", "event-type.create", Organization(Configure)),
    route("GET", EVENT_TYPE_NAME, "manage", "event-type.get", Application(ViewBase)),
    route("PUT", EVENT_TYPE_NAME, "manage", "event-type.update", Organization(Configure)),
    route("PATCH", EVENT_TYPE_NAME, "manage", "event-type.patch", Organization(Configure)),
    route("DELETE", EVENT_TYPE_NAME, "manage", "event-type.delete", Organization(Configure)),
    route("POST", "/api/v1/event-type/import/openapi", "manage", "event-type.import-openapi", Organization(Configure)),
    route("GET", "/.well-known/webhooks/{org_id}/{app_id}/jwks.json", "manage", "application.jwks", Public),
    route("GET", OPERATIONAL, "manage", "operational-webhook-endpoint.list", Organization(Read)),
    route("POST", OPERATIONAL, "manage", "operational-webhook-endpoint.create", Organization(Configure)),
    route("GET", OPERATIONAL_ID, "manage", "operational-webhook-endpoint.get", Organization(Read)),
    route("PUT", OPERATIONAL_ID, "manage", "operational-webhook-endpoint.update", Organization(Configure)),
    route("DELETE", OPERATIONAL_ID, "manage", "operational-webhook-endpoint.delete", Organization(Configure)),
    route("GET", "/api/v1/operational-webhook/endpoint/{endpoint_id}/secret", "manage", "operational-webhook-endpoint.get-secret", Organization(Configure)),
    route("POST", "/api/v1/operational-webhook/endpoint/{endpoint_id}/secret/rotate", "manage", "operational-webhook-endpoint.rotate-secret", Organization(Configure)),
    route("GET", OPERATIONAL_HEADERS, "manage", "operational-webhook-endpoint.get-headers", Organization(Read)),
    route("PUT", OPERATIONAL_HEADERS, "manage", "operational-webhook-endpoint.update-headers", Organization(Configure)),
    // What shows a source shows its address, and who knows that can send.
    route("GET", SOURCE, "manage", "source.list", Organization(Configure)),
    route("POST", SOURCE, "manage", "source.create", Organization(Configure)),
    route("GET", SOURCE_ID, "manage", "source.get", Organization(Configure)),
    route("PUT", SOURCE_ID, "manage", "source.update", Organization(Configure)),
    route("PATCH", SOURCE_ID, "manage", "source.patch", Organization(Configure)),
    route("DELETE", SOURCE_ID, "manage", "source.delete", Organization(Configure)),
    route("GET", "/api/v1/source/{source_id}/secret", "manage", "source.get-secret", Organization(Configure)),
    route("POST", "/api/v1/source/{source_id}/secret/rotate", "manage", "source.rotate-secret", Organization(Configure)),
    route("POST", "/api/v1/source/{source_id}/token/rotate", "manage", "source.rotate-token", Organization(Configure)),
    route("POST", "/api/v1/auth/app-portal-access/{app_id}", "manage", "authentication.app-portal-access", Organization(Configure)),
    route("POST", "/api/v1/auth/dashboard-access/{app_id}", "manage", "authentication.dashboard-access", Organization(Configure)),
    route("POST", "/api/v1/auth/app/{app_id}/expire-all", "manage", "authentication.expire-all", Organization(Configure)),
    route("GET", API_KEY, "manage", "authentication.list-api-keys", Organization(Configure)),
    route("POST", API_KEY, "manage", "authentication.create-api-key", Organization(Configure)),
    route("GET", API_KEY_ID, "manage", "authentication.get-api-key", Organization(Configure)),
    route("DELETE", API_KEY_ID, "manage", "authentication.delete-api-key", Organization(Configure)),
    route("POST", "/api/v1/auth/logout", "manage", "authentication.logout", AnyToken),
    route("GET", "/api/v1/encryption-key", "manage", "encryption-key.list", Organization(Configure)),
    route("POST", "/api/v1/encryption-key/rotate", "manage", "encryption-key.rotate", Organization(Configure)),
    route("POST", "/api/v1/encryption-key/erase", "manage", "encryption-key.erase", Organization(Configure)),
    route("GET", "/api/v1/health", "manage", "health.get", Public),
    route("HEAD", "/api/v1/health", "manage", "health.head", Public),
    route("GET", "/api/v1/health/ping", "manage", "health.ping", Public),
    route("HEAD", "/api/v1/health/ping", "manage", "health.ping-head", Public),
    route("GET", "/api/v1/openapi.json", "manage", "openapi.get", Public),
    route("GET", "/docs", "manage", "docs.get", Public),

    route("POST", "/in/{source_id}/{token}", "ingest", "source.receive", Public),

    route("GET", MESSAGE, "history", "message.list", Application(ViewBase)),
    route("GET", "/api/v1/app/{app_id}/msg/{msg_id}", "history", "message.get", Application(ViewBase)),
    route("GET", ATTEMPTS_BY_ENDPOINT, "history", "message-attempt.list-by-endpoint", Application(ViewBase)),
    route("GET", "/api/v1/app/{app_id}/attempt/msg/{msg_id}", "history", "message-attempt.list-by-msg", Application(ViewBase)),
    route("GET", "/api/v1/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}", "history", "message-attempt.get", Application(ViewBase)),
    route("GET", "/api/v1/app/{app_id}/msg/{msg_id}/attempt", "history", "message-attempt.list-by-msg-deprecated", Application(ViewBase)),
    route("GET", ATTEMPTS_OF_DELIVERY, "history", "message-attempt.list-by-endpoint-deprecated", Application(ViewBase)),
    route("GET", "/api/v1/app/{app_id}/endpoint/{endpoint_id}/msg", "history", "message-attempt.list-attempted-messages", Application(ViewBase)),
    route("GET", "/api/v1/app/{app_id}/msg/{msg_id}/endpoint", "history", "message-attempt.list-attempted-destinations", Application(ViewBase)),
    route("GET", "/api/v1/app/{app_id}/endpoint/{endpoint_id}/stats", "history", "endpoint.get-stats", Application(ViewBase)),
    route("GET", "/api/v1/app/{app_id}/endpoint/{endpoint_id}/attempt-stats", "history", "endpoint.get-attempt-stats", Application(ViewBase)),
    route("GET", "/api/v1/app/{app_id}/endpoint/{endpoint_id}/undelivered", "history", "endpoint.list-undelivered", Application(ViewBase)),
    route("DELETE", "/api/v1/app/{app_id}/msg/{msg_id}/content", "history", "message.expunge-content", Organization(Configure)),
    route("POST", "/api/v1/app/{app_id}/msg/bulk-expunge", "history", "message.bulk-expunge-content", Organization(Configure)),
    route("DELETE", ATTEMPT_CONTENT, "history", "message-attempt.expunge-content", Application(ManageEndpoint)),
    route("POST", RESEND, "history", "message-attempt.resend", Application(CreateAttempts)),
    route("POST", "/api/v1/app/{app_id}/msg/{msg_id}/cancel", "history", "message.cancel", Organization(Publish)),
    route("POST", "/api/v1/app/{app_id}/endpoint/{endpoint_id}/recover", "history", "endpoint.recover", Application(CreateAttempts)),
    route("POST", "/api/v1/app/{app_id}/endpoint/{endpoint_id}/replay-missing", "history", "endpoint.replay-missing", Application(CreateAttempts)),
    route("POST", "/api/v1/app/{app_id}/endpoint/{endpoint_id}/bulk-replay", "history", "endpoint.bulk-replay", Application(CreateAttempts)),
    route("POST", "/api/v1/app/{app_id}/msg/expunge-all-contents", "history", "message.expunge-all-contents", Organization(Configure)),
    route("POST", "/api/v1/app/{app_id}/import", "history", "import.create-for-application", Organization(Publish)),
    route("GET", "/api/v1/app/{app_id}/import", "history", "import.list-by-application", Organization(Read)),
    route("POST", "/api/v1/import", "history", "import.create", Organization(Publish)),
    route("GET", "/api/v1/import", "history", "import.list", Organization(Read)),
    route("GET", "/api/v1/import/{import_id}", "history", "import.get", Organization(Read)),
    route("POST", "/api/v1/import/{import_id}/complete", "history", "import.complete", Organization(Publish)),
    route("POST", "/api/v1/import/{import_id}/cancel", "history", "import.cancel", Organization(Publish)),
    route("GET", "/api/v1/audit-log", "history", "audit-log.list", Organization(Configure)),
    route("GET", "/api/v1/background-task", "history", "background-task.list", Organization(Read)),
    route("GET", "/api/v1/background-task/{task_id}", "history", "background-task.get", Organization(Read)),
    route("POST", "/api/v1/stats/usage/app", "history", "statistics.aggregate-app-stats", Organization(Read)),
    route("PUT", "/api/v1/stats/usage/event-types", "history", "statistics.aggregate-event-types", Organization(Read)),
];

/// Who may call the route of this method and form; none: there is no such route.
pub fn access(method: &Method, form: &str) -> Option<Access> {
    ROUTES.iter().find(|route| route.path == form && route.method == method.as_str()).map(|route| route.access)
}

/// The methods a path takes, if it is one of ours. Where a form with more of its own words fits, one with parameters in their
/// place does not count: the functions' routers choose so too.
pub fn methods_of(path: &str) -> Option<Vec<Method>> {
    let of_path = || ROUTES.iter().filter(|route| matches(route.path, path));
    let parameters = |route: &&Route| route.path.matches('{').count();
    let fewest = of_path().map(|route| parameters(&route)).min();
    let of_form = of_path().filter(|route| Some(parameters(route)) == fewest);
    let methods: Vec<Method> = of_form.filter_map(|route: &Route| route.method.parse().ok()).collect();
    (!methods.is_empty()).then_some(methods)
}

/// Whether a path is of this form: as many segments, each the same or a parameter.
fn matches(form: &str, path: &str) -> bool {
    let (mut form, mut path) = (form.split('/'), path.split('/'));
    loop {
        match (form.next(), path.next()) {
            (None, None) => return true,
            (Some(form), Some(segment)) if form == segment || (form.starts_with('{') && !segment.is_empty()) => {}
            _ => return false,
        }
    }
}

/// Answers what no handler takes: a path of ours with a slash too many, which is sent on to where it belongs; a path of ours
/// with another method; or no path of ours at all.
pub async fn fallback(uri: Uri) -> Response {
    let path = uri.path().trim_end_matches('/');
    if path != uri.path() && methods_of(path).is_some() {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        // Permanent, and with the method and body it came with.
        return Redirect::permanent(&format!("{path}{query}")).into_response();
    }
    refusal(&uri).into_response()
}

/// Why this address, with this method, is none of ours.
pub(super) fn refusal(uri: &Uri) -> Problem {
    match methods_of(uri.path()) {
        None => Problem::NotFound,
        Some(methods) => {
            let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
            Problem::MethodNotAllowed(methods.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_know_their_methods() {
        assert_eq!(methods_of("/api/v1/app/a/msg").unwrap(), [Method::POST, Method::GET]);
        assert_eq!(methods_of("/api/v1/app/a/msg/bulk-expunge").unwrap(), [Method::POST]);
        assert_eq!(methods_of("/api/v1/app/a/msg/b").unwrap(), [Method::GET]);
        for path in ["/", "/api/v1", "/api/v1/app/", "/api/v1/app/a/msg/", "/api/v1/app/a/b"] {
            assert_eq!(methods_of(path), None, "{path}");
        }
    }
}
