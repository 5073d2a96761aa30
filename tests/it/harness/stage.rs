//! The functions on engines in memory, and nothing that runs by itself: a test is the API gateway, the queue's poller and
//! the schedule. All share one clock, which the test moves; every AWS call passes by [`Faults`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use axum::Router;
use axum::body::Body;
use fanfare::config::{JwtSecret, Platform, Settings};
use fanfare::domain::ids::OrganizationId;
use fanfare::http::auth::issue_token;
use fanfare::http::routes::ROUTES;
use fanfare::network::Network;
use fanfare_local::provision::provision;
use fanfare_local::template::{Place, Plan, TEMPLATE};
use http::Request;
use lambda_runtime::Context;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::answer::Answer;
use super::clock::TestClock;
use super::engines::Engines;
use super::faults::Faults;
use super::names::Names;
use super::receiver::Receiver;

/// Whose token a stage's requests carry.
pub(crate) const ORGANIZATION: &str = "org_2FanfareLocalDevelopment000";

/// Signs the tokens of the stage, and those under `events/`.
pub(crate) const JWT_SECRET: &str = "fanfare-local-development-secret-not-for-production";

/// A token that outlives every clock that a test moves.
const TOKEN_LIFETIME_S: i64 = 365 * 24 * 3_600;

/// A function's own time limit, as the template has it for deliver.
const INVOCATION_MS: i64 = 60_000;

/// The stage. Its engines end with it.
pub(crate) struct Stage {
    pub(crate) clock: TestClock,
    pub(crate) engines: Engines,
    pub(crate) faults: Faults,
    pub(crate) platform: Platform,
    pub(crate) sqs: aws_sdk_sqs::Client,
    token: String,
    metric_lines: Arc<Mutex<Vec<Value>>>,
    routers: BTreeMap<&'static str, Router>,
    pub(crate) deliver: deliver::Door,
    pub(super) sweep: sweep::Door,
    pub(super) background: background::Door,
    pub(super) import: import::Door,
}

/// What became of a batch of queue messages.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) received: Vec<Message>,
    /// Identifiers of those that the function left in the queue.
    pub(crate) failed: Vec<String>,
}

impl Stage {
    /// With these variables besides those of the template.
    pub(crate) async fn new(variables: &[(&str, &str)]) -> Self {
        Self::with_network(variables, Arc::new(Names::default())).await
    }

    /// As [`Stage::new`], with another network towards receivers.
    pub(crate) async fn with_network(variables: &[(&str, &str)], network: Arc<dyn Network>) -> Self {
        Self::watched(variables, network, |client| client).await
    }

    /// As [`Stage::with_network`], with something between the functions' SDK and the engines.
    pub(crate) async fn watched(
        variables: &[(&str, &str)],
        network: Arc<dyn Network>,
        watch: impl FnOnce(SharedHttpClient) -> SharedHttpClient,
    ) -> Self {
        let (clock, faults) = (TestClock::new(), Faults::default());
        let engines = Engines::in_memory(clock.for_engines());
        let parameters = BTreeMap::from([("JwtSecret".to_owned(), JWT_SECRET.to_owned())]);
        let plan = Plan::read(TEMPLATE, &Place::local("http://engines.local"), &parameters).unwrap();
        provision(&plan, &engines.sdk_config()).await.unwrap();
        let sqs = aws_sdk_sqs::Client::new(&engines.sdk_config());
        let client = faults.wrap(watch(engines.http_client()));
        let metric_lines: Arc<Mutex<Vec<Value>>> = Arc::default();
        let told = Arc::clone(&metric_lines);
        let platform = platform(&plan, variables, &engines, client, &clock, network);
        let platform = platform.telling(Arc::new(move |line: &str| {
            told.lock().unwrap().push(serde_json::from_str(line).unwrap());
        }));
        let organization = OrganizationId::parse(ORGANIZATION).unwrap();
        let secret = JwtSecret::parse(JWT_SECRET).unwrap();
        Self {
            token: issue_token(&secret, &organization, platform.effects.now(), TOKEN_LIFETIME_S).unwrap(),
            routers: BTreeMap::from([
                ("publish", publish::router(&platform)),
                ("manage", manage::router(&platform)),
                ("ingest", ingest::router(&platform)),
                ("history", history::router(&platform)),
            ]),
            deliver: deliver::Door::new(&platform),
            sweep: sweep::Door::new(&platform),
            background: background::Door::new(&platform),
            import: import::Door::new(&platform),
            clock,
            engines,
            faults,
            metric_lines,
            platform,
            sqs,
        }
    }

