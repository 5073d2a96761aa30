//! Every route, called by every kind of caller. What should come of it stands here once more, written by hand: the code's own table
//! cannot vouch for itself.

use std::collections::BTreeSet;

use fanfare::config::JwtSecret;
use fanfare::domain::access::Role;
use fanfare::domain::ids::OrganizationId;
use fanfare::http::auth::issue_role_token;
use fanfare::http::routes::ROUTES;
use serde_json::{Value, json};

use super::api_key;
use crate::harness::table::items;
use crate::harness::{JWT_SECRET, ORGANIZATION, Stage};

/// What support may do besides looking.
const SENDS_AGAIN: [&str; 5] = [
    "endpoint.send-example",
    "message-attempt.resend",
    "endpoint.recover",
    "endpoint.replay-missing",
    "endpoint.bulk-replay",
];

/// What a publisher may do.
const PUBLISHES: [&str; 7] = [
    "message.create",
    "message.precheck",
    "message.cancel",
    "import.create-for-application",
    "import.create",
    "import.complete",
    "import.cancel",
];

/// What whoever reads may see. The two that count ask with POST and PUT, and change nothing.
const SHOWS: [&str; 35] = [
    "application.list",
    "application.get",
    "endpoint.list",
    "endpoint.get",
    "endpoint.get-headers",
    "event-type.list",
    "event-type.get",
    "operational-webhook-endpoint.list",
    "operational-webhook-endpoint.get",
    "operational-webhook-endpoint.get-headers",
    "message.list",
    "message.get",
    "message-attempt.list-by-endpoint",
    "message-attempt.list-by-msg",
    "message-attempt.get",
    "message-attempt.list-by-msg-deprecated",
    "message-attempt.list-by-endpoint-deprecated",
    "message-attempt.list-attempted-messages",
    "message-attempt.list-attempted-destinations",
    "endpoint.get-stats",
    "endpoint.get-attempt-stats",
    "endpoint.list-undelivered",
    "import.list-by-application",
    "import.list",
    "import.get",
    "background-task.list",
    "background-task.get",
    "statistics.aggregate-app-stats",
    "statistics.aggregate-event-types",
    "authentication.logout",
    "health.get",
    "health.head",
    "health.ping",
    "health.ping-head",
    "openapi.get",
];

/// What only the owner may do.
const OWNS: [&str; 42] = [
    "application.create",
    "application.update",
    "application.patch",
    "application.delete",
    "endpoint.create",
    "endpoint.update",
    "endpoint.patch",
    "endpoint.delete",
    "endpoint.get-secret",
    "endpoint.rotate-secret",
    "endpoint.update-headers",
    "endpoint.patch-headers",
    "event-type.create",
    "event-type.update",
    "event-type.patch",
    "event-type.delete",
    "event-type.import-openapi",
    "operational-webhook-endpoint.create",
    "operational-webhook-endpoint.update",
    "operational-webhook-endpoint.delete",
    "operational-webhook-endpoint.get-secret",
    "operational-webhook-endpoint.rotate-secret",
    "operational-webhook-endpoint.update-headers",
    "source.create",
    "source.update",
    "source.patch",
    "source.delete",
    "source.get-secret",
    "source.rotate-secret",
    "source.rotate-token",
    "message.expunge-content",
    "message.bulk-expunge-content",
    "message-attempt.expunge-content",
    "message.expunge-all-contents",
    "authentication.app-portal-access",
    "authentication.dashboard-access",
    "authentication.expire-all",
    "authentication.list-api-keys",
    "authentication.create-api-key",
    "authentication.get-api-key",
    "authentication.delete-api-key",
    "encryption-key.list",
];

/// The rest of what only the owner may do: keys, sources, whose addresses are secrets, and the record of who did what.
const OWNS_TOO: [&str; 5] =
    ["encryption-key.rotate", "encryption-key.erase", "source.list", "source.get", "audit-log.list"];

/// What needs no token at all, besides what is shown to everybody.
const PUBLIC: [&str; 3] = ["application.jwks", "docs.get", "source.receive"];

/// What is open to everybody and stands among what is shown.
const PUBLIC_TOO: [&str; 5] = ["health.get", "health.head", "health.ping", "health.ping-head", "openapi.get"];

fn is_public(operation: &str) -> bool {
    PUBLIC.contains(&operation) || PUBLIC_TOO.contains(&operation)
}

fn may(role: Role, operation: &str) -> bool {
    match role {
        _ if is_public(operation) || operation == "authentication.logout" => true,
        Role::Owner => true,
        Role::Publisher => PUBLISHES.contains(&operation),
        Role::Reader => SHOWS.contains(&operation),
        Role::Support => SHOWS.contains(&operation) || SENDS_AGAIN.contains(&operation),
    }
}

#[test]
fn every_route_is_in_the_table_of_this_test_once() {
    let all = [&SENDS_AGAIN[..], &PUBLISHES, &SHOWS, &OWNS, &OWNS_TOO, &PUBLIC].concat();
    let named: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(named.len(), all.len(), "one is named twice");
    let routes: BTreeSet<&str> = ROUTES.iter().map(|route| route.operation).collect();
    assert_eq!(named, routes);
}

fn role_token(stage: &Stage, organization: &str, role: Role) -> String {
    let organization = OrganizationId::parse(organization).unwrap();
    let secret = JwtSecret::parse(JWT_SECRET).unwrap();
    issue_role_token(&secret, &organization, role, stage.platform.effects.now(), 3_600).unwrap()
}

