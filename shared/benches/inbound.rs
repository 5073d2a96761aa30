//! How many requests a second each scheme verifies, on one core, with two secrets as during a rotation.
//!
//! `cargo bench -p fanfare --bench inbound`. Figures for people; nothing here passes or fails.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool that prints figures, and stops when it cannot")]

use std::time::{Duration, Instant};

use fanfare::domain::inbound;
use fanfare::domain::timestamp::Timestamp;

#[path = "../src/domain/inbound/tests/sample.rs"]
#[allow(dead_code, reason = "the tests change more of a request than is measured")]
mod sample;

/// How long each figure is measured.
const LENGTH: Duration = Duration::from_millis(500);
/// Bodies of a usual size, and of one that shows what a byte costs.
const BODY_BYTES: [usize; 2] = [1_024, 64 * 1_024];

fn main() {
    println!("{:<24} {:>14} {:>14}", "scheme", "1 KiB body", "64 KiB body");
    let [small, large] = BODY_BYTES.map(sample::samples);
    for (small, large) in small.iter().zip(&large) {
        println!("{:<24} {:>12.0}/s {:>12.0}/s", small.name, rate(small), rate(large));
    }
}

fn rate(sample: &sample::Sample) -> f64 {
    let headers: inbound::Headers = sample.headers.iter().cloned().collect();
    let request = inbound::InboundRequest { method: "POST", url: &sample.url, headers: &headers, body: &sample.body };
    let secrets: Vec<_> = sample.secrets.iter().flatten().cloned().collect();
    let now = Timestamp::from_millis(sample::SECONDS * 1_000);
    let started = Instant::now();
    let mut done = 0_u32;
    while started.elapsed() < LENGTH {
        let verified = inbound::verify(&sample.provider, &secrets, &request, now, sample.certificate.as_deref());
        assert!(std::hint::black_box(verified).is_ok(), "{}", sample.name);
        done += 1;
    }
    f64::from(done) / started.elapsed().as_secs_f64()
}
