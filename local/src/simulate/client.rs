//! The people of a run: those who set up applications and endpoints, those who publish, those who change their minds, and in the
//! end those who look. They speak to the API as anybody does, and repeat what got no answer, with the same idempotency key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanfare::domain::ids::AttemptId;
use fanfare::effects::Clock as _;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::history::{Attempt, Changed, Turn};
use super::journal::short;
use super::lambda::Lambda;
use super::receivers;
use super::scenario::{Change, ChangePlan, MessagePlan, Replay, ReplayPlan, ResendPlan};
use super::world::World;
use crate::api_gateway::{Arrival, Routes, read_answer, write_event};
use crate::ids;

/// How often people try what they do not give up.
const TRIES_MAX: u32 = 60;

/// The pause between two tries.
const PAUSE_MS: (u64, u64) = (500, 15_000);

/// Attempts of a message on one page: more than there can be.
const ATTEMPTS_MAX: usize = 250;

/// The API's clients.
pub(super) struct Client {
    world: Arc<World>,
    lambda: Arc<Lambda>,
    routes: Routes<String>,
    /// An owner changes one thing of an endpoint after the other.
    owners: Vec<Mutex<()>>,
}

/// A request of a client's.
struct Asked<'a> {
    who: &'a str,
    method: Method,
    path: String,
    /// JSON; empty: none.
    body: String,
    idempotency_key: Option<String>,
}

/// What the API answered.
struct Answered {
    status: u16,
    body: Value,
}

impl Client {
    pub(super) fn new(world: &Arc<World>, lambda: &Arc<Lambda>) -> anyhow::Result<Self> {
        let routes = Routes::new(&world.plan.routes, |function| Some(function.to_owned()))?;
        let owners = world.scenario.endpoints.iter().map(|_| Mutex::default()).collect();
        Ok(Self { world: Arc::clone(world), lambda: Arc::clone(lambda), routes, owners })
    }

    /// Makes an application; its identifier.
    pub(super) async fn make_application(&self, index: usize) -> Option<String> {
        let plan = &self.world.scenario.applications[index];
        let body = json!({ "name": plan.name, "throttleRate": plan.rate });
        let key = Some(format!("application-{index}"));
        let (path, body) = ("/api/v1/app".to_owned(), body.to_string());
        let asked = Asked { who: "owner", method: Method::POST, path, body, idempotency_key: key };
        let answered = self.insist(&asked, TRIES_MAX).await?;
        self.expect(&asked, &answered, 201);
        answered.body["id"].as_str().map(str::to_owned)
    }

    /// Makes an event type that endpoints may name.
    pub(super) async fn make_event_type(&self, name: &str) {
        let body = json!({ "name": name, "description": "simulated" }).to_string();
        let (path, key) = ("/api/v1/event-type".to_owned(), Some(format!("event-type-{name}")));
        let asked = Asked { who: "owner", method: Method::POST, path, body, idempotency_key: key };
        if let Some(answered) = self.insist(&asked, TRIES_MAX).await {
            self.expect(&asked, &answered, 201);
        }
    }

    /// Makes an endpoint at its time.
    pub(super) async fn make_endpoint(&self, index: usize, application: &str) {
        let plan = &self.world.scenario.endpoints[index];
        self.world.clock.sleep_until_ms(plan.made_at_ms).await;
        let mut body = json!({ "url": receivers::url(index, plan.is_https, 0), "secret": plan.secret, "throttleRate": plan.rate, "ordered": plan.is_ordered });
        if !plan.event_types.is_empty() {
            body["filterTypes"] = json!(plan.event_types);
        }
        let asked = Asked {
            who: "owner",
            method: Method::POST,
            path: format!("/api/v1/app/{application}/endpoint"),
            body: body.to_string(),
            idempotency_key: Some(format!("endpoint-{index}")),
        };
        let Some(answered) = self.insist(&asked, TRIES_MAX).await else { return };
        self.expect(&asked, &answered, 201);
        let Some(id) = answered.body["id"].as_str() else { return };
        let mut history = self.world.history();
        let life = &mut history.endpoints[index];
        (life.id, life.made_ms) = (Some(id.to_owned()), self.world.now_ms());
        drop(history);
        self.world.journal.note("owner", format_args!("r{index} is {}", short(id)));
    }

