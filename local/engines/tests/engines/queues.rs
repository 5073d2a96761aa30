//! Sending, receiving, deleting: order, time and limits.

use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageAttributeValue,
    MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};

use super::*;

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

fn attribute(data_type: &str) -> aws_sdk_sqs::types::builders::MessageAttributeValueBuilder {
    MessageAttributeValue::builder().data_type(data_type)
}

#[tokio::test]
async fn a_message_comes_back_as_it_was_sent() {
    let (sqs, _) = queues_in_time();
    let url = make_queue(&sqs, "q", &[]).await;
    let sent = sqs.send_message().queue_url(&url).message_body("hello").message_group_id("tenant-1");
    let sent = sent.message_attributes("kind", attribute("String").string_value("a").build().unwrap());
    let sent = sent.message_attributes("raw", attribute("Binary").binary_value(Blob::new([0, 255])).build().unwrap());
    let sent = sent.send().await.unwrap();
    assert_eq!(sent.md5_of_message_body(), Some("5d41402abc4b2a76b9719d911017c592"));

    let received = receive(&sqs, &url, 10).await;
    let [message] = received.as_slice() else { panic!("{received:?}") };
    assert_eq!(message.body(), Some("hello"));
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(message.md5_of_message_attributes(), sent.md5_of_message_attributes());
    let attributes = message.message_attributes().unwrap();
    assert_eq!(attributes["kind"].string_value(), Some("a"));
    assert_eq!(attributes["raw"].binary_value(), Some(&Blob::new([0, 255])));
    let system = message.attributes().unwrap();
    assert_eq!(system[&MessageSystemAttributeName::MessageGroupId], "tenant-1");
    assert_eq!(system[&MessageSystemAttributeName::ApproximateReceiveCount], "1");
    assert_eq!(system[&MessageSystemAttributeName::SentTimestamp], "1800000000000");
}

#[tokio::test]
async fn a_long_backlog_of_one_group_does_not_hold_up_another() {
    let (sqs, _) = queues_in_time();
    let url = make_queue(&sqs, "q", &[]).await;
    for number in 0..30 {
        let message = sqs.send_message().queue_url(&url).message_body(format!("loud {number}"));
        message.message_group_id("loud").send().await.unwrap();
    }
    for number in 0..2 {
        let message = sqs.send_message().queue_url(&url).message_body(format!("quiet {number}"));
        message.message_group_id("quiet").send().await.unwrap();
    }
    assert_eq!(bodies(&receive(&sqs, &url, 5).await), ["loud 0", "quiet 0", "loud 1", "quiet 1", "loud 2"]);
}

#[tokio::test]
async fn a_delayed_message_is_not_seen_before_its_time() {
    let (sqs, clock) = queues_in_time();
    let url = make_queue(&sqs, "q", &[(QueueAttributeName::DelaySeconds, "2")]).await;
    send(&sqs, &url, "queue's delay").await;
    sqs.send_message().queue_url(&url).message_body("own delay").delay_seconds(900).send().await.unwrap();
    assert!(receive(&sqs, &url, 10).await.is_empty());
    clock.forward_s(2);
    assert_eq!(bodies(&receive(&sqs, &url, 10).await), ["queue's delay"]);
    clock.forward_s(898);
    assert!(bodies(&receive(&sqs, &url, 10).await).contains(&"own delay"));
}

#[tokio::test]
async fn a_message_that_is_not_deleted_comes_again() {
    let (sqs, clock) = queues_in_time();
    let url = make_queue(&sqs, "q", &[(QueueAttributeName::VisibilityTimeout, "30")]).await;
    send(&sqs, &url, "again").await;
    let first = receive(&sqs, &url, 1).await;
    clock.forward_s(29);
    assert!(receive(&sqs, &url, 1).await.is_empty());
    clock.forward_s(1);
    let second = receive(&sqs, &url, 1).await;
    assert_eq!(second[0].attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount], "2");
    assert_ne!(first[0].receipt_handle(), second[0].receipt_handle());
    delete(&sqs, &url, &second[0]).await;
    clock.forward_s(30);
    assert!(receive(&sqs, &url, 1).await.is_empty());
}

