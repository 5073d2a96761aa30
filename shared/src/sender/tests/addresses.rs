//! The address guard in its place beneath the pool, with a name server that says what the test wants.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

use futures_util::future::BoxFuture;

use super::*;
use crate::network::{Network, Stream};

/// One answer for each lookup; a lookup that is one too many fails.
#[derive(Default)]
struct Script(Mutex<VecDeque<Vec<IpAddr>>>);

impl Network for Script {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let answer = self.0.lock().unwrap().pop_front().ok_or(io::ErrorKind::NotFound.into());
        Box::pin(std::future::ready(answer))
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        SystemNetwork.connect(address)
    }
}

/// A name server with one line for each lookup.
fn resolving(lookups: &[&str]) -> Sender {
    let addresses = |line: &&str| line.split_whitespace().map(|address| address.parse().unwrap()).collect();
    let script = Script(Mutex::new(lookups.iter().map(addresses).collect()));
    Sender::with(&settings(LONG_MS), Arc::new(script), Roots::System)
}

/// A receiver at 127.0.0.1 that closes after every answer, under a name.
fn closing() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (report, requests) = reports();
    let address = receiver(move |_, mut stream| {
        report.send(read_request(&mut stream).unwrap()).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").unwrap();
    });
    (format!("http://hooks.example:{}/", address.port()), requests)
}

#[tokio::test]
async fn a_name_is_resolved_once_for_a_connection_and_stays_the_host() {
    let (url, mut requests) = closing();
    assert_eq!(send(&resolving(&["127.0.0.1"]), &url).await, answered(200, "ok"));
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    assert!(next(&mut requests).await.contains(&format!("\r\nhost: {host}\r\n")));
}

#[tokio::test]
async fn a_name_that_is_rebound_to_a_forbidden_address_is_refused() {
    let (url, mut requests) = closing();
    let sender = resolving(&["127.0.0.1", "127.0.0.2", "::ffff:10.0.0.1"]);
    assert_eq!(send(&sender, &url).await, answered(200, "ok"));
    assert_forbidden(send(&sender, &url).await, "loopback");
    assert_forbidden(send(&sender, &url).await, "private network");
    next(&mut requests).await;
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn one_forbidden_address_refuses_the_whole_name() {
    let (url, mut requests) = closing();
    for lookup in ["127.0.0.1 10.0.0.1", "169.254.169.254 127.0.0.1", "127.0.0.1 127.0.0.1 127.0.0.1 fe80::1"] {
        assert_forbidden(send(&resolving(&[lookup]), &url).await, "the host has an address of the class");
    }
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn a_name_without_an_address_is_unreachable() {
    assert_unreachable(send(&resolving(&[""]), "http://hooks.example/").await, "does not resolve");
    assert_unreachable(send(&resolving(&[]), "http://hooks.example/").await, "does not resolve");
    assert_unreachable(send(&sender(LONG_MS), "http://hooks.invalid/").await, "does not resolve");
}

#[tokio::test]
async fn addresses_are_tried_in_order_up_to_a_limit() {
    let (url, _requests) = closing();
    let settings = SenderSettings { allowed_subnets: vec!["127.0.0.0/8".parse().unwrap()], ..settings(LONG_MS) };
    let lookups = [("127.0.0.3 127.0.0.4 127.0.0.1", true), ("127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.1", false)];
    for (lookup, is_reached) in lookups {
        let addresses = lookup.split_whitespace().map(|address| address.parse().unwrap()).collect();
        let script = Script(Mutex::new([addresses].into()));
        let outcome = send(&Sender::with(&settings, Arc::new(script), Roots::System), &url).await;
        assert_eq!(outcome.is_success(), is_reached, "{lookup}: {outcome:?}");
    }
}

#[tokio::test]
async fn literal_addresses_are_judged_in_every_notation() {
    let sender = Sender::new(&SenderSettings { allowed_subnets: vec![], ..settings(LONG_MS) }, Arc::new(SystemNetwork));
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "127.1.",
        "[2606:4700::5efe:7f00:1]",
    ] {
        assert_forbidden(send(&sender, &format!("http://{host}:8/")).await, "loopback");
    }
    assert_forbidden(send(&sender, "http://169.254.169.254/latest/meta-data/").await, "metadata");
    assert_forbidden(send(&sender, "https://[64:ff9b::a00:1]/").await, "private network");
}

#[tokio::test]
async fn names_of_inside_are_refused_without_being_looked_up_unless_a_network_is_allowed() {
    for host in ["localhost", "db", "hooks.corp.internal", "printer.local."] {
        let strict = SenderSettings { allowed_subnets: vec![], ..settings(LONG_MS) };
        let public = Arc::new(Script(Mutex::new([vec!["93.184.216.34".parse().unwrap()]].into())));
        let sender = Sender::with(&strict, public.clone(), Roots::System);
        assert_forbidden(send(&sender, &format!("http://{host}/")).await, "the host is a name");
        assert_eq!(public.0.lock().unwrap().len(), 1, "{host} was looked up");
    }
    let (url, mut requests) = closing();
    assert_eq!(
        send(&resolving(&["127.0.0.1"]), &url.replace("hooks.example", "hooks.corp.internal")).await,
        answered(200, "ok")
    );
    assert!(next(&mut requests).await.contains("\r\nhost: hooks.corp.internal:"));
}

#[tokio::test]
async fn ports_of_other_protocols_are_refused_at_any_address() {
    for port in [0, 22, 25, 53, 6000, 6667] {
        assert_forbidden(send(&sender(LONG_MS), &format!("http://127.0.0.1:{port}/")).await, &format!("port {port} "));
    }
}

#[tokio::test]
async fn plain_http_is_refused_by_policy() {
    let (url, mut requests) = closing();
    let only = SenderSettings { https_only: true, ..settings(LONG_MS) };
    assert_forbidden(
        send(&Sender::new(&only, Arc::new(SystemNetwork)), &url.replace("hooks.example", "127.0.0.1")).await,
        "only https",
    );
    assert!(requests.try_recv().is_err());
}
