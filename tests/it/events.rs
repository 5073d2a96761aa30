//! The sample events: each is what its function takes, and is answered as a function on Lambda would answer it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aws_lambda_events::sqs::SqsEvent;
use fanfare::domain::audit::{Changed, Operation};
use fanfare::domain::ids::{ApplicationId, OrganizationId, SourceId};
use fanfare::domain::inbound::Provider;
use fanfare::domain::source::{SourceDraft, SourceParts};
use fanfare::domain::source_address::{SOURCE_TOKEN_BYTES, SourceToken};
use fanfare::domain::source_events::EventTypeRule;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Service};
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};

use crate::harness::process::root;
use crate::harness::table::{items_of, text};
use crate::harness::{ORGANIZATION, Stage};

/// The order matters: an endpoint needs its application, a message is found after it was accepted.
const HTTP: &[(&str, &str, i64)] = &[
    ("manage", "create-application", 201),
    ("manage", "list-applications", 200),
    ("manage", "create-event-type", 201),
    ("manage", "import-event-types", 200),
    ("manage", "create-endpoint", 201),
    ("manage", "get-endpoint-secret", 200),
    ("manage", "put-endpoint-headers", 204),
    ("manage", "get-endpoint-headers", 200),
    ("manage", "rotate-endpoint-secret", 200),
    ("manage", "create-source", 201),
    ("manage", "get-source", 200),
    ("manage", "rotate-source-token", 200),
    ("manage", "create-api-key", 201),
    ("manage", "list-api-keys", 200),
    ("manage", "rotate-encryption-key", 201),
    ("manage", "list-encryption-keys", 200),
    ("manage", "app-portal-access", 200),
    ("manage", "expire-portal-tokens", 204),
    ("manage", "logout", 204),
    ("manage", "health", 204),
    ("manage", "openapi", 200),
    ("manage", "docs", 200),
    ("manage", "unknown-route", 404),
    ("publish", "message", 202),
    ("publish", "message", 202),
    ("publish", "message-with-channels", 202),
    ("publish", "base64-body", 202),
    ("publish", "malformed-json", 422),
    ("publish", "bad-token", 401),
    ("publish", "precheck", 200),
    ("publish", "send-example", 202),
    ("history", "list-messages", 200),
    ("history", "get-message", 200),
    ("history", "attempts-by-endpoint", 200),
    ("history", "attempts-by-message", 200),
    ("history", "list-messages", 200),
    ("history", "attempted-messages", 200),
    ("history", "attempted-destinations", 200),
    ("history", "endpoint-stats", 200),
    ("history", "undelivered", 200),
    ("history", "resend", 202),
    ("history", "cancel", 409),
    ("history", "recover-too-far-back", 422),
    ("history", "event-type-usage", 202),
    ("history", "list-changes", 200),
    ("history", "list-background-tasks", 200),
    ("history", "ask-import", 201),
    ("history", "list-imports", 200),
    ("history", "expunge-message", 204),
    ("history", "bulk-expunge", 200),
];

/// Events of other functions.
const OTHERS: &[(&str, &str)] = &[
    ("deliver", "batch"),
    ("deliver", "poison"),
    ("import", "created"),
    ("import", "part"),
    ("import", "from-s3"),
    ("sweep", "minute"),
    ("ingest", "stripe"),
    ("ingest", "github"),
    ("ingest", "bad-signature"),
    ("ingest", "challenge"),
    ("background", "job"),
    ("background", "fan-out"),
    ("background", "operational-event"),
    ("background", "dead-letter"),
];