    /// Publishes a message at its time, again and again until it is accepted or patience ends.
    pub(super) async fn publish(&self, index: usize, application: &str) {
        let plan = &self.world.scenario.messages[index];
        self.world.clock.sleep_until_ms(plan.at_ms).await;
        self.world.history().messages[index].asked_ms = self.world.now_ms();
        let asked = Asked {
            who: &format!("publisher {index}"),
            method: Method::POST,
            path: format!("/api/v1/app/{application}/msg"),
            body: self.publication(plan, index),
            idempotency_key: Some(format!("message-{index}")),
        };
        let Some(answered) = self.insist(&asked, plan.tries_max).await else { return };
        self.accepted(index, &asked, &answered);
        // Some are not sure and ask once more.
        if self.world.faults.chance(0.1) {
            self.pause().await;
            if let Some(answered) = self.insist(&asked, 1).await {
                self.accepted(index, &asked, &answered);
            }
        }
    }

    fn accepted(&self, index: usize, asked: &Asked<'_>, answered: &Answered) {
        let is_over = self.world.scenario.messages[index].deliver_before_ms.is_some_and(|ms| ms <= self.world.now_ms());
        if is_over && answered.status == 422 {
            return; // the publisher tried until it was too late
        }
        self.expect(asked, answered, 202);
        let Some(id) = answered.body["id"].as_str() else { return };
        let mut history = self.world.history();
        let life = &mut history.messages[index];
        life.accepted_ms.get_or_insert(self.world.now_ms());
        life.ids.insert(id.to_owned());
        drop(history);
        self.world.journal.note(asked.who, format_args!("{} is accepted", short(id)));
    }

    /// Changes an endpoint at that time.
    pub(super) async fn change(&self, plan: &ChangePlan, number: usize) {
        self.world.clock.sleep_until_ms(plan.at_ms).await;
        let _alone = self.owners[plan.endpoint].lock().await;
        let Some((application, endpoint)) = self.place_of(plan.endpoint) else { return };
        let path = format!("/api/v1/app/{application}/endpoint/{endpoint}");
        let is_https = self.world.scenario.endpoints[plan.endpoint].is_https;
        let (method, body, status) = match plan.change {
            Change::Disable => (Method::PATCH, json!({ "disabled": true }).to_string(), 200),
            Change::Enable => (Method::PATCH, json!({ "disabled": false }).to_string(), 200),
            Change::Move => {
                let url = receivers::url(plan.endpoint, is_https, number + 1);
                (Method::PATCH, json!({ "url": url }).to_string(), 200)
            }
            Change::Delete => (Method::DELETE, String::new(), 204),
        };
        self.world.journal.note("owner", format_args!("r{}: {:?}", plan.endpoint, plan.change));
        let turn = Turn::of(plan.change).map(|change| {
            let changes = &mut self.world.history().endpoints[plan.endpoint].changes;
            changes.push(Changed { change, asked_ms: self.world.now_ms(), answered_ms: None });
            changes.len() - 1
        });
        let asked = Asked { who: "owner", method, path, body, idempotency_key: None };
        let Some(answered) = self.insist(&asked, TRIES_MAX).await else { return };
        // Somebody may have deleted it, or this is a repeat of what was done.
        if answered.status != 404 {
            self.expect(&asked, &answered, status);
        }
        if let Some(turn) = turn
            && (answered.status == status || plan.change == Change::Delete)
        {
            self.world.history().endpoints[plan.endpoint].changes[turn].answered_ms = Some(self.world.now_ms());
        }
    }

    /// Has a message sent again, once.
    pub(super) async fn resend(&self, plan: &ResendPlan, number: usize) {
        let message = &self.world.scenario.messages[plan.message];
        self.world.clock.sleep_until_ms(message.at_ms + plan.after_ms).await;
        let id = self.world.history().messages[plan.message].id().cloned();
        let (Some((application, endpoint)), Some(id)) = (self.place_of(plan.endpoint), id) else { return };
        if self.world.scenario.endpoints[plan.endpoint].application != message.application {
            return;
        }
        let asked = Asked {
            who: &format!("support {number}"),
            method: Method::POST,
            path: format!("/api/v1/app/{application}/msg/{id}/endpoint/{endpoint}/resend"),
            body: String::new(),
            idempotency_key: Some(format!("resend-{number}")),
        };
        let answered = self.insist(&asked, 5).await;
        let what = answered.map_or(0, |answered| answered.status);
        self.world.journal.note(asked.who, format_args!("{} to r{}: {what}", short(&id), plan.endpoint));
    }

