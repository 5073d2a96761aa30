//! When an endpoint's URL is looked at, and what a refused attempt means for the delivery.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use fanfare::domain::url::EndpointUrl;
use fanfare::network::{Network, Stream};
use fanfare::sender::Destinations;
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::harness::{Names, Receiver, Stage};

const PUBLIC: &str = "93.184.216.34";

/// A stage without exceptions, its name server, and the endpoints of an application.
async fn strict() -> (Stage, Arc<Names>, String) {
    let names = Arc::new(Names::default());
    let stage = Stage::with_network(&[("FANFARE_ALLOWED_SUBNETS", "")], names.clone()).await;
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
    (stage, names, format!("/api/v1/app/{application}/endpoint"))
}

#[tokio::test]
async fn a_name_is_looked_up_once_when_an_endpoint_is_given_it_and_not_otherwise() {
    let (stage, names, path) = strict().await;
    names.tell("a.example", &[PUBLIC]);
    names.tell("b.example", &[PUBLIC]);
    let own = format!("{path}/own");
    let (a, b) = ("https://a.example/", "https://b.example/");
    let steps = [
        ("POST", &path, json!({ "url": a }), vec!["a.example"]),
        ("PUT", &own, json!({ "url": a }), vec!["a.example"]), // makes it
        ("PUT", &own, json!({ "url": a }), vec![]),
        ("PUT", &own, json!({ "url": b }), vec!["b.example"]),
        ("PATCH", &own, json!({ "url": b }), vec![]),
        ("PATCH", &own, json!({ "description": "mine" }), vec![]),
        ("PATCH", &own, json!({ "url": a }), vec!["a.example"]),
    ];
    for (method, path, body, lookups) in steps {
        let answer = stage.call(method, path, Some(body.clone())).await;
        assert!(answer.status.is_success(), "{method} {body}: {answer:?}");
        assert_eq!(names.take_lookups(), lookups, "{method} {body}");
    }
}

#[tokio::test]
async fn a_change_to_a_hostile_url_is_refused_and_changes_nothing() {
    let (stage, names, path) = strict().await;
    names.tell("good.example", &[PUBLIC]);
    names.tell("bad.example", &["10.0.0.1"]);
    let made = stage.call("POST", &path, Some(json!({ "url": "https://good.example/", "uid": "own" }))).await.json();
    for url in ["https://bad.example/", "https://127.1/", "https://db/", "https://good.example:25/"] {
        for method in ["PUT", "PATCH"] {
            let answer = stage.call(method, &format!("{path}/own"), Some(json!({ "url": url }))).await;
            assert_eq!(answer.status, 422, "{method} {url}");
            assert_eq!(answer.json()["detail"][0]["loc"], json!(["body", "url"]), "{method} {url}");
        }
    }
    assert_eq!(stage.call("GET", &format!("{path}/own"), None).await.json(), made);
}

#[tokio::test]
async fn an_operational_endpoint_is_no_way_around() {
    let (stage, names, _) = strict().await;
    names.tell("bad.example", &["169.254.169.254"]);
    for url in ["https://bad.example/", "https://[::1]/", "https://metadata.google.internal/"] {
        let answer = stage.call("POST", "/api/v1/operational-webhook/endpoint", Some(json!({ "url": url }))).await;
        assert_eq!(answer.status, 422, "{url}: {answer:?}");
    }
}

#[tokio::test]
async fn a_name_without_addresses_is_taken_for_they_may_come_later() {
    let (stage, names, path) = strict().await;
    names.tell("empty.example", &[""]);
    for url in ["https://unknown.example/", "https://empty.example/"] {
        assert_eq!(stage.call("POST", &path, Some(json!({ "url": url }))).await.status, 201, "{url}");
    }
}

/// Never answers.
struct Silent;

