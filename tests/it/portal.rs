//! Portal tokens: what a customer's browser may do, for how long, and how it is stopped.

use serde_json::{Value, json};

use crate::harness::Stage;

const ACCESS: &str = "/api/v1/auth/app-portal-access";

/// A token for this application.
async fn token(stage: &Stage, application: &str, asked: Value) -> String {
    let answer = stage.call("POST", &format!("{ACCESS}/{application}"), Some(asked)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["token"].as_str().unwrap().to_owned()
}

async fn status(stage: &Stage, token: &str, method: &str, path: &str, body: Option<Value>) -> u16 {
    stage.call_as(token, method, path, body).await.status.as_u16()
}

async fn application(stage: &Stage, uid: &str) -> String {
    stage.call("POST", "/api/v1/app", Some(json!({ "name": uid, "uid": uid }))).await.id()
}

#[tokio::test]
async fn a_token_sees_its_own_application_and_nothing_else() {
    let stage = Stage::new(&[]).await;
    let (own, other) = (application(&stage, "own").await, application(&stage, "other").await);
    let token = token(&stage, "own", json!({})).await;
    let endpoint = json!({ "url": "https://example.com/" });
    for (name, expected) in [(own.as_str(), 200), ("own", 200), (other.as_str(), 404), ("other", 404), ("none", 404)] {
        let get = |path: String| async {
            let path = path;
            status(&stage, &token, "GET", &path, None).await
        };
        assert_eq!(get(format!("/api/v1/app/{name}")).await, expected, "{name}");
        assert_eq!(get(format!("/api/v1/app/{name}/endpoint")).await, expected, "{name}");
        assert_eq!(get(format!("/api/v1/app/{name}/msg")).await, expected, "{name}");
        let created =
            status(&stage, &token, "POST", &format!("/api/v1/app/{name}/endpoint"), Some(endpoint.clone())).await;
        assert_eq!(created, if expected == 200 { 201 } else { 404 }, "{name}");
    }
    let message = json!({ "eventType": "a.b", "payload": {} });
    for (method, path, body) in [
        ("GET", "/api/v1/app", None),
        ("POST", "/api/v1/app", Some(json!({ "name": "x" }))),
        ("DELETE", "/api/v1/app/own", None),
        ("POST", "/api/v1/app/own/msg", Some(message)),
        ("POST", "/api/v1/event-type", Some(json!({ "name": "a.b", "description": "" }))),
        ("POST", "/api/v1/auth/app-portal-access/own", Some(json!({}))),
        ("GET", "/api/v1/background-task", None),
    ] {
        assert_eq!(status(&stage, &token, method, path, body).await, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn a_token_does_what_its_capabilities_say() {
    let stage = Stage::new(&[]).await;
    let (_, endpoint) = (application(&stage, "acme").await, stage.endpoint("acme", "https://example.com/").await);
    let secret = format!("/api/v1/app/acme/endpoint/{endpoint}/secret");
    let check = async |asked: Value, create: u16, see_secret: u16| {
        let token = token(&stage, "acme", asked.clone()).await;
        let body = json!({ "url": "https://example.com/" });
        assert_eq!(status(&stage, &token, "POST", "/api/v1/app/acme/endpoint", Some(body)).await, create, "{asked}");
        assert_eq!(status(&stage, &token, "GET", &secret, None).await, see_secret, "{asked}");
        assert_eq!(status(&stage, &token, "GET", "/api/v1/app/acme/endpoint", None).await, 200, "{asked}");
    };
    check(json!({}), 201, 200).await;
    check(json!({ "readOnly": true }), 403, 403).await;
    check(json!({ "capabilities": ["ViewBase", "ViewEndpointSecret"] }), 403, 200).await;
    check(json!({ "capabilities": ["ViewBase", "ManageEndpoint"] }), 201, 403).await;
}

#[tokio::test]
async fn a_token_ends_when_it_expires() {
    let stage = Stage::new(&[]).await;
    application(&stage, "acme").await;
    let token = token(&stage, "acme", json!({ "expiry": 3_600 })).await;
    assert_eq!(status(&stage, &token, "GET", "/api/v1/app/acme", None).await, 200);
    stage.clock.forward_s(3_600 + 61);
    assert_eq!(status(&stage, &token, "GET", "/api/v1/app/acme", None).await, 401);
}

#[tokio::test]
async fn logging_out_ends_one_token_and_no_other() {
    let stage = Stage::new(&[]).await;
    application(&stage, "acme").await;
    let (first, second) = (token(&stage, "acme", json!({})).await, token(&stage, "acme", json!({})).await);
    for expected in [204, 401] {
        assert_eq!(status(&stage, &first, "POST", "/api/v1/auth/logout", None).await, expected);
    }
    assert_eq!(status(&stage, &first, "GET", "/api/v1/app/acme", None).await, 401);
    assert_eq!(status(&stage, &second, "GET", "/api/v1/app/acme", None).await, 200);
    assert_eq!(stage.call("POST", "/api/v1/auth/logout", None).await.status, 403, "an organization has no session");
}

#[tokio::test]
async fn all_tokens_of_an_application_end_at_once_later_or_by_session() {
    let stage = Stage::new(&[]).await;
    application(&stage, "acme").await;
    application(&stage, "other").await;
    let alive = async |token: &str, application: &str| {
        status(&stage, token, "GET", &format!("/api/v1/app/{application}"), None).await == 200
    };
    let expire = async |body: Value| {
        let answer = stage.call("POST", "/api/v1/auth/app/acme/expire-all", Some(body)).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        stage.clock.forward_s(2);
    };
    let one = token(&stage, "acme", json!({ "sessionId": "s1" })).await;
    let two = token(&stage, "acme", json!({ "sessionId": "s2" })).await;
    let foreign = token(&stage, "other", json!({ "sessionId": "s1" })).await;
    stage.clock.forward_s(2);
    expire(json!({ "sessionIds": ["s1"] })).await;
    assert_eq!((alive(&one, "acme").await, alive(&two, "acme").await), (false, true));
    expire(json!({ "expiry": 600 })).await;
    assert!(alive(&two, "acme").await, "not yet");
    let new = token(&stage, "acme", json!({})).await;
    stage.clock.forward_s(600);
    assert_eq!((alive(&two, "acme").await, alive(&new, "acme").await), (false, true), "only those issued before");
    expire(json!({})).await;
    assert!(!alive(&new, "acme").await);
    expire(json!({ "expiry": 3_600 })).await;
    assert!(!alive(&new, "acme").await, "what has ended stays so");
    assert!(alive(&foreign, "other").await);
}

#[tokio::test]
async fn an_application_may_come_along_and_nonsense_is_refused() {
    let stage = Stage::new(&[("FANFARE_PORTAL_URL", "https://portal.example.com/")]).await;
    let body = json!({ "application": { "name": "New", "uid": "new" } });
    for _ in 0..2 {
        let answer = stage.call("POST", &format!("{ACCESS}/new"), Some(body.clone())).await.json();
        assert!(answer["url"].as_str().unwrap().starts_with("https://portal.example.com/#key="), "{answer}");
    }
    assert_eq!(stage.call("GET", "/api/v1/app/new", None).await.json()["name"], "New");
    let refused = [
        (json!({ "application": { "name": "New" } }), json!(["body", "application", "uid"]), "application_uid_missing"),
        (
            json!({ "application": { "name": "N", "uid": "x" } }),
            json!(["body", "application", "uid"]),
            "application_uid_mismatch",
        ),
        (json!({ "expiry": 60 }), json!(["body", "expiry"]), "value_error"),
        (json!({ "capabilities": ["Fly"] }), json!(["body", "capabilities", "0"]), "value_error"),
        (json!({ "readOnly": true, "capabilities": [] }), json!(["body", "readOnly"]), "value_error"),
    ];
    for (body, loc, kind) in refused {
        let answer = stage.call("POST", &format!("{ACCESS}/new"), Some(body.clone())).await;
        let error = &answer.json()["detail"][0];
        assert_eq!((answer.status.as_u16(), &error["loc"], &error["type"]), (422, &loc, &json!(kind)), "{body}");
    }
    assert_eq!(stage.call("POST", &format!("{ACCESS}/none"), Some(json!({}))).await.status, 404);
    let older = stage.call("POST", "/api/v1/auth/dashboard-access/new", None).await;
    assert_eq!(status(&stage, older.json()["token"].as_str().unwrap(), "GET", "/api/v1/app/new", None).await, 200);
}

#[tokio::test]
async fn event_types_behind_a_flag_are_shown_to_who_has_it() {
    let stage = Stage::new(&[]).await;
    application(&stage, "acme").await;
    for (name, flags) in [("a.open", json!([])), ("b.beta", json!(["beta", "early"]))] {
        let body = json!({ "name": name, "description": "", "featureFlags": flags });
        assert_eq!(stage.call("POST", "/api/v1/event-type", Some(body)).await.status, 201);
    }
    for (asked, names, get) in [
        (json!({}), json!(["a.open"]), 404),
        (json!({ "featureFlags": ["other"] }), json!(["a.open"]), 404),
        (json!({ "featureFlags": ["early"] }), json!(["a.open", "b.beta"]), 200),
    ] {
        let token = token(&stage, "acme", asked.clone()).await;
        let page = stage.call_as(&token, "GET", "/api/v1/event-type", None).await.json();
        let shown: Vec<_> = page["data"].as_array().unwrap().iter().map(|each| each["name"].clone()).collect();
        assert_eq!(json!(shown), names, "{asked}");
        assert_eq!(status(&stage, &token, "GET", "/api/v1/event-type/b.beta", None).await, get, "{asked}");
    }
    let own = stage.call("GET", "/api/v1/event-type/b.beta", None).await.json();
    assert_eq!((&own["featureFlags"], &own["featureFlag"]), (&json!(["beta", "early"]), &json!("beta")));
}
