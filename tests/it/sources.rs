//! Sources of inbound webhooks are kept for their owner: with a secret that is shown where it is asked for, and an address.

use fanfare::domain::audit::{Changed, Operation};
use fanfare::domain::ids::{ApplicationId, OrganizationId, SourceId};
use fanfare::domain::inbound::{EventNaming, Provider};
use fanfare::domain::source::{SOURCES_PER_ORGANIZATION_MAX, SourceDraft, SourceParts};
use fanfare::domain::source_address::SourceToken;
use fanfare::domain::source_events::EventTypeRule;
use futures_util::StreamExt;
use futures_util::stream::iter;
use serde_json::{Value, json};

use crate::harness::{Answer, ORGANIZATION, Stage};

const SOURCES: &str = "/api/v1/source";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn stage() -> Stage {
    let stage = Stage::new(&[]).await;
    stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme", "uid": "acme" }))).await.id();
    stage
}

fn stripe() -> Value {
    json!({ "name": "Payments", "provider": { "kind": "stripe" }, "appId": "acme", "secret": SECRET })
}

fn with(mut source: Value, field: &str, value: Value) -> Value {
    source[field] = value;
    source
}

#[track_caller]
fn expect_refused(answer: &Answer, loc: &[&str]) {
    assert_eq!(answer.status, 422, "{answer:?}");
    assert_eq!(answer.json()["detail"][0]["loc"], json!(loc), "{answer:?}");
}

#[tokio::test]
async fn a_source_is_kept_as_it_was_asked_for_and_shows_no_secret() {
    let stage = stage().await;
    let application = stage.call("GET", "/api/v1/app/acme", None).await.id();
    let asked = json!({
        "name": "Payments", "uid": "pay", "appId": "acme", "secret": SECRET, "disabled": true,
        "provider": { "kind": "generic-hmac", "header": "x-sig", "eventId": { "pointer": "/id" } },
        "eventTypes": { "prefix": "a.", "map": { "b/c": "d" }, "ignore": ["ping"] }, "forwardHeaders": ["X-Region"],
    });
    let made = stage.call("POST", SOURCES, Some(asked.clone())).await;
    assert_eq!(made.status, 201, "{made:?}");
    let shown = made.json();
    for field in ["name", "uid", "disabled", "eventTypes"] {
        assert_eq!(shown[field], asked[field], "{field}");
    }
    assert_eq!((&shown["appId"], &shown["forwardHeaders"]), (&json!(application), &json!(["x-region"])));
    assert_eq!((&shown["provider"]["kind"], &shown["provider"]["header"]), (&json!("generic-hmac"), &json!("x-sig")));
    let by_id = format!("{SOURCES}/{}", made.id());
    for path in [&by_id, "/api/v1/source/pay"] {
        assert_eq!(stage.call("GET", path, None).await.json(), shown);
    }
    let listed = stage.call("GET", SOURCES, None).await;
    assert_eq!(listed.json()["data"], json!([shown]));
    assert!(!listed.text.contains("MfKQ9r8") && !made.text.contains("MfKQ9r8"));
    let secret = stage.call("GET", &format!("{by_id}/secret"), None).await;
    assert_eq!(secret.json(), json!({ "key": SECRET }));
    assert!(!secret.headers.contains_key("etag"));
}

#[tokio::test]
async fn an_address_begins_where_the_gateway_is_reached() {
    let stage = stage().await;
    let headers = [("host", "hooks.example.com"), ("x-forwarded-proto", "https")];
    let made = stage.call_with_headers("POST", SOURCES, Some(stripe()), &headers).await.json();
    assert!(made["ingestUrl"].as_str().unwrap().starts_with("https://hooks.example.com/in/src_"), "{made}");
    let stage = Stage::new(&[("FANFARE_PUBLIC_URL", "https://example.com/fanfare/")]).await;
    stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme", "uid": "acme" }))).await.id();
    let made = stage.call_with_headers("POST", SOURCES, Some(stripe()), &headers).await.json();
    assert!(made["ingestUrl"].as_str().unwrap().starts_with("https://example.com/fanfare/in/src_"), "{made}");
}

