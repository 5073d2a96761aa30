//! The real template gives the plan we expect; what is not understood is named.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;

use super::*;

fn read(text: &str) -> Result<Plan, TemplateError> {
    Plan::read(text, &Place::local("http://engines.local"), &BTreeMap::from([("JwtSecret".to_owned(), "s".repeat(32))]))
}

fn route<'a>(plan: &'a Plan, method: Option<Method>, path: &str) -> &'a RoutePlan {
    let path = if path == "$default" { RoutePath::Default } else { RoutePath::Pattern(path.to_owned()) };
    plan.routes.iter().find(|route| route.method == method && route.path == path).unwrap()
}

#[test]
fn the_deployed_template_is_understood_in_full() {
    let plan = read(TEMPLATE).unwrap();
    let binaries: Vec<_> = plan.functions.iter().map(|function| function.binary.as_str()).collect();
    for binary in ["publish", "manage", "history", "deliver", "sweep"] {
        assert!(binaries.contains(&binary), "{binary} is not in {binaries:?}");
    }
    assert_eq!(route(&plan, None, "$default").function, "ManageFunction");
    assert_eq!(route(&plan, Some(Method::POST), "/api/v1/app/{app_id}/msg").function, "PublishFunction");
    assert_eq!(route(&plan, Some(Method::GET), "/api/v1/app/{app_id}/msg").function, "HistoryFunction");
    let sweep = plan.schedules.iter().find(|schedule| schedule.function == "SweepFunction").unwrap();
    assert_eq!(sweep.period, Duration::from_secs(60));
}

#[test]
fn the_delivery_queue_feeds_the_deliver_function_and_buries_in_the_dead_letter_queue() {
    let plan = read(TEMPLATE).unwrap();
    let mapping = plan.mappings.iter().find(|mapping| mapping.function == "DeliverFunction").unwrap();
    assert_eq!((mapping.queue.as_str(), mapping.batch_size), ("fanfare-delivery", 10));
    assert!(mapping.reports_failures && mapping.concurrency_max >= 2);
    let queue = plan.queues.iter().find(|queue| queue.name == "fanfare-delivery").unwrap();
    let redrive = queue.redrive.as_ref().unwrap();
    assert_eq!(redrive.queue, "fanfare-dead-letter");
    assert_eq!(redrive.queue_arn, "arn:aws:sqs:us-east-1:000000000000:fanfare-dead-letter");
    assert!(plan.queues.iter().any(|queue| queue.name == redrive.queue));
    assert_eq!((queue.visibility_s, queue.retention_s, redrive.receives_max), (360, 1_209_600, 5));
}

#[test]
fn the_table_is_made_as_it_is_deployed() {
    let plan = read(TEMPLATE).unwrap();
    let [table] = plan.tables.as_slice() else { panic!("one table expected: {:?}", plan.tables) };
    assert_eq!(table.name, "fanfare");
    assert_eq!(table.key, KeyPlan { partition: "pk".to_owned(), sort: Some("sk".to_owned()) });
    assert_eq!(table.expiry_attribute.as_deref(), Some("ttl"));
    let listing = table.indexes.iter().find(|index| index.name == "listing").unwrap();
    assert_eq!(listing.key, KeyPlan { partition: "lpk".to_owned(), sort: Some("lsk".to_owned()) });
    assert!(matches!(&listing.projection, Projection::Include(names) if names.contains(&"status".to_owned())));
}

#[test]
fn the_bucket_tells_the_import_queue_of_files_on_their_way_in() {
    let plan = read(TEMPLATE).unwrap();
    let [bucket] = plan.buckets.as_slice() else { panic!("one bucket expected: {:?}", plan.buckets) };
    assert_eq!(bucket.name, "fanfare");
    let notification = |(prefix, suffix): (&str, &str)| NotificationPlan {
        event: "s3:ObjectCreated:*".to_owned(),
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
        queue_arn: "arn:aws:sqs:us-east-1:000000000000:fanfare-import".to_owned(),
    };
    assert_eq!(bucket.notifications, [("import/", "/upload"), ("drop/", ""), ("files/", "")].map(notification));
    let queue = plan.queues.iter().find(|queue| queue.name == "fanfare-import").unwrap();
    assert_eq!(queue.redrive.as_ref().unwrap().queue, "fanfare-dead-letter");
}

