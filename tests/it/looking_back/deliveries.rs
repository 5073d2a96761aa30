//! Messages of an endpoint and endpoints of a message, each with how the delivery stands.

use serde_json::{Value, json};

use super::Scene;
use crate::harness::Reply;

/// `id` and `statusText` of each, as one text.
async fn standing(scene: &Scene, path: &str) -> Vec<String> {
    let shown = scene.get(path).await;
    let text = |item: &Value| format!("{} {}", item["id"].as_str().unwrap(), item["statusText"].as_str().unwrap());
    shown["data"].as_array().unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn the_messages_of_an_endpoint_say_how_they_stand() {
    let scene = Scene::new("5,7200").await;
    let delivered = scene.publish_answered(json!({ "channels": ["a"], "tags": ["red"] }), 204).await;
    let failed = scene.publish_answered(json!({ "eventType": "order.lost", "eventId": "order-7" }), 500).await;
    scene.stage.clock.forward_s(5);
    scene.stage.deliver_all().await;
    scene.stage.clock.forward_s(7_200);
    scene.stage.sweep().await;
    scene.stage.deliver_all().await;
    let retried = scene.publish_answered(json!({ "tags": ["red", "blue"] }), 503).await;
    let waiting = scene.publish(json!({})).await;

    let path = format!("/endpoint/{}/msg", scene.endpoint);
    let all = [format!("{retried} sending"), format!("{failed} fail"), format!("{delivered} success")];
    assert_eq!(standing(&scene, &path).await, all, "{waiting} has no attempt yet");
    let first = &scene.get(&path).await["data"][0];
    let due = scene.stage.attempts(&scene.application, &retried).await[0]["timestamp"].clone();
    assert_eq!(
        (&first["status"], &first["payload"], &first["tags"]),
        (&json!(3), &json!({ "n": 1 }), &json!(["red", "blue"]))
    );
    assert!(first["nextAttempt"].as_str() > due.as_str(), "{first}");
    let other = &scene.get(&format!("{path}?with_content=false")).await["data"][1];
    assert_eq!((&other["payload"], &other["nextAttempt"]), (&json!({}), &Value::Null));
    assert_eq!((&other["eventId"], &other["eventType"]), (&json!("order-7"), &json!("order.lost")));

    let accepted = scene.get(&format!("/msg/{failed}")).await["timestamp"].as_str().unwrap().to_owned();
    for (query, expected) in [
        ("status=0", &all[2..]),
        ("status=1", &[]),
        ("status=2", &all[1..2]),
        ("status=3", &all[..1]),
        ("status=4", &[]),
        ("channel=a", &all[2..]),
        ("tag=blue", &all[..1]),
        ("event_types=order.lost,order.found", &all[1..2]),
        ("status=2&event_types=order.placed", &[]),
        (&format!("before={accepted}"), &all[2..]),
        (&format!("before={accepted}&after={accepted}"), &[]),
    ] {
        assert_eq!(standing(&scene, &format!("{path}?{query}")).await, expected, "{query}");
    }
    let since = standing(&scene, &format!("{path}?after={accepted}")).await;
    assert_eq!(since, [all[1].clone(), all[0].clone()], "from an instant on, oldest first");

    let not_found = json!("not_found");
    assert_eq!(scene.refused("GET", "/endpoint/none/msg", None, 404).await, not_found);
    for (query, place) in
        [("status=5", "status"), ("tag=%20", "tag"), ("iterator=msg_1", "iterator"), ("limit=251", "limit")]
    {
        assert_eq!(scene.refused("GET", &format!("{path}?{query}"), None, 422).await, json!(["query", place]));
    }
}

#[tokio::test]
async fn a_delivery_is_listed_once_where_it_began_whatever_attempts_follow() {
    let scene = Scene::new("5,5").await;
    let mut expected = Vec::new();
    for _ in 0..23 {
        expected.insert(0, scene.publish_answered(json!({}), 404).await);
    }
    let (mut seen, mut iterator, mut rounds) = (Vec::new(), String::new(), 0);
    loop {
        let page = scene.get(&format!("/endpoint/{}/msg?limit=4&iterator={iterator}", scene.endpoint)).await;
        seen.extend(page["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        if page["done"] == true {
            break;
        }
        iterator = page["iterator"].as_str().unwrap().to_owned();
        // Retries of all, one attempt that a person asked for, and a new message.
        scene.stage.clock.forward_s(5);
        scene.stage.deliver_all().await;
        scene.resend(&expected[rounds], &scene.endpoint).await;
        scene.publish_answered(json!({}), 404).await;
        rounds += 1;
    }
    assert!(rounds > 4, "{rounds}");
    assert_eq!(seen, expected);
    let back = scene.get(&format!("/endpoint/{}/msg?limit=250&iterator=-{iterator}", scene.endpoint)).await;
    assert_eq!(back["data"].as_array().unwrap().len(), rounds + 20 - 1, "all before the last page's cursor");
}

#[tokio::test]
async fn a_first_attempt_that_was_made_twice_begins_one_delivery() {
    let scene = Scene::new("").await;
    let message = scene.publish(json!({})).await;
    scene.receiver.on("/", |_| Reply::Status(204));
    // A person does not wait for the first attempt: both get the number 1.
    assert_eq!(scene.resend(&message, &scene.endpoint).await.status, 202);
    assert_eq!(scene.stage.deliver_all().await, 2);
    assert_eq!(scene.stage.attempts(&scene.application, &message).await.len(), 2);
    let path = format!("/endpoint/{}/msg", scene.endpoint);
    assert_eq!(standing(&scene, &path).await, [format!("{message} success")]);
}

#[tokio::test]
async fn a_status_that_is_rare_is_found_page_by_page() {
    let scene = Scene::new("").await;
    let lost = scene.publish_answered(json!({}), 500).await;
    for _ in 0..30 {
        scene.publish_answered(json!({}), 204).await;
    }
    let (mut seen, mut iterator, mut requests) = (Vec::new(), String::new(), 0);
    loop {
        let path = format!("/endpoint/{}/msg?limit=1&status=2&iterator={iterator}", scene.endpoint);
        let page = scene.get(&path).await;
        seen.extend(page["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        requests += 1;
        if page["done"] == true {
            break;
        }
        iterator = page["iterator"].as_str().unwrap().to_owned();
        assert!(requests < 31, "it goes on and on");
    }
    assert_eq!(seen, [lost]);
}

#[tokio::test]
async fn the_endpoints_of_a_message_say_how_they_stand() {
    let scene = Scene::new("600").await;
    let placed = scene.endpoint("/placed", &["order.placed"]).await;
    let other = scene.endpoint("/other", &["order.lost"]).await;
    let gone = scene.endpoint("/gone", &[]).await;
    for path in ["/placed", "/gone"] {
        scene.receiver.on(path, |_| Reply::Status(500));
    }
    let message = scene.publish(json!({ "eventId": "order-9" })).await;
    scene.stage.clock.forward_ms(8);
    let late = scene.endpoint("/late", &[]).await;
    let path = "/msg/order-9/endpoint";
    let mut all: Vec<_> = [&scene.endpoint, &placed, &gone].map(|id| format!("{id} pending")).into();
    all.sort();
    all.reverse();
    assert_eq!(standing(&scene, path).await, all, "{other} does not want it, {late} came too late");

    scene.stage.deliver_all().await;
    assert!(scene.call("DELETE", &format!("/endpoint/{gone}"), None).await.status.is_success());
    scene.resend(&message, &late).await;
    scene.stage.deliver_all().await;
    let mut all = vec![format!("{} success", scene.endpoint), format!("{placed} sending"), format!("{late} success")];
    all.sort();
    all.reverse();
    assert_eq!(standing(&scene, path).await, all);
    let shown = scene.get(path).await;
    let of_placed = shown["data"].as_array().unwrap().iter().find(|item| item["id"] == placed.as_str()).unwrap();
    assert!(of_placed["nextAttempt"].is_string() && of_placed["url"].as_str().unwrap().ends_with("/placed"));
    assert_eq!(of_placed["eventTypes"], json!(["order.placed"]));

    // Page by page, forth and back.
    let (mut seen, mut iterator) = (Vec::new(), String::new());
    for is_last in [false, false, true] {
        let page = scene.get(&format!("{path}?limit=1&iterator={iterator}")).await;
        assert_eq!((page["data"].as_array().unwrap().len(), &page["done"]), (1, &json!(is_last)), "{page}");
        iterator = page["iterator"].as_str().unwrap().to_owned();
        seen.push(iterator.clone());
    }
    assert_eq!(seen, all.iter().map(|text| text.split(' ').next().unwrap()).collect::<Vec<_>>());
    let page = scene.get(&format!("{path}?limit=2&iterator=-{iterator}")).await;
    assert_eq!(page["data"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect::<Vec<_>>(), seen[..2]);

    assert_eq!(scene.refused("GET", "/msg/none/endpoint", None, 404).await, json!("not_found"));
    let bad = scene.refused("GET", &format!("{path}?iterator={message}"), None, 422).await;
    assert_eq!(bad, json!(["query", "iterator"]));
}

#[tokio::test]
async fn a_retry_that_met_a_disabled_endpoint_has_failed() {
    let scene = Scene::new("60").await;
    let message = scene.publish_answered(json!({}), 500).await;
    let path = format!("/endpoint/{}", scene.endpoint);
    scene.call("PATCH", &path, Some(json!({ "disabled": true }))).await;
    scene.stage.clock.forward_s(60);
    scene.stage.deliver_all().await;
    scene.call("PATCH", &path, Some(json!({ "disabled": false }))).await;
    assert_eq!(standing(&scene, &format!("{path}/msg")).await, [format!("{message} fail")]);
    let stats = scene.get(&format!("{path}/stats")).await;
    assert_eq!((&stats["undelivered"], &stats["sending"], &stats["fail"]), (&json!(1), &json!(0), &json!(1)));
}