    /// With these retries, and one endpoint at a receiver's `/`, which knows its secret and takes its time; its application and
    /// the endpoint.
    pub(crate) async fn with_receiver(schedule: &str) -> (Self, Receiver, String, String) {
        let stage = Self::new(&[("FANFARE_RETRY_SCHEDULE", schedule)]).await;
        let receiver = Receiver::start().await;
        receiver.ignore_time();
        let (application, endpoint) = stage.application_with_endpoint(&receiver.url("/")).await;
        receiver.verify("/", &stage.secret(&application, &endpoint).await);
        (stage, receiver, application, endpoint)
    }

    /// A request of the organization's, answered by whichever function the route table names.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_with_key(method, path, body, None).await
    }

    /// As [`Stage::call`], with an idempotency key.
    pub(crate) async fn call_with_key(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        idempotency_key: Option<&str>,
    ) -> Answer {
        self.call_router(self.router_of(method, path), method, path, body, idempotency_key).await
    }

    /// As [`Stage::call`], with another token.
    pub(crate) async fn call_as(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = request(token, method, path, as_json(body), None);
        Answer::read(self.router_of(method, path).oneshot(request).await.unwrap()).await
    }

    /// As [`Stage::call_with_key`], answered by this router.
    pub(crate) async fn call_router(
        &self,
        router: Router,
        method: &str,
        path: &str,
        body: Option<Value>,
        idempotency_key: Option<&str>,
    ) -> Answer {
        let request = request(&self.token, method, path, as_json(body), idempotency_key);
        Answer::read(router.oneshot(request).await.unwrap()).await
    }

    /// As [`Stage::call`], with these headers besides, or instead.
    pub(crate) async fn call_with_headers(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = request(&self.token, method, path, as_json(body), None);
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        Answer::read(self.router_of(method, path).oneshot(request).await.unwrap()).await
    }

    /// What a request of another organization says in its `authorization`.
    pub(crate) fn stranger(&self) -> String {
        let organization = OrganizationId::parse("org_2AnotherOrganization0000000").unwrap();
        let secret = JwtSecret::parse(JWT_SECRET).unwrap();
        let token = issue_token(&secret, &organization, self.platform.effects.now(), TOKEN_LIFETIME_S).unwrap();
        format!("Bearer {token}")
    }

    fn router_of(&self, method: &str, path: &str) -> Router {
        let is_of = |form: &str| {
            let (form, path) = (form.split('/'), path.split('?').next().unwrap().split('/'));
            form.clone().count() == path.clone().count()
                && form.zip(path).all(|(form, part)| form == part || form.starts_with('{'))
        };
        let route = ROUTES.iter().find(|route| route.method == method && is_of(route.path));
        self.routers[route.map_or("manage", |route| route.function)].clone()
    }

    /// A function with an HTTP door.
    pub(crate) fn router(&self, function: &str) -> Router {
        self.routers[function].clone()
    }

    /// An application with one endpoint at this URL: their identifiers.
    pub(crate) async fn application_with_endpoint(&self, url: &str) -> (String, String) {
        let application = self.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
        let endpoint = self.endpoint(&application, url).await;
        (application, endpoint)
    }

    pub(crate) async fn endpoint(&self, application: &str, url: &str) -> String {
        self.call("POST", &format!("/api/v1/app/{application}/endpoint"), Some(json!({ "url": url }))).await.id()
    }

    /// What the endpoint's deliveries are signed with.
    pub(crate) async fn secret(&self, application: &str, endpoint: &str) -> String {
        let answer = self.call("GET", &format!("/api/v1/app/{application}/endpoint/{endpoint}/secret"), None).await;
        answer.json()["key"].as_str().unwrap().to_owned()
    }

    /// Posts a message of type `order.placed`.
    pub(crate) async fn publish(&self, application: &str, idempotency_key: Option<&str>, payload: Value) -> Answer {
        let body = json!({ "eventType": "order.placed", "payload": payload });
        self.call_with_key("POST", &format!("/api/v1/app/{application}/msg"), Some(body), idempotency_key).await
    }

    /// The attempts of a message, oldest first.
    pub(crate) async fn attempts(&self, application: &str, message: &str) -> Vec<Value> {
        let path = format!("/api/v1/app/{application}/attempt/msg/{message}?limit=250&order=ascending");
        self.call("GET", &path, None).await.json()["data"].as_array().unwrap().clone()
    }

    /// URL of a queue by its name.
    pub(crate) async fn queue_url(&self, name: &str) -> String {
        self.sqs.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap()
    }

    /// What can be received from the delivery queue now, ten at most.
    pub(crate) async fn receive(&self) -> Vec<Message> {
        self.receive_from(&self.platform.settings.delivery_queue_url).await
    }

    pub(crate) async fn receive_from(&self, url: &str) -> Vec<Message> {
        let receive = self.sqs.receive_message().queue_url(url);
        let receive = receive.max_number_of_messages(10);
        let answer = receive.message_system_attribute_names(MessageSystemAttributeName::All).send().await.unwrap();
        answer.messages.unwrap_or_default()
    }

    /// Messages in the queue, and of those how many are held back by a delay or by a consumer.
    pub(crate) async fn backlog(&self) -> (usize, usize) {
        let url = &self.platform.settings.delivery_queue_url;
        let asked = self.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
        let attributes = asked.send().await.unwrap().attributes.unwrap();
        let count = |name: QueueAttributeName| attributes[&name].parse::<usize>().unwrap();
        let held = count(QueueAttributeName::ApproximateNumberOfMessagesDelayed)
            + count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
        (count(QueueAttributeName::ApproximateNumberOfMessages) + held, held)
    }

    /// The lines of metrics that were written since the last look.
    pub(crate) fn metrics(&self) -> Vec<Value> {
        std::mem::take(&mut *self.metric_lines.lock().unwrap())
    }

    /// What Lambda tells about an invocation that begins now.
    pub(crate) fn context(&self) -> Context {
        let mut context = Context::default();
        context.deadline = u64::try_from(self.platform.effects.now().as_millis() + INVOCATION_MS).unwrap();
        context
    }

    /// A platform whose SDK repeats calls as the default policy says, but without its pauses.
    pub(crate) fn with_sdk_retries(&self) -> Platform {
        let retries = RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(1));
        let sdk = self.platform.sdk.clone().into_builder().retry_config(retries).build();
        Platform { sdk, ..self.platform.clone() }
    }
}

