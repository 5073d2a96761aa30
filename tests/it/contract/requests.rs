//! How many requests to the engines each operation makes, counted at the wire and held against `docs/DATA.md`: whoever makes
//! an operation dearer, or cheaper, says so there.

use std::collections::BTreeMap;

use fanfare::http::routes::ROUTES;

use super::case;
use super::fixture::Fixture;
use crate::harness::process::root;

/// Where the table begins and ends in `docs/DATA.md`.
const BEGIN: &str = "<!-- counted: begin -->\n";
const END: &str = "<!-- counted: end -->";

fn row(operation: &str, calls: &BTreeMap<String, usize>) -> String {
    let calls: Vec<_> = calls.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let calls = if calls.is_empty() { "none".to_owned() } else { calls.join(", ") };
    format!("| `{operation}` | {calls} |\n")
}

#[tokio::test]
async fn every_operation_makes_the_requests_that_the_documentation_says() {
    let mut counted = "| operation | requests |\n|---|---|\n".to_owned();
    for route in ROUTES {
        let (case, fixture) = (case(route), Fixture::new().await);
        let path = fixture.path_of(route).await;
        let before = fixture.calls();
        fixture.send(&fixture.owner, route, &path, fixture.body(case)).await;
        let mut calls = fixture.calls();
        for (name, count) in before {
            *calls.entry(name).or_default() -= count;
        }
        calls.retain(|_, count| *count > 0);
        assert!(!calls.contains_key("Scan"), "{} scans", route.operation);
        counted.push_str(&row(route.operation, &calls));
    }
    let document = std::fs::read_to_string(root().join("docs/DATA.md")).unwrap();
    let documented = document.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(table, _)| table);
    assert!(documented == Some(&*counted), "docs/DATA.md should say between its marks:\n{counted}");
}
