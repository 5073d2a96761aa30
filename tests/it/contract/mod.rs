//! The contract of every operation, one table for all: what it answers when all is well, to strangers, to portals, and to
//! requests that make no sense. A route without its line in [`cases::CASES`] fails these tests.

mod cases;
mod fixture;
mod requests;

use std::collections::BTreeSet;

use fanfare::domain::access::Capability;
use fanfare::http::routes::{Access, ROUTES, Route};
use serde_json::{Value, json};

use crate::harness::Answer;
use cases::{CASES, Case, Stranger};
use fixture::Fixture;

fn case(route: &Route) -> &'static Case {
    let found = CASES.iter().find(|case| case.operation == route.operation);
    found.unwrap_or_else(|| panic!("{} has no line in the contract's table", route.operation))
}

/// The routes that ask for a token.
fn guarded() -> impl Iterator<Item = (&'static Route, &'static Case)> {
    ROUTES.iter().filter(|route| route.access != Access::Public).map(|route| (route, case(route)))
}

#[track_caller]
fn expect(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status.as_u16(), status, "{what}: {answer:?}");
    if status >= 400 && status != 422 {
        assert!(answer.json()["code"].is_string(), "{what} is not in the error envelope: {answer:?}");
    }
}

#[test]
fn every_operation_has_its_line_and_every_line_its_operation() {
    let routes: BTreeSet<_> = ROUTES.iter().map(|route| route.operation).collect();
    let cases: BTreeSet<_> = CASES.iter().map(|case| case.operation).collect();
    assert_eq!(routes, cases);
    assert_eq!(CASES.len(), cases.len(), "an operation has two lines");
}

