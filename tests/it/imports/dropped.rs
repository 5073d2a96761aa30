//! Objects that nobody announced: files dropped into the bucket, and objects that become messages themselves.

use serde_json::{Value, json};

use super::{line, numbers, payload, status};
use crate::harness::{LONG_MS, ORGANIZATION, Stage};

async fn imports(stage: &Stage) -> Vec<Value> {
    stage.call("GET", "/api/v1/import", None).await.json()["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_dropped_file_is_imported_for_the_application_its_key_names() {
    let (stage, _receiver, _, _) = Stage::with_receiver("5").await;
    stage.call("POST", "/api/v1/app", Some(json!({ "name": "Shop", "uid": "shop" }))).await.id();
    let key = format!("drop/{ORGANIZATION}/shop/2026/november 24+.ndjson");
    let file = format!("{}bad\n", line(1, None));
    stage.put_object(&key, file.as_bytes()).await;
    stage.read_files(LONG_MS).await;
    let listed = imports(&stage).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    let import = &listed[0];
    assert_eq!((status(import), numbers(import)), ("finished", [2, 1, 0, 1]), "{import}");
    assert_eq!(import["name"], "november 24+.ndjson");
    assert_eq!(stage.messages("shop").await.len(), 1);
    let rejected = stage.object(&format!("{key}.errors.ndjson")).await.unwrap();
    assert!(rejected.starts_with(r#"{"line":2,"#), "{rejected}");

    // The list came into the bucket as well, and the same file once more.
    stage.put_object(&key, file.as_bytes()).await;
    stage.read_files(LONG_MS).await;
    assert_eq!((imports(&stage).await.len(), stage.messages("shop").await.len()), (1, 1));

    stage.put_object(&key, line(2, None).as_bytes()).await;
    stage.read_files(LONG_MS).await;
    assert_eq!((imports(&stage).await.len(), stage.messages("shop").await.len()), (2, 2));
}

#[tokio::test]
async fn a_dropped_file_that_is_replaced_before_it_is_read_is_given_up_for_the_other() {
    let stage = Stage::new(&[]).await;
    stage.call("POST", "/api/v1/app", Some(json!({ "name": "Shop", "uid": "shop" }))).await.id();
    let key = format!("drop/{ORGANIZATION}/shop/orders.ndjson");
    stage.put_object(&key, line(1, None).as_bytes()).await;
    stage.put_object(&key, line(2, None).repeat(2).as_bytes()).await;
    stage.read_files(LONG_MS).await;
    let mut ends: Vec<_> = imports(&stage).await.iter().map(|one| (status(one).to_owned(), numbers(one))).collect();
    ends.sort();
    assert_eq!(ends, [("failed".to_owned(), [0; 4]), ("finished".to_owned(), [2, 2, 0, 0])]);
}

#[tokio::test]
async fn a_dropped_file_may_say_in_each_record_whose_it_is() {
    let stage = Stage::new(&[]).await;
    stage.call("POST", "/api/v1/app", Some(json!({ "name": "Shop", "uid": "shop" }))).await.id();
    let csv = "eventType,application,n\norder.placed,shop,1\norder.placed,nobody,2\n";
    stage.put_object(&format!("drop/{ORGANIZATION}/orders.csv"), csv.as_bytes()).await;
    stage.read_files(LONG_MS).await;
    let listed = imports(&stage).await;
    assert_eq!((status(&listed[0]), numbers(&listed[0])), ("finished", [2, 1, 0, 1]));
}

#[tokio::test]
async fn what_names_nobody_is_left_alone_and_an_unknown_application_is_said() {
    let stage = Stage::new(&[]).await;
    for key in ["drop/nobody/a.csv", "import/x/y/upload", "files/a.ndjson", "elsewhere/a.ndjson"] {
        stage.put_object(key, line(1, None).as_bytes()).await;
    }
    stage.read_files(LONG_MS).await;
    assert!(imports(&stage).await.is_empty());
    stage.put_object(&format!("drop/{ORGANIZATION}/nobody/a.ndjson"), line(1, None).as_bytes()).await;
    stage.read_files(LONG_MS).await;
    let listed = imports(&stage).await;
    assert_eq!(status(&listed[0]), "failed");
    assert!(listed[0]["reason"].as_str().unwrap().contains("no application"), "{listed:?}");
    assert_eq!(stage.backlog().await.0, 0);
}

#[tokio::test]
async fn an_object_under_files_becomes_a_message_with_an_address_to_get_it() {
    let (stage, receiver, application, _) = Stage::with_receiver("5").await;
    let key = format!("files/{ORGANIZATION}/{application}/reports/may.pdf");
    stage.put_object(&key, b"%PDF-1.7").await;
    stage.put_object(&format!("files/{ORGANIZATION}/nobody/may.pdf"), b"%PDF-1.7").await;
    stage.read_files(LONG_MS).await;
    stage.deliver_all().await;
    let delivered = receiver.at("/");
    assert_eq!(delivered.len(), 1);
    let told = payload(&delivered[0]);
    assert_eq!(
        (&told["type"], &told["data"]["key"], &told["data"]["size"]),
        (&json!("file.created"), &json!(key), &json!(8))
    );
    assert_eq!(told["data"]["etag"].as_str().unwrap().len(), 32, "{told}");
    let url = url::Url::parse(told["data"]["url"].as_str().unwrap()).unwrap();
    assert!(url.path().ends_with("/reports/may.pdf") && url.query().unwrap().contains("X-Amz-Signature="), "{url}");
}

#[tokio::test]
async fn an_event_that_tells_of_an_object_twice_makes_one_message() {
    let (stage, receiver, application, _) = Stage::with_receiver("5").await;
    stage.put_object(&format!("files/{ORGANIZATION}/{application}/may.pdf"), b"%PDF-1.7").await;
    let url = stage.platform.settings.import_queue_url.clone();
    for message in stage.receive_from(&url).await {
        for _ in 0..2 {
            stage.sqs.send_message().queue_url(&url).message_body(message.body().unwrap()).send().await.unwrap();
        }
    }
    // The second time, the address is another one.
    stage.read_files_once(LONG_MS).await;
    stage.clock.forward_s(60);
    stage.read_files(LONG_MS).await;
    stage.deliver_all().await;
    let messages: std::collections::BTreeSet<_> = receiver.at("/").into_iter().map(|delivery| delivery.id).collect();
    assert_eq!((messages.len(), stage.messages(&application).await.len()), (1, 1));
}
