//! Step 12: an endpoint of the organization itself, for what the gateway has to tell about its work.

use super::super::sdk::models::{
    OperationalWebhookEndpointHeadersIn, OperationalWebhookEndpointIn, OperationalWebhookEndpointSecretIn,
};
use super::super::{EventTypes, OperationalPut, event_types_of, put_operational, put_operational_headers};
use super::{Scenario, assert_refused, pairs, strings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_12_operational_webhooks() {
    let scenario = Scenario::start().await;
    let operational = scenario.svix.operational_webhook();
    let client = operational.endpoint();
    let uid = || "step-12".to_owned();
    let url = scenario.world.receiver.url("/12");
    let wanted = Some(strings::<EventTypes>(&["endpoint.created", "message.attempt.exhausted"]));
    let mut new = OperationalWebhookEndpointIn {
        uid: Some(uid()),
        description: Some("Ours".to_owned()),
        metadata: Some(pairs(&[("team", "ops")])),
        ..OperationalWebhookEndpointIn::new(url.clone())
    };
    event_types_of!(new) = wanted.clone();
    let created = client.create(new, None).await.unwrap();
    assert_eq!((&created.url, &event_types_of!(created)), (&url, &wanted));
    assert_eq!((created.description.as_str(), &created.metadata), ("Ours", &pairs(&[("team", "ops")])));
    assert_eq!(client.get(created.id.clone()).await.unwrap(), created);
    assert_eq!(client.get(uid()).await.unwrap(), created);
    assert_eq!(each!(id of client.list(None)), std::slice::from_ref(&created.id));

    let new_url = format!("{url}/new");
    let put = OperationalPut { uid: Some(uid()), ..OperationalPut::new(new_url.clone()) };
    let replaced = put_operational(&scenario.svix, uid(), put).await.unwrap();
    assert_eq!((replaced.id, replaced.url), (created.id.clone(), new_url));

    let secret = client.get_secret(uid()).await.unwrap().key;
    assert!(secret.starts_with("whsec_"));
    client.rotate_secret(uid(), OperationalWebhookEndpointSecretIn::new(), None).await.unwrap();
    assert_ne!(client.get_secret(uid()).await.unwrap().key, secret);

    let headers = pairs(&[("x-tenant", "acme"), ("authorization", "Bearer abc")]);
    let put = OperationalWebhookEndpointHeadersIn::new(headers);
    put_operational_headers(&scenario.svix, uid(), put).await.unwrap();
    let shown = client.get_headers(uid()).await.unwrap();
    assert_eq!(shown.headers, pairs(&[("x-tenant", "acme")]));
    assert_eq!(shown.sensitive.into_iter().collect::<Vec<_>>(), ["authorization"]);

    client.delete(uid()).await.unwrap();
    assert_refused(client.get(uid()).await, 404, "not_found");
    assert_refused(client.get(created.id).await, 404, "not_found");
}
