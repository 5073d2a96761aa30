//! What we fail at again and again ends on record, and what nobody knows stays where it is seen.

use serde_json::{Value, json};

use crate::harness::{ORGANIZATION, Receiver, Reply, Stage, Way, World, eventually};

/// Longer than a job, or a dead letter that was handed back, is held back.
const HELD_BACK_S: i64 = 1_801;

/// An application with one endpoint, at a receiver that answers this; retries come ten minutes later.
struct Scene {
    stage: Stage,
    receiver: Receiver,
    application: String,
    endpoint: String,
}

impl Scene {
    async fn new(answer: u16) -> Self {
        let (stage, receiver, application, endpoint) = Stage::with_receiver("600").await;
        receiver.on("/", move |_| Reply::Status(answer));
        Self { stage, receiver, application, endpoint }
    }

    async fn publish(&self) -> String {
        self.stage.publish(&self.application, None, json!({})).await.id()
    }

    /// A message whose task lies among the dead letters, because these calls failed again and again.
    async fn published_and_failed_at(&self, operation: &'static str, way: Way) -> String {
        let message = self.publish().await;
        self.stage.faults.next(operation, way, usize::MAX);
        self.stage.wear_out().await;
        self.stage.faults.stop();
        message
    }

    /// Message, reason and attempt of what is on record, newest first.
    async fn undelivered(&self) -> Vec<(Value, Value, Value)> {
        let path = format!("/api/v1/app/{}/endpoint/{}/undelivered", self.application, self.endpoint);
        let page = self.stage.call("GET", &path, None).await.json();
        let shown = |item: &Value| (item["msgId"].clone(), item["reason"].clone(), item["attempt"].clone());
        page["data"].as_array().unwrap().iter().map(shown).collect()
    }

    async fn standing(&self, message: &str) -> Value {
        let path = format!("/api/v1/app/{}/msg/{message}/endpoint", self.application);
        self.stage.call("GET", &path, None).await.json()["data"][0]["statusText"].clone()
    }
}

fn dead(message: &str, attempt: u16) -> (Value, Value, Value) {
    (json!(message), json!("dead_lettered"), json!(attempt))
}

#[tokio::test]
async fn a_delivery_we_failed_at_again_and_again_is_on_record_and_can_be_recovered() {
    let scene = Scene::new(204).await;
    let message = scene.published_and_failed_at("BatchGetItem", Way::THROTTLED).await;
    assert_eq!(scene.standing(&message).await, "pending");
    // Burying fails too, at first.
    for operation in ["Query", "BatchWriteItem"] {
        scene.stage.faults.next(operation, Way::BROKEN, usize::MAX);
        assert_eq!(scene.stage.bury().await, (1, 1), "{operation}: it stays until it is on record");
        scene.stage.faults.stop();
        scene.stage.clock.forward_s(HELD_BACK_S);
    }
    assert_eq!(scene.undelivered().await, []);
    assert_eq!(scene.stage.bury().await, (1, 0));
    assert_eq!((scene.standing(&message).await, scene.undelivered().await), (json!("fail"), vec![dead(&message, 1)]));
    scene.stage.clock.forward_s(HELD_BACK_S);
    assert_eq!(scene.stage.bury().await, (0, 0), "what is on record is there no more");

    let since = scene.stage.platform.effects.now().plus_millis(-86_400_000).to_rfc3339();
    let path = format!("/api/v1/app/{}/endpoint/{}/recover", scene.application, scene.endpoint);
    assert_eq!(scene.stage.call("POST", &path, Some(json!({ "since": since }))).await.status, 202);
    scene.stage.work(60_000).await;
    scene.stage.deliver_all().await;
    assert_eq!((scene.receiver.of(&message).len(), scene.standing(&message).await), (1, json!("success")));
}

