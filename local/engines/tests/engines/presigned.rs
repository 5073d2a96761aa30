//! Presigned URLs open one thing for a while, and nothing else.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client as Objects;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use bytes::Bytes;
use fanfare_engines::Presigned;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};

use super::*;

const ENDPOINT: &str = "http://127.0.0.1:8071";
const BODY: &[u8] = b"{\"n\":1}\n";
const TYPE: &str = "application/x-ndjson";

struct Signed {
    door: Presigned,
    objects: Objects,
}

impl Signed {
    async fn new() -> Self {
        let door = in_memory().presigned("a secret of this start");
        let objects = Objects::new(&door.sdk_config(ENDPOINT));
        objects.create_bucket().bucket("imports").send().await.unwrap();
        Self { door, objects }
    }

    /// A URL to put [`BODY`], length and type signed in.
    async fn put(&self, config: PresigningConfig) -> PresignedRequest {
        let put = self.objects.put_object().bucket("imports").key("in/a b.ndjson");
        put.content_type(TYPE).content_length(BODY.len() as i64).presigned(config).await.unwrap()
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> (StatusCode, Bytes) {
        assert!(Presigned::is_meant(request.uri()));
        let answer = self.door.answer(request).await;
        (answer.status(), answer.into_body().collect().await.unwrap().to_bytes())
    }

    /// What is stored under the key of [`Signed::put`].
    async fn stored(&self) -> Option<Bytes> {
        let object = self.objects.get_object().bucket("imports").key("in/a b.ndjson").send().await.ok()?;
        Some(object.body.collect().await.unwrap().into_bytes())
    }
}

fn minute() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()
}

/// What a client makes of a URL that knows nothing of AWS, as far as it was told.
fn request(signed: &PresignedRequest) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(signed.method()).uri(signed.uri());
    for (name, value) in signed.headers() {
        request = request.header(name, value);
    }
    // The client's HTTP library adds the host.
    request.header("host", "127.0.0.1:8071").body(Full::from(BODY)).unwrap()
}

#[tokio::test]
async fn a_url_is_enough_to_put_and_to_get_what_it_was_signed_for() {
    let signed = Signed::new().await;
    let put = signed.put(minute()).await;
    assert!(put.uri().starts_with("http://127.0.0.1:8071/imports/in/a%20b.ndjson?"), "{}", put.uri());
    let names: Vec<_> = put.headers().map(|(name, _)| name).collect();
    assert!(names.contains(&"content-length") && names.contains(&"content-type"), "{names:?}");
    assert_eq!(signed.send(request(&put)).await.0, StatusCode::OK);
    assert_eq!(signed.stored().await.as_deref(), Some(BODY));
    let get = signed.objects.get_object().bucket("imports").key("in/a b.ndjson").presigned(minute()).await.unwrap();
    assert_eq!(signed.send(request(&get)).await, (StatusCode::OK, Bytes::from_static(BODY)));
}

#[tokio::test]
async fn parts_of_an_upload_can_be_put_by_url() {
    let signed = Signed::new().await;
    let upload = signed.objects.create_multipart_upload().bucket("imports").key("in/a b.ndjson").send().await.unwrap();
    let part = signed.objects.upload_part().bucket("imports").key("in/a b.ndjson").upload_id(upload.upload_id.unwrap());
    let part = part.part_number(1).content_length(BODY.len() as i64).presigned(minute()).await.unwrap();
    assert_eq!(signed.send(request(&part)).await.0, StatusCode::OK);
    let mut other = request(&part);
    *other.uri_mut() = part.uri().replace("partNumber=1", "partNumber=2").parse().unwrap();
    assert_eq!(signed.send(other).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whatever_differs_from_what_was_signed_is_forbidden() {
    let signed = Signed::new().await;
    let put = signed.put(minute()).await;
    let check = async |what: &str, change: &dyn Fn(&mut Request<Full<Bytes>>)| {
        let mut request = request(&put);
        change(&mut request);
        let (status, body) = signed.send(request).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{what}: {}", String::from_utf8_lossy(&body));
        assert_eq!(signed.stored().await, None, "{what}");
    };
    let uri = |from: &'static str, to: &'static str| {
        move |request: &mut Request<Full<Bytes>>| {
            let changed = request.uri().to_string().replacen(from, to, 1);
            assert_ne!(changed, request.uri().to_string(), "{from} is not there");
            *request.uri_mut() = changed.parse().unwrap();
        }
    };
    let header = |name: &'static str, value: &'static str| {
        move |request: &mut Request<Full<Bytes>>| {
            request.headers_mut().insert(name, value.parse().unwrap()).unwrap();
        }
    };
    check("another key", &uri("a%20b", "a%20c")).await;
    check("another bucket", &uri("/imports/", "/import/")).await;
    check("a longer time", &uri("X-Amz-Expires=60", "X-Amz-Expires=600")).await;
    check("another parameter", &uri("X-Amz-Expires", "versionId=1&X-Amz-Expires")).await;
    check("another signature", &|request| {
        let (before, signature) = put.uri().split_once("X-Amz-Signature=").unwrap();
        let other = if signature.starts_with('0') { "1" } else { "0" };
        *request.uri_mut() = format!("{before}X-Amz-Signature={other}{}", &signature[1..]).parse().unwrap();
    })
    .await;
    check("another signer", &uri("X-Amz-Credential=local", "X-Amz-Credential=other")).await;
    check("fewer signed headers", &uri("content-length%3B", "")).await;
    check("another method", &|request| *request.method_mut() = http::Method::DELETE).await;
    check("another length", &header("content-length", "9")).await;
    check("another type", &header("content-type", "text/csv")).await;
    check("another host", &header("host", "127.0.0.1:8072")).await;
    check("no length", &|request| drop(request.headers_mut().remove("content-length"))).await;
    let mut nonsense = request(&put);
    *nonsense.uri_mut() = "/imports/in/a?X-Amz-Signature=".parse().unwrap();
    assert_eq!(signed.send(nonsense).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
#[allow(clippy::disallowed_methods)] // the engine's clock is the system's
async fn a_url_has_an_end() {
    let signed = Signed::new().await;
    let hour_ago = SystemTime::now() - Duration::from_secs(3_600);
    let config = PresigningConfig::builder().start_time(hour_ago).expires_in(Duration::from_secs(3_599));
    let put = signed.put(config.build().unwrap()).await;
    assert_eq!(signed.send(request(&put)).await.0, StatusCode::FORBIDDEN);
    assert_eq!(signed.stored().await, None);
}

#[tokio::test]
async fn what_others_sign_is_forbidden() {
    let engines = in_memory();
    let (door, other) = (engines.presigned("a secret of this start"), engines.presigned("another"));
    let objects = Objects::new(&other.sdk_config(ENDPOINT));
    objects.create_bucket().bucket("imports").send().await.unwrap();
    let signed = Signed { door, objects };
    let put = signed.put(minute()).await;
    assert_eq!(signed.send(request(&put)).await.0, StatusCode::FORBIDDEN);
    assert!(!Presigned::is_meant(&"/imports/in/a?list-type=2&x=X-Amz-Signature=1".parse().unwrap()));
}
