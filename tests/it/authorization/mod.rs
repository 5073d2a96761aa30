//! Who may call what. The table of routes and roles, walked completely; tokens that are forged, foreign, old or odd; keys of an
//! identity provider and how they change; API keys from their making to their end.

mod api_keys;
mod forged;
mod provider;
mod timing;
mod walk;

use axum::body::Body;
use http::Request;
use serde_json::Value;
use tower::ServiceExt;

use crate::harness::{Answer, Stage};

/// Asks `manage` for the list of applications with this text in the place of a bearer token.
async fn status_of(stage: &Stage, token: &str) -> u16 {
    ask(stage, token, "GET", "/api/v1/app").await.status.as_u16()
}

async fn ask(stage: &Stage, token: &str, method: &str, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
    Answer::read(stage.router("manage").oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await
}

/// A key made by the organization: its identifier and its text.
async fn api_key(stage: &Stage, asked: Value) -> (String, String) {
    let made = stage.call("POST", "/api/v1/auth/api-key", Some(asked)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
}
