//! A message that is posted again is the same message: accepted once, delivered once.

use serde_json::json;
use svix::error::Error;
use svix::models::MessageIn;

use crate::harness::table::items_of;
use crate::harness::{Engines, Receiver, Stage, Way, World};

fn order(number: u32) -> MessageIn {
    MessageIn::new("order.placed".to_owned(), json!({ "order": number }))
}

fn with_event_id(event_id: &str, number: u32) -> MessageIn {
    MessageIn { event_id: Some(event_id.to_owned()), ..order(number) }
}

/// How many messages are stored.
async fn messages(engines: &Engines) -> usize {
    items_of(engines, "M#").await.iter().filter(|item| item["sk"].as_s().is_ok_and(|sk| sk == "M")).count()
}

#[track_caller]
fn assert_conflict<T: std::fmt::Debug>(refused: Result<T, Error>) {
    match refused {
        Err(Error::Http(error)) if error.status == 409 => assert_eq!(error.payload.unwrap().code, "conflict"),
        other => panic!("409 expected: {other:?}"),
    }
}

async fn world() -> (World, String) {
    let world = World::start(&[("FANFARE_REQUEST_TIMEOUT", "1")]).await;
    let application = world.application().await;
    world.endpoint(&application, "/").await;
    (world, application)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_means_one_message_and_another_body_under_it_is_a_conflict() {
    let (world, application) = world().await;
    let first = world.create(&application, order(1), Some("key-1")).await.unwrap();
    world.settled().await;
    let again = world.create(&application, order(1), Some("key-1")).await.unwrap();
    assert_eq!((&again.id, again.timestamp), (&first.id, first.timestamp));
    assert_conflict(world.create(&application, order(2), Some("key-1")).await);
    let typed = MessageIn { event_type: "order.paid".to_owned(), ..order(1) };
    assert_conflict(world.create(&application, typed, Some("key-1")).await);
    let other = world.create(&application, order(1), Some("key-2")).await.unwrap();
    assert_ne!(other.id, first.id);
    world.settled().await;
    assert_eq!((world.receiver.of(&first.id).len(), world.receiver.deliveries().len()), (1, 2));
    assert_eq!(messages(world.engines()).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_id_means_one_message_under_whatever_key() {
    let (world, application) = world().await;
    let first = world.create(&application, with_event_id("evt-1", 1), Some("key-1")).await.unwrap();
    assert_eq!(first.event_id.as_deref(), Some("evt-1"));
    world.settled().await;
    let again = world.create(&application, with_event_id("evt-1", 1), Some("key-2")).await.unwrap();
    assert_eq!(again.id, first.id);
    assert_conflict(world.create(&application, with_event_id("evt-1", 2), None).await);
    // An event id is another identity than the key, even with the same letters.
    let keyed = world.create(&application, order(1), Some("evt-1")).await.unwrap();
    assert_ne!(keyed.id, first.id);
    // Once named by its event id, a message is not found by the key it came with.
    let after = world.create(&application, order(1), Some("key-1")).await.unwrap();
    assert_ne!(after.id, first.id);
    world.settled().await;
    assert_eq!((world.receiver.of(&first.id).len(), messages(world.engines()).await), (1, 3));
    let read = world.svix.message().get(application, "evt-1".to_owned(), None).await.unwrap();
    assert_eq!(read.id, first.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_counts_in_its_own_application_only() {
    let (world, application) = world().await;
    let other = world.application().await;
    let first = world.create(&application, with_event_id("evt-1", 1), Some("key-1")).await.unwrap();
    let second = world.create(&other, with_event_id("evt-1", 2), Some("key-1")).await.unwrap();
    assert_ne!(first.id, second.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_that_is_used_sixteen_times_at_once_makes_one_message_and_one_delivery() {
    let (world, application) = world().await;
    let mut ids = Vec::new();
    for round in 0..5 {
        let key = format!("key-{round}");
        let posts = (0..16).map(|_| world.create(&application, order(round), Some(&key)));
        let accepted = futures_util::future::try_join_all(posts).await.unwrap();
        assert!(accepted.iter().all(|message| message.id == accepted[0].id));
        ids.push(accepted[0].id.clone());
    }
    world.settled().await;
    assert_eq!(messages(world.engines()).await, 5);
    let deliveries: Vec<_> = ids.iter().map(|id| world.receiver.of(id).len()).collect();
    assert_eq!(deliveries, [1; 5]);
}

/// A publish whose first request fails like this, posted again with its key: what it was answered and what was delivered.
async fn check_crash(operation: &'static str, way: Way) {
    const PATHS: [&str; 3] = ["/0", "/1", "/2"];
    let what = format!("{operation} {way:?}");
    let stage = Stage::new(&[]).await;
    let receiver = Receiver::start().await;
    receiver.ignore_time();
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
    for path in PATHS {
        let endpoint = stage.endpoint(&application, &receiver.url(path)).await;
        receiver.verify(path, &stage.secret(&application, &endpoint).await);
    }

    stage.faults.next(operation, way, 1);
    let cut_short = stage.publish(&application, Some("key-1"), json!({ "n": 1 })).await;
    stage.faults.end();
    assert_eq!(cut_short.status, 503, "{what}: {cut_short:?}");
    let again = stage.publish(&application, Some("key-1"), json!({ "n": 1 })).await;
    assert_eq!(again.status, 202, "{what}: {again:?}");
    while stage.backlog().await.0 > 0 {
        // One by one: two tasks of one delivery are not with two consumers at the same moment.
        let received = stage.receive().await;
        for task in &received {
            assert!(stage.hand_to_deliver(std::slice::from_ref(task)).await.is_empty(), "{what}");
            stage.delete(task).await;
        }
        if received.is_empty() {
            stage.clock.forward_s(10);
        }
    }
    assert_eq!(messages(&stage.engines).await, 1, "{what}");
    for path in PATHS {
        let sent = receiver.at(path);
        assert_eq!((sent.len(), &sent[0].id), (1, &again.id()), "{what} {path}");
    }
}

#[tokio::test]
async fn a_publish_that_was_cut_short_is_completed_by_its_repeat_and_delivered_once() {
    check_crash("Query", Way::THROTTLED).await;
    check_crash("PutItem", Way::BROKEN).await;
    check_crash("PutItem", Way::AnswerLost).await;
    check_crash("SendMessageBatch", Way::Refused(503, "ServiceUnavailable")).await;
    check_crash("SendMessageBatch", Way::AnswerLost).await;
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_is_repeated_by_the_sdk_and_accepted() {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let router = publish::router(&stage.with_sdk_retries());
    let before = stage.faults.calls("PutItem");
    stage.faults.next("PutItem", Way::AnswerLost, 1);
    let body = json!({ "eventType": "order.placed", "payload": {} });
    let path = format!("/api/v1/app/{application}/msg");
    let answer = stage.call_router(router, "POST", &path, Some(body), Some("key-1")).await;
    stage.faults.end();
    assert_eq!((answer.status.as_u16(), stage.faults.calls("PutItem") - before), (202, 2));
    assert_eq!((messages(&stage.engines).await, stage.backlog().await.0), (1, 1));
}

#[tokio::test]
async fn a_repeat_after_everything_was_delivered_delivers_nothing() {
    let stage = Stage::new(&[]).await;
    let receiver = Receiver::start().await;
    let (application, endpoint) = stage.application_with_endpoint(&receiver.url("/")).await;
    receiver.verify("/", &stage.secret(&application, &endpoint).await);
    let first = stage.publish(&application, Some("key-1"), json!({})).await.id();
    stage.deliver_all().await;
    assert_eq!(stage.publish(&application, Some("key-1"), json!({})).await.id(), first);
    assert_eq!(stage.deliver_all().await, 0);
    // An endpoint that was made since then is not told about an old event by a repeat.
    stage.clock.forward_s(1);
    stage.endpoint(&application, &receiver.url("/new")).await;
    stage.publish(&application, Some("key-1"), json!({})).await.id();
    assert_eq!((stage.deliver_all().await, receiver.deliveries().len()), (0, 1));
}