#[tokio::test]
async fn secrets_are_made_where_the_owner_tells_them_and_asked_for_where_the_provider_does() {
    let stage = stage().await;
    for (kind, is_made) in [("github", true), ("standard-webhooks", true), ("stripe", false), ("sendgrid", false)] {
        let source = json!({ "name": "S", "provider": { "kind": kind }, "appId": "acme" });
        let made = stage.call("POST", SOURCES, Some(source)).await;
        if !is_made {
            expect_refused(&made, &["body", "secret"]);
            continue;
        }
        let rotate = format!("{SOURCES}/{}/secret", made.id());
        let first = stage.call("GET", &rotate, None).await.json();
        assert!(first["key"].as_str().unwrap().len() >= 32, "{kind}");
        let second = stage.call("POST", &format!("{rotate}/rotate"), Some(json!({}))).await.json();
        assert_ne!(first, second, "{kind}");
    }
    let open = json!({ "name": "S", "provider": { "kind": "none" }, "appId": "acme" });
    expect_refused(
        &stage.call("POST", SOURCES, Some(with(open.clone(), "secret", json!("s")))).await,
        &["body", "secret"],
    );
    let made = stage.call("POST", SOURCES, Some(open)).await.id();
    assert_eq!(stage.call("GET", &format!("{SOURCES}/{made}/secret"), None).await.json(), json!({ "key": null }));
    let rotated = stage.call("POST", &format!("{SOURCES}/{made}/secret/rotate"), Some(json!({ "key": "s" }))).await;
    expect_refused(&rotated, &["body", "key"]);
    let stripe = stage.call("POST", SOURCES, Some(stripe())).await.id();
    let rotated = stage.call("POST", &format!("{SOURCES}/{stripe}/secret/rotate"), Some(json!({}))).await;
    expect_refused(&rotated, &["body", "key"]);
}

#[tokio::test]
async fn the_kind_of_a_source_stays_and_its_settings_may_change() {
    let stage = stage().await;
    let generic = json!({ "kind": "generic-hmac", "header": "x-sig" });
    let made = stage.call("POST", SOURCES, Some(with(stripe(), "provider", generic))).await;
    let path = format!("{SOURCES}/{}", made.id());
    let other = json!({ "kind": "generic-hmac", "header": "x-signature", "algorithm": "sha512" });
    let changed = stage.call("PATCH", &path, Some(json!({ "provider": other }))).await;
    assert_eq!((changed.status.as_u16(), &changed.json()["provider"]["algorithm"]), (200, &json!("sha512")));
    for (method, body) in [("PATCH", json!({ "provider": { "kind": "stripe" } })), ("PUT", stripe())] {
        expect_refused(&stage.call(method, &path, Some(body)).await, &["body", "provider"]);
    }
    let secret = stage.call("GET", &format!("{path}/secret"), None).await;
    assert_eq!(secret.json(), json!({ "key": SECRET }));
}

#[tokio::test]
async fn rules_that_contradict_themselves_and_headers_that_are_no_ones_to_give_are_refused() {
    let stage = stage().await;
    let refused: [(&str, Value, &[&str]); 7] = [
        ("eventTypes", json!({ "eventType": "a", "prefix": "b" }), &["body", "eventTypes", "prefix"]),
        ("eventTypes", json!({ "map": { "a": "b" }, "ignore": ["a"] }), &["body", "eventTypes"]),
        ("eventTypes", json!({ "map": { "a": "b c" } }), &["body", "eventTypes", "map", "a"]),
        ("forwardHeaders", json!(["x-a", "Cookie"]), &["body", "forwardHeaders", "1"]),
        ("forwardHeaders", json!(["webhook-id"]), &["body", "forwardHeaders", "0"]),
        ("forwardHeaders", json!((0..11).map(|n| format!("x-{n}")).collect::<Vec<_>>()), &["body", "forwardHeaders"]),
        ("provider", json!({ "kind": "stripe", "header": "x" }), &["body", "provider"]),
    ];
    for (field, value, loc) in refused {
        expect_refused(&stage.call("POST", SOURCES, Some(with(stripe(), field, value))).await, loc);
    }
    assert_eq!(stage.call("GET", SOURCES, None).await.json()["data"], json!([]));
}

