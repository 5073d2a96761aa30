//! The wire to AWS, where things go wrong: an HTTP client of the SDK that stands between a sandbox and the engines, passes its
//! calls on, and now and then does not, or not quite, or not in time. It also watches what took effect.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use fanfare::domain::ksuid::Ksuid;
use fanfare::effects::Clock as _;
use fanfare_engines::intercept;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::wire::{self, Answer};
use super::world::World;

/// A slow call takes up to this. The SDK gives up on one after four seconds.
const SLOW_MS_MAX: u64 = 6_000;

/// How far the index may be behind its table.
const INDEX_BEHIND_MS_MAX: u64 = 3_000;

/// Ends a sandbox where it stands.
#[derive(Clone, Debug)]
pub(super) struct Switch(watch::Sender<bool>);

impl Switch {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(super) fn pull(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is pulled.
    pub(super) async fn pulled(&self) {
        // The sender is here, so the channel is open.
        let _ = self.0.subscribe().wait_for(|is_pulled| *is_pulled).await;
    }
}

/// A sandbox's way to AWS.
#[derive(Clone)]
pub(super) struct Wire {
    world: Arc<World>,
    sandbox: Arc<str>,
    switch: Switch,
}

impl Wire {
    /// The HTTP client of a sandbox.
    pub(super) fn client(world: &Arc<World>, sandbox: &str, switch: &Switch) -> SharedHttpClient {
        let wire = Self { world: Arc::clone(world), sandbox: Arc::from(sandbox), switch: switch.clone() };
        intercept(world.engines.http_client(), move |engines, request| {
            let connector = Connector { wire: wire.clone(), engines: engines.clone() };
            HttpConnectorFuture::new(async move { connector.pass(request).await })
        })
    }
}

/// One call's way.
struct Connector {
    wire: Wire,
    engines: SharedHttpConnector,
}

impl Connector {
    async fn pass(&self, request: HttpRequest) -> Answer {
        let world = &*self.wire.world;
        let operation = wire::operation(&request);
        world.journal.call(&self.wire.sandbox, &operation);
        let weather = world.weather();
        if world.happens(weather.crash / 2.0) {
            self.crash("before", &operation).await;
        }
        if world.happens(weather.slow / 2.0) {
            self.slow("before", &operation).await;
        }
        if world.happens(weather.refused) {
            let (status, code) = *world.faults.pick(&[(400, "ThrottlingException"), (500, "InternalServerError")]);
            self.note("refused", &format!("{operation} refused: {code}"));
            return wire::refusal(status, code);
        }
        if operation == "TransactWriteItems" && world.happens(weather.conflict) {
            self.note("transaction conflicts", "TransactWriteItems met another one");
            return wire::conflict(&wire::asked(&request));
        }
        let answer = self.perform(request, &operation).await;
        if world.happens(weather.crash / 2.0) {
            self.crash("after", &operation).await;
        }
        if world.happens(weather.slow / 2.0) {
            self.slow("after", &operation).await;
        }
        if world.happens(weather.answer_lost) {
            self.note("answers lost", &format!("{operation} done, its answer lost"));
            return wire::broken();
        }
        answer
    }

    /// Has the engines do it, or some of it, and tells the world what took effect.
    async fn perform(&self, request: HttpRequest, operation: &str) -> Answer {
        let (world, weather) = (&*self.wire.world, self.wire.world.weather());
        match operation {
            "BatchWriteItem" => {
                let asked = wire::asked(&request);
                let (request, asked, left) = match world.happens(weather.unprocessed) {
                    true => self.leave_some(request, asked)?,
                    false => (Some(request), asked, Value::Null),
                };
                let Some(request) = request else { return wire::answer(200, &json!({ "UnprocessedItems": left })) };
                let answer = self.engines.call(request).await?;
                if answer.status().is_success() {
                    world.queues.watch_writes(&asked);
                }
                if left.is_null() {
                    return Ok(answer);
                }
                let mut body = wire::answered(&answer);
                body["UnprocessedItems"] = left;
                wire::answer(answer.status().as_u16(), &body)
            }
            "SendMessageBatch" => {
                let asked = wire::asked(&request);
                let (request, asked, refused) = match world.happens(weather.partial) {
                    true => self.refuse_some(request, asked)?,
                    false => (Some(request), asked, Vec::new()),
                };
                let answer = match request {
                    None => wire::answer(200, &json!({ "Successful": [], "Failed": [] }))?,
                    Some(request) => self.engines.call(request).await?,
                };
                if answer.status().is_success() {
                    world.watch_sends(&asked);
                }
                if refused.is_empty() {
                    return Ok(answer);
                }
                let mut body = wire::answered(&answer);
                body["Failed"] = Value::Array(refused);
                wire::answer(answer.status().as_u16(), &body)
            }
            "SendMessage" => {
                let asked = wire::asked(&request);
                let answer = self.engines.call(request).await?;
                if answer.status().is_success() {
                    world.watch_sends(&json!({ "QueueUrl": asked["QueueUrl"], "Entries": [asked] }));
                }
                Ok(answer)
            }
            "Query" if world.happens(weather.stale) => {
                let is_of_index = wire::asked(&request)["IndexName"].is_string();
                let answer = self.engines.call(request).await?;
                if !is_of_index || !answer.status().is_success() {
                    return Ok(answer);
                }
                self.make_stale(wire::answered(&answer))
            }
            _ => self.engines.call(request).await,
        }
    }

