//! Dead letters, and their way back.

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};

use super::*;

const DEAD_ARN: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

async fn queue_with_dead_letters(sqs: &Sqs) -> (String, String) {
    let dead = make_queue(sqs, "dead", &[]).await;
    let policy = format!(r#"{{"deadLetterTargetArn":"{DEAD_ARN}","maxReceiveCount":2}}"#);
    (make_queue(sqs, "q", &[(QueueAttributeName::RedrivePolicy, &policy)]).await, dead)
}

/// Receives and forgets `times` times, each for the queue's 30 seconds.
async fn fail(sqs: &Sqs, clock: &ManualClock, url: &str, times: usize) {
    for _ in 0..times {
        assert_eq!(receive(sqs, url, 10).await.len(), 1);
        clock.forward_s(30);
    }
}

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letters() {
    let (sqs, clock) = queues_in_time();
    let (url, dead) = queue_with_dead_letters(&sqs).await;
    send(&sqs, &url, "poison").await;
    fail(&sqs, &clock, &url, 2).await;
    assert!(receive(&sqs, &url, 10).await.is_empty());

    let letters = receive(&sqs, &dead, 10).await;
    assert_eq!(bodies(&letters), ["poison"]);
    let origin = &letters[0].attributes().unwrap()[&MessageSystemAttributeName::DeadLetterQueueSourceArn];
    assert_eq!(origin, "arn:aws:sqs:us-east-1:000000000000:q");
    let sources = sqs.list_dead_letter_source_queues().queue_url(&dead).send().await.unwrap();
    assert_eq!(sources.queue_urls(), [url]);
}

#[tokio::test]
async fn dead_letters_can_be_moved_back() {
    let (sqs, clock) = queues_in_time();
    let (url, dead) = queue_with_dead_letters(&sqs).await;
    send(&sqs, &url, "poison").await;
    fail(&sqs, &clock, &url, 2).await;
    assert!(receive(&sqs, &url, 10).await.is_empty());

    let task = sqs.start_message_move_task().source_arn(DEAD_ARN).send().await.unwrap();
    assert_eq!(bodies(&receive(&sqs, &url, 10).await), ["poison"]);
    assert!(receive(&sqs, &dead, 10).await.is_empty());
    let tasks = sqs.list_message_move_tasks().source_arn(DEAD_ARN).send().await.unwrap();
    assert_eq!(
        (tasks.results()[0].status(), tasks.results()[0].approximate_number_of_messages_moved()),
        (Some("COMPLETED"), 1)
    );
    let cancelled = sqs.cancel_message_move_task().task_handle(task.task_handle().unwrap()).send().await;
    assert!(cancelled.unwrap_err().into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn only_a_dead_letter_queue_can_be_moved_back() {
    let (sqs, _) = queues_in_time();
    make_queue(&sqs, "dead", &[]).await;
    assert!(sqs.start_message_move_task().source_arn(DEAD_ARN).send().await.is_err());
}
