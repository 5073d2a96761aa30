//! An endpoint over hours and days: when it is tried again, when it is given up, and what expires.

use fanfare::domain::timestamp::Timestamp;
use serde_json::{Value, json};

use crate::harness::{Reply, Stage};

const DAY_S: i64 = 24 * 3_600;

/// A receiver that asks to be left alone until then gets its next attempt after so many seconds of a schedule of ten.
async fn check_retry_after(wish: String, after_s: i64) {
    let (stage, receiver, application, _) = Stage::with_receiver("10").await;
    let header = wish.clone();
    receiver.on("/", move |delivery| match delivery.nth {
        1 => Reply::WithHeader(503, "retry-after", header.clone()),
        _ => Reply::Status(204),
    });
    stage.publish(&application, None, json!({})).await.id();
    assert_eq!(stage.deliver_all().await, 1);
    stage.clock.forward_s(after_s - 1);
    assert_eq!(stage.deliver_all().await, 0, "{wish:?}: a second before its time");
    stage.clock.forward_s(1);
    assert_eq!(stage.deliver_all().await, 1, "{wish:?}: at its time");
}

#[tokio::test]
async fn a_receiver_can_slow_us_down_to_twice_the_schedule_and_not_speed_us_up() {
    check_retry_after("0".to_owned(), 10).await;
    check_retry_after("3".to_owned(), 10).await;
    check_retry_after("14".to_owned(), 14).await;
    check_retry_after("3600".to_owned(), 20).await;
    check_retry_after("nonsense".to_owned(), 10).await;
    check_retry_after("Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), 10).await;
    check_retry_after("Fri, 31 Dec 9999 23:59:59 GMT".to_owned(), 20).await;
}

async fn is_disabled(stage: &Stage, application: &str, endpoint: &str) -> bool {
    let shown = stage.call("GET", &format!("/api/v1/app/{application}/endpoint/{endpoint}"), None).await;
    shown.json()["disabled"].as_bool().unwrap()
}

/// One message, delivered or not, after so much time.
async fn publish_after(stage: &Stage, application: &str, seconds: i64) {
    stage.clock.forward_s(seconds);
    stage.publish(application, None, json!({})).await.id();
    stage.deliver_all().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_for_five_days_is_disabled_unless_it_works_once() {
    let (stage, receiver, application, endpoint) = Stage::with_receiver("").await;
    receiver.on("/", |_| Reply::Status(500));
    publish_after(&stage, &application, 0).await;
    publish_after(&stage, &application, 5 * DAY_S - 60).await;
    assert!(!is_disabled(&stage, &application, &endpoint).await, "a minute is left");
    receiver.on("/", |_| Reply::Status(204));
    publish_after(&stage, &application, 30).await;
    receiver.on("/", |_| Reply::Status(500));
    publish_after(&stage, &application, 60).await;
    publish_after(&stage, &application, 4 * DAY_S).await;
    assert!(!is_disabled(&stage, &application, &endpoint).await, "it worked in between");
    publish_after(&stage, &application, DAY_S + 1).await;
    assert!(is_disabled(&stage, &application, &endpoint).await);
    let before = receiver.deliveries().len();
    publish_after(&stage, &application, 1).await;
    assert_eq!(receiver.deliveries().len(), before);
}

#[tokio::test]
async fn a_retry_of_an_endpoint_that_was_switched_off_or_deleted_meanwhile_ends_without_an_attempt() {
    for change in ["PATCH", "DELETE"] {
        let (stage, receiver, application, endpoint) = Stage::with_receiver("10").await;
        receiver.on("/", |_| Reply::Status(500));
        stage.publish(&application, None, json!({})).await.id();
        stage.deliver_all().await;
        let path = format!("/api/v1/app/{application}/endpoint/{endpoint}");
        let body = (change == "PATCH").then(|| json!({ "disabled": true }));
        assert!(stage.call(change, &path, body).await.status.is_success());
        stage.clock.forward_s(10);
        assert_eq!((stage.deliver_all().await, receiver.deliveries().len()), (1, 1), "{change}");
        assert_eq!(stage.backlog().await.0, 0, "{change}: it is over");
    }
}

#[tokio::test]
async fn a_message_whose_time_is_over_is_not_delivered_any_more() {
    let (stage, receiver, application, _) = Stage::with_receiver("").await;
    let body = json!({ "eventType": "order.placed", "payload": {}, "payloadRetentionPeriod": 5 });
    stage.call("POST", &format!("/api/v1/app/{application}/msg"), Some(body)).await.id();
    stage.clock.forward_s(5 * DAY_S + 1);
    assert_eq!((stage.deliver_all().await, receiver.deliveries().len()), (1, 0));
}

#[tokio::test]
async fn what_is_not_finished_in_time_is_handed_back_and_comes_again() {
    let (stage, receiver, application, _) = Stage::with_receiver("").await;
    receiver.on("/", |delivery| if delivery.nth == 1 { Reply::Hang } else { Reply::Status(204) });
    let message = stage.publish(&application, None, json!({})).await.id();
    let task = stage.receive().await;
    // The function keeps two seconds to answer: a tenth of a second is left.
    let deadline = stage.platform.effects.now().plus_millis(2_100);
    let left = stage.hand_to_deliver_until(&task, deadline).await;
    assert_eq!(left, [task[0].message_id().unwrap()]);
    stage.clock.forward_s(360);
    assert_eq!((stage.deliver_all().await, receiver.of(&message).len()), (1, 2));
    let attempts = stage.attempts(&application, &message).await;
    assert_eq!(attempts.iter().map(|attempt| attempt["status"].clone()).collect::<Vec<Value>>(), [json!(0)]);
}

#[tokio::test]
async fn a_signature_is_made_at_the_time_of_its_attempt() {
    let (stage, receiver, application, _) = Stage::with_receiver("600").await;
    receiver.on("/", |_| Reply::Status(500));
    stage.publish(&application, None, json!({})).await.id();
    let mut expected = Vec::new();
    for _ in 0..2 {
        expected.push(stage.platform.effects.now());
        assert_eq!(stage.deliver_all().await, 1);
        stage.clock.forward_s(600);
    }
    let signed: Vec<String> =
        receiver.deliveries().iter().map(|d| d.headers["webhook-timestamp"].to_str().unwrap().to_owned()).collect();
    assert_eq!(signed, expected.iter().map(|at: &Timestamp| at.as_seconds().to_string()).collect::<Vec<_>>());
}
