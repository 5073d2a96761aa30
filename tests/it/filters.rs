//! Who gets a message: event types, channels, and endpoints that are switched off.

use serde_json::json;
use svix::models::{EndpointPatch, EventTypeIn, MessageIn};

use crate::harness::World;

/// Publishes a message with these channels, waits until everything is delivered, and compares who got it.
async fn check(world: &World, application: &str, event_type: &str, channels: &[&str], expected: &[&str]) {
    let message = MessageIn {
        channels: Some(channels.iter().map(|channel| (*channel).to_owned()).collect())
            .filter(|list: &std::collections::BTreeSet<_>| !list.is_empty()),
        ..MessageIn::new(event_type.to_owned(), json!({}))
    };
    let id = world.create(application, message, None).await.unwrap().id;
    world.settled().await;
    let mut got: Vec<_> = world.receiver.of(&id).into_iter().map(|delivery| delivery.path).collect();
    got.sort();
    assert_eq!(got, expected, "{event_type} {channels:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_gets_the_event_types_and_channels_it_asked_for() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    for name in ["order.placed", "order.paid"] {
        world.svix.event_type().create(EventTypeIn::new(name.to_owned(), String::new()), None).await.unwrap();
    }
    let set = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    world.endpoint(&application, "/all").await;
    world.endpoint_with(&application, "/paid", |e| e.event_types = set(&["order.paid"])).await;
    world.endpoint_with(&application, "/eu", |e| e.channels = set(&["eu", "uk"])).await;
    world
        .endpoint_with(&application, "/paid-eu", |e| {
            e.event_types = set(&["order.paid"]);
            e.channels = set(&["eu"]);
        })
        .await;
    check(&world, &application, "order.placed", &[], &["/all"]).await;
    check(&world, &application, "order.paid", &[], &["/all", "/paid"]).await;
    check(&world, &application, "order.placed", &["uk"], &["/all", "/eu"]).await;
    check(&world, &application, "order.paid", &["us", "eu"], &["/all", "/eu", "/paid", "/paid-eu"]).await;
    check(&world, &application, "order.paid", &["us"], &["/all", "/paid"]).await;
    check(&world, &application, "never.declared", &["eu"], &["/all", "/eu"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_switched_off_gets_nothing_until_it_is_switched_on() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let endpoint = world.endpoint_with(&application, "/", |e| e.disabled = Some(true)).await;
    let switch = async |disabled: bool| {
        let patch = EndpointPatch { disabled: Some(disabled), ..EndpointPatch::new() };
        let changed = world.svix.endpoint().patch(application.clone(), endpoint.clone(), patch).await.unwrap();
        assert_eq!(changed.disabled, Some(disabled));
    };
    check(&world, &application, "order.placed", &[], &[]).await;
    switch(false).await;
    check(&world, &application, "order.placed", &[], &["/"]).await;
    switch(true).await;
    check(&world, &application, "order.placed", &[], &[]).await;
    assert_eq!(world.receiver.deliveries().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_endpoint_and_a_deleted_application_get_nothing() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let endpoint = world.endpoint(&application, "/").await;
    world.endpoint(&application, "/other").await;
    world.svix.endpoint().delete(application.clone(), endpoint).await.unwrap();
    check(&world, &application, "order.placed", &[], &["/other"]).await;
    world.svix.application().delete(application.clone()).await.unwrap();
    let refused = world.create(&application, MessageIn::new("order.placed".to_owned(), json!({})), None).await;
    assert!(matches!(refused, Err(svix::error::Error::Http(error)) if error.status == 404));
}
