//! The steps of the scenario, numbered as in its list, and what they share. `super` is the SDK's generation.

use std::collections::BTreeSet;
use std::fmt::Debug;

use fanfare::effects::{Clock, SystemClock};
use serde_json::Value;

use super::sdk::api::{Svix, SvixOptions};
use super::sdk::error::{Error, Result};
use super::sdk::models::{ApplicationIn, EndpointIn, EndpointOut, MessageIn, MessageOut};
use super::sdk::webhooks::Webhook;
use super::{EventTypes, event_types_of};
use crate::harness::{Delivery, World, eventually};

/// What one thing of a list says of each of its items.
macro_rules! each {
    ($field:ident of $list:expr) => {
        $list.await.unwrap().data.into_iter().map(|item| item.$field).collect::<Vec<_>>()
    };
}

mod access;
mod attempts;
mod managing;
mod messages;
mod operational;
mod replays;

/// Where a portal would be. Nobody goes there.
const PORTAL_URL: &str = "https://portal.example.com/";

/// A gateway, a receiver, and the SDK of this generation.
struct Scenario {
    world: World,
    svix: Svix,
}

impl Scenario {
    async fn start() -> Self {
        let world = World::start(&[("FANFARE_PORTAL_URL", PORTAL_URL)]).await;
        Self { svix: as_caller(&world, &world.token), world }
    }

    async fn application(&self, uid: &str) -> String {
        let new = ApplicationIn { uid: Some(uid.to_owned()), ..ApplicationIn::new(uid.to_owned()) };
        self.svix.application().create(new, None).await.unwrap().uid.unwrap()
    }

    async fn event_type(&self, name: &str) {
        self.event_type_with(name, None).await;
    }

    async fn event_type_with(&self, name: &str, schemas: Option<Value>) {
        let mut new = super::event_type(name, name);
        new.schemas = schemas;
        self.svix.event_type().create(new, None).await.unwrap();
    }

    /// An endpoint at that path of the receiver, for all event types.
    async fn endpoint(&self, application: &str, path: &str) -> EndpointOut {
        self.endpoint_with(application, path, |_| {}).await
    }

    /// An endpoint at that path of the receiver, for these event types.
    async fn endpoint_for(&self, application: &str, path: &str, event_types: &[&str]) -> EndpointOut {
        let change = |new: &mut EndpointIn| event_types_of!(new) = Some(strings::<EventTypes>(event_types));
        self.endpoint_with(application, path, change).await
    }

    /// An endpoint at that path of the receiver, changed before it is created. The receiver is told its secret.
    async fn endpoint_with(&self, application: &str, path: &str, change: impl FnOnce(&mut EndpointIn)) -> EndpointOut {
        let mut new = EndpointIn::new(self.world.receiver.url(path));
        change(&mut new);
        let created = self.svix.endpoint().create(application.to_owned(), new, None).await.unwrap();
        self.world.receiver.verify(path, &self.secret(application, &created.id).await);
        created
    }

    async fn secret(&self, application: &str, endpoint: &str) -> String {
        self.svix.endpoint().get_secret(application.to_owned(), endpoint.to_owned()).await.unwrap().key
    }

    async fn publish(&self, application: &str, event_type: &str, payload: Value) -> MessageOut {
        self.publish_with(application, event_type, payload, |_| {}).await.unwrap()
    }

    async fn publish_with(
        &self,
        application: &str,
        event_type: &str,
        payload: Value,
        change: impl FnOnce(&mut MessageIn),
    ) -> Result<MessageOut> {
        let mut new = MessageIn::new(event_type.to_owned(), payload);
        change(&mut new);
        self.svix.message().create(application.to_owned(), new, None).await
    }

    /// The messages that a path got, in the order they came.
    fn received(&self, path: &str) -> Vec<String> {
        self.world.receiver.at(path).into_iter().map(|delivery| delivery.id).collect()
    }

    /// Waits until a path got these messages, in this order, and nothing else.
    async fn receives(&self, path: &str, messages: &[&str]) {
        becomes(&format!("messages at {path}"), strings::<Vec<_>>(messages), async || self.received(path)).await;
    }

    /// As [`Scenario::receives`], in any order, and not looking at what came before.
    async fn receives_all(&self, path: &str, before: usize, messages: &BTreeSet<String>) {
        let see = async || self.received(path).into_iter().skip(before).collect::<BTreeSet<_>>();
        becomes(&format!("messages at {path}"), messages.clone(), see).await;
    }
}

/// The SDK with this token.
fn as_caller(world: &World, token: &str) -> Svix {
    let server_url = Some(format!("http://{}", world.address()));
    Svix::new(token.to_owned(), Some(SvixOptions { server_url, ..Default::default() }))
}

/// Waits until this is what is seen.
async fn becomes<T: PartialEq + Debug>(what: &str, expected: T, see: impl AsyncFn() -> T) {
    let look = async || (see().await == expected).then_some(());
    eventually(&format!("{what}: {expected:?}"), look).await;
}

/// Status and code of a request that was refused.
#[track_caller]
fn refusal<T: Debug>(answer: Result<T>) -> (u16, String) {
    match answer {
        Err(Error::Http(error)) => (error.status.as_u16(), error.payload.expect("an error that the SDK reads").code),
        other => panic!("a refusal expected: {other:?}"),
    }
}

#[track_caller]
fn assert_refused<T: Debug>(answer: Result<T>, status: u16, code: &str) {
    assert_eq!(refusal(answer), (status, code.to_owned()));
}

/// Both verifiers accept the delivery, and neither accepts it with one byte more.
#[track_caller]
fn assert_verified(delivery: &Delivery, secret: &str) {
    let (svix, standard) = (Webhook::new(secret).unwrap(), standardwebhooks::Webhook::new(secret).unwrap());
    let longer = [&delivery.body[..], b" "].concat();
    for (body, is_accepted) in [(&delivery.body[..], true), (&longer[..], false)] {
        assert_eq!(svix.verify(body, &delivery.headers).is_ok(), is_accepted, "svix: {delivery:?}");
        assert_eq!(standard.verify(body, &delivery.headers).is_ok(), is_accepted, "standardwebhooks: {delivery:?}");
    }
}

/// The machine's time, so many seconds from now. One generation has times as text, the other parses them.
fn seconds_from_now(seconds: i64) -> String {
    SystemClock.now().plus_millis(seconds * 1_000).to_rfc3339()
}

/// As the list or set that a generation wants.
fn strings<C: FromIterator<String>>(items: &[&str]) -> C {
    items.iter().map(|item| (*item).to_owned()).collect()
}

/// As the map that a generation wants.
fn pairs<C: FromIterator<(String, String)>>(items: &[(&str, &str)]) -> C {
    items.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
