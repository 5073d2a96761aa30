//! Receivers that do what they can to hurt: real sockets, and the real process. Nobody else notices, every attempt is on record
//! with what happened, and memory stays where it was.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use svix::api::MessageAttemptListByEndpointOptions;
use svix::models::{ApplicationIn, EndpointIn, MessageIn};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::harness::process::{Process, client, fanfare_binary, free_address};
use crate::harness::{Receiver, eventually};

const MESSAGES: usize = 40;

/// How much more memory forty endless answers, and everything else here, may take than the first deliveries did. A body that
/// was read as long as it came would take gigabytes.
const MEMORY_MB_MAX: u64 = 64;

/// What an animal does once it has the request.
#[derive(Clone, Copy)]
enum Animal {
    /// A body without an end, as fast as it is read.
    Endless,
    /// A body of one byte now and then.
    Drip,
    /// Half a body, then the connection is gone.
    Cut,
    /// Headers without an end.
    Headers,
    /// Something else than HTTP.
    Garbage,
    /// Nothing.
    Silent,
}

const ZOO: [(Animal, &str); 6] = [
    (Animal::Endless, ""),
    (Animal::Drip, "no answer within"),
    (Animal::Cut, "closed"),
    (Animal::Headers, "answer"),
    (Animal::Garbage, "HTTP"),
    (Animal::Silent, "no answer within"),
];

async fn live(animal: Animal, mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = [0; 4_096];
    let _ = stream.read(&mut request).await?;
    let block = vec![b'x'; 64 * 1_024];
    match animal {
        Animal::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n").await?;
            loop {
                stream.write_all(&block).await?;
            }
        }
        Animal::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await?;
            loop {
                stream.write_all(b"x").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Animal::Cut => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf").await,
        Animal::Headers => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await?;
            loop {
                stream.write_all(&block).await?;
            }
        }
        Animal::Garbage => stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").await,
        Animal::Silent => std::future::pending().await,
    }
}

/// Listens until it is dropped.
async fn animal(animal: Animal) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut cage = JoinSet::new();
    cage.spawn(async move {
        let mut visitors = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            visitors.spawn(live(animal, stream));
        }
    });
    (address, cage)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_receivers_hurt_nobody() {
    let binary = tokio::task::spawn_blocking(fanfare_binary).await.unwrap();
    let (data, address) = (tempfile::tempdir().unwrap(), free_address());
    let process = Process::start_with(&binary, data.path(), address, &["--request-timeout", "1"]).await;
    let svix = client(address);
    let application = svix.application().create(ApplicationIn::new("Acme".to_owned()), None).await.unwrap().id;
    let receiver = Receiver::start().await;
    let good = svix.endpoint().create(application.clone(), EndpointIn::new(receiver.url("/")), None).await.unwrap().id;
    let secret = svix.endpoint().get_secret(application.clone(), good).await.unwrap();
    receiver.verify("/", &secret.key);
    let publish = async |number: usize| {
        let message = MessageIn::new("order.placed".to_owned(), json!({ "n": number }));
        svix.message().create(application.clone(), message, None).await.unwrap();
    };
    for number in 0..MESSAGES {
        publish(number).await;
    }
    receiver.wait_at("/", MESSAGES).await;
    let before = process.memory_peak_mb();

    let mut cages = Vec::new();
    let mut endpoints = Vec::new();
    for (kind, _) in ZOO {
        let (address, cage) = animal(kind).await;
        cages.push(cage);
        let endpoint = EndpointIn::new(format!("http://{address}/"));
        endpoints.push(svix.endpoint().create(application.clone(), endpoint, None).await.unwrap().id);
    }
    for number in 0..MESSAGES {
        publish(MESSAGES + number).await;
    }
    receiver.wait_at("/", 2 * MESSAGES).await;
    for (endpoint, (_, says)) in endpoints.iter().zip(ZOO) {
        let options = || MessageAttemptListByEndpointOptions { with_content: Some(true), ..Default::default() };
        let attempts = async || {
            let attempts = svix.message_attempt();
            let list = attempts.list_by_endpoint(application.clone(), endpoint.clone(), Some(options())).await;
            Some(list.unwrap().data).filter(|attempts| attempts.len() >= 3)
        };
        let attempts = eventually("attempts of a hostile receiver", attempts).await;
        assert!(attempts.iter().all(|attempt| attempt.response.contains(says)), "{says}: {:?}", attempts[0].response);
    }
    if let (Some(before), Some(after)) = (before, process.memory_peak_mb()) {
        assert!(after <= before + MEMORY_MB_MAX, "{before} MB before, {after} MB after");
    }
    process.kill().await;
}
