//! The door `publish`: accepts messages. It writes messages and queues deliveries; it cannot change the configuration, apart
//! from making an application that comes along with its first message.

mod messages;

use axum::Router;
use axum::routing::post;
use fanfare::config::Platform;
use fanfare::effects::Effects;
use fanfare::flows::accept_message::AcceptMessage;
use fanfare::flows::example::Examples;
use fanfare::http::{Auth, guarded};
use lambda_http::Context;
use lambda_http::http::Extensions;

#[derive(Clone)]
struct Door {
    accept_message: AcceptMessage,
    examples: Examples,
    effects: Effects,
}

/// The routes of this function; built once per process.
pub fn router(platform: &Platform) -> Router {
    let door = Door {
        accept_message: AcceptMessage::new(platform),
        examples: Examples::new(platform),
        effects: platform.effects.clone(),
    };
    let routes = Router::new()
        .route("/api/v1/app/{app_id}/msg", post(messages::create))
        .route("/api/v1/app/{app_id}/msg/precheck/active", post(messages::precheck))
        .route("/api/v1/app/{app_id}/endpoint/{endpoint_id}/send-example", post(messages::send_example));
    guarded("publish", routes, Auth::new(platform), invocation_id).with_state(door)
}

/// What Lambda calls the invocation.
fn invocation_id(extensions: &Extensions) -> Option<&str> {
    extensions.get::<Context>().map(|context| context.request_id.as_str())
}
