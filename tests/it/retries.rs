//! What happens when a receiver fails, seen through the API.

use std::time::Duration;

use serde_json::json;
use svix::api::MessageAttemptListByMsgOptions;
use svix::models::{EndpointPatch, MessageAttemptOut, MessageStatus, StatusCodeClass};

use crate::harness::{Delivery, Reply, World};

/// A world with one endpoint that follows a script, and its application and endpoint.
async fn with_script(
    variables: &[(&str, &str)],
    script: impl Fn(&Delivery) -> Reply + Send + Sync + 'static,
) -> (World, String, String) {
    let world = World::start(variables).await;
    world.receiver.on("/", script);
    let application = world.application().await;
    let endpoint = world.endpoint(&application, "/").await;
    (world, application, endpoint)
}

/// Publishes one message and waits for the end of it; its attempts, oldest first.
async fn attempts_of_one(world: &World, application: &str) -> Vec<MessageAttemptOut> {
    let message = world.publish(application, "order.placed", json!({ "n": 1 })).await;
    world.settled().await;
    let mut attempts = world.attempts(application, &message.id).await;
    attempts.reverse();
    attempts
}

fn codes(attempts: &[MessageAttemptOut]) -> Vec<i16> {
    attempts.iter().map(|attempt| attempt.response_status_code).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_fails_twice_gets_the_same_message_until_it_takes_it() {
    // A moment later, for attempts within 4 ms are listed in no order.
    let script = |delivery: &Delivery| Reply::Slow(Duration::from_millis(10), [500, 503, 204][delivery.nth - 1]);
    let (world, application, _) = with_script(&[("FANFARE_RETRY_SCHEDULE", "0,1,1,1")], script).await;
    let attempts = attempts_of_one(&world, &application).await;
    assert_eq!(codes(&attempts), [500, 503, 204]);
    let statuses: Vec<_> = attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [MessageStatus::Fail, MessageStatus::Fail, MessageStatus::Success]);
    let sent = world.receiver.deliveries();
    assert_eq!(sent.len(), 3, "it ends with the success");
    assert!(sent.iter().all(|delivery| delivery.id == attempts[0].msg_id && delivery.body == sent[0].body));
    let signed_at: Vec<_> = sent.iter().map(|delivery| delivery.headers["webhook-timestamp"].clone()).collect();
    assert!(signed_at[2] > signed_at[0], "each attempt is signed at its own time: {signed_at:?}");

    let of_class = |class| MessageAttemptListByMsgOptions { status_code_class: Some(class), ..Default::default() };
    let failed = of_class(StatusCodeClass::Code5xx);
    let succeeded = MessageAttemptListByMsgOptions { status: Some(MessageStatus::Success), ..Default::default() };
    for (options, count) in [(failed, 2), (of_class(StatusCodeClass::Code2xx), 1), (succeeded, 1)] {
        let message = attempts[0].msg_id.clone();
        let listed = world.svix.message_attempt().list_by_msg(application.clone(), message, Some(options)).await;
        assert_eq!(listed.unwrap().data.len(), count);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schedule_ends_and_the_next_message_is_tried_all_the_same() {
    let (world, application, endpoint) =
        with_script(&[("FANFARE_RETRY_SCHEDULE", "0,0")], |_| Reply::Status(500)).await;
    assert_eq!(codes(&attempts_of_one(&world, &application).await), [500, 500, 500]);
    assert_eq!(codes(&attempts_of_one(&world, &application).await), [500, 500, 500]);
    let shown = world.svix.endpoint().get(application, endpoint).await.unwrap();
    assert_eq!(shown.disabled, Some(false), "failing for a moment does not disable it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_gone_is_not_tried_again_and_its_endpoint_is_disabled() {
    let (world, application, endpoint) = with_script(&[], |_| Reply::Status(410)).await;
    assert_eq!(codes(&attempts_of_one(&world, &application).await), [410]);
    let shown = world.svix.endpoint().get(application.clone(), endpoint.clone()).await.unwrap();
    assert_eq!(shown.disabled, Some(true));
    assert_eq!(attempts_of_one(&world, &application).await.len(), 0);
    world.receiver.on("/", |_| Reply::Status(204));
    let patch = EndpointPatch { disabled: Some(false), ..EndpointPatch::new() };
    world.svix.endpoint().patch(application.clone(), endpoint, patch).await.unwrap();
    assert_eq!(codes(&attempts_of_one(&world, &application).await), [204]);
}

/// One failed attempt, without retries: its code, and what is shown as the answer.
async fn check_failure(variables: &[(&str, &str)], reply: Reply, code: i16, says: &str) {
    let mut all = vec![("FANFARE_RETRY_SCHEDULE", "")];
    all.extend(variables);
    let description = format!("{reply:?}");
    let (world, application, _) = with_script(&all, move |_| reply.clone()).await;
    let attempts = attempts_of_one(&world, &application).await;
    assert_eq!(codes(&attempts), [code], "{description}");
    assert_eq!(attempts[0].status, MessageStatus::Fail, "{description}");
    assert!(attempts[0].response.contains(says), "{description}: {}", attempts[0].response);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_receiver_does_is_an_attempt_that_failed() {
    let elsewhere = Reply::WithHeader(302, "location", "http://127.0.0.1:8/".to_owned());
    check_failure(&[], elsewhere, 302, "").await;
    check_failure(&[], Reply::Status(304), 304, "").await;
    check_failure(&[], Reply::Status(404), 404, "").await;
    check_failure(&[], Reply::Close, 0, "closed before the answer").await;
    check_failure(&[("FANFARE_REQUEST_TIMEOUT", "1")], Reply::Hang, 0, "no answer within 1000 ms").await;
    check_failure(&[("FANFARE_REQUEST_TIMEOUT", "1")], Reply::Slow(Duration::from_secs(5), 200), 0, "no answer").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_connection_is_retried_until_somebody_listens() {
    let world = World::start(&[("FANFARE_RETRY_SCHEDULE", "0,1")]).await;
    let application = world.application().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    world.endpoint_with(&application, "/unused", |endpoint| endpoint.url = url).await;
    let attempts = attempts_of_one(&world, &application).await;
    assert_eq!(codes(&attempts), [0, 0, 0]);
    assert!(attempts[0].response.contains("refused"), "{}", attempts[0].response);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_endpoint_that_hangs_holds_up_nobody_else() {
    let world = World::start(&[("FANFARE_REQUEST_TIMEOUT", "30")]).await;
    let application = world.application().await;
    world.receiver.on("/hangs", |_| Reply::Hang);
    world.endpoint(&application, "/hangs").await;
    world.endpoint(&application, "/works").await;
    let begun_at = std::time::Instant::now();
    // Each of them keeps one invocation waiting, and the template lets 50 of them run.
    for number in 0..40 {
        world.publish(&application, "order.placed", json!({ "n": number })).await;
    }
    assert_eq!(world.receiver.wait_at("/works", 40).await.len(), 40);
    assert!(begun_at.elapsed() < Duration::from_secs(20), "{:?}", begun_at.elapsed());
}
