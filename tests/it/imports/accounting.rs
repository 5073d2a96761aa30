//! What became of each record.

use fanfare::domain::import::{Encoding, Format};
use serde_json::{Value, json};

use super::{gzip, line, numbers, payload, status};
use crate::harness::{FileMaker, Stage};

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).unwrap()
}

#[tokio::test]
async fn every_record_is_delivered_and_the_numbers_say_so() {
    let (stage, receiver, application, _) = Stage::with_receiver("5").await;
    let file: String = (0..1_234).map(|number| line(number, None)).collect();
    let import = stage.import(Some(&application), file.as_bytes()).await;
    assert_eq!((status(&import), numbers(&import)), ("finished", [1_234, 1_234, 0, 0]));
    assert_eq!(import["bytesRead"], file.len());
    assert_eq!(stage.deliver_all().await, 1_234);
    let mut seen: Vec<u64> = receiver.at("/").iter().map(|delivery| payload(delivery)["n"].as_u64().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..1_234).collect::<Vec<u64>>());
}

#[tokio::test]
async fn every_format_in_every_packing_says_the_same() {
    let lines = [
        r#"{"eventType":"order.placed","eventId":"a","channels":["shop"],"payload":{"n":"1"}}"#,
        r#"{"eventType":"order.paid","eventId":"b","payload":{"n":"2, \"two\""}}"#,
    ];
    let ndjson = lines.join("\r\n");
    let array = format!("[\n{} ,\n {}]\n", lines[0], lines[1]);
    let csv = "eventType,eventId,channels,n\norder.placed,a,shop,1\norder.paid,b,,\"2, \"\"two\"\"\"\n";
    let pack = |encoding: &str, bytes: &[u8]| match encoding {
        "gzip" => gzip(bytes),
        "zstd" => zstd(bytes),
        _ => bytes.to_vec(),
    };
    for (format, text) in [("ndjson", ndjson.as_str()), ("json", &array), ("csv", csv)] {
        for encoding in ["plain", "gzip", "zstd"] {
            let stage = Stage::new(&[]).await;
            let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
            let import = stage.import(Some(&application), &pack(encoding, text.as_bytes())).await;
            assert_eq!((status(&import), numbers(&import)), ("finished", [2, 2, 0, 0]), "{format} {encoding}");
            assert_eq!((&import["format"], &import["encoding"]), (&json!(format), &json!(encoding)));
            let message = |id: &str| {
                let path = format!("/api/v1/app/{application}/msg/{id}");
                let stage = &stage;
                async move { stage.call("GET", &path, None).await.json() }
            };
            let (first, second) = (message("a").await, message("b").await);
            assert_eq!(first["channels"], json!(["shop"]), "{format} {encoding}");
            assert_eq!((&first["payload"], &second["payload"]), (&json!({ "n": "1" }), &json!({ "n": "2, \"two\"" })));
            assert_eq!(second["eventType"], "order.paid");
        }
    }
}

#[tokio::test]
async fn columns_mean_what_the_import_says_they_mean() {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let csv = "kunde;ereignis;daten\nx;id-1;\"{\"\"a\"\":1}\"\n";
    let columns = json!({ "eventId": "ereignis", "payload": "daten", "defaultEventType": "customer.changed" });
    let import = stage.import_with(Some(&application), csv.as_bytes(), columns).await;
    assert_eq!((status(&import), numbers(&import)), ("finished", [1, 1, 0, 0]), "{import}");
    let message = stage.call("GET", &format!("/api/v1/app/{application}/msg/id-1"), None).await.json();
    assert_eq!((&message["eventType"], &message["payload"]), (&json!("customer.changed"), &json!({ "a": 1 })));
}

