//! Work in the background: what failed is recovered, what was missed is sent, what is counted is right; whatever the work
//! goes through itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use crate::harness::{Receiver, Stage, Way};

/// Enough for everything a test asks for.
const TIME_MS: i64 = 60_000;

/// A stage without retries, a receiver that answers what the test says, an application with one endpoint.
struct Scene {
    stage: Stage,
    receiver: Receiver,
    answer: Arc<AtomicU16>,
    application: String,
    endpoint: String,
}

impl Scene {
    async fn new(answer: u16) -> Self {
        let (stage, receiver, application, endpoint) = Stage::with_receiver("").await;
        let answer = receiver.obey("/", answer);
        stage.work(TIME_MS).await; // what is told of the endpoint
        Self { stage, receiver, answer, application, endpoint }
    }

    async fn publish(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for n in 0..count {
            self.stage.clock.forward_ms(10);
            ids.push(self.stage.publish(&self.application, None, json!({ "n": n })).await.id());
        }
        ids
    }

    /// How far back the scene began.
    fn since(&self) -> String {
        self.stage.platform.effects.now().plus_millis(-3_600_000).to_rfc3339()
    }

    async fn ask(&self, what: &str, body: Value) -> String {
        let path = format!("/api/v1/app/{}/endpoint/{}/{what}", self.application, self.endpoint);
        let answer = self.stage.call("POST", &path, Some(body)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (202, &json!("running")), "{answer:?}");
        answer.id()
    }

    async fn task(&self, id: &str) -> Value {
        self.stage.call("GET", &format!("/api/v1/background-task/{id}"), None).await.json()
    }

    /// Asks, works, delivers; the task as it stands then.
    async fn done(&self, what: &str, body: Value) -> Value {
        let id = self.ask(what, body).await;
        self.stage.work(TIME_MS).await;
        self.stage.deliver_all().await;
        self.task(&id).await
    }

    fn received(&self, ids: &[String]) -> Vec<usize> {
        ids.iter().map(|id| self.receiver.of(id).len()).collect()
    }
}

#[tokio::test]
async fn recovering_sends_each_failed_message_once_more_and_nothing_else() {
    let scene = Scene::new(200).await;
    let fine = scene.publish(2).await;
    scene.stage.deliver_all().await;
    scene.answer.store(500, Ordering::SeqCst);
    let failed = scene.publish(3).await;
    scene.stage.deliver_all().await;
    // One of them has failed twice: it is still one message.
    let resend = format!("/api/v1/app/{}/msg/{}/endpoint/{}/resend", scene.application, failed[1], scene.endpoint);
    assert_eq!(scene.stage.call("POST", &resend, None).await.status, 202);
    scene.stage.deliver_all().await;
    scene.stage.clock.forward_s(1);

    scene.answer.store(204, Ordering::SeqCst);
    let task = scene.done("recover", json!({ "since": scene.since() })).await;
    assert_eq!((&task["status"], &task["task"]), (&json!("finished"), &json!("endpoint.recover")), "{task}");
    assert_eq!(task["data"]["done"], 3, "{task}");
    assert_eq!(scene.received(&fine), [1, 1]);
    assert_eq!(scene.received(&failed), [2, 3, 2]);
    let again = scene.done("recover", json!({ "since": scene.since() })).await;
    assert_eq!((&again["data"]["done"], scene.received(&failed)), (&json!(0), vec![2, 3, 2]), "{again}");
}

#[tokio::test]
async fn the_window_decides_which_messages() {
    let scene = Scene::new(500).await;
    let before = scene.publish(1).await;
    scene.stage.clock.forward_s(60);
    let since = scene.stage.platform.effects.now().to_rfc3339();
    let within = scene.publish(1).await;
    scene.stage.clock.forward_s(60);
    let until = scene.stage.platform.effects.now().to_rfc3339();
    let after = scene.publish(1).await;
    scene.stage.deliver_all().await;
    scene.stage.clock.forward_s(60);
    scene.done("recover", json!({ "since": since, "until": until })).await;
    assert_eq!((scene.received(&before), scene.received(&within), scene.received(&after)), (vec![1], vec![2], vec![1]));
}

