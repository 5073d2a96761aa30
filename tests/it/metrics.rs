//! Metrics: that what is counted is what happened, and that CloudWatch can read the lines.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use fanfare::telemetry::{DIMENSION, METRICS, NAMESPACE};
use fanfare_local::cli::cost::bill::Basis;
use serde_json::{Value, json};

use crate::harness::{Reply, Stage, Way};

/// The numbers of these lines added up, by name; of values, how many there were.
#[track_caller]
fn sums(lines: &[Value]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (line, metric) in lines.iter().flat_map(|line| metrics_of(line).into_iter().map(move |metric| (line, metric))) {
        let number = match &line[&metric] {
            Value::Array(values) => values.len() as u64,
            number => number.as_u64().unwrap(),
        };
        *sums.entry(metric).or_default() += number;
    }
    sums
}

/// The names of a line's metrics; the line is what CloudWatch's specification of the format asks for.
#[track_caller]
fn metrics_of(line: &Value) -> Vec<String> {
    let meta = &line["_aws"];
    assert!(meta["Timestamp"].as_i64().unwrap() > 1_600_000_000_000, "{line}");
    let [directive] = &meta["CloudWatchMetrics"].as_array().unwrap()[..] else { panic!("{line}") };
    assert_eq!(
        (&directive["Namespace"], &directive["Dimensions"]),
        (&json!(NAMESPACE), &json!([[DIMENSION]])),
        "{line}"
    );
    assert!(line[DIMENSION].is_string(), "every dimension has its value beside the metrics: {line}");
    let metrics = directive["Metrics"].as_array().unwrap();
    assert!((1..=100).contains(&metrics.len()), "{line}");
    let mut names = Vec::new();
    for metric in metrics {
        let name = metric["Name"].as_str().unwrap();
        let described = METRICS.iter().find(|described| described.name == name).unwrap();
        assert_eq!(metric["Unit"], described.unit.as_str(), "{line}");
        match &line[name] {
            Value::Array(values) => {
                assert!((1..=100).contains(&values.len()) && values.iter().all(Value::is_number), "{line}");
            }
            value => assert!(value.is_number(), "{line}"),
        }
        names.push(name.to_owned());
    }
    let others = line.as_object().unwrap().keys().filter(|key| !names.contains(key));
    assert_eq!(others.collect::<Vec<_>>(), ["Stack", "_aws", "function"], "no identifiers: {line}");
    names
}

#[tokio::test]
async fn what_happens_to_messages_is_counted() {
    let (stage, receiver, application, _) = Stage::with_receiver("10").await;
    let answer = receiver.obey("/", 204);
    stage.publish(&application, Some("a"), json!({})).await.id();
    stage.publish(&application, Some("a"), json!({})).await.id();
    stage.deliver_all().await;
    stage.clock.forward_s(60);
    stage.deliver_all().await;
    answer.store(500, Ordering::SeqCst);
    stage.publish(&application, Some("b"), json!({})).await.id();
    stage.clock.forward_s(2);
    stage.deliver_all().await;
    stage.clock.forward_s(11);
    stage.deliver_all().await;
    stage.clock.forward_s(2);
    stage.sweep().await;
    let lines = stage.metrics();
    let sums = sums(&lines);
    let counted = |name: &str| sums.get(name).copied().unwrap_or(0);
    assert_eq!(counted("MessagesAccepted"), 2, "the repeat is none: {sums:?}");
    assert_eq!((counted("DeliveriesSucceeded"), counted("AttemptsFailed"), counted("DeliveriesExhausted")), (1, 2, 1));
    assert_eq!((counted("AttemptLatency"), counted("DeliveryDelay")), (3, 2), "{sums:?}");
    let delays: Vec<_> = lines.iter().filter_map(|line| line["DeliveryDelay"].as_array()).flatten().collect();
    assert!(delays.iter().any(|delay| (2_000..2_100).contains(&delay.as_u64().unwrap())), "{delays:?}");
    // publish, manage and deliver; the sweep is one more.
    assert_eq!((counted("ColdStarts"), counted("DueBacklogAge")), (4, 1), "{sums:?}");
    assert_eq!(counted("DeliveriesPostponed"), 0);
}

