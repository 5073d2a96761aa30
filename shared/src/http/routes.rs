//! The route table: every operation, its path, and the function behind it. `template.yaml` and the functions' routers say
//! the same in their own ways; a test compares the three.

use http::{Method, Uri};

use super::Problem;

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
}

const fn route(method: &'static str, path: &'static str, function: &'static str, operation: &'static str) -> Route {
    Route { method, path, function, operation }
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
const ATTEMPTS_BY_ENDPOINT: &str = "/api/v1/app/{app_id}/attempt/endpoint/{endpoint_id}";

/// All of them.
#[rustfmt::skip]
pub const ROUTES: [Route; 34] = [
    route("POST", MESSAGE, "publish", "message.create"),

    route("GET", APP, "manage", "application.list"),
    route("POST", APP, "manage", "application.create"),
    route("GET", APP_ID, "manage", "application.get"),
    route("PUT", APP_ID, "manage", "application.update"),
    route("PATCH", APP_ID, "manage", "application.patch"),
    route("DELETE", APP_ID, "manage", "application.delete"),
    route("GET", ENDPOINT, "manage", "endpoint.list"),
    route("POST", ENDPOINT, "manage", "endpoint.create"),
    route("GET", ENDPOINT_ID, "manage", "endpoint.get"),
    route("PUT", ENDPOINT_ID, "manage", "endpoint.update"),
    route("PATCH", ENDPOINT_ID, "manage", "endpoint.patch"),
    route("DELETE", ENDPOINT_ID, "manage", "endpoint.delete"),
    route("GET", SECRET, "manage", "endpoint.get-secret"),
    route("POST", "/api/v1/app/{app_id}/endpoint/{endpoint_id}/secret/rotate", "manage", "endpoint.rotate-secret"),
    route("GET", HEADERS, "manage", "endpoint.get-headers"),
    route("PUT", HEADERS, "manage", "endpoint.update-headers"),
    route("PATCH", HEADERS, "manage", "endpoint.patch-headers"),
    route("GET", EVENT_TYPE, "manage", "event-type.list"),
    route("POST", EVENT_TYPE, "manage", "event-type.create"),
    route("GET", EVENT_TYPE_NAME, "manage", "event-type.get"),
    route("PUT", EVENT_TYPE_NAME, "manage", "event-type.update"),
    route("PATCH", EVENT_TYPE_NAME, "manage", "event-type.patch"),
    route("DELETE", EVENT_TYPE_NAME, "manage", "event-type.delete"),
    route("GET", "/api/v1/health", "manage", "health.get"),
    route("HEAD", "/api/v1/health", "manage", "health.head"),
    route("GET", "/api/v1/health/ping", "manage", "health.ping"),
    route("HEAD", "/api/v1/health/ping", "manage", "health.ping-head"),

    route("GET", MESSAGE, "history", "message.list"),
    route("GET", "/api/v1/app/{app_id}/msg/{msg_id}", "history", "message.get"),
    route("GET", ATTEMPTS_BY_ENDPOINT, "history", "message-attempt.list-by-endpoint"),
    route("GET", "/api/v1/app/{app_id}/attempt/msg/{msg_id}", "history", "message-attempt.list-by-msg"),
    route("GET", "/api/v1/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}", "history", "message-attempt.get"),
    route("POST", RESEND, "history", "message-attempt.resend"),
];

/// The methods a path takes, if it is one of ours.
pub fn methods_of(path: &str) -> Option<Vec<Method>> {
    let of_path = ROUTES.iter().filter(|route| matches(route.path, path));
    let methods: Vec<Method> = of_path.filter_map(|route| route.method.parse().ok()).collect();
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

/// Answers what no handler takes: a path of ours with another method, or no path of ours at all.
pub async fn fallback(uri: Uri) -> Problem {
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
        for path in ["/", "/api/v1", "/api/v1/app/", "/api/v1/app/a/msg/", "/api/v1/app/a/b"] {
            assert_eq!(methods_of(path), None, "{path}");
        }
    }
}