    /// Has sent again, in the background, what an endpoint did not get.
    pub(super) async fn replay(&self, plan: &ReplayPlan, number: usize) {
        self.world.clock.sleep_until_ms(plan.at_ms).await;
        let Some((application, endpoint)) = self.place_of(plan.endpoint) else { return };
        let action = match plan.what {
            Replay::Failed => "recover",
            Replay::Missing => "replay-missing",
        };
        let asked = Asked {
            who: &format!("support {number}"),
            method: Method::POST,
            path: format!("/api/v1/app/{application}/endpoint/{endpoint}/{action}"),
            body: json!({ "since": self.world.clock.at_ms(0) }).to_string(),
            idempotency_key: Some(format!("replay-{number}")),
        };
        let Some(answered) = self.insist(&asked, TRIES_MAX).await else { return };
        if answered.status != 404 {
            self.expect(&asked, &answered, 202);
        }
        let Some(id) = answered.body["id"].as_str() else { return };
        self.world.journal.note(asked.who, format_args!("{action} for r{} is {}", plan.endpoint, short(id)));
        self.world.history().work.insert(id.to_owned(), None);
    }

    /// Reads how work in the background stands in the end.
    pub(super) async fn look_at_work(&self) {
        let work: Vec<String> = self.world.history().work.keys().cloned().collect();
        for id in work {
            let path = format!("/api/v1/background-task/{id}");
            let asked = Asked { who: "reader", method: Method::GET, path, body: String::new(), idempotency_key: None };
            let Some(answered) = self.insist(&asked, 1).await else { continue };
            self.expect(&asked, &answered, 200);
            self.world.history().work.insert(id, answered.body["status"].as_str().map(str::to_owned));
        }
    }

    /// Reads what an endpoint is on record not to have got.
    pub(super) async fn look_at_endpoint(&self, index: usize) {
        let Some((application, endpoint)) = self.place_of(index) else { return };
        let path = format!("/api/v1/app/{application}/endpoint/{endpoint}/undelivered?limit={ATTEMPTS_MAX}");
        let asked = Asked { who: "reader", method: Method::GET, path, body: String::new(), idempotency_key: None };
        // It may have been deleted.
        let Some(answered) = self.insist(&asked, 1).await.filter(|answered| answered.status == 200) else { return };
        let records = answered.body["data"].as_array().cloned().unwrap_or_default();
        let messages = records.iter().filter_map(|record| Some(record["msgId"].as_str()?.to_owned()));
        self.world.history().undelivered.extend(messages.map(|message| (message, endpoint.clone())));
    }

    /// Reads what the API says in the end.
    pub(super) async fn look(&self, index: usize, application: &str) {
        let Some(id) = self.world.history().messages[index].id().cloned() else { return };
        let path = format!("/api/v1/app/{application}/attempt/msg/{id}?limit={ATTEMPTS_MAX}&with_content=false");
        let attempts = self.get(path).await;
        let attempts = attempts.iter().filter_map(|attempt| self.attempt(attempt)).collect();
        let standings = self.get(format!("/api/v1/app/{application}/msg/{id}/endpoint?limit=50")).await;
        let standings = standings.iter().filter_map(|standing| {
            let text = |name: &str| standing[name].as_str().map(str::to_owned);
            Some((text("id")?, (text("statusText")?, text("nextAttempt"))))
        });
        let mut history = self.world.history();
        let life = &mut history.messages[index];
        (life.attempts, life.standings) = (attempts, standings.collect());
    }

    fn attempt(&self, attempt: &Value) -> Option<Attempt> {
        let begun_at = AttemptId::parse(attempt["id"].as_str()?)?.timestamp();
        Some(Attempt {
            endpoint: attempt["endpointId"].as_str()?.to_owned(),
            is_success: attempt["statusText"] == "success",
            is_manual: attempt["triggerType"] == 1,
            status_code: attempt["responseStatusCode"].as_u64()?,
            begun_ms: self.world.clock.ms_at(begun_at),
            duration_ms: attempt["responseDurationMs"].as_i64()?,
        })
    }

    /// The items of a page.
    async fn get(&self, path: String) -> Vec<Value> {
        let asked = Asked { who: "reader", method: Method::GET, path, body: String::new(), idempotency_key: None };
        let Some(answered) = self.insist(&asked, 1).await else {
            self.surprise(format!("{} got no answer in calm weather", asked.path));
            return Vec::new();
        };
        self.expect(&asked, &answered, 200);
        if answered.body["done"] == false {
            self.surprise(format!("{} has more than one page", asked.path));
        }
        answered.body["data"].as_array().cloned().unwrap_or_default()
    }

