//! Long polls: they end with an arrival, with a delay or lease that is over, or with their wait. None of these tests
//! sleeps: Tokio's time is paused, and moves by itself when every task waits.

use std::time::Duration;

use tokio::time::Instant;

use super::*;

/// A poll of up to 20 seconds, in the background.
fn poll(sqs: &Sqs, url: &str) -> tokio::task::JoinHandle<Vec<Message>> {
    let receive = sqs.receive_message().queue_url(url).wait_time_seconds(20);
    tokio::spawn(async move { receive.send().await.unwrap().messages.unwrap_or_default() })
}

/// Lets everything that can run do so.
async fn let_others_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// A clock that follows Tokio's, which is paused.
fn paused_clock() -> Clock {
    let start = Instant::now();
    Arc::new(move || 1_800_000_000_000 + u64::try_from(start.elapsed().as_millis()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_arrival_ends_the_wait_at_once() {
    let (sqs, _) = queues_in_time();
    let url = make_queue(&sqs, "q", &[]).await;
    let started = Instant::now();
    let polls = [poll(&sqs, &url), poll(&sqs, &url)];
    let_others_run().await;
    send(&sqs, &url, "a").await;
    send(&sqs, &url, "b").await;
    for poll in polls {
        assert_eq!(poll.await.unwrap().len(), 1);
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_its_time_is_over_even_if_the_injected_clock_stands() {
    let (sqs, _) = queues_in_time();
    let url = make_queue(&sqs, "q", &[]).await;
    let started = Instant::now();
    assert!(poll(&sqs, &url).await.unwrap().is_empty());
    assert!((20..21).contains(&started.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_poll_gets_a_message_when_its_delay_is_over() {
    let engines = Engines::in_memory(paused_clock()).unwrap();
    let sqs = Sqs::new(&engines.sdk_config());
    let url = make_queue(&sqs, "q", &[]).await;
    let started = Instant::now();
    let poll = poll(&sqs, &url);
    let_others_run().await;
    sqs.send_message().queue_url(&url).message_body("later").delay_seconds(3).send().await.unwrap();
    assert_eq!(bodies(&poll.await.unwrap()), ["later"]);
    let waited_ms = started.elapsed().as_millis();
    assert!((3000..3010).contains(&waited_ms), "{waited_ms}");
}

#[tokio::test(start_paused = true)]
async fn a_poll_gets_a_message_soon_after_its_lease_ran_out() {
    let engines = Engines::in_memory(paused_clock()).unwrap();
    let sqs = Sqs::new(&engines.sdk_config());
    let url = make_queue(&sqs, "q", &[]).await;
    send(&sqs, &url, "again").await;
    sqs.receive_message().queue_url(&url).visibility_timeout(5).send().await.unwrap();
    let started = Instant::now();
    assert_eq!(bodies(&poll(&sqs, &url).await.unwrap()), ["again"]);
    assert!((5..=6).contains(&started.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_poll_looks_again_when_it_is_told_that_the_clock_moved() {
    let clock = ManualClock::new();
    let engines = Engines::in_memory(clock.clock()).unwrap();
    let sqs = Sqs::new(&engines.sdk_config());
    let url = make_queue(&sqs, "q", &[]).await;
    sqs.send_message().queue_url(&url).message_body("later").delay_seconds(600).send().await.unwrap();
    let started = Instant::now();
    let poll = poll(&sqs, &url);
    let_others_run().await;
    clock.forward_s(600);
    engines.clock_moved();
    assert_eq!(bodies(&poll.await.unwrap()), ["later"]);
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_poll_ends_when_its_queue_is_deleted() {
    let (sqs, _) = queues_in_time();
    let url = make_queue(&sqs, "q", &[]).await;
    let receive = sqs.receive_message().queue_url(&url).wait_time_seconds(20);
    let poll = tokio::spawn(async move { receive.send().await });
    let_others_run().await;
    sqs.delete_queue().queue_url(&url).send().await.unwrap();
    assert!(poll.await.unwrap().unwrap_err().into_service_error().is_queue_does_not_exist());
}

#[tokio::test(start_paused = true)]
async fn paused_time_does_not_run_away_while_the_table_works() {
    let engines = in_memory();
    let table = aws_sdk_dynamodb::Client::new(&engines.sdk_config());
    let started = Instant::now();
    let other = tokio::spawn(tokio::time::sleep(Duration::from_secs(1)));
    super::table::make_table(&table).await;
    for number in 0..100 {
        let item = super::table::item("a", &number.to_string(), &[]);
        table.put_item().table_name("table").set_item(Some(item)).send().await.unwrap();
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
    other.await.unwrap();
}
