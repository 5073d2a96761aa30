//! How long a delivery goes on: the schedules of applications and endpoints, and the deadline of a message.

use serde_json::{Value, json};

use crate::harness::{Receiver, Reply, Stage, Way};

struct Scene {
    stage: Stage,
    receiver: Receiver,
    application: String,
    endpoint: String,
}

impl Scene {
    async fn new(schedule: &str) -> Self {
        let (stage, receiver, application, endpoint) = Stage::with_receiver(schedule).await;
        receiver.on("/", |_| Reply::Status(404));
        Self { stage, receiver, application, endpoint }
    }

    async fn set(&self, path: &str, body: Value) {
        self.stage.call("PATCH", &format!("/api/v1/app/{}{path}", self.application), Some(body)).await.id();
    }

    fn endpoint_path(&self) -> String {
        format!("/endpoint/{}", self.endpoint)
    }

    /// Publishes a message and lets so many seconds pass; the seconds at which it was attempted.
    async fn attempted_at(&self, more: Value, seconds: i64) -> Vec<i64> {
        let mut body = json!({ "eventType": "order.placed", "payload": {} });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.stage.call("POST", &format!("/api/v1/app/{}/msg", self.application), Some(body)).await.id();
        let (mut seen, mut at) = (self.receiver.deliveries().len(), Vec::new());
        for second in 0..seconds {
            self.stage.deliver_all().await;
            at.extend((seen..self.receiver.deliveries().len()).map(|_| second));
            seen = self.receiver.deliveries().len();
            self.stage.clock.forward_s(1);
        }
        at
    }

    async fn reasons(&self) -> Vec<Value> {
        let path = format!("/api/v1/app/{}{}/undelivered", self.application, self.endpoint_path());
        let page = self.stage.call("GET", &path, None).await.json();
        page["data"].as_array().unwrap().iter().map(|record| record["reason"].clone()).collect()
    }

    fn deadline_in(&self, seconds: i64) -> Value {
        json!({ "deliverBefore": self.stage.platform.effects.now().plus_millis(seconds * 1_000).to_rfc3339() })
    }
}

#[tokio::test]
async fn an_endpoints_schedule_goes_before_its_applications_and_that_before_the_default() {
    let scene = Scene::new("10").await;
    let nothing = json!({});
    assert_eq!(scene.attempted_at(nothing.clone(), 40).await, [0, 10]);
    scene.set("", json!({ "retrySchedule": [4, 5] })).await;
    assert_eq!(scene.attempted_at(nothing.clone(), 40).await, [0, 4, 9]);
    scene.set(&scene.endpoint_path(), json!({ "retrySchedule": [] })).await;
    assert_eq!(scene.attempted_at(nothing.clone(), 40).await, [0]);
    scene.set(&scene.endpoint_path(), json!({ "retrySchedule": null })).await;
    scene.set("", json!({ "retrySchedule": null })).await;
    assert_eq!(scene.attempted_at(nothing, 40).await, [0, 10]);
}

#[tokio::test]
async fn no_attempt_is_made_or_planned_behind_the_deadline() {
    let scene = Scene::new("10,10,10").await;
    assert_eq!(scene.attempted_at(scene.deadline_in(20), 60).await, [0, 10]);
    assert_eq!(scene.reasons().await, Vec::<Value>::new(), "the last attempt says that it has failed");
    assert_eq!(scene.attempted_at(scene.deadline_in(3_600), 60).await, [0, 10, 20, 30]);
}

#[tokio::test]
async fn a_deadline_that_passes_while_the_past_of_a_message_is_read_is_kept() {
    let scene = Scene::new("").await;
    let stage = &scene.stage;
    scene.receiver.on("/", |_| Reply::Status(204));
    let mut body = json!({ "eventType": "order.placed", "payload": {} });
    body["deliverBefore"] = scene.deadline_in(1_801)["deliverBefore"].take();
    stage.call("POST", &format!("/api/v1/app/{}/msg", scene.application), Some(body)).await.id();
    assert_eq!(stage.receive().await.len(), 1, "and whoever took it has died");
    stage.clock.forward_s(1_800);
    let batch = stage.receive().await;
    stage.faults.next("Query", Way::Late, 1);
    let meanwhile = async { stage.clock.forward_s(2) };
    let (failed, ()) = futures_util::join!(stage.hand_to_deliver(&batch), meanwhile);
    stage.faults.end();
    assert_eq!((batch.len(), failed.len(), scene.receiver.deliveries().len()), (1, 0, 0));
    assert_eq!(scene.reasons().await, ["deadline_passed"]);
}

#[tokio::test]
async fn what_had_to_wait_until_its_deadline_was_over_is_on_record() {
    let scene = Scene::new("").await;
    scene.receiver.on("/", |_| Reply::WithHeader(429, "retry-after", "60".to_owned()));
    assert_eq!(scene.attempted_at(json!({}), 1).await, [0]);
    scene.receiver.on("/", |_| Reply::Status(204));
    assert_eq!(scene.attempted_at(scene.deadline_in(30), 90).await, Vec::<i64>::new());
    assert_eq!(scene.reasons().await, ["deadline_passed"]);
    assert_eq!(scene.stage.backlog().await.0, 0);
}
