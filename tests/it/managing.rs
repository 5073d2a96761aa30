//! Applications, endpoints and event types are kept: created, found, replaced, changed and deleted with the SDK.

use serde_json::json;
use svix::api::{EventTypeDeleteOptions, EventTypeListOptions};
use svix::error::{Error, Result};
use svix::models::{ApplicationIn, ApplicationPatch, EndpointIn, EndpointPatch, EndpointUpsertIn, EventTypeIn};

use crate::harness::{Stage, World};

#[track_caller]
fn assert_not_found<T: std::fmt::Debug>(answer: Result<T>) {
    match answer {
        Err(Error::Http(error)) if error.status == 404 => assert_eq!(error.payload.unwrap().code, "not_found"),
        other => panic!("404 expected: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_kept_under_its_id_and_its_uid() {
    let world = World::start(&[]).await;
    let applications = world.svix.application();
    let named = |name: &str| ApplicationIn { uid: Some("acme".to_owned()), ..ApplicationIn::new(name.to_owned()) };
    let made = applications.create(named("Acme"), None).await.unwrap();
    assert_eq!(applications.get_or_create(named("Other"), None).await.unwrap().name, "Acme");
    for name in ["acme".to_owned(), made.id.clone()] {
        assert_eq!(applications.get(name).await.unwrap().id, made.id);
    }
    // Twice, for a request may come twice.
    for _ in 0..2 {
        let replaced = applications.upsert("acme".to_owned(), ApplicationIn::new("Acme Ltd".to_owned())).await.unwrap();
        assert_eq!((replaced.id, replaced.name.as_str()), (made.id.clone(), "Acme Ltd"));
    }
    let metadata = [("plan".to_owned(), "trial".to_owned())];
    let patch = ApplicationPatch { metadata: Some(metadata.clone().into()), ..ApplicationPatch::new() };
    let changed = applications.patch("acme".to_owned(), patch).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.metadata), ("Acme Ltd", metadata.into()));
    let new = applications.upsert("new".to_owned(), ApplicationIn::new("New".to_owned())).await.unwrap();
    assert_eq!(new.uid.as_deref(), Some("new"));
    applications.delete("acme".to_owned()).await.unwrap();
    assert_not_found(applications.get("acme".to_owned()).await);
    assert_not_found(applications.get(made.id.clone()).await);
    let again = applications.create(named("Acme"), None).await.unwrap();
    assert_ne!(again.id, made.id, "the uid is free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_is_kept_with_its_secret() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let endpoints = world.svix.endpoint();
    let new = EndpointIn { uid: Some("main".to_owned()), ..EndpointIn::new("http://127.0.0.1:8/a".to_owned()) };
    let made = endpoints.create(application.clone(), new, None).await.unwrap();
    let secret = endpoints.get_secret(application.clone(), "main".to_owned()).await.unwrap().key;
    assert!(secret.starts_with("whsec_") && secret.len() >= "whsec_".len() + 32, "{}", secret.len());
    for _ in 0..2 {
        let put = EndpointUpsertIn::new("http://127.0.0.1:8/b".to_owned());
        let replaced = endpoints.upsert(application.clone(), "main".to_owned(), put).await.unwrap();
        assert_eq!((replaced.id, replaced.url.as_str()), (made.id.clone(), "http://127.0.0.1:8/b"));
    }
    let patch = EndpointPatch { description: Some("mine".to_owned()), ..EndpointPatch::new() };
    let changed = endpoints.patch(application.clone(), made.id.clone(), patch).await.unwrap();
    assert_eq!((changed.description.as_str(), changed.url.as_str()), ("mine", "http://127.0.0.1:8/b"));
    let kept = endpoints.get_secret(application.clone(), made.id.clone()).await.unwrap().key;
    assert_eq!(kept, secret, "changing an endpoint does not change its secret");
    endpoints.delete(application.clone(), "main".to_owned()).await.unwrap();
    assert_not_found(endpoints.get(application, made.id).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_type_is_archived_before_it_is_forgotten() {
    let world = World::start(&[]).await;
    let event_types = world.svix.event_type();
    let new = |about: &str| EventTypeIn::new("order.placed".to_owned(), about.to_owned());
    let list = async |include_archived| {
        let options = EventTypeListOptions { include_archived: Some(include_archived), ..Default::default() };
        event_types.list(Some(options)).await.unwrap().data.len()
    };
    event_types.create(new("first"), None).await.unwrap();
    event_types.delete("order.placed".to_owned(), None).await.unwrap();
    assert_eq!((list(false).await, list(true).await), (0, 1));
    assert_eq!(event_types.get("order.placed".to_owned()).await.unwrap().archived, Some(true));
    let back = event_types.create(new("second"), None).await.unwrap();
    assert_eq!((back.archived, back.description.as_str()), (Some(false), "second"));
    let options = EventTypeDeleteOptions { expunge: Some(true) };
    event_types.delete("order.placed".to_owned(), Some(options)).await.unwrap();
    assert_eq!((list(false).await, list(true).await), (0, 0));
    assert_not_found(event_types.get("order.placed".to_owned()).await);
}

/// The fields that both generations of SDKs need, under both names.
#[tokio::test]
async fn what_is_shown_is_read_by_old_and_new_sdks() {
    let stage = Stage::new(&[]).await;
    stage.call("POST", "/api/v1/event-type", Some(json!({ "name": "a.b", "description": "" }))).await.json();
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "A", "rateLimit": 7 }))).await;
    let shown = application.json();
    assert_eq!((&shown["rateLimit"], &shown["throttleRate"], &shown["metadata"]), (&json!(7), &json!(7), &json!({})));
    let path = format!("/api/v1/app/{}/endpoint", application.id());
    for types in ["filterTypes", "eventTypes"] {
        let body = json!({ "url": "http://127.0.0.1:8/", types: ["a.b"], "throttleRate": 3, "version": 2 });
        let shown = stage.call("POST", &path, Some(body)).await.json();
        let expected = json!({
            "filterTypes": ["a.b"], "eventTypes": ["a.b"], "rateLimit": 3, "throttleRate": 3, "version": 2,
            "description": "", "metadata": {}, "disabled": false
        });
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&shown[field], value, "{field}");
        }
        assert!(shown["createdAt"].is_string() && shown["updatedAt"].is_string());
        assert!(shown.get("secret").is_none() && shown.get("headers").is_none(), "secrets stay secret: {shown}");
    }
    let list = stage.call("GET", &path, None).await.json();
    assert!(list.as_object().unwrap().contains_key("iterator"), "the SDKs require it");
    let plain = stage.call("POST", &path, Some(json!({ "url": "http://127.0.0.1:8/" }))).await.json();
    assert_eq!(plain["version"], json!(1), "the last 1.x SDK requires it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_organization_sees_and_changes_nothing() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let endpoint = world.endpoint(&application, "/").await;
    let message = world.publish(&application, "order.placed", json!({})).await;
    world.settled().await;
    let stranger = world.stranger();
    assert_not_found(stranger.application().get(application.clone()).await);
    assert_not_found(stranger.application().delete(application.clone()).await);
    assert_not_found(stranger.endpoint().get_secret(application.clone(), endpoint.clone()).await);
    assert_not_found(stranger.endpoint().delete(application.clone(), endpoint.clone()).await);
    assert_not_found(stranger.message().get(application.clone(), message.id.clone(), None).await);
    assert_not_found(stranger.message_attempt().list_by_msg(application.clone(), message.id, None).await);
    assert_not_found(stranger.message_attempt().list_by_endpoint(application.clone(), endpoint.clone(), None).await);
    assert_eq!(stranger.application().list(None).await.unwrap().data.len(), 0);
    assert_eq!(world.svix.endpoint().get(application, endpoint.clone()).await.unwrap().id, endpoint);
}
