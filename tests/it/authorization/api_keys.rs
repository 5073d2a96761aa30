//! API keys: shown once, kept as a hash, good until they expire or are deleted.

use serde_json::{Value, json};

use super::{api_key, status_of};
use crate::harness::table::{items, items_of};
use crate::harness::{Stage, Way};

#[tokio::test]
async fn a_key_is_shown_once_and_is_nowhere_in_the_table() {
    let stage = Stage::new(&[]).await;
    let (id, key) = api_key(&stage, json!({ "name": "Backend", "role": "owner" })).await;
    assert!(key.starts_with("fk_") && key.len() == 100, "{key}");
    assert_eq!(status_of(&stage, &key).await, 200);
    for path in ["/api/v1/auth/api-key".to_owned(), format!("/api/v1/auth/api-key/{id}")] {
        let shown = stage.call("GET", &path, None).await;
        assert!(shown.text.contains(&id) && !shown.text.contains(&key[57..]), "{shown:?}");
    }
    let stored = format!("{:?}", items(&stage.engines).await);
    assert!(stored.contains("Backend") && !stored.contains(&key[57..]));
}

#[tokio::test]
async fn a_changed_key_lets_nobody_in() {
    let stage = Stage::new(&[]).await;
    let (_, key) = api_key(&stage, json!({ "name": "k", "role": "owner" })).await;
    for at in 0..key.len() {
        let mut changed = key.clone().into_bytes();
        changed[at] = if changed[at] == b'7' { b'8' } else { b'7' };
        assert_eq!(status_of(&stage, &String::from_utf8(changed).unwrap()).await, 401, "changed at {at}");
        assert_eq!(status_of(&stage, &key[..at]).await, 401, "cut at {at}");
    }
    assert_eq!(status_of(&stage, &key).await, 200);
}

#[tokio::test]
async fn a_key_ends_with_its_time_and_with_its_deletion() {
    let stage = Stage::new(&[]).await;
    let at = stage.platform.effects.now().plus_millis(3_600_000).to_rfc3339();
    let (_, dated) = api_key(&stage, json!({ "name": "d", "role": "reader", "expiresAt": at })).await;
    let (id, deleted) = api_key(&stage, json!({ "name": "x", "role": "reader" })).await;
    assert_eq!((status_of(&stage, &dated).await, status_of(&stage, &deleted).await), (200, 200));
    let path = format!("/api/v1/auth/api-key/{id}");
    assert_eq!(stage.call("DELETE", &path, None).await.status, 204);
    assert_eq!(stage.call("DELETE", &path, None).await.status, 404);
    stage.clock.forward_ms(fanfare::http::auth::API_KEY_BELIEVED_MS);
    assert_eq!((status_of(&stage, &dated).await, status_of(&stage, &deleted).await), (200, 401));
    stage.clock.forward_s(3_600);
    assert_eq!(status_of(&stage, &dated).await, 401);
}

#[tokio::test]
async fn a_key_costs_one_read_and_is_put_on_record_once_an_hour() {
    let stage = Stage::new(&[]).await;
    let (id, key) = api_key(&stage, json!({ "name": "k", "role": "reader" })).await;
    let cost = async || {
        let before = (stage.faults.calls("GetItem"), stage.faults.calls("UpdateItem"));
        assert_eq!(status_of(&stage, &key).await, 200);
        (stage.faults.calls("GetItem") - before.0, stage.faults.calls("UpdateItem") - before.1)
    };
    assert_eq!((cost().await, cost().await), ((1, 1), (0, 0)));
    stage.clock.forward_s(31);
    assert_eq!((cost().await, cost().await), ((1, 0), (0, 0)));
    let shown = stage.call("GET", &format!("/api/v1/auth/api-key/{id}"), None).await.json();
    assert!(shown["lastUsedAt"].is_string(), "{shown}");
    stage.clock.forward_s(3_600);
    assert_eq!(cost().await, (1, 1));

    // What cannot be noted is no reason to refuse, and what cannot be read no reason to let in.
    stage.clock.forward_s(3_600);
    stage.faults.next("UpdateItem", Way::BROKEN, 1);
    assert_eq!(status_of(&stage, &key).await, 200);
    stage.faults.end();
    stage.clock.forward_s(31);
    stage.faults.next("GetItem", Way::BROKEN, 1);
    assert_eq!(status_of(&stage, &key).await, 503);
    stage.faults.end();
}

#[tokio::test]
async fn an_organization_has_so_many_keys_and_others_do_not_see_them() {
    let stage = Stage::new(&[]).await;
    for number in 0..100 {
        api_key(&stage, json!({ "name": format!("{number}"), "role": "reader" })).await;
    }
    let one_more = Some(json!({ "name": "one more", "role": "reader" }));
    let refused = stage.call("POST", "/api/v1/auth/api-key", one_more).await;
    assert_eq!((refused.status.as_u16(), refused.json()["code"].clone()), (400, json!("limit_reached")));
    assert_eq!(items_of(&stage.engines, "C#").await.len(), 100);
    let page = stage.call("GET", "/api/v1/auth/api-key?limit=30", None).await.json();
    assert_eq!((page["data"].as_array().map(Vec::len), page["done"].clone()), (Some(30), json!(false)));
    let stranger = stage.stranger();
    let theirs = stage.call_with_headers("GET", "/api/v1/auth/api-key", None, &[("authorization", &stranger)]).await;
    assert_eq!(theirs.json()["data"], Value::Array(Vec::new()));
}