#[tokio::test]
async fn a_retry_that_could_never_be_queued_is_on_record() {
    let scene = Scene::new(500).await;
    let message = scene.published_and_failed_at("SendMessageBatch", Way::BROKEN).await;
    assert_eq!((scene.receiver.of(&message).len(), scene.standing(&message).await), (1, json!("sending")));
    assert_eq!(scene.stage.bury().await, (1, 0));
    assert_eq!((scene.standing(&message).await, scene.undelivered().await), (json!("fail"), vec![dead(&message, 2)]));
}

#[tokio::test]
async fn a_delivery_whose_attempts_say_what_became_of_it_needs_no_record() {
    let scene = Scene::new(500).await;
    // Its retry is queued every time; that the endpoint is failing cannot be noted.
    let message = scene.published_and_failed_at("UpdateItem", Way::THROTTLED).await;
    scene.stage.deliver_all().await;
    // Two tasks of it in one batch do not see each other: one may be made twice.
    assert!(scene.stage.attempts(&scene.application, &message).await.len() >= 2);
    let (received, left) = scene.stage.bury().await;
    assert!(received > 0 && left == 0, "{received} {left}");
    assert_eq!((scene.undelivered().await, scene.standing(&message).await), (vec![], json!("fail")));
}

#[tokio::test]
async fn a_background_task_whose_job_is_dead_has_failed() {
    let stage = Stage::new(&[]).await;
    let id = stage.call("PUT", "/api/v1/stats/usage/event-types", None).await.id();
    let task = async || stage.call("GET", &format!("/api/v1/background-task/{id}"), None).await.json();
    for _ in 0..6 {
        stage.faults.next("GetItem", Way::THROTTLED, 1);
        stage.work_once(60_000).await;
        stage.faults.stop();
        stage.clock.forward_s(HELD_BACK_S);
    }
    assert_eq!(task().await["status"], "running");
    stage.faults.next("TransactWriteItems", Way::BROKEN, 1);
    assert_eq!(stage.bury().await, (1, 1));
    stage.faults.end();
    stage.clock.forward_s(HELD_BACK_S);
    assert_eq!(stage.bury().await, (1, 0));
    let failed = task().await;
    assert_eq!(failed["status"], "failed", "{failed}");
}

#[tokio::test]
async fn what_nobody_knows_stays_among_the_dead_letters() {
    let stage = Stage::new(&[]).await;
    let dead = stage.queue_url("fanfare-dead-letter").await;
    for body in ["this is not a task", r#"{"v":99}"#] {
        stage.sqs.send_message().queue_url(&dead).message_body(body).send().await.unwrap();
    }
    for _ in 0..10 {
        assert_eq!(stage.bury().await, (2, 2));
        stage.clock.forward_s(HELD_BACK_S);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_buries_by_itself() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let endpoint = world.endpoint(&application, "/").await;
    let message = world.publish(&application, "order.placed", json!({})).await.id;
    world.settled().await;
    // Another message, whose task somebody put there.
    let (same, last) = message.split_at(message.len() - 1);
    let other = format!("{same}{}", if last == "0" { "1" } else { "0" });
    let task = json!({
        "v": 1, "org": ORGANIZATION, "app": application, "endpoint": endpoint, "message": other,
        "event_type": "order.placed", "attempt": 1, "trigger": "scheduled", "expires": "2100-01-01T00:00:00Z",
    });
    let sqs = aws_sdk_sqs::Client::new(&world.engines().sdk_config());
    let dead = sqs.get_queue_url().queue_name("fanfare-dead-letter").send().await.unwrap().queue_url.unwrap();
    sqs.send_message().queue_url(dead).message_body(task.to_string()).send().await.unwrap();
    let path = format!("/api/v1/app/{application}/endpoint/{endpoint}/undelivered");
    let look = async || {
        let shown = world.call("GET", &path, None).await.json();
        shown["data"].get(0).map(|item| item["msgId"].as_str().unwrap().to_owned())
    };
    assert_eq!(eventually("a record", look).await, other);
}