/// The template's environment, and an SDK that does not repeat calls: one fault is one failure.
fn platform(
    plan: &Plan,
    variables: &[(&str, &str)],
    engines: &Engines,
    client: SharedHttpClient,
    clock: &TestClock,
    network: Arc<dyn Network>,
) -> Platform {
    let defaults = [
        ("FANFARE_HTTPS_ONLY", "false"),
        ("FANFARE_ALLOWED_SUBNETS", "127.0.0.0/8"),
        ("FANFARE_RATE_LIMIT", "0"),
        ("FANFARE_TOKEN_RATE_LIMIT", "0"),
    ];
    let mut environment = plan.functions.iter().find(|f| f.binary == "publish").unwrap().environment.clone();
    environment.extend(defaults.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let sdk = engines.sdk_config().into_builder();
    let sdk = sdk.http_client(client).sleep_impl(TokioSleep::new());
    let settings = Settings::from_lookup(|name| environment.get(name).cloned()).unwrap();
    let sdk = sdk.retry_config(RetryConfig::disabled()).build();
    Platform::new(settings, sdk, clock.effects(), network)
}

/// A request with this token, if it is not empty; the body comes with its content type.
pub(crate) fn request(
    token: &str,
    method: &str,
    path: &str,
    body: Option<(&str, String)>,
    idempotency_key: Option<&str>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some(key) = idempotency_key {
        request = request.header("idempotency-key", key);
    }
    let Some((content_type, text)) = body else { return request.body(Body::empty()).unwrap() };
    request.header("content-type", content_type).body(Body::from(text)).unwrap()
}

/// A body as most requests have it.
pub(crate) fn as_json(body: Option<Value>) -> Option<(&'static str, String)> {
    body.map(|body| ("application/json", body.to_string()))
}
