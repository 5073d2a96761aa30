//! The gateway from outside: what its HTTP front promises whatever the functions do, and how it starts and ends.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use fanfare::config::JwtSecret;
use fanfare::domain::ids::OrganizationId;
use fanfare_local::{Gateway, Options, State};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than anything here takes; a test that hangs should fail.
const ANSWER_MAX: Duration = Duration::from_secs(20);

fn organization() -> OrganizationId {
    OrganizationId::parse("org_23rb8YdGqMT0qIzpgGwdXfHirMu").unwrap()
}

async fn in_memory() -> Gateway {
    Gateway::start(Options::new(State::Memory)).await.unwrap()
}

/// Sends bytes on a connection of its own, reads until the other side has said all.
async fn talk(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A refusal may come before everything is sent.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    tokio::time::timeout(ANSWER_MAX, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

fn request(method: &str, path: &str, token: &str, body: &str) -> Vec<u8> {
    let bytes = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {bytes}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[track_caller]
fn check(answer: &str, status: u16, code: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert_eq!(body["code"], code, "{answer}");
    assert!(body["detail"].is_string(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_refused_is_refused_in_the_apis_own_shape() {
    let gateway = in_memory().await;
    let token = gateway.token(&organization()).unwrap();
    let get = |path: &str| request("GET", path, &token, "");
    check(&talk(gateway.address(), &get("/")).await, 404, "not_found");
    check(&talk(gateway.address(), &get("/api/v1/nothing/here")).await, 404, "not_found");
    check(&talk(gateway.address(), &request("GET", "/api/v1/app", "forged", "")).await, 401, "authentication_failed");
    let host = b"GET / HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n";
    check(&talk(gateway.address(), host).await, 400, "bad_request");
    let headers = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-a: {}\r\n\r\n", "a".repeat(11_000));
    check(&talk(gateway.address(), headers.as_bytes()).await, 431, "headers_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_whether_its_size_is_told_or_not() {
    let gateway = in_memory().await;
    let token = gateway.token(&organization()).unwrap();
    let body = "x".repeat(10 * 1024 * 1024 + 1);
    let told = request("POST", "/api/v1/app", &token, &body);
    check(&talk(gateway.address(), &told).await, 413, "payload_too_large");
    let chunked = format!(
        "POST /api/v1/app HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
         {:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    check(&talk(gateway.address(), chunked.as_bytes()).await, 413, "payload_too_large");
    // Lambda takes less than API Gateway.
    let large = request("POST", "/api/v1/app", &token, &"x".repeat(7 * 1024 * 1024));
    check(&talk(gateway.address(), &large).await, 413, "payload_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_share_a_connection() {
    let gateway = in_memory().await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"HEAD /api/v1/health/ping HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 4_096];
        let bytes = tokio::time::timeout(ANSWER_MAX, stream.read(&mut answer)).await.unwrap().unwrap();
        assert!(answer[..bytes].starts_with(b"HTTP/1.1 204 "), "{}", String::from_utf8_lossy(&answer[..bytes]));
    }
}

async fn on_disk(directory: &Path) -> Gateway {
    Gateway::start(Options::new(State::Disk(directory.to_owned()))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn state_and_token_outlive_the_gateway() {
    let directory = tempfile::tempdir().unwrap();
    let first = on_disk(directory.path()).await;
    let token = first.token(&organization()).unwrap();
    let created = talk(first.address(), &request("POST", "/api/v1/app", &token, r#"{"name":"A","uid":"a"}"#)).await;
    assert!(created.starts_with("HTTP/1.1 201 "), "{created}");
    // An idle connection does not keep the gateway from ending.
    let _idle = TcpStream::connect(first.address()).await.unwrap();
    tokio::time::timeout(ANSWER_MAX, first.shutdown()).await.unwrap();

    let second = on_disk(directory.path()).await;
    let found = talk(second.address(), &request("GET", "/api/v1/app/a", &token, "")).await;
    assert!(found.starts_with("HTTP/1.1 200 "), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_dropped_stops() {
    let gateway = in_memory().await;
    let address = gateway.address();
    drop(gateway);
    let stopped = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(ANSWER_MAX, stopped).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engines_answer_aws_clients_when_asked_to() {
    let options = Options { aws_listen: Some("127.0.0.1:0".parse().unwrap()), ..Options::new(State::Memory) };
    let gateway = Gateway::start(options).await.unwrap();
    let body = r#"{"QueueName":"fanfare-dead-letter"}"#;
    let request = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-amz-target: AmazonSQS.GetQueueUrl\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = talk(gateway.aws_address().unwrap(), request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("/fanfare-dead-letter\""), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_make_no_sense_keep_it_from_starting() {
    let start = async |name: &str, value: &str| {
        let overrides = [(name.to_owned(), value.to_owned())].into();
        Gateway::start(Options { overrides, ..Options::new(State::Memory) }).await.unwrap_err().to_string()
    };
    assert!(start("FANFARE_REQUEST_TIMEOUT", "soon").await.contains("FANFARE_REQUEST_TIMEOUT"));
    assert!(start("FANFARE_NONSENSE", "1").await.contains("FANFARE_NONSENSE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_given_signs_the_tokens() {
    let jwt_secret = Some(JwtSecret::parse("a-secret-that-is-long-enough-for-hs256").unwrap());
    let options = Options { jwt_secret, ..Options::new(State::Memory) };
    let (one, other) = (Gateway::start(options.clone()).await.unwrap(), Gateway::start(options).await.unwrap());
    let list = request("GET", "/api/v1/app", &one.token(&organization()).unwrap(), "");
    assert!(talk(other.address(), &list).await.starts_with("HTTP/1.1 200 "));
}

/// Sends the request of a presigned URL, with this body.
async fn put(address: SocketAddr, url: &str, body: &str) -> String {
    let path = url.strip_prefix(&format!("http://{address}")).unwrap_or_else(|| panic!("{url} leads elsewhere"));
    let head = format!("PUT {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    talk(address, format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_presigned_url_leads_to_the_gateway_and_outlives_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let start = async |listen: SocketAddr| {
        let options = Options { listen, ..Options::new(State::Disk(data.path().to_owned())) };
        Gateway::start(options).await.unwrap()
    };
    let gateway = start(SocketAddr::from(([127, 0, 0, 1], 0))).await;
    let address = gateway.address();
    let objects = aws_sdk_s3::Client::new(gateway.functions_sdk());
    let minute = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let signed =
        objects.put_object().bucket("fanfare").key("import/a").content_length(4).presigned(minute).await.unwrap();
    gateway.shutdown().await;
    drop(objects);

    let gateway = start(address).await;
    let stored = async || {
        let objects = aws_sdk_s3::Client::new(&gateway.engines().sdk_config());
        let object = objects.get_object().bucket("fanfare").key("import/a").send().await.ok()?;
        Some(object.body.collect().await.unwrap().to_vec())
    };
    let refused = put(address, &signed.uri().replace("import/a", "import/b"), "a,b\n").await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    let refused = put(address, signed.uri(), "longer\n").await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    assert_eq!(stored().await, None);
    let taken = put(address, signed.uri(), "a,b\n").await;
    assert!(taken.starts_with("HTTP/1.1 200 "), "{taken}");
    assert_eq!(stored().await.as_deref(), Some(&b"a,b\n"[..]));
}
