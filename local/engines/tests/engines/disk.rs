//! What is there after a restart, and after a process that was killed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use aws_sdk_dynamodb::Client as Table;
use aws_sdk_s3::Client as Objects;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use fanfare_engines::{Durability, OpenError};

use super::table::{item, make_table};
use super::*;

/// Writes that are acknowledged before the process is killed.
const ACKNOWLEDGED: usize = 50;

fn open(directory: &Path) -> Engines {
    Engines::on_disk(directory, Durability::ProcessKill, system_clock()).unwrap()
}

#[tokio::test]
async fn state_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    for durability in [Durability::ProcessKill, Durability::PowerLoss] {
        let path = directory.path().join(format!("{durability:?}"));
        let clock = ManualClock::new();
        let url = {
            let engines = Engines::on_disk(&path, durability, clock.clock()).unwrap();
            let (sqs, table) = (Sqs::new(&engines.sdk_config()), Table::new(&engines.sdk_config()));
            let url = make_queue(&sqs, "q", &[(QueueAttributeName::VisibilityTimeout, "77")]).await;
            send(&sqs, &url, "deleted").await;
            delete(&sqs, &url, &receive(&sqs, &url, 1).await[0]).await;
            let grouped = sqs.send_message().queue_url(&url).message_body("kept").message_group_id("g");
            grouped.send().await.unwrap();
            sqs.send_message().queue_url(&url).message_body("later").delay_seconds(60).send().await.unwrap();
            assert_eq!(bodies(&receive(&sqs, &url, 10).await), ["kept"]);
            make_table(&table).await;
            table.put_item().table_name("table").set_item(Some(item("a", "1", &[]))).send().await.unwrap();
            let objects = Objects::new(&engines.sdk_config());
            objects.create_bucket().bucket("imports").send().await.unwrap();
            objects.put_object().bucket("imports").key("a").body(b"x".to_vec().into()).send().await.unwrap();
            url
        };
        let engines = Engines::on_disk(&path, durability, clock.clock()).unwrap();
        let sqs = Sqs::new(&engines.sdk_config());
        let kept = receive(&sqs, &url, 10).await;
        assert_eq!(bodies(&kept), ["kept"], "in flight before, so visible at once; the delay goes on");
        let system = kept[0].attributes().unwrap();
        assert_eq!(system[&MessageSystemAttributeName::MessageGroupId], "g");
        assert_eq!(system[&MessageSystemAttributeName::ApproximateReceiveCount], "2");
        clock.forward_s(60);
        assert_eq!(bodies(&receive(&sqs, &url, 10).await), ["later"]);
        let attributes = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
        let attributes = attributes.send().await.unwrap().attributes.unwrap();
        assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "77");
        assert_eq!(Table::new(&engines.sdk_config()).scan().table_name("table").send().await.unwrap().count(), 1);
        let object = Objects::new(&engines.sdk_config()).get_object().bucket("imports").key("a").send().await.unwrap();
        assert_eq!(object.content_length(), Some(1));
    }
}

#[tokio::test]
async fn a_backlog_larger_than_the_memory_for_it_comes_from_the_disk() {
    const MIB: usize = 1024 * 1024;
    let directory = tempfile::tempdir().unwrap();
    let sent: Vec<_> = (0..20).map(|number| format!("{number:02}{}", "x".repeat(MIB - 2))).collect();
    let clock = ManualClock::new();
    let engines = Engines::on_disk(directory.path(), Durability::default(), clock.clock()).unwrap();
    let sqs = Sqs::new(&engines.sdk_config());
    let url = make_queue(&sqs, "q", &[]).await;
    for body in &sent {
        send(&sqs, &url, body).await;
    }
    assert!(bodies(&receive(&sqs, &url, 10).await) == sent[..10]);
    assert!(bodies(&receive(&sqs, &url, 10).await) == sent[10..]);
    drop((sqs, engines));
    let engines = Engines::on_disk(directory.path(), Durability::default(), clock.clock()).unwrap();
    let sqs = Sqs::new(&engines.sdk_config());
    assert!(bodies(&receive(&sqs, &url, 10).await) == sent[..10]);
    assert!(bodies(&receive(&sqs, &url, 10).await) == sent[10..]);
}

#[tokio::test]
async fn a_directory_belongs_to_one_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    let config = first.sdk_config();
    let second = || Engines::on_disk(directory.path(), Durability::default(), system_clock());
    assert!(matches!(second(), Err(OpenError::InUse { .. })));
    drop(first);
    assert!(matches!(second(), Err(OpenError::InUse { .. })), "a client's configuration still uses it");
    drop(config);
    assert!(second().is_ok());
}

/// The test below runs this one as a process of its own, gives it a directory, and kills it while it writes.
#[tokio::test]
#[ignore = "run by the next test"]
async fn writes_until_it_is_killed() {
    let mut directory = String::new();
    std::io::stdin().read_line(&mut directory).unwrap();
    if directory.trim().is_empty() {
        return;
    }
    let engines = open(Path::new(directory.trim()));
    let (sqs, table) = (Sqs::new(&engines.sdk_config()), Table::new(&engines.sdk_config()));
    let url = make_queue(&sqs, "q", &[]).await;
    make_table(&table).await;
    for number in 0_u64.. {
        send(&sqs, &url, &number.to_string()).await;
        table.put_item().table_name("table").set_item(Some(item("a", &number.to_string(), &[]))).send().await.unwrap();
        println!("acknowledged {number}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_the_killing_of_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "disk::writes_until_it_is_killed", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", directory.path().display()).unwrap();
    // Not dropped before the kill: the child would fail to print, and end in good order.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let acknowledged = lines.by_ref().filter(|line| line.contains("acknowledged")).take(ACKNOWLEDGED).count();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(acknowledged, ACKNOWLEDGED);

    let engines = open(directory.path());
    let sqs = Sqs::new(&engines.sdk_config());
    let url = sqs.get_queue_url().queue_name("q").send().await.unwrap().queue_url.unwrap();
    let mut found = std::collections::HashSet::new();
    loop {
        let received = receive(&sqs, &url, 10).await;
        if received.is_empty() {
            break;
        }
        found.extend(received.iter().map(|message| message.body().unwrap().to_owned()));
    }
    assert!((0..ACKNOWLEDGED).all(|number| found.contains(&number.to_string())), "{found:?}");
    let items = Table::new(&engines.sdk_config()).scan().table_name("table").send().await.unwrap().count();
    assert!(usize::try_from(items).unwrap() >= ACKNOWLEDGED, "{items}");
}
