//! From a customer's first request to a verified webhook, with the official SDK all the way.

use serde_json::json;
use svix::api::{MessageAttemptGetOptions, MessageAttemptListByEndpointOptions, MessageGetOptions, MessageListOptions};
use svix::models::{ApplicationIn, EndpointIn, MessageAttemptTriggerType, MessageIn, MessageStatus};

use crate::harness::{Reply, World, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_delivered_signed_and_shown() {
    let world = World::start(&[]).await;
    let (svix, receiver) = (&world.svix, &world.receiver);
    receiver.on("/hooks", |_| Reply::Text("thanks".to_owned()));
    let application = ApplicationIn { uid: Some("acme".to_owned()), ..ApplicationIn::new("Acme".to_owned()) };
    let application = svix.application().create(application, None).await.unwrap().id;
    let endpoint = world.endpoint_with(&application, "/hooks", |e| e.uid = Some("main".to_owned())).await;

    let payload = json!({ "order": 7, "name": "Zoë", "price": 1.50 });
    let message = world.publish("acme", "order.placed", payload.clone()).await;
    assert_eq!((message.event_type.as_str(), &message.payload), ("order.placed", &payload));

    let delivery = receiver.wait_at("/hooks", 1).await.remove(0);
    assert_eq!((&delivery.id, delivery.headers["content-type"].to_str().unwrap()), (&message.id, "application/json"));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&delivery.body).unwrap(), payload);

    let look = async || world.attempts(&application, &message.id).await.into_iter().next();
    let attempt = eventually("the attempt", look).await;
    assert_eq!((attempt.msg_id.as_str(), attempt.endpoint_id.as_str()), (message.id.as_str(), endpoint.as_str()));
    assert_eq!((attempt.status, attempt.response_status_code), (MessageStatus::Success, 200));
    assert_eq!((attempt.response.as_str(), attempt.url), ("thanks", receiver.url("/hooks")));
    assert_eq!(attempt.trigger_type, MessageAttemptTriggerType::Scheduled);

    let options = MessageAttemptListByEndpointOptions { with_content: Some(true), ..Default::default() };
    let attempts = svix.message_attempt();
    let by_endpoint = attempts.list_by_endpoint("acme".to_owned(), "main".to_owned(), Some(options)).await.unwrap();
    assert_eq!((by_endpoint.data.len(), by_endpoint.done), (1, true));
    assert_eq!((&by_endpoint.data[0].id, &by_endpoint.data[0].response), (&attempt.id, &attempt.response));
    let options = MessageAttemptGetOptions::default();
    let one = attempts.get("acme".to_owned(), message.id.clone(), attempt.id.clone(), Some(options)).await.unwrap();
    assert_eq!(one.timestamp, attempt.timestamp);

    let options = MessageGetOptions { with_content: Some(true) };
    let read = svix.message().get("acme".to_owned(), message.id.clone(), Some(options)).await.unwrap();
    assert_eq!((read.payload, read.timestamp), (payload, message.timestamp));
    let options = MessageListOptions { with_content: Some(false), ..Default::default() };
    let list = svix.message().list("acme".to_owned(), Some(options)).await.unwrap();
    assert_eq!((list.data.len(), &list.data[0].id, list.done), (1, &message.id, true));
    assert_eq!(list.data[0].payload, json!({}), "no content was asked for");
}

