//! What endpoints, applications and messages may say that the SDKs do not know: retry schedules, order, deadlines. It is kept,
//! shown, and left alone by who does not know it.

use serde_json::{Value, json};
use svix::models::{ApplicationIn, EndpointUpsertIn};

use crate::harness::table::{items_of, number};
use crate::harness::{Stage, World};

const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// A thing that has settings of its own.
struct Thing {
    stage: Stage,
    path: String,
    /// What a PUT has to say.
    least: Value,
}

impl Thing {
    async fn endpoint() -> Self {
        let stage = Stage::new(&[]).await;
        let (application, endpoint) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
        let path = format!("/api/v1/app/{application}/endpoint/{endpoint}");
        Self { stage, path, least: json!({ "url": "http://127.0.0.1:8/" }) }
    }

    async fn application() -> Self {
        let stage = Stage::new(&[]).await;
        let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "A" }))).await.id();
        Self { stage, path: format!("/api/v1/app/{application}"), least: json!({ "name": "A" }) }
    }

    /// Says something besides the least there is; what a GET shows of this field then.
    async fn says(&self, method: &str, field: &str, value: Option<Value>) -> Value {
        let mut body = if method == "PUT" { self.least.clone() } else { json!({}) };
        if let Some(value) = value {
            body[field] = value;
        }
        let answer = self.stage.call(method, &self.path, Some(body)).await;
        assert_eq!(answer.status, 200, "{method} {answer:?}");
        let shown = self.stage.call("GET", &self.path, None).await.json();
        assert_eq!(shown[field], answer.json()[field], "{method}");
        shown[field].clone()
    }

    /// Set by PUT and PATCH, left by a PUT without it, taken away by a PATCH with null.
    async fn keeps(&self, field: &str, one: Value, other: Value, none: Value) {
        let says = async |method: &str, value: Option<Value>| self.says(method, field, value).await;
        assert_eq!(says("PATCH", None).await, none, "{field}");
        assert_eq!(says("PUT", Some(one.clone())).await, one, "{field}");
        assert_eq!(says("PUT", None).await, one, "{field}");
        assert_eq!(says("PUT", Some(Value::Null)).await, one, "{field}");
        assert_eq!(says("PATCH", None).await, one, "{field}");
        assert_eq!(says("PATCH", Some(other.clone())).await, other, "{field}");
        assert_eq!(says("PATCH", Some(Value::Null)).await, none, "{field}");
        assert_eq!(says("PUT", None).await, none, "{field}");
    }
}

#[tokio::test]
async fn an_endpoint_keeps_its_retry_schedule_and_its_order() {
    let endpoint = Thing::endpoint().await;
    endpoint.keeps("retrySchedule", json!([5, 0, 604_800]), json!([]), Value::Null).await;
    endpoint.keeps("ordered", json!(true), json!(false), json!(false)).await;
}

#[tokio::test]
async fn an_application_keeps_its_retry_schedule() {
    Thing::application().await.keeps("retrySchedule", json!([1]), json!([1, 2, 3]), Value::Null).await;
}

#[tokio::test]
async fn a_retry_schedule_that_is_none_is_refused_with_its_place_and_changes_nothing() {
    let too_many: Vec<u32> = vec![1; 25];
    for thing in [Thing::endpoint().await, Thing::application().await] {
        thing.says("PATCH", "retrySchedule", Some(json!([7]))).await;
        for (bad, place) in [
            (json!(too_many), json!(["body", "retrySchedule"])),
            (json!([5, 604_801]), json!(["body", "retrySchedule"])),
            (json!([5, -1]), json!(["body", "retrySchedule", "1"])),
            (json!([1.5]), json!(["body", "retrySchedule", "0"])),
            (json!("5,300"), json!(["body", "retrySchedule"])),
        ] {
            for method in ["PUT", "PATCH"] {
                let mut body = thing.least.clone();
                body["retrySchedule"] = bad.clone();
                let answer = thing.stage.call(method, &thing.path, Some(body)).await;
                assert_eq!((answer.status.as_u16(), &answer.json()["detail"][0]["loc"]), (422, &place), "{bad}");
            }
        }
        assert_eq!(thing.says("PATCH", "retrySchedule", None).await, json!([7]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sdk_that_does_not_know_the_settings_leaves_them() {
    let world = World::start(&[]).await;
    let raw =
        async |method: &str, path: &str, body| world.call(method, &format!("/api/v1/app{path}"), Some(body)).await;
    let set = json!({ "name": "Acme", "uid": "acme", "retrySchedule": [3] });
    assert_eq!(raw("POST", "", set).await.status, 201);
    let set = json!({ "url": "http://127.0.0.1:8/", "uid": "main", "retrySchedule": [], "ordered": true });
    assert_eq!(raw("POST", "/acme/endpoint", set).await.status, 201);
    let (acme, main) = (|| "acme".to_owned(), || "main".to_owned());
    world.svix.application().upsert(acme(), ApplicationIn::new("Acme Ltd".to_owned())).await.unwrap();
    let put = EndpointUpsertIn::new("http://127.0.0.1:8/new".to_owned());
    world.svix.endpoint().upsert(acme(), main(), put).await.unwrap();
    let application = raw("PATCH", "/acme", json!({})).await.json();
    assert_eq!((&application["name"], &application["retrySchedule"]), (&json!("Acme Ltd"), &json!([3])));
    let endpoint = raw("PATCH", "/acme/endpoint/main", json!({})).await.json();
    assert_eq!(endpoint["url"], "http://127.0.0.1:8/new");
    assert_eq!((&endpoint["retrySchedule"], &endpoint["ordered"]), (&json!([]), &json!(true)));
}

#[tokio::test]
async fn a_message_keeps_its_deadline_and_its_key_and_is_another_with_others() {
    let stage = Stage::new(&[]).await;
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "A" }))).await.id();
    let path = format!("/api/v1/app/{application}/msg");
    let at = |ms: i64| stage.platform.effects.now().plus_millis(ms).to_rfc3339();
    let with = |deadline: &str, key: &str| {
        let body = json!({ "eventType": "a.b", "payload": {}, "payloadRetentionPeriod": 5 });
        let mut body = body.as_object().unwrap().clone();
        body.extend([("deliverBefore".to_owned(), json!(deadline)), ("orderingKey".to_owned(), json!(key))]);
        Some(Value::Object(body))
    };
    let deadline = at(30 * DAY_MS);
    let publish = async |body| stage.call_with_key("POST", &path, body, Some("key")).await;
    let first = publish(with(&deadline, "order-7")).await;
    let shown = stage.call("GET", &format!("{path}/{}", first.id()), None).await.json();
    for shown in [&shown, &first.json()] {
        assert_eq!((&shown["deliverBefore"], &shown["orderingKey"]), (&json!(deadline), &json!("order-7")));
    }
    assert_eq!(publish(with(&deadline, "order-7")).await.id(), first.id());
    for other in [with(&at(29 * DAY_MS), "order-7"), with(&deadline, "order-8")] {
        assert_eq!(publish(other).await.status, 409);
    }
    let message = items_of(&stage.engines, "M#").await.remove(0);
    let kept_ms = number(&message, "ttl") * 1_000 - stage.platform.effects.now().as_millis();
    assert!(kept_ms >= 30 * DAY_MS, "kept until its deadline, whatever its retention: {kept_ms}");
}

