//! What happened to messages: how deliveries stand, which attempts were made, how many, and how contents are removed.

mod attempts;
mod deliveries;
mod expunging;
mod growing;
mod sdk;
mod statistics;

use serde_json::{Value, json};

use crate::harness::{Answer, Receiver, Reply, Stage};

/// An application with one endpoint at the receiver's `/`.
struct Scene {
    stage: Stage,
    receiver: Receiver,
    application: String,
    endpoint: String,
}

impl Scene {
    /// With this retry schedule.
    async fn new(schedule: &str) -> Self {
        let stage = Stage::new(&[("FANFARE_RETRY_SCHEDULE", schedule)]).await;
        let receiver = Receiver::start().await;
        receiver.ignore_time();
        let (application, endpoint) = stage.application_with_endpoint(&receiver.url("/")).await;
        receiver.verify("/", &stage.secret(&application, &endpoint).await);
        Self { stage, receiver, application, endpoint }
    }

    /// Another endpoint of the application, at this path.
    async fn endpoint(&self, path: &str, event_types: &[&str]) -> String {
        let mut body = json!({ "url": self.receiver.url(path) });
        if !event_types.is_empty() {
            body["eventTypes"] = json!(event_types);
            for name in event_types {
                let body = json!({ "name": name, "description": "" });
                self.stage.call("POST", "/api/v1/event-type", Some(body)).await;
            }
        }
        let id = self.call("POST", "/endpoint", Some(body)).await.id();
        self.receiver.verify(path, &self.stage.secret(&self.application, &id).await);
        id
    }

    /// A request about the application.
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.stage.call(method, &format!("/api/v1/app/{}{path}", self.application), body).await
    }

    /// What a GET about the application brings.
    async fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// A field of each item of a list.
    async fn list(&self, path: &str, field: &str) -> Vec<Value> {
        self.get(path).await["data"].as_array().unwrap().iter().map(|item| item[field].clone()).collect()
    }

    /// Publishes a message, a few milliseconds after everything that was before.
    async fn publish(&self, message: Value) -> String {
        self.stage.clock.forward_ms(8);
        let mut body = json!({ "eventType": "order.placed", "payload": { "n": 1 } });
        body.as_object_mut().unwrap().extend(message.as_object().unwrap().clone());
        self.call("POST", "/msg", Some(body)).await.id()
    }

    /// As [`Scene::publish`], and attempted by all who want it, with this answer from `/`.
    async fn publish_answered(&self, message: Value, status: u16) -> String {
        self.receiver.on("/", move |_| Reply::Status(status));
        let id = self.publish(message).await;
        self.stage.deliver_all().await;
        id
    }

    async fn resend(&self, message: &str, endpoint: &str) -> Answer {
        self.call("POST", &format!("/msg/{message}/endpoint/{endpoint}/resend"), None).await
    }

    /// The code of a refusal.
    async fn refused(&self, method: &str, path: &str, body: Option<Value>, status: u16) -> Value {
        let answer = self.call(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        let shown = answer.json();
        if status == 422 { shown["detail"][0]["loc"].clone() } else { shown["code"].clone() }
    }
}
