//! What the steps of one message have in common: a trace, from the caller's request through the queues to each attempt, in the
//! task, in the due index and in the logs; and which invocation a line comes from.

use fanfare::telemetry::LogFormat;
use lambda_runtime::LambdaEvent;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use serde_json::{Value, json};
use svix::models::{ApplicationIn, EndpointIn, MessageIn};

use crate::harness::process::{Process, client, fanfare_binary, free_address};
use crate::harness::table::items_of;
use crate::harness::{LONG_MS, Log, Receiver, Reply, Stage, eventually};

const CALLERS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Posts a message with these headers.
async fn publish(stage: &Stage, application: &str, headers: &[(&str, &str)]) {
    let body = json!({ "eventType": "order.placed", "payload": {} });
    let path = format!("/api/v1/app/{application}/msg");
    assert_eq!(stage.call_with_headers("POST", &path, Some(body), headers).await.status, 202);
}

/// The traces of what can be received from this queue, as they stand there.
async fn queued(stage: &Stage, url: &str) -> Vec<String> {
    let received = stage.receive_from(url).await;
    let body = |message: &aws_sdk_sqs::types::Message| serde_json::from_str::<Value>(message.body().unwrap()).unwrap();
    received.iter().map(|message| body(message)["trace"].as_str().unwrap_or("none").to_owned()).collect()
}

async fn queued_deliveries(stage: &Stage) -> Vec<String> {
    queued(stage, &stage.platform.settings.delivery_queue_url).await
}

#[tokio::test]
async fn a_callers_trace_goes_on_in_the_queue_and_in_every_retry_and_not_to_the_receiver() {
    let (stage, receiver, application, _) = Stage::with_receiver("10,3600").await;
    receiver.on("/", |_| Reply::Status(500));
    publish(&stage, &application, &[("traceparent", CALLERS)]).await;
    stage.deliver_all().await;
    let retry = queued_deliveries(&stage).await;
    assert_eq!(retry, Vec::<String>::new(), "it is held back");
    stage.clock.forward_s(11);
    let traces = queued_deliveries(&stage).await;
    let [trace] = &traces[..] else { panic!("{traces:?}") };
    assert!(trace.starts_with(&format!("00-{TRACE}-")) && trace.ends_with("-01"), "{trace}");
    assert_ne!(trace, CALLERS, "the publish is a step of its own");
    // The second retry waits in the due index.
    stage.clock.forward_s(400);
    stage.deliver_all().await;
    let due = items_of(&stage.engines, "D#").await;
    assert_eq!(due[0]["trace"].as_b().unwrap().as_ref().len(), 25, "no more than it must have: {due:?}");
    stage.clock.forward_s(5_000);
    assert_eq!(stage.sweep().await, 1);
    assert_eq!(queued_deliveries(&stage).await, traces, "hours later it is still the same step that asked for it");
    assert_eq!(receiver.deliveries().len(), 2);
    for delivery in receiver.deliveries() {
        assert!(!delivery.headers.contains_key("traceparent") && !format!("{:?}", delivery.headers).contains(TRACE));
    }
}

#[tokio::test]
async fn without_a_trace_that_makes_sense_one_begins() {
    let (stage, _, application, _) = Stage::with_receiver("").await;
    let upper = CALLERS.to_uppercase();
    for headers in [&[][..], &[("traceparent", "00-0-0-00")], &[("traceparent", &*upper)]] {
        publish(&stage, &application, headers).await;
    }
    let traces = queued_deliveries(&stage).await;
    let mut ids: Vec<_> = traces.iter().map(|trace| trace.split('-').nth(1).unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), ids.iter().all(|id| id.len() == 32 && *id != TRACE)), (3, true), "{traces:?}");
}

#[tokio::test]
async fn what_is_done_in_the_background_belongs_to_the_trace_of_whoever_asked() {
    let (stage, receiver, application, endpoint) = Stage::with_receiver("").await;
    receiver.on("/", |_| Reply::Status(500));
    publish(&stage, &application, &[]).await;
    stage.deliver_all().await;
    stage.clock.forward_s(1);
    let since = stage.platform.effects.now().plus_millis(-86_400_000).to_rfc3339();
    let path = format!("/api/v1/app/{application}/endpoint/{endpoint}/recover");
    let asked =
        stage.call_with_headers("POST", &path, Some(json!({ "since": since })), &[("traceparent", CALLERS)]).await;
    assert_eq!(asked.status, 202);
    stage.work(60_000).await;
    let traces = queued_deliveries(&stage).await;
    assert!(traces.len() == 1 && traces[0].contains(TRACE), "{traces:?}");
}

