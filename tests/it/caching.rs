//! Entity tags: what a caller has already is not sent again, and a change can be bound to the state that was seen.

use http::Request;
use serde_json::{Value, json};

use crate::harness::{Answer, Stage, Way, World, send};

#[track_caller]
fn tag(answer: &Answer) -> String {
    let tag = answer.headers.get("etag").unwrap_or_else(|| panic!("no tag: {answer:?}"));
    tag.to_str().unwrap().to_owned()
}

async fn ask(stage: &Stage, path: &str, name: &str, value: &str) -> Answer {
    stage.call_with_headers("GET", path, None, &[(name, value)]).await
}

/// A tag is the same read and written, goes with every change, and whoever has it is sent nothing.
async fn check(stage: &Stage, path: &str, list: &str, written: &Answer, patch: Value) {
    let (read, listed) = (stage.call("GET", path, None).await, stage.call("GET", list, None).await);
    assert_eq!(tag(&read), tag(written), "{path}");
    for (path, before) in [(path, &read), (list, &listed)] {
        assert_eq!(before.headers["cache-control"], "private, no-cache", "{path}");
        for known in [tag(before), format!("\"other\", W/{}", tag(before)), "*".to_owned()] {
            let answer = ask(stage, path, "if-none-match", &known).await;
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{path} {known}");
            assert_eq!((tag(&answer), answer.headers.get("content-type")), (tag(before), None), "{path}");
        }
    }
    let changed = stage.call("PATCH", path, Some(patch)).await;
    for (path, before) in [(path, &read), (list, &listed)] {
        let now = ask(stage, path, "if-none-match", &tag(before)).await;
        assert_eq!(now.status, 200, "{path}");
        assert_ne!(tag(&now), tag(before), "{path}");
        assert!(now.json() != before.json(), "{path}");
    }
    if changed.status == 200 {
        assert_eq!(tag(&changed), tag(&stage.call("GET", path, None).await), "{path}");
    }
}

#[tokio::test]
async fn what_a_caller_has_is_not_sent_again() {
    let stage = Stage::new(&[]).await;
    let applications = "/api/v1/app";
    let application = stage.call("POST", applications, Some(json!({ "name": "A" }))).await;
    let path = format!("{applications}/{}", application.id());
    let endpoints = format!("{path}/endpoint");
    let endpoint = stage.call("POST", &endpoints, Some(json!({ "url": "http://127.0.0.1:8/" }))).await;
    let event_types = "/api/v1/event-type";
    let event_type = stage.call("POST", event_types, Some(json!({ "name": "a.b", "description": "" }))).await;

    check(&stage, &path, applications, &application, json!({ "name": "B" })).await;
    let endpoint_path = format!("{endpoints}/{}", endpoint.id());
    check(&stage, &endpoint_path, &endpoints, &endpoint, json!({ "disabled": true })).await;
    check(&stage, "/api/v1/event-type/a.b", event_types, &event_type, json!({ "deprecated": true })).await;
    let headers = format!("{endpoint_path}/headers");
    let before = stage.call("GET", &headers, None).await;
    check(&stage, &headers, &headers, &before, json!({ "headers": { "x-a": "1" } })).await;

    let secret = stage.call("GET", &format!("{endpoint_path}/secret"), None).await;
    assert_eq!((secret.headers.get("etag"), secret.headers["cache-control"].to_str().unwrap()), (None, "no-store"));
    assert_eq!(ask(&stage, &format!("{path}/none"), "if-none-match", "*").await.status, 404);
    let malformed = ask(&stage, &path, "if-none-match", "no quotes").await;
    assert_eq!(
        (malformed.status.as_u16(), &malformed.json()["detail"][0]["loc"]),
        (422, &json!(["header", "if-none-match"]))
    );
}

/// A change bound to a state other than the one there is changes nothing.
async fn check_changes(stage: &Stage, path: &str, put: Value, patch: Value) {
    let old = tag(&stage.call("GET", path, None).await);
    let current = tag(&stage.call("PUT", path, Some(put.clone())).await);
    assert_ne!(old, current, "{path}");
    let weak = format!("W/{current}");
    let refused = [("if-match", old.as_str()), ("if-match", &weak), ("if-none-match", "*"), ("if-none-match", &weak)];
    for (name, value) in refused {
        for (method, body) in [("PUT", Some(&put)), ("PATCH", Some(&patch)), ("DELETE", None)] {
            let answer = stage.call_with_headers(method, path, body.cloned(), &[(name, value)]).await;
            let what = format!("{method} {path} {name}: {value}");
            assert_eq!(
                (answer.status.as_u16(), answer.json()["code"].clone()),
                (412, json!("precondition_failed")),
                "{what}"
            );
            assert_eq!(tag(&stage.call("GET", path, None).await), current, "{what}");
        }
    }
    let malformed = stage.call_with_headers("PATCH", path, Some(patch.clone()), &[("if-match", "a")]).await;
    assert_eq!(
        (malformed.status.as_u16(), &malformed.json()["detail"][0]["loc"]),
        (422, &json!(["header", "if-match"]))
    );

    let matching = format!("\"other\", {current}");
    let patched = stage.call_with_headers("PATCH", path, Some(patch), &[("if-match", &matching)]).await;
    assert_eq!(patched.status, 200, "{path}: {patched:?}");
    let again = stage.call_with_headers("PUT", path, Some(put), &[("if-match", &tag(&patched))]).await;
    assert_eq!(again.status, 200, "{path}");
    let gone = stage.call_with_headers("DELETE", path, None, &[("if-match", &tag(&again))]).await;
    assert_eq!(gone.status, 204, "{path}");
}

