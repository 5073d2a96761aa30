//! The route table, the template, the routers, the functions and the sample events say the same.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use fanfare::http::routes::{Access, ROUTES};
use fanfare_local::template::{Place, Plan, RoutePath, TEMPLATE};
use http::Request;
use tower::ServiceExt;

use super::rooms::functions;
use crate::events::cases_in;
use crate::harness::process::root;
use crate::harness::{JWT_SECRET, Stage};

fn plan() -> Plan {
    let parameters = BTreeMap::from([("JwtSecret".to_owned(), JWT_SECRET.to_owned())]);
    Plan::read(TEMPLATE, &Place::local("http://engines.local"), &parameters).unwrap()
}

/// Names of the functions by their logical ids.
fn binaries(plan: &Plan) -> BTreeMap<&str, &str> {
    plan.functions.iter().map(|function| (&*function.logical_id, &*function.binary)).collect()
}

#[test]
fn the_template_routes_what_the_route_table_says() {
    let plan = plan();
    let binaries = binaries(&plan);
    let mut deployed = BTreeSet::new();
    let mut add = |method: &'static str, path: &'static str, function| {
        assert!(deployed.insert((method, path, function)), "{method} {path} is there twice");
    };
    let mut by_default = Vec::new();
    for route in &plan.routes {
        let function = binaries[&*route.function];
        let RoutePath::Pattern(path) = &route.path else {
            by_default.push(function);
            continue;
        };
        let is_meant = |method: &str| route.method.as_ref().is_none_or(|own| own == method);
        let meant: Vec<_> = ROUTES.iter().filter(|row| row.path == path && is_meant(row.method)).collect();
        assert!(!meant.is_empty(), "{path} is a route of nobody's");
        meant.iter().for_each(|row| add(row.method, row.path, function));
    }
    let table: BTreeSet<_> = ROUTES.iter().map(|route| (route.method, route.path, route.function)).collect();
    assert_eq!(deployed, table);
    assert_eq!(by_default, ["manage"], "every other path is answered in the API's own shape");
    let operations: BTreeSet<_> = ROUTES.iter().map(|route| route.operation).collect();
    assert_eq!(operations.len(), ROUTES.len(), "each operation has a name of its own");
}

#[tokio::test]
async fn each_router_answers_its_routes_and_refuses_who_has_no_token() {
    let stage = Stage::new(&[]).await;
    for route in ROUTES {
        let path = route.path.replace(['{', '}'], "");
        let request = Request::builder().method(route.method).uri(path).body(Body::empty()).unwrap();
        let answer = stage.router(route.function).oneshot(request).await.unwrap();
        let is_as_told = match route.access {
            Access::Public if route.path.contains('{') => answer.status() == 404,
            Access::Public => answer.status().is_success(),
            _ => answer.status() == 401,
        };
        assert!(is_as_told, "{} {} at {}: {}", route.method, route.path, route.function, answer.status());
    }
}

#[tokio::test]
async fn no_router_answers_a_route_of_another_function() {
    let stage = Stage::new(&[]).await;
    let of_function = |function: &str| ROUTES.iter().filter(move |route| route.function != function).collect();
    for function in ["publish", "manage", "ingest", "history"] {
        let others: Vec<&fanfare::http::routes::Route> = of_function(function);
        for route in others {
            let path = route.path.replace(['{', '}'], "");
            let request = Request::builder().method(route.method).uri(path).body(Body::empty()).unwrap();
            let status = stage.router(function).oneshot(request).await.unwrap().status();
            let is_refused = [404, 405].contains(&status.as_u16());
            assert!(is_refused, "{function} answers {} {} with {status}", route.method, route.path);
        }
    }
}

#[test]
fn every_function_is_deployed_and_has_sample_events() {
    let plan = plan();
    let mut deployed: Vec<_> = binaries(&plan).into_values().collect();
    deployed.sort_unstable();
    let folders: Vec<_> = functions();
    let folders: Vec<_> = folders.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(deployed, folders);
    for function in &folders {
        assert!(!cases_in(&root().join("events").join(function)).is_empty(), "{function} has no sample event");
    }
    for folder in std::fs::read_dir(root().join("events")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(folders.contains(&&*name), "events/{name} belongs to no function");
    }
}

#[test]
fn every_function_has_a_way_to_be_called() {
    let plan = plan();
    let called: BTreeSet<_> = plan.routes.iter().map(|route| &route.function).collect();
    let called: BTreeSet<_> = called.into_iter().chain(plan.mappings.iter().map(|mapping| &mapping.function)).collect();
    let called: BTreeSet<_> = called.into_iter().chain(plan.schedules.iter().map(|s| &s.function)).collect();
    for function in &plan.functions {
        assert!(called.contains(&function.logical_id), "nothing calls {}", function.logical_id);
    }
    for mapping in &plan.mappings {
        assert!(mapping.reports_failures, "one message that fails must not bring back its whole batch");
    }
}

/// What a queue feeds puts tasks into queues again. Lambda takes that for a loop that nobody wants, and ends it after a few
/// rounds, unless it is told.
#[test]
fn what_a_queue_feeds_may_come_by_again() {
    let template: yaml_serde::Value = yaml_serde::from_str(TEMPLATE).unwrap();
    let fed: BTreeSet<String> = plan().mappings.into_iter().map(|mapping| mapping.function).collect();
    assert!(!fed.is_empty());
    for function in fed {
        let allowed = template["Resources"][function.as_str()]["Properties"]["RecursiveLoop"].as_str();
        assert_eq!(allowed, Some("Allow"), "{function}");
    }
}