#[tokio::test]
async fn the_records_of_a_file_belong_to_one_trace() {
    let (stage, _, application, _) = Stage::with_receiver("").await;
    let file = "{\"eventType\":\"order.placed\",\"payload\":{\"n\":1}}\n{\"eventType\":\"order.placed\",\"payload\":{\"n\":2}}\n";
    let asked = stage.ask_import(Some(&application), file.len(), Value::Null).await;
    stage.upload(&asked, file.as_bytes()).await;
    stage.read_files_once(LONG_MS).await;
    let url = stage.platform.settings.import_queue_url.clone();
    let parts = queued(&stage, &url).await;
    assert!(parts.len() == 1 && parts[0].len() == 55, "{parts:?}");
    stage.clock.forward_s(3_600);
    stage.read_files(LONG_MS).await;
    let deliveries = queued_deliveries(&stage).await;
    assert_eq!(deliveries, [parts[0].clone(), parts[0].clone()]);
}

#[tokio::test]
async fn tasks_from_before_there_were_traces_are_delivered() {
    let (stage, receiver, application, _) = Stage::with_receiver("").await;
    publish(&stage, &application, &[]).await;
    let received = stage.receive().await;
    let mut body: Value = serde_json::from_str(received[0].body().unwrap()).unwrap();
    assert!(body.as_object_mut().unwrap().remove("trace").is_some());
    stage.delete(&received[0]).await;
    let url = &stage.platform.settings.delivery_queue_url;
    stage.sqs.send_message().queue_url(url).message_body(body.to_string()).send().await.unwrap();
    assert_eq!((stage.deliver_all().await, receiver.deliveries().len()), (1, 1));
}

#[tokio::test]
async fn a_line_says_which_function_which_invocation_and_which_trace() {
    let (log, _listening) = Log::of_this_thread("debug", LogFormat::Json, 0.0);
    let (stage, _, application, _) = Stage::with_receiver("").await;
    for _ in 0..2 {
        publish(&stage, &application, &[("traceparent", CALLERS)]).await;
        let received = stage.receive().await;
        stage.hand_to_deliver(&received).await;
        stage.delete(&received[0]).await;
    }
    let lines = log.lines("attempt made");
    let cold: Vec<_> = lines.iter().map(|line| line["cold_start"].as_bool().unwrap()).collect();
    assert_eq!(cold, [true, false], "{lines:?}");
    for line in &lines {
        assert_eq!((&line["function"], &line["trace_id"]), (&json!("deliver"), &json!(TRACE)), "{line}");
        assert_eq!((&line["attempt.number"], &line["level"]), (&json!(1), &json!("DEBUG")), "{line}");
        assert!(line["message.id"].as_str().unwrap().starts_with("msg_"), "{line}");
    }
    let mut context = stage.context();
    context.request_id = "8f5a".to_owned();
    stage.clock.forward_s(60);
    let event =
        json!({ "Records": [{ "messageId": "m", "body": "nonsense", "attributes": {}, "messageAttributes": {} }] });
    let event = serde_json::from_value(event).unwrap();
    stage.deliver.handle(LambdaEvent::new(event, context)).await.unwrap();
    assert_eq!(log.lines("a queued message is no delivery task")[0]["request_id"], "8f5a");
}

/// Whether the attempts of messages with these traces are logged in detail, at this level and share.
async fn in_detail(level: &str, share: f64, traces: &[&str]) -> Vec<bool> {
    let (log, _listening) = Log::of_this_thread(level, LogFormat::Json, share);
    let stage = Stage::new(&[("FANFARE_DEBUG_SAMPLE", &share.to_string())]).await;
    let receiver = Receiver::start().await;
    receiver.leave_to_test("/");
    let (application, _) = stage.application_with_endpoint(&receiver.url("/")).await;
    for trace in traces {
        publish(&stage, &application, &[("traceparent", &format!("00-{trace}-00f067aa0ba902b7-00"))]).await;
    }
    stage.deliver_all().await;
    let lines = log.lines("attempt made");
    traces.iter().map(|trace| lines.iter().any(|line| line["trace_id"] == **trace)).collect()
}

