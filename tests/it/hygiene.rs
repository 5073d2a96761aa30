//! What every response has, what browsers of other origins are told, and what nobody is told when a handler panics.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use fanfare::http::hygiene::DEFAULTS;
use fanfare::http::routes::ROUTES;
use fanfare::http::{Auth, guarded};
use fanfare::telemetry::LogFormat;
use http::{Request, Response};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::{Answer, Log, Stage, World};

async fn answer(router: Router, request: http::request::Builder) -> Answer {
    let response: Response<Body> = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    Answer::read(response).await
}

#[track_caller]
fn assert_dressed(answer: &Answer, what: &str) {
    for (name, _) in DEFAULTS {
        assert!(answer.headers.contains_key(&name), "{what} has no {name}: {answer:?}");
    }
    assert!(answer.headers["x-request-id"].to_str().unwrap().starts_with("req_"), "{what}");
    assert!(!answer.headers.contains_key("server") && !answer.headers.contains_key("x-powered-by"), "{what}");
}

#[tokio::test]
async fn every_response_of_every_function_has_them() {
    let stage = Stage::new(&[]).await;
    for route in ROUTES {
        let path = route.path.replace(['{', '}'], "");
        for token in [true, false] {
            let request = Request::builder().method(route.method).uri(&path);
            let request = if token { request.header("authorization", "Bearer junk") } else { request };
            let answer = answer(stage.router(route.function), request).await;
            assert_dressed(&answer, route.operation);
        }
    }
    for (method, path) in [("GET", "/"), ("GET", "/nothing"), ("POST", "/api/v1/app/a"), ("GET", "/api/v1/app/")] {
        assert_dressed(&answer(stage.router("manage"), Request::builder().method(method).uri(path)).await, path);
    }
}

#[tokio::test]
async fn what_needs_a_token_is_kept_by_no_cache_without_asking() {
    let stage = Stage::new(&[]).await;
    let (application, endpoint) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let base = format!("/api/v1/app/{application}/endpoint/{endpoint}");
    for (path, expected) in [
        (format!("{base}/secret"), "no-store"),
        (base.clone(), "private, no-cache"),
        (format!("/api/v1/app/{application}/msg"), "no-store"),
        ("/api/v1/auth/api-key".to_owned(), "no-store"),
        ("/api/v1/app/none".to_owned(), "no-store"),
    ] {
        assert_eq!(stage.call("GET", &path, None).await.headers["cache-control"], expected, "{path}");
    }
    let token = stage.call("POST", &format!("/api/v1/auth/app-portal-access/{application}"), Some(json!({}))).await;
    assert_eq!(token.headers["cache-control"], "no-store");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_listener_answers_itself_has_them_too() {
    let world = World::start(&[]).await;
    for path in ["/api/v1/health/ping", "/nothing"] {
        assert_dressed(&world.call("GET", path, None).await, path);
    }
    let huge = format!("/api/v1/app?x={}", "x".repeat(9_000));
    let mut request = Request::get(&huge).header("x-long", "y".repeat(9_000));
    request = request.header("x-longer", "y".repeat(9_000));
    let refused = crate::harness::send(world.address(), request.body(Default::default()).unwrap()).await;
    assert_eq!(refused.status, 431);
    assert_eq!(refused.headers["x-content-type-options"], "nosniff");
}

fn preflight(path: &str, origin: &str) -> http::request::Builder {
    let request = Request::builder().method("OPTIONS").uri(path).header("origin", origin);
    request.header("access-control-request-method", "POST").header("access-control-request-headers", "authorization")
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_use_every_route_and_no_other_page_may() {
    const OWN: &str = "https://portal.example.com";
    let stage = Stage::new(&[("FANFARE_CORS_ORIGINS", "https://portal.example.com,http://localhost:3000")]).await;
    for route in ROUTES {
        // Every OPTIONS goes to the function that answers what is nobody's.
        let path = route.path.replace(['{', '}'], "");
        let allowed = answer(stage.router("manage"), preflight(&path, OWN)).await;
        assert_eq!(
            (allowed.status.as_u16(), &allowed.headers["access-control-allow-origin"]),
            (204, &OWN.parse().unwrap())
        );
        let methods = allowed.headers["access-control-allow-methods"].to_str().unwrap();
        assert!(route.method == "HEAD" || methods.contains(route.method), "{methods}");
        assert_eq!(allowed.headers["vary"], "origin");
    }
    let others =
        ["https://evil.example", "https://portal.example.com.evil.example", "http://portal.example.com", "null", "*"];
    for origin in others {
        let refused = answer(stage.router("manage"), preflight("/api/v1/app", origin)).await;
        assert!(!refused.headers.contains_key("access-control-allow-origin"), "{origin}: {refused:?}");
        assert_ne!(refused.status, 204, "{origin}");
    }
    let shown = stage.call_with_headers("GET", "/api/v1/app", None, &[("origin", OWN)]).await;
    assert_eq!((shown.status.as_u16(), &shown.headers["access-control-allow-origin"]), (200, &OWN.parse().unwrap()));
    assert!(shown.headers["access-control-expose-headers"].to_str().unwrap().contains("etag"));
    assert!(!shown.headers.contains_key("access-control-allow-credentials"));
    let refused = stage.call_with_headers("GET", "/api/v1/app/none", None, &[("origin", OWN)]).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.headers["access-control-allow-origin"]),
        (404, &OWN.parse().unwrap())
    );
}

