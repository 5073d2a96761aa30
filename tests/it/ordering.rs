//! Ordered endpoints: messages of one ordering key arrive one after the other, in the order in which they were accepted, whatever
//! fails in between; other keys, and messages without one, do not wait for them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::{Receiver, Reply, Stage, Way};

/// A stage with one ordered endpoint; its receiver refuses the payload numbers that are listed.
struct Line {
    stage: Stage,
    receiver: Receiver,
    application: String,
    endpoint: String,
    refused: Arc<Mutex<BTreeSet<u64>>>,
}

impl Line {
    async fn new(schedule: &str) -> Self {
        let (stage, receiver, application, endpoint) = Stage::with_receiver(schedule).await;
        let path = format!("/api/v1/app/{application}/endpoint/{endpoint}");
        stage.call("PATCH", &path, Some(json!({ "ordered": true }))).await.id();
        let refused: Arc<Mutex<BTreeSet<u64>>> = Arc::default();
        let refuses = Arc::clone(&refused);
        receiver.on("/", move |delivery| {
            let body: Value = serde_json::from_slice(&delivery.body).unwrap();
            Reply::Status(if refuses.lock().unwrap().contains(&body["n"].as_u64().unwrap()) { 400 } else { 204 })
        });
        Self { stage, receiver, application, endpoint, refused }
    }

    fn refuse(&self, numbers: &[u64]) {
        *self.refused.lock().unwrap() = numbers.iter().copied().collect();
    }

    async fn publish(&self, number: u64, key: Option<&str>) -> String {
        let body = json!({ "eventType": "order.placed", "payload": { "n": number }, "orderingKey": key });
        self.stage.call("POST", &format!("/api/v1/app/{}/msg", self.application), Some(body)).await.id()
    }

    /// The numbers of the payloads that came, in their order.
    fn numbers(&self) -> Vec<u64> {
        let number = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["n"].as_u64().unwrap();
        self.receiver.deliveries().iter().map(|delivery| number(&delivery.body)).collect()
    }

    async fn delivered(&self) -> Vec<u64> {
        self.stage.deliver_all().await;
        self.numbers()
    }
}

#[tokio::test]
async fn who_fails_holds_up_those_behind_and_nobody_else() {
    let line = Line::new("10,10").await;
    line.refuse(&[1]);
    for number in 1..=3 {
        line.publish(number, Some("order-7")).await;
    }
    line.publish(10, Some("order-8")).await;
    line.publish(20, None).await;
    let mut first = line.delivered().await;
    first.sort_unstable();
    assert_eq!(first, [1, 10, 20], "two and three wait for one");
    line.stage.clock.forward_s(10);
    assert_eq!(line.delivered().await[3..], [1]);
    line.refuse(&[]);
    line.stage.clock.forward_s(10);
    assert_eq!(line.delivered().await[4..], [1, 2, 3]);
    line.publish(4, Some("order-7")).await;
    assert_eq!(line.delivered().await[7..], [4], "an empty line holds up nobody");
    assert_eq!(line.stage.backlog().await.0, 0);
}

#[tokio::test]
async fn a_message_that_is_given_up_lets_the_next_one_go() {
    let line = Line::new("10").await;
    line.refuse(&[1]);
    line.publish(1, Some("k")).await;
    line.publish(2, Some("k")).await;
    assert_eq!(line.delivered().await, [1]);
    line.stage.clock.forward_s(10);
    assert_eq!(line.delivered().await, [1, 1, 2]);
}

#[tokio::test]
async fn a_line_whose_endpoint_is_switched_off_ends_with_a_record_for_each() {
    let line = Line::new("10").await;
    line.refuse(&[1]);
    let mut messages = Vec::new();
    for number in 1..=3 {
        messages.push(line.publish(number, Some("k")).await);
    }
    assert_eq!(line.delivered().await, [1]);
    let endpoint = format!("/api/v1/app/{}/endpoint/{}", line.application, line.endpoint);
    line.stage.call("PATCH", &endpoint, Some(json!({ "disabled": true }))).await.id();
    line.stage.clock.forward_s(10);
    assert_eq!(line.delivered().await, [1]);
    assert_eq!(line.stage.backlog().await.0, 0);
    let listed = line.stage.call("GET", &format!("{endpoint}/undelivered"), None).await.json();
    let listed: BTreeSet<&str> =
        listed["data"].as_array().unwrap().iter().map(|r| r["msgId"].as_str().unwrap()).collect();
    assert_eq!(listed, messages.iter().map(String::as_str).collect());
    line.stage.call("PATCH", &endpoint, Some(json!({ "disabled": false }))).await.id();
    line.publish(4, Some("k")).await;
    assert_eq!(line.delivered().await, [1, 4]);
}