/// Posts the text as it is and compares what arrives byte for byte.
async fn check_bytes(world: &World, application: &str, payload: &str) {
    let body = format!(r#"{{"eventType":"order.placed","payload":{payload}}}"#);
    let request = http::Request::post(format!("/api/v1/app/{application}/msg"));
    let request = request.header("authorization", format!("Bearer {}", world.token));
    let request = request.header("content-type", "application/json").body(body.into()).unwrap();
    let id = crate::harness::send(world.address(), request).await.id();
    let look = async || world.receiver.of(&id).into_iter().next();
    let delivery = eventually("the delivery", look).await;
    assert!(delivery.body == payload.as_bytes(), "{} bytes became {}", payload.len(), delivery.body.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_arrives_byte_for_byte_wherever_it_was_kept_on_its_way() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    world.endpoint(&application, "/").await;
    let of_size = |bytes: usize| {
        let noise: String = (0..bytes).map(|n| char::from(b'a' + (n * n % 23) as u8)).collect();
        format!(r#"{{"a":"{noise}"}}"#)
    };
    check_bytes(&world, &application, r#"{ "b":1.0e2,  "a":"\u00e9é", "b":2 }"#).await;
    check_bytes(&world, &application, &of_size(700)).await; // compressed in the record
    check_bytes(&world, &application, &of_size(60_000)).await; // not carried by the task
    check_bytes(&world, &application, &of_size(310_000)).await; // in the bucket
    check_bytes(&world, &application, &of_size(1_048_000)).await;
    check_bytes(&world, &application, "{\"a\":\"\u{ffff}\u{fffe}\"}").await; // which no queue takes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_to_every_endpoint_and_each_verifies_with_its_own_secret() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    for number in 0..23 {
        world.endpoint(&application, &format!("/{number}")).await;
    }
    let message = world.publish(&application, "order.placed", json!({ "n": 1 })).await;
    let look = async || Some(world.receiver.of(&message.id)).filter(|deliveries| deliveries.len() >= 23);
    let deliveries = eventually("23 deliveries", look).await;
    let paths: std::collections::BTreeSet<_> = deliveries.iter().map(|delivery| &delivery.path).collect();
    assert_eq!((deliveries.len(), paths.len()), (23, 23));
    let signatures: std::collections::BTreeSet<_> =
        deliveries.iter().map(|delivery| delivery.headers["webhook-signature"].to_str().unwrap()).collect();
    assert_eq!(signatures.len(), 23);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_and_headers_that_the_customer_chose_are_used() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let endpoint = EndpointIn {
        secret: Some(secret.to_owned()),
        headers: Some([("x-tenant".to_owned(), "blue".to_owned())].into()),
        ..EndpointIn::new(world.receiver.url("/"))
    };
    world.svix.endpoint().create(application.clone(), endpoint, None).await.unwrap();
    world.receiver.verify("/", secret);
    world.publish(&application, "order.placed", json!({})).await;
    assert_eq!(world.receiver.wait_at("/", 1).await[0].headers["x-tenant"], "blue");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_found_by_type_channel_tag_and_time() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    for (event_type, channel, tag) in [("a", "x", "red"), ("b", "x", "blue"), ("b", "y", "red")] {
        let message = MessageIn {
            channels: Some([channel.to_owned()].into()),
            tags: Some([tag.to_owned()].into()),
            ..MessageIn::new(event_type.to_owned(), json!({}))
        };
        world.create(&application, message, None).await.unwrap();
    }
    let count = async |options: MessageListOptions| {
        world.svix.message().list(application.clone(), Some(options)).await.unwrap().data.len()
    };
    let all = || MessageListOptions::default();
    assert_eq!(count(all()).await, 3);
    assert_eq!(count(MessageListOptions { event_types: Some(["b".to_owned()].into()), ..all() }).await, 2);
    assert_eq!(
        count(MessageListOptions { event_types: Some(["a".to_owned(), "b".to_owned()].into()), ..all() }).await,
        3
    );
    assert_eq!(count(MessageListOptions { channel: Some("x".to_owned()), ..all() }).await, 2);
    assert_eq!(count(MessageListOptions { tag: Some("red".to_owned()), ..all() }).await, 2);
    let both = MessageListOptions { channel: Some("x".to_owned()), tag: Some("red".to_owned()), ..all() };
    assert_eq!(count(both).await, 1);
    let first = world.svix.message().list(application.clone(), None).await.unwrap().data.pop().unwrap();
    assert_eq!(count(MessageListOptions { before: Some(first.timestamp), ..all() }).await, 0);
    assert_eq!(count(MessageListOptions { after: Some(first.timestamp), ..all() }).await, 3);
}
