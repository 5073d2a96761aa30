//! Steps 1, 2 and 3: what a customer sets up, and finds again as it was set up.

use serde_json::{Value, json};

use super::super::sdk::api::{ApplicationListOptions, EventTypeListOptions};
use super::super::sdk::models::{
    ApplicationIn, ApplicationPatch, EndpointHeadersIn, EndpointHeadersPatchIn, EndpointIn, EndpointPatch,
    EventTypePatch,
};
use super::super::{EndpointPut, EventTypes, event_type, event_types_of, put_application, put_endpoint, put_headers};
use super::{Scenario, assert_refused, pairs, strings};

/// A field that is cleared. Its type comes with the SDK, which does not name it.
macro_rules! null {
    () => {
        serde_json::from_value(Value::Null).unwrap()
    };
}

/// More applications than the step makes.
const APPLICATIONS_MAX: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_01_applications() {
    let scenario = Scenario::start().await;
    let client = scenario.svix.application();
    let (a, b) = (|| "step-1-a".to_owned(), || "step-1-b".to_owned());
    let new = |name: &str, plan: &str, throttle_rate: u16| ApplicationIn {
        uid: Some(a()),
        metadata: Some(pairs(&[("plan", plan)])),
        throttle_rate: Some(throttle_rate),
        ..ApplicationIn::new(name.to_owned())
    };
    let created = client.create(new("Acme", "gold", 50), None).await.unwrap();
    assert_eq!((created.uid.as_deref(), created.throttle_rate), (Some("step-1-a"), Some(50)));
    assert_eq!(created.metadata, pairs(&[("plan", "gold")]));
    assert_eq!(client.get(created.id.clone()).await.unwrap(), created);
    assert_eq!(client.get(a()).await.unwrap(), created);
    assert_eq!(client.get_or_create(new("Other", "tin", 7), None).await.unwrap(), created);

    let replaced = put_application(&scenario.svix, a(), new("Acme & Sons", "tin", 7)).await.unwrap();
    assert_eq!((replaced.id, replaced.name.as_str()), (created.id.clone(), "Acme & Sons"));
    assert_eq!((replaced.metadata, replaced.throttle_rate), (pairs(&[("plan", "tin")]), Some(7)));
    let other = ApplicationIn { uid: Some(b()), ..ApplicationIn::new("Other".to_owned()) };
    let other = put_application(&scenario.svix, b(), other).await.unwrap();
    assert_eq!(client.get(b()).await.unwrap(), other, "created by PUT");

    let patch = ApplicationPatch { name: Some("Acme Ltd".to_owned()), ..ApplicationPatch::new() };
    let patched = client.patch(a(), patch).await.unwrap();
    assert_eq!((patched.name.as_str(), patched.throttle_rate), ("Acme Ltd", Some(7)));
    assert_eq!(patched.metadata, pairs(&[("plan", "tin")]));
    let patch = ApplicationPatch { throttle_rate: null!(), ..ApplicationPatch::new() };
    let patched = client.patch(a(), patch).await.unwrap();
    assert_eq!((patched.name.as_str(), patched.throttle_rate), ("Acme Ltd", None));

    let (mut listed, mut iterator) = (Vec::new(), None);
    loop {
        let options = ApplicationListOptions { limit: Some(1), iterator, ..Default::default() };
        let page = client.list(Some(options)).await.unwrap();
        assert_eq!(page.data.len(), 1, "one at a time");
        listed.extend(page.data.into_iter().map(|application| application.id));
        if page.done {
            break;
        }
        assert!(listed.len() < APPLICATIONS_MAX, "the list does not end: {listed:?}");
        iterator = page.iterator;
    }
    listed.sort();
    let mut expected = [created.id, other.id];
    expected.sort();
    assert_eq!(listed, expected);

    client.delete(b()).await.unwrap();
    assert_refused(client.get(b()).await, 404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_02_event_types() {
    let scenario = Scenario::start().await;
    let client = scenario.svix.event_type();
    let name = || "step2.invoice.paid".to_owned();
    let schemas = json!({ "1": { "type": "object", "examples": [{ "invoice": "in_1042" }] } });
    let mut new = event_type(&name(), "An invoice was paid");
    new.schemas = Some(schemas.clone());
    let created = client.create(new.clone(), None).await.unwrap();
    assert_eq!((created.name.as_str(), created.schemas.as_ref()), (name().as_str(), Some(&schemas)));
    assert_eq!(created.description, "An invoice was paid");
    assert_eq!(client.get(name()).await.unwrap(), created);
    assert_eq!(each!(name of client.list(None)), [name()]);

    let patch = EventTypePatch { description: Some("Paid".to_owned()), ..EventTypePatch::new() };
    let patched = client.patch(name(), patch).await.unwrap();
    assert_eq!((patched.description.as_str(), patched.schemas), ("Paid", Some(schemas)));
    assert_refused(client.create(new.clone(), None).await, 409, "event_type_exists");

    client.delete(name(), None).await.unwrap();
    assert_eq!(client.get(name()).await.unwrap().archived, Some(true));
    assert_eq!(each!(name of client.list(None)), [""; 0]);
    let options = EventTypeListOptions { include_archived: Some(true), ..Default::default() };
    assert_eq!(each!(name of client.list(Some(options))), [name()]);
    assert_ne!(client.create(new, None).await.unwrap().archived, Some(true), "it is back");
    assert_eq!(each!(name of client.list(None)), [name()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_03_endpoints() {
    let scenario = Scenario::start().await;
    let client = scenario.svix.endpoint();
    let app = scenario.application("step-3").await;
    let (app, main) = (|| app.clone(), || "main".to_owned());
    scenario.event_type("step3.paid").await;
    let wanted = || Some(strings::<EventTypes>(&["step3.paid"]));
    let url = scenario.world.receiver.url("/3");
    let mut new = EndpointIn {
        uid: Some(main()),
        description: Some("The first".to_owned()),
        channels: Some(strings(&["project-1"])),
        metadata: Some(pairs(&[("team", "billing")])),
        headers: Some(pairs(&[("x-tenant", "acme"), ("authorization", "Bearer abc")])),
        ..EndpointIn::new(url.clone())
    };
    event_types_of!(new) = wanted();
    let created = client.create(app(), new, None).await.unwrap();
    assert_eq!((&created.url, &event_types_of!(created)), (&url, &wanted()));
    assert_eq!(created.channels, Some(strings(&["project-1"])));
    assert_eq!(created.metadata, pairs(&[("team", "billing")]));
    assert_eq!(client.get(app(), created.id.clone()).await.unwrap(), created);
    assert_eq!(client.get(app(), main()).await.unwrap(), created);
    assert_eq!(each!(id of client.list(app(), None)), std::slice::from_ref(&created.id));

    let patch = EndpointPatch { description: Some("Patched".to_owned()), ..EndpointPatch::new() };
    let patched = client.patch(app(), main(), patch).await.unwrap();
    assert_eq!((patched.description.as_str(), &event_types_of!(patched)), ("Patched", &wanted()));
    assert_eq!((patched.channels, patched.metadata), (created.channels, created.metadata));
    let patch = EndpointPatch { channels: null!(), ..EndpointPatch::new() };
    let patched = client.patch(app(), main(), patch).await.unwrap();
    assert_eq!((patched.channels, event_types_of!(patched)), (None, wanted()));

    let new_url = format!("{url}/new");
    let put = EndpointPut { uid: Some(main()), ..EndpointPut::new(new_url.clone()) };
    let replaced = put_endpoint(&scenario.svix, app(), main(), put).await.unwrap();
    assert_eq!((replaced.id, replaced.url, event_types_of!(replaced)), (created.id, new_url, None));

    let assert_headers = async |harmless: &[(&str, &str)], sensitive: &[&str]| {
        let shown = client.get_headers(app(), main()).await.unwrap();
        assert_eq!(shown.headers, pairs(harmless));
        assert_eq!(shown.sensitive.into_iter().collect::<Vec<_>>(), sensitive);
    };
    assert_headers(&[("x-tenant", "acme")], &["authorization"]).await;
    let patch = EndpointHeadersPatchIn {
        delete_headers: Some(vec!["x-tenant".to_owned()]),
        ..EndpointHeadersPatchIn::new(pairs(&[("x-region", "eu")]))
    };
    client.patch_headers(app(), main(), patch).await.unwrap();
    assert_headers(&[("x-region", "eu")], &["authorization"]).await;
    let put = EndpointHeadersIn::new(pairs(&[("x-zone", "b")]));
    put_headers(&scenario.svix, app(), main(), put).await.unwrap();
    assert_headers(&[("x-zone", "b")], &[]).await;

    assert!(scenario.secret(&app(), &main()).await.starts_with("whsec_"));
    client.delete(app(), main()).await.unwrap();
    assert_refused(client.get(app(), main()).await, 404, "not_found");
}
