//! Targets behind the routers: a message's body, names in paths and queries, and bearers.

use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fanfare::http::routes::ROUTES;
use http::{HeaderValue, Method, Request, Uri};
use serde_json::json;
use tower::ServiceExt;

use super::mutate::{self, Dice};
use super::{files, lines, play, runtime};
use crate::harness::{Answer, JWT_SECRET, ORGANIZATION, Stage};

/// What lists and statistics are asked with.
const PARAMETERS: [&str; 12] = [
    "limit", "iterator", "order", "before", "after", "channel", "tag", "status", "event_types", "with_content",
    "status_code_class", "unknown",
];

/// Parameters of one query; most of them say nothing to the route.
const PARAMETERS_EACH: usize = 3;

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A token of exactly these bytes, rightly signed: what stands behind the signature is read, too.
fn signed(header: &[u8], claims: &[u8]) -> String {
    let text = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, JWT_SECRET.as_bytes());
    format!("{text}.{}", BASE64.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes())))
}

fn claims(stage: &Stage) -> String {
    let now_s = stage.platform.effects.now().as_seconds();
    let day_s = 24 * 3_600;
    json!({ "iss": "fanfare", "sub": ORGANIZATION, "iat": now_s, "nbf": now_s, "exp": now_s + day_s }).to_string()
}

/// The status, which is not ours to blame.
async fn status(router: Router, request: Request<Body>) -> String {
    let what = format!("{} {}", request.method(), request.uri());
    let answer = Answer::read(router.oneshot(request).await.unwrap()).await;
    assert!(!answer.status.is_server_error(), "{what}: {answer:?}");
    answer.status.as_u16().to_string()
}

#[test]
#[ignore = "tests/lanes/fuzz.sh gives it time"]
fn publish_body() {
    let samples = files("tests/corpus/publish");
    let runtime = runtime();
    let stage = runtime.block_on(Stage::new(&[]));
    let (application, _) = runtime.block_on(stage.application_with_endpoint("http://127.0.0.1:8/"));
    let authorization = format!("Bearer {}", signed(HEADER.as_bytes(), claims(&stage).as_bytes()));
    let path = format!("/api/v1/app/{application}/msg");
    play("requests::publish_body", &["202", "422"], |dice| {
        let sample = dice.pick(&samples);
        let body = mutate::json_text(dice, sample);
        let request = Request::post(&path).header("authorization", &authorization);
        let request = request.header("content-type", "application/json").body(Body::from(body)).unwrap();
        runtime.block_on(status(stage.router("publish"), request))
    });
}

#[test]
#[ignore = "tests/lanes/fuzz.sh gives it time"]
fn paths_and_queries() {
    let names = lines("tests/corpus/names");
    let runtime = runtime();
    let stage = runtime.block_on(Stage::new(&[]));
    runtime.block_on(stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme", "uid": "acme" })))).id();
    let authorization = format!("Bearer {}", signed(HEADER.as_bytes(), claims(&stage).as_bytes()));
    play("requests::paths_and_queries", &["200", "404", "422", "no URI"], |dice| {
        let route = dice.pick(ROUTES);
        let path = path(dice, route.path, &names);
        let Ok(uri) = Uri::try_from(path) else { return "no URI".to_owned() };
        let method: Method = route.method.parse().unwrap();
        let request = Request::builder().method(method).uri(uri).header("authorization", &authorization);
        let request = request.header("content-type", "application/json").body(Body::from("{}")).unwrap();
        runtime.block_on(status(stage.router(route.function), request))
    });
}

/// A path of this form, with a query; half of the names as they are, half of them damaged.
fn path(dice: &mut Dice, form: &str, names: &[String]) -> String {
    let mut part = |part: &str| if part.starts_with('{') { name(dice, names) } else { part.to_owned() };
    let parts: Vec<_> = form.split('/').map(&mut part).collect();
    let mut parameter = |_| format!("{}={}", *dice.pick(&PARAMETERS), name(dice, names));
    let query: Vec<_> = (0..PARAMETERS_EACH).map(&mut parameter).collect();
    format!("{}?{}", parts.join("/"), query.join("&"))
}

fn name(dice: &mut Dice, names: &[String]) -> String {
    let sample = dice.pick(names);
    match dice.below(4) {
        0 | 1 => sample.clone(),
        2 => mutate::text(dice, sample),
        _ => mutate::bytes(dice, sample.as_bytes()).iter().map(|byte| format!("%{byte:02X}")).collect(),
    }
}

#[test]
#[ignore = "tests/lanes/fuzz.sh gives it time"]
fn bearers() {
    let runtime = runtime();
    let stage = runtime.block_on(Stage::new(&[]));
    let asked = json!({ "name": "Backend", "role": "reader" });
    let made = runtime.block_on(stage.call("POST", "/api/v1/auth/api-key", Some(asked))).json();
    let key = made["key"].as_str().unwrap().to_owned();
    let claims = claims(&stage);
    play("requests::bearers", &["200", "401"], |dice| {
        let bearer = match dice.below(4) {
            0 => mutate::bytes(dice, key.as_bytes()),
            1 => mutate::bytes(dice, signed(HEADER.as_bytes(), claims.as_bytes()).as_bytes()),
            2 => signed(&mutate::json_text(dice, HEADER.as_bytes()), claims.as_bytes()).into_bytes(),
            _ => signed(HEADER.as_bytes(), &mutate::json_text(dice, claims.as_bytes())).into_bytes(),
        };
        let Ok(authorization) = HeaderValue::from_bytes(&[b"Bearer ", bearer.as_slice()].concat()) else {
            return "no header".to_owned();
        };
        let request = Request::get("/api/v1/app").header("authorization", authorization).body(Body::empty()).unwrap();
        runtime.block_on(status(stage.router("manage"), request))
    });
}
