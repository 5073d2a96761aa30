//! Payloads as customers have them, always the same: an order, with as many lines as fit.

use serde_json::{Value, json};

/// A sequence that looks random, and is the same each time (Knuth's linear congruential generator).
struct Sequence(u64);

impl Sequence {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        (0..length).map(|_| char::from(LETTERS[self.next(LETTERS.len() as u64) as usize])).collect()
    }
}

/// An order whose JSON has exactly so many bytes, at least 400.
pub(super) fn order(bytes: usize) -> Value {
    const WORDS: [&str; 8] = ["walnut", "desk", "lamp", "brass", "linen", "shelf", "oak", "chair"];
    let mut sequence = Sequence(17);
    let mut order = json!({
        "id": format!("ord_{}", sequence.text(24)),
        "createdAt": "2026-11-28T12:31:07.412Z",
        "status": "placed",
        "currency": "EUR",
        "customer": { "id": format!("cus_{}", sequence.text(24)), "email": "jane.doe@example.com", "name": "Jane Doe" },
        "lines": [],
        "note": "",
    });
    loop {
        let words: Vec<_> = (0..3).map(|_| WORDS[sequence.next(8) as usize]).collect();
        let line = json!({
            "sku": format!("SKU-{}", sequence.next(1_000_000)),
            "title": words.join(" "),
            "quantity": 1 + sequence.next(5),
            "unitPrice": sequence.next(100_000),
            "reference": sequence.text(16),
        });
        if order.to_string().len() + line.to_string().len() + 1 > bytes {
            break;
        }
        order["lines"].as_array_mut().unwrap().push(line);
    }
    let left = bytes.checked_sub(order.to_string().len()).expect("an order has at least 400 bytes");
    order["note"] = json!(sequence.text(left));
    assert_eq!(order.to_string().len(), bytes);
    order
}
