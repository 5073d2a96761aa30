//! Damage that knows what it damages: bytes, JSON, and JSON in the strings of JSON. The same seed does the same damage.

use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};

/// Edits of one sample.
const EDITS_MAX: usize = 6;

/// Bytes that never were anything.
const RAW_BYTES_MAX: usize = 512;

/// Deeper than any parser of ours goes.
const DEPTH: usize = 200;

/// What parsers stumble over.
const TOKENS: [&[u8]; 30] = [
    b"\0",
    b"\r\n",
    b"\n",
    b" ",
    b"\xff",
    b"\xc3\x28",
    "\u{feff}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{1f4a5}".as_bytes(),
    b"%00",
    b"%2e%2e%2f",
    b"%",
    b"../",
    b"/",
    b"?",
    b"#",
    b"@",
    b":",
    b"[",
    b"{",
    b"\"",
    b"\\",
    b"\\ud800",
    b",",
    b"=",
    b".",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"null",
];

/// Where the chances of one case come from.
pub(super) struct Dice(TestRng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.0.next_u64() % bound as u64).unwrap()
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn raw(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; self.below(RAW_BYTES_MAX)];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

/// The sample with some edits, seldom none, seldom nothing of it left.
pub(super) fn bytes(dice: &mut Dice, sample: &[u8]) -> Vec<u8> {
    if dice.one_in(16) {
        return dice.raw();
    }
    let mut damaged = sample.to_vec();
    for _ in 0..dice.below(EDITS_MAX) {
        edit(dice, &mut damaged);
    }
    damaged
}

fn edit(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let at = dice.below(bytes.len() + 1);
    let end = at + dice.below(bytes.len() - at + 1).min(1 + dice.below(32));
    match dice.below(6) {
        0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        3 if dice.one_in(4) => bytes.truncate(at),
        4 => {
            let token = dice.pick(&TOKENS).repeat(1 + dice.below(3));
            bytes.splice(at..at, token);
        }
        _ => drop(bytes.splice(at..end, dice.pick(&TOKENS).iter().copied())),
    }
}

/// As [`bytes`], where only text can come.
pub(super) fn text(dice: &mut Dice, sample: &str) -> String {
    String::from_utf8_lossy(&bytes(dice, sample.as_bytes())).into_owned()
}

/// JSON text: mostly still JSON, with something else in one or two places.
pub(super) fn json_text(dice: &mut Dice, sample: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Value>(sample) {
        Ok(mut value) if !dice.one_in(4) => {
            for _ in 0..=dice.below(2) {
                damage(dice, &mut value);
            }
            value.to_string().into_bytes()
        }
        _ => bytes(dice, sample),
    }
}

/// Changes something in the value, mostly far inside.
pub(super) fn damage(dice: &mut Dice, value: &mut Value) {
    let goes_deeper = !dice.one_in(8);
    match value {
        Value::Object(fields) if goes_deeper && !fields.is_empty() => {
            let name = fields.keys().nth(dice.below(fields.len())).unwrap().clone();
            match dice.below(8) {
                0 => drop(fields.remove(&name)),
                1 => {
                    let field = fields[&name].clone();
                    fields.insert(text(dice, &name), field);
                }
                _ => damage(dice, &mut fields[&name]),
            }
        }
        Value::Array(items) if goes_deeper && !items.is_empty() => {
            let at = dice.below(items.len());
            match dice.below(8) {
                0 => drop(items.remove(at)),
                1 => items.insert(at, items[at].clone()),
                _ => damage(dice, &mut items[at]),
            }
        }
        Value::String(inner) if goes_deeper => *inner = inside(dice, inner),
        _ => *value = odd(dice),
    }
}

/// A string: when it holds JSON, as the body of a queue message does, that is damaged.
fn inside(dice: &mut Dice, sample: &str) -> String {
    if sample.starts_with('{') {
        return String::from_utf8_lossy(&json_text(dice, sample.as_bytes())).into_owned();
    }
    text(dice, sample)
}

/// Values that nobody means.
fn odd(dice: &mut Dice) -> Value {
    match dice.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(0),
        4 => json!(u64::MAX),
        5 => json!(i64::MIN),
        6 => json!(1.5e308),
        7 => json!(""),
        8 => json!("x".repeat(dice.below(5_000))),
        9 => json!([]),
        10 => json!({}),
        _ => (0..DEPTH).fold(Value::Null, |inner, _| json!([inner])),
    }
}

#[test]
fn the_same_seed_does_the_same_damage_and_another_seed_another() {
    let sample = br#"{"a":[1,2,{"b":"{\"c\":1}"}],"d":"e"}"#;
    let damaged = |seed| json_text(&mut Dice::new(seed), sample);
    assert_eq!(damaged(7), damaged(7));
    let all: std::collections::BTreeSet<_> = (0..1_000).map(damaged).collect();
    assert!(all.len() > 500, "{} different ones only", all.len());
    assert!(all.iter().any(|text| serde_json::from_slice::<Value>(text).is_ok()), "none is JSON");
    assert!(all.iter().any(|text| serde_json::from_slice::<Value>(text).is_err()), "all are JSON");
}
