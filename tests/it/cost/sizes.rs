//! The way of messages of many sizes.

use fanfare_local::cli::cost::counted::OfSize;
use fanfare_local::cli::cost::usage::Usage;
use serde_json::{Value, json};

use super::payload::order;
use super::scene::Scene;
use crate::harness::LONG_MS;

/// Sizes of payloads: up to 48 KiB they travel in the queue, up to 300 KiB they stay in the table, above that in the bucket.
const SIZES: [usize; 10] = [500, 1_000, 2_000, 4_000, 16_000, 49_000, 50_000, 100_000, 300_000, 310_000];

/// Sealed, they never travel in the queue.
const SIZES_SEALED: [usize; 6] = [500, 1_000, 4_000, 49_000, 300_000, 310_000];

/// Messages that are delivered in one batch.
const BATCH: usize = 10;

/// Records of a file, or as many as make so many bytes, if those are fewer.
const RECORDS_MAX: usize = 100;
const FILE_BYTES: usize = 300_000;

pub(super) async fn count(is_sealed: bool) -> Vec<OfSize> {
    // Without limits of requests: here one instant has hundreds. What they cost is counted by itself.
    let scene = Scene::new(&[("FANFARE_ENCRYPT_PAYLOADS", if is_sealed { "true" } else { "false" })]).await;
    let (nobodys, fives) = (scene.application(0).await, scene.application(5).await);
    let mut applications = Vec::new();
    for _ in 0..BATCH {
        applications.push(scene.application(1).await);
    }
    // Everything has been done once: processes are warm.
    for application in [&nobodys, &fives].into_iter().chain(&applications) {
        scene.publish(application, &order(1_000)).await;
    }
    scene.stage.deliver_all().await;
    import(&scene, &applications[0], &order(1_000), 1).await;
    scene.stage.deliver_all().await;
    let mut sizes = Vec::new();
    for bytes in if is_sealed { &SIZES_SEALED[..] } else { &SIZES[..] } {
        sizes.push(of_size(&scene, &nobodys, &fives, &applications, *bytes).await);
    }
    sizes
}

async fn of_size(scene: &Scene, nobodys: &str, fives: &str, applications: &[String], bytes: usize) -> OfSize {
    let payload = order(bytes);
    let publish_none = publish(scene, nobodys, &payload).await;
    let publish_five = publish(scene, fives, &payload).await;
    scene.stage.deliver_all().await;
    let publish_one = publish(scene, &applications[0], &payload).await;
    let deliver_one = scene.deliver(1).await;
    for application in applications {
        scene.publish(application, &payload).await;
    }
    let deliver_ten = scene.deliver(BATCH).await;
    let import_record = import_record(scene, &applications[0], &payload).await;
    scene.stage.deliver_all().await;
    OfSize { bytes: bytes as u64, publish_none, publish_one, publish_five, import_record, deliver_one, deliver_ten }
}

async fn publish(scene: &Scene, application: &str, payload: &Value) -> Usage {
    scene.forget();
    scene.publish(application, payload).await;
    scene.take()
}

/// What one record more costs: a file of many, less a file of one.
async fn import_record(scene: &Scene, application: &str, payload: &Value) -> Usage {
    let more = (FILE_BYTES / payload.to_string().len()).clamp(1, RECORDS_MAX);
    let one = import(scene, application, payload, 1).await;
    let many = import(scene, application, payload, 1 + more).await;
    &(&many - &one) * (1.0 / more as f64)
}

/// What a file of so many records costs, the API that is asked for it included.
pub(super) async fn import(scene: &Scene, application: &str, payload: &Value, records: usize) -> Usage {
    let line = json!({ "eventType": "order.placed", "payload": payload });
    let file = format!("{line}\n").repeat(records);
    scene.forget();
    let asked = scene.stage.ask_import(Some(application), file.len(), Value::Null).await;
    scene.stage.upload(&asked, file.as_bytes()).await;
    scene.meter.note(|usage| {
        usage.call("S3", "PutObject");
        usage.puts += 1.0;
        usage.object_bytes += file.len() as f64;
    });
    scene.stage.read_files(LONG_MS).await;
    let usage = scene.take();
    assert_eq!(scene.stage.shown_import(&asked).await["accepted"], records);
    scene.forget();
    usage
}
