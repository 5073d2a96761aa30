//! How a bad request is sent, and what is looked at afterwards.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::harness::table::items;
use crate::harness::{Answer, World, send};

/// A request that an SDK would not send.
#[derive(Clone)]
pub(super) struct Bad {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) authorization: Option<String>,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Bytes,
    pub(super) header: Option<(&'static str, String)>,
}

/// The two shapes a refusal has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// `{"code", "detail"}`, with this code.
    Code(&'static str),
    /// `{"detail": [{"loc", "msg", "type"}]}`, whose first place this is.
    Field(&'static [&'static str]),
}

pub(super) struct Table {
    pub(super) world: World,
    pub(super) application: String,
    pub(super) stored: usize,
}

impl Table {
    pub(super) async fn new() -> Self {
        let world = World::start(&[]).await;
        let application = world.application().await;
        world.endpoint(&application, "/").await;
        let stored = items(world.engines()).await.len();
        Self { world, application, stored }
    }

    /// A good request with this body; `{app}` in the path is the application.
    pub(super) fn with(&self, method: &'static str, path: &str, body: impl Into<Bytes>) -> Bad {
        Bad {
            method,
            path: path.replace("{app}", &self.application),
            authorization: Some(format!("Bearer {}", self.world.token)),
            content_type: Some("application/json"),
            body: body.into(),
            header: None,
        }
    }

    /// A message with this body.
    pub(super) fn message(&self, body: impl Into<Bytes>) -> Bad {
        self.with("POST", "/api/v1/app/{app}/msg", body)
    }

    pub(super) fn get(&self, path: &str) -> Bad {
        Bad { content_type: None, ..self.with("GET", path, "") }
    }

    pub(super) async fn answer(&self, bad: Bad) -> Answer {
        let mut request = Request::builder().method(bad.method).uri(bad.path);
        let headers = [("authorization", bad.authorization), ("content-type", bad.content_type.map(str::to_owned))];
        let headers = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(bad.header);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        send(self.world.address(), request.body(Full::new(bad.body)).unwrap()).await
    }

    pub(super) async fn check(&self, bad: Bad, status: u16, shape: Shape) {
        let shown: String = String::from_utf8_lossy(&bad.body).chars().take(80).collect();
        let what = format!("{} {} {shown}", bad.method, bad.path);
        let answer = self.answer(bad).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {answer:?}");
        assert_eq!(answer.headers["content-type"], "application/json", "{what}");
        assert_shape(&answer.json(), shape, &what);
        let stored = items(self.world.engines()).await.len();
        assert_eq!(stored, self.stored, "{what}: something was stored");
    }

    /// As [`Table::check`], refused for some field or as no JSON at all.
    pub(super) async fn refuse(&self, bad: Bad) {
        let shown: String = String::from_utf8_lossy(&bad.body).chars().take(80).collect();
        let answer = self.answer(bad).await;
        assert_eq!(answer.status, 422, "{shown}: {answer:?}");
        assert!(answer.json()["detail"][0]["msg"].is_string(), "{shown}: {answer:?}");
        assert_eq!(items(self.world.engines()).await.len(), self.stored, "{shown}: something was stored");
    }

    /// At the end: nothing was delivered either.
    pub(super) async fn finish(self) {
        self.world.settled().await;
        assert_eq!(self.world.receiver.deliveries().len(), 0);
    }
}

#[track_caller]
pub(super) fn assert_shape(body: &Value, shape: Shape, what: &str) {
    let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    match shape {
        Shape::Code(code) => {
            assert_eq!((keys, body["code"].as_str()), (vec!["code", "detail"], Some(code)), "{what}");
            assert!(!body["detail"].as_str().unwrap().is_empty(), "{what}");
        }
        Shape::Field(place) => {
            let first = &body["detail"][0];
            assert_eq!((keys, &first["loc"]), (vec!["detail"], &json!(place)), "{what}: {body}");
            assert!(first["msg"].is_string() && first["type"].is_string(), "{what}: {body}");
        }
    }
}

pub(super) const BODY: Shape = Shape::Field(&["body"]);
pub(super) const NOT_FOUND: Shape = Shape::Code("not_found");
pub(super) const UNAUTHENTICATED: Shape = Shape::Code("authentication_failed");
