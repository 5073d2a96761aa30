//! Limits of requests: who makes too many waits, and nobody else does; and the limits are documented as they are.

use aws_sdk_dynamodb::types::AttributeValue;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use serde_json::{Value, json};

use crate::harness::process::root;
use crate::harness::table::{TABLE, items_of};
use crate::harness::{Answer, Stage, Way};

/// Two requests a second for an organization, one for a token: twenty and ten within a window.
const LIMITS: [(&str, &str); 2] = [("FANFARE_RATE_LIMIT", "3"), ("FANFARE_TOKEN_RATE_LIMIT", "2")];

async fn list(stage: &Stage) -> Answer {
    stage.call("GET", "/api/v1/app", None).await
}

/// How many of so many requests at one instant are taken.
async fn taken(stage: &Stage, count: usize) -> usize {
    let mut taken = 0;
    for _ in 0..count {
        taken += usize::from(list(stage).await.status == 200);
    }
    taken
}

#[tokio::test]
async fn one_token_too_often_is_told_when_to_come_again_and_is_taken_then() {
    let stage = Stage::new(&LIMITS).await;
    let first = list(&stage).await;
    assert_eq!(first.headers["ratelimit-policy"], "\"token\";q=20;w=10");
    assert_eq!(taken(&stage, 40).await + 1, 20);
    let refused = list(&stage).await;
    assert_eq!((refused.status.as_u16(), refused.json()["code"].clone()), (429, json!("rate_limited")));
    assert!(refused.headers["ratelimit"].to_str().unwrap().starts_with("\"token\";r=0;t="), "{refused:?}");
    let wait_s: i64 = refused.headers[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&wait_s));

    // Another organization does not notice.
    let stranger = stage.stranger();
    let headers = [(AUTHORIZATION.as_str(), stranger.as_str())];
    assert_eq!(stage.call_with_headers("GET", "/api/v1/app", None, &headers).await.status, 200);
    stage.clock.forward_s(wait_s - 1);
    assert_eq!(list(&stage).await.status, 429);
    stage.clock.forward_s(1);
    assert_eq!(list(&stage).await.status, 200);
}

#[tokio::test]
async fn many_tokens_together_have_what_the_organization_has() {
    let stage = Stage::new(&LIMITS).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let key = Some(json!({ "name": "k", "role": "reader" }));
        let key = stage.call("POST", "/api/v1/auth/api-key", key).await.json();
        tokens.push(key["key"].as_str().unwrap().to_owned());
    }
    let mut answers = Vec::new();
    for token in &tokens {
        for _ in 0..20 {
            answers.push(stage.call_as(token, "GET", "/api/v1/app", None).await);
        }
    }
    // Thirty, and ten that are free to this process; three were used to make the keys.
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((30 - 3..=40 - 3).contains(&taken), "{taken}");
    let last = answers.last().unwrap();
    assert_eq!(last.status, 429);
    assert!(last.headers["ratelimit"].to_str().unwrap().contains("organization"), "{last:?}");
}

#[tokio::test]
async fn processes_share_what_is_counted() {
    let stage = Stage::new(&[("FANFARE_RATE_LIMIT", "10")]).await;
    let mut taken = 0;
    for number in 0..300 {
        let router = match number % 3 {
            0 => stage.router("manage"),
            _ => stage.router("history"),
        };
        let path = if number % 3 == 0 { "/api/v1/app" } else { "/api/v1/background-task" };
        taken += usize::from(stage.call_router(router, "GET", path, None, None).await.status == 200);
    }
    // A hundred, and ten for each of the two.
    assert!((100..=120).contains(&taken), "{taken}");
    let counters = items_of(&stage.engines, "N#").await;
    assert!(!counters.is_empty() && counters.iter().all(|item| item.contains_key("ttl")));
}

#[tokio::test]
async fn who_comes_seldom_costs_nothing_and_who_cannot_be_counted_passes() {
    let stage = Stage::new(&LIMITS).await;
    let before = stage.faults.calls("UpdateItem");
    for _ in 0..30 {
        assert_eq!(list(&stage).await.status, 200);
        stage.clock.forward_s(1);
    }
    assert_eq!(stage.faults.calls("UpdateItem"), before);
    stage.clock.forward_s(10);
    stage.faults.next("UpdateItem", Way::THROTTLED, 30);
    assert_eq!(taken(&stage, 30).await, 30);
    stage.faults.stop();
}