#[tokio::test]
async fn an_outdated_receipt_deletes_nothing() {
    let (sqs, clock) = queues_in_time();
    let url = make_queue(&sqs, "q", &[(QueueAttributeName::VisibilityTimeout, "30")]).await;
    send(&sqs, &url, "again").await;
    let first = receive(&sqs, &url, 1).await;
    clock.forward_s(30);
    assert_eq!(receive(&sqs, &url, 1).await.len(), 1);
    delete(&sqs, &url, &first[0]).await;
    clock.forward_s(30);
    assert_eq!(receive(&sqs, &url, 1).await.len(), 1);
}

#[tokio::test]
async fn visibility_can_be_changed() {
    let (sqs, clock) = queues_in_time();
    let url = make_queue(&sqs, "q", &[]).await;
    send(&sqs, &url, "a").await;
    let handle = receive(&sqs, &url, 1).await[0].receipt_handle().unwrap().to_owned();
    let change = sqs.change_message_visibility().queue_url(&url).receipt_handle(&handle);
    change.visibility_timeout(100).send().await.unwrap();
    clock.forward_s(99);
    assert!(receive(&sqs, &url, 1).await.is_empty());
    let at_once = ChangeMessageVisibilityBatchRequestEntry::builder().id("1").receipt_handle(&handle);
    let at_once = at_once.visibility_timeout(0).build().unwrap();
    let bad = ChangeMessageVisibilityBatchRequestEntry::builder().id("2").receipt_handle("bad").visibility_timeout(1);
    let change = sqs.change_message_visibility_batch().queue_url(&url).entries(at_once).entries(bad.build().unwrap());
    let changed = change.send().await.unwrap();
    assert_eq!((changed.successful()[0].id(), changed.failed()[0].id()), ("1", "2"));
    assert_eq!(bodies(&receive(&sqs, &url, 1).await), ["a"]);
}

#[tokio::test]
async fn a_batch_fails_by_the_entry() {
    let (sqs, _) = queues_in_time();
    let url = make_queue(&sqs, "q", &[]).await;
    let answer = sqs.send_message_batch().queue_url(&url);
    let answer = answer.entries(entry("good", "a")).entries(entry("bad", "\u{1}")).entries(entry("also-good", "b"));
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.successful().iter().map(|sent| sent.id()).collect::<Vec<_>>(), ["good", "also-good"]);
    let failed = &answer.failed()[0];
    assert_eq!((failed.id(), failed.code(), failed.sender_fault()), ("bad", "InvalidMessageContents", true));

    let received = receive(&sqs, &url, 10).await;
    assert_eq!(bodies(&received), ["a", "b"]);
    let deletion = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().unwrap()
    };
    let answer = sqs.delete_message_batch().queue_url(&url);
    let answer = answer.entries(deletion("1", received[0].receipt_handle().unwrap())).entries(deletion("2", "bad"));
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.successful()[0].id(), "1");
    assert_eq!((answer.failed()[0].id(), answer.failed()[0].code()), ("2", "ReceiptHandleIsInvalid"));
}

/// Asserts that a call is refused with this code.
macro_rules! check {
    ($call:expr, $code:expr) => {
        assert_eq!($call.send().await.unwrap_err().into_service_error().code(), Some($code))
    };
}

#[tokio::test]
async fn a_message_that_sqs_refuses_is_refused_with_its_code() {
    let (sqs, _) = queues_in_time();
    let url = make_queue(&sqs, "q", &[(QueueAttributeName::MaximumMessageSize, "2048")]).await;
    let roomy = make_queue(&sqs, "roomy", &[]).await;
    let send = |url: &str, bytes| sqs.send_message().queue_url(url).message_body("x".repeat(bytes));
    check!(send("http://engines.local/0/none", 1), "AWS.SimpleQueueService.NonExistentQueue");
    check!(send(&url, 2049), "InvalidParameterValue");
    check!(send(&roomy, 1024 * 1024 + 1), "InvalidParameterValue");
    send(&roomy, 1024 * 1024).send().await.unwrap();
    check!(send(&url, 1).delay_seconds(901), "InvalidParameterValue");
}

#[tokio::test]
async fn what_a_message_must_have_and_must_not_have_is_checked() {
    let (sqs, _) = queues_in_time();
    let url = make_queue(&sqs, "q", &[]).await;
    let send = |bytes| sqs.send_message().queue_url(&url).message_body("x".repeat(bytes));
    check!(send(0), "MissingParameter");
    check!(send(1).message_group_id("no spaces"), "InvalidParameterValue");
    check!(send(1).message_deduplication_id("1"), "InvalidParameterValue");
}

