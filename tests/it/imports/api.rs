//! Imports over the API: asked for, shown, listed, called off; who may, and what is refused.

use serde_json::{Value, json};

use super::{line, numbers, status};
use crate::harness::{LONG_MS, Stage};

async fn stage() -> (Stage, String) {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    (stage, application)
}

#[tokio::test]
async fn an_import_waits_for_its_file_and_says_where_to_put_it() {
    let (stage, application) = stage().await;
    let body = json!({ "size": 12, "name": "orders.csv", "contentType": "text/csv" });
    let path = format!("/api/v1/app/{application}/import");
    let first = stage.call_with_key("POST", &path, Some(body.clone()), Some("key")).await.json();
    let again = stage.call_with_key("POST", &path, Some(body), Some("key")).await.json();
    assert_eq!(
        (status(&first), &first["name"], &first["appId"]),
        ("waiting", &json!("orders.csv"), &json!(application))
    );
    assert_eq!(first["id"], again["id"]);
    let upload = &first["upload"];
    assert_eq!((&upload["method"], &upload["headers"]), (&json!("PUT"), &json!({ "content-type": "text/csv" })));
    assert_eq!((&upload["isMultipart"], &upload["parts"][0]["size"]), (&json!(false), &json!(12)));
    let url = url::Url::parse(upload["parts"][0]["url"].as_str().unwrap()).unwrap();
    let signed = url.query_pairs().find(|(name, _)| name == "X-Amz-SignedHeaders").unwrap().1.into_owned();
    assert!(signed.contains("content-length") && signed.contains("content-type"), "{signed}");

    let other = stage.call_with_key("POST", &path, Some(json!({ "size": 13 })), Some("key")).await;
    assert_eq!(other.status, 409);
    stage.clock.forward_s(13 * 3_600);
    assert_eq!(status(&stage.shown_import(&first).await), "expired");
}

