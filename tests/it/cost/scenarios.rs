//! What else happens to messages, with payloads of a kilobyte.

use std::time::Duration;

use fanfare::config::Platform;
use fanfare::domain::gate::FAILURES_MAX;
use fanfare_local::cli::cost::counted::Scenarios;
use fanfare_local::cli::cost::usage::Usage;
use serde_json::json;

use super::payload::order;
use super::scene::Scene;
use super::sizes;
use crate::harness::Reply;

/// Within 15 minutes, and later.
const SOON_THEN_LATER: (&str, &str) = ("FANFARE_RETRY_SCHEDULE", "5,300,1800,7200");
const PAYLOAD_BYTES: usize = 1_000;
const BATCH: usize = 10;

pub(super) async fn count() -> Scenarios {
    let (publish_cold, deliver_cold) = cold().await;
    let (publish_repeated, publish_of_a_hundred, deliver_ten_to_one, deliver_steady) = steady().await;
    let failing = failing().await;
    Scenarios {
        publish_repeated,
        publish_of_a_hundred,
        publish_cold,
        deliver_ten_to_one,
        deliver_steady,
        deliver_cold,
        deliver_slow: slow(Duration::from_millis(300)).await,
        deliver_slower: slow(Duration::from_millis(1_500)).await,
        postponed: postponed().await,
        swept: swept().await,
        sweep_empty: sweep_empty().await,
        import_begun: import_begun().await,
        inbound: inbound().await,
        ..failing
    }
}

async fn with_application(variables: &[(&str, &str)]) -> (Scene, String) {
    let scene = Scene::new(variables).await;
    let application = scene.application(1).await;
    (scene, application)
}

/// As [`with_application`], and everything has been done once.
async fn warm(variables: &[(&str, &str)]) -> (Scene, String) {
    let (scene, application) = with_application(variables).await;
    scene.publish(&application, &order(PAYLOAD_BYTES)).await;
    scene.stage.deliver_all().await;
    (scene, application)
}

/// With payloads sealed: then publishing needs the key, too.
async fn cold() -> (Usage, Usage) {
    let (scene, application) = with_application(&[("FANFARE_ENCRYPT_PAYLOADS", "true")]).await;
    let body = json!({ "eventType": "order.placed", "payload": order(PAYLOAD_BYTES) });
    let path = format!("/api/v1/app/{application}/msg");
    let router = publish::router(&fresh(&scene));
    scene.forget();
    let answer = scene.stage.call_router(router, "POST", &path, Some(body), Some("key")).await;
    assert_eq!(answer.status, 202);
    let publish = scene.take();
    let batch = scene.receive(1).await;
    let door = deliver::Door::new(&fresh(&scene));
    scene.forget();
    assert!(scene.stage.hand_to(&door, &batch).await.is_empty());
    scene.finish(&batch).await;
    (publish, scene.take())
}

/// What a process that has just started has: nothing in memory.
fn fresh(scene: &Scene) -> Platform {
    let Platform { settings, sdk, effects, network, .. } = scene.stage.platform.clone();
    Platform::new(settings, sdk, effects, network)
}

/// A repeat, a hundred publishes within ten seconds with the limits of requests that the template sets, and their deliveries.
async fn steady() -> (Usage, Usage, Usage, Usage) {
    const COUNT: usize = 100;
    let (scene, application) = warm(&[("FANFARE_RATE_LIMIT", "1000"), ("FANFARE_TOKEN_RATE_LIMIT", "500")]).await;
    scene.stage.clock.forward_s(20); // into another window
    scene.publish(&application, &order(PAYLOAD_BYTES)).await;
    scene.stage.deliver_all().await;
    scene.publish_with_key(&application, &order(PAYLOAD_BYTES), "the same").await;
    scene.stage.deliver_all().await;
    scene.forget();
    scene.publish_with_key(&application, &order(PAYLOAD_BYTES), "the same").await;
    let repeated = scene.take();

    scene.stage.clock.forward_s(20);
    scene.publish(&application, &order(PAYLOAD_BYTES)).await;
    scene.stage.deliver_all().await;
    scene.forget();
    for _ in 0..COUNT {
        scene.publish(&application, &order(PAYLOAD_BYTES)).await;
    }
    let hundred = &scene.take() * (1.0 / COUNT as f64);
    let ten = scene.deliver(BATCH).await;
    let mut all = ten.clone();
    for _ in 1..COUNT / BATCH {
        all = all + &scene.deliver(BATCH).await;
    }
    (repeated, hundred, ten, &all * (1.0 / COUNT as f64))
}

async fn slow(time: Duration) -> Usage {
    let (scene, application) = warm(&[]).await;
    scene.receiver.on("/", move |_| Reply::Slow(time, 204));
    scene.publish(&application, &order(PAYLOAD_BYTES)).await;
    scene.deliver(1).await
}

