//! What a record holds, and what it never holds.

use serde_json::{Value, json};

use super::log;
use crate::harness::table::{items_of, number};
use crate::harness::{Stage, Way};

const PLANTED: [&str; 4] = ["planted-header", "planted-query", "planted-metadata", "planted-legacy-secret"];

async fn endpoint(stage: &Stage) -> Value {
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let body = json!({
        "url": "http://127.0.0.1:8/x?token=planted-query", "headers": { "authorization": "planted-header" },
        "metadata": { "owner": "planted-metadata" },
        "legacySignatures": [{ "kind": "hmac", "header": "x-old", "encoding": "hex", "secret": "planted-legacy-secret" }],
    });
    let path = format!("/api/v1/app/{application}/endpoint");
    let made = stage.call("POST", &path, Some(body)).await.json();
    json!({ "path": format!("{path}/{}", made["id"].as_str().unwrap()), "id": made["id"] })
}

#[tokio::test]
async fn no_secret_is_in_the_log_or_in_its_records() {
    let stage = Stage::new(&[]).await;
    let path = endpoint(&stage).await["path"].as_str().unwrap().to_owned();
    let before = stage.call("GET", &format!("{path}/secret"), None).await.json()["key"].as_str().unwrap().to_owned();
    stage.call("POST", &format!("{path}/secret/rotate"), Some(json!({}))).await;
    let after = stage.call("GET", &format!("{path}/secret"), None).await.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(stage.call("DELETE", &path, None).await.status, 204);
    let told = format!("{:?} {:?}", log(&stage, "").await, items_of(&stage.engines, "L#").await);
    for secret in PLANTED.iter().copied().chain([&*before, &*after]) {
        assert!(!told.contains(secret), "{secret}");
    }
    assert!(told.contains("http://127.0.0.1:8/x") && told.contains("authorization") && told.contains("owner"));
}

#[tokio::test]
async fn a_record_tells_what_differs_and_ends_with_its_time() {
    let stage = Stage::new(&[("FANFARE_AUDIT_DAYS", "7")]).await;
    let made = endpoint(&stage).await;
    let path = made["path"].as_str().unwrap();
    stage.call("PATCH", path, Some(json!({ "description": "new" }))).await;
    let query = format!("&thing={}&operation=endpoint.update", made["id"].as_str().unwrap());
    let log = log(&stage, &query).await;
    assert_eq!(log.len(), 1);
    let change = json!([{ "field": "description", "before": "", "after": "new", "secret": false }]);
    assert_eq!(log[0]["changes"], change);
    let now_s = stage.platform.effects.now().as_millis() / 1_000;
    for item in items_of(&stage.engines, "L#").await {
        assert!((number(&item, "ttl") - now_s - 7 * 86_400).abs() <= 1);
    }
}

#[tokio::test]
async fn what_was_not_done_leaves_no_record_and_what_was_done_leaves_one() {
    let stage = Stage::new(&[]).await;
    let path = endpoint(&stage).await["path"].as_str().unwrap().to_owned();
    let before = log(&stage, "").await.len();
    for (way, records) in [(Way::THROTTLED, 0), (Way::AnswerLost, 1)] {
        stage.faults.next("TransactWriteItems", way, 1);
        let answer = stage.call("PATCH", &path, Some(json!({ "description": "x" }))).await;
        stage.faults.end();
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(log(&stage, "").await.len(), before + records, "{way:?}");
    }
}

#[tokio::test]
async fn others_see_nothing_of_it_and_portals_are_named_but_not_let_in() {
    let stage = Stage::new(&[]).await;
    let (application, endpoint) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let path = format!("/api/v1/auth/app-portal-access/{application}");
    let portal = stage.call("POST", &path, Some(json!({}))).await.json()["token"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/app/{application}/endpoint/{endpoint}");
    assert_eq!(stage.call_as(&portal, "PATCH", &path, Some(json!({ "description": "x" }))).await.status, 200);
    let change = log(&stage, "&operation=endpoint.update").await.remove(0);
    assert_eq!((&change["actor"]["kind"], &change["actor"]["appId"]), (&json!("portal"), &json!(application)));
    assert_eq!(stage.call_as(&portal, "GET", "/api/v1/audit-log", None).await.status, 403);
    let stranger = stage.stranger();
    let foreign = stage.call_with_headers("GET", "/api/v1/audit-log", None, &[("authorization", &stranger)]).await;
    assert_eq!(foreign.json()["data"], json!([]));
}
