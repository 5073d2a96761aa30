//! Retries that are further away than a queue can hold them back: they wait in the due index, and the sweep brings them
//! back, whatever it went through itself.

use fanfare::domain::attempt::Trigger;
use fanfare::domain::delivery::{DeliveryTask, Granted};
use fanfare::domain::ids::{AppScope, ApplicationId, EndpointId, MessageId, OrganizationId};
use fanfare::domain::names::EventTypeName;
use fanfare::domain::original_headers::OriginalHeaders;
use fanfare::domain::timestamp::Timestamp;
use fanfare::flows::sweep_due::{SweepDue, Swept};
use fanfare::store::{DueDelivery, Store, minute_of};
use serde_json::json;

use crate::harness::table::{items_of, number, text};
use crate::harness::{Receiver, Reply, Stage};

const DAY_MS: i64 = 24 * 3_600_000;

/// Partitions of the due index.
const DUE: &str = "D#";

async fn cursor(stage: &Stage) -> Option<i64> {
    items_of(&stage.engines, "SWEEP").await.first().map(|item| number(item, "minute"))
}

fn now_minute(stage: &Stage) -> i64 {
    minute_of(stage.platform.effects.now())
}

/// A stage whose one endpoint fails the first attempt of every message, and the application.
async fn failing_once(schedule: &str) -> (Stage, Receiver, String) {
    let stage = Stage::new(&[("FANFARE_RETRY_SCHEDULE", schedule)]).await;
    let receiver = Receiver::start().await;
    receiver.ignore_time();
    receiver.on("/", |delivery| Reply::Status(if delivery.nth == 1 { 500 } else { 204 }));
    let (application, endpoint) = stage.application_with_endpoint(&receiver.url("/")).await;
    receiver.verify("/", &stage.secret(&application, &endpoint).await);
    (stage, receiver, application)
}

#[tokio::test]
async fn a_long_delay_waits_in_the_minute_it_is_due_in_and_comes_back_at_its_second() {
    let (stage, receiver, application) = failing_once("1200").await;
    let begun_at = stage.platform.effects.now();
    let message = stage.publish(&application, None, json!({ "n": 1 })).await.id();
    assert_eq!(stage.deliver_all().await, 1);
    assert_eq!(stage.backlog().await, (0, 0), "the queue does not hold it");

    let due_at = begun_at.plus_millis(1_200_000);
    let waiting = items_of(&stage.engines, DUE).await;
    assert_eq!(waiting.len(), 1);
    assert!(text(&waiting[0], "pk").starts_with(&format!("D#{}#", minute_of(due_at))), "{waiting:?}");
    assert_eq!(number(&waiting[0], "at"), due_at.as_millis());
    assert_eq!(cursor(&stage).await, Some(minute_of(begun_at)), "the cursor is there before the first item");

    stage.clock.go_to_minute(minute_of(due_at) - 1);
    assert_eq!(stage.sweep().await, 0, "not due yet");
    assert_eq!(cursor(&stage).await, Some(minute_of(due_at) - 1));
    stage.clock.go_to_minute(minute_of(due_at));
    assert_eq!(stage.sweep().await, 1);
    assert_eq!(items_of(&stage.engines, DUE).await.len(), 0);
    let rest_ms = due_at.as_millis().rem_euclid(60_000);
    if rest_ms > 1_000 {
        stage.clock.forward_ms(rest_ms - 1_000);
        assert!(stage.receive().await.is_empty(), "a second too early");
    }
    stage.clock.go_to_minute(minute_of(due_at));
    stage.clock.forward_ms((rest_ms + 999) / 1_000 * 1_000);
    assert_eq!(stage.deliver_all().await, 1);
    let sent = receiver.of(&message);
    assert_eq!((sent.len(), sent[0].body == sent[1].body), (2, true), "the payload comes from the message's record");
    let numbers: Vec<_> = stage.attempts(&application, &message).await.iter().map(|a| a["status"].clone()).collect();
    assert_eq!(numbers, [json!(2), json!(0)]);
    assert_eq!(stage.sweep().await, 0);
}