#[tokio::test]
async fn without_configuration_no_page_may_and_with_a_star_every_page() {
    let stage = Stage::new(&[]).await;
    let refused = answer(stage.router("manage"), preflight("/api/v1/app", "https://a.example")).await;
    assert!(!refused.headers.contains_key("access-control-allow-origin") && !refused.headers.contains_key("vary"));
    let stage = Stage::new(&[("FANFARE_CORS_ORIGINS", "*")]).await;
    let allowed = answer(stage.router("manage"), preflight("/api/v1/app", "https://a.example")).await;
    assert_eq!(allowed.headers["access-control-allow-origin"], "*");
}

async fn falls_over() -> Response<Body> {
    panic!("the card is 4242")
}

#[tokio::test]
async fn a_panic_is_a_500_that_shows_nothing_and_the_next_request_is_answered() {
    let stage = Stage::new(&[]).await;
    let routes = Router::new().route("/api/v1/health/ping", get(falls_over));
    let router: Router = guarded("manage", routes, Auth::new(&stage.platform), |_| None).with_state(());
    for _ in 0..2 {
        let answer = answer(router.clone(), Request::get("/api/v1/health/ping")).await;
        assert_eq!((answer.status.as_u16(), answer.json()["code"].clone()), (500, json!("internal_error")));
        assert!(!answer.text.contains("4242"));
        assert_dressed(&answer, "a panic");
    }
    assert_eq!(answer(router, Request::get("/api/v1/health/none")).await.status, 404);
}

/// Both forms of log lines, with text of a caller's in them: it can begin no line and move no cursor.
#[test]
fn what_a_caller_writes_cannot_break_out_of_its_log_line() {
    const PLANTED: &str = "a\nERROR forged line\r\u{1b}[31mred\u{7}\u{85}\u{2028}";
    for is_json in [true, false] {
        let format = if is_json { LogFormat::Json } else { LogFormat::Text };
        let (lines, _listening) = Log::of_this_thread("info", format, 0.0);
        tracing::warn!(planted = PLANTED, debug = ?PLANTED, display = %PLANTED, "a line");
        let text = lines.text();
        assert_eq!(text.lines().count(), 1, "{text:?}");
        // JSON may hold U+0085 as it is: its reader takes it for what it is.
        let is_wild = |c: char| if is_json { c.is_ascii_control() } else { c.is_control() };
        assert!(!text.trim_end().contains(is_wild), "{text:?}");
    }
}

#[tokio::test]
async fn a_failure_is_found_in_the_logs_by_the_identifier_that_its_caller_has() {
    let (lines, _listening) = Log::of_this_thread("info", LogFormat::Json, 0.0);
    let stage = Stage::new(&[]).await;
    stage.faults.next("Query", crate::harness::Way::BROKEN, 1);
    let failed = stage.call("GET", "/api/v1/app", None).await;
    stage.faults.end();
    assert_eq!(failed.status, 503);
    let id = failed.headers["x-request-id"].to_str().unwrap();
    let line = lines.text();
    let line = line.lines().find(|line| line.contains("a request failed")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["http.request_id"], id, "{line}");
}