#[tokio::test]
async fn a_share_of_messages_is_logged_in_detail_whatever_the_level_is() {
    let traces =
        ["0000000000000000ff00000000000001", "0000000000000000ff20000000000000", "0000000000000000ffe0000000000000"];
    assert_eq!(in_detail("info", 0.0, &traces).await, [false, false, false]);
    assert_eq!(in_detail("info", 0.25, &traces).await, [true, true, false]);
    assert_eq!(in_detail("error", 1.0, &traces).await, [true, true, true]);
}

/// The gateway on one machine does what its flags say, as functions do what their variables say.
#[tokio::test]
async fn the_local_gateway_logs_in_detail_and_sends_spans_when_it_is_asked_to() {
    let binary = tokio::task::spawn_blocking(fanfare_binary).await.unwrap();
    let (data, address, collector) = (tempfile::tempdir().unwrap(), free_address(), Receiver::start().await);
    for path in ["/", "/v1/traces"] {
        collector.leave_to_test(path);
    }
    let log = data.path().join("log");
    let arguments = ["--debug-sample", "1", "--otlp-endpoint", &collector.url("/")];
    let state = data.path().join("state");
    let into_log = std::fs::File::create(&log).unwrap().into();
    let _gateway = Process::start_logging(&binary, &state, address, &arguments, into_log).await;
    let svix = client(address);
    let application = svix.application().create(ApplicationIn::new("Acme".to_owned()), None).await.unwrap().id;
    svix.endpoint().create(application.clone(), EndpointIn::new(collector.url("/")), None).await.unwrap();
    let message = MessageIn::new("order.placed".to_owned(), json!({}));
    svix.message().create(application, message, None).await.unwrap();
    let look = async || {
        let lines = std::fs::read_to_string(&log).unwrap();
        let sent = collector.deliveries();
        let has_span = |body: &[u8]| String::from_utf8_lossy(body).contains(r#""name":"attempt""#);
        let is_sent = sent.iter().any(|request| request.path == "/v1/traces" && has_span(&request.body));
        (lines.contains("attempt made") && is_sent).then_some(())
    };
    eventually("the attempt is in the log and at the collector", look).await;
}

/// A collector of OpenTelemetry, and a stage whose spans it gets.
async fn with_collector(answer: Reply) -> (Stage, Receiver) {
    let collector = Receiver::start().await;
    collector.on("/v1/traces", move |_| answer.clone());
    collector.leave_to_test("/v1/traces");
    let stage = Stage::new(&[("FANFARE_OTLP_ENDPOINT", &collector.url("/"))]).await;
    (stage, collector)
}

/// Has what was sent read by the official definitions: nothing that we say is lost on them.
fn read_officially(body: &[u8]) {
    let said: Value = serde_json::from_slice(body).unwrap();
    let read: ExportTraceServiceRequest = serde_json::from_slice(body).unwrap();
    let again = serde_json::to_value(&read).unwrap();
    assert_holds(&again, &said, "the request");
    let spans = read.resource_spans.iter().flat_map(|of| &of.scope_spans).flat_map(|of| &of.spans);
    for span in spans {
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8), "{span:?}");
        assert!(0 < span.start_time_unix_nano && span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
        assert!(span.attributes.iter().all(|attribute| attribute.value.as_ref().unwrap().value.is_some()), "{span:?}");
    }
}

/// Whether all that `part` says is in `whole`, too.
#[track_caller]
fn assert_holds(whole: &Value, part: &Value, place: &str) {
    match part {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| assert_holds(&whole[name], value, name)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| assert_holds(&whole[index], item, place));
        }
        value => assert_eq!(whole, value, "{place}"),
    }
}

