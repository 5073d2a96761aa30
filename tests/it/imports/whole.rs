//! The whole gateway, over real sockets: a file is put to the address that its import gives, `kill -9` in the middle included.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use svix::models::{ApplicationIn, EndpointIn};

use super::{line, numbers, status};
use crate::harness::process::{self, Process, fanfare_binary, free_address};
use crate::harness::{Answer, Receiver, World, eventually, send};

/// Puts a file to where the import says.
async fn put(asked: &Value, bytes: &[u8], change: impl FnOnce(&mut http::HeaderMap)) -> Answer {
    let url = url::Url::parse(asked["upload"]["parts"][0]["url"].as_str().unwrap()).unwrap();
    let address = url.socket_addrs(|| None).unwrap()[0];
    let mut request = Request::put(&url[url::Position::BeforePath..]);
    for (name, value) in asked["upload"]["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    let mut request = request.body(Full::new(Bytes::copy_from_slice(bytes))).unwrap();
    change(request.headers_mut());
    send(address, request).await
}

#[tokio::test]
async fn a_file_that_is_put_to_its_address_is_imported_and_delivered() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    world.endpoint(&application, "/").await;
    let file: String = (0..50).map(|number| line(number, None)).collect();
    let body = json!({ "size": file.len(), "contentType": "application/x-ndjson" });
    let asked = world.call("POST", &format!("/api/v1/app/{application}/import"), Some(body)).await.json();

    let refused = put(&asked, &file.as_bytes()[1..], |_| {}).await.status;
    assert_eq!(refused, 403, "a file of another size");
    let other_type = |headers: &mut http::HeaderMap| drop(headers.insert("content-type", "text/csv".parse().unwrap()));
    assert_eq!(put(&asked, file.as_bytes(), other_type).await.status, 403, "a file of another type");
    let answer = put(&asked, file.as_bytes(), |_| {}).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let path = format!("/api/v1/import/{}", asked["id"].as_str().unwrap());
    let look = async || Some(world.call("GET", &path, None).await.json()).filter(|import| status(import) == "finished");
    let import = eventually("the end of the import", look).await;
    assert_eq!(numbers(&import), [50, 50, 0, 0]);
    assert_eq!(world.receiver.wait_at("/", 50).await.len(), 50);
}

/// What a killed gateway is asked: everything may be in the middle of something.
struct Client {
    address: SocketAddr,
}

impl Client {
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {}", process::token()));
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        send(self.address, request.body(Full::new(body.into())).unwrap()).await.json()
    }
}

/// Every hundredth record is of the type that the endpoint wants; every third has an event id, and one in thirty-one is bad.
fn file(records: usize) -> String {
    let record = |number: usize| match number {
        bad if bad % 31 == 7 => format!("bad {number}\n"),
        rare if rare % 100 == 0 => format!("{}\n", json!({ "eventType": "rare", "payload": { "n": number } })),
        named if named % 3 == 0 => line(number, Some(&format!("event-{number}"))),
        _ => line(number, None),
    };
    (0..records).map(record).collect()
}

/// A file of so many records, killed so often while it is read; in the end every number is exact.
#[allow(clippy::print_stdout)] // what was measured
async fn check_kills(records: usize, kills: usize) {
    let binary = tokio::task::spawn_blocking(fanfare_binary).await.unwrap();
    let (data, address) = (tempfile::tempdir().unwrap(), free_address());
    let receiver = Receiver::start().await;
    let mut process = Process::start(&binary, data.path(), address).await;
    let (svix, client) = (process::client(address), Client { address });
    let application = svix.application().create(ApplicationIn::new("Acme".to_owned()), None).await.unwrap().id;
    let mut endpoint = EndpointIn::new(receiver.url("/"));
    endpoint.event_types = Some(["rare".to_owned()].into());
    client.call("POST", "/api/v1/event-type", Some(json!({ "name": "rare", "description": "" }))).await;
    let endpoint = svix.endpoint().create(application.clone(), endpoint, None).await.unwrap().id;
    let secret = svix.endpoint().get_secret(application.clone(), endpoint).await.unwrap();
    receiver.verify("/", &secret.key);

    let file = file(records);
    let asked =
        client.call("POST", &format!("/api/v1/app/{application}/import"), Some(json!({ "size": file.len() }))).await;
    assert_eq!(put(&asked, file.as_bytes(), |_| {}).await.status, 200);
    let path = format!("/api/v1/import/{}", asked["id"].as_str().unwrap());
    for kill in 1..=kills {
        let enough = (records * kill / (kills + 1)) as u64;
        let look = async || {
            let import = client.call("GET", &path, None).await;
            assert_ne!(status(&import), "failed", "{import}");
            (numbers(&import)[0] >= enough).then_some(())
        };
        within(Duration::from_secs(240), eventually_long(look)).await;
        let import = client.call("GET", &path, None).await;
        assert_eq!(status(&import), "running", "killed too late: {import}");
        process.kill().await;
        process = Process::start(&binary, data.path(), address).await;
    }
    let look = async || Some(client.call("GET", &path, None).await).filter(|import| status(import) != "running");
    let import = within(Duration::from_secs(240), eventually_long(look)).await;
    let bad = (0..records).filter(|number| number % 31 == 7).count() as u64;
    let all = records as u64;
    assert_eq!((status(&import), numbers(&import)), ("finished", [all, all - bad, 0, bad]), "{import}");
    println!("{records} records, killed {kills} times: {} a second", import["linesPerSecond"]);

    let rare: BTreeSet<u64> = (0..all).filter(|number| number % 100 == 0 && number % 31 != 7).collect();
    let look = async || {
        let taken = receiver.at("/");
        let numbers: BTreeSet<u64> = taken.iter().map(|one| super::payload(one)["n"].as_u64().unwrap()).collect();
        (numbers == rare).then_some(taken)
    };
    let taken = eventually("all deliveries", look).await;
    let messages: BTreeSet<&str> = taken.iter().map(|delivery| delivery.id.as_str()).collect();
    assert_eq!(messages.len(), rare.len(), "each record is one message");
    process.kill().await;
}

async fn within<T>(time: Duration, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(time, work).await.expect("in time")
}

async fn eventually_long<T>(look: impl AsyncFn() -> Option<T>) -> T {
    loop {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_in_the_middle_counts_exactly() {
    check_kills(6_000, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; tests/lanes/slow.sh runs it"]
async fn an_import_of_two_hundred_thousand_records_that_is_killed_five_times_counts_exactly() {
    check_kills(200_000, 5).await;
}
