//! What ended without being delivered, and without an attempt that says so: it is on record, found, counted and sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use fanfare::domain::undelivered::UndeliveredBecause;
use serde_json::{Value, json};

use crate::harness::{Receiver, Stage};

/// Enough for everything a test asks for.
const TIME_MS: i64 = 60_000;

/// An application with one endpoint, at a receiver that answers what the test says.
struct Scene {
    stage: Stage,
    receiver: Receiver,
    answer: Arc<AtomicU16>,
    application: String,
    endpoint: String,
}

impl Scene {
    async fn new() -> Self {
        let (stage, receiver, application, endpoint) = Stage::with_receiver("600").await;
        let answer = receiver.obey("/", 200);
        Self { stage, receiver, answer, application, endpoint }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/app/{}{rest}", self.application)
    }

    async fn get(&self, rest: &str) -> Value {
        let answer = self.stage.call("GET", &self.path(rest), None).await;
        assert_eq!(answer.status, 200, "{rest}: {answer:?}");
        answer.json()
    }

    async fn switch(&self, disabled: bool) {
        let path = self.path(&format!("/endpoint/{}", self.endpoint));
        assert_eq!(self.stage.call("PATCH", &path, Some(json!({ "disabled": disabled }))).await.status, 200);
    }

    async fn publish(&self) -> String {
        self.stage.clock.forward_ms(10);
        self.stage.publish(&self.application, None, json!({})).await.id()
    }

    /// A message whose task came to nothing, for this reason.
    async fn publish_in_vain(&self, reason: UndeliveredBecause) -> String {
        let message = self.publish().await;
        for task in self.stage.receive().await {
            self.stage.delete(&task).await;
        }
        self.stage.record(&self.application, &self.endpoint, &message, 1, reason).await;
        message
    }

    /// How the delivery stands, as the message's destinations tell it.
    async fn standing(&self, message: &str) -> Value {
        let shown = self.get(&format!("/msg/{message}/endpoint")).await;
        let shown = shown["data"].as_array().unwrap();
        let own: Vec<_> = shown.iter().filter(|item| item["id"] == json!(self.endpoint)).collect();
        json!([own[0]["statusText"], own[0]["nextAttempt"]])
    }

    /// Asks for a task and works; how much it has done.
    async fn done(&self, what: &str, own: Value) -> Value {
        self.stage.clock.forward_s(1);
        let since = self.stage.platform.effects.now().plus_millis(-3_600_000).to_rfc3339();
        let mut body = json!({ "since": since });
        body.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let path = self.path(&format!("/endpoint/{}/{what}", self.endpoint));
        let id = self.stage.call("POST", &path, Some(body)).await.id();
        self.stage.work(TIME_MS).await;
        let task = self.stage.call("GET", &format!("/api/v1/background-task/{id}"), None).await.json();
        assert_eq!(task["status"], "finished", "{task}");
        self.stage.deliver_all().await;
        task["data"]["done"].clone()
    }
}

#[tokio::test]
async fn what_ended_without_an_attempt_is_listed_and_counted_and_has_failed() {
    let scene = Scene::new().await;
    let mut expected = Vec::new();
    for reason in UndeliveredBecause::ALL {
        let message = scene.publish_in_vain(reason).await;
        assert_eq!(scene.standing(&message).await, json!(["fail", null]), "{reason:?}");
        expected.insert(0, (json!(message), json!(reason.as_str())));
    }
    let list = format!("/endpoint/{}/undelivered", scene.endpoint);
    let page = scene.get(&list).await;
    let shown: Vec<_> =
        page["data"].as_array().unwrap().iter().map(|item| (item["msgId"].clone(), item["reason"].clone())).collect();
    assert_eq!(shown, expected);
    let newest = &page["data"][0];
    assert_eq!(
        (&newest["endpointId"], &newest["attempt"], &newest["eventType"]),
        (&json!(scene.endpoint), &json!(1), &json!("order.placed"))
    );
    assert!(newest["timestamp"].is_string() && newest.get("channels").is_none(), "{newest}");
    let stats = scene.get(&format!("/endpoint/{}/stats", scene.endpoint)).await;
    assert_eq!((&stats["undelivered"], &stats["fail"]), (&json!(3), &json!(0)), "{stats}");
    let until = page["data"][1]["timestamp"].as_str().unwrap();
    let stats = scene.get(&format!("/endpoint/{}/stats?until={until}", scene.endpoint)).await;
    assert_eq!(stats["undelivered"], 1, "within its time: {stats}");
}