#[tokio::test]
async fn a_file_in_several_parts_is_imported_when_it_is_completed() {
    const MIB: u64 = 1024 * 1024;
    let (stage, application) = stage().await;
    let body = json!({ "size": 1_025 * MIB });
    let asked = stage.call("POST", &format!("/api/v1/app/{application}/import"), Some(body)).await.json();
    let parts = asked["upload"]["parts"].as_array().unwrap();
    let sizes: Vec<u64> = parts.iter().map(|part| part["size"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [256 * MIB, 256 * MIB, 256 * MIB, 256 * MIB, MIB]);
    assert_eq!((&asked["upload"]["isMultipart"], &asked["upload"]["headers"]), (&json!(true), &json!({})));
    let path = format!("/api/v1/import/{}/complete", asked["id"].as_str().unwrap());
    let etag = stage.upload_part(&asked, 1, line(1, None).as_bytes()).await;
    let missing = json!([{ "number": 1, "etag": etag }, { "number": 2, "etag": "nobody's" }]);
    for parts in [json!([]), json!([{ "number": 2, "etag": "a" }]), missing] {
        assert_eq!(stage.call("POST", &path, Some(json!({ "parts": parts }))).await.status, 422, "{parts}");
    }

    let completed = stage.call("POST", &path, Some(json!({ "parts": [{ "number": 1, "etag": etag }] }))).await;
    assert_eq!(completed.status, 200, "{}", completed.text);
    // Nobody was told, say, and the answer was lost: the repeat has somebody look.
    let url = stage.platform.settings.import_queue_url.clone();
    stage.sqs.purge_queue().queue_url(&url).send().await.unwrap();
    assert_eq!(stage.call("POST", &path, Some(json!({ "parts": [{ "number": 1, "etag": etag }] }))).await.status, 200);
    stage.read_files(LONG_MS).await;
    let import = stage.shown_import(&asked).await;
    assert_eq!((status(&import), numbers(&import)), ("finished", [1, 1, 0, 0]), "{import}");
    // The answer to the completion was lost, say.
    let again = stage.call("POST", &path, Some(json!({ "parts": [{ "number": 1, "etag": etag }] }))).await;
    assert_eq!((again.status.as_u16(), &again.json()["status"]), (200, &json!("finished")));
}

#[tokio::test]
async fn an_import_that_is_called_off_reads_no_further() {
    let (stage, application) = stage().await;
    let file: String = (0..2_000).map(|number| line(number, None)).collect();
    let asked = stage.ask_import(Some(&application), file.len(), Value::Null).await;
    stage.upload(&asked, file.as_bytes()).await;
    stage.read_files_once(LONG_MS).await;
    stage.read_files_once(0).await;
    let path = format!("/api/v1/import/{}/cancel", asked["id"].as_str().unwrap());
    let canceled = stage.call("POST", &path, None).await.json();
    assert_eq!((status(&canceled), numbers(&canceled)), ("canceled", [500, 500, 0, 0]));
    stage.read_files(LONG_MS).await;
    assert_eq!(numbers(&stage.shown_import(&asked).await), [500, 500, 0, 0]);
    assert_eq!(stage.call("POST", &path, None).await.json()["status"], "canceled");

    let waiting = stage.ask_import(Some(&application), 5, Value::Null).await;
    let path = format!("/api/v1/import/{}/cancel", waiting["id"].as_str().unwrap());
    assert_eq!(stage.call("POST", &path, None).await.json()["status"], "canceled");
    stage.upload(&waiting, b"{\"a\"").await;
    stage.read_files(LONG_MS).await;
    assert_eq!(status(&stage.shown_import(&waiting).await), "canceled");
}

#[tokio::test]
async fn imports_are_listed_newest_first_for_an_application_or_for_all() {
    let (stage, application) = stage().await;
    let mut ids = Vec::new();
    for (number, application) in [Some(&*application), None, Some(&*application)].into_iter().enumerate() {
        stage.clock.forward_s(1);
        ids.push(stage.ask_import(application, number, Value::Null).await["id"].clone());
    }
    ids.reverse();
    let listed = |path: String| {
        let stage = &stage;
        async move {
            let page = stage.call("GET", &path, None).await.json();
            page["data"].as_array().unwrap().iter().map(|import| import["id"].clone()).collect::<Vec<_>>()
        }
    };
    assert_eq!(listed("/api/v1/import".to_owned()).await, ids);
    assert_eq!(listed(format!("/api/v1/app/{application}/import")).await, [ids[0].clone(), ids[2].clone()]);
    assert_eq!(listed("/api/v1/import?limit=1".to_owned()).await, [ids[0].clone()]);
    assert_eq!(listed(format!("/api/v1/import?limit=1&iterator={}", ids[0].as_str().unwrap())).await, [ids[1].clone()]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_strangers_find_nothing() {
    let (stage, application) = stage().await;
    let path = format!("/api/v1/app/{application}/import");
    let refused = [
        json!({}),
        json!({ "size": -1 }),
        json!({ "size": 50u64 * 1024 * 1024 * 1024 + 1 }),
        json!({ "size": 1, "name": "" }),
        json!({ "size": 1, "contentType": "text/\u{e9}" }),
        json!({ "size": 1, "columns": { "unknown": "a" } }),
    ];
    for body in refused {
        assert_eq!(stage.call("POST", &path, Some(body.clone())).await.status, 422, "{body}");
    }
    assert!(stage.call("GET", "/api/v1/import", None).await.json()["data"].as_array().unwrap().is_empty());

    let import = stage.ask_import(Some(&application), 5, Value::Null).await;
    let shown = format!("/api/v1/import/{}", import["id"].as_str().unwrap());
    let stranger = stage.stranger();
    for (method, path) in [("GET", shown.clone()), ("POST", format!("{shown}/cancel"))] {
        let headers = [("authorization", stranger.as_str())];
        assert_eq!(stage.call_with_headers(method, &path, None, &headers).await.status, 404, "{method} {path}");
    }
    assert_eq!(stage.call("GET", "/api/v1/import/imp_nonsense", None).await.status, 404);
    let complete = json!({ "parts": [{ "number": 1, "etag": "a" }] });
    assert_eq!(stage.call("POST", &format!("{shown}/complete"), Some(complete)).await.status, 422);
}