    /// The body, with the payload's text as it is.
    fn publication(&self, plan: &MessagePlan, index: usize) -> String {
        let event_id = if plan.has_event_id { format!("\"eventId\":\"event-{index}\",") } else { String::new() };
        let deliver_at = plan.deliver_at_ms.map(|ms| format!("\"deliverAt\":{},", json!(self.world.clock.at_ms(ms))));
        let deliver_at = deliver_at.unwrap_or_default();
        let before =
            plan.deliver_before_ms.map(|ms| format!("\"deliverBefore\":{},", json!(self.world.clock.at_ms(ms))));
        let before = before.unwrap_or_default();
        let key = plan.ordering_key.map(|key| format!("\"orderingKey\":\"{key}\",")).unwrap_or_default();
        format!(
            "{{{event_id}{deliver_at}{before}{key}\"eventType\":\"{}\",\"payload\":{}}}",
            plan.event_type, plan.payload
        )
    }

    /// Application and identifier of an endpoint that was made.
    fn place_of(&self, endpoint: usize) -> Option<(String, String)> {
        let history = self.world.history();
        let application = self.world.scenario.endpoints[endpoint].application;
        Some((history.applications[application].clone()?, history.endpoints[endpoint].id.clone()?))
    }

    /// Asks until there is an answer that says something; none when patience ends before.
    async fn insist(&self, asked: &Asked<'_>, tries_max: u32) -> Option<Answered> {
        for number in 1..=tries_max {
            match self.ask(asked).await {
                Ok(answered) if answered.status < 500 && answered.status != 429 => return Some(answered),
                Ok(answered) => {
                    let Answered { status, .. } = answered;
                    self.world
                        .journal
                        .note(asked.who, format_args!("{} {}: {status}", asked.method, shown(&asked.path)));
                }
                Err(reason) => {
                    self.world
                        .journal
                        .note(asked.who, format_args!("{} {}: {reason}", asked.method, shown(&asked.path)));
                }
            }
            if number < tries_max {
                self.pause().await;
            }
        }
        self.world.journal.note(asked.who, format_args!("gives up {} {}", asked.method, shown(&asked.path)));
        None
    }

    /// Asks once, through the API gateway.
    async fn ask(&self, asked: &Asked<'_>) -> Result<Answered, String> {
        let world = &*self.world;
        let mut request = Request::builder().method(&asked.method).uri(&asked.path);
        request = request.header("host", "fanfare.example").header("authorization", format!("Bearer {}", world.token));
        if !asked.body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        if let Some(key) = &asked.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let (mut parts, ()) = request.body(()).map_err(|error| error.to_string())?.into_parts();
        let matched = self.routes.find(&parts.method, parts.uri.path()).ok_or("no route")?;
        let random = &*world.effects.random;
        let arrival = Arrival {
            peer: ([192, 0, 2, 1], 40_000).into(),
            port: 443,
            at: world.clock.now(),
            request_id: &ids::request(random),
            trace: ids::trace(random, world.clock.now().as_seconds()),
            route_key: &matched.target.key,
            path_parameters: &matched.parameters,
        };
        let body = Bytes::from(asked.body.clone());
        let event = write_event(&mut parts, &body, arrival).map_err(|_| "refused by the API gateway")?;
        let answer = self.lambda.invoke(&matched.target.function, event).await.map_err(|died| died.to_string())?;
        if world.happens(world.weather().cut_off) {
            world.journal.count("answers cut off", asked.who, "the answer does not arrive");
            return Err("no answer".to_owned());
        }
        let (head, body) = read_answer(&answer).map_err(|error| error.to_string())?.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Answered { status: head.status.as_u16(), body: serde_json::from_slice(&body).unwrap_or_default() })
    }

    async fn pause(&self) {
        let ms = self.world.faults.between(PAUSE_MS.0, PAUSE_MS.1);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    fn expect(&self, asked: &Asked<'_>, answered: &Answered, status: u16) {
        if answered.status != status {
            let Answered { status: found, body } = answered;
            self.surprise(format!("{} {}: {found} instead of {status}: {body}", asked.method, asked.path));
        }
    }

    fn surprise(&self, what: String) {
        self.world.journal.note("surprise", &what);
        self.world.history().surprises.push(what);
    }
}

/// A path with its identifiers shortened.
fn shown(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path).trim_start_matches("/api/v1");
    let part = |part: &str| if part.len() > 20 { short(part) } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
