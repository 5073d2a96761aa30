//! S3, with the SDK's defaults: checksums on, the bucket in front of the host.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::*;

const MIB: usize = 1024 * 1024;

async fn bucket() -> Client {
    let client = Client::new(&sdk(&in_memory()));
    client.create_bucket().bucket("imports").send().await.unwrap();
    client
}

fn noise(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| u8::try_from(n * n % 251).unwrap()).collect()
}

async fn get(client: &Client, key: &str) -> Vec<u8> {
    let object = client.get_object().bucket("imports").key(key).send().await.unwrap();
    object.body.collect().await.unwrap().to_vec()
}

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let client = bucket().await;
    let put = client.put_object().bucket("imports").key("dir/a b+c.jsonl").body(noise(MIB).into());
    put.content_type("application/x-ndjson").send().await.unwrap();
    assert_eq!(get(&client, "dir/a b+c.jsonl").await, noise(MIB));
    let head = client.head_object().bucket("imports").key("dir/a b+c.jsonl").send().await.unwrap();
    assert_eq!((head.content_length(), head.content_type()), (Some(MIB as i64), Some("application/x-ndjson")));
    let part = client.get_object().bucket("imports").key("dir/a b+c.jsonl").range("bytes=10-19").send().await.unwrap();
    assert_eq!(part.body.collect().await.unwrap().to_vec(), noise(20)[10..]);
}

#[tokio::test]
async fn a_streamed_body_loses_its_frames_on_the_way() {
    let client = bucket().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), noise(MIB)).unwrap();
    let body = ByteStream::from_path(file.path()).await.unwrap();
    client.put_object().bucket("imports").key("streamed").body(body).send().await.unwrap();
    assert_eq!(get(&client, "streamed").await, noise(MIB));
    let head = client.head_object().bucket("imports").key("streamed").send().await.unwrap();
    assert_eq!(head.content_encoding(), None);
}

#[tokio::test]
async fn a_multipart_upload_becomes_one_object() {
    let client = bucket().await;
    let upload = client.create_multipart_upload().bucket("imports").key("big").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let mut parts = CompletedMultipartUpload::builder();
    for number in 1..=2 {
        let part = client.upload_part().bucket("imports").key("big").upload_id(id).part_number(number);
        let sent = part.body(noise(5 * MIB).into()).send().await.unwrap();
        parts = parts.parts(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build());
    }
    let complete = client.complete_multipart_upload().bucket("imports").key("big").upload_id(id);
    complete.multipart_upload(parts.build()).send().await.unwrap();
    assert_eq!(get(&client, "big").await, [noise(5 * MIB), noise(5 * MIB)].concat());
}

#[tokio::test]
async fn objects_are_listed_and_deleted() {
    let client = bucket().await;
    for key in ["in/1", "in/2", "out/1"] {
        client.put_object().bucket("imports").key(key).body(noise(3).into()).send().await.unwrap();
    }
    let listed = client.list_objects_v2().bucket("imports").prefix("in/").send().await.unwrap();
    assert_eq!(listed.contents().iter().map(|object| object.key().unwrap()).collect::<Vec<_>>(), ["in/1", "in/2"]);
    client.delete_object().bucket("imports").key("in/1").send().await.unwrap();
    let gone = client.get_object().bucket("imports").key("in/1").send().await;
    assert_eq!(gone.unwrap_err().into_service_error().code(), Some("NoSuchKey"));
}

#[tokio::test]
async fn a_bucket_may_also_stand_in_the_path() {
    let sdk = sdk(&in_memory());
    let config = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
    let client = Client::from_conf(config);
    client.create_bucket().bucket("imports").send().await.unwrap();
    client.put_object().bucket("imports").key("a").body(noise(9).into()).send().await.unwrap();
    assert_eq!(get(&Client::new(&sdk), "a").await, noise(9));
}

#[tokio::test]
async fn a_reader_who_names_a_content_gets_it_or_nothing() {
    let client = bucket().await;
    let put = async |body: Vec<u8>| {
        client.put_object().bucket("imports").key("a").body(body.into()).send().await.unwrap().e_tag.unwrap()
    };
    let get = async |e_tag: &str, range: &str| {
        let get = client.get_object().bucket("imports").key("a").if_match(e_tag).range(range).send().await;
        match get {
            Ok(object) => Ok(object.body.collect().await.unwrap().to_vec()),
            Err(error) => Err(error.raw_response().unwrap().status().as_u16()),
        }
    };
    let first = put(noise(MIB)).await;
    assert_eq!(get(&first, "bytes=10-19").await, Ok(noise(20)[10..].to_vec()));
    assert_eq!(put(noise(MIB)).await, first, "the same content has the same tag");
    let second = put(noise(9)).await;
    assert_ne!(second, first);
    assert_eq!(get(&first, "bytes=10-19").await, Err(412), "though there are no such bytes any more");
    assert_eq!(get(&second, "bytes=5-").await, Ok(noise(9)[5..].to_vec()));
    assert_eq!(get(&second, "bytes=9-").await, Err(416));
    client.delete_object().bucket("imports").key("a").send().await.unwrap();
    assert_eq!(get(&second, "bytes=5-").await, Err(404));
}

#[tokio::test]
async fn an_upload_in_parts_may_replace_what_was_put_at_once() {
    let client = bucket().await;
    let first = client.put_object().bucket("imports").key("big").body(noise(9).into()).send().await.unwrap();
    let upload = client.create_multipart_upload().bucket("imports").key("big").send().await.unwrap();
    let id = upload.upload_id().unwrap();
    let part = client.upload_part().bucket("imports").key("big").upload_id(id).part_number(1);
    let part = part.body(noise(MIB).into()).send().await.unwrap();
    let parts = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag).build();
    let complete = client.complete_multipart_upload().bucket("imports").key("big").upload_id(id);
    complete.multipart_upload(CompletedMultipartUpload::builder().parts(parts).build()).send().await.unwrap();
    assert_eq!(get(&client, "big").await, noise(MIB));
    let head = client.head_object().bucket("imports").key("big").send().await.unwrap();
    assert_ne!(head.e_tag, first.e_tag);
}
