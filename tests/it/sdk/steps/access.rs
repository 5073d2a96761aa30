//! Steps 10 and 13: what a portal's token may do and how it ends, and how errors are told.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::sdk::api::Svix;
use super::super::sdk::error::Error;
use super::super::sdk::models::{AppPortalAccessIn, ApplicationIn, ApplicationTokenExpireIn, EndpointIn, MessageIn};
use super::{PORTAL_URL, Scenario, as_caller, assert_refused};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_10_portal() {
    let scenario = Scenario::start().await;
    let authentication = scenario.svix.authentication();
    let (a, b) = (scenario.application("step-10-a").await, scenario.application("step-10-b").await);
    let (a, b) = (|| a.clone(), || b.clone());
    let endpoint = scenario.endpoint(&a(), "/10").await.id;
    scenario.event_type("step10.seen").await;

    let access = async |read_only: Option<bool>| {
        #[allow(deprecated)] // and still sent by many
        let asked = AppPortalAccessIn { read_only, ..AppPortalAccessIn::new() };
        let given = authentication.app_portal_access(a(), asked, None).await.unwrap();
        assert!(given.url.starts_with(PORTAL_URL), "{}", given.url);
        as_caller(&scenario.world, &given.token)
    };
    let (visitor, other, reader) = (access(None).await, access(None).await, access(Some(true)).await);
    let url = scenario.world.receiver.url("/10/new");
    let new = || EndpointIn::new(url.clone());
    let endpoints = async |caller: &Svix| BTreeSet::from_iter(each!(id of caller.endpoint().list(a(), None)));

    assert_eq!(endpoints(&visitor).await, BTreeSet::from([endpoint.clone()]));
    let created = visitor.endpoint().create(a(), new(), None).await.unwrap();
    assert_eq!(scenario.svix.endpoint().get(a(), created.id.clone()).await.unwrap().url, url);
    let both = BTreeSet::from([endpoint, created.id]);
    assert_refused(visitor.endpoint().list(b(), None).await, 404, "not_found");
    let application = ApplicationIn::new("No".to_owned());
    assert_refused(visitor.application().create(application, None).await, 403, "forbidden");
    let message = MessageIn::new("step10.seen".to_owned(), json!({}));
    assert_refused(visitor.message().create(a(), message, None).await, 403, "forbidden");
    assert_eq!(endpoints(&reader).await, both);
    assert_refused(reader.endpoint().create(a(), new(), None).await, 403, "forbidden");

    visitor.authentication().logout(None).await.unwrap();
    assert_refused(visitor.endpoint().list(a(), None).await, 401, "authentication_failed");
    assert_eq!(endpoints(&other).await, both, "the other one is not logged out");
    authentication.expire_all(a(), ApplicationTokenExpireIn::new(), None).await.unwrap();
    assert_refused(other.endpoint().list(a(), None).await, 401, "authentication_failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_13_errors() {
    let scenario = Scenario::start().await;
    let unknown = scenario.svix.application().get("step-13-unknown".to_owned()).await;
    assert_refused(unknown, 404, "not_found");

    let app = scenario.application("step-13").await;
    let wrong = EndpointIn::new("not a url".to_owned());
    match scenario.svix.endpoint().create(app, wrong, None).await {
        Err(Error::Validation(error)) => {
            assert_eq!(error.status.as_u16(), 422);
            let detail = &error.payload.expect("details that the SDK reads").detail[0];
            assert_eq!((detail.loc.join("."), detail.r#type.as_str()), ("body.url".to_owned(), "value_error"));
            assert!(!detail.msg.is_empty());
        }
        other => panic!("422 expected: {other:?}"),
    }

    let stranger = as_caller(&scenario.world, "not a token");
    assert_refused(stranger.application().list(None).await, 401, "authentication_failed");
}
