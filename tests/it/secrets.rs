//! What an endpoint's deliveries carry: the owner's headers, and signatures that outlive a rotation of the secret.

use std::collections::BTreeMap;

use serde_json::json;
use svix::api::EndpointRotateSecretOptions;
use svix::models::{EndpointHeadersIn, EndpointHeadersPatchIn, EndpointSecretRotateIn};

use crate::harness::World;

fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_go_with_every_delivery_and_credentials_are_shown_to_nobody() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let endpoint = world.endpoint(&application, "/hooks").await;
    let api = world.svix.endpoint();
    let names = || (application.clone(), endpoint.clone());

    let (app, id) = names();
    let set = headers(&[("X-Shop", "7"), ("Authorization", "Bearer s3cret"), ("X-Old", "1")]);
    api.set_headers(app, id, EndpointHeadersIn::new(set)).await.unwrap();
    let (app, id) = names();
    let mut patch = EndpointHeadersPatchIn::new(headers(&[("x-shop", "8"), ("x-new", "2")]));
    patch.delete_headers = Some(vec!["X-Old".to_owned()]);
    api.patch_headers(app, id, patch).await.unwrap();

    let (app, id) = names();
    let shown = api.get_headers(app, id).await.unwrap();
    assert_eq!(shown.headers, headers(&[("x-new", "2"), ("x-shop", "8")]));
    assert_eq!(shown.sensitive.into_iter().collect::<Vec<_>>(), ["authorization"]);

    world.publish(&application, "order.placed", json!({})).await;
    let sent = world.receiver.wait_at("/hooks", 1).await.remove(0).headers;
    for (name, value) in [("x-shop", "8"), ("x-new", "2"), ("authorization", "Bearer s3cret")] {
        assert_eq!(sent[name], value);
    }
    assert!(!sent.contains_key("x-old"));

    let (app, id) = names();
    let reserved = EndpointHeadersIn::new(headers(&[("webhook-signature", "forged")]));
    assert!(api.set_headers(app, id, reserved).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rotation_both_secrets_verify_and_a_repeated_request_rotates_once() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    let endpoint = world.endpoint(&application, "/hooks").await;
    let api = world.svix.endpoint();
    let old = api.get_secret(application.clone(), endpoint.clone()).await.unwrap().key;
    let rotate = async || {
        let once = EndpointRotateSecretOptions { idempotency_key: Some("rotate-1".to_owned()) };
        let request = EndpointSecretRotateIn::new();
        api.rotate_secret(application.clone(), endpoint.clone(), request, Some(once)).await.unwrap().key
    };
    let new = rotate().await;
    assert_ne!(new, old);
    assert_eq!(rotate().await, new, "a repeat rotated again");
    assert_eq!(api.get_secret(application.clone(), endpoint.clone()).await.unwrap().key, new);

    // The receiver still knows the old secret, and verifies with it.
    world.publish(&application, "order.placed", json!({})).await;
    let delivery = world.receiver.wait_at("/hooks", 1).await.remove(0);
    standardwebhooks::Webhook::new(&new).unwrap().verify(&delivery.body, &delivery.headers).unwrap();

    // Without grace the old one is gone at once.
    let mut request = EndpointSecretRotateIn::new();
    request.grace_period_seconds = Some(0);
    let newest = api.rotate_secret(application.clone(), endpoint.clone(), request, None).await.unwrap().key;
    world.receiver.verify("/hooks", &newest);
    world.publish(&application, "order.placed", json!({})).await;
    let delivery = world.receiver.wait_at("/hooks", 2).await.remove(1);
    let with = |secret: &str| standardwebhooks::Webhook::new(secret).unwrap().verify(&delivery.body, &delivery.headers);
    assert!(with(&newest).is_ok() && with(&new).is_err());
}
