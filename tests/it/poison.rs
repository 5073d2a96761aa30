//! A queue message that nobody can work on, and one that we fail at again and again.

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;

use crate::harness::{Receiver, Stage, Way, World, eventually};

#[tokio::test]
async fn poison_is_reported_by_itself_and_the_rest_of_its_batch_is_done() {
    let stage = Stage::new(&[]).await;
    let receiver = Receiver::start().await;
    let (application, endpoint) = stage.application_with_endpoint(&receiver.url("/")).await;
    receiver.verify("/", &stage.secret(&application, &endpoint).await);
    let queue = &stage.platform.settings.delivery_queue_url;
    for body in ["this is not a task", r#"{"v":99}"#, "[]"] {
        stage.sqs.send_message().queue_url(queue).message_body(body).send().await.unwrap();
    }
    for number in 0..4 {
        stage.publish(&application, None, json!({ "n": number })).await.id();
    }
    let batch = stage.deliver().await;
    assert_eq!((batch.received.len(), batch.failed.len()), (7, 3));
    let poison = batch.received.iter().filter(|message| !message.body().unwrap().contains("\"org\""));
    assert!(poison.into_iter().all(|message| batch.failed.iter().any(|id| Some(&**id) == message.message_id())));
    assert_eq!((receiver.deliveries().len(), stage.backlog().await), (4, (3, 3)));
}

/// What the queue gives up on.
async fn dead_letters(stage: &Stage) -> Vec<aws_sdk_sqs::types::Message> {
    stage.wear_out().await;
    let dead = stage.queue_url("fanfare-dead-letter").await;
    let received = stage.sqs.receive_message().queue_url(dead).max_number_of_messages(10).send().await.unwrap();
    received.messages.unwrap_or_default()
}

#[tokio::test]
async fn poison_ends_in_the_dead_letter_queue_as_it_was() {
    let stage = Stage::new(&[]).await;
    let queue = &stage.platform.settings.delivery_queue_url;
    stage.sqs.send_message().queue_url(queue).message_body("this is not a task").send().await.unwrap();
    let dead = dead_letters(&stage).await;
    assert_eq!((dead.len(), dead[0].body()), (1, Some("this is not a task")));
    assert_eq!(stage.backlog().await.0, 0);
}

#[tokio::test]
async fn a_task_that_we_fail_at_again_and_again_is_kept_in_the_dead_letter_queue() {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let message = stage.publish(&application, None, json!({})).await.id();
    stage.faults.next("BatchGetItem", Way::THROTTLED, usize::MAX);
    let dead = dead_letters(&stage).await;
    stage.faults.stop();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].body().unwrap().contains(&message), "{:?}", dead[0].body());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_does_not_hold_up_the_gateway() {
    let world = World::start(&[]).await;
    let application = world.application().await;
    world.endpoint(&application, "/").await;
    let sqs = aws_sdk_sqs::Client::new(&world.engines().sdk_config());
    let url = async |name: &str| sqs.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap();
    let (queue, dead) = (url("fanfare-delivery").await, url("fanfare-dead-letter").await);
    // What comes again comes at once, instead of after six minutes.
    let set = sqs.set_queue_attributes().queue_url(&queue).attributes(QueueAttributeName::VisibilityTimeout, "1");
    set.send().await.unwrap();
    for _ in 0..5 {
        sqs.send_message().queue_url(&queue).message_body("this is not a task").send().await.unwrap();
    }
    for number in 0..20 {
        world.publish(&application, "order.placed", json!({ "n": number })).await;
    }
    world.receiver.wait_at("/", 20).await;
    let look = async || {
        let asked = sqs.get_queue_attributes().queue_url(&dead).attribute_names(QueueAttributeName::All);
        let attributes = asked.send().await.unwrap().attributes.unwrap();
        // Somebody looks at them now and then, and leaves them.
        let count = |name: QueueAttributeName| attributes[&name].parse::<usize>().unwrap();
        let there = count(QueueAttributeName::ApproximateNumberOfMessages)
            + count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
        (there == 5).then_some(())
    };
    eventually("five dead letters", look).await;
    world.settled().await;
}