/// The spans that a collector got, each with the function that it came from.
fn spans(collector: &Receiver) -> Vec<(String, Value)> {
    let mut spans = Vec::new();
    for sent in collector.deliveries() {
        assert_eq!(
            (sent.path.as_str(), &sent.headers["content-type"]),
            ("/v1/traces", &"application/json".parse().unwrap())
        );
        read_officially(&sent.body);
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        for of_function in body["resourceSpans"].as_array().unwrap() {
            let attributes = of_function["resource"]["attributes"].as_array().unwrap();
            let named = |key: &str| {
                let attribute = attributes.iter().find(|attribute| attribute["key"] == key).unwrap();
                attribute["value"]["stringValue"].as_str().unwrap()
            };
            assert_eq!(named("service.namespace"), "fanfare-local", "the stack");
            let name = named("service.name");
            let scoped = of_function["scopeSpans"].as_array().unwrap().iter();
            spans.extend(
                scoped.flat_map(|scoped| scoped["spans"].as_array().unwrap()).map(|s| (name.to_owned(), s.clone())),
            );
        }
    }
    spans
}

#[tokio::test]
async fn a_collector_sees_publish_and_attempt_in_one_trace() {
    let (stage, collector) = with_collector(Reply::Status(200)).await;
    let receiver = Receiver::start().await;
    receiver.leave_to_test("/");
    receiver.on("/", |_| Reply::Status(503));
    let (application, _) = stage.application_with_endpoint(&receiver.url("/")).await;
    publish(&stage, &application, &[("traceparent", CALLERS)]).await;
    stage.deliver_all().await;
    let spans = spans(&collector);
    let find = |function: &str, name: &str| {
        let found = spans.iter().find(|(of, span)| of == function && span["name"] == name && span["name"] != "");
        found.map(|(_, span)| span).unwrap_or_else(|| panic!("no {name} of {function}: {spans:#?}"))
    };
    let (publish, attempt, batch) =
        (find("publish", "publish"), find("deliver", "attempt"), find("deliver", "deliver"));
    assert_eq!((&publish["traceId"], &publish["parentSpanId"]), (&json!(TRACE), &json!("00f067aa0ba902b7")));
    assert_eq!((&attempt["traceId"], &attempt["parentSpanId"]), (&json!(TRACE), &publish["spanId"]));
    assert_eq!((&publish["kind"], &attempt["kind"], &batch["kind"]), (&json!(2), &json!(3), &json!(5)));
    assert_eq!((&attempt["status"]["code"], publish.get("status")), (&json!(2), None), "the receiver said 503");
    // A batch may hold messages of many traces: it has one of its own, and its attempts say that they were made in it.
    assert_ne!(batch["traceId"], TRACE);
    assert_eq!(attempt["links"][0], json!({ "traceId": batch["traceId"], "spanId": batch["spanId"] }));
    let said = attempt["attributes"].to_string();
    assert!(said.contains("message.id") && said.contains("\"intValue\":\"503\""), "{said}");
    let ids: std::collections::HashSet<_> = spans.iter().map(|(_, span)| span["spanId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), spans.len(), "each is its own");
}

#[tokio::test]
async fn a_caller_that_does_not_record_its_trace_is_not_recorded() {
    let (stage, collector) = with_collector(Reply::Status(200)).await;
    let receiver = Receiver::start().await;
    receiver.leave_to_test("/");
    let (application, _) = stage.application_with_endpoint(&receiver.url("/")).await;
    publish(&stage, &application, &[("traceparent", &CALLERS.replace("-01", "-00"))]).await;
    stage.deliver_all().await;
    assert_eq!(receiver.deliveries().len(), 1);
    assert!(spans(&collector).iter().all(|(_, span)| span["traceId"] != TRACE && span["name"] != "attempt"));
}

#[tokio::test]
async fn a_collector_that_fails_is_told_of_once_and_does_no_harm() {
    for answer in [Reply::Status(500), Reply::Hang] {
        let (log, _listening) = Log::of_this_thread("info", LogFormat::Json, 0.0);
        let (stage, _collector) = with_collector(answer).await;
        let receiver = Receiver::start().await;
        receiver.leave_to_test("/");
        let (application, _) = stage.application_with_endpoint(&receiver.url("/")).await;
        publish(&stage, &application, &[]).await;
        stage.deliver_all().await;
        assert_eq!(receiver.deliveries().len(), 1);
        assert_eq!(log.lines("spans could not be exported, and are lost").len(), 1);
    }
}
