//! The same over HTTP, as other processes have it.

use aws_sdk_dynamodb::Client as Table;
use aws_sdk_s3::Client as Objects;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::Builder;

use super::table::{item, make_table};
use super::*;

#[tokio::test]
async fn one_port_serves_all_three() {
    let engines = in_memory();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(engines.serve(listener));
    let over_http = engines.sdk_config().into_builder().endpoint_url(&endpoint);
    let over_http = over_http.http_client(Builder::new().build_http()).build();

    let sqs = Sqs::new(&over_http);
    let url = make_queue(&sqs, "q", &[]).await;
    assert_eq!(url, format!("{endpoint}/000000000000/q"));
    let waiting = sqs.receive_message().queue_url(&url).wait_time_seconds(20);
    let waiting = tokio::spawn(async move { waiting.send().await.unwrap().messages.unwrap_or_default() });
    send(&Sqs::new(&engines.sdk_config()), &url, "from within").await;
    assert_eq!(bodies(&waiting.await.unwrap()), ["from within"]);

    let table = Table::new(&over_http);
    make_table(&table).await;
    table.put_item().table_name("table").set_item(Some(item("a", "1", &[]))).send().await.unwrap();
    assert_eq!(Table::new(&engines.sdk_config()).scan().table_name("table").send().await.unwrap().count(), 1);

    let objects = Objects::new(&over_http);
    objects.create_bucket().bucket("imports").send().await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![7; 300_000]).unwrap();
    let body = ByteStream::from_path(file.path()).await.unwrap();
    objects.put_object().bucket("imports").key("a/b").body(body).send().await.unwrap();
    let object = objects.get_object().bucket("imports").key("a/b").send().await.unwrap();
    assert_eq!(object.body.collect().await.unwrap().to_vec(), vec![7; 300_000]);

    let minute = PresigningConfig::expires_in(std::time::Duration::from_secs(60)).unwrap();
    let presigned = objects.get_object().bucket("imports").key("a/b").presigned(minute).await.unwrap();
    assert_eq!(http_get(presigned.uri()).await.lines().next(), Some("HTTP/1.1 200 OK"));
    server.abort();
}

/// A client that knows nothing of AWS.
async fn http_get(uri: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let uri: http::Uri = uri.parse().unwrap();
    let host = uri.authority().unwrap().as_str();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!("GET {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", uri.path_and_query().unwrap());
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
