//! Queues made, found, listed, emptied and deleted.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, OnQueue, done, queue_name, queue_url, reply};
use crate::sqs::Sqs;
use crate::sqs::error::SqsError;
use crate::sqs::limits::{check_queue_name, within};
use crate::sqs::queue::Queue;
use crate::sqs::settings::Attributes;

/// Queues of one page, also when the client names no number.
const PAGE_MAX: u64 = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateQueue {
    #[serde(default)]
    queue_name: String,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetQueueUrl {
    #[serde(default)]
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListQueues {
    #[serde(default)]
    queue_name_prefix: String,
    #[serde(flatten)]
    page: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListDeadLetterSourceQueues {
    #[serde(default)]
    queue_url: String,
    #[serde(flatten)]
    page: Page,
}

/// Which part of a list. A token is the last name of the page before.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    max_results: Option<i64>,
    #[serde(default)]
    next_token: String,
}

pub(super) async fn create(sqs: &Sqs, host: &str, request: CreateQueue) -> Answer {
    check_queue_name(&request.queue_name)?;
    let saved = sqs.book().create(&request.queue_name, &request.attributes, sqs.now_ms())?;
    if let Some(saved) = saved {
        saved.wait().await?;
    }
    reply(&json!({ "QueueUrl": queue_url(host, &request.queue_name) }))
}

pub(super) fn url(sqs: &Sqs, host: &str, request: GetQueueUrl) -> Answer {
    if !sqs.book().has_queue(&request.queue_name) {
        return Err(SqsError::QueueDoesNotExist);
    }
    reply(&json!({ "QueueUrl": queue_url(host, &request.queue_name) }))
}

pub(super) fn list(sqs: &Sqs, host: &str, request: ListQueues) -> Answer {
    request.page.of(sqs, host, "QueueUrls", |queue| queue.name.starts_with(&request.queue_name_prefix))
}

/// The queues whose dead letters go to this one.
pub(super) fn list_sources(sqs: &Sqs, host: &str, request: ListDeadLetterSourceQueues) -> Answer {
    let target = queue_name(&request.queue_url)?;
    sqs.book().queue(target, sqs.now_ms())?;
    let buries_here = |queue: &Queue| queue.settings.redrive.as_ref().is_some_and(|redrive| redrive.target == target);
    request.page.of(sqs, host, "queueUrls", buries_here)
}

pub(super) async fn delete(sqs: &Sqs, request: OnQueue) -> Answer {
    let saved = sqs.book().delete_queue(queue_name(&request.queue_url)?)?;
    saved.wait().await?;
    done()
}

pub(super) async fn purge(sqs: &Sqs, request: OnQueue) -> Answer {
    let saved = sqs.book().purge(queue_name(&request.queue_url)?)?;
    saved.wait().await?;
    done()
}

impl Page {
    fn of(&self, sqs: &Sqs, host: &str, member: &str, is_listed: impl Fn(&Queue) -> bool) -> Answer {
        let page_max = self.max_results.map_or(Ok(PAGE_MAX), |max| within("MaxResults", max, 1..=PAGE_MAX))?;
        let book = sqs.book();
        let mut names = book.queues().filter(|queue| is_listed(queue)).map(|queue| queue.name.as_str());
        let mut names =
            names.by_ref().skip_while(|name| *name <= self.next_token.as_str() && !self.next_token.is_empty());
        let page: Vec<_> = names.by_ref().take(usize::try_from(page_max).unwrap_or(usize::MAX)).collect();
        let urls: Vec<_> = page.iter().map(|name| queue_url(host, name)).collect();
        let mut answer = Map::from_iter([(member.to_owned(), Value::from(urls))]);
        if names.next().is_some() {
            answer.extend(page.last().map(|last| ("NextToken".to_owned(), Value::from(*last))));
        }
        reply(&answer)
    }
}
