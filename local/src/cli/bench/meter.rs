//! Counts what the functions ask of AWS, where the SDK meets the engines: what the table writes, in the units that are paid
//! for, and how often a queue hands out a batch, which is an invocation of the function behind it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use fanfare_engines::intercept;
use serde_json::Value;

/// Operations that write to the table.
const WRITES: [&str; 5] = ["BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"];
const RECEIVE: &str = "ReceiveMessage";

/// What has been asked so far. Clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(Arc<Mutex<Counts>>);

#[derive(Clone, Debug, Default)]
struct Counts {
    write_units: f64,
    batches: BTreeMap<String, u64>,
}

impl Meter {
    /// Units of the table's writes.
    pub(super) fn write_units(&self) -> f64 {
        self.counts(|counts| counts.write_units)
    }

    /// Batches that a queue has handed out.
    pub(super) fn batches(&self, queue: &str) -> u64 {
        self.counts(|counts| counts.batches.get(queue).copied().unwrap_or_default())
    }

    /// The same client, counted.
    pub(super) fn wrap(&self, inner: SharedHttpClient) -> SharedHttpClient {
        let meter = self.clone();
        intercept(inner, move |inner, request| meter.pass(inner, request))
    }

    fn counts<T>(&self, read: impl FnOnce(&mut Counts) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, operation: &str, asked: &Value, answer: &Value) {
        if operation == RECEIVE {
            let queue = asked["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
            if answer["Messages"].as_array().is_some_and(|messages| !messages.is_empty()) {
                self.counts(|counts| *counts.batches.entry(queue.to_owned()).or_default() += 1);
            }
            return;
        }
        // One table's capacity, or a list with that of each table.
        let capacity = &answer["ConsumedCapacity"];
        let each = capacity.as_array().map_or(std::slice::from_ref(capacity), Vec::as_slice);
        let units: f64 = each.iter().filter_map(|one| one["CapacityUnits"].as_f64()).sum();
        self.counts(|counts| counts.write_units += units);
    }

    fn pass(&self, inner: &SharedHttpConnector, mut request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
        let Some(operation) = target.filter(|name| *name == RECEIVE || WRITES.contains(name)).map(str::to_owned) else {
            return inner.call(request);
        };
        let mut asked = json(request.body());
        if operation != RECEIVE {
            asked["ReturnConsumedCapacity"] = Value::from("TOTAL");
            *request.body_mut() = SdkBody::from(asked.to_string());
        }
        let (answering, meter) = (inner.call(request), self.clone());
        HttpConnectorFuture::new(async move {
            let answer: HttpResponse = answering.await?;
            meter.note(&operation, &asked, &json(answer.body()));
            Ok(answer)
        })
    }
}

/// A body in memory as JSON; null for any other.
fn json(body: &SdkBody) -> Value {
    body.bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use aws_sdk_dynamodb::types::AttributeValue;
    use fanfare_engines::{Engines, system_clock};

    use super::*;

    #[tokio::test]
    async fn writes_are_counted_in_units_and_batches_by_queue() {
        let engines = Engines::in_memory(system_clock()).unwrap();
        let parameters = BTreeMap::from([("JwtSecret".to_owned(), "s".repeat(32))]);
        let place = crate::template::Place::local("http://engines.local");
        let plan = crate::template::Plan::read(crate::template::TEMPLATE, &place, &parameters).unwrap();
        crate::provision::provision(&plan, &engines.sdk_config()).await.unwrap();
        let meter = Meter::default();
        let sdk = engines.sdk_config().into_builder().http_client(meter.wrap(engines.http_client())).build();

        let text = |bytes: usize| AttributeValue::S("x".repeat(bytes));
        let put = aws_sdk_dynamodb::Client::new(&sdk).put_item().table_name("fanfare");
        put.item("pk", text(1)).item("sk", text(1)).item("d", text(2_500)).send().await.unwrap();
        assert_eq!(meter.write_units(), 3.0, "a kilobyte each");

        let sqs = aws_sdk_sqs::Client::new(&sdk);
        let url = sqs.get_queue_url().queue_name("fanfare-import").send().await.unwrap().queue_url.unwrap();
        let receive = || sqs.receive_message().queue_url(&url).send();
        receive().await.unwrap();
        sqs.send_message().queue_url(&url).message_body("a").send().await.unwrap();
        receive().await.unwrap();
        assert_eq!((meter.batches("fanfare-import"), meter.batches("fanfare-job")), (1, 0));
    }
}
