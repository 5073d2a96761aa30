//! Files on the stage: uploaded as an import's addresses say, dropped into the bucket, and read by the import function.

use aws_sdk_s3::primitives::ByteStream;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use url::Url;

use super::stage::Stage;
use super::workers::sqs_event;

/// What each invocation has before it must stop, when a test does not say.
pub(crate) const LONG_MS: i64 = 200_000;

impl Stage {
    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.engines.sdk_config())
    }

    /// Asks for an import of a file of this size, for the application or for many; the answer.
    pub(crate) async fn ask_import(&self, application: Option<&str>, size: usize, columns: Value) -> Value {
        let path = match application {
            Some(application) => format!("/api/v1/app/{application}/import"),
            None => "/api/v1/import".to_owned(),
        };
        let mut body = json!({ "size": size, "name": "events" });
        if !columns.is_null() {
            body["columns"] = columns;
        }
        let answer = self.call("POST", &path, Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    /// Puts an object into the bucket, as whoever has its address would.
    pub(crate) async fn put_object(&self, key: &str, bytes: &[u8]) {
        let put = self.s3().put_object().bucket(&self.platform.settings.bucket).key(key);
        put.body(ByteStream::from(bytes.to_vec())).send().await.unwrap();
    }

    /// An object of the bucket as text; none: it is not there.
    pub(crate) async fn object(&self, key: &str) -> Option<String> {
        let got = self.s3().get_object().bucket(&self.platform.settings.bucket).key(key).send().await.ok()?;
        Some(String::from_utf8(got.body.collect().await.unwrap().to_vec()).unwrap())
    }

    /// Uploads the file of an import that was asked for.
    pub(crate) async fn upload(&self, asked: &Value, bytes: &[u8]) {
        let (_, key) = address(asked, 1);
        self.put_object(&key, bytes).await;
    }

    /// Uploads a part of a file; the tag it is answered with. S3 does not look at what a part was announced as; its address does.
    pub(crate) async fn upload_part(&self, asked: &Value, number: usize, bytes: &[u8]) -> String {
        let (url, key) = address(asked, number);
        let upload = url.query_pairs().find(|(name, _)| name == "uploadId").unwrap().1.into_owned();
        let put = self.s3().upload_part().bucket(&self.platform.settings.bucket).key(key).upload_id(upload);
        let put = put.part_number(i32::try_from(number).unwrap()).body(ByteStream::from(bytes.to_vec()));
        put.send().await.unwrap().e_tag.unwrap()
    }

    /// Imports a file from beginning to end; the import as it stands then.
    pub(crate) async fn import(&self, application: Option<&str>, bytes: &[u8]) -> Value {
        self.import_with(application, bytes, Value::Null).await
    }

    /// As [`Stage::import`], with these columns.
    pub(crate) async fn import_with(&self, application: Option<&str>, bytes: &[u8], columns: Value) -> Value {
        let asked = self.ask_import(application, bytes.len(), columns).await;
        self.upload(&asked, bytes).await;
        self.read_files(LONG_MS).await;
        self.shown_import(&asked).await
    }

    /// An import as it stands.
    pub(crate) async fn shown_import(&self, import: &Value) -> Value {
        self.call("GET", &format!("/api/v1/import/{}", import["id"].as_str().unwrap()), None).await.json()
    }

    /// The list of what an import rejected.
    pub(crate) async fn rejected(&self, import: &Value) -> Vec<Value> {
        let url = Url::parse(import["errorsUrl"].as_str().unwrap()).unwrap();
        let from = ["import/", "drop/"].iter().find_map(|prefix| url.path().find(prefix)).unwrap();
        let list = self.object(&url.path()[from..]).await.unwrap();
        list.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Works on the import queue until nothing can be received.
    pub(crate) async fn read_files(&self, time_ms: i64) {
        while self.read_files_once(time_ms).await > 0 {}
    }

    /// One invocation for each message that can be received from the import queue; how many those were.
    pub(crate) async fn read_files_once(&self, time_ms: i64) -> usize {
        /// The door's own reserve.
        const RESERVE_MS: i64 = 30_000;
        let url = self.platform.settings.import_queue_url.clone();
        let received = self.receive_from(&url).await;
        for message in &received {
            let mut context = Context::default();
            let deadline = self.platform.effects.now().as_millis() + RESERVE_MS + time_ms;
            context.deadline = u64::try_from(deadline).unwrap();
            let event = serde_json::to_value(sqs_event(std::slice::from_ref(message), &url)).unwrap();
            let answer = self.import.handle(LambdaEvent::new(event, context)).await.unwrap();
            if answer.batch_item_failures.is_empty() {
                let delete = self.sqs.delete_message().queue_url(&url);
                delete.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
            }
        }
        received.len()
    }

    /// Messages of an application, as many as a page holds, newest first.
    pub(crate) async fn messages(&self, application: &str) -> Vec<Value> {
        let path = format!("/api/v1/app/{application}/msg?limit=250");
        self.call("GET", &path, None).await.json()["data"].as_array().unwrap().clone()
    }
}

/// Where a part of a file is to be put, and under which key that is.
fn address(asked: &Value, number: usize) -> (Url, String) {
    let url = Url::parse(asked["upload"]["parts"][number - 1]["url"].as_str().unwrap()).unwrap();
    let key = url.path()[url.path().find("import/").unwrap()..].to_owned();
    (url, key)
}
