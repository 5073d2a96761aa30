//! Attempts by tag, with their messages, and as older SDKs ask for them.

use serde_json::{Value, json};

use super::Scene;

#[tokio::test]
async fn attempts_are_found_by_the_tags_of_their_messages() {
    let scene = Scene::new("5,7200").await;
    let tagged = scene.publish_answered(json!({ "tags": ["red", "blue"] }), 404).await;
    scene.publish_answered(json!({ "tags": ["green"] }), 404).await;
    scene.publish_answered(json!({}), 404).await;
    // Tags travel through the queue, the due index and a resend alike.
    scene.stage.clock.forward_s(5);
    scene.stage.deliver_all().await;
    scene.stage.clock.forward_s(7_200);
    scene.stage.sweep().await;
    scene.stage.deliver_all().await;
    scene.resend(&tagged, &scene.endpoint).await;
    scene.stage.deliver_all().await;
    let of = async |path: String| scene.list(&path, "msgId").await;
    let by_endpoint = format!("/attempt/endpoint/{}", scene.endpoint);
    assert_eq!(of(format!("{by_endpoint}?tag=blue")).await, vec![json!(tagged); 4]);
    assert_eq!(of(format!("{by_endpoint}?tag=yellow")).await, Vec::<Value>::new());
    assert_eq!(of(by_endpoint).await.len(), 10);
    assert_eq!(of(format!("/attempt/msg/{tagged}?tag=red")).await.len(), 4);
    assert_eq!(of(format!("/attempt/msg/{tagged}?tag=green")).await.len(), 0);
}

#[tokio::test]
async fn attempts_come_with_their_messages_when_that_is_asked() {
    let scene = Scene::new("5").await;
    let message = scene.publish_answered(json!({ "eventId": "order-7", "tags": ["red"] }), 500).await;
    scene.stage.clock.forward_s(5);
    scene.stage.deliver_all().await;
    let path = format!("/attempt/endpoint/{}", scene.endpoint);
    let shown = scene.list(&format!("{path}?with_msg=true&expanded_statuses=true"), "msg").await;
    assert_eq!(shown.len(), 2);
    for shown in shown {
        assert_eq!(
            (&shown["id"], &shown["eventId"], &shown["tags"]),
            (&json!(message), &json!("order-7"), &json!(["red"]))
        );
        assert_eq!(shown["payload"], json!({}), "the payload is asked for elsewhere");
    }
    for path in [path.clone(), format!("{path}?with_msg=false")] {
        assert!(scene.get(&path).await["data"][0].get("msg").is_none(), "{path}");
    }
    assert_eq!(scene.refused("GET", &format!("{path}?with_msg=x"), None, 422).await, json!(["query", "with_msg"]));
}

#[tokio::test]
async fn every_status_can_be_asked_for_and_attempts_have_two() {
    let scene = Scene::new("").await;
    let message = scene.publish_answered(json!({}), 500).await;
    scene.publish_answered(json!({}), 204).await;
    for (status, by_endpoint, by_message) in [(0, 1, 0), (1, 0, 0), (2, 1, 1), (3, 0, 0), (4, 0, 0)] {
        let paths = [format!("/attempt/endpoint/{}", scene.endpoint), format!("/attempt/msg/{message}")];
        for (path, count) in paths.into_iter().zip([by_endpoint, by_message]) {
            let shown = scene.get(&format!("{path}?status={status}")).await;
            assert_eq!(
                (shown["data"].as_array().unwrap().len(), &shown["done"]),
                (count, &json!(true)),
                "{path} {status}"
            );
        }
    }
}

#[tokio::test]
async fn older_sdks_find_attempts_where_they_look() {
    let scene = Scene::new("").await;
    let second = scene.endpoint("/second", &[]).await;
    let message = scene.publish_answered(json!({}), 204).await;
    let mut of_message = scene.list(&format!("/msg/{message}/attempt"), "endpointId").await;
    of_message.sort_by_key(ToString::to_string);
    let mut both = [json!(scene.endpoint), json!(second)];
    both.sort_by_key(ToString::to_string);
    assert_eq!(of_message, both);
    assert_eq!(scene.list(&format!("/msg/{message}/endpoint/{second}/attempt"), "endpointId").await, [json!(second)]);
    for path in [format!("/msg/{message}/endpoint/none/attempt"), "/msg/none/attempt".to_owned()] {
        assert_eq!(scene.refused("GET", &path, None, 404).await, json!("not_found"), "{path}");
    }
}
