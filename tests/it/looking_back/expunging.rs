//! Contents are removed: nobody sees them, nobody delivers them, and a repeat does not bring them back.

use serde_json::{Value, json};

use super::Scene;
use crate::harness::table::{items, items_of};
use crate::harness::{Reply, Way};

/// A word that must not be left anywhere.
const SECRET: &str = "b7f1c0ffee";

/// Payloads in an item, compressed in an item, and in the bucket.
fn payloads() -> [Value; 3] {
    let filler = |bytes: usize| {
        // Does not compress well, so that the last one really needs the bucket.
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b"abcdefghijklmnopqrstuvwxyzABCDEF"[(state % 32) as usize])
        };
        (0..bytes).map(|_| next()).collect::<String>()
    };
    [0, 2_000, 400_000].map(|bytes| json!({ "secret": SECRET, "filler": filler(bytes) }))
}

async fn objects(scene: &Scene) -> usize {
    let s3 = aws_sdk_s3::Client::new(&scene.stage.engines.sdk_config());
    let bucket = &scene.stage.platform.settings.bucket;
    s3.list_objects_v2().bucket(bucket).send().await.unwrap().contents().len()
}

async fn expunge(scene: &Scene, message: &str) {
    let answer = scene.call("DELETE", &format!("/msg/{message}/content"), None).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""), "{message}");
}

#[tokio::test]
async fn a_removed_payload_is_gone_and_the_message_is_not() {
    let scene = Scene::new("").await;
    for payload in payloads() {
        let message =
            scene.publish_answered(json!({ "payload": payload, "eventId": "order-7", "tags": ["t"] }), 204).await;
        assert_eq!(scene.get("/msg/order-7").await["payload"], payload);
        // Twice, and by its event id: removed is removed.
        expunge(&scene, "order-7").await;
        expunge(&scene, &message).await;
        let gone = json!({ "expired": true });
        let shown = scene.get(&format!("/msg/{message}")).await;
        assert_eq!((&shown["payload"], &shown["eventId"], &shown["tags"]), (&gone, &json!("order-7"), &json!(["t"])));
        assert_eq!(scene.get(&format!("/msg/{message}?with_content=false")).await["payload"], json!({}));
        assert_eq!(scene.list("/msg?limit=1", "payload").await, vec![gone.clone()]);
        assert_eq!(scene.list(&format!("/endpoint/{}/msg?limit=1", scene.endpoint), "payload").await, [gone]);
        assert_eq!(scene.stage.attempts(&scene.application, &message).await.len(), 1, "what happened stays");
        assert!(!format!("{:?}", items(&scene.stage.engines).await).contains(SECRET));
        assert_eq!(objects(&scene).await, 0);
        let code =
            scene.refused("POST", &format!("/msg/{message}/endpoint/{}/resend", scene.endpoint), None, 400).await;
        assert_eq!(code, json!("missing_payload"));

        // A repeat finds the message as it is; another event under the same name is still another.
        let body = json!({ "eventType": "order.placed", "payload": payload, "eventId": "order-7", "tags": ["t"] });
        let repeat = scene.call("POST", "/msg", Some(body)).await;
        assert_eq!((repeat.status.as_u16(), repeat.id()), (202, message.clone()));
        assert_eq!(repeat.json()["payload"], json!({ "expired": true }));
        let other = json!({ "eventType": "order.placed", "payload": {}, "eventId": "order-7" });
        assert_eq!(scene.refused("POST", "/msg", Some(other), 409).await, json!("conflict"));
        scene.stage.clock.forward_s(60);
        assert_eq!((scene.stage.deliver_all().await, objects(&scene).await), (0, 0), "the repeat brought it back");
        assert_eq!(scene.get(&format!("/msg/{message}")).await["payload"], json!({ "expired": true }));
        // The next round uses the same event id.
        scene.stage.clock.forward_s(1);
        forget(&scene, &message).await;
    }
}

/// What TTL does when the message's time is over, but now.
async fn forget(scene: &Scene, message: &str) {
    let dynamodb = aws_sdk_dynamodb::Client::new(&scene.stage.engines.sdk_config());
    let table = &scene.stage.platform.settings.table;
    for item in items_of(&scene.stage.engines, "M#").await {
        let delete = dynamodb.delete_item().table_name(table).key("pk", item["pk"].clone());
        delete.key("sk", item["sk"].clone()).send().await.unwrap();
    }
    assert_eq!(scene.call("GET", &format!("/msg/{message}"), None).await.status, 404);
}

#[tokio::test]
async fn retries_of_a_removed_payload_are_not_made() {
    // One retry waits in the queue with its payload inside, one in the due index without.
    for schedule in ["60", "7200"] {
        let scene = Scene::new(schedule).await;
        let message = scene.publish_answered(json!({}), 500).await;
        expunge(&scene, &message).await;
        let standing = scene.list(&format!("/endpoint/{}/msg", scene.endpoint), "statusText").await;
        assert_eq!(standing, [json!("canceled")]);
        scene.stage.clock.forward_s(schedule.parse::<i64>().unwrap() + 60);
        scene.stage.sweep().await;
        assert_eq!(scene.stage.deliver_all().await, 1, "{schedule}");
        assert_eq!(scene.receiver.of(&message).len(), 1, "{schedule}: it was sent again");
        assert_eq!(scene.stage.backlog().await.0, 0, "{schedule}: it is over");
    }
}

