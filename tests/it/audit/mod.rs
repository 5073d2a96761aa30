//! The audit log: every change of the configuration is on record once, with who made it, and without anything secret.

mod records;
mod walk;

use serde_json::Value;

use crate::harness::Stage;

/// The changes on record, oldest first.
async fn log(stage: &Stage, query: &str) -> Vec<Value> {
    let answer = stage.call("GET", &format!("/api/v1/audit-log?order=ascending&limit=250{query}"), None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["data"].as_array().unwrap().clone()
}
