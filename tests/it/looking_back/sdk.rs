//! The official SDK asks for everything there is about the past, and gets only its own.

use std::collections::BTreeSet;

use serde_json::json;
use svix::api::{
    MessageAttemptListAttemptedMessagesOptions, MessageAttemptListByEndpointOptions, MessageAttemptListByMsgOptions,
    Svix,
};
use svix::error::{Error, Result};
use svix::models::{BulkExpungeContentsIn, BulkExpungeStatus, MessageIn, MessageStatus, MessageStatusText};

use crate::harness::{Reply, World};

#[track_caller]
fn assert_not_found<T: std::fmt::Debug>(what: &str, answer: Result<T>) {
    match answer {
        Err(Error::Http(error)) if error.status == 404 => {
            assert_eq!(error.payload.unwrap().code, "not_found", "{what}")
        }
        other => panic!("{what}: 404 expected: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_reads_every_answer() {
    let world = World::start(&[("FANFARE_RETRY_SCHEDULE", "3600")]).await;
    let application = world.application().await;
    let (good, bad) = (world.endpoint(&application, "/good").await, world.endpoint(&application, "/bad").await);
    world.receiver.on("/good", |_| Reply::Text("thank you".to_owned()));
    world.receiver.on("/bad", |_| Reply::Status(500));
    let message = MessageIn {
        tags: Some(BTreeSet::from(["red".to_owned()])),
        ..MessageIn::new("a.b".to_owned(), json!({ "n": 1 }))
    };
    let message = world.create(&application, message, None).await.unwrap().id;
    world.receiver.wait_at("/bad", 1).await;
    world.receiver.wait_at("/good", 1).await;
    let both = async || Some(world.attempts(&application, &message).await).filter(|all| all.len() == 2);
    let attempts = crate::harness::eventually("both attempts", both).await;
    let (api, app) = (world.svix.message_attempt(), || application.clone());

    let options = MessageAttemptListAttemptedMessagesOptions {
        with_content: Some(true),
        status: Some(MessageStatus::Sending),
        expanded_statuses: Some(true),
        tag: Some("red".to_owned()),
        ..Default::default()
    };
    let found = api.list_attempted_messages(app(), bad.clone(), Some(options)).await.unwrap();
    let delivery = &found.data[0];
    assert_eq!(
        (&delivery.id, delivery.status_text, &delivery.payload),
        (&message, MessageStatusText::Sending, &json!({ "n": 1 }))
    );
    assert!(delivery.next_attempt.is_some() && found.done);
    let found = api.list_attempted_destinations(app(), message.clone(), None).await.unwrap();
    let standing: BTreeSet<_> = found.data.iter().map(|item| (item.id.clone(), item.status.to_string())).collect();
    assert_eq!(standing, BTreeSet::from([(good.clone(), "0".to_owned()), (bad.clone(), "3".to_owned())]));
    let options = MessageAttemptListByEndpointOptions { with_msg: Some(true), ..Default::default() };
    let found = api.list_by_endpoint(app(), good.clone(), Some(options)).await.unwrap();
    assert_eq!(found.data[0].msg.as_ref().map(|msg| &msg.id), Some(&message));
    let stats = world.svix.endpoint().get_stats(app(), bad.clone(), None).await.unwrap();
    assert_eq!((stats.success, stats.sending, stats.fail), (0, 1, 0));
    let stats = world.svix.endpoint().get_attempt_stats(app(), good.clone(), None).await.unwrap();
    assert_eq!((stats.success, stats.fail, stats.canceled), (1, 0, 0));

    let answered = attempts.iter().find(|attempt| attempt.endpoint_id == good).unwrap();
    assert_eq!(answered.response, "thank you");
    api.expunge_content(app(), message.clone(), answered.id.clone()).await.unwrap();
    let shown = api.get(app(), message.clone(), answered.id.clone(), None).await.unwrap();
    assert_eq!((shown.response.as_str(), shown.response_status_code), ("EXPUNGED", 200));
    world.svix.message().expunge_content(app(), message.clone()).await.unwrap();
    let ids = Some(BTreeSet::from([message.clone(), "nothing".to_owned()]));
    let found = world.svix.message().bulk_expunge_content(app(), BulkExpungeContentsIn { ids }, None).await.unwrap();
    assert_eq!(
        (found.results[&message], found.results["nothing"]),
        (BulkExpungeStatus::Expunged, BulkExpungeStatus::NotFound)
    );

    strangers_find_nothing(&world.stranger(), &application, &good, &message, &answered.id).await;
}

/// With a good token of another organization, whatever is asked about the application.
async fn strangers_find_nothing(stranger: &Svix, application: &str, endpoint: &str, message: &str, attempt: &str) {
    let (app, ep, msg) = (|| application.to_owned(), || endpoint.to_owned(), || message.to_owned());
    let api = stranger.message_attempt();
    assert_not_found("messages of an endpoint", api.list_attempted_messages(app(), ep(), None).await);
    assert_not_found("endpoints of a message", api.list_attempted_destinations(app(), msg(), None).await);
    assert_not_found("attempts of an endpoint", api.list_by_endpoint(app(), ep(), None).await);
    let options = MessageAttemptListByMsgOptions::default();
    assert_not_found("attempts of a message", api.list_by_msg(app(), msg(), Some(options)).await);
    assert_not_found("an answer", api.expunge_content(app(), msg(), attempt.to_owned()).await);
    assert_not_found("statistics", stranger.endpoint().get_stats(app(), ep(), None).await);
    assert_not_found("statistics", stranger.endpoint().get_attempt_stats(app(), ep(), None).await);
    assert_not_found("a payload", stranger.message().expunge_content(app(), msg()).await);
    let ids = BulkExpungeContentsIn { ids: Some(BTreeSet::from([msg()])) };
    assert_not_found("payloads", stranger.message().bulk_expunge_content(app(), ids, None).await);
}
