//! What the engines promise, asked through the real AWS SDK clients.
//!
//! What they promise because AWS does is asked of other engines, too (`tests/lanes/second-engines.sh`): [`table`], [`queues`],
//! [`moves`], [`objects`], [`notices`] and a part of [`keys`] take their configuration from [`sdk`]. The rest is ours alone.

#![allow(clippy::unwrap_used, reason = "a test that fails in setting up has failed")]

mod disk;
mod keys;
mod moves;
mod notices;
mod objects;
mod presigned;
mod queues;
mod serve;
mod table;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::SdkConfig;
use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use fanfare_engines::{Clock, Engines, system_clock};
use fanfare_second_engines::SecondEngines;

/// A clock that a test moves.
#[derive(Clone)]
struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_800_000_000_000)))
    }

    fn clock(&self) -> Clock {
        let now_ms = Arc::clone(&self.0);
        Arc::new(move || now_ms.load(Ordering::SeqCst))
    }

    fn forward_s(&self, seconds: u64) {
        let before_ms = self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
        SecondEngines::set_clock(before_ms + seconds * 1000);
    }
}

fn in_memory() -> Engines {
    Engines::in_memory(system_clock()).unwrap()
}

/// A configuration for these engines, or for others that know nothing yet.
fn sdk(engines: &Engines) -> SdkConfig {
    SecondEngines::empty().configure(engines.sdk_config())
}

/// A queue client of engines in memory, with the clock they follow.
fn queues_in_time() -> (Sqs, ManualClock) {
    let clock = ManualClock::new();
    let engines = Engines::in_memory(clock.clock()).unwrap();
    let sdk = sdk(&engines);
    clock.forward_s(0);
    (Sqs::new(&sdk), clock)
}

async fn make_queue(sqs: &Sqs, name: &str, attributes: &[(QueueAttributeName, &str)]) -> String {
    let mut create = sqs.create_queue().queue_name(name);
    for (attribute, value) in attributes {
        create = create.attributes(attribute.clone(), *value);
    }
    create.send().await.unwrap().queue_url.unwrap()
}

async fn send(sqs: &Sqs, url: &str, body: &str) {
    sqs.send_message().queue_url(url).message_body(body).send().await.unwrap();
}

async fn receive(sqs: &Sqs, url: &str, count: i32) -> Vec<Message> {
    let all = MessageSystemAttributeName::All;
    let receive = sqs.receive_message().queue_url(url).max_number_of_messages(count);
    let answer = receive.message_system_attribute_names(all).message_attribute_names("All").send().await.unwrap();
    answer.messages.unwrap_or_default()
}

async fn delete(sqs: &Sqs, url: &str, message: &Message) {
    let handle = message.receipt_handle().unwrap();
    sqs.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}