impl Network for Silent {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(std::future::pending())
    }

    fn connect(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_server_that_does_not_answer_holds_nobody_up_for_long() {
    let started = tokio::time::Instant::now();
    let url = EndpointUrl::parse("https://slow.example/").unwrap();
    assert_eq!(Destinations::new(&[], Arc::new(Silent)).check(&url).await, Ok(()));
    assert_eq!(started.elapsed().as_secs(), 2);
}

#[tokio::test]
async fn where_a_network_is_allowed_its_names_are_allowed_and_its_neighbours_are_not() {
    let names = Arc::new(Names::default());
    names.tell("hooks.corp.internal", &["127.0.0.1"]);
    names.tell("database.corp.internal", &["10.0.0.1"]);
    let stage = Stage::with_network(&[("FANFARE_ALLOWED_SUBNETS", "127.0.0.1/32")], names.clone()).await;
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
    let path = format!("/api/v1/app/{application}/endpoint");
    let hosts = [
        ("hooks.corp.internal", 201),
        ("127.1", 201),
        ("database.corp.internal", 422),
        ("127.0.0.2", 422),
        ("[::1]", 422),
    ];
    for (host, status) in hosts {
        let answer = stage.call("POST", &path, Some(json!({ "url": format!("http://{host}/") }))).await;
        assert_eq!(answer.status, status, "{host}: {answer:?}");
    }
}

#[tokio::test]
async fn a_forbidden_address_is_a_failed_attempt_and_a_mended_name_is_found_by_the_next() {
    let names = Arc::new(Names::default());
    names.tell("hooks.example", &["127.0.0.1", "10.0.0.1", "127.0.0.1"]);
    let stage = Stage::with_network(&[("FANFARE_RETRY_SCHEDULE", "60")], names.clone()).await;
    let receiver = Receiver::start().await;
    receiver.ignore_time();
    let url = receiver.url("/").replace("127.0.0.1", "hooks.example");
    let (application, endpoint) = stage.application_with_endpoint(&url).await;
    receiver.verify("/", &stage.secret(&application, &endpoint).await);
    let message = stage.publish(&application, None, json!({})).await.id();
    stage.deliver_all().await;
    assert_eq!(receiver.deliveries().len(), 0, "{:?}", names.take_connections());
    stage.clock.forward_s(120);
    stage.deliver_all().await;
    let attempts = stage.attempts(&application, &message).await;
    assert_eq!(attempts.len(), 2);
    assert!(
        attempts[0]["response"].as_str().unwrap().contains("not sent: the host has an address of the class: private")
    );
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    assert_eq!(receiver.deliveries()[0].headers["host"], host, "the name stays the name");
    let at: SocketAddr = format!("127.0.0.1:{}", host.rsplit_once(':').unwrap().1).parse().unwrap();
    assert_eq!(names.take_connections(), [at]);
}

#[tokio::test]
async fn a_name_that_stays_forbidden_ends_with_the_schedule() {
    let names = Arc::new(Names::default());
    names.tell("hooks.example", &["127.0.0.1", "10.0.0.1"]);
    let stage = Stage::with_network(&[("FANFARE_RETRY_SCHEDULE", "60,60")], names.clone()).await;
    let (application, endpoint) = stage.application_with_endpoint("http://hooks.example/").await;
    let message = stage.publish(&application, None, json!({})).await.id();
    for _ in 0..6 {
        stage.deliver_all().await;
        stage.clock.forward_s(120);
    }
    let attempts = stage.attempts(&application, &message).await;
    assert_eq!((attempts.len(), names.take_lookups().len()), (3, 1 + 3), "bounded");
    assert_eq!(stage.backlog().await, (0, 0));
    let path = format!("/api/v1/app/{application}/msg/{message}/endpoint");
    let standing = stage.call("GET", &path, None).await.json();
    assert_eq!(
        (&standing["data"][0]["id"], &standing["data"][0]["status"]),
        (&json!(endpoint), &json!(2)),
        "{standing}"
    );
    assert_eq!(names.take_connections(), []);
}
