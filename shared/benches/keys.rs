//! What sealing costs, on one core: the secret part of an endpoint, and a payload.
//!
//! `cargo bench -p fanfare --bench keys`. Figures for people; nothing here passes or fails.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool that prints figures, and stops when it cannot")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use fanfare::keys::{DataKey, Sealed};

/// How long each figure is measured.
const LENGTH: Duration = Duration::from_millis(500);

/// An endpoint's secrets with two headers; a payload of a usual size; a large one.
const SIZES: [usize; 4] = [160, 512, 4 * 1_024, 64 * 1_024];

fn main() {
    let key = DataKey::new(1, &[7; 32]).unwrap();
    println!("{:<12} {:>14} {:>14}", "bytes", "seal, ns", "open, ns");
    for bytes in SIZES {
        let plain = vec![7; bytes];
        let sealed = key.seal("A#organization#application\nE#endpoint", &plain).unwrap();
        let seal_ns = nanoseconds(|| key.seal("A#organization#application\nE#endpoint", black_box(&plain)).is_some());
        let open_ns = nanoseconds(|| {
            let parts = Sealed::parse(black_box(&sealed)).unwrap();
            key.open("A#organization#application\nE#endpoint", &parts).is_some()
        });
        println!("{bytes:<12} {seal_ns:>14.0} {open_ns:>14.0}");
    }
}

fn nanoseconds(work: impl Fn() -> bool) -> f64 {
    let (started, mut done) = (Instant::now(), 0_u32);
    while started.elapsed() < LENGTH {
        assert!(work());
        done += 1;
    }
    started.elapsed().as_nanos() as f64 / f64::from(done)
}