/// The path of a route with identifiers that name nothing: whoever is let in finds nothing, or is told what is wrong.
fn path_of(form: &str) -> String {
    let id = |part: &str| match part {
        "{app_id}" => "acme",
        "{endpoint_id}" => "main",
        "{org_id}" => ORGANIZATION,
        "{event_type_name}" => "none.such",
        "{source_id}" if form.starts_with("/in/") => "src_35voeScxPEP8ejsRbL1w201y48C",
        part if part.starts_with('{') => "none",
        _ => "",
    };
    let part = |part: &str| if part.starts_with('{') { id(part).to_owned() } else { part.to_owned() };
    form.split('/').map(part).collect::<Vec<_>>().join("/")
}

async fn furnished() -> Stage {
    let stage = Stage::new(&[]).await;
    for uid in ["acme", "other"] {
        stage.call("POST", "/api/v1/app", Some(json!({ "name": uid, "uid": uid }))).await.json();
        let endpoint = json!({ "url": "http://127.0.0.1:8/", "uid": "main" });
        stage.call("POST", &format!("/api/v1/app/{uid}/endpoint"), Some(endpoint)).await.json();
    }
    stage
}

/// Every route as this caller: whom the table lets in is refused for other reasons or not at all, everybody else with this status.
async fn walk(stage: &Stage, who: &str, token: &str, refused_with: u16, may: impl Fn(&str) -> bool) {
    for route in ROUTES {
        let body = ["POST", "PUT", "PATCH"].contains(&route.method).then(|| json!({}));
        let before = items(&stage.engines).await.len();
        let answer = stage.call_as(token, route.method, &path_of(route.path), body).await;
        let what = format!("{who}: {} ({} {}): {answer:?}", route.operation, route.method, route.path);
        let status = answer.status.as_u16();
        if may(route.operation) || is_public(route.operation) {
            let is_own_refusal = is_public(route.operation) || route.operation == "authentication.logout";
            assert!(is_own_refusal || !matches!(status, 401 | 403), "{what}");
            assert!(status < 500, "{what}");
        } else {
            assert_eq!(status, refused_with, "{what}");
            assert_eq!(items(&stage.engines).await.len(), before, "{what} changed something");
        }
    }
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    for role in Role::ALL {
        let stage = furnished().await;
        walk(&stage, role.as_str(), &role_token(&stage, ORGANIZATION, role), 403, |operation| may(role, operation))
            .await;
        let stage = furnished().await;
        let (_, key) = api_key(&stage, json!({ "name": "k", "role": role.as_str() })).await;
        let who = format!("a key of {}", role.as_str());
        walk(&stage, &who, &key, 403, |operation| may(role, operation)).await;
    }
}

#[tokio::test]
async fn without_a_good_token_nothing_but_what_is_public_answers() {
    let stage = furnished().await;
    let other_secret = JwtSecret::parse(&"x".repeat(40)).unwrap();
    let organization = OrganizationId::parse(ORGANIZATION).unwrap();
    let now = stage.platform.effects.now();
    let forged = issue_role_token(&other_secret, &organization, Role::Owner, now, 3_600).unwrap();
    for (who, token) in [("nobody", ""), ("junk", "junk"), ("a forger", forged.as_str()), ("half a key", "fk_1")] {
        walk(&stage, who, token, 401, |_| false).await;
    }
}

#[tokio::test]
async fn a_portal_reaches_its_own_application_only() {
    let stage = furnished().await;
    let path = "/api/v1/auth/app-portal-access/other";
    let token = stage.call("POST", path, Some(json!({}))).await.json()["token"].as_str().unwrap().to_owned();
    for route in ROUTES.iter().filter(|route| !is_public(route.operation)) {
        let body = ["POST", "PUT", "PATCH"].contains(&route.method).then(|| json!({ "url": "http://127.0.0.1:8/" }));
        let status = stage.call_as(&token, route.method, &path_of(route.path), body).await.status.as_u16();
        let names_another = route.path.contains("{app_id}");
        let is_shared = ["event-type.list", "event-type.get", "authentication.logout"].contains(&route.operation);
        let fits = if names_another { matches!(status, 403 | 404 | 422) } else { is_shared || status == 403 };
        assert!(fits, "{} answered {status}", route.operation);
        if route.operation == "authentication.logout" {
            break; // from here on its token is good for nothing
        }
    }
}

/// Another organization's owner, who knows every identifier, finds nothing and changes nothing.
#[tokio::test]
async fn another_organization_finds_nothing() {
    let stage = furnished().await;
    let of = |path: &'static str| stage.call("GET", path, None);
    let application = of("/api/v1/app/acme").await.id();
    let endpoint = of("/api/v1/app/acme/endpoint/main").await.id();
    let (key, _) = api_key(&stage, json!({ "name": "k", "role": "reader" })).await;
    let message = stage.publish(&application, None, json!({})).await.id();
    let before = items(&stage.engines).await;
    let stranger = role_token(&stage, "org_2AnotherOrganization0000000", Role::Owner);
    for route in ROUTES.iter().filter(|route| !is_public(route.operation) && route.path.contains('{')) {
        let path = path_of(&route.path.replace("{app_id}", &application).replace("{endpoint_id}", &endpoint));
        let path = path.replace("/none", &format!("/{message}"));
        let path = if route.path.contains("{key_id}") { format!("/api/v1/auth/api-key/{key}") } else { path };
        let body: Option<Value> = ["POST", "PUT", "PATCH"].contains(&route.method).then(|| json!({ "name": "n" }));
        let creates = ["application.update", "event-type.update", "source.update"].contains(&route.operation);
        let status = stage.call_as(&stranger, route.method, &path, body).await.status.as_u16();
        assert!(creates || matches!(status, 404 | 422), "{}: {status}", route.operation);
    }
    let after = items(&stage.engines).await;
    assert!(before.iter().all(|item| after.contains(item)), "something was changed");
}
