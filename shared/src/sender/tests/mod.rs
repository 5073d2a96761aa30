//! The sender against real sockets of this machine: receivers that behave, misbehave, hang, and lie about their name.

mod addresses;
mod answers;
mod connections;
mod encryption;
mod fetching;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::tls::Roots;
use super::{Outbound, Sender, SenderSettings, Sent};
use crate::domain::attempt::Outcome;
use crate::domain::endpoint::Header;
use crate::domain::ids::MessageId;
use crate::domain::original_headers::OriginalHeaders;
use crate::domain::timestamp::Timestamp;
use crate::domain::url::EndpointUrl;
use crate::network::SystemNetwork;

/// For tests that do not wait for it: far away, also on a busy machine.
const LONG_MS: u32 = 20_000;
/// For tests that do.
const SHORT_MS: u32 = 150;

const BODY: &str = r#"{"hello":"wörld"}"#;

fn settings(request_timeout_ms: u32) -> SenderSettings {
    SenderSettings { request_timeout_ms, allowed_subnets: vec!["127.0.0.1/32".parse().unwrap()], https_only: false }
}

fn sender(request_timeout_ms: u32) -> Sender {
    Sender::with(&settings(request_timeout_ms), Arc::new(SystemNetwork), Roots::System)
}

async fn send(sender: &Sender, url: &str) -> Outcome {
    send_with(sender, url, "v1,c2ln", &[]).await.outcome
}

async fn send_with(sender: &Sender, url: &str, signature: &str, headers: &[Header]) -> Sent {
    let at = Timestamp::from_millis(1_764_000_000_000);
    let (url, id) = (EndpointUrl::parse(url).unwrap(), MessageId::new(at, [9; 15]));
    let (body, original) = (Bytes::from_static(BODY.as_bytes()), OriginalHeaders::from_stored([("x-came", "1")]));
    sender.send(Outbound { url: &url, id: &id, at, signature, legacy: &[], headers, original: &original, body }).await
}

fn answered(status: u16, body: &str) -> Outcome {
    Outcome::Answered { status, body: body.to_owned(), retry_after_ms: None }
}

#[track_caller]
fn assert_unreachable(outcome: Outcome, words: &str) {
    assert!(
        matches!(&outcome, Outcome::Unreachable { reason } if reason.contains(words)),
        "{outcome:?}, not {words:?}"
    );
}

#[track_caller]
fn assert_forbidden(outcome: Outcome, words: &str) {
    assert!(matches!(&outcome, Outcome::Forbidden { reason } if reason.contains(words)), "{outcome:?}, not {words:?}");
}

/// A receiver that hands every connection, with its number from 0, to a thread of its own.
fn receiver(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(number, stream.unwrap()));
        }
    });
    address
}

/// A receiver that answers every request of every connection with these bytes.
fn answering(answer: &'static str) -> String {
    let address = receiver(move |_, mut stream| {
        while read_request(&mut stream).is_some() {
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    format!("http://{address}/")
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// The next request as it came; `None` when the other side has closed.
fn read_request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
        if bytes.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

/// Waits a moment; whether the other side has closed meanwhile.
fn is_closed_after(stream: &mut TcpStream, moment: Duration) -> bool {
    stream.set_read_timeout(Some(moment)).unwrap();
    match stream.read(&mut [0]) {
        Ok(bytes) => bytes == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

/// What a receiver's thread reports to its test.
fn reports<T>() -> (tokio::sync::mpsc::UnboundedSender<T>, tokio::sync::mpsc::UnboundedReceiver<T>) {
    tokio::sync::mpsc::unbounded_channel()
}

async fn next<T>(reports: &mut tokio::sync::mpsc::UnboundedReceiver<T>) -> T {
    let limit = Duration::from_millis(LONG_MS.into());
    tokio::time::timeout(limit, reports.recv()).await.expect("the receiver reports").expect("the receiver lives")
}