#[test]
fn a_function_gets_the_globals_and_its_own_variables() {
    let plan = read(TEMPLATE).unwrap();
    let of = |binary: &str| &plan.functions.iter().find(|function| function.binary == binary).unwrap().environment;
    assert_eq!(of("publish")["FANFARE_TABLE"], "fanfare");
    assert_eq!(of("publish")["FANFARE_DELIVERY_QUEUE_URL"], "http://engines.local/000000000000/fanfare-delivery");
    assert_eq!(of("publish")["FANFARE_JWT_SECRET"].len(), 32);
    assert_eq!(of("deliver")["FANFARE_REQUEST_TIMEOUT"], "15");
    assert!(!of("deliver").contains_key("FANFARE_JWT_SECRET"), "only HTTP functions check tokens");
}

/// A template with one function, whose properties and events are given.
fn with_function(properties: &str) -> String {
    format!(
        "Parameters: {{ Given: {{ Type: String, Default: x }}, Secret: {{ Type: String }} }}\n\
         Resources:\n  Queue: {{ Type: AWS::SQS::Queue }}\n  F:\n    Type: AWS::Serverless::Function\n    \
         Metadata: {{ BuildProperties: {{ Binary: f }} }}\n    Properties: {properties}\n"
    )
}

#[track_caller]
fn check(template: &str, place: &str, reason: &str) {
    let error = read(template).expect_err("the template was taken");
    assert!(error.place == place && error.reason.contains(reason), "{error}");
}

#[test]
fn what_is_not_understood_is_named() {
    check("Hooks: {}\nResources: {}", "Hooks", "not understood");
    check("Resources: { A: { Type: AWS::Kinesis::Stream } }", "A.Type", "AWS::Kinesis::Stream");
    check(&with_function("{ MemorySize: !If [C, 128, 256] }"), "F.MemorySize", "not understood");
    check(&with_function("{ Timeout: !FindInMap [M, k, v] }"), "F.Timeout", "not understood");
    check("Resources: { Q: { Type: AWS::SQS::Queue, Condition: C } }", "Q.Condition", "not understood");
    check("Resources: { Q: { Type: AWS::SQS::Queue, Properties: { FifoQueue: true } } }", "Q.FifoQueue", "not under");
    check("Resources: { B: { Type: AWS::S3::Bucket, Properties: { Nonsense: 1 } } }", "B.Nonsense", "not understood");
    let told = |told: &str| {
        format!(
            "Resources:\n  Q: {{ Type: AWS::SQS::Queue }}\n  B:\n    Type: AWS::S3::Bucket\n    \
             Properties: {{ NotificationConfiguration: {{ {told} }} }}\n"
        )
    };
    let at = "B.NotificationConfiguration";
    check(&told("TopicConfigurations: []"), &format!("{at}.TopicConfigurations"), "not understood");
    let queue = |queue: &str| told(&format!("QueueConfigurations: [{{ {queue} }}]"));
    let at = |property: &str| format!("{at}.QueueConfigurations.0.{property}");
    check(&queue("Event: 's3:ObjectRemoved:*', Queue: !GetAtt Q.Arn"), &at("Event"), "created objects");
    check(&queue("Event: 's3:ObjectCreated:*', Queue: 'arn:aws:sqs:x:1:q'"), &at("Queue"), "Arn of a queue");
    let filter = |filter: &str| queue(&format!("Event: 's3:ObjectCreated:*', Queue: !GetAtt Q.Arn, Filter: {filter}"));
    check(&filter("{ Tags: 1 }"), &at("Filter.Tags"), "not understood");
    let rule = filter("{ S3Key: { Rules: [{ Name: infix, Value: x }] } }");
    check(&rule, &at("Filter.S3Key.Rules.0.Name"), "prefix or suffix");
    check(&with_function("{ Layers: [a] }"), "F.Layers", "not understood");
    let event = |event: &str| with_function(&format!("{{ Events: {{ E: {event} }} }}"));
    check(&event("{ Type: SNS, Properties: {} }"), "F.Events.E.Type", "SNS");
    let schedule = event("{ Type: ScheduleV2, Properties: { ScheduleExpression: 'cron(0 1 * * ? *)' } }");
    check(&schedule, "F.Events.E.Properties.ScheduleExpression", "only rate");
    let route = event("{ Type: HttpApi, Properties: { Method: GET, Path: x } }");
    check(&route, "F.Events.E.Properties.Path", "must begin with /");
    let route = event("{ Type: HttpApi, Properties: { Method: GET, Path: /x, Auth: { Authorizer: A } } }");
    check(&route, "F.Events.E.Properties.Auth", "not understood");
    let queue = event("{ Type: SQS, Properties: { Queue: !GetAtt Queue.Arn, BatchSize: 11 } }");
    check(&queue, "F.Events.E.Properties.BatchSize", "from 1 to 10");
    let queue = event("{ Type: SQS, Properties: { Queue: !GetAtt Nowhere.Arn } }");
    check(&queue, "F.Events.E.Properties.Queue", "points to nothing");
    let queue = event("{ Type: SQS, Properties: { Queue: !GetAtt Queue.Arn, MaximumBatchingWindowInSeconds: 1 } }");
    check(&queue, "F.Events.E.Properties.MaximumBatchingWindowInSeconds", "not understood");
}

