//! Work in the background, and what asks for it.

use serde_json::{Value, json};

use super::super::op::{OperationDoc, one, op, page};
use super::{APPLICATION, ENDPOINT, INSTANT, TASK, page_of};
use crate::domain::background::TaskStatus;
use crate::http::openapi::values::TaskName;
use crate::http::query::PageOut;
use crate::http::wire::background::{
    AppUsageStatsIn, AppUsageStatsOut, BackgroundTaskOut, BulkReplayIn, ReplayIn, TaskOut,
};

const SINCE: &str = "2026-11-23T00:00:00Z";

fn asked(task: &str) -> Value {
    json!({ "id": TASK, "status": "running", "task": task, "updatedAt": INSTANT })
}

fn shown() -> Value {
    let mut task = asked("endpoint.recover");
    task["data"] = json!({ "appId": APPLICATION, "endpointId": ENDPOINT, "seen": 120, "done": 7 });
    task
}

pub(super) fn operations() -> Vec<OperationDoc> {
    let mut all = of_endpoints();
    all.extend(of_tasks());
    all.extend(of_statistics());
    all
}

fn of_endpoints() -> Vec<OperationDoc> {
    vec![
        op("endpoint.recover", "Send again what an endpoint failed to take")
            .describe("Messages accepted in this time whose delivery failed are sent once more, in the background.")
            .body::<ReplayIn>(json!({ "since": SINCE }))
            .idempotent()
            .answers::<TaskOut>(202, asked("endpoint.recover"))
            .errors(&[409]),
        op("endpoint.replay-missing", "Send what an endpoint was never sent")
            .describe(
                "Messages accepted in this time that the endpoint would want now, and that no attempt was made for, are \
                 sent, in the background.",
            )
            .body::<ReplayIn>(json!({ "since": SINCE, "until": INSTANT }))
            .idempotent()
            .answers::<TaskOut>(202, asked("endpoint.replay"))
            .errors(&[409]),
        op("endpoint.bulk-replay", "Send an endpoint again what a filter says")
            .body::<BulkReplayIn>(json!({
                "since": SINCE, "eventTypes": ["invoice.paid"], "channel": "project:123", "tag": "imported", "status": 0,
                "statusCodeClass": 200,
            }))
            .idempotent()
            .answers::<TaskOut>(202, asked("endpoint.bulk-replay"))
            .errors(&[409]),
    ]
}

fn of_tasks() -> Vec<OperationDoc> {
    vec![
        op("background-task.list", "List tasks")
            .query(page("Which end comes first; the newest, unless said otherwise."))
            .query([
                one::<TaskStatus>("status", "Only tasks that stand so."),
                one::<TaskName>("task", "Only tasks that do this."),
            ])
            .answers::<PageOut<BackgroundTaskOut>>(200, page_of(shown(), TASK)),
        op("background-task.get", "Get a task").answers::<BackgroundTaskOut>(200, shown()),
    ]
}

fn of_statistics() -> Vec<OperationDoc> {
    let mut usage = asked("application.stats");
    usage["unresolvedAppIds"] = json!(["unknown"]);
    vec![
        op("statistics.aggregate-app-stats", "Count the messages and attempts of applications")
            .describe("The task has the counts when it is finished.")
            .body::<AppUsageStatsIn>(json!({ "since": SINCE, "until": INSTANT, "appIds": ["acme", "unknown"] }))
            .idempotent()
            .answers::<AppUsageStatsOut>(202, usage)
            .errors(&[409]),
        op("statistics.aggregate-event-types", "Count the messages of each event type")
            .describe("The task has the counts when it is finished.")
            .idempotent()
            .answers::<TaskOut>(202, asked("event-type.aggregate"))
            .errors(&[409]),
    ]
}