#[tokio::test]
async fn a_provider_that_sends_too_much_is_told_to_come_again() {
    let stage = Stage::new(&LIMITS).await;
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
    let source = json!({ "name": "Open", "provider": { "kind": "none" }, "appId": application });
    let url = stage.call("POST", "/api/v1/source", Some(source)).await.json()["ingestUrl"].as_str().unwrap().to_owned();
    let path = &url[url.find("/in/").unwrap()..];
    let mut statuses = Vec::new();
    for number in 0..25 {
        let router = stage.router("ingest");
        statuses
            .push(stage.call_router(router, "POST", path, Some(json!({ "n": number })), None).await.status.as_u16());
    }
    assert_eq!((statuses[0], statuses[24], statuses.iter().filter(|status| **status == 429).count()), (200, 429, 5));
}

/// `docs/LIMITS.md` names constants of the code with their values.
#[test]
fn the_documented_limits_are_those_of_the_code() {
    let text = std::fs::read_to_string(root().join("docs/LIMITS.md")).unwrap();
    let mut checked = 0;
    for line in text.lines().filter(|line| line.starts_with("| ") && line.contains(".rs`")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (value, place) = (cells[2], cells[4]);
        let (file, constant) = place.trim_matches('`').split_once("` `").unwrap();
        let source = std::fs::read_to_string(root().join(file)).unwrap();
        let begin = format!("const {constant}: ");
        let definition =
            source.lines().find(|line| line.contains(&begin)).unwrap_or_else(|| panic!("{file} has no {constant}"));
        let expression = definition.split_once(" = ").unwrap().1.trim_end_matches(';');
        let shown: u64 = value.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
        assert_eq!(product(expression), shown, "{constant} in docs/LIMITS.md");
        checked += 1;
    }
    assert!(checked >= 30, "{checked}");
}

/// `64 * 1_024`
fn product(expression: &str) -> u64 {
    let expression = expression.split("//").next().unwrap();
    let factor =
        |text: &str| text.trim().replace('_', "").parse::<u64>().unwrap_or_else(|_| panic!("{text} is no number"));
    expression.split('*').map(factor).product()
}

#[tokio::test]
async fn no_limit_is_no_header_and_no_counting() {
    let stage = Stage::new(&[]).await;
    let before = stage.faults.calls("UpdateItem");
    assert_eq!(taken(&stage, 100).await, 100);
    assert!(!list(&stage).await.headers.contains_key("ratelimit-policy"));
    assert_eq!(stage.faults.calls("UpdateItem"), before);
    let _: Value = list(&stage).await.json();
}

#[tokio::test]
async fn an_organization_has_so_many_event_types_and_may_forget_some() {
    let stage = Stage::new(&[]).await;
    let create = async |name: &str| {
        let body = json!({ "name": name, "description": "" });
        stage.call("POST", "/api/v1/event-type", Some(body)).await.status.as_u16()
    };
    assert_eq!((create("a.a").await, create("a.b").await, create("a.b").await), (201, 201, 409));
    let mut counter = items_of(&stage.engines, "T#").await.into_iter().find(|item| item.contains_key("n")).unwrap();
    assert_eq!(counter["n"].as_n().unwrap(), "2");
    counter.insert("n".to_owned(), AttributeValue::N("5000".to_owned()));
    let client = aws_sdk_dynamodb::Client::new(&stage.engines.sdk_config());
    client.put_item().table_name(TABLE).set_item(Some(counter)).send().await.unwrap();
    assert_eq!(create("a.c").await, 400);
    let put = Some(json!({ "description": "" }));
    assert_eq!(stage.call("PUT", "/api/v1/event-type/a.c", put).await.status, 400);
    assert_eq!(stage.call("DELETE", "/api/v1/event-type/a.a?expunge=true", None).await.status, 204);
    assert_eq!((create("a.c").await, create("a.d").await), (201, 400));
}
