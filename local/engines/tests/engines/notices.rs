//! Queues are told of new objects, once the object is there and before its sender hears of it.

use aws_sdk_s3::Client as Objects;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::types::{
    CompletedMultipartUpload, CompletedPart, Event, FilterRule, FilterRuleName, NotificationConfiguration,
    NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter,
};
use serde_json::Value;

use super::*;

const QUEUE_ARN: &str = "arn:aws:sqs:us-east-1:000000000000:told";

fn rule(event: Event, prefix: &str, queue_arn: &str) -> QueueConfiguration {
    let prefix = FilterRule::builder().name(FilterRuleName::Prefix).value(prefix).build();
    let key = S3KeyFilter::builder().filter_rules(prefix).build();
    let filter = NotificationConfigurationFilter::builder().key(key).build();
    QueueConfiguration::builder().id("rule").queue_arn(queue_arn).events(event).filter(filter).build().unwrap()
}

async fn configure(objects: &Objects, rules: &[QueueConfiguration]) -> Result<(), String> {
    let rules = NotificationConfiguration::builder().set_queue_configurations(Some(rules.to_vec())).build();
    let asked = objects.put_bucket_notification_configuration().bucket("imports").notification_configuration(rules);
    asked.send().await.map(drop).map_err(|error| error.into_service_error().code().unwrap_or_default().to_owned())
}

struct Told {
    objects: Objects,
    sqs: Sqs,
    url: String,
}

impl Told {
    /// A bucket that tells of what comes under `in/`.
    async fn of(engines: &Engines) -> Self {
        Self::at(&sdk(engines)).await
    }

    async fn at(sdk: &SdkConfig) -> Self {
        let (objects, sqs) = (Objects::new(sdk), Sqs::new(sdk));
        objects.create_bucket().bucket("imports").send().await.unwrap();
        let url = make_queue(&sqs, "told", &[]).await;
        configure(&objects, &[rule(Event::S3ObjectCreated, "in/", QUEUE_ARN)]).await.unwrap();
        let told = Self { objects, sqs, url };
        assert!(told.records().await.is_empty());
        told
    }

    async fn put(&self, key: &str, bytes: usize) {
        self.objects.put_object().bucket("imports").key(key).body(vec![7; bytes].into()).send().await.unwrap();
    }

    /// The records the queue holds, which holds none afterwards. The event with which S3 tries a new configuration has none.
    async fn records(&self) -> Vec<Value> {
        let messages = receive(&self.sqs, &self.url, 10).await;
        for message in &messages {
            delete(&self.sqs, &self.url, message).await;
        }
        let records = |message: &Message| {
            let body: Value = serde_json::from_str(message.body().unwrap()).unwrap();
            let is_trial = body["Event"] == "s3:TestEvent";
            if is_trial { Vec::new() } else { body["Records"].as_array().unwrap().clone() }
        };
        messages.iter().flat_map(records).collect()
    }

