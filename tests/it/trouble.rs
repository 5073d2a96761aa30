//! Receivers in trouble: what the circuit breaker, a receiver's wish for a pause, and rate limits keep back, and that
//! nothing of it is lost or counted as an attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use fanfare::domain::gate::{FAILURES_MAX, HOLDS_MAX, OPEN_MS_FIRST, PAUSE_MS_MAX};
use serde_json::{Value, json};

use crate::harness::{Receiver, Reply, Stage, Way};

/// A stage with one endpoint, whose receiver answers with a status that the test changes.
struct Trouble {
    stage: Stage,
    receiver: Receiver,
    application: String,
    endpoint: String,
    status: Arc<AtomicU16>,
}

impl Trouble {
    async fn new(schedule: &str, endpoint: Value) -> Self {
        let (stage, receiver, application, id) = Stage::with_receiver(schedule).await;
        stage.call("PATCH", &format!("/api/v1/app/{application}/endpoint/{id}"), Some(endpoint)).await.id();
        let status = receiver.obey("/", 204);
        Self { stage, receiver, application, endpoint: id, status }
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    async fn publish(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 0..count {
            ids.push(self.stage.publish(&self.application, None, json!({ "n": number })).await.id());
        }
        ids
    }

    /// Delivers what can be received now; how many requests the receiver got.
    async fn delivered(&self) -> usize {
        let before = self.receiver.deliveries().len();
        self.stage.deliver_all().await;
        self.receiver.deliveries().len() - before
    }

    async fn delivered_after_ms(&self, ms: i64) -> usize {
        self.stage.clock.forward_ms(ms);
        self.delivered().await
    }

    /// As many failures as open the breaker, of messages that are not tried again.
    async fn open_breaker(&self) {
        self.answer(500);
        let opens = usize::try_from(FAILURES_MAX).unwrap();
        self.publish(opens).await;
        assert_eq!(self.delivered().await, opens);
    }
}

#[tokio::test]
async fn an_open_breaker_postpones_without_a_request_and_without_using_up_an_attempt() {
    let trouble = Trouble::new("", json!({})).await;
    trouble.open_breaker().await;
    let waiting = trouble.publish(3).await;
    assert_eq!(trouble.delivered().await, 0);
    assert_eq!(trouble.delivered_after_ms(OPEN_MS_FIRST - 1_000).await, 0);
    assert_eq!(trouble.stage.backlog().await.0, 3, "all of them wait");
    trouble.answer(204);
    let mut requests = 0;
    for _ in 0..30 {
        requests += trouble.delivered_after_ms(1_000).await;
    }
    assert_eq!((requests, trouble.stage.backlog().await.0), (3, 0));
    for message in &waiting {
        let attempts = trouble.stage.attempts(&trouble.application, message).await;
        assert_eq!(attempts.len(), 1, "one attempt each: {attempts:?}");
        assert_eq!(attempts[0]["status"], 0);
    }
}

#[tokio::test]
async fn a_half_open_breaker_lets_one_attempt_through_and_opens_for_longer_when_it_fails() {
    let trouble = Trouble::new("", json!({})).await;
    trouble.open_breaker().await;
    trouble.publish(8).await;
    assert_eq!(trouble.delivered().await, 0);
    // Every probe is the last attempt of its message here; the time to the next one doubles.
    let (mut probes_at_s, mut probes) = (Vec::new(), 0);
    for second in 1..=120 {
        let now = trouble.delivered_after_ms(1_000).await;
        assert!(now <= 1, "{now} requests at second {second}");
        if now > 0 {
            probes_at_s.push(second);
            probes += now;
        }
    }
    assert!((3..=4).contains(&probes), "{probes_at_s:?}");
    let gaps: Vec<i64> = probes_at_s.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps[1] >= gaps[0] + 10, "each longer than the one before: {probes_at_s:?}");
}

#[tokio::test]
async fn the_state_of_a_breaker_is_shown_with_the_statistics() {
    let trouble = Trouble::new("", json!({})).await;
    let path = format!("/api/v1/app/{}/endpoint/{}/stats", trouble.application, trouble.endpoint);
    let shown = async || trouble.stage.call("GET", &path, None).await.json()["receiver"].clone();
    assert_eq!(shown().await, json!({ "breaker": "closed", "openings": 0, "waiting": 0 }));
    trouble.open_breaker().await;
    let open = shown().await;
    assert_eq!((&open["breaker"], &open["openings"]), (&json!("open"), &json!(1)), "{open}");
    trouble.stage.clock.forward_ms(OPEN_MS_FIRST);
    assert_eq!(shown().await["breaker"], "half-open");
    trouble.answer(204);
    trouble.publish(1).await;
    assert_eq!(trouble.delivered().await, 1);
    assert_eq!(shown().await["breaker"], "closed");
}

