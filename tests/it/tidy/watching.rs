//! What the template watches, the metrics there are, and the manual for whoever is woken say the same.

use std::collections::BTreeSet;

use fanfare::telemetry::{DIMENSION, METRICS, NAMESPACE};
use fanfare_local::template::TEMPLATE;
use yaml_serde::Value;

use crate::harness::process::root;

fn resources() -> Vec<(String, Value)> {
    let template: Value = yaml_serde::from_str(TEMPLATE).unwrap();
    let resources = template["Resources"].as_mapping().unwrap().clone();
    resources.into_iter().map(|(name, resource)| (name.as_str().unwrap().to_owned(), resource)).collect()
}

fn alarms() -> BTreeSet<String> {
    let alarms = resources().into_iter().filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm");
    alarms.map(|(name, _)| name).collect()
}

/// A heading may name several alarms.
#[test]
fn every_alarm_has_its_page_in_the_manual_and_no_other_has() {
    let manual = std::fs::read_to_string(root().join("docs/OPERATING.md")).unwrap();
    let headings = manual.lines().filter(|line| line.starts_with('#'));
    let words = headings.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()));
    let explained: BTreeSet<String> = words.filter(|word| word.ends_with("Alarm")).map(str::to_owned).collect();
    let alarms = alarms();
    assert!(alarms.len() > 10, "{alarms:?}");
    assert_eq!(explained, alarms);
}

/// The own metrics that alarms and dashboard ask for: `(name, dimension)`.
fn asked_for() -> BTreeSet<(String, String)> {
    let mut asked = BTreeSet::new();
    for (name, resource) in resources() {
        let properties = &resource["Properties"];
        if properties["Namespace"] == NAMESPACE {
            let dimension = properties["Dimensions"][0]["Name"].as_str().unwrap();
            asked.insert((properties["MetricName"].as_str().unwrap().to_owned(), dimension.to_owned()));
        }
        if name == "StackDashboard" {
            let Value::Tagged(body) = &properties["DashboardBody"] else { panic!("the dashboard is no !Sub") };
            let body: serde_json::Value = serde_json::from_str(body.value.as_str().unwrap()).unwrap();
            let widgets = body["widgets"].as_array().unwrap().iter();
            let metrics = widgets.filter_map(|widget| widget["properties"]["metrics"].as_array()).flatten();
            let own = metrics.filter(|metric| metric[0] == NAMESPACE);
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            asked.extend(own.map(|metric| (text(&metric[1]), text(&metric[2]))));
        }
    }
    asked
}

#[test]
fn alarms_and_dashboard_ask_for_metrics_that_there_are() {
    let written: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    let asked = asked_for();
    assert!(asked.len() > 10, "{asked:?}");
    for (name, dimension) in &asked {
        assert!(written.contains(name.as_str()), "nobody writes {name}");
        assert_eq!(dimension, DIMENSION, "{name}");
    }
}
