//! Invocations that die between any two calls, run out of time, come twice, or race: every record is accepted once, and the numbers are
//! exact.

use std::collections::BTreeSet;

use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};

use super::{line, numbers, payload, status};
use crate::harness::{LONG_MS, Stage, Way};

const RECORDS: usize = 1_200;

/// Lines with and without event ids, and every tenth is bad.
fn file() -> String {
    let record = |number: usize| match number % 10 {
        9 => "bad\n".to_owned(),
        odd if odd % 2 == 1 => line(number, Some(&format!("event-{number}"))),
        _ => line(number, None),
    };
    (0..RECORDS).map(record).collect()
}

fn good() -> BTreeSet<u64> {
    (0..RECORDS as u64).filter(|number| number % 10 != 9).collect()
}

fn expected() -> [u64; 4] {
    let good = good().len() as u64;
    [RECORDS as u64, good, 0, RECORDS as u64 - good]
}

/// Everything that was to arrive has arrived, under one message identifier each, and the lists are whole.
async fn check(stage: &Stage, receiver: &crate::harness::Receiver, asked: &Value, what: &str) {
    let import = stage.shown_import(asked).await;
    assert_eq!((status(&import), numbers(&import)), ("finished", expected()), "{what}: {import}");
    let rejected = stage.rejected(&import).await;
    let lines: Vec<u64> = rejected.iter().map(|rejected| rejected["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, (1..=RECORDS as u64).filter(|line| line % 10 == 0).collect::<Vec<_>>(), "{what}");
    stage.deliver_all().await;
    stage.clock.forward_s(60);
    stage.deliver_all().await;
    let mut ids: BTreeSet<(u64, String)> = BTreeSet::new();
    for delivery in receiver.at("/") {
        ids.insert((payload(&delivery)["n"].as_u64().unwrap(), delivery.id.clone()));
    }
    assert_eq!(ids.iter().map(|(number, _)| *number).collect::<Vec<_>>(), Vec::from_iter(good()), "{what}");
    assert_eq!(receiver.at("/").len(), good().len(), "{what}: whoever delivers a repeat looks before it sends");
}

async fn uploaded(stage: &Stage, application: &str) -> Value {
    let file = file();
    let asked = stage.ask_import(Some(application), file.len(), Value::Null).await;
    stage.upload(&asked, file.as_bytes()).await;
    asked
}

#[tokio::test]
async fn an_invocation_without_time_hands_the_rest_on() {
    let (stage, receiver, application, _) = Stage::with_receiver("5").await;
    let asked = uploaded(&stage, &application).await;
    let mut invocations = 0;
    while stage.read_files_once(0).await > 0 {
        invocations += 1;
    }
    assert_eq!(invocations, 4, "the beginning, and three windows");
    check(&stage, &receiver, &asked, "no time").await;
}

/// The import, where one call of this operation fails after so many that went well.
async fn with_fault(operation: &'static str, passes: usize, way: Way) {
    let (stage, receiver, application, _) = Stage::with_receiver("5").await;
    let asked = uploaded(&stage, &application).await;
    stage.faults.after(operation, passes, way, 1);
    // In the same invocation.
    stage.read_files(LONG_MS).await;
    stage.faults.end();
    check(&stage, &receiver, &asked, &format!("{operation} after {passes}: {way:?}")).await;
}

#[tokio::test]
async fn a_call_that_fails_or_whose_answer_is_lost_costs_nothing_and_counts_nothing_twice() {
    for way in [Way::AnswerLost, Way::BROKEN] {
        for (operation, passes) in [
            ("UpdateItem", 0),
            ("UpdateItem", 1),
            ("UpdateItem", 2),
            ("UpdateItem", 4),
            ("UpdateItem", 8),
            ("BatchWriteItem", 7),
            ("BatchWriteItem", 20),
            ("PutItem", 3),
            ("PutItem", 300),
            ("SendMessageBatch", 0),
            ("SendMessageBatch", 30),
            ("SendMessageBatch", 60),
            ("Query", 1),
            ("GetItem", 2),
        ] {
            with_fault(operation, passes, way).await;
        }
    }
}

#[tokio::test]
async fn an_engine_that_goes_on_refusing_leaves_the_work_to_the_queue() {
    let (stage, receiver, application, _) = Stage::with_receiver("5").await;
    let asked = uploaded(&stage, &application).await;
    // As often as an invocation tries, and once more when the message has come again.
    stage.faults.after("UpdateItem", 3, Way::THROTTLED, 6);
    stage.read_files(LONG_MS).await;
    assert_eq!(status(&stage.shown_import(&asked).await), "running");
    stage.clock.forward_s(1_801);
    stage.read_files(LONG_MS).await;
    stage.faults.end();
    check(&stage, &receiver, &asked, "throttled").await;
}

#[tokio::test]
async fn what_comes_twice_is_done_once() {
    let (stage, receiver, application, _) = Stage::with_receiver("5").await;
    let asked = uploaded(&stage, &application).await;
    let url = stage.platform.settings.import_queue_url.clone();
    let body = |message: &Message| message.body().unwrap().to_owned();
    let created = stage.receive_from(&url).await.iter().map(body).collect::<Vec<_>>();
    let again = async |bodies: &[String]| {
        for body in bodies {
            stage.sqs.send_message().queue_url(&url).message_body(body).send().await.unwrap();
        }
    };
    again(&created).await;
    again(&created).await;
    stage.read_files_once(LONG_MS).await;
    // The part, twice as well, each with time for a window only: they take it from one another.
    let parts = stage.receive_from(&url).await.iter().map(body).collect::<Vec<_>>();
    again(&parts).await;
    again(&parts).await;
    stage.read_files(0).await;
    again(&parts).await;
    again(&created).await;
    stage.read_files(LONG_MS).await;
    check(&stage, &receiver, &asked, "twice").await;
}

#[tokio::test]
async fn the_parts_of_a_large_file_are_read_at_the_same_time_and_each_line_once() {
    /// Parts are of 32 MiB.
    const FILE_BYTES: usize = 70 * 1024 * 1024;
    let stage = Stage::new(&[]).await;
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
    let filling = "x".repeat(10_000);
    let mut file = String::new();
    let mut bad = Vec::new();
    for number in 1.. {
        if file.len() >= FILE_BYTES {
            break;
        }
        if number % 100 == 0 {
            bad.push(number);
            file.push_str("{}\n");
        }
        let record = json!({ "eventType": "a", "payload": { "n": number, "filling": filling } });
        file.push_str(&format!("{record}\n"));
    }
    let asked = stage.ask_import(Some(&application), file.len(), Value::Null).await;
    stage.upload(&asked, file.as_bytes()).await;
    stage.read_files_once(LONG_MS).await;
    // A window of each in turn.
    assert_eq!(stage.read_files_once(0).await, 3);
    let import = stage.shown_import(&asked).await;
    let [read, accepted, ..] = numbers(&import);
    assert!(status(&import) == "running" && read > 1_000 && accepted < read, "{import}");
    stage.read_files(3_000).await;
    let import = stage.shown_import(&asked).await;
    let (lines, bad_count) = (file.lines().count() as u64, bad.len() as u64);
    assert_eq!((status(&import), numbers(&import)), ("finished", [lines, lines - bad_count, 0, bad_count]), "{import}");
    assert_eq!((&import["parts"], &import["partsDone"]), (&json!(3), &json!(3)));
    let rejected = stage.rejected(&import).await;
    let listed: Vec<u64> = rejected.iter().map(|rejected| rejected["line"].as_u64().unwrap()).collect();
    let expected: Vec<u64> = (1..).zip(file.lines()).filter(|(_, line)| *line == "{}").map(|(line, _)| line).collect();
    assert_eq!(listed, expected);
    for rejected in rejected.iter().step_by(7) {
        assert!(file[rejected["offset"].as_u64().unwrap() as usize..].starts_with("{}\n"), "{rejected}");
    }
}

#[tokio::test]
async fn a_part_whose_invocations_die_again_and_again_is_not_given_up_while_it_gets_on() {
    let (stage, receiver, application, _) = Stage::with_receiver("5").await;
    let asked = uploaded(&stage, &application).await;
    stage.read_files_once(LONG_MS).await;
    let url = stage.platform.settings.import_queue_url.clone();
    for windows in 1..=2 {
        // Received by somebody who dies, as often as the queue allows but once.
        for _ in 0..4 {
            assert_eq!(stage.receive_from(&url).await.len(), 1);
            stage.clock.forward_s(1_801);
        }
        stage.read_files_once(LONG_MS).await;
        let import = stage.shown_import(&asked).await;
        assert_eq!((status(&import), numbers(&import)[0]), ("running", 500 * windows), "{import}");
    }
    stage.read_files(LONG_MS).await;
    check(&stage, &receiver, &asked, "dying").await;
}

#[tokio::test]
async fn what_lies_among_the_dead_letters_fails_its_import() {
    let (stage, _receiver, application, _) = Stage::with_receiver("5").await;
    let asked = uploaded(&stage, &application).await;
    stage.read_files_once(LONG_MS).await;
    let url = stage.platform.settings.import_queue_url.clone();
    for _ in 0..6 {
        stage.receive_from(&url).await;
        stage.clock.forward_s(1_801);
    }
    assert_eq!(stage.bury().await, (1, 0));
    let import = stage.shown_import(&asked).await;
    assert_eq!((status(&import), &import["reason"]), ("failed", &json!("an internal failure; ask for it again")));
}