#[tokio::test]
async fn failures_that_are_far_apart_and_answers_that_only_refuse_do_not_open_it() {
    let trouble = Trouble::new("", json!({})).await;
    trouble.answer(500);
    for _ in 0..2 * FAILURES_MAX {
        trouble.publish(1).await;
        assert_eq!(trouble.delivered_after_ms(61_000).await, 1);
    }
    trouble.answer(404);
    for _ in 0..2 * FAILURES_MAX {
        trouble.publish(1).await;
        assert_eq!(trouble.delivered().await, 1);
    }
}

#[tokio::test]
async fn a_success_in_between_begins_the_count_anew() {
    let trouble = Trouble::new("", json!({})).await;
    for status in [500, 500, 500, 500, 204, 500, 500, 500, 500] {
        trouble.answer(status);
        trouble.publish(1).await;
        assert_eq!(trouble.delivered().await, 1, "{status}");
    }
}

#[tokio::test]
async fn an_attempt_that_a_person_asks_for_is_made_through_an_open_breaker_and_closes_it_when_it_succeeds() {
    let trouble = Trouble::new("", json!({})).await;
    trouble.open_breaker().await;
    let message = trouble.publish(1).await.remove(0);
    assert_eq!(trouble.delivered().await, 0);
    trouble.answer(204);
    let (application, endpoint) = (&trouble.application, &trouble.endpoint);
    let resend = format!("/api/v1/app/{application}/msg/{message}/endpoint/{endpoint}/resend");
    assert_eq!(trouble.stage.call("POST", &resend, None).await.status, 202);
    assert_eq!(trouble.delivered().await, 1);
    trouble.publish(1).await;
    assert_eq!(trouble.delivered().await, 1, "it is closed");
}

#[tokio::test]
async fn a_change_of_the_endpoint_closes_its_breaker() {
    for change in [json!({ "disabled": true }), json!({ "url": "http://127.0.0.1:8/elsewhere" })] {
        let trouble = Trouble::new("", json!({})).await;
        trouble.open_breaker().await;
        let path = format!("/api/v1/app/{}/endpoint/{}", trouble.application, trouble.endpoint);
        trouble.stage.call("PATCH", &path, Some(change)).await.id();
        let back = json!({ "disabled": false, "url": trouble.receiver.url("/") });
        trouble.stage.call("PATCH", &path, Some(back)).await.id();
        trouble.publish(1).await;
        assert_eq!(trouble.delivered().await, 1);
    }
}

