//! How long it takes to refuse a secret does not tell how much of it was right.
//!
//! Measured, so only when nothing else runs: `tests/lanes/slow.sh` does. What it measures are the comparisons themselves; whoever
//! is on the other side of a network sees less.

use std::hint::black_box;
use std::time::Instant;

use fanfare::domain::api_key::ApiKeySecret;
use fanfare::domain::source_address::{SOURCE_TOKEN_BYTES, SourceToken};

/// Comparisons of one sample: enough that the clock's own grain does not matter.
const COMPARISONS: u32 = 2_000;
const SAMPLES: usize = 201;
/// Rounds, of which one must show no difference: what else a machine does shows in some of them, a comparison that ends early in all.
const ROUNDS: usize = 5;
/// How much longer the slower one may take. Thirty-two bytes that are compared one by one until they differ take several times as long.
const FACTOR: f64 = 1.15;

fn median_ns(compare: &impl Fn() -> bool) -> u128 {
    let mut samples: Vec<u128> = (0..SAMPLES)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..COMPARISONS {
                assert!(!black_box(compare()));
            }
            begun.elapsed().as_nanos()
        })
        .collect();
    samples.sort_unstable();
    samples[SAMPLES / 2]
}

/// Two comparisons that both fail: one at the first byte, one at the last.
#[track_caller]
fn check(what: &str, early: impl Fn() -> bool, late: impl Fn() -> bool) {
    let mut seen = Vec::new();
    for _ in 0..ROUNDS {
        let (early_ns, late_ns) = (median_ns(&early), median_ns(&late));
        let factor = early_ns.max(late_ns) as f64 / early_ns.min(late_ns) as f64;
        if factor <= FACTOR {
            return;
        }
        seen.push(factor);
    }
    panic!("{what}: it can be told from the time how much was right: {seen:?}");
}

#[test]
#[ignore = "measures, and wants the machine for itself; tests/lanes/slow.sh runs it"]
fn a_refusal_takes_as_long_whatever_was_right() {
    let wrong_at = |at: usize| {
        let mut bytes = [7; 32];
        bytes[at] ^= 1;
        bytes
    };
    let hash = ApiKeySecret::new([7; 32]).hash();
    let (first, last) = (ApiKeySecret::new(wrong_at(0)), ApiKeySecret::new(wrong_at(31)));
    check("an API key", || hash.is_of(black_box(&first)), || hash.is_of(black_box(&last)));

    let token_wrong_at = |at: usize| {
        let mut bytes = [7; SOURCE_TOKEN_BYTES];
        bytes[at] ^= 1;
        SourceToken::new(bytes)
    };
    let token = SourceToken::new([7; SOURCE_TOKEN_BYTES]);
    let (first, last) = (token_wrong_at(0), token_wrong_at(SOURCE_TOKEN_BYTES - 1));
    check("a source's token", || token.is(black_box(&first)), || token.is(black_box(&last)));
}
