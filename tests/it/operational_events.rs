//! What an organization is told about its endpoints and messages: each event once, in the official shape, signed and delivered
//! like any message; nothing when nobody listens, and never anything about the telling itself.

use fanfare::domain::attempt::Attempt;
use fanfare::domain::endpoint::Endpoint;
use fanfare::domain::ids::{AppScope, ApplicationId, EndpointId, MessageId, OrganizationId};
use fanfare::domain::operational::{OperationalEvent, operational_application};
use fanfare::queue::JobQueue;
use fanfare::store::{EndpointRef, Store};
use serde_json::{Value, json};

use crate::harness::table::items_of;
use crate::harness::{ORGANIZATION, Receiver, Reply, Stage, Way};

const OPERATIONAL: &str = "/api/v1/operational-webhook/endpoint";
const ENDPOINT: &str = "/api/v1/app/acme/endpoint/main";

/// Enough for everything a test asks for.
const TIME_MS: i64 = 60_000;
/// The template's visibility timeout of the job queue.
const VISIBILITY_S: i64 = 1_800;

/// A stage with an application `acme`, and a receiver.
struct Scene {
    stage: Stage,
    receiver: Receiver,
    application: String,
}

impl Scene {
    async fn new(schedule: &str) -> Self {
        let stage = Stage::new(&[("FANFARE_RETRY_SCHEDULE", schedule)]).await;
        let receiver = Receiver::start().await;
        receiver.ignore_time();
        let application = json!({ "name": "Acme", "uid": "acme" });
        let application = stage.call("POST", "/api/v1/app", Some(application)).await.id();
        Self { stage, receiver, application }
    }

    /// An operational endpoint at the receiver's `/ops`; without event types it wants all.
    async fn listen(&self, event_types: &[&str]) -> String {
        let mut body = json!({ "url": self.receiver.url("/ops") });
        if !event_types.is_empty() {
            body["eventTypes"] = json!(event_types);
        }
        let id = self.stage.call("POST", OPERATIONAL, Some(body)).await.id();
        let secret = self.stage.call("GET", &format!("{OPERATIONAL}/{id}/secret"), None).await.json();
        self.receiver.verify("/ops", secret["key"].as_str().unwrap());
        id
    }

    /// The endpoint `main` of `acme`, at the receiver's `/`.
    async fn endpoint(&self, idempotency_key: Option<&str>) -> String {
        let body = json!({ "url": self.receiver.url("/"), "uid": "main" });
        let id = self.stage.call_with_key("POST", "/api/v1/app/acme/endpoint", Some(body), idempotency_key).await.id();
        self.receiver.verify("/", &self.stage.secret("acme", "main").await);
        id
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.stage.call(method, path, Some(body)).await;
        assert!(answer.status.is_success(), "{answer:?}");
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }

    /// Does what is queued; what `/ops` was told by it, by type.
    async fn told(&self) -> Vec<Value> {
        let before = self.receiver.at("/ops").len();
        self.stage.work(TIME_MS).await;
        self.stage.deliver_all().await;
        let told = self.receiver.at("/ops").split_off(before);
        let mut told: Vec<Value> = told.iter().map(|each| serde_json::from_slice(&each.body).unwrap()).collect();
        told.sort_by_key(|each| each["type"].to_string());
        told
    }

    fn scope(&self) -> AppScope {
        let application = ApplicationId::parse(&self.application).unwrap();
        AppScope { organization: OrganizationId::parse(ORGANIZATION).unwrap(), application }
    }

    fn own_scope(&self) -> AppScope {
        AppScope { application: operational_application(&self.scope().organization), ..self.scope() }
    }

    fn store(&self) -> Store {
        Store::new(&self.stage.platform.sdk, &self.stage.platform.settings.table, &self.stage.platform.keys)
    }

    async fn announce(&self, event: &OperationalEvent) {
        let jobs = JobQueue::new(&self.stage.platform.sdk, &self.stage.platform.settings.job_queue_url);
        jobs.announce(event).await.unwrap();
    }

    async fn stored_endpoint(&self, scope: &AppScope, id: &str) -> Endpoint {
        let named = EndpointRef::Id(EndpointId::parse(id).unwrap());
        self.store().endpoint(scope, &named).await.unwrap().unwrap()
    }

    async fn stored_attempts(&self, scope: &AppScope, message: &str) -> Vec<Attempt> {
        self.store().attempts_of(scope, &MessageId::parse(message).unwrap()).await.unwrap()
    }

    /// What is stored of messages of the organization's own application.
    async fn own_messages(&self) -> usize {
        let scope = self.own_scope();
        let prefix = format!("M#{}#{}#", scope.organization.ksuid(), scope.application.ksuid());
        items_of(&self.stage.engines, &prefix).await.iter().filter(|item| item["sk"].as_s().unwrap() == "M").count()
    }
}