#[tokio::test]
async fn the_list_has_pages_and_filters() {
    let scene = Scene::new().await;
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.push(scene.publish_in_vain(UndeliveredBecause::EndpointDisabled).await);
    }
    let list = format!("/endpoint/{}/undelivered", scene.endpoint);
    let (mut seen, mut iterator) = (Vec::new(), String::new());
    loop {
        let page = scene.get(&format!("{list}?limit=2&order=ascending&iterator={iterator}")).await;
        seen.extend(page["data"].as_array().unwrap().iter().map(|item| item["msgId"].as_str().unwrap().to_owned()));
        if page["done"] == true {
            break;
        }
        iterator = page["iterator"].as_str().unwrap().to_owned();
    }
    assert_eq!(seen, expected);
    let all = scene.get(&list).await["data"].clone();
    let count = async |query: String| scene.get(&format!("{list}?{query}")).await["data"].as_array().unwrap().len();
    let at = |nth: usize| all[nth]["timestamp"].as_str().unwrap().to_owned();
    assert_eq!(count(format!("before={}", at(2))).await, 2);
    assert_eq!(count(format!("after={}", at(2))).await, 3);
    assert_eq!(count("event_types=order.placed".to_owned()).await, 5);
    assert_eq!(count("event_types=some.other".to_owned()).await, 0);
    assert_eq!(count("tag=x".to_owned()).await, 0);
    for query in ["iterator=msg_1", "limit=251", "order=sideways", "before=soon"] {
        assert_eq!(scene.stage.call("GET", &format!("{}?{query}", scene.path(&list)), None).await.status, 422);
    }
}

