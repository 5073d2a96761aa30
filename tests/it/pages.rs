//! Lists are read whole, page by page, forward and back, while they grow.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use futures_util::stream::iter;
use serde_json::json;
use svix::api::{ApplicationListOptions, EndpointListOptions, EventTypeListOptions, MessageListOptions};
use svix::models::{ApplicationIn, EndpointIn, EventTypeIn, Ordering};

use crate::harness::World;

const MESSAGES: usize = 1_000;
const REQUESTS_AT_ONCE: usize = 16;

/// One page of any list: its names, where the next and the previous one are, and whether it is the last.
type Page = (Vec<String>, Option<String>, Option<String>, bool);

macro_rules! page {
    ($list:expr, $name:ident) => {{
        let list = $list.await.unwrap();
        let names = list.data.into_iter().map(|item| item.$name).collect();
        (names, list.iterator, list.prev_iterator, list.done)
    }};
}

async fn publish(world: &World, application: &str, count: usize) -> BTreeSet<String> {
    let post = async |number: usize| world.publish(application, "order.placed", json!({ "n": number })).await.id;
    iter(0..count).map(post).buffer_unordered(REQUESTS_AT_ONCE).collect().await
}

/// Reads a list from one end to the other and back, and compares both ways with what is expected.
async fn check(what: &str, expected: &[String], read: impl AsyncFn(Option<String>) -> Page) {
    let (mut forward, mut pages, mut iterator) = (Vec::new(), Vec::new(), None);
    let mut last_previous;
    loop {
        let (names, next, previous, is_done) = read(iterator).await;
        assert_eq!(previous.is_none(), pages.is_empty(), "{what}: only the first page has none before it");
        (iterator, last_previous) = (next, previous);
        forward.extend(names.clone());
        pages.push(names);
        if is_done {
            break;
        }
        assert!(pages.len() < 1_000, "{what} does not end");
    }
    assert_eq!(forward, expected, "{what}");
    let mut seen_backward = pages.pop().unwrap();
    while let Some(iterator) = last_previous {
        let (names, _, previous, is_done) = read(Some(iterator)).await;
        assert!(!is_done, "{what}: something comes behind");
        assert_eq!(Some(&names), pages.last(), "{what}: the page before is what it was");
        pages.pop();
        seen_backward.splice(0..0, names);
        last_previous = previous;
    }
    assert_eq!(seen_backward, expected, "{what}, back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_messages_are_paged_while_new_ones_arrive() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let published = publish(&world, &application, MESSAGES).await;
    assert_eq!(published.len(), MESSAGES);
    // Identifiers sort by time; the list runs from the newest to the oldest.
    let expected: Vec<_> = published.into_iter().rev().collect();
    let read = async |iterator: Option<String>, limit: u64| -> Page {
        let options = MessageListOptions { limit: Some(limit), iterator, ..Default::default() };
        page!(world.svix.message().list(application.clone(), Some(options)), id)
    };
    let limit = 97;
    let first = read(None, limit).await;
    assert_eq!(first.0, expected[..97]);
    check("messages", &expected, async |iterator| read(iterator, 250).await).await;

    // From the page that was open on, nothing moves and nothing is missed; what is new stands before it.
    let mut seen = first.0.clone();
    let mut at = first.1.clone();
    let mut new = BTreeSet::new();
    loop {
        new.extend(publish(&world, &application, 7).await);
        let (names, next, _, is_done) = read(at, limit).await;
        seen.extend(names);
        at = next;
        if is_done {
            break;
        }
    }
    assert_eq!(seen, expected);
    let before = format!("-{}", expected[0]);
    let (names, _, previous, _) = read(Some(before), 250).await;
    assert_eq!((names, previous), (new.into_iter().rev().collect(), None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_and_messages_can_be_followed_from_an_instant_on() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let mut published: Vec<String> = Vec::new();
    for number in 0..12 {
        published.push(world.publish(&application, "order.placed", json!({ "n": number })).await.id);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await; // identifiers have steps of 4 ms
    }
    let first = world.svix.message().get(application.clone(), published[2].clone(), None).await.unwrap();
    let read = async |iterator: Option<String>| -> Page {
        let options =
            MessageListOptions { limit: Some(4), iterator, after: Some(first.timestamp), ..Default::default() };
        page!(world.svix.message().list(application.clone(), Some(options)), id)
    };
    check("messages after an instant, oldest first", &published[2..], read).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_endpoints_and_event_types_are_paged() {
    let world = World::start(&[]).await;
    let svix = &world.svix;
    let create = async |number: usize| {
        svix.application().create(ApplicationIn::new(format!("App {number}")), None).await.unwrap().id
    };
    let applications: BTreeSet<String> = iter(0..45).map(create).buffer_unordered(REQUESTS_AT_ONCE).collect().await;
    let application = applications.first().unwrap().clone();
    let create = async |number: usize| {
        let endpoint = EndpointIn::new(format!("http://127.0.0.1:8/{number}"));
        svix.endpoint().create(application.clone(), endpoint, None).await.unwrap().id
    };
    let endpoints: BTreeSet<String> = iter(0..31).map(create).buffer_unordered(REQUESTS_AT_ONCE).collect().await;
    let create = async |number: usize| {
        let event_type = EventTypeIn::new(format!("type.{number:02}"), String::new());
        svix.event_type().create(event_type, None).await.unwrap().name
    };
    let event_types: BTreeSet<String> = iter(0..33).map(create).buffer_unordered(REQUESTS_AT_ONCE).collect().await;

    for order in [Ordering::Ascending, Ordering::Descending] {
        let mut expected: Vec<_> = applications.iter().cloned().collect();
        let mut expected_endpoints: Vec<_> = endpoints.iter().cloned().collect();
        if order == Ordering::Descending {
            expected.reverse();
            expected_endpoints.reverse();
        }
        let read = async |iterator| -> Page {
            let options =
                ApplicationListOptions { limit: Some(10), iterator, order: Some(order), ..Default::default() };
            page!(svix.application().list(Some(options)), id)
        };
        check("applications", &expected, read).await;
        let read = async |iterator| -> Page {
            let options = EndpointListOptions { limit: Some(10), iterator, order: Some(order) };
            page!(svix.endpoint().list(application.clone(), Some(options)), id)
        };
        check("endpoints", &expected_endpoints, read).await;
    }
    let read = async |iterator| -> Page {
        let options = EventTypeListOptions { limit: Some(11), iterator, ..Default::default() };
        page!(svix.event_type().list(Some(options)), name)
    };
    check("event types", &event_types.into_iter().collect::<Vec<_>>(), read).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_list_is_one_page() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let page: Page = page!(world.svix.message().list(application, None), id);
    assert_eq!(page, (Vec::new(), None, None, true));
}