#[tokio::test]
async fn what_happens_to_an_endpoint_is_told_once_in_the_official_shape() {
    let scene = Scene::new("").await;
    scene.listen(&[]).await;
    let endpoint = scene.endpoint(Some("k")).await;
    assert_eq!(scene.endpoint(Some("k")).await, endpoint);
    let data = json!({ "appId": scene.application, "appUid": "acme", "endpointId": endpoint, "endpointUid": "main" });
    let event = |name: &str| json!({ "type": name, "data": data });
    assert_eq!(scene.told().await, [event("endpoint.created")], "a repeat tells it under the same key");

    scene.call("PATCH", ENDPOINT, json!({ "description": "x" })).await;
    assert_eq!(scene.told().await, [event("endpoint.updated")]);
    scene.call("PUT", ENDPOINT, json!({ "url": scene.receiver.url("/"), "uid": "main" })).await;
    assert_eq!(scene.told().await, [event("endpoint.updated")]);
    scene.call("PUT", &format!("{ENDPOINT}/headers"), json!({ "headers": { "x-a": "1" } })).await;
    scene.call("PATCH", &format!("{ENDPOINT}/headers"), json!({ "headers": { "x-b": "2" } })).await;
    assert_eq!(scene.told().await, [event("endpoint.updated"), event("endpoint.updated")]);
    for _ in 0..2 {
        let rotate = format!("{ENDPOINT}/secret/rotate");
        assert_eq!(scene.stage.call_with_key("POST", &rotate, Some(json!({})), Some("r")).await.status, 200);
    }
    assert_eq!(scene.told().await, [event("endpoint.updated")], "a secret that is rotated once");

    let disabled_at = scene.call("PATCH", ENDPOINT, json!({ "disabled": true })).await["updatedAt"].clone();
    let mut disabled = event("endpoint.disabled");
    disabled["data"]["trigger"] = json!("manual");
    disabled["data"]["failSince"] = disabled_at;
    assert_eq!(scene.told().await, [disabled, event("endpoint.updated")]);
    scene.call("PATCH", ENDPOINT, json!({ "disabled": false })).await;
    assert_eq!(scene.told().await, [event("endpoint.enabled"), event("endpoint.updated")]);
    assert_eq!(scene.stage.call("DELETE", ENDPOINT, None).await.status, 204);
    assert_eq!(scene.told().await, [event("endpoint.deleted")]);
    assert_eq!(scene.own_messages().await, 11);
}

/// Publishes a message, tries it five times, and tells what came of it; the message, and what was told.
async fn tried_five_times(scene: &Scene) -> (String, Vec<Value>) {
    let id = scene.stage.publish("acme", None, json!({})).await.id();
    for _ in 0..5 {
        scene.stage.deliver_all().await;
        scene.stage.clock.forward_s(1);
    }
    (id, scene.told().await)
}

#[tokio::test]
async fn what_becomes_of_a_delivery_is_told_with_its_last_attempt() {
    let scene = Scene::new("1,1,1,1").await;
    scene.listen(&["message.attempt.exhausted", "message.attempt.failing", "message.attempt.recovered"]).await;
    let endpoint = scene.endpoint(None).await;
    scene.receiver.on("/", |delivery| Reply::Status(if delivery.nth <= 4 { 404 } else { 204 }));
    let recovered = tried_five_times(&scene).await;
    scene.receiver.on("/", |_| Reply::Close);
    let lost = tried_five_times(&scene).await;
    let ends = [
        (recovered, [(4, "message.attempt.failing", 404), (5, "message.attempt.recovered", 204)]),
        (lost, [(5, "message.attempt.exhausted", 0), (4, "message.attempt.failing", 0)]),
    ];
    for ((message, told), expected) in ends {
        let attempts = scene.stored_attempts(&scene.scope(), &message).await;
        assert_eq!(attempts.len(), 5);
        let event = |(number, event_type, status): (usize, &str, u16)| {
            let attempt = &attempts[number - 1];
            let at = attempt.id.timestamp();
            let last = json!({ "id": attempt.id, "responseStatusCode": status, "timestamp": at });
            let data = json!({
                "appId": scene.application,
                "appUid": "acme",
                "endpointId": endpoint,
                "msgId": message,
                "lastAttempt": last,
            });
            json!({ "type": event_type, "data": data })
        };
        assert_eq!(told, expected.map(event));
    }
}

#[tokio::test]
async fn an_endpoint_that_is_given_up_and_a_delivery_of_the_dead_letters_are_told() {
    let scene = Scene::new("").await;
    scene.listen(&["endpoint.disabled", "message.dead_lettered"]).await;
    let endpoint = scene.endpoint(None).await;
    scene.receiver.on("/", |_| Reply::Status(500));
    let dead = scene.stage.publish("acme", None, json!({})).await.id();
    scene.stage.faults.next("BatchGetItem", Way::THROTTLED, usize::MAX);
    scene.stage.wear_out().await;
    scene.stage.faults.stop();
    scene.stage.bury().await;
    let data = json!({ "appId": scene.application, "endpointId": endpoint, "msgId": dead });
    assert_eq!(scene.told().await, [json!({ "type": "message.dead_lettered", "data": data })]);

    scene.stage.publish("acme", None, json!({})).await.id();
    scene.stage.deliver_all().await;
    let seen = scene.stored_endpoint(&scene.scope(), &endpoint).await;
    scene.stage.clock.forward_s(5 * 24 * 3_600 + 60);
    scene.stage.publish("acme", None, json!({})).await.id();
    scene.stage.deliver_all().await;
    let data = json!({
        "appId": scene.application,
        "appUid": "acme",
        "endpointId": endpoint,
        "endpointUid": "main",
        "failSince": seen.failing_since.unwrap(),
        "trigger": "automatic",
    });
    assert_eq!(scene.told().await, [json!({ "type": "endpoint.disabled", "data": data })]);
}