#[tokio::test]
async fn a_bad_record_is_listed_and_the_others_count() {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let file = [
        line(1, Some("same")).into_bytes(),
        b"not json\n".to_vec(),
        b"\n".to_vec(),
        br#"{"eventType":"a b","payload":{}}"#.to_vec(),
        b"\n".to_vec(),
        br#"{"eventType":"a","payload":[1]}"#.to_vec(),
        b"\n\xff\xfe{}\n".to_vec(),
        line(1, Some("same")).into_bytes(),
        line(2, Some("same")).into_bytes(),
        br#"{"eventType":"a","payload":{},"application":"nobody"}"#.to_vec(),
    ]
    .concat();
    let import = stage.import(Some(&application), &file).await;
    assert_eq!((status(&import), numbers(&import)), ("finished", [8, 1, 1, 6]), "{import}");
    let rejected = stage.rejected(&import).await;
    let lines: Vec<u64> = rejected.iter().map(|rejected| rejected["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 4, 5, 6, 8, 9], "{rejected:?}");
    let reasons = ["not JSON", "eventType: ", "payload: ", "UTF-8", "eventId", "application: "];
    for (rejected, reason) in rejected.iter().zip(reasons) {
        assert!(rejected["reason"].as_str().unwrap().contains(reason), "{rejected} should say {reason}");
    }
    let offset = rejected[1]["offset"].as_u64().unwrap() as usize;
    assert!(file[offset..].starts_with(br#"{"eventType":"a b""#));
}

#[tokio::test]
async fn one_file_for_many_applications_says_which_record_is_whose() {
    let stage = Stage::new(&[]).await;
    let uids = ["red", "blue"];
    for uid in uids {
        stage.call("POST", "/api/v1/app", Some(json!({ "name": uid, "uid": uid }))).await.id();
    }
    let record = |uid: &str| json!({ "eventType": "a", "payload": {}, "application": uid }).to_string();
    let file = [record("red"), record("blue"), record("red"), line(1, None).trim().to_owned()].join("\n");
    let import = stage.import(None, file.as_bytes()).await;
    assert_eq!((status(&import), numbers(&import)), ("finished", [4, 3, 0, 1]));
    for (uid, count) in uids.into_iter().zip([2, 1]) {
        assert_eq!(stage.messages(uid).await.len(), count, "{uid}");
    }
    assert!(stage.rejected(&import).await[0]["reason"].as_str().unwrap().starts_with("application: "));
}

#[tokio::test]
async fn the_same_file_again_is_known_by_its_event_ids() {
    let (stage, _receiver, application, _) = Stage::with_receiver("5").await;
    let file: String = (0..700).map(|number| line(number, Some(&format!("event-{number}")))).collect();
    let first = stage.import(Some(&application), file.as_bytes()).await;
    let again = stage.import(Some(&application), file.as_bytes()).await;
    assert_eq!((numbers(&first), numbers(&again)), ([700, 700, 0, 0], [700, 0, 700, 0]));
    assert_eq!(stage.deliver_all().await, 700);
}

#[tokio::test]
async fn a_record_and_a_publish_with_one_event_id_are_one_message() {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let path = format!("/api/v1/app/{application}/msg");
    let publish = |payload: Value| {
        stage.call("POST", &path, Some(json!({ "eventType": "order.placed", "eventId": "e", "payload": payload })))
    };
    let published = publish(json!({ "n": 1 })).await.id();
    let same = stage.import(Some(&application), line(1, Some("e")).as_bytes()).await;
    let other = stage.import(Some(&application), line(2, Some("e")).as_bytes()).await;
    assert_eq!((numbers(&same), numbers(&other)), ([1, 0, 1, 0], [1, 0, 0, 1]));
    assert_eq!(stage.messages(&application).await.len(), 1);

    stage.import(Some(&application), line(3, Some("f")).as_bytes()).await;
    let body = json!({ "eventType": "order.placed", "eventId": "f", "payload": { "n": 3 } });
    let repeated = stage.call("POST", &path, Some(body)).await;
    assert_ne!(repeated.id(), published);
    assert_eq!(stage.messages(&application).await.len(), 2);
}

#[tokio::test]
async fn records_without_event_ids_are_told_apart_by_their_place() {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let import = stage.import(Some(&application), line(1, None).repeat(3).as_bytes()).await;
    assert_eq!(numbers(&import), [3, 3, 0, 0]);
    assert_eq!(stage.messages(&application).await.len(), 3);
}

#[tokio::test]
async fn a_large_payload_arrives_and_a_schema_is_held_against() {
    let (stage, receiver, application, _) = Stage::with_receiver("5").await;
    let schema = json!({ "type": "object", "required": ["n"] });
    let body = json!({ "name": "strict", "description": "", "schemas": { "1": schema }, "schemaValidation": "reject" });
    let made = stage.call("POST", "/api/v1/event-type", Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let large = json!({ "eventType": "large", "payload": { "text": "x".repeat(900_000) } });
    let broken = json!({ "eventType": "strict", "payload": { "m": 1 } });
    let file = format!("{large}\n{broken}\n");
    let import = stage.import(Some(&application), file.as_bytes()).await;
    assert_eq!(numbers(&import), [2, 1, 0, 1]);
    assert!(stage.rejected(&import).await[0]["reason"].as_str().unwrap().starts_with("payload"));
    stage.deliver_all().await;
    assert_eq!(payload(&receiver.at("/")[0])["text"].as_str().unwrap().len(), 900_000);
}

#[tokio::test]
async fn what_is_bad_in_a_file_is_listed_in_every_format_and_packing() {
    let all = |format| [Encoding::Plain, Encoding::Gzip, Encoding::Zstd].map(|encoding| (format, encoding));
    for (format, encoding) in [Format::Ndjson, Format::JsonArray, Format::Csv].into_iter().flat_map(all) {
        let made = FileMaker { format, encoding, records: 1_500, bad_every: 40, seed: 11 }.make();
        let stage = Stage::new(&[]).await;
        let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
        let import = stage.import(Some(&application), &made.stored).await;
        let (good, bad) = (made.good.len() as u64, made.bad.len() as u64);
        assert_eq!(
            (status(&import), numbers(&import)),
            ("finished", [good + bad, good, 0, bad]),
            "{format:?} {encoding}"
        );
        let place = |rejected: &Value| (rejected["line"].as_u64().unwrap(), rejected["offset"].as_u64().unwrap());
        let listed: Vec<_> = stage.rejected(&import).await.iter().map(place).collect();
        let expected: Vec<_> = made.bad.iter().map(|bad| (bad.number, bad.offset)).collect();
        assert_eq!(listed, expected, "{format:?} {encoding}");
    }
}
