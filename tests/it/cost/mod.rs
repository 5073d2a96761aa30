//! What Fanfare asks of AWS, counted at the wire for each scenario: calls, and the units they are billed by. `fanfare cost` and
//! `docs/COST.md` are made of these numbers, and held to them: who makes something dearer, or cheaper, says so there.
//!
//! `FANFARE_COST_REWRITE=1 cargo test -p fanfare-tests cost` writes both anew.
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
    let differ = counted.lines().zip(COUNTED.lines()).filter(|(now, then)| now != then);
    let differ: Vec<_> = differ.map(|(now, then)| format!("counted   {now}\ncommitted {then}")).collect();
    assert!(
        counted == COUNTED,
        "{COUNTED_PATH} is not what is counted; FANFARE_COST_REWRITE=1 writes it anew:\n{}",
        differ.join("\n")
    );
}
