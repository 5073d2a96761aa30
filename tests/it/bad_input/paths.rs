//! Paths, methods and pages that do not exist.

use serde_json::json;
use svix::models::{ApplicationIn, EndpointIn};

use super::table::{NOT_FOUND, Shape, Table};
use crate::harness::table::items;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_names_nothing_of_the_callers_is_not_found() {
    let table = Table::new().await;
    let message = json!({ "eventType": "a.b", "payload": {} }).to_string();
    let stranger = table.world.stranger();
    let foreign = stranger.application().create(ApplicationIn::new("Other".to_owned()), None).await.unwrap();
    let endpoint = EndpointIn::new("http://127.0.0.1:8/".to_owned());
    let foreign_endpoint = stranger.endpoint().create(foreign.id.clone(), endpoint, None).await.unwrap().id;
    let table = Table { stored: items(table.world.engines()).await.len(), ..table };
    for application in ["none", "app_2None", "app_000000000000000000000000000", "a%20b", "%ff", "..%2f", &foreign.id] {
        let post = table.with("POST", &format!("/api/v1/app/{application}/msg"), message.clone());
        table.check(post, 404, NOT_FOUND).await;
        table.check(table.get(&format!("/api/v1/app/{application}")), 404, NOT_FOUND).await;
        table.check(table.get(&format!("/api/v1/app/{application}/msg")), 404, NOT_FOUND).await;
        table.check(table.get(&format!("/api/v1/app/{application}/endpoint")), 404, NOT_FOUND).await;
        let create =
            table.with("POST", &format!("/api/v1/app/{application}/endpoint"), r#"{"url":"http://127.0.0.1/"}"#);
        table.check(create, 404, NOT_FOUND).await;
        table.check(table.with("DELETE", &format!("/api/v1/app/{application}"), ""), 404, NOT_FOUND).await;
    }
    let foreign_path = format!("/api/v1/app/{}/endpoint/{foreign_endpoint}", foreign.id);
    for path in [&foreign_path, &format!("{foreign_path}/secret"), "/api/v1/app/{app}/endpoint/none"] {
        table.check(table.get(path), 404, NOT_FOUND).await;
    }
    // One's own application does not open another's endpoint.
    table.check(table.get(&format!("/api/v1/app/{{app}}/endpoint/{foreign_endpoint}/secret")), 404, NOT_FOUND).await;
    for path in ["/api/v1/app/{app}/msg/none", "/api/v1/app/{app}/attempt/msg/none", "/api/v1/event-type/none"] {
        table.check(table.get(path), 404, NOT_FOUND).await;
    }
    for path in
        ["/", "/api", "/api/v1/nothing", "/api/v1/app/{app}/nothing", "/api/v2/app", "/api/v1/app/{app}/msg/a/b/c"]
    {
        table.check(table.get(path), 404, NOT_FOUND).await;
    }
    table.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_a_path_does_not_take_is_refused_and_the_others_are_named() {
    let table = Table::new().await;
    let cases = [
        ("DELETE", "/api/v1/app", "GET, POST"),
        ("POST", "/api/v1/app/{app}", "GET, PUT, PATCH, DELETE"),
        ("PATCH", "/api/v1/app/{app}/msg", "POST, GET"),
        ("DELETE", "/api/v1/app/{app}/msg/msg_1", "GET"),
        ("POST", "/api/v1/health", "GET, HEAD"),
        ("PUT", "/api/v1/event-type", "GET, POST"),
    ];
    for (method, path, allowed) in cases {
        let bad = table.with(method, path, "{}");
        let answer = table.answer(bad.clone()).await;
        assert_eq!(answer.headers.get("allow").map(|value| value.to_str().unwrap()), Some(allowed), "{method} {path}");
        table.check(bad, 405, Shape::Code("method_not_allowed")).await;
    }
    table.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_cannot_be_is_refused() {
    let table = Table::new().await;
    let lists = [
        "/api/v1/app",
        "/api/v1/app/{app}/endpoint",
        "/api/v1/app/{app}/msg",
        "/api/v1/app/{app}/attempt/msg/m",
        "/api/v1/event-type",
    ];
    for path in lists {
        for limit in ["0", "251", "-1", "x", "99999999999999999999"] {
            let bad = table.get(&format!("{path}?limit={limit}"));
            table.check(bad, 422, Shape::Field(&["query", "limit"])).await;
        }
        for iterator in ["a%20b", "-%20", "--x%2F"] {
            let bad = table.get(&format!("{path}?iterator={iterator}"));
            table.check(bad, 422, Shape::Field(&["query", "iterator"])).await;
        }
    }
    for (query, place) in [
        ("before=yesterday", &["query", "before"] as &[_]),
        ("after=1", &["query", "after"]),
        ("channel=a%20b", &["query", "channel"]),
        ("event_types=a,b%20c", &["query", "event_types"]),
        ("with_content=maybe", &["query", "with_content"]),
        ("iterator=ep_000000000000000000000000000", &["query", "iterator"]),
    ] {
        table.check(table.get(&format!("/api/v1/app/{{app}}/msg?{query}")), 422, Shape::Field(place)).await;
    }
    table.finish().await;
}

#[tokio::test]
async fn a_slash_too_many_is_sent_on_to_where_it_belongs_and_nowhere_else() {
    let stage = crate::harness::Stage::new(&[]).await;
    for (path, place) in [
        ("/api/v1/app/", Some("/api/v1/app")),
        ("/api/v1/app/x/msg//?limit=1", Some("/api/v1/app/x/msg?limit=1")),
        ("//example.com/", None),
        ("/nothing/", None),
    ] {
        let answer = stage.call("POST", path, Some(json!({}))).await;
        let location = answer.headers.get("location").map(|value| value.to_str().unwrap());
        assert_eq!((answer.status.as_u16(), location), (if place.is_some() { 308 } else { 404 }, place), "{path}");
    }
}
