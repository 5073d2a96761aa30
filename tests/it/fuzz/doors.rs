//! Targets that are whole events: what API Gateway, SQS and S3 hand to the functions.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Service};
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};

use super::mutate;
use super::{files, play, runtime};
use crate::harness::Stage;

/// The samples of these functions, each with its function's name.
fn samples(functions: &[&'static str]) -> Vec<(&'static str, Vec<u8>)> {
    let of = |function: &&'static str| {
        let function = *function;
        files(&format!("events/{function}")).into_iter().map(move |event| (function, event))
    };
    functions.iter().flat_map(of).collect()
}

#[test]
#[ignore = "tests/lanes/fuzz.sh gives it time"]
fn http_events() {
    let samples = samples(&["publish", "manage", "ingest", "history"]);
    let runtime = runtime();
    let stage = runtime.block_on(Stage::new(&[]));
    runtime.block_on(stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme", "uid": "acme" })))).id();
    play("doors::http_events", &["2xx", "4xx", "no event"], |dice| {
        let (function, sample) = dice.pick(&samples);
        let event = mutate::json_text(dice, sample);
        let Some(event) = that_is_a_request(&event) else { return "no event".to_owned() };
        let mut adapter = Adapter::from(stage.router(function));
        let answer = runtime.block_on(adapter.call(LambdaEvent::new(event, stage.context()))).unwrap();
        let answer = serde_json::to_value(answer).unwrap();
        let status = answer["statusCode"].as_u64().unwrap();
        assert!(status < 500, "{function}: {answer}");
        format!("{}xx", status / 100)
    });
}

/// The event, if the library that reads events makes a request of it. It panics over hosts, paths and headers that make none, which API
/// Gateway lets nobody send.
fn that_is_a_request(event: &[u8]) -> Option<LambdaRequest> {
    let read = || serde_json::from_slice::<LambdaRequest>(event).ok();
    let first = read()?;
    let said = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(lambda_http::Request::from(first))));
    std::panic::set_hook(said);
    made.ok().and_then(|()| read())
}

#[test]
#[ignore = "tests/lanes/fuzz.sh gives it time"]
fn queue_events() {
    let samples = samples(&["deliver", "background", "import"]);
    let runtime = runtime();
    let stage = runtime.block_on(Stage::new(&[]));
    let deliver = deliver::Door::new(&stage.platform);
    let background = background::Door::new(&stage.platform);
    let import = import::Door::new(&stage.platform);
    play("doors::queue_events", &["done", "left", "no event"], |dice| {
        let (function, sample) = dice.pick(&samples);
        let event = mutate::json_text(dice, sample);
        let answer = match *function {
            "import" => match serde_json::from_slice::<Value>(&event) {
                Ok(event) => runtime.block_on(import.handle(LambdaEvent::new(event, stage.context()))).ok(),
                Err(_) => None,
            },
            function => match serde_json::from_slice::<SqsEvent>(&event) {
                Ok(event) if function == "deliver" => {
                    Some(runtime.block_on(deliver.handle(LambdaEvent::new(event, stage.context()))).unwrap())
                }
                Ok(event) => {
                    Some(runtime.block_on(background.handle(LambdaEvent::new(event, stage.context()))).unwrap())
                }
                Err(_) => None,
            },
        };
        answer.as_ref().map_or("no event", outcome).to_owned()
    });
}

/// What the queue does with the batch.
fn outcome(answer: &SqsBatchResponse) -> &'static str {
    if answer.batch_item_failures.is_empty() { "done" } else { "left" }
}