#[test]
fn conditions_decide_only_about_what_means_nothing_here() {
    let template = "Conditions: { C: !Equals [a, b] }\nMappings: {}\nRules: {}\n\
        Resources: { T: { Type: AWS::SNS::Topic, Condition: C }, Q: { Type: AWS::SQS::Queue } }";
    assert_eq!(read(template).unwrap().queues.len(), 1);
    check(&template.replace("AWS::SNS::Topic", "AWS::SQS::Queue"), "T.Condition", "not understood");
}

#[test]
fn references_that_point_to_nothing_are_named() {
    let variable = |value: &str| with_function(&format!("{{ Environment: {{ Variables: {{ V: {value} }} }} }}"));
    let at = "F.Environment.Variables.V";
    check(&variable("!Ref Nowhere"), at, "points to nothing");
    check(&variable("!Ref Secret"), at, "neither a default nor a value");
    check(&variable("!GetAtt Queue.Colour"), at, "not understood");
    check(&variable("!ImportValue X"), at, "not understood");
    check(&variable("!Sub '${Queue.Arn'"), at, "not closed");
    check(&variable("[1]"), at, "must be text");
}

#[test]
fn references_are_understood_in_every_form() {
    let value = |value: &str| {
        let template = with_function(&format!("{{ Environment: {{ Variables: {{ V: {value} }} }} }}"));
        read(&template).unwrap().functions[0].environment["V"].clone()
    };
    let arn = "arn:aws:sqs:us-east-1:000000000000:fanfare";
    assert_eq!(value("!Ref Given"), "x");
    assert_eq!(value("{ Ref: Given }"), "x");
    assert_eq!(value("!GetAtt Queue.Arn"), arn);
    assert_eq!(value("!GetAtt [Queue, Arn]"), arn);
    assert_eq!(value("{ 'Fn::GetAtt': [Queue, Arn] }"), arn);
    assert_eq!(value("!Sub '${Queue.Arn}/${Given}/${!Given}/${AWS::Region}'"), format!("{arn}/x/${{Given}}/us-east-1"));
    assert_eq!((value("7"), value("true")), ("7".to_owned(), "true".to_owned()));
}
