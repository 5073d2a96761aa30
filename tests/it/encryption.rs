//! A stolen table tells nothing: secrets are sealed where they are stored, each in its place, by keys that can be replaced and
//! erased.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD};
use fanfare::config::Platform;
use fanfare::keys::CacheUse;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::harness::process::{Process, fanfare_binary, free_address, token};
use crate::harness::table::{Item, TABLE, items, items_of, text};
use crate::harness::{ORGANIZATION, Receiver, Stage, Way, send};

/// Thirty-two bytes that stand for nothing else.
const SECRET: [u8; 32] = *b"planted-secret-of-thirty-two-b.s";
const HEADER: &str = "planted-header-value-7f3a";
const LEGACY: &str = "planted-legacy-secret-91bc";
const INBOUND: &str = "whsec_planted-source-secret-22d0";
const PAYLOAD: &str = "planted-payload-5e1d";

fn secret_text() -> String {
    format!("whsec_{}", BASE64.encode(SECRET))
}

/// An endpoint with every kind of secret.
fn endpoint(url: &str) -> Value {
    json!({
        "url": url, "description": "planted-description", "secret": secret_text(),
        "headers": { "authorization": HEADER },
        "legacySignatures": [{ "kind": "hmac", "header": "x-old", "encoding": "hex", "secret": LEGACY }],
    })
}

fn source(application: &str) -> Value {
    json!({ "name": "Shop", "provider": { "kind": "stripe" }, "appId": application, "secret": INBOUND })
}

/// Whether any file under the folder holds these bytes, as they are or in base64, as the table keeps bytes.
fn is_on_disk(folder: &Path, planted: &[u8]) -> bool {
    let forms: Vec<Vec<u8>> = (0..3).map(|before| in_base64(planted, before)).chain([planted.to_vec()]).collect();
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| match path.is_dir() {
        true => is_on_disk(&path, planted),
        false => {
            let bytes = std::fs::read(path).unwrap();
            forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == *form))
        }
    })
}