#[tokio::test]
async fn uids_are_unique_make_what_is_not_there_and_are_free_again() {
    let stage = stage().await;
    let path = "/api/v1/source/pay";
    assert_eq!(stage.call("PUT", path, Some(stripe())).await.status, 201);
    assert_eq!(stage.call("PUT", path, Some(with(stripe(), "name", json!("B")))).await.status, 200);
    let shown = stage.call("GET", path, None).await.json();
    assert_eq!((&shown["name"], &shown["uid"]), (&json!("B"), &json!("pay")));
    let other = stage.call("POST", SOURCES, Some(with(stripe(), "uid", json!("other")))).await.id();
    for (method, path) in [("POST", SOURCES.to_owned()), ("PATCH", format!("{SOURCES}/{other}"))] {
        let answer = stage.call(method, &path, Some(with(stripe(), "uid", json!("pay")))).await;
        assert_eq!(answer.status, 409, "{method}");
    }
    assert_eq!(stage.call("PATCH", path, Some(json!({ "uid": "paid" }))).await.status, 200);
    assert_eq!(stage.call("GET", path, None).await.status, 404);
    assert_eq!(stage.call("DELETE", "/api/v1/source/paid", None).await.status, 204);
    assert_eq!(stage.call("DELETE", "/api/v1/source/paid", None).await.status, 404);
    assert_eq!(stage.call("POST", SOURCES, Some(with(stripe(), "uid", json!("paid")))).await.status, 201);
}

#[tokio::test]
async fn a_change_can_be_bound_to_the_state_that_was_seen() {
    let stage = stage().await;
    let made = stage.call("POST", SOURCES, Some(stripe())).await;
    let (path, tag) = (format!("{SOURCES}/{}", made.id()), made.headers["etag"].to_str().unwrap().to_owned());
    let change = json!({ "disabled": true });
    let changed = stage.call_with_headers("PATCH", &path, Some(change.clone()), &[("if-match", &tag)]).await;
    assert_eq!(changed.status, 200);
    for method in ["PATCH", "DELETE"] {
        let body = (method == "PATCH").then(|| change.clone());
        assert_eq!(stage.call_with_headers(method, &path, body, &[("if-match", &tag)]).await.status, 412, "{method}");
    }
}

#[tokio::test]
async fn an_organization_has_so_many_sources_and_the_last_ones_repeat_finds_it() {
    let stage = stage().await;
    let application = stage.call("GET", "/api/v1/app/acme", None).await.id();
    let (store, now) = (stage.store(), stage.platform.effects.now());
    let organization = OrganizationId::parse(ORGANIZATION).unwrap();
    let make = async |_| {
        let draft = SourceDraft {
            name: "s".to_owned(),
            uid: None,
            provider: Provider::None(EventNaming::default()),
            event_types: EventTypeRule::default(),
            forwarded_headers: Vec::new(),
            is_disabled: false,
        };
        let parts = SourceParts {
            id: SourceId::new(now, stage.platform.effects.random.id_tail()),
            application: ApplicationId::parse(&application).unwrap(),
            secret: None,
            token: SourceToken::new([0; 24]),
        };
        let source = draft.create(parts, now);
        let change = stage.change(Operation::SourceCreate, Changed::created(&source));
        store.create_source(&organization, &source, None, &change).await.unwrap();
    };
    iter(1..SOURCES_PER_ORGANIZATION_MAX).map(make).buffer_unordered(16).collect::<Vec<_>>().await;
    let first = stage.call_with_key("POST", SOURCES, Some(stripe()), Some("last")).await;
    let second = stage.call_with_key("POST", SOURCES, Some(stripe()), Some("last")).await;
    assert_eq!((first.status.as_u16(), first.id()), (201, second.id()));
    let refused = stage.call("POST", SOURCES, Some(stripe())).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (400, &json!("limit_reached")));
}