/// The four failures of a delivery, and that it succeeds on the second attempt.
async fn failing() -> Scenarios {
    let (scene, application) = warm(&[SOON_THEN_LATER]).await;
    scene.answer_with(500);
    scene.publish(&application, &order(PAYLOAD_BYTES)).await;
    let fails_first = scene.deliver(1).await;
    scene.stage.clock.forward_s(6);
    scene.answer_with(204);
    let retry_succeeds = scene.deliver(1).await;

    scene.answer_with(500);
    scene.publish(&application, &order(PAYLOAD_BYTES)).await;
    scene.deliver(1).await;
    scene.stage.clock.forward_s(6);
    let fails_again = scene.deliver(1).await;
    scene.stage.clock.forward_s(301);
    warm_up_deliver(&scene).await;
    let fails_again_later = scene.deliver(1).await;
    for wait_s in [1_800, 7_200] {
        scene.stage.clock.forward_s(wait_s + 60);
        assert_eq!(scene.stage.sweep().await, 1);
        if wait_s == 1_800 {
            scene.deliver(1).await;
        }
    }
    warm_up_deliver(&scene).await;
    let batch = scene.receive(1).await;
    scene.forget();
    scene.deliver_batch(&batch).await;
    let fails_last = with_jobs(&scene).await;
    Scenarios { fails_first, fails_again, fails_again_later, fails_last, retry_succeeds, ..Scenarios::default() }
}

/// Data keys are forgotten with time: a delivery of an application of its own brings them back.
async fn warm_up_deliver(scene: &Scene) {
    let application = scene.application(1).await;
    let waiting = scene.stage.receive().await;
    let status = scene.status.swap(204, std::sync::atomic::Ordering::SeqCst);
    scene.publish(&application, &order(PAYLOAD_BYTES)).await;
    scene.deliver(1).await;
    scene.answer_with(status);
    for message in waiting {
        let url = &scene.stage.platform.settings.delivery_queue_url;
        let back = scene.stage.sqs.change_message_visibility().queue_url(url).visibility_timeout(0);
        back.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
    }
}

/// What was counted, with the jobs that follow from it.
async fn with_jobs(scene: &Scene) -> Usage {
    const TIME_MS: i64 = 60_000;
    let jobs = scene.stage.work_once(TIME_MS).await;
    assert!(jobs > 0, "the organization is told");
    scene.meter.note(|usage| {
        *usage.invocations.entry("background".to_owned()).or_default() += jobs as f64;
        for _ in 0..jobs {
            usage.call("SQS", "ReceiveMessage");
            usage.call("SQS", "DeleteMessageBatch");
            usage.queue_requests += 2.0;
        }
    });
    scene.take()
}

async fn postponed() -> Usage {
    let (scene, application) = warm(&[("FANFARE_RETRY_SCHEDULE", "")]).await;
    scene.answer_with(500);
    for _ in 0..FAILURES_MAX {
        scene.publish(&application, &order(PAYLOAD_BYTES)).await;
    }
    scene.stage.deliver_all().await;
    let before = scene.receiver.deliveries().len();
    scene.publish(&application, &order(PAYLOAD_BYTES)).await;
    let postponed = scene.deliver(1).await;
    assert_eq!(scene.receiver.deliveries().len(), before, "no request was made");
    postponed
}

async fn swept() -> Usage {
    let (scene, application) = warm(&[("FANFARE_RETRY_SCHEDULE", "1800"), ("FANFARE_CIRCUIT_BREAKER", "false")]).await;
    scene.answer_with(500);
    scene.stage.sweep().await;
    for _ in 0..BATCH {
        scene.publish(&application, &order(PAYLOAD_BYTES)).await;
    }
    scene.stage.deliver_all().await;
    // Up to the minute before theirs, so that what is counted is this minute's run.
    for _ in 0..29 {
        scene.stage.clock.forward_s(60);
        assert_eq!(scene.stage.sweep().await, 0);
    }
    scene.stage.clock.forward_s(60);
    scene.forget();
    let mut queued = scene.stage.sweep().await;
    let mut usage = scene.take();
    if queued < BATCH {
        scene.stage.clock.forward_s(60);
        scene.forget();
        queued += scene.stage.sweep().await;
        usage = scene.take();
    }
    assert_eq!(queued, BATCH);
    let empty = sweep_empty().await;
    &(&usage - &empty) * (1.0 / BATCH as f64)
}

async fn sweep_empty() -> Usage {
    let (scene, _) = warm(&[]).await;
    for _ in 0..3 {
        scene.stage.clock.forward_s(60);
        scene.stage.sweep().await;
    }
    scene.stage.clock.forward_s(60);
    scene.forget();
    assert_eq!(scene.stage.sweep().await, 0);
    scene.take()
}

/// What a file costs whose records cost nothing.
async fn import_begun() -> Usage {
    let (scene, application) = warm(&[]).await;
    let payload = order(PAYLOAD_BYTES);
    sizes::import(&scene, &application, &payload, 1).await;
    let one = sizes::import(&scene, &application, &payload, 1).await;
    let two = sizes::import(&scene, &application, &payload, 11).await;
    let record = &(&two - &one) * 0.1;
    &one - &record
}

async fn inbound() -> Usage {
    let (scene, application) = warm(&[]).await;
    let source = json!({ "name": "Source", "appId": application, "provider": { "kind": "none" } });
    let made = scene.stage.call("POST", "/api/v1/source", Some(source)).await.json();
    let url = made["ingestUrl"].as_str().unwrap();
    let path = url[url.find("/in/").unwrap()..].to_owned();
    let send = async |key: &str| {
        let mut body = order(PAYLOAD_BYTES);
        body["note"] = json!(key);
        let request = http::Request::post(&path).header("content-type", "application/json");
        let request = request.body(axum::body::Body::from(body.to_string())).unwrap();
        let answer = tower::ServiceExt::oneshot(scene.stage.router("ingest"), request).await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    };
    send("first").await;
    scene.forget();
    send("other").await;
    let usage = scene.take();
    assert_eq!(scene.stage.receive().await.len(), 2);
    usage
}