/// What base64 makes of these bytes when so many others stand before them and any behind: the characters that are theirs alone.
fn in_base64(planted: &[u8], before: usize) -> Vec<u8> {
    let encoded = BASE64.encode([&vec![0; before], planted].concat());
    let bits = before * 8..(before + planted.len()) * 8;
    encoded.as_bytes()[bits.start.div_ceil(6)..bits.end / 6].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_no_sealed_payload_is_in_any_file_of_the_state() {
    let binary = tokio::task::spawn_blocking(fanfare_binary).await.unwrap();
    let (data, address, receiver) = (tempfile::tempdir().unwrap(), free_address(), Receiver::start().await);
    let process = Process::start_with(&binary, data.path(), address, &["--encrypt-payloads"]).await;
    let token = token();
    let call = async |path: &str, body: Value| {
        let request = http::Request::post(path).header("authorization", format!("Bearer {token}"));
        let request = request.header("content-type", "application/json").body(Full::new(body.to_string().into()));
        send(address, request.unwrap()).await.json()
    };
    receiver.verify("/works", &secret_text());
    let application = call("/api/v1/app", json!({ "name": "Acme" })).await["id"].as_str().unwrap().to_owned();
    call(&format!("/api/v1/app/{application}/endpoint"), endpoint(&receiver.url("/works"))).await;
    let made = call("/api/v1/source", source(&application)).await;
    let inbound_token = made["ingestUrl"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let token_bytes = URL_SAFE_NO_PAD.decode(&inbound_token).unwrap().split_off(20);
    let key = call("/api/v1/auth/api-key", json!({ "name": "k", "role": "reader" })).await;
    let key_secret = URL_SAFE_NO_PAD.decode(&key["key"].as_str().unwrap()[57..]).unwrap();
    let large = json!({ "card": PAYLOAD, "filler": "x".repeat(400_000) });
    for payload in [json!({ "card": PAYLOAD }), large] {
        let message = json!({ "eventType": "a.b", "payload": payload });
        call(&format!("/api/v1/app/{application}/msg"), message).await;
    }
    let delivered = receiver.wait_at("/works", 2).await;
    assert!(delivered.iter().all(|delivery| String::from_utf8_lossy(&delivery.body).contains(PAYLOAD)));
    assert!(delivered.iter().all(|delivery| delivery.headers["authorization"] == HEADER));
    process.kill().await;

    assert!(is_on_disk(data.path(), b"planted-description"), "the search finds no text");
    assert!(is_on_disk(data.path(), digest(&SHA256, &key_secret).as_ref()), "the search finds no bytes");
    let encoded = BASE64.encode(SECRET);
    let planted = [
        encoded.as_bytes(),
        &SECRET,
        HEADER.as_bytes(),
        LEGACY.as_bytes(),
        INBOUND.as_bytes(),
        PAYLOAD.as_bytes(),
        b"xxxxxxxxxxxxxxxx",
        inbound_token.as_bytes(),
        &token_bytes,
        &key_secret,
    ];
    for secret in planted {
        assert!(!is_on_disk(data.path(), secret), "{} is on disk", String::from_utf8_lossy(secret));
    }
}

/// The stage with one endpoint that has every secret, and a source: the application, the endpoint and the source.
async fn furnished(stage: &Stage, url: &str) -> (String, String, String) {
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
    let endpoint = stage.call("POST", &format!("/api/v1/app/{application}/endpoint"), Some(endpoint(url))).await.id();
    let source = stage.call("POST", "/api/v1/source", Some(source(&application))).await.id();
    (application, endpoint, source)
}

/// Puts an item over what stands at its key.
async fn put(stage: &Stage, item: Item) {
    let client = Client::new(&stage.engines.sdk_config());
    client.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
}

async fn endpoint_items(stage: &Stage) -> Vec<Item> {
    let mut found = items_of(&stage.engines, "A#").await;
    found.retain(|item| text(item, "sk").starts_with("E#"));
    found
}

/// Functions that have just been started: nothing is in their memory.
fn restarted(stage: &Stage) -> Platform {
    let Platform { settings, sdk, effects, network, .. } = stage.platform.clone();
    Platform::new(settings, sdk, effects, network)
}

#[tokio::test]
async fn a_sealed_part_opens_in_its_own_record_only() {
    let stage = Stage::new(&[]).await;
    let (application, own, _) = furnished(&stage, "http://127.0.0.1:8/").await;
    let other = stage.endpoint(&application, "http://127.0.0.1:8/other").await;
    let path = |id: &str| format!("/api/v1/app/{application}/endpoint/{id}/secret");
    assert_eq!(stage.call("GET", &path(&own), None).await.json()["key"], secret_text());

    let found = endpoint_items(&stage).await;
    let of = |id: &str| found.iter().find(|item| text(item, "id") == id).unwrap().clone();
    let mut swapped = of(&other);
    swapped.insert("sealed".to_owned(), of(&own)["sealed"].clone());
    put(&stage, swapped).await;
    assert_eq!(stage.call("GET", &path(&other), None).await.status, 500, "another record's secrets were shown");
    assert_eq!(stage.call("GET", &path(&own), None).await.status, 200);

    let mut changed = of(&own);
    let AttributeValue::B(blob) = &changed["sealed"] else { panic!("it is not sealed") };
    let mut bytes = blob.as_ref().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    changed.insert("sealed".to_owned(), AttributeValue::B(bytes.into()));
    put(&stage, changed).await;
    assert_eq!(stage.call("GET", &path(&own), None).await.status, 500, "a changed part was opened");

    let mut plain = of(&own);
    plain.remove("sealed");
    plain.insert("secret".to_owned(), AttributeValue::S(secret_text()));
    plain.insert("erased".to_owned(), AttributeValue::Bool(false));
    put(&stage, plain).await;
    assert_ne!(stage.call("GET", &path(&own), None).await.status, 200, "a plain secret was taken for a sealed one");
}

#[tokio::test]
async fn an_organizations_key_does_not_open_for_another() {
    let stage = Stage::new(&[]).await;
    furnished(&stage, "http://127.0.0.1:8/").await;
    let stranger = stage.stranger();
    let headers = [("authorization", stranger.as_str())];
    let path = "/api/v1/app?get_if_exists=true";
    let theirs = stage.call_with_headers("POST", path, Some(json!({ "name": "T" })), &headers).await.id();
    let create = format!("/api/v1/app/{theirs}/endpoint");
    let body = Some(json!({ "url": "http://127.0.0.1:8/" }));
    let made = stage.call_with_headers("POST", &create, body, &headers).await.id();

    // The wrapped key of the one under the name of the other: KMS is told whose it should be, and refuses.
    let keys = items_of(&stage.engines, "K#").await;
    let is_own = |item: &&Item| text(item, "pk").ends_with(&ORGANIZATION["org_".len()..]);
    let own = keys.iter().find(is_own).unwrap();
    let mut moved = keys.iter().find(|item| !is_own(item)).unwrap().clone();
    moved.insert("envelope".to_owned(), own["envelope"].clone());
    put(&stage, moved).await;
    let manage = manage::router(&restarted(&stage));
    let request = http::Request::get(format!("{create}/{made}/secret")).header("authorization", &stranger);
    let request = request.body(axum::body::Body::empty()).unwrap();
    assert_eq!(tower::ServiceExt::oneshot(manage, request).await.unwrap().status(), 500);
}

#[tokio::test]
async fn after_a_rotation_what_was_sealed_opens_and_what_is_written_has_the_new_key() {
    let (stage, receiver) = (Stage::new(&[]).await, Receiver::start().await);
    receiver.ignore_time();
    let (application, endpoint, _) = furnished(&stage, &receiver.url("/")).await;
    receiver.verify("/", &secret_text());
    let numbers = async || -> Vec<u32> {
        let number =
            |item: &Item| u32::from_be_bytes(item["sealed"].as_b().unwrap().as_ref()[1..5].try_into().unwrap());
        endpoint_items(&stage).await.iter().map(number).collect()
    };
    assert_eq!(numbers().await, [1]);
    let made = stage.call("POST", "/api/v1/encryption-key/rotate", None).await;
    assert_eq!((made.status.as_u16(), made.json()["number"].as_u64()), (201, Some(2)));
    assert_eq!(numbers().await, [1], "what is there was written again");
    stage.publish(&application, None, json!({})).await;
    assert_eq!(stage.deliver_all().await, 1);
    let path = format!("/api/v1/app/{application}/endpoint/{endpoint}");
    stage.call("PATCH", &path, Some(json!({ "description": "Newer" }))).await.json();
    assert_eq!(numbers().await, [2]);
    stage.publish(&application, None, json!({})).await;
    assert_eq!((stage.deliver_all().await, receiver.at("/").len()), (1, 2));

    // A key that is too old is replaced without anybody asking.
    stage.clock.forward_s(91 * 24 * 3_600);
    let manage = manage::router(&restarted(&stage));
    let patch = Some(json!({ "description": "Newest" }));
    assert_eq!(stage.call_router(manage, "PATCH", &path, patch, None).await.status, 200);
    assert_eq!(numbers().await, [3]);
    let listed = stage.call("GET", "/api/v1/encryption-key", None).await.json();
    let listed: Vec<_> = listed["data"].as_array().unwrap().iter().map(|key| key["number"].as_u64().unwrap()).collect();
    assert_eq!(listed, [1, 2, 3]);
}

#[tokio::test]
async fn what_is_sealed_with_an_erased_key_is_gone_for_good() {
    let (stage, receiver) = (Stage::new(&[("FANFARE_ENCRYPT_PAYLOADS", "true")]).await, Receiver::start().await);
    let (application, endpoint, source) = furnished(&stage, &receiver.url("/")).await;
    let message = stage.publish(&application, None, json!({ "card": PAYLOAD })).await.id();
    let message = format!("/api/v1/app/{application}/msg/{message}");
    assert_eq!(stage.call("GET", &message, None).await.json()["payload"]["card"], PAYLOAD);
    let before = items(&stage.engines).await;

    let erase = |organization: &str| Some(json!({ "organization": organization }));
    let wrong = stage.call("POST", "/api/v1/encryption-key/erase", erase("org_2AnotherOrganization0000000")).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(stage.call("GET", &message, None).await.json()["payload"]["card"], PAYLOAD);
    assert_eq!(stage.call("POST", "/api/v1/encryption-key/erase", erase(ORGANIZATION)).await.status, 204);
    assert_eq!(stage.call("POST", "/api/v1/encryption-key/erase", erase(ORGANIZATION)).await.status, 204);

    // As every function that has not lately had the key in memory sees it, also when somebody brings all other items back.
    for item in before.into_iter().filter(|item| !text(item, "pk").starts_with("K#")) {
        put(&stage, item).await;
    }
    let platform = restarted(&stage);
    let (manage, history) = (manage::router(&platform), history::router(&platform));
    let endpoints = format!("/api/v1/app/{application}/endpoint");
    let get =
        async |router: &axum::Router, path: &str| stage.call_router(router.clone(), "GET", path, None, None).await;
    assert_eq!(get(&manage, &format!("{endpoints}/{endpoint}")).await.status, 404);
    assert_eq!(get(&manage, &format!("/api/v1/source/{source}")).await.status, 404);
    assert_eq!(get(&manage, &endpoints).await.json()["data"], json!([]));
    assert_ne!(get(&history, &message).await.json()["payload"]["card"], PAYLOAD);
    let tasks = stage.receive().await;
    let door = deliver::Door::new(&platform);
    assert_eq!((tasks.len(), stage.hand_to(&door, &tasks).await.len(), receiver.at("/").len()), (1, 0, 0));

    // The organization goes on with a new key, which is not the old one.
    let made =
        stage.call_router(manage.clone(), "POST", &endpoints, Some(json!({ "url": receiver.url("/") })), None).await;
    assert_eq!(made.status, 201);
    assert_eq!(get(&manage, &format!("{endpoints}/{}", made.id())).await.status, 200);
    let keys = get(&manage, "/api/v1/encryption-key").await.json();
    let state: Vec<_> = keys["data"].as_array().unwrap().iter().map(|key| key["erasedAt"].is_string()).collect();
    assert_eq!(state, [true, false]);
}

#[tokio::test]
async fn kms_is_asked_once_for_an_organization_and_waited_for_when_it_fails() {
    let (stage, receiver) = (Stage::new(&[]).await, Receiver::start().await);
    receiver.ignore_time();
    receiver.verify("/", &secret_text());
    let (application, _, _) = furnished(&stage, &receiver.url("/")).await;
    assert_eq!((stage.faults.calls("GenerateDataKey"), stage.faults.calls("Decrypt")), (1, 0));
    for _ in 0..100 {
        stage.publish(&application, None, json!({})).await;
    }
    let platform = restarted(&stage);
    let (door, tasks) = (deliver::Door::new(&platform), stage.receive().await);
    let count = tasks.len();
    stage.faults.next("Decrypt", Way::BROKEN, 1);
    assert_eq!((stage.hand_to(&door, &tasks).await.len(), receiver.at("/").len()), (count, 0), "none may be lost");
    stage.faults.end();
    assert_eq!((stage.hand_to(&door, &tasks).await.len(), receiver.at("/").len()), (0, count));
    for _ in 0..50 {
        let more = stage.receive().await;
        stage.hand_to(&door, &more).await;
    }
    assert_eq!((receiver.at("/").len(), stage.faults.calls("Decrypt")), (100, 2));
    // One miss that failed, one that asked KMS, and then memory only.
    let CacheUse { hits, misses } = platform.keys.cache_use();
    assert!(misses == 2 && hits >= 9, "{hits} hits, {misses} misses");

    let manage = manage::router(&restarted(&stage));
    let (path, body) = (format!("/api/v1/app/{application}/endpoint"), Some(json!({ "url": "http://127.0.0.1:8/" })));
    let before = items(&stage.engines).await.len();
    stage.faults.next("Decrypt", Way::BROKEN, 1);
    assert_eq!(stage.call_router(manage, "POST", &path, body, None).await.status, 503);
    stage.faults.end();
    assert_eq!(items(&stage.engines).await.len(), before);
}