#[tokio::test]
async fn lines_are_as_long_as_the_bill_takes_them_to_be() {
    let (stage, receiver, application, _) = Stage::with_receiver("").await;
    receiver.leave_to_test("/");
    for _ in 0..2 {
        stage.clock.forward_s(2);
        stage.publish(&application, None, json!({})).await.id();
        stage.clock.forward_s(2);
        stage.deliver_all().await;
    }
    let lines = stage.metrics();
    let warm = |function: &str| {
        let mut of_function = lines.iter().filter(|line| line["function"] == function);
        of_function.next_back().unwrap().to_string().len() as f64
    };
    let (mean, assumed) = (f64::midpoint(warm("publish"), warm("deliver")), Basis::committed().unwrap().table.assumed);
    let ratio = mean / assumed.metric_line_bytes.value;
    assert!((0.85..1.15).contains(&ratio), "a line is {mean} bytes long");
}

#[tokio::test]
async fn what_goes_wrong_is_counted() {
    let (stage, receiver, application, _) = Stage::with_receiver("3600").await;
    receiver.on("/", |_| Reply::Status(500));
    stage.publish(&application, None, json!({})).await.id();
    stage.deliver_all().await;
    stage.clock.forward_s(3_600 + 600);
    stage.sweep().await;
    receiver.on("/", |_| Reply::Status(410));
    stage.deliver_all().await;
    let lines = stage.metrics();
    let late: Vec<_> = lines.iter().filter_map(|line| line["DueBacklogAge"].as_array()).flatten().collect();
    assert!(late.len() == 1 && (300..=600).contains(&late[0].as_u64().unwrap()), "{late:?}");
    let sums = sums(&lines);
    assert_eq!((sums["EndpointsDisabled"], sums["DeliveriesExhausted"]), (1, 1), "{sums:?}");
}

#[tokio::test]
async fn a_dead_letter_is_counted_when_it_is_on_record() {
    let (stage, receiver, application, _) = Stage::with_receiver("").await;
    receiver.on("/", |_| Reply::Status(204));
    stage.publish(&application, None, json!({})).await.id();
    stage.faults.next("BatchGetItem", Way::THROTTLED, usize::MAX);
    stage.wear_out().await;
    stage.faults.stop();
    assert_eq!(stage.bury().await, (1, 0));
    assert_eq!(sums(&stage.metrics())["DeadLettersRecorded"], 1);
}

#[tokio::test]
async fn imports_are_counted_when_they_end() {
    let stage = Stage::new(&[]).await;
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
    let good = "{\"eventType\":\"a.b\",\"payload\":{}}\n{\"eventType\":\"not a name!\",\"payload\":{}}\nnonsense\n";
    stage.import(Some(&application), good.as_bytes()).await;
    let sums_of_good = sums(&stage.metrics());
    let counted = |name: &str| sums_of_good.get(name).copied().unwrap_or(0);
    assert_eq!((counted("ImportsCompleted"), counted("ImportRecordsRejected"), counted("MessagesAccepted")), (1, 2, 1));
    assert_eq!(counted("ImportsFailed"), 0);
    stage.import(Some(&application), b"\x1f\x8b is no gzip").await;
    assert_eq!(sums(&stage.metrics())["ImportsFailed"], 1);
}

#[tokio::test]
async fn metrics_can_be_switched_off() {
    let stage = Stage::new(&[("FANFARE_METRICS", "false")]).await;
    stage.application_with_endpoint("http://127.0.0.1:8/").await;
    assert_eq!(stage.metrics(), Vec::<Value>::new());
}