#[tokio::test]
async fn a_gate_that_cannot_be_written_costs_nobody_a_delivery() {
    let trouble = Trouble::new("", json!({})).await;
    trouble.answer(500);
    trouble.publish(2).await;
    trouble.stage.faults.next("UpdateItem", Way::BROKEN, 2);
    assert_eq!(trouble.delivered().await, 2);
    trouble.stage.faults.stop();
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_pause_gets_it_and_then_a_slower_pace() {
    let trouble = Trouble::new("", json!({})).await;
    trouble.receiver.on("/", |_| Reply::WithHeader(429, "retry-after", "20".to_owned()));
    trouble.publish(1).await;
    assert_eq!(trouble.delivered().await, 1);
    trouble.receiver.on("/", |_| Reply::Status(204));
    trouble.publish(30).await;
    assert_eq!(trouble.delivered().await, 0);
    assert_eq!(trouble.delivered_after_ms(19_000).await, 0, "a second before its time");
    let mut by_second = Vec::new();
    for _ in 0..12 {
        by_second.push(trouble.delivered_after_ms(1_000).await);
    }
    assert_eq!(by_second.iter().sum::<usize>(), 30);
    // Ten a second is the first pace, less what has worn off, with a second's worth at once.
    assert!(by_second.iter().all(|count| *count <= 27), "{by_second:?}");
    assert!(by_second.iter().filter(|count| **count > 0).count() >= 2, "{by_second:?}");
}

#[tokio::test]
async fn a_pause_is_bounded() {
    let trouble = Trouble::new("", json!({})).await;
    trouble.receiver.on("/", |_| Reply::WithHeader(503, "retry-after", "86400".to_owned()));
    trouble.publish(1).await;
    assert_eq!(trouble.delivered().await, 1);
    trouble.receiver.on("/", |_| Reply::Status(204));
    trouble.publish(1).await;
    assert_eq!(trouble.delivered_after_ms(PAUSE_MS_MAX - 2_000).await, 0);
    assert_eq!(trouble.delivered_after_ms(4_000).await, 1);
}

/// Publishes fifty and delivers for so many seconds: requests by second.
async fn rates(trouble: &Trouble, seconds: usize) -> Vec<usize> {
    trouble.publish(50).await;
    let mut by_second = vec![trouble.delivered().await];
    for _ in 1..seconds {
        by_second.push(trouble.delivered_after_ms(1_000).await);
    }
    by_second
}

#[track_caller]
fn check_rate(by_second: &[usize], rate: usize) {
    assert_eq!(by_second.iter().sum::<usize>(), 50, "all arrive: {by_second:?}");
    for window in by_second.windows(5) {
        assert!(window.iter().sum::<usize>() <= rate * 6, "five seconds and a burst: {by_second:?}");
    }
    assert!(by_second.iter().filter(|count| **count > 0).count() >= 50 / rate - 1, "{by_second:?}");
}

#[tokio::test]
async fn an_endpoints_rate_limit_delays_and_drops_nothing() {
    let trouble = Trouble::new("", json!({ "throttleRate": 5 })).await;
    check_rate(&rates(&trouble, 15).await, 5);
    let updates = trouble.stage.faults.calls("UpdateItem");
    assert!(updates <= 20, "a write for each batch, not for each delivery: {updates}");
}

#[tokio::test]
async fn an_applications_rate_limit_counts_over_all_of_its_endpoints() {
    let trouble = Trouble::new("", json!({})).await;
    let application = format!("/api/v1/app/{}", trouble.application);
    trouble.stage.call("PATCH", &application, Some(json!({ "throttleRate": 5 }))).await.id();
    check_rate(&rates(&trouble, 15).await, 5);
}

#[tokio::test]
async fn a_limited_delivery_is_one_attempt() {
    let trouble = Trouble::new("", json!({ "throttleRate": 1 })).await;
    let ids = trouble.publish(6).await;
    let mut requests = trouble.delivered().await;
    for _ in 0..8 {
        requests += trouble.delivered_after_ms(1_000).await;
    }
    assert_eq!(requests, 6);
    for id in ids {
        assert_eq!(trouble.stage.attempts(&trouble.application, &id).await.len(), 1);
    }
}

#[tokio::test]
async fn attempts_that_take_long_are_bounded_before_the_first_timeout() {
    let stage = Stage::new(&[("FANFARE_REQUEST_TIMEOUT", "3"), ("FANFARE_RETRY_SCHEDULE", "")]).await;
    let receiver = Receiver::start().await;
    receiver.on("/", |_| Reply::Hang);
    let (application, endpoint) = stage.application_with_endpoint(&receiver.url("/")).await;
    receiver.verify("/", &stage.secret(&application, &endpoint).await);
    let mut tasks = Vec::new();
    for number in 0..HOLDS_MAX + 5 {
        stage.publish(&application, None, json!({ "n": number })).await.id();
        tasks.extend(stage.receive().await);
    }
    let (first, late) = tasks.split_at(HOLDS_MAX);
    // Each in a sandbox of its own.
    let first = first.iter().map(|task| stage.hand_to_deliver(std::slice::from_ref(task)));
    let late = async {
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        assert_eq!(receiver.deliveries().len(), HOLDS_MAX, "all of them wait");
        for task in late {
            assert!(stage.hand_to_deliver(std::slice::from_ref(task)).await.is_empty());
        }
        assert_eq!(receiver.deliveries().len(), HOLDS_MAX, "nothing new begins");
    };
    tokio::join!(futures_util::future::join_all(first), late);
    let stats = format!("/api/v1/app/{application}/endpoint/{endpoint}/stats");
    let shown = stage.call("GET", &stats, None).await.json();
    assert_eq!(shown["receiver"]["waiting"], 0, "every place was given back: {shown}");
    assert_eq!(shown["receiver"]["breaker"], "open", "and now the breaker knows");
}