    #[track_caller]
    fn check(record: &Value, name: &str, key: &str, size: u64) -> String {
        assert_eq!(record["eventName"], name);
        assert_eq!((record["eventSource"].as_str(), record["eventVersion"].as_str()), (Some("aws:s3"), Some("2.6")));
        let s3 = &record["s3"];
        assert_eq!((s3["bucket"]["name"].as_str(), s3["configurationId"].as_str()), (Some("imports"), Some("rule")));
        assert_eq!((s3["object"]["key"].as_str(), s3["object"]["size"].as_u64()), (Some(key), Some(size)));
        s3["object"]["eTag"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_queue_is_told_of_each_way_an_object_is_made() {
    let told = Told::of(&in_memory()).await;
    told.put("in/a b.ndjson", 3).await;
    let [put] = &told.records().await[..] else { panic!("one event expected") };
    let e_tag = Told::check(put, "ObjectCreated:Put", "in/a+b.ndjson", 3);
    let head = told.objects.head_object().bucket("imports").key("in/a b.ndjson").send().await.unwrap();
    assert_eq!(head.e_tag(), Some(format!("\"{e_tag}\"").as_str()));

    let copy = told.objects.copy_object().bucket("imports").key("in/copy").copy_source("imports/in/a%20b.ndjson");
    copy.send().await.unwrap();
    let [copy] = &told.records().await[..] else { panic!("one event expected") };
    Told::check(copy, "ObjectCreated:Copy", "in/copy", 3);
    assert!(put["s3"]["object"]["sequencer"].as_str() < copy["s3"]["object"]["sequencer"].as_str());

    let upload = told.objects.create_multipart_upload().bucket("imports").key("in/big").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let part = told.objects.upload_part().bucket("imports").key("in/big").upload_id(id).part_number(1);
    let part = part.body(vec![7; 10].into()).send().await.unwrap();
    assert!(told.records().await.is_empty(), "a part is no object");
    let parts = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag).build();
    let complete = told.objects.complete_multipart_upload().bucket("imports").key("in/big").upload_id(id);
    let complete = complete.multipart_upload(CompletedMultipartUpload::builder().parts(parts).build());
    complete.clone().send().await.unwrap();
    let [big] = &told.records().await[..] else { panic!("one event expected") };
    assert!(Told::check(big, "ObjectCreated:CompleteMultipartUpload", "in/big", 10).ends_with("-1"));
    let again = complete.send().await.unwrap_err().into_service_error();
    assert_eq!(again.code(), Some("NoSuchUpload"));
    assert!(told.records().await.is_empty());
}

#[tokio::test]
async fn nobody_is_told_of_other_keys_and_of_what_failed() {
    let told = Told::of(&in_memory()).await;
    told.put("out/a", 3).await;
    told.put("in", 3).await;
    let digest = told.objects.put_object().bucket("imports").key("in/a").content_md5("AAAAAAAAAAAAAAAAAAAAAA==");
    let refused = digest.body(vec![7; 3].into()).send().await.unwrap_err().into_service_error();
    assert!(refused.code().is_some(), "{refused:?}");
    let absent = told.objects.copy_object().bucket("imports").key("in/b").copy_source("imports/nothing");
    absent.send().await.unwrap_err();
    assert!(told.records().await.is_empty());
}

#[tokio::test]
async fn a_put_fails_when_its_event_cannot_be_queued() {
    let told = Told::of(&in_memory()).await;
    told.sqs.delete_queue().queue_url(&told.url).send().await.unwrap();
    let put = told.objects.put_object().bucket("imports").key("in/a").body(vec![7; 3].into());
    let refused = put.send().await.unwrap_err();
    assert_eq!(refused.raw_response().unwrap().status().as_u16(), 500, "{refused:?}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let told = Told::of(&in_memory()).await;
    let check = async |rules: &[QueueConfiguration], code: &str| {
        assert_eq!(configure(&told.objects, rules).await, Err(code.to_owned()), "{rules:?}");
    };
    let all = || Event::S3ObjectCreated;
    check(&[rule(all(), "in/", "arn:aws:sqs:us-east-1:000000000000:nothing")], "InvalidArgument").await;
    check(&[rule(all(), "in/", "arn:aws:sqs:eu-west-1:000000000000:told")], "InvalidArgument").await;
    check(&[rule(all(), "in/", QUEUE_ARN), rule(all(), "in/a", QUEUE_ARN)], "InvalidArgument").await;
    check(&[rule(Event::S3ObjectRemoved, "in/", QUEUE_ARN)], "NotImplemented").await;
    told.put("in/a", 3).await;
    assert_eq!(told.records().await.len(), 1);
    configure(&told.objects, &[]).await.unwrap();
    told.put("in/a", 3).await;
    assert!(told.records().await.is_empty());
}

#[tokio::test]
async fn an_event_survives_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Engines::on_disk(directory.path(), fanfare_engines::Durability::ProcessKill, system_clock()).unwrap();
    let url = {
        let told = Told::at(&open().sdk_config()).await;
        told.put("in/a", 3).await;
        told.url
    };
    let sdk = open().sdk_config();
    let told = Told { objects: Objects::new(&sdk), sqs: Sqs::new(&sdk), url };
    assert_eq!(told.records().await.len(), 1);
}
