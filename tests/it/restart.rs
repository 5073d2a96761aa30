//! What was accepted is delivered, also when the gateway is killed in the middle of its work, again and again; and its files
//! are whole.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use svix::api::{MessageCreateOptions, Svix};
use svix::models::{ApplicationIn, EndpointIn, MessageIn};

use crate::harness::process::{Process, client, fanfare_binary, free_address};
use crate::harness::{Receiver, Reply, eventually};

const PUBLISHERS: usize = 8;
/// Accepted messages after which the process is killed.
const ACCEPTED_PER_ROUND: usize = 50;

/// What publishers share.
#[derive(Default)]
struct Load {
    accepted: Mutex<BTreeSet<String>>,
    is_over: AtomicBool,
}

/// Posts messages until it is over; those that were accepted are noted.
async fn publish(svix: Svix, application: String, name: String, load: Arc<Load>) {
    for number in 0.. {
        if load.is_over.load(Ordering::SeqCst) {
            return;
        }
        let message = MessageIn::new("order.placed".to_owned(), json!({ "from": name, "n": number }));
        let options = MessageCreateOptions { idempotency_key: Some(format!("{name}-{number}")), ..Default::default() };
        if let Ok(accepted) = svix.message().create(application.clone(), message, Some(options)).await {
            load.accepted.lock().unwrap().insert(accepted.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_before_a_kill_is_delivered_after_the_restart() {
    check_kills(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute; tests/lanes/slow.sh runs it"]
async fn what_was_accepted_before_twenty_kills_is_delivered() {
    check_kills(20).await;
}

/// So often the process is started, loaded and killed.
async fn check_kills(rounds: usize) {
    let binary = tokio::task::spawn_blocking(fanfare_binary).await.unwrap();
    let (data, address) = (tempfile::tempdir().unwrap(), free_address());
    let receiver = Receiver::start().await;
    // Some deliveries are in the middle of their retries, and some of their requests, when the process dies.
    receiver.on("/fails", |delivery| Reply::Status(if delivery.nth == 1 { 404 } else { 204 }));
    receiver.on("/slow", |_| Reply::Slow(Duration::from_millis(20), 200));

    let mut process = Process::start(&binary, data.path(), address).await;
    let svix = client(address);
    let application = svix.application().create(ApplicationIn::new("Acme".to_owned()), None).await.unwrap().id;
    let paths = ["/works", "/fails", "/slow"];
    for path in paths {
        let endpoint = EndpointIn::new(receiver.url(path));
        let endpoint = svix.endpoint().create(application.clone(), endpoint, None).await.unwrap().id;
        let secret = svix.endpoint().get_secret(application.clone(), endpoint).await.unwrap();
        receiver.verify(path, &secret.key);
    }

    let mut accepted = BTreeSet::new();
    for round in 0..rounds {
        let load = Arc::new(Load::default());
        let publisher = |number: usize| {
            let name = format!("{round}-{number}");
            tokio::spawn(publish(client(address), application.clone(), name, Arc::clone(&load)))
        };
        let publishers: Vec<_> = (0..PUBLISHERS).map(publisher).collect();
        let look = async || (load.accepted.lock().unwrap().len() >= ACCEPTED_PER_ROUND).then_some(());
        eventually("enough accepted messages", look).await;
        process.kill().await;
        load.is_over.store(true, Ordering::SeqCst);
        futures_util::future::try_join_all(publishers).await.unwrap();
        accepted.extend(std::mem::take(&mut *load.accepted.lock().unwrap()));
        process = Process::start(&binary, data.path(), address).await;
    }

    // A delivery counts when the receiver took it: at `/fails` the second request does.
    let missing = || {
        let mut missing = Vec::new();
        for path in paths {
            let least = if path == "/fails" { 2 } else { 1 };
            let taken = receiver.at(path).into_iter().filter(|delivery| delivery.nth >= least);
            let taken: BTreeSet<_> = taken.map(|delivery| delivery.id).collect();
            missing.extend(accepted.difference(&taken).map(|id| format!("{id} at {path}")));
        }
        missing
    };
    let look = async || missing().is_empty().then_some(());
    let all = tokio::time::timeout(Duration::from_secs(25), eventually("all deliveries", look)).await;
    assert!(all.is_ok(), "of {} accepted, never delivered: {:#?}", accepted.len(), missing());
    process.kill().await;
    for file in ["table.sqlite", "queues.sqlite"] {
        assert_eq!(integrity(&data.path().join(file)), "ok", "{file}");
    }
}

/// What SQLite says about a file of its own.
fn integrity(file: &Path) -> String {
    let database = rusqlite::Connection::open(file).unwrap();
    database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}
