//! What Fanfare asks of AWS, counted at the wire for each scenario: calls, and the units they are billed by. `fanfare cost` and
//! `docs/COST.md` are made of these numbers, and held to them: who makes something dearer, or cheaper, says so there.
//!
//! `FANFARE_COST_REWRITE=1 cargo test --workspace cost` writes both anew: twice, for the page is made of what is compiled in.
//!
//! | module | what is in it |
//! |---|---|
//! | [`meter`] | counts calls where the SDK meets the network |
//! | [`dynamo`], [`units`] | what a call to the table costs, by DynamoDB's rules |
//! | [`scene`], [`payload`] | a stage that is counted; what is published there |
//! | [`sizes`], [`scenarios`] | what is counted |

mod document;
mod dynamo;
mod meter;
mod payload;
mod scenarios;
mod scene;
mod sizes;
mod units;

use fanfare_local::cli::cost::counted::{COUNTED, Counted};
use serde_json::Value;

use crate::harness::process::root;

const COUNTED_PATH: &str = "local/src/cli/cost/counted.json";

async fn count() -> Counted {
    Counted { plain: sizes::count(false).await, sealed: sizes::count(true).await, scenarios: scenarios::count().await }
}

/// Whether what is committed is to be written anew.
#[allow(clippy::disallowed_methods)] // no setting of the gateway's
fn is_rewriting() -> bool {
    std::env::var_os("FANFARE_COST_REWRITE").is_some()
}

#[tokio::test]
async fn what_is_counted_is_what_is_committed() {
    let counted = count().await.to_text().unwrap();
    if is_rewriting() {
        std::fs::write(root().join(COUNTED_PATH), &counted).unwrap();
        return;
    }
    let differ: Vec<_> = counted.lines().zip(COUNTED.lines()).filter(|(now, then)| !is_alike(now, then)).collect();
    assert!(
        differ.is_empty() && counted.lines().count() == COUNTED.lines().count(),
        "{COUNTED_PATH} is not what is counted; FANFARE_COST_REWRITE=1 writes it anew: {differ:#?}"
    );
}

/// Whether two lines say the same. What is billed by the piece must be equal. Bytes differ with how many digits a duration has, and
/// unconditional writes, which are billed by the item, share more or fewer calls as they happen to come together.
fn is_alike(now: &str, then: &str) -> bool {
    let of = |line: &str| {
        let object = line.trim().trim_end_matches(',').split_once(": ").map_or("null", |(_, object)| object);
        serde_json::from_str::<Value>(object).unwrap_or(Value::Null)
    };
    let (mut now_rest, mut then_rest) = (of(now), of(then));
    let Value::Object(_) = now_rest else { return now == then };
    let mut take = |pointer: &str, name: &str| {
        [&mut now_rest, &mut then_rest].map(|usage| {
            let map = usage.pointer_mut(pointer).and_then(Value::as_object_mut);
            map.and_then(|map| map.remove(name)).and_then(|count| count.as_f64()).unwrap_or_default()
        })
    };
    let near = |[a, b]: [f64; 2], margin: f64| (a - b).abs() <= margin;
    let bytes = ["table_bytes", "index_bytes", "answer_bytes", "sent_bytes", "log_bytes"].map(|name| take("", name));
    let are_bytes_near = bytes.iter().all(|both| near(*both, 8.0 + both[0].abs() / 50.0));
    let writes = take("/calls", "DynamoDB BatchWriteItem");
    are_bytes_near && near(writes, 5.0) && now_rest == then_rest
}

#[test]
fn a_unit_more_is_not_alike() {
    let line = |writes: u32, bytes: i32, calls: u32, gets: u32| {
        let calls = format!(r#"{{"DynamoDB BatchWriteItem":{calls},"DynamoDB GetItem":{gets}}}"#);
        format!(r#"      "deliver_ten": {{"calls":{calls},"table_bytes":{bytes},"table_writes":{writes}}},"#)
    };
    let usual = line(10, 5_000, 1, 1);
    assert!(is_alike(&usual, &usual) && is_alike(&usual, &line(10, 5_009, 3, 1)));
    assert!(is_alike(&line(1, -387, 1, 1), &line(1, -386, 1, 1)), "what is taken away, too");
    for dearer in [line(11, 5_000, 1, 1), line(10, 5_200, 1, 1), line(10, 5_000, 1, 2), line(10, 5_000, 9, 1)] {
        assert!(!is_alike(&usual, &dearer), "{dearer}");
    }
}