#[tokio::test]
async fn a_delivery_that_ended_later_is_on_record_once_with_its_later_end() {
    let scene = Scene::new().await;
    let message = scene.publish_in_vain(UndeliveredBecause::EndpointDisabled).await;
    scene.stage.clock.forward_s(5);
    for _ in 0..2 {
        let reason = UndeliveredBecause::DeadLettered;
        scene.stage.record(&scene.application, &scene.endpoint, &message, 2, reason).await;
    }
    let page = scene.get(&format!("/endpoint/{}/undelivered", scene.endpoint)).await;
    assert_eq!(page["data"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!((&page["data"][0]["reason"], &page["data"][0]["attempt"]), (&json!("dead_lettered"), &json!(2)));
}

#[tokio::test]
async fn a_retry_that_was_not_made_ends_the_delivery_and_one_that_was_made_since_goes_on() {
    let scene = Scene::new().await;
    scene.answer.store(500, Ordering::SeqCst);
    let message = scene.publish().await;
    scene.stage.deliver().await;
    let standing = scene.standing(&message).await;
    assert_eq!((&standing[0], standing[1].is_string()), (&json!("sending"), true));
    scene.stage.clock.forward_s(600);
    let reason = UndeliveredBecause::EndpointDisabled;
    scene.stage.record(&scene.application, &scene.endpoint, &message, 2, reason).await;
    let ended = json!(["fail", null]);
    assert_eq!(scene.standing(&message).await, ended);
    let of_endpoint = async |query: &str| {
        let shown = scene.get(&format!("/endpoint/{}/msg?{query}", scene.endpoint)).await;
        shown["data"].as_array().unwrap().iter().map(|item| item["statusText"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((of_endpoint("").await, of_endpoint("status=3").await), (vec![json!("fail")], vec![]));
    let stats = async || scene.get(&format!("/endpoint/{}/stats", scene.endpoint)).await;
    let counted = stats().await;
    assert_eq!(
        (&counted["fail"], &counted["sending"], &counted["undelivered"]),
        (&json!(1), &json!(0), &json!(1)),
        "{counted}"
    );

    // Its task comes after all.
    scene.answer.store(200, Ordering::SeqCst);
    scene.stage.clock.forward_s(1);
    scene.stage.deliver_all().await;
    assert_eq!(scene.standing(&message).await, json!(["success", null]));
    assert_eq!((&stats().await["success"], &stats().await["undelivered"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn recovering_sends_it_once_with_retries_besides_what_failed() {
    for reason in [UndeliveredBecause::EndpointDisabled, UndeliveredBecause::DeadLettered] {
        let scene = Scene::new().await;
        let never = scene.publish_in_vain(reason).await;
        scene.answer.store(500, Ordering::SeqCst);
        // Attempted, and then not again; attempted to no avail; delivered.
        let ended = scene.publish().await;
        let failed = scene.publish().await;
        scene.stage.deliver_all().await;
        scene.stage.clock.forward_s(1);
        scene.stage.record(&scene.application, &scene.endpoint, &ended, 2, reason).await;
        scene.answer.store(200, Ordering::SeqCst);
        let fine = scene.publish().await;
        scene.stage.deliver_all().await;
        scene.answer.store(500, Ordering::SeqCst);
        assert_eq!(scene.done("recover", json!({})).await, 3, "{reason:?}");
        let counts = [&never, &ended, &failed, &fine].map(|message| scene.receiver.of(message).len());
        assert_eq!(counts, [1, 2, 2, 1], "{reason:?}");
        let first = &scene.stage.attempts(&scene.application, &never).await[0];
        assert_eq!(first["triggerType"], 0, "it counts as the first scheduled one");
        assert_eq!(scene.standing(&never).await[0], "sending", "it has its retries");
        scene.answer.store(200, Ordering::SeqCst);
        scene.stage.clock.forward_s(601);
        scene.stage.deliver_all().await;
        assert_eq!(scene.standing(&never).await, json!(["success", null]));
        assert_eq!(scene.done("recover", json!({})).await, 0, "{reason:?}: all of them are delivered");
    }
}

#[tokio::test]
async fn a_recovery_of_many_goes_on_where_it_was_cut_short() {
    let scene = Scene::new().await;
    let mut messages = Vec::new();
    for _ in 0..110 {
        messages.push(scene.publish_in_vain(UndeliveredBecause::EndpointDisabled).await);
    }
    assert_eq!(scene.done("recover", json!({})).await, 110);
    assert!(messages.iter().all(|message| scene.receiver.of(message).len() == 1));
}

#[tokio::test]
async fn what_was_missed_is_replayed_whether_or_not_that_is_on_record() {
    let scene = Scene::new().await;
    let on_record = scene.publish_in_vain(UndeliveredBecause::DeadLettered).await;
    scene.switch(true).await;
    let silent = scene.publish().await;
    scene.switch(false).await;
    assert_eq!(scene.done("replay-missing", json!({})).await, 2);
    assert_eq!((scene.receiver.of(&on_record).len(), scene.receiver.of(&silent).len()), (1, 1));
    assert_eq!(scene.done("replay-missing", json!({})).await, 0);
}

#[tokio::test]
async fn a_bulk_replay_knows_that_it_has_failed() {
    let scene = Scene::new().await;
    let message = scene.publish_in_vain(UndeliveredBecause::EndpointDisabled).await;
    assert_eq!(scene.done("bulk-replay", json!({ "status": 1 })).await, 0, "it is not pending");
    // It does not want such messages any more, but it was to get this one.
    let path = scene.path(&format!("/endpoint/{}", scene.endpoint));
    assert_eq!(scene.stage.call("PATCH", &path, Some(json!({ "channels": ["c"] }))).await.status, 200);
    assert_eq!(scene.done("bulk-replay", json!({ "status": 2 })).await, 1);
    assert_eq!(scene.receiver.of(&message).len(), 1);
}

#[tokio::test]
async fn a_repeated_publish_does_not_send_what_is_on_record_as_ended() {
    let scene = Scene::new().await;
    let publish = async || scene.stage.publish(&scene.application, Some("key"), json!({})).await.id();
    let message = publish().await;
    for task in scene.stage.receive().await {
        scene.stage.delete(&task).await;
    }
    let reason = UndeliveredBecause::EndpointDisabled;
    scene.stage.record(&scene.application, &scene.endpoint, &message, 1, reason).await;
    assert_eq!((publish().await, scene.stage.backlog().await.0), (message, 0));
}
