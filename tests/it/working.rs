//! Whether the gateway works, as monitors ask: what is down is said, nothing else is, and asking costs next to nothing.

use serde_json::json;

use crate::harness::{Answer, Stage, Way};

const HEALTH: &str = "/api/v1/health";

async fn ask(stage: &Stage) -> Answer {
    stage.call_as("", "GET", HEALTH, None).await
}

#[tokio::test]
async fn a_gateway_that_works_says_so_without_a_body_or_a_token() {
    let stage = Stage::new(&[]).await;
    for method in ["GET", "HEAD"] {
        let answer = stage.call_as("", method, HEALTH, None).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""), "{method}");
    }
}

#[tokio::test]
async fn what_does_not_answer_is_named_and_nothing_else_is() {
    for (operations, detail) in [
        (&["GetItem"][..], "the table does not answer"),
        (&["GetQueueAttributes"], "the queue does not answer"),
        (&["GetItem", "GetQueueAttributes"], "table and queue do not answer"),
    ] {
        let stage = Stage::new(&[]).await;
        for operation in operations {
            stage.faults.next(operation, Way::BROKEN, usize::MAX);
        }
        let answer = ask(&stage).await;
        stage.faults.stop();
        assert_eq!((answer.status.as_u16(), answer.json()), (503, json!({ "code": "unavailable", "detail": detail })));
        assert!(answer.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn an_answer_counts_for_five_seconds_whatever_it_is() {
    let stage = Stage::new(&[]).await;
    assert_eq!(ask(&stage).await.status, 204);
    stage.faults.next("GetItem", Way::BROKEN, 1);
    stage.clock.forward_ms(4_900);
    assert_eq!(ask(&stage).await.status, 204, "nobody looks");
    stage.clock.forward_ms(100);
    assert_eq!(ask(&stage).await.status, 503);
    assert_eq!(ask(&stage).await.status, 503, "nobody looks");
    stage.clock.forward_s(5);
    assert_eq!(ask(&stage).await.status, 204);
}

#[tokio::test]
async fn many_who_ask_at_once_are_one_look() {
    let stage = Stage::new(&[]).await;
    // The second look would succeed.
    stage.faults.next("GetQueueAttributes", Way::BROKEN, 1);
    let answers = futures_util::future::join_all((0..50).map(|_| ask(&stage))).await;
    stage.faults.end();
    assert!(answers.iter().all(|answer| answer.status == 503));
}
