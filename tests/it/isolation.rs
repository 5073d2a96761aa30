//! One endpoint that accepts connections and never answers, beside one that works: the one that works does not notice.
//!
//! Measured, not simulated, and so only when nothing else runs: `tests/lanes/slow.sh` does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use svix::models::MessageIn;

use crate::harness::{Reply, World};

const RATE: u32 = 100;
const SECONDS: u32 = 30;

/// How much slower than alone the slowest hundredth may be.
const RATIO_MAX: f64 = 2.0;

/// Rounds, of which one must keep to it: what else a machine does can make a round slow by milliseconds, never fast. A receiver that
/// is waited for makes each of them slow by its whole timeout.
const ROUNDS_MAX: usize = 5;

/// What the working endpoint gets of so many messages a second: from the beginning of the publish to the arrival, in ms, sorted.
async fn latencies(is_alone: bool) -> Vec<f64> {
    let world = Arc::new(World::start(&[]).await);
    let application = world.application().await;
    let arrivals: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
    let notes = Arc::clone(&arrivals);
    world.receiver.on("/works", move |delivery| {
        notes.lock().unwrap().entry(delivery.id.clone()).or_insert_with(Instant::now);
        Reply::Status(204)
    });
    world.endpoint(&application, "/works").await;
    if !is_alone {
        world.receiver.on("/hangs", |_| Reply::Hang);
        world.endpoint(&application, "/hangs").await;
    }
    let begun = Instant::now();
    let mut publishes = tokio::task::JoinSet::new();
    for number in 0..RATE * SECONDS {
        tokio::time::sleep_until((begun + Duration::from_secs(1) / RATE * number).into()).await;
        let (world, application) = (Arc::clone(&world), application.clone());
        publishes.spawn(async move {
            let begun = Instant::now();
            let message = MessageIn::new("order.placed".to_owned(), json!({ "n": number }));
            (world.create(&application, message, None).await.unwrap().id, begun)
        });
    }
    let published = publishes.join_all().await;
    world.receiver.wait_at("/works", published.len()).await;
    let arrivals = arrivals.lock().unwrap();
    let latency = |(id, begun): &(String, Instant)| arrivals[id].duration_since(*begun).as_secs_f64() * 1_000.0;
    let mut latencies: Vec<f64> = published.iter().map(latency).collect();
    latencies.sort_by(f64::total_cmp);
    latencies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures for a minute, and wants the machine for itself; tests/lanes/slow.sh runs it"]
async fn an_endpoint_that_never_answers_does_not_slow_down_its_neighbour() {
    let mut ratios = Vec::new();
    while ratios.len() < ROUNDS_MAX {
        let ratio = p99("beside a hanging one", &latencies(false).await) / p99("alone", &latencies(true).await);
        if ratio < RATIO_MAX {
            return;
        }
        ratios.push(ratio);
    }
    panic!("p99 is {ratios:.2?} times what it is alone");
}

/// Of one measurement, which is printed whole.
#[allow(clippy::print_stdout)]
fn p99(name: &str, latencies: &[f64]) -> f64 {
    let at = |part: f64| latencies[(latencies.len() as f64 * part) as usize];
    let (count, sent) = (latencies.len(), RATE * SECONDS);
    println!(
        "{name}: p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms, {count} of {sent} arrived",
        at(0.5),
        at(0.99),
        at(0.9999)
    );
    at(0.99)
}