#[tokio::test]
async fn what_an_endpoint_missed_is_sent_with_retries_of_its_own() {
    let scene = Scene::new(200).await;
    let path = format!("/api/v1/app/{}/endpoint/{}", scene.application, scene.endpoint);
    scene.stage.call("PATCH", &path, Some(json!({ "disabled": true }))).await;
    let missed = scene.publish(3).await;
    scene.stage.deliver_all().await;
    let refused = scene.done("replay-missing", json!({ "since": scene.since() })).await;
    assert_eq!(refused["status"], "failed", "nothing is sent to an endpoint that is disabled: {refused}");
    scene.stage.call("PATCH", &path, Some(json!({ "disabled": false }))).await;
    let got = scene.publish(1).await;
    scene.stage.deliver_all().await;
    scene.stage.clock.forward_s(1);
    let task = scene.done("replay-missing", json!({ "since": scene.since() })).await;
    assert_eq!((&task["status"], &task["data"]["done"]), (&json!("finished"), &json!(3)), "{task}");
    assert_eq!((scene.received(&missed), scene.received(&got)), (vec![1, 1, 1], vec![1]));
    let attempts = scene.stage.attempts(&scene.application, &missed[0]).await;
    assert_eq!(attempts[0]["triggerType"], 0, "it counts as the first scheduled one");
}

#[tokio::test]
async fn a_bulk_replay_sends_what_its_filter_wants() {
    let scene = Scene::new(200).await;
    let fine = scene.publish(2).await;
    scene.stage.deliver_all().await;
    scene.answer.store(404, Ordering::SeqCst);
    let failed = scene.publish(1).await;
    scene.stage.deliver_all().await;
    scene.stage.clock.forward_s(1);
    let replay = async |filter: Value| {
        let mut body = json!({ "since": scene.since() });
        body.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
        scene.done("bulk-replay", body).await["data"]["done"].as_u64().unwrap()
    };
    assert_eq!(replay(json!({ "eventTypes": ["some.other"] })).await, 0);
    assert_eq!(replay(json!({ "status": 2 })).await, 1);
    assert_eq!(replay(json!({ "statusCodeClass": 400 })).await, 1);
    assert_eq!(replay(json!({})).await, 3);
    assert_eq!((scene.received(&fine), scene.received(&failed)), (vec![2, 2], vec![4]));
}

#[tokio::test]
async fn work_that_is_cut_short_is_ended_by_the_next_invocations() {
    let scene = Scene::new(404).await;
    let failed = scene.publish(130).await;
    scene.stage.deliver_all().await;
    scene.stage.work(TIME_MS).await; // what was exhausted is told to nobody
    scene.stage.clock.forward_s(1);
    scene.answer.store(200, Ordering::SeqCst);
    let id = scene.ask("recover", json!({ "since": scene.since() })).await;
    // No time at all: each invocation only puts the job back. With the clock ticking each gets a page done.
    let stage = &scene.stage;
    assert_eq!(stage.work_once(0).await, 1);
    assert_eq!(scene.task(&id).await["status"], "running");
    stage.faults.next("SendMessageBatch", Way::BROKEN, 1);
    stage.work_once(TIME_MS).await;
    assert_eq!(scene.task(&id).await["status"], "running", "a fault of ours ends nothing");
    stage.clock.forward_s(1_801);
    stage.work(TIME_MS).await;
    stage.deliver_all().await;
    let task = scene.task(&id).await;
    assert_eq!((&task["status"], &task["data"]["done"]), (&json!("finished"), &json!(130)), "{task}");
    assert!(scene.received(&failed).iter().all(|count| *count == 2), "{:?}", scene.received(&failed));
}

#[tokio::test]
async fn asking_twice_under_one_key_is_one_task() {
    let scene = Scene::new(200).await;
    let path = format!("/api/v1/app/{}/endpoint/{}/recover", scene.application, scene.endpoint);
    let (body, other) = (json!({ "since": scene.since() }), json!({ "since": scene.since(), "until": scene.since() }));
    let first = scene.stage.call_with_key("POST", &path, Some(body.clone()), Some("k")).await.id();
    assert_eq!(scene.stage.call_with_key("POST", &path, Some(body), Some("k")).await.id(), first);
    assert_eq!(scene.stage.call_with_key("POST", &path, Some(other), Some("k")).await.status, 422);
    let later = json!({ "since": scene.since(), "x": 1 });
    assert_eq!(scene.stage.call_with_key("POST", &path, Some(later), Some("k")).await.status, 409);
    let list = async |query: &str| {
        let answer = scene.stage.call("GET", &format!("/api/v1/background-task{query}"), None).await.json();
        answer["data"].as_array().unwrap().len()
    };
    assert_eq!((list("").await, list("?status=running").await, list("?task=endpoint.replay").await), (1, 1, 0));
    scene.stage.work(TIME_MS).await;
    assert_eq!((list("?status=finished&task=endpoint.recover").await, list("?status=running").await), (1, 0));
}