#[tokio::test]
async fn every_operation_succeeds_on_what_is_there() {
    for route in ROUTES {
        let (case, fixture) = (case(route), Fixture::new().await);
        let answer = fixture.ask(route, case, &fixture.owner).await;
        assert_eq!(answer.status.as_u16(), case.success, "{}: {answer:?}", route.operation);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    for (route, case) in guarded() {
        let fixture = Fixture::new().await;
        for parameter in fixture::parameters(route) {
            if case.creates_by.contains(&parameter) {
                continue;
            }
            for nothing in fixture::nothing(parameter) {
                let path = fixture.path_with(route, parameter, nothing);
                let answer = fixture.send(&fixture.owner, route, &path, fixture.body(case)).await;
                expect(&answer, 404, &format!("{} {path}", route.operation));
            }
        }
    }
}

#[tokio::test]
async fn another_organization_sees_and_changes_nothing() {
    for (route, case) in guarded() {
        let fixture = Fixture::new().await;
        let path = fixture.path_of(route).await;
        let before = fixture.snapshot().await;
        let answer = fixture.send(&fixture.stranger, route, &path, fixture.body(case)).await;
        match case.stranger {
            Stranger::NotFound => expect(&answer, 404, route.operation),
            Stranger::OwnEmpty => {
                expect(&answer, case.success, route.operation);
                assert!(!answer.text.contains("acme") && !answer.text.contains(&fixture.endpoint), "{answer:?}");
            }
            Stranger::Status(status) => expect(&answer, status, route.operation),
        }
        assert_eq!(fixture.snapshot().await, before, "{} changed what is another's", route.operation);
    }
}

#[tokio::test]
async fn a_portal_of_another_application_finds_nothing() {
    for (route, case) in guarded() {
        let fixture = Fixture::new().await;
        let path = fixture.path_of(route).await;
        // Its making is on record, and no part of what is compared.
        let portal = fixture.portal("other", json!({})).await;
        let before = fixture.snapshot().await;
        let answer = fixture.send(&portal, route, &path, fixture.body(case)).await;
        match route.access {
            Access::Organization(_) => expect(&answer, 403, route.operation),
            Access::Application(_) if route.path.contains("{app_id}") => expect(&answer, 404, route.operation),
            // Event types belong to all applications.
            Access::Application(_) | Access::Public => expect(&answer, case.success, route.operation),
            Access::AnyToken => expect(&answer, 204, route.operation),
        }
        assert_eq!(fixture.snapshot().await, before, "{} changed what is another's", route.operation);
    }
}

#[tokio::test]
async fn a_portal_does_what_its_capability_allows_and_nothing_else() {
    for (route, case) in guarded() {
        let Access::Application(needed) = route.access else { continue };
        let others: Vec<_> = Capability::ALL.into_iter().filter(|each| *each != needed).collect();
        let fixture = Fixture::new().await;
        let portal = fixture.portal("acme", json!({ "capabilities": others })).await;
        expect(&fixture.ask(route, case, &portal).await, 403, route.operation);
        let portal = fixture.portal("acme", json!({ "capabilities": [needed] })).await;
        expect(&fixture.ask(route, case, &portal).await, case.success, route.operation);
    }
}

#[tokio::test]
async fn without_a_token_or_with_a_wrong_one_nobody_is_let_in() {
    let fixture = Fixture::new().await;
    for (route, case) in guarded() {
        for token in ["", "no.token.atall"] {
            let answer = fixture.send(token, route, &fixture.path(route), fixture.body(case)).await;
            expect(&answer, 401, route.operation);
        }
    }
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused_with_where_and_why() {
    let fixture = Fixture::new().await;
    let before = fixture.snapshot().await;
    for (route, case) in guarded().filter(|(_, case)| case.body.is_some()) {
        let (what, path) = (route.operation, fixture.path(route));
        for (body, loc) in [("[]", json!(["body"])), ("{", json!(["body"])), ("\"x\"", json!(["body"]))] {
            let answer = fixture.send_text(route, &path, "application/json", body.to_owned()).await;
            expect(&answer, 422, what);
            assert_eq!(answer.json()["detail"][0]["loc"], loc, "{what} {body}: {answer:?}");
        }
        for (field, value) in case.refused {
            let mut body = fixture.body(case).unwrap();
            body[*field] = serde_json::from_str(value).unwrap();
            let answer = fixture.send(&fixture.owner, route, &path, Some(body)).await;
            expect(&answer, 422, &format!("{what} {field}={value}"));
            let loc = &answer.json()["detail"][0]["loc"];
            assert_eq!((&loc[0], &loc[1]), (&json!("body"), &json!(field)), "{what} {value}: {answer:?}");
        }
        expect(&fixture.send_text(route, &path, "text/plain", "{}".to_owned()).await, 415, what);
        let large = format!("{{\"x\":\"{}\"}}", "x".repeat(fanfare::http::body::BODY_BYTES_MAX));
        expect(&fixture.send_text(route, &path, "application/json", large).await, 413, what);
    }
    assert_eq!(fixture.snapshot().await, before, "what is refused changes nothing");
}

#[tokio::test]
async fn fields_and_parameters_that_nobody_knows_are_ignored() {
    for (route, case) in guarded() {
        let fixture = Fixture::new().await;
        let body = fixture.body(case).map(|mut body| {
            body["aFieldOfTomorrow"] = json!({ "deep": [1] });
            body
        });
        let path = format!("{}?a_parameter_of_tomorrow=1", fixture.path_of(route).await);
        let answer = fixture.send(&fixture.owner, route, &path, body).await;
        assert_eq!(answer.status.as_u16(), case.success, "{}: {answer:?}", route.operation);
    }
}

#[tokio::test]
async fn creating_twice_under_one_key_is_once_and_another_request_a_conflict() {
    for (route, case) in guarded().filter(|(_, case)| case.honours_keys) {
        let (fixture, what) = (Fixture::new().await, route.operation);
        let path = fixture.path(route);
        let ask = async |body: Value| fixture.send_with_key(route, &path, Some(body), "key").await;
        let body = fixture.body(case).unwrap();
        let (first, second) = (ask(body.clone()).await, ask(body.clone()).await);
        expect(&second, case.success, what);
        assert_eq!(second.json(), first.json(), "{what}");
        let mut other = body;
        let (field, value) = case.variation.unwrap_or_else(|| panic!("{what} needs another request"));
        other[field] = serde_json::from_str(value).unwrap();
        expect(&ask(other).await, 409, what);
    }
}