#[tokio::test]
async fn a_quarter_of_an_hour_is_the_queues_and_a_second_more_is_the_indexs() {
    for (schedule, in_index) in [("900", 0), ("901", 1)] {
        let (stage, _receiver, application) = failing_once(schedule).await;
        stage.publish(&application, None, json!({})).await.id();
        stage.deliver_all().await;
        assert_eq!(items_of(&stage.engines, DUE).await.len(), in_index, "{schedule}");
        assert_eq!(stage.backlog().await, (1 - in_index, 1 - in_index), "{schedule}");
    }
}

#[tokio::test]
async fn a_sweep_that_was_down_for_hours_misses_nothing() {
    let (stage, receiver, application) = failing_once("1200").await;
    let mut messages = Vec::new();
    for _ in 0..12 {
        messages.push(stage.publish(&application, None, json!({})).await.id());
        stage.deliver_all().await;
        stage.clock.forward_s(7 * 60 + 13);
    }
    assert_eq!(items_of(&stage.engines, DUE).await.len(), 12);
    stage.clock.forward_s(6 * 3_600);
    assert_eq!(stage.sweep().await, 12);
    assert_eq!(cursor(&stage).await, Some(now_minute(&stage)));
    assert_eq!(stage.deliver_all().await, 12);
    for message in &messages {
        assert_eq!(receiver.of(message).len(), 2, "{message}");
    }
    assert_eq!(items_of(&stage.engines, DUE).await.len(), 0);
}

/// Deliveries that are due at these instants, to nobody: what matters is that each is queued once.
async fn put_due(stage: &Stage, instants: impl Iterator<Item = Timestamp>) {
    let store = Store::new(&stage.platform.sdk, &stage.platform.settings.table, &stage.platform.keys);
    let now = stage.platform.effects.now();
    let due = |(number, at): (usize, Timestamp)| {
        let mut tail = [7; 15];
        tail[1..9].copy_from_slice(&number.to_be_bytes());
        let scope =
            AppScope { organization: OrganizationId::new(now, tail), application: ApplicationId::new(now, tail) };
        let task = DeliveryTask {
            scope,
            endpoint: EndpointId::new(now, tail),
            message: MessageId::new(now, tail),
            event_type: EventTypeName::parse("order.placed").unwrap(),
            channels: Vec::new(),
            tags: Vec::new(),
            headers: OriginalHeaders::default(),
            number: 2,
            trigger: Trigger::Scheduled,
            expires_at: now.plus_millis(DAY_MS),
            payload: None,
            is_repeat: true,
            deliver_before: None,
            is_urgent: false,
            postponed: 0,
            granted: Granted::default(),
            place: None,
            trace: None,
        };
        DueDelivery { at, task }
    };
    let due: Vec<_> = instants.enumerate().map(due).collect();
    let puts = due.iter().map(|due| store.put_due(due, now));
    futures_util::future::try_join_all(puts).await.unwrap();
}

/// What a sweep asks of the table when this many deliveries wait for the hours to come and three are due.
async fn sweeping(waiting: i64) -> (usize, std::collections::BTreeMap<String, usize>) {
    let stage = Stage::new(&[]).await;
    let first = stage.platform.effects.now().plus_millis(1_200_000);
    put_due(&stage, (0..3).map(|_| first)).await;
    // A hundred thousand at a time, so that what this test holds in memory is bounded.
    for begin in (0..waiting).step_by(100_000) {
        let end = waiting.min(begin + 100_000);
        put_due(&stage, (begin..end).map(|number| first.plus_millis(3_600_000 + number % 1_440 * 60_000))).await;
    }
    stage.clock.go_to_minute(minute_of(first) + 1);
    let before = stage.faults.all_calls();
    let queued = stage.sweep().await;
    let mut calls = stage.faults.all_calls();
    for (operation, count) in before {
        *calls.get_mut(&operation).unwrap() -= count;
    }
    calls.retain(|_, count| *count > 0);
    (queued, calls)
}

async fn check_sweeping(waiting: i64) {
    let (queued, mut calls) = sweeping(waiting).await;
    let (also_queued, mut without) = sweeping(0).await;
    assert_eq!((queued, also_queued), (3, 3));
    assert!(!calls.contains_key("Scan"), "{calls:?}");
    // What is sent together depends on who waits together; what is read does not.
    let is_read = |operation: &String| ["GetItem", "Query"].contains(&operation.as_str());
    calls.retain(|operation, _| is_read(operation));
    without.retain(|operation, _| is_read(operation));
    assert_eq!(calls, without, "it reads no more than with none waiting");
}