#[tokio::test]
async fn a_first_attempt_that_has_to_look_does_not_send_a_removed_payload() {
    let scene = Scene::new("").await;
    // Too large to travel along.
    let large = scene.publish(json!({ "payload": { "a": "x".repeat(60_000) } })).await;
    expunge(&scene, &large).await;
    let standing = scene.list(&format!("/msg/{large}/endpoint"), "statusText").await;
    assert_eq!(standing, [json!("canceled")]);
    // Handed out before, and not finished.
    let small = scene.publish(json!({})).await;
    assert_eq!(scene.stage.receive().await.len(), 2);
    expunge(&scene, &small).await;
    scene.stage.clock.forward_s(360);
    assert_eq!((scene.stage.deliver_all().await, scene.receiver.deliveries().len()), (2, 0));
}

#[tokio::test]
async fn a_removal_that_was_cut_short_is_finished_by_the_next() {
    let scene = Scene::new("").await;
    let [small, _, large] = payloads();
    let message = scene.publish(json!({ "payload": small })).await;
    let path = format!("/msg/{message}/content");
    for passes in [0, 1] {
        scene.stage.faults.after("UpdateItem", passes, Way::BROKEN, 1);
        assert_eq!(scene.call("DELETE", &path, None).await.status, 503, "{passes}");
        scene.stage.faults.end();
    }
    expunge(&scene, &message).await;
    let message = scene.publish(json!({ "payload": large })).await;
    scene.stage.faults.next("DeleteObject", Way::BROKEN, 1);
    assert_eq!(scene.call("DELETE", &format!("/msg/{message}/content"), None).await.status, 503);
    scene.stage.faults.end();
    assert_eq!(objects(&scene).await, 1);
    expunge(&scene, &message).await;
    assert_eq!(objects(&scene).await, 0);
}

#[tokio::test]
async fn many_messages_are_expunged_in_one_request() {
    let scene = Scene::new("").await;
    let mut messages = Vec::new();
    for number in 0..20 {
        messages.push(scene.publish(json!({ "eventId": format!("order-{number}") })).await);
    }
    let left = messages.pop().unwrap();
    let mut ids: Vec<String> = messages.iter().skip(1).cloned().collect();
    ids.extend(["order-0", "order-99", "msg_nothing", "a b", ""].map(str::to_owned));
    let answer = scene.call("POST", "/msg/bulk-expunge", Some(json!({ "ids": ids }))).await.json();
    let results = answer["results"].as_object().unwrap();
    assert_eq!(results.len(), ids.len());
    for (id, result) in results {
        let is_there = messages.contains(id) || id == "order-0";
        assert_eq!(result, if is_there { "expunged" } else { "not-found" }, "{id:?}");
    }
    for message in &messages {
        assert_eq!(scene.get(&format!("/msg/{message}")).await["payload"], json!({ "expired": true }));
    }
    assert_eq!(scene.get(&format!("/msg/{left}")).await["payload"], json!({ "n": 1 }));
    for nothing in [json!({}), json!({ "ids": null }), json!({ "ids": [] })] {
        assert_eq!(scene.call("POST", "/msg/bulk-expunge", Some(nothing)).await.json(), json!({ "results": {} }));
    }
    let many: Vec<_> = (0..501).map(|number| format!("order-{number}")).collect();
    for (bad, place) in
        [(json!({ "ids": many }), json!(["body", "ids"])), (json!({ "ids": "x" }), json!(["body", "ids"]))]
    {
        assert_eq!(scene.refused("POST", "/msg/bulk-expunge", Some(bad), 422).await, place);
    }
}

#[tokio::test]
async fn a_removed_answer_is_gone_and_how_it_ended_is_not() {
    let scene = Scene::new("5").await;
    scene.receiver.on("/", |_| Reply::Text(SECRET.to_owned()));
    let message = scene.publish(json!({})).await;
    scene.stage.deliver_all().await;
    let before = scene.stage.attempts(&scene.application, &message).await.remove(0);
    let attempt = before["id"].as_str().unwrap();
    assert_eq!(before["response"], SECRET);
    let path = format!("/msg/{message}/attempt/{attempt}");
    for _ in 0..2 {
        assert_eq!(scene.call("DELETE", &format!("{path}/content"), None).await.status, 204);
    }
    let mut expected = before.clone();
    expected["response"] = json!("EXPUNGED");
    assert_eq!(scene.get(&path).await, expected);
    assert_eq!(scene.list(&format!("/attempt/endpoint/{}", scene.endpoint), "response").await, [json!("EXPUNGED")]);
    assert!(!format!("{:?}", items(&scene.stage.engines).await).contains(SECRET));
    assert_eq!(
        scene.get(&format!("/msg/{message}")).await["payload"],
        json!({ "n": 1 }),
        "the payload is another matter"
    );
    assert_eq!(scene.get(&format!("/endpoint/{}/stats", scene.endpoint)).await["success"], 1);

    let other = scene.publish(json!({})).await;
    let stored = items(&scene.stage.engines).await.len();
    for path in [
        format!("/msg/{other}/attempt/{attempt}/content"),
        format!("/msg/{message}/attempt/none/content"),
        format!("/msg/none/attempt/{attempt}/content"),
        "/msg/none/content".to_owned(),
        "/msg/msg_000000000000000000000000000/content".to_owned(),
    ] {
        assert_eq!(scene.refused("DELETE", &path, None, 404).await, json!("not_found"), "{path}");
    }
    assert_eq!(items(&scene.stage.engines).await.len(), stored, "nothing was written for what is not there");
}
