//! A person asks for one more attempt.

use std::sync::atomic::Ordering;

use serde_json::json;
use svix::models::{MessageAttemptTriggerType, MessageStatus};

use crate::harness::{Reply, World, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resent_message_is_attempted_once_more_and_not_retried() {
    let world = World::start(&[("FANFARE_RETRY_SCHEDULE", "0")]).await;
    let status = world.receiver.obey("/hooks", 500);
    let application = world.application().await;
    let endpoint = world.endpoint(&application, "/hooks").await;
    let message = world.publish(&application, "order.placed", json!({ "n": 1 })).await.id;
    let attempts = async |count| {
        let look = async || Some(world.attempts(&application, &message).await).filter(|all| all.len() == count);
        eventually("the attempts", look).await
    };
    let resend = async || {
        let api = world.svix.message_attempt();
        api.resend(application.clone(), message.clone(), endpoint.clone(), None).await.unwrap();
    };
    attempts(2).await;
    resend().await;
    let failed = attempts(3).await;
    assert_eq!((failed[0].trigger_type, failed[0].status), (MessageAttemptTriggerType::Manual, MessageStatus::Fail));
    world.settled().await;
    attempts(3).await;

    status.store(200, Ordering::SeqCst);
    resend().await;
    assert_eq!(attempts(4).await[0].status, MessageStatus::Success);
    let ids: Vec<_> = world.receiver.of(&message).into_iter().map(|delivery| delivery.body).collect();
    assert!(ids.iter().all(|body| body == &ids[0]), "every attempt carries the same bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_that_finds_the_message_delivered_is_not_made() {
    let world = World::start(&[("FANFARE_RETRY_SCHEDULE", "2")]).await;
    world.receiver.on("/hooks", |delivery| Reply::Status(if delivery.nth == 1 { 500 } else { 200 }));
    let application = world.application().await;
    let endpoint = world.endpoint(&application, "/hooks").await;
    let message = world.publish(&application, "order.placed", json!({})).await.id;
    let look = async || Some(world.attempts(&application, &message).await).filter(|all| all.len() == 1);
    eventually("the first attempt", look).await;
    world.svix.message_attempt().resend(application.clone(), message.clone(), endpoint, None).await.unwrap();
    world.receiver.wait_at("/hooks", 2).await;
    world.settled().await;
    assert_eq!(world.receiver.of(&message).len(), 2, "the scheduled retry was made all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_exists_can_be_resent() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let endpoint = world.endpoint(&application, "/hooks").await;
    let message = world.publish(&application, "order.placed", json!({})).await.id;
    for (message, endpoint) in [("nothing", endpoint.as_str()), (message.as_str(), "nothing")] {
        let api = world.svix.message_attempt();
        assert!(api.resend(application.clone(), message.to_owned(), endpoint.to_owned(), None).await.is_err());
    }
    world.settled().await;
    assert_eq!(world.receiver.of(&message).len(), 1);
}