#[tokio::test]
async fn what_waits_for_later_costs_a_sweep_nothing() {
    check_sweeping(2_000).await;
}

#[tokio::test]
#[ignore = "fills a table with a million items; tests/lanes/slow.sh runs it"]
async fn a_million_that_wait_for_later_cost_a_sweep_nothing() {
    check_sweeping(1_000_000).await;
}

/// Sweeps with a clock on which every look takes this long, for so long.
async fn sweep_slowly(stage: &Stage, look_ms: i64, for_ms: i64) -> Swept {
    let mut platform = stage.platform.clone();
    platform.effects.clock = std::sync::Arc::new(stage.clock.ticking(look_ms));
    let stop_at = stage.platform.effects.now().plus_millis(for_ms);
    SweepDue::new(&platform).run(stop_at).await.unwrap()
}

#[tokio::test]
async fn a_sweep_that_ran_out_of_time_is_continued_where_it_stopped() {
    let stage = Stage::new(&[]).await;
    let first = stage.platform.effects.now().plus_millis(1_200_000);
    put_due(&stage, (0..40).map(|minute| first.plus_millis(minute * 60_000))).await;
    stage.clock.forward_s(4 * 3_600);
    let (mut queued, mut sweeps) = (0, 0);
    loop {
        let before = cursor(&stage).await;
        let swept = sweep_slowly(&stage, 500, 20_000).await;
        (queued, sweeps) = (queued + swept.queued, sweeps + 1);
        assert!(cursor(&stage).await >= before, "the cursor never goes back");
        if !swept.is_unfinished {
            break;
        }
        assert!(sweeps < 100, "it makes no progress");
    }
    assert!(sweeps > 2, "this was to be cut short, but {sweeps} sweeps did it");
    assert_eq!((queued, stage.backlog().await.0), (40, 40), "all of them, and none twice");
    assert_eq!(items_of(&stage.engines, DUE).await.len(), 0);
}

#[tokio::test]
async fn a_minute_with_more_than_one_sweep_can_do_is_not_passed_over() {
    let stage = Stage::new(&[]).await;
    let at = stage.platform.effects.now().plus_millis(1_200_000);
    put_due(&stage, (0..700).map(|_| at)).await; // all of one shard: the endpoints' identifiers begin alike
    stage.clock.go_to_minute(minute_of(at));
    stage.clock.forward_ms(-1);
    assert_eq!(stage.sweep().await, 0);
    stage.clock.go_to_minute(minute_of(at) + 5);
    let swept = sweep_slowly(&stage, 1_000, 5_000).await;
    assert!(swept.is_unfinished && swept.queued > 0 && swept.queued < 700, "{swept:?}");
    assert_eq!(cursor(&stage).await, Some(minute_of(at)));
    assert_eq!(stage.sweep().await, 700 - swept.queued);
    assert_eq!(stage.backlog().await.0, 700);
}

#[tokio::test]
async fn a_sweep_that_fails_between_queueing_and_forgetting_queues_again_and_nobody_is_told_twice() {
    let (stage, receiver, application) = failing_once("1200").await;
    let message = stage.publish(&application, None, json!({})).await.id();
    stage.deliver_all().await;
    stage.clock.forward_s(1_300);
    stage.faults.next("BatchWriteItem", crate::harness::Way::THROTTLED, 1);
    let context = stage.context();
    let door = sweep::Door::new(&stage.platform);
    door.handle(lambda_runtime::LambdaEvent::new(json!({}), context)).await.unwrap_err();
    stage.faults.end();
    assert_eq!(stage.sweep().await, 1);
    assert_eq!(stage.backlog().await.0, 2);
    // One after the other, as two consumers would get them at different moments.
    let both = stage.receive().await;
    assert_eq!(both.len(), 2);
    for one in &both {
        assert!(stage.hand_to_deliver(std::slice::from_ref(one)).await.is_empty());
    }
    assert_eq!(receiver.of(&message).len(), 2, "the first try and one retry");
}
