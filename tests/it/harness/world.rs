//! The whole gateway, a receiver beside it, and the official SDK as its client.

use std::net::SocketAddr;

use aws_sdk_sqs::types::QueueAttributeName;
use fanfare::config::JwtSecret;
use fanfare::domain::ids::OrganizationId;
use fanfare_local::{Gateway, Options, State};
use fanfare_second_engines::SecondEngines;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use svix::api::{MessageAttemptListByMsgOptions, MessageCreateOptions, Svix, SvixOptions};
use svix::models::{ApplicationIn, EndpointIn, MessageAttemptOut, MessageIn, MessageOut};

use super::answer::Answer;
use super::engines::Engines;
use super::raw::send;
use super::receiver::Receiver;
use super::stage::ORGANIZATION;
use super::wait::eventually;

/// Retries at once, then after a second: jitter and the queue's whole seconds make it two at most.
const RETRY_SCHEDULE: &str = "0,1";

pub(crate) struct World {
    pub(crate) svix: Svix,
    pub(crate) receiver: Receiver,
    pub(crate) token: String,
    engines: Engines,
    gateway: Gateway,
}

impl World {
    /// A gateway in memory, with these variables besides those of the template.
    pub(crate) async fn start(variables: &[(&str, &str)]) -> Self {
        let mut options = Options::new(State::Memory);
        let defaults = [("FANFARE_RETRY_SCHEDULE", RETRY_SCHEDULE)];
        let variables = defaults.iter().chain(variables);
        options.overrides = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::of(options).await
    }

    /// A gateway in memory whose tokens are signed with this secret.
    pub(crate) async fn start_with_secret(secret: JwtSecret) -> Self {
        Self::of(Options { jwt_secret: Some(secret), ..Options::new(State::Memory) }).await
    }

    async fn of(options: Options) -> Self {
        let others = SecondEngines::empty();
        let gateway = Gateway::start_with(options, |client| others.wrap(client)).await.unwrap();
        let engines = Engines::of(&gateway, others);
        let token = gateway.token(&OrganizationId::parse(ORGANIZATION).unwrap()).unwrap();
        Self {
            svix: client(gateway.address(), token.clone()),
            receiver: Receiver::start().await,
            token,
            engines,
            gateway,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    pub(crate) fn engines(&self) -> &Engines {
        &self.engines
    }

    /// A request that no SDK knows.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {}", self.token));
        let request = request.header("content-type", "application/json");
        send(self.address(), request.body(Full::new(body.into())).unwrap()).await
    }

    /// The SDK with a token of another organization.
    pub(crate) fn stranger(&self) -> Svix {
        let organization = OrganizationId::parse("org_2AnotherOrganization0000000").unwrap();
        self.svix.with_token(self.gateway.token(&organization).unwrap())
    }

    pub(crate) async fn application(&self) -> String {
        self.svix.application().create(ApplicationIn::new("Acme".to_owned()), None).await.unwrap().id
    }

    /// An endpoint at this path of the receiver, which from now on knows its secret.
    pub(crate) async fn endpoint(&self, application: &str, path: &str) -> String {
        self.endpoint_with(application, path, |_| {}).await
    }

    /// As [`World::endpoint`], changed before it is created.
    pub(crate) async fn endpoint_with(
        &self,
        application: &str,
        path: &str,
        change: impl FnOnce(&mut EndpointIn),
    ) -> String {
        let mut endpoint = EndpointIn::new(self.receiver.url(path));
        change(&mut endpoint);
        let id = self.svix.endpoint().create(application.to_owned(), endpoint, None).await.unwrap().id;
        let secret = self.svix.endpoint().get_secret(application.to_owned(), id.clone()).await.unwrap();
        self.receiver.verify(path, &secret.key);
        id
    }

    /// Posts a message and expects it to be accepted.
    pub(crate) async fn publish(&self, application: &str, event_type: &str, payload: Value) -> MessageOut {
        self.create(application, MessageIn::new(event_type.to_owned(), payload), None).await.unwrap()
    }

    /// Posts a message under an idempotency key, or under one that the SDK makes up.
    pub(crate) async fn create(
        &self,
        application: &str,
        message: MessageIn,
        idempotency_key: Option<&str>,
    ) -> svix::error::Result<MessageOut> {
        let options =
            MessageCreateOptions { with_content: Some(true), idempotency_key: idempotency_key.map(str::to_owned) };
        self.svix.message().create(application.to_owned(), message, Some(options)).await
    }

    /// The attempts of a message, newest first.
    pub(crate) async fn attempts(&self, application: &str, message: &str) -> Vec<MessageAttemptOut> {
        let options = MessageAttemptListByMsgOptions { with_content: Some(true), ..Default::default() };
        let (application, message) = (application.to_owned(), message.to_owned());
        self.svix.message_attempt().list_by_msg(application, message, Some(options)).await.unwrap().data
    }

    /// Waits until nothing is on its way any more: no task is visible, held back or being worked on.
    pub(crate) async fn settled(&self) {
        let sqs = aws_sdk_sqs::Client::new(&self.engines().sdk_config());
        let url = sqs.get_queue_url().queue_name("fanfare-delivery").send().await.unwrap().queue_url.unwrap();
        let look = async || {
            let asked = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
            let attributes = asked.send().await.unwrap().attributes.unwrap();
            let is_empty = [
                QueueAttributeName::ApproximateNumberOfMessages,
                QueueAttributeName::ApproximateNumberOfMessagesDelayed,
                QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            ];
            is_empty.iter().all(|name| attributes[name] == "0").then_some(())
        };
        eventually("an empty queue", look).await;
    }
}

/// The SDK as a customer sets it up.
pub(crate) fn client(address: SocketAddr, token: String) -> Svix {
    Svix::new(token, Some(SvixOptions { server_url: Some(format!("http://{address}")), ..Default::default() }))
}
