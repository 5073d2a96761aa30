//! Webhooks from outside: what a provider signs arrives at the application's endpoints, once; what it does not sign leaves nothing.

mod accepting;
mod arriving;
mod bodies;
mod certificates;
mod refusing;
mod rotating;
mod signing;

use axum::Router;
use axum::body::Body;
use fanfare::domain::timestamp::Timestamp;
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::{Answer, Stage};
use signing::{Headers, SECRET};

/// A source, and what its provider may do.
struct Provider {
    id: String,
    path: String,
    application: String,
}

impl Provider {
    /// A source of this kind, which verifies with [`SECRET`], for an application of its own.
    async fn new(stage: &Stage, kind: &str) -> Self {
        Self::with(stage, json!({ "provider": { "kind": kind }, "secret": SECRET })).await
    }

    /// A source with these fields.
    async fn with(stage: &Stage, mut source: Value) -> Self {
        let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
        source["name"] = json!("Source");
        source["appId"] = json!(application);
        let made = stage.call("POST", "/api/v1/source", Some(source)).await;
        Self { id: made.id(), path: path_of(&made.json()), application }
    }

    async fn send(&self, stage: &Stage, headers: &Headers, body: impl Into<Vec<u8>>) -> Answer {
        // Identifiers tell time to 4 ms: what is sent later is listed later.
        stage.clock.forward_ms(10);
        post(stage.router("ingest"), &self.path, headers, body).await
    }

    /// The messages that were accepted, oldest first.
    async fn messages(&self, stage: &Stage) -> Vec<Value> {
        let path = format!("/api/v1/app/{}/msg?order=ascending&with_content=true&limit=250", self.application);
        stage.call("GET", &path, None).await.json()["data"].as_array().unwrap().clone()
    }
}

/// The path of a source's address.
fn path_of(source: &Value) -> String {
    let url = source["ingestUrl"].as_str().unwrap();
    url[url.find("/in/").unwrap()..].to_owned()
}

async fn post(router: Router, path: &str, headers: &Headers, body: impl Into<Vec<u8>>) -> Answer {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.body(Body::from(body.into())).unwrap();
    Answer::read(router.oneshot(request).await.unwrap()).await
}

fn now(stage: &Stage) -> Timestamp {
    stage.platform.effects.now()
}