#[tokio::test]
async fn when_nobody_listens_nothing_is_stored() {
    let scene = Scene::new("").await;
    scene.endpoint(None).await;
    scene.stage.work(TIME_MS).await;
    assert_eq!(scene.own_messages().await, 0, "there is no application of its own yet");
    let listener = scene.listen(&["endpoint.deleted"]).await;
    scene.call("PATCH", ENDPOINT, json!({ "description": "x" })).await;
    assert_eq!((scene.told().await, scene.own_messages().await), (vec![], 0), "it wants another event");
    let body = json!({ "url": scene.receiver.url("/ops"), "disabled": true });
    scene.call("PUT", &format!("{OPERATIONAL}/{listener}"), body).await;
    scene.call("PATCH", ENDPOINT, json!({ "description": "y" })).await;
    assert_eq!((scene.told().await, scene.own_messages().await), (vec![], 0), "it is disabled");
}

#[tokio::test]
async fn nothing_is_told_about_the_telling() {
    let scene = Scene::new("").await;
    let queued = || scene.stage.faults.calls("SendMessage");
    let listener = scene.listen(&[]).await;
    let path = format!("{OPERATIONAL}/{listener}");
    scene.call("PUT", &format!("{path}/headers"), json!({ "headers": { "x-a": "1" } })).await;
    scene.call("PUT", &path, json!({ "url": scene.receiver.url("/ops") })).await;
    assert_eq!(queued(), 0, "changes of an operational endpoint");

    scene.receiver.on("/ops", |_| Reply::Status(500));
    scene.endpoint(None).await;
    assert_eq!((queued(), scene.told().await.len()), (1, 1));
    scene.stage.clock.forward_s(5 * 24 * 3_600 + 60);
    scene.call("PATCH", ENDPOINT, json!({ "description": "x" })).await;
    assert_eq!((scene.told().await.len(), queued()), (1, 2), "what was exhausted told nothing");
    assert_eq!(scene.call("GET", &path, Value::Null).await["disabled"], true);
    let endpoint = scene.stored_endpoint(&scene.own_scope(), &listener).await;
    let delivery = scene.receiver.at("/ops").pop().unwrap();
    let attempts = scene.stored_attempts(&scene.own_scope(), &delivery.id).await;
    scene.announce(&OperationalEvent::of_attempt(&scene.own_scope(), &attempts[0], None).unwrap()).await;
    scene.announce(&OperationalEvent::endpoint_given_up(&scene.own_scope(), &endpoint, &attempts[0])).await;
    assert_eq!((queued(), scene.stage.work_once(TIME_MS).await), (2, 0), "nor did what was disabled");
    assert_eq!(scene.own_messages().await, 2);
}

#[tokio::test]
async fn a_change_is_done_though_it_cannot_be_told_and_its_repeat_tells_it() {
    let scene = Scene::new("").await;
    scene.listen(&["endpoint.created"]).await;
    scene.stage.faults.next("SendMessage", Way::BROKEN, 1);
    let endpoint = scene.endpoint(Some("k")).await;
    scene.stage.faults.end();
    assert_eq!(scene.told().await, Vec::<Value>::new());
    assert_eq!(scene.endpoint(Some("k")).await, endpoint);
    assert_eq!(scene.told().await.len(), 1);
}

#[tokio::test]
async fn a_failing_engine_delays_an_event_and_does_not_double_it() {
    for way in [Way::THROTTLED, Way::AnswerLost] {
        let scene = Scene::new("").await;
        scene.listen(&[]).await;
        scene.endpoint(None).await;
        scene.stage.faults.next("PutItem", way, 1);
        assert_eq!(scene.told().await, Vec::<Value>::new(), "{way:?}");
        scene.stage.faults.end();
        scene.stage.clock.forward_s(VISIBILITY_S);
        scene.stage.work(TIME_MS).await;
        scene.stage.clock.forward_s(60);
        scene.stage.deliver_all().await;
        assert_eq!(scene.receiver.at("/ops").len(), 1, "{way:?}");
    }
}

#[tokio::test]
async fn an_event_type_of_the_same_name_has_no_say() {
    let scene = Scene::new("").await;
    let schema = json!({ "1": { "type": "object", "required": ["never"] } });
    let own = json!({ "name": "endpoint.created", "description": "", "schemas": schema, "schemaValidation": "reject" });
    scene.call("POST", "/api/v1/event-type", own).await;
    scene.listen(&[]).await;
    scene.endpoint(None).await;
    assert_eq!(scene.told().await.len(), 1);
}
