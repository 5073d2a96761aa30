//! Steps 4, 5 and 11: messages arrive as they were published, are read in pages, and have a time and an end.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use futures_util::stream::iter;
use serde_json::{Value, json};

use super::super::sdk::api::{MessageCreateOptions, MessageGetOptions, MessageListOptions};
use super::super::sdk::models::{ApplicationIn, EventExampleIn, ListResponseMessageOut, MessageIn, MessagePrecheckIn};
use super::{Scenario, assert_refused, assert_verified, becomes, pairs, seconds_from_now, strings};

const MESSAGES: usize = 1_000;
const MESSAGES_MEANWHILE: usize = 20;
const REQUESTS_AT_ONCE_MAX: usize = 16;

/// Twice as many as there should be.
const PAGES_MAX: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_04_publish() {
    let scenario = Scenario::start().await;
    let (client, receiver) = (scenario.svix.message(), &scenario.world.receiver);
    let app = scenario.application("step-4").await;
    let app = || app.clone();
    let (paid, other) = ("step4.paid", "step4.other");
    scenario.event_type(paid).await;
    scenario.event_type(other).await;
    let with_header = |new: &mut super::EndpointIn| new.headers = Some(pairs(&[("x-tenant", "acme")]));
    let everything = scenario.endpoint_with(&app(), "/4/all", with_header).await;
    scenario.endpoint_for(&app(), "/4/other", &[other]).await;
    let payload = json!({ "invoice": "in_1042", "text": "Grüße, 世界" });

    let publish = async |payload: &Value| {
        let change = |new: &mut MessageIn| {
            new.event_id = Some("event-1".to_owned());
            new.tags = Some(strings(&["red", "blue"]));
        };
        scenario.publish_with(&app(), paid, payload.clone(), change).await
    };
    let first = publish(&payload).await.unwrap();
    assert!(first.id.starts_with("msg_"), "{first:?}");
    assert_eq!(first.event_id.as_deref(), Some("event-1"));
    assert_eq!(publish(&payload).await.unwrap().id, first.id, "the same event again");
    assert_refused(publish(&json!({ "b": 2 })).await, 409, "conflict");
    let second = scenario.publish(&app(), other, json!({ "second": true })).await;

    let both = BTreeSet::from([first.id.clone(), second.id.clone()]);
    scenario.receives_all("/4/all", 0, &both).await;
    scenario.receives("/4/other", &[&second.id]).await;
    assert_eq!(receiver.at("/4/all").len(), 2, "each once");
    let delivery = receiver.at("/4/all").into_iter().find(|delivery| delivery.id == first.id).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&delivery.body).unwrap(), payload);
    assert_eq!(delivery.headers["x-tenant"], "acme");
    assert_verified(&delivery, &scenario.secret(&app(), &everything.id).await);

    assert_eq!(client.get(app(), "event-1".to_owned(), None).await.unwrap().id, first.id);
    for (tag, expected) in [("blue", vec![first.id.clone()]), ("green", vec![])] {
        let options = MessageListOptions { tag: Some(tag.to_owned()), ..Default::default() };
        assert_eq!(each!(id of client.list(app(), Some(options))), expected, "{tag}");
    }

    // Without being told, the one generation asks for the content and the other does not.
    for (with_content, expected) in [(true, &payload), (false, &json!({}))] {
        let options = MessageCreateOptions { with_content: Some(with_content), ..Default::default() };
        let new = MessageIn::new(paid.to_owned(), payload.clone());
        assert_eq!(client.create(app(), new, Some(options)).await.unwrap().payload, *expected);
    }
    for (with_content, expected) in [(true, &payload), (false, &json!({}))] {
        let options = MessageGetOptions { with_content: Some(with_content) };
        assert_eq!(client.get(app(), first.id.clone(), Some(options)).await.unwrap().payload, *expected);
        let (tag, with_content) = (Some("red".to_owned()), Some(with_content));
        let options = MessageListOptions { tag, with_content, ..Default::default() };
        assert_eq!(each!(payload of client.list(app(), Some(options))), std::slice::from_ref(expected));
    }

    let inline = || "step-4-inline".to_owned();
    let new = ApplicationIn { uid: Some(inline()), ..ApplicationIn::new("Inline".to_owned()) };
    let message =
        scenario.publish_with(&inline(), paid, json!({ "a": 1 }), |message| message.application = Some(new)).await;
    let message = message.unwrap();
    assert_eq!(scenario.svix.application().get(inline()).await.unwrap().name, "Inline");
    assert_eq!(client.get(inline(), message.id.clone(), None).await.unwrap().id, message.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_05_pages() {
    let scenario = Scenario::start().await;
    let app = scenario.application("step-5").await;
    scenario.event_type("step5.counted").await;
    let publish = async |number: usize| scenario.publish(&app, "step5.counted", json!({ "number": number })).await.id;
    let publish_many = async |count: usize| -> BTreeSet<String> {
        iter(0..count).map(&publish).buffer_unordered(REQUESTS_AT_ONCE_MAX).collect().await
    };
    let published = publish_many(MESSAGES).await;
    assert_eq!(published.len(), MESSAGES);

    let first = page(&scenario, &app, None).await;
    let meanwhile = publish_many(MESSAGES_MEANWHILE);
    let (forth, meanwhile) = tokio::join!(pages_after(&scenario, &app, first), meanwhile);
    assert_eq!(meanwhile.len(), MESSAGES_MEANWHILE);
    let sizes: Vec<_> = forth.iter().map(|page| page.data.len()).collect();
    assert_eq!(sizes, [100; MESSAGES / 100]);
    // Identifiers sort by time: every one exactly once, and the newest first.
    let listed: Vec<_> = forth.iter().flat_map(ids).collect();
    assert_eq!(listed, published.iter().rev().collect::<Vec<_>>());

    let mut at = forth.last().unwrap().prev_iterator.clone();
    for expected in forth.iter().rev().skip(1) {
        let before = page(&scenario, &app, Some(at.expect("there is a page before"))).await;
        assert_eq!(ids(&before), ids(expected));
        at = before.prev_iterator;
    }
}

async fn page(scenario: &Scenario, app: &str, iterator: Option<String>) -> ListResponseMessageOut {
    let options = MessageListOptions { limit: Some(100), iterator, ..Default::default() };
    scenario.svix.message().list(app.to_owned(), Some(options)).await.unwrap()
}

/// This page and those behind it, to the one that says it is the last.
async fn pages_after(scenario: &Scenario, app: &str, first: ListResponseMessageOut) -> Vec<ListResponseMessageOut> {
    let mut pages = vec![first];
    while let Some(last) = pages.last().filter(|page| !page.done) {
        assert!(pages.len() < PAGES_MAX, "the list does not end");
        let next = page(scenario, app, last.iterator.clone()).await;
        pages.push(next);
    }
    pages
}

fn ids(page: &ListResponseMessageOut) -> Vec<&String> {
    page.data.iter().map(|message| &message.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_11_content_and_time() {
    let scenario = Scenario::start().await;
    let client = scenario.svix.message();
    let app = scenario.application("step-11").await;
    let app = || app.clone();
    let (paid, unwanted) = ("step11.paid", "step11.unwanted");
    let example = json!({ "invoice": "in_1042", "amount_cents": 125_000 });
    let schemas = json!({ "1": { "title": "Invoice paid", "type": "object", "examples": [example] } });
    scenario.event_type_with(paid, Some(schemas)).await;
    scenario.event_type(unwanted).await;
    let endpoint = scenario.endpoint_for(&app(), "/11", &[paid]).await;

    let wanted = EventExampleIn::new(paid.to_owned());
    let sent = scenario.svix.endpoint().send_example(app(), endpoint.id, wanted, None).await.unwrap();
    scenario.receives("/11", &[&sent.id]).await;
    let body = &scenario.world.receiver.at("/11")[0].body;
    assert_eq!(serde_json::from_slice::<Value>(body).unwrap(), example);

    for (event_type, is_active) in [(paid, true), (unwanted, false)] {
        let asked = MessagePrecheckIn::new(event_type.to_owned());
        assert_eq!(client.precheck(app(), asked, None).await.unwrap().active, is_active, "{event_type}");
    }

    let message = scenario.publish(&app(), paid, json!({ "secret": "forget me" })).await;
    scenario.receives("/11", &[&sent.id, &message.id]).await;
    client.expunge_content(app(), message.id.clone()).await.unwrap();
    let options = MessageGetOptions { with_content: Some(true) };
    let shown = client.get(app(), message.id.clone(), Some(options)).await.unwrap();
    assert_eq!(shown.payload, json!({ "expired": true }));

    let at = seconds_from_now(120);
    let plan = |new: &mut MessageIn| new.deliver_at = Some(at.parse().unwrap());
    let planned = scenario.publish_with(&app(), paid, json!({ "a": 1 }), plan).await.unwrap();
    assert_eq!(planned.deliver_at, Some(at.parse().unwrap()));
    assert_eq!(client.get(app(), planned.id, None).await.unwrap().deliver_at, planned.deliver_at);
    let later = scenario.publish(&app(), paid, json!({ "a": 2 })).await;
    let all = strings::<Vec<_>>(&[&sent.id, &message.id, &later.id]);
    becomes("a later one overtakes it", all, async || scenario.received("/11")).await;
}