/// A fault of ours anywhere in a line stops it only until the task comes again.
async fn check_fault(operation: &'static str, passes: usize, way: Way) {
    let line = Line::new("").await;
    for number in 1..=4 {
        line.publish(number, Some("k")).await;
    }
    line.stage.faults.after(operation, passes, way, 1);
    for _ in 0..6 {
        line.stage.deliver_all().await;
        line.stage.clock.forward_s(360);
    }
    line.stage.faults.end();
    let mut numbers = line.numbers();
    numbers.dedup();
    assert_eq!(numbers, [1, 2, 3, 4], "{operation} {passes} {way:?}");
    assert_eq!(line.stage.backlog().await.0, 0);
}

#[tokio::test]
async fn a_fault_of_ours_does_not_stop_a_line_for_good() {
    for way in [Way::BROKEN, Way::AnswerLost] {
        for passes in 0..3 {
            check_fault("Query", passes, way).await;
            check_fault("UpdateItem", passes, way).await;
            check_fault("SendMessageBatch", passes, way).await;
        }
        // The record of an attempt, then the leaving of the line.
        for passes in 0..4 {
            check_fault("BatchWriteItem", passes, way).await;
        }
    }
}

#[tokio::test]
async fn a_publish_that_is_cut_short_and_repeated_stands_in_line() {
    for (operation, passes) in [("UpdateItem", 0), ("BatchWriteItem", 0), ("Query", 1), ("SendMessageBatch", 0)] {
        let line = Line::new("").await;
        line.stage.faults.after(operation, passes, Way::BROKEN, 1);
        let body = json!({ "eventType": "order.placed", "payload": { "n": 1 }, "orderingKey": "k" });
        let path = format!("/api/v1/app/{}/msg", line.application);
        let first = line.stage.call_with_key("POST", &path, Some(body.clone()), Some("once")).await;
        assert!(first.status.is_server_error(), "{operation}: {first:?}");
        line.stage.faults.end();
        line.stage.call_with_key("POST", &path, Some(body), Some("once")).await.id();
        line.publish(2, Some("k")).await;
        for _ in 0..3 {
            line.stage.deliver_all().await;
            line.stage.clock.forward_s(60);
        }
        assert_eq!(line.numbers(), [1, 2], "{operation}");
        assert_eq!(line.stage.backlog().await.0, 0, "{operation}");
    }
}

#[tokio::test]
async fn a_task_that_the_queue_hands_out_twice_at_one_time_is_attempted_once() {
    let line = Line::new("").await;
    line.receiver.on("/", |_| Reply::Slow(std::time::Duration::from_millis(200), 204));
    line.publish(1, Some("k")).await;
    line.publish(2, Some("k")).await;
    let task = line.stage.receive().await;
    let (one, other) = tokio::join!(line.stage.hand_to_deliver(&task), line.stage.hand_to_deliver(&task));
    assert_eq!((one.len(), other.len()), (0, 0));
    line.stage.delete(&task[0]).await;
    assert_eq!(line.numbers(), [1]);
    for _ in 0..4 {
        line.stage.clock.forward_s(10);
        line.stage.deliver_all().await;
    }
    assert_eq!(line.numbers(), [1, 2]);
}

#[tokio::test]
async fn an_open_breaker_holds_up_a_line_and_keeps_its_order() {
    let line = Line::new("").await;
    line.receiver.on("/", |_| Reply::Status(500));
    for number in 1..=5 {
        line.publish(number, None).await;
    }
    assert_eq!(line.delivered().await.len(), 5);
    for number in 6..=8 {
        line.publish(number, Some("k")).await;
    }
    assert_eq!(line.delivered().await.len(), 5, "it is open");
    line.receiver.on("/", |_| Reply::Status(204));
    for _ in 0..20 {
        line.stage.clock.forward_s(2);
        line.stage.deliver_all().await;
    }
    assert_eq!(line.numbers()[5..], [6, 7, 8]);
}

#[tokio::test]
async fn what_is_to_be_in_order_cannot_be_for_later() {
    let line = Line::new("").await;
    let body = json!({ "eventType": "a.b", "payload": {}, "orderingKey": "k", "deliverAt": "2100-01-01T00:00:00Z" });
    let answer = line.stage.call("POST", &format!("/api/v1/app/{}/msg", line.application), Some(body)).await;
    assert_eq!(answer.status, 422, "{answer:?}");
}