#[tokio::test]
async fn a_batch_that_sqs_refuses_is_refused_with_its_code() {
    let (sqs, _) = queues_in_time();
    let roomy = make_queue(&sqs, "roomy", &[]).await;
    let entries = |count: usize, bytes: usize| (0..count).map(move |n| entry(&n.to_string(), &"x".repeat(bytes)));
    let batch = |entries| sqs.send_message_batch().queue_url(&roomy).set_entries(Some(entries));
    check!(batch(Vec::new()), "AWS.SimpleQueueService.EmptyBatchRequest");
    check!(batch(entries(11, 1).collect()), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest");
    check!(batch(entries(5, 250_000).collect()), "AWS.SimpleQueueService.BatchRequestTooLong");
    check!(batch(vec![entry("1", "a"), entry("1", "b")]), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct");
}

#[tokio::test]
async fn a_consumer_that_asks_for_too_much_is_refused() {
    let (sqs, _) = queues_in_time();
    let url = make_queue(&sqs, "q", &[]).await;
    check!(sqs.receive_message().queue_url(&url).max_number_of_messages(11), "InvalidParameterValue");
    check!(sqs.receive_message().queue_url(&url).wait_time_seconds(21), "InvalidParameterValue");
    check!(sqs.delete_message().queue_url(&url).receipt_handle("bad"), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn a_queue_that_cannot_be_is_not_made() {
    let (sqs, _) = queues_in_time();
    make_queue(&sqs, "q", &[(QueueAttributeName::MaximumMessageSize, "2048")]).await;
    let other = sqs.create_queue().queue_name("q").attributes(QueueAttributeName::MaximumMessageSize, "4096");
    check!(other, "QueueAlreadyExists");
    check!(
        sqs.create_queue().queue_name("r").attributes(QueueAttributeName::DelaySeconds, "x"),
        "InvalidAttributeValue"
    );
}

#[tokio::test]
async fn what_sqs_has_besides_is_refused() {
    let (sqs, _) = queues_in_time();
    let url = make_queue(&sqs, "q", &[]).await;
    check!(sqs.create_queue().queue_name("q.fifo"), "AWS.SimpleQueueService.UnsupportedOperation");
    check!(sqs.tag_queue().queue_url(&url).tags("a", "b"), "InvalidAction");
}

#[tokio::test]
async fn queues_are_made_found_listed_emptied_and_deleted() {
    let (sqs, _) = queues_in_time();
    let url = make_queue(&sqs, "b", &[(QueueAttributeName::VisibilityTimeout, "7")]).await;
    assert!(url.ends_with("/000000000000/b"), "{url}");
    assert_eq!(make_queue(&sqs, "b", &[(QueueAttributeName::VisibilityTimeout, "7")]).await, url);
    for name in ["a", "c", "other"] {
        make_queue(&sqs, name, &[]).await;
    }
    assert_eq!(sqs.get_queue_url().queue_name("b").send().await.unwrap().queue_url(), Some(url.as_str()));
    let page = sqs.list_queues().max_results(3).send().await.unwrap();
    assert_eq!(page.queue_urls().len(), 3);
    let page = sqs.list_queues().max_results(3).set_next_token(page.next_token).send().await.unwrap();
    assert_eq!((page.queue_urls().len(), page.next_token()), (1, None));
    assert!(page.queue_urls()[0].ends_with("/other"));

    send(&sqs, &url, "a").await;
    sqs.send_message().queue_url(&url).message_body("later").delay_seconds(9).send().await.unwrap();
    let visible = QueueAttributeName::ApproximateNumberOfMessages;
    let delayed = QueueAttributeName::ApproximateNumberOfMessagesDelayed;
    let attributes = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();
    assert_eq!((attributes[&visible].as_str(), attributes[&delayed].as_str()), ("1", "1"));
    assert_eq!(attributes[&QueueAttributeName::QueueArn], "arn:aws:sqs:us-east-1:000000000000:b");
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "7");

    sqs.purge_queue().queue_url(&url).send().await.unwrap();
    assert!(receive(&sqs, &url, 10).await.is_empty());
    sqs.delete_queue().queue_url(&url).send().await.unwrap();
    assert!(sqs.get_queue_url().queue_name("b").send().await.is_err());
}