fn event(function: &str, case: &str) -> String {
    let path = root().join("events").join(function).join(format!("{case}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The answer as API Gateway would get it.
async fn answer(stage: &Stage, function: &str, case: &str) -> Value {
    let event: LambdaRequest = serde_json::from_str(&event(function, case)).unwrap();
    let mut adapter = Adapter::from(stage.router(function));
    let answer = adapter.call(LambdaEvent::new(event, stage.context())).await.unwrap();
    serde_json::to_value(answer).unwrap()
}

#[tokio::test]
async fn every_http_event_is_answered() {
    let stage = Stage::new(&[]).await;
    let mut bodies = BTreeMap::new();
    for &(function, case, status) in HTTP {
        let answer = answer(&stage, function, case).await;
        assert_eq!(answer["statusCode"], json!(status), "{function}/{case}: {answer}");
        assert_eq!(answer["isBase64Encoded"], json!(false), "{function}/{case}");
        let text = answer["body"].as_str().unwrap_or_default();
        let body = match answer["headers"]["content-type"].as_str() {
            Some("application/json") => serde_json::from_str(text).unwrap(),
            _ => Value::from(text),
        };
        bodies.insert((function, case), body);
    }
    assert_eq!(bodies[&("history", "list-messages")]["data"].as_array().unwrap().len(), 4, "repeats make no message");
    assert_eq!(bodies[&("history", "get-message")]["id"], bodies[&("publish", "message")]["id"]);
    assert!(bodies[&("manage", "docs")].as_str().unwrap().starts_with("<!doctype html>"));
    assert_eq!(bodies[&("manage", "unknown-route")]["code"], "not_found");
    assert_eq!(bodies[&("manage", "get-endpoint-headers")]["sensitive"], json!(["authorization"]));
    assert_eq!(bodies[&("history", "attempted-destinations")]["data"][0]["statusText"], "pending");
    let expunged = json!({ "invoice-1042-paid": "expunged", "invoice-0000-paid": "not-found" });
    assert_eq!(bodies[&("history", "bulk-expunge")]["results"], expunged);
    assert!(bodies[&("manage", "get-endpoint-secret")]["key"].as_str().unwrap().starts_with("whsec_"));
}

/// The sources that the events under `events/ingest` are addressed to.
async fn make_sources(stage: &Stage) {
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme", "uid": "acme" }))).await.id();
    let (organization, now) = (OrganizationId::parse(ORGANIZATION).unwrap(), stage.platform.effects.now());
    let sources = [
        ("src_2FanfareSampleStripe0000000", Provider::Stripe),
        ("src_2FanfareSampleGithub0000000", Provider::Github),
        ("src_2FanfareSampleSlack00000000", Provider::Slack),
    ];
    for (id, provider) in sources {
        let parts = SourceParts {
            id: SourceId::parse(id).unwrap(),
            application: ApplicationId::parse(&application).unwrap(),
            secret: Some(provider.check_secret("whsec_sample-secret-not-for-production").unwrap()),
            token: SourceToken::new([7; SOURCE_TOKEN_BYTES]),
        };
        let draft = SourceDraft {
            name: provider.name().to_owned(),
            uid: None,
            provider,
            event_types: EventTypeRule::default(),
            forwarded_headers: Vec::new(),
            is_disabled: false,
        };
        let source = draft.create(parts, now);
        let change = stage.change(Operation::SourceCreate, Changed::created(&source));
        stage.store().create_source(&organization, &source, None, &change).await.unwrap();
    }
}

#[tokio::test]
async fn webhooks_from_outside_are_answered_as_their_providers_want_it() {
    /// The minute in which they were signed.
    const SIGNED_IN_MINUTE: i64 = 29_400_000;
    let stage = Stage::new(&[]).await;
    make_sources(&stage).await;
    stage.clock.go_to_minute(SIGNED_IN_MINUTE);
    for (case, status) in
        [("stripe", 200), ("stripe", 200), ("github", 200), ("bad-signature", 401), ("challenge", 200)]
    {
        let answer = answer(&stage, "ingest", case).await;
        assert_eq!(answer["statusCode"], json!(status), "{case}: {answer}");
        let challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P";
        assert_eq!(answer["body"].as_str().unwrap_or_default().contains(challenge), case == "challenge", "{answer}");
    }
    let accepted: Vec<_> = items_of(&stage.engines, "M#").await.iter().map(|item| text(item, "type")).collect();
    assert_eq!(
        BTreeSet::from_iter(accepted),
        ["github.pull_request.opened", "stripe.invoice.paid"].map(str::to_owned).into()
    );
}

#[tokio::test]
async fn a_batch_is_delivered_and_its_poison_is_left_in_the_queue() {
    let stage = Stage::new(&[]).await;
    let door = deliver::Door::new(&stage.platform);
    for (case, left) in [("batch", vec![]), ("poison", vec!["5743abdd-ddfa-48c1-a3a9-9fdebc2e8f3f"])] {
        let event: SqsEvent = serde_json::from_str(&event("deliver", case)).unwrap();
        let answer = door.handle(LambdaEvent::new(event, stage.context())).await.unwrap();
        let answer = serde_json::to_value(answer).unwrap();
        let failures: Vec<_> = left.iter().map(|id| json!({ "itemIdentifier": id })).collect();
        assert_eq!(answer, json!({ "batchItemFailures": failures }), "{case}");
    }
}

#[tokio::test]
async fn a_job_that_is_about_nothing_any_more_is_done() {
    let stage = Stage::new(&[]).await;
    let door = background::Door::new(&stage.platform);
    for case in ["job", "fan-out", "operational-event"] {
        let event: SqsEvent = serde_json::from_str(&event("background", case)).unwrap();
        let answer = door.handle(LambdaEvent::new(event, stage.context())).await.unwrap();
        assert_eq!(serde_json::to_value(answer).unwrap(), json!({ "batchItemFailures": [] }), "{case}");
    }
}

#[tokio::test]
async fn a_created_object_is_taken_from_the_queue_and_from_s3_and_a_part_of_nothing_is_done() {
    let stage = Stage::new(&[]).await;
    let door = import::Door::new(&stage.platform);
    stage.call("POST", "/api/v1/app", Some(json!({ "name": "Shop", "uid": "shop" }))).await.id();
    for (case, messages) in [("created", 1), ("part", 1), ("from-s3", 2)] {
        let event: Value = serde_json::from_str(&event("import", case)).unwrap();
        let answer = door.handle(LambdaEvent::new(event, stage.context())).await.unwrap();
        assert_eq!(serde_json::to_value(answer).unwrap(), json!({ "batchItemFailures": [] }), "{case}");
        assert_eq!(stage.messages("shop").await.len(), messages, "{case}");
    }
}

#[tokio::test]
async fn dead_letters_are_put_on_record_but_for_those_nobody_knows() {
    let stage = Stage::new(&[]).await;
    let event: SqsEvent = serde_json::from_str(&event("background", "dead-letter")).unwrap();
    let door = background::Door::new(&stage.platform);
    let answer = door.handle(LambdaEvent::new(event, stage.context())).await.unwrap();
    let failures = json!([{ "itemIdentifier": "5743abdd-ddfa-48c1-a3a9-9fdebc2e8f3f" }]);
    assert_eq!(serde_json::to_value(answer).unwrap(), json!({ "batchItemFailures": failures }));
    let records: Vec<_> = items_of(&stage.engines, "M#").await.iter().map(|item| text(item, "reason")).collect();
    assert_eq!(records, ["dead_lettered"]);
}

#[tokio::test]
async fn a_tick_is_answered_with_what_it_did() {
    let stage = Stage::new(&[]).await;
    let event: Value = serde_json::from_str(&event("sweep", "minute")).unwrap();
    let door = sweep::Door::new(&stage.platform);
    let answer = door.handle(LambdaEvent::new(event, stage.context())).await.unwrap();
    assert_eq!(answer, json!({ "queued": 0, "isUnfinished": false }));
}

/// The cases in a function's folder.
pub(crate) fn cases_in(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names.into_iter().map(|name| name.strip_suffix(".json").expect("only JSON").to_owned()).collect()
}

#[test]
fn every_sample_event_is_tested() {
    let mut tested: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (function, case) in HTTP.iter().map(|(function, case, _)| (*function, *case)).chain(OTHERS.iter().copied()) {
        tested.entry(function).or_default().push(case);
    }
    for folder in std::fs::read_dir(root().join("events")).unwrap() {
        let folder = folder.unwrap().path();
        let function = folder.file_name().unwrap().to_str().unwrap();
        for case in cases_in(&folder) {
            let is_tested = tested.get(function).is_some_and(|cases| cases.contains(&case.as_str()));
            assert!(is_tested, "events/{function}/{case}.json is asked by no test");
        }
    }
}