#[tokio::test]
async fn usage_is_counted_by_application_and_by_event_type() {
    let scene = Scene::new(200).await;
    scene.publish(5).await;
    scene.stage.deliver_all().await;
    let other = scene.stage.call("POST", "/api/v1/app", Some(json!({ "name": "B", "uid": "b" }))).await.id();
    scene.stage.publish("b", None, json!({})).await.id();
    scene.stage.clock.forward_s(1);
    let now = scene.stage.platform.effects.now().to_rfc3339();
    let body = json!({ "since": scene.since(), "until": now, "appIds": [scene.application, "b", "none"] });
    let asked = scene.stage.call("POST", "/api/v1/stats/usage/app", Some(body)).await;
    assert_eq!((asked.status.as_u16(), &asked.json()["unresolvedAppIds"]), (202, &json!(["none"])), "{asked:?}");
    let types = scene.stage.call("PUT", "/api/v1/stats/usage/event-types", None).await.id();
    scene.stage.work(TIME_MS).await;
    let usage = scene.task(&asked.id()).await;
    let expected = json!([
        { "appId": scene.application, "messages": 5, "attempts": 5 },
        { "appId": other, "messages": 1, "attempts": 0 },
    ]);
    assert_eq!((&usage["status"], &usage["data"]["data"]), (&json!("finished"), &expected), "{usage}");
    assert_eq!(scene.task(&types).await["data"]["data"], json!([{ "name": "order.placed", "messages": 6 }]));
}

#[tokio::test]
async fn windows_that_make_no_sense_are_refused() {
    let scene = Scene::new(200).await;
    let at = |ms: i64| scene.stage.platform.effects.now().plus_millis(ms).to_rfc3339();
    let day = 24 * 3_600_000;
    let path = format!("/api/v1/app/{}/endpoint/{}/recover", scene.application, scene.endpoint);
    for (body, loc) in [
        (json!({}), json!(["body"])),
        (json!({ "since": at(-15 * day) }), json!(["body", "since"])),
        (json!({ "since": at(day) }), json!(["body", "since"])),
        (json!({ "since": at(-day), "until": at(day) }), json!(["body", "until"])),
        (json!({ "since": "yesterday" }), json!(["body", "since"])),
    ] {
        let answer = scene.stage.call("POST", &path, Some(body.clone())).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["detail"][0]["loc"]), (422, &loc), "{body}");
    }
    let nowhere = format!("/api/v1/app/{}/endpoint/none/recover", scene.application);
    assert_eq!(scene.stage.call("POST", &nowhere, Some(json!({ "since": at(-day) }))).await.status, 404);
    assert_eq!(scene.stage.call("GET", "/api/v1/background-task/qtask_none", None).await.status, 404);
}

#[tokio::test]
async fn expunging_everything_leaves_the_records_and_what_comes_later() {
    let scene = Scene::new(200).await;
    let large = json!({ "text": "x".repeat(400 * 1024) });
    let mut before = scene.publish(2).await;
    before.push(scene.stage.publish(&scene.application, None, large).await.id());
    scene.stage.clock.forward_s(1);
    let app = format!("/api/v1/app/{}", scene.application);
    let id = scene.stage.call("POST", &format!("{app}/msg/expunge-all-contents"), None).await.id();
    scene.stage.clock.forward_s(1);
    let after = scene.publish(1).await;
    scene.stage.work(TIME_MS).await;
    let task = scene.task(&id).await;
    assert_eq!((&task["status"], &task["data"]["done"]), (&json!("finished"), &json!(3)), "{task}");
    let payload =
        async |id: &str| scene.stage.call("GET", &format!("{app}/msg/{id}"), None).await.json()["payload"].clone();
    for id in &before {
        assert_eq!(payload(id).await, json!({ "expired": true }));
    }
    assert_eq!(payload(&after[0]).await, json!({ "n": 0 }));
}
