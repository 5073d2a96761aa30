//! How much the engines do in a second, through the whole SDK stack and on the cores of this machine.
//!
//! `cargo bench -p fanfare-engines` (or with `--profile dev`, what tests and the quick local run are built with).
//! Figures for people; nothing here passes or fails. A word behind `--` chooses lines: `-- disk`, `-- deleted`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool that prints figures, and stops when it cannot")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client as Table;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, PutRequest, ScalarAttributeType,
    WriteRequest,
};
use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry};
use fanfare_engines::{Durability, Engines, system_clock};

/// Callers at once, like 16 connections to the gateway.
const CALLERS: usize = 16;
/// How long each figure is measured.
const LENGTH: Duration = Duration::from_secs(3);
/// Bytes of a body or payload.
const PAYLOAD_BYTES: usize = 512;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    measure("in memory", &Engines::in_memory(system_clock()).unwrap()).await;
    for durability in [Durability::ProcessKill, Durability::PowerLoss] {
        // Below the target directory, because a temporary directory may be memory.
        let directory = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
        let engines = Engines::on_disk(directory.path(), durability, system_clock()).unwrap();
        measure(&format!("on disk, {durability:?}"), &engines).await;
    }
}

async fn measure(place: &str, engines: &Engines) {
    let table = Table::new(&engines.sdk_config());
    make_table(&table).await;
    report(place, "conditional puts", |caller, n| put(table.clone(), format!("{caller}/{n}"))).await;
    report(place, "items in batches of 25", |caller, n| put_batch(table.clone(), format!("{caller}/{n}"))).await;
    let sqs = Sqs::new(&engines.sdk_config());
    let url = sqs.create_queue().queue_name("q").send().await.unwrap().queue_url.unwrap();
    report(place, "messages sent, received, deleted", |caller, _| round_trip(sqs.clone(), url.clone(), caller)).await;
    report(place, "the same in batches of 10", |caller, _| batch_round_trip(sqs.clone(), url.clone(), caller)).await;
    wake_up(place, &sqs, &url).await;
}

/// Runs `step` from all callers for a while; it says how many things it did.
async fn report<F>(place: &str, what: &str, step: impl Fn(usize, usize) -> F)
where
    F: Future<Output = usize> + Send + 'static,
{
    if !is_chosen(place, what) {
        return;
    }
    let done = Arc::new(AtomicUsize::new(0));
    let mut callers = tokio::task::JoinSet::new();
    let started = Instant::now();
    let mut next = [0; CALLERS];
    for (caller, number) in next.iter_mut().enumerate() {
        callers.spawn(counted(caller, step(caller, *number), Arc::clone(&done)));
    }
    while let Some(caller) = callers.join_next().await {
        let caller: usize = caller.unwrap();
        if started.elapsed() < LENGTH {
            next[caller] += 1;
            callers.spawn(counted(caller, step(caller, next[caller]), Arc::clone(&done)));
        }
    }
    let rate = done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    println!("{place:>22}: {rate:>8.0} {what} a second");
}

/// Whether every word of the command line occurs in the line.
fn is_chosen(place: &str, what: &str) -> bool {
    let line = format!("{place}: {what}");
    std::env::args().skip(1).filter(|word| !word.starts_with("--")).all(|word| line.contains(&word))
}

async fn counted(caller: usize, step: impl Future<Output = usize>, done: Arc<AtomicUsize>) -> usize {
    done.fetch_add(step.await, Ordering::Relaxed);
    caller
}

async fn make_table(table: &Table) {
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build().unwrap();
    let attribute = AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::S);
    let create = table.create_table().table_name("table").billing_mode(BillingMode::PayPerRequest).key_schema(key);
    create.attribute_definitions(attribute.build().unwrap()).send().await.unwrap();
}

fn item(key: String) -> HashMap<String, AttributeValue> {
    let payload = AttributeValue::S("x".repeat(PAYLOAD_BYTES));
    HashMap::from([("pk".to_owned(), AttributeValue::S(key)), ("payload".to_owned(), payload)])
}

async fn put(table: Table, key: String) -> usize {
    let put = table.put_item().table_name("table").set_item(Some(item(key)));
    put.condition_expression("attribute_not_exists(pk)").send().await.unwrap();
    1
}

async fn put_batch(table: Table, key: String) -> usize {
    let write = |number: usize| {
        let put = PutRequest::builder().set_item(Some(item(format!("{key}/{number}")))).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    table.batch_write_item().request_items("table", (0..25).map(write).collect()).send().await.unwrap();
    25
}

async fn round_trip(sqs: Sqs, url: String, caller: usize) -> usize {
    let body = "x".repeat(PAYLOAD_BYTES);
    let send = sqs.send_message().queue_url(&url).message_body(body).message_group_id(caller.to_string());
    send.send().await.unwrap();
    let received = sqs.receive_message().queue_url(&url).send().await.unwrap();
    for message in received.messages() {
        let handle = message.receipt_handle().unwrap();
        sqs.delete_message().queue_url(&url).receipt_handle(handle).send().await.unwrap();
    }
    received.messages().len()
}

async fn batch_round_trip(sqs: Sqs, url: String, caller: usize) -> usize {
    let entry = |number: usize| {
        let entry = SendMessageBatchRequestEntry::builder().id(number.to_string());
        entry.message_body("x".repeat(PAYLOAD_BYTES)).message_group_id(caller.to_string()).build().unwrap()
    };
    sqs.send_message_batch().queue_url(&url).set_entries(Some((0..10).map(entry).collect())).send().await.unwrap();
    let received = sqs.receive_message().queue_url(&url).max_number_of_messages(10).send().await.unwrap();
    let deletion = |(number, message): (usize, &aws_sdk_sqs::types::Message)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
        entry.receipt_handle(message.receipt_handle().unwrap()).build().unwrap()
    };
    let deletions: Vec<_> = received.messages().iter().enumerate().map(deletion).collect();
    if !deletions.is_empty() {
        sqs.delete_message_batch().queue_url(&url).set_entries(Some(deletions)).send().await.unwrap();
    }
    received.messages().len()
}

/// How long a message takes from the sender's call to a consumer that waits for it.
async fn wake_up(place: &str, sqs: &Sqs, url: &str) {
    if !is_chosen(place, "wake up") {
        return;
    }
    sqs.purge_queue().queue_url(url).send().await.unwrap();
    let mut waits = Vec::new();
    for _ in 0..200 {
        let poll = sqs.receive_message().queue_url(url).wait_time_seconds(20);
        let poll = tokio::spawn(async move { poll.send().await.map(|_| Instant::now()) });
        tokio::time::sleep(Duration::from_millis(2)).await;
        let started = Instant::now();
        sqs.send_message().queue_url(url).message_body("x").send().await.unwrap();
        waits.push(poll.await.unwrap().unwrap() - started);
    }
    waits.sort();
    println!(
        "{place:>22}: {:>8} µs from send to a waiting receive (median; p99 {} µs)",
        waits[100].as_micros(),
        waits[198].as_micros()
    );
}