    /// The request without some of its writes, what is left of them, and those it is without.
    fn leave_some(
        &self,
        request: HttpRequest,
        mut asked: Value,
    ) -> Result<(Option<HttpRequest>, Value, Value), aws_smithy_runtime_api::client::result::ConnectorError> {
        let mut left = json!({});
        for (table, writes) in asked["RequestItems"].as_object_mut().into_iter().flatten() {
            let Some(writes) = writes.as_array_mut() else { continue };
            let kept = self.wire.world.faults.index(writes.len().max(1));
            left[table] = Value::Array(writes.split_off(kept));
        }
        self.note("writes left undone", "BatchWriteItem left some writes undone");
        let rest = asked["RequestItems"].as_object_mut();
        rest.into_iter().for_each(|tables| tables.retain(|_, writes| *writes != json!([])));
        if asked["RequestItems"] == json!({}) {
            return Ok((None, asked, left));
        }
        Ok((Some(wire::with_body(request, &asked)?), asked, left))
    }

    /// The request without some of its messages, and what is said about those.
    fn refuse_some(
        &self,
        request: HttpRequest,
        mut asked: Value,
    ) -> Result<(Option<HttpRequest>, Value, Vec<Value>), aws_smithy_runtime_api::client::result::ConnectorError> {
        let entries = asked["Entries"].as_array_mut();
        let refused = entries.map_or_else(Vec::new, |entries| {
            let kept = self.wire.world.faults.index(entries.len().max(1));
            entries.split_off(kept)
        });
        self.note("messages refused", "SendMessageBatch refused some messages");
        let failed =
            refused.iter().map(|entry| json!({ "Id": entry["Id"], "Code": "InternalError", "SenderFault": false }));
        let failed = failed.collect();
        if asked["Entries"] == json!([]) {
            return Ok((None, asked, failed));
        }
        Ok((Some(wire::with_body(request, &asked)?), asked, failed))
    }

    /// Without the entries of the last moment: their names tell when they were made.
    fn make_stale(&self, mut body: Value) -> Answer {
        let world = &*self.wire.world;
        let behind_ms = i64::try_from(world.faults.between(1, INDEX_BEHIND_MS_MAX)).unwrap_or_default();
        let seen_until = Ksuid::first_at(world.clock.now().plus_millis(-behind_ms)).to_string();
        let Some(items) = body["Items"].as_array_mut() else { return wire::answer(200, &body) };
        let before = items.len();
        items.retain(|item| item["lsk"]["S"].as_str().is_none_or(|made| *made < *seen_until));
        let count = items.len();
        if count < before {
            self.note("stale reads of the index", "Query did not see the newest entries");
        }
        body["Count"] = json!(count);
        wire::answer(200, &body)
    }

    async fn slow(&self, when: &str, operation: &str) {
        let ms = self.wire.world.faults.between(100, SLOW_MS_MAX);
        self.note("slow calls", &format!("{operation} slow, {ms} ms {when} it is done"));
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    async fn crash(&self, when: &str, operation: &str) {
        self.note("crashes", &format!("dies {when} {operation}"));
        self.wire.switch.pull();
        std::future::pending::<()>().await;
    }

    fn note(&self, kind: &'static str, what: &str) {
        self.wire.world.journal.count(kind, &self.wire.sandbox, what);
    }
}