#[tokio::test]
async fn a_deadline_or_key_that_makes_no_sense_is_refused() {
    let stage = Stage::new(&[]).await;
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "A" }))).await.id();
    let path = format!("/api/v1/app/{application}/msg");
    let at = |ms: i64| json!(stage.platform.effects.now().plus_millis(ms).to_rfc3339());
    let check = async |own: Value, refused_at: Option<&str>| {
        let mut body = json!({ "eventType": "a.b", "payload": {} });
        body.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let answer = stage.call("POST", &path, Some(body)).await;
        match refused_at {
            None => assert_eq!(answer.status, 202, "{own}: {answer:?}"),
            Some(field) => {
                assert_eq!(answer.status, 422, "{own}: {answer:?}");
                assert_eq!(answer.json()["detail"][0]["loc"], json!(["body", field]), "{own}");
            }
        }
    };
    let deadline = Some("deliverBefore");
    check(json!({ "deliverBefore": at(0) }), deadline).await;
    check(json!({ "deliverBefore": at(-DAY_MS) }), deadline).await;
    check(json!({ "deliverBefore": at(91 * DAY_MS) }), deadline).await;
    check(json!({ "deliverBefore": "soon" }), deadline).await;
    check(json!({ "deliverBefore": at(DAY_MS), "deliverAt": at(DAY_MS) }), deadline).await;
    check(json!({ "deliverBefore": at(DAY_MS), "deliverAt": at(2 * DAY_MS) }), deadline).await;
    check(json!({ "deliverBefore": at(DAY_MS), "deliverAt": at(DAY_MS - 1) }), None).await;
    check(json!({ "deliverBefore": at(1), "deliverAt": at(-DAY_MS) }), None).await;
    check(json!({ "deliverBefore": null, "orderingKey": null }), None).await;
    check(json!({ "orderingKey": "a".repeat(256) }), None).await;
    for bad in ["", "a b", "a:b", "a/b", &"a".repeat(257)] {
        check(json!({ "orderingKey": bad }), Some("orderingKey")).await;
    }
}

#[tokio::test]
async fn what_is_past_its_deadline_is_not_sent_again() {
    let stage = Stage::new(&[]).await;
    let (application, endpoint) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let path = format!("/api/v1/app/{application}");
    let switch = async |disabled: bool| {
        let body = Some(json!({ "disabled": disabled }));
        assert_eq!(stage.call("PATCH", &format!("{path}/endpoint/{endpoint}"), body).await.status, 200);
    };
    switch(true).await;
    let deadline = stage.platform.effects.now().plus_millis(60_000).to_rfc3339();
    for own in [json!(deadline), Value::Null] {
        let body = json!({ "eventType": "a.b", "payload": {}, "deliverBefore": own });
        assert_eq!(stage.call("POST", &format!("{path}/msg"), Some(body)).await.status, 202);
    }
    switch(false).await;
    stage.clock.forward_s(60);
    let since = stage.platform.effects.now().plus_millis(-3_600_000).to_rfc3339();
    let replay = format!("{path}/endpoint/{endpoint}/replay-missing");
    let task = stage.call("POST", &replay, Some(json!({ "since": since }))).await.id();
    stage.work(60_000).await;
    let task = stage.call("GET", &format!("/api/v1/background-task/{task}"), None).await.json();
    assert_eq!((&task["status"], &task["data"]["done"]), (&json!("finished"), &json!(1)), "{task}");
}