#[tokio::test]
async fn a_change_can_be_bound_to_the_state_that_was_seen() {
    let stage = Stage::new(&[]).await;
    let (application, endpoint) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    stage.call("POST", "/api/v1/event-type", Some(json!({ "name": "a.b", "description": "" }))).await;
    let url = json!({ "url": "http://127.0.0.1:8/b" });
    let path = format!("/api/v1/app/{application}");
    check_changes(&stage, &format!("{path}/endpoint/{endpoint}"), url.clone(), json!({ "description": "x" })).await;
    let event_type = "/api/v1/event-type/a.b";
    check_changes(&stage, event_type, json!({ "description": "b" }), json!({ "deprecated": true })).await;

    // What is there only once it is wanted: a PUT creates when it is told to, and only then.
    let new = [format!("{path}/endpoint/main"), "/api/v1/event-type/c.d".to_owned()];
    for (path, body) in new.iter().zip([url, json!({ "description": "d" })]) {
        let put =
            async |name, value| stage.call_with_headers("PUT", path, Some(body.clone()), &[(name, value)]).await.status;
        assert_eq!(put("if-match", "*").await, 412, "{path}");
        assert_eq!(stage.call("GET", path, None).await.status, 404, "{path}");
        assert_eq!(put("if-none-match", "*").await, 201, "{path}");
        assert_eq!(put("if-none-match", "*").await, 412, "{path}");
        assert_eq!(put("if-match", "*").await, 200, "{path}");
    }
    check_changes(&stage, &path, json!({ "name": "B" }), json!({ "name": "C" })).await;
    let expunge =
        stage.call_with_headers("DELETE", "/api/v1/event-type/c.d?expunge=true", None, &[("if-match", "\"a\"")]).await;
    assert_eq!(expunge.status, 412);
    assert_eq!(stage.call("DELETE", "/api/v1/event-type/c.d?expunge=true", None).await.status, 204);
    let missing =
        stage.call_with_headers("DELETE", "/api/v1/event-type/c.d?expunge=true", None, &[("if-match", "*")]).await;
    assert_eq!(missing.status, 404, "what is not there cannot be deleted, whatever state it should be in");
}

/// Ten callers saw the same state: one of them changes it, the others hear that it is another now.
#[tokio::test]
async fn of_many_changes_of_one_state_one_is_done() {
    let stage = Stage::new(&[]).await;
    let (application, endpoint) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    stage.call("POST", "/api/v1/event-type", Some(json!({ "name": "a.b", "description": "" }))).await;
    for path in [format!("/api/v1/app/{application}/endpoint/{endpoint}"), "/api/v1/event-type/a.b".to_owned()] {
        let seen = tag(&stage.call("GET", &path, None).await);
        let change = |number: usize| {
            let patch = Some(json!({ "description": number.to_string() }));
            let (stage, path, seen) = (&stage, &path, &seen);
            async move { stage.call_with_headers("PATCH", path, patch, &[("if-match", seen)]).await.status.as_u16() }
        };
        stage.faults.next("GetItem", Way::Late, 100);
        let mut statuses = futures_util::future::join_all((0..10).map(change)).await;
        stage.faults.stop();
        statuses.sort_unstable();
        assert_eq!(statuses, [vec![200], vec![412; 9]].concat(), "{path}");
    }
}

/// The way through a listener: 304 has no body there either, and the connection goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_answers_without_a_body() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let ask = async |known: &str| {
        let request = Request::get(format!("/api/v1/app/{application}")).header("if-none-match", known);
        let request = request.header("authorization", format!("Bearer {}", world.token));
        send(world.address(), request.body(Default::default()).unwrap()).await
    };
    let first = ask("\"none\"").await;
    assert_eq!(first.status, 200);
    let second = ask(&tag(&first)).await;
    assert_eq!((second.status.as_u16(), second.text.as_str(), tag(&second)), (304, "", tag(&first)));
}
