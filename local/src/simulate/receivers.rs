//! The internet of a run: a name for each endpoint's receiver, an address behind each name, and a server behind each address,
//! which speaks real bytes and behaves as its script says for this moment.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanfare::domain::timestamp::Timestamp;
use fanfare::effects::Clock as _;
use fanfare::network::{Network, Stream};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::effects::Dice;
use super::history::{Changed, Request, Turn};
use super::journal::short;
use super::scenario::Behaviour;
use super::world::World;

/// What a connection holds on its way.
const PIPE_BYTES: usize = 64 * 1_024;

/// Head of a request; ours are far smaller.
const HEAD_BYTES_MAX: usize = 16 * 1_024;

/// Of a receiver that answers too much.
const HUGE_BYTES: usize = 200 * 1_024;

/// The first two parts of the addresses of receivers, which are public, and of those inside of our network.
const PUBLIC: [u8; 2] = [52, 10];
const INSIDE: [u8; 2] = [10, 0];

/// The internet.
pub(super) struct Internet {
    world: Arc<World>,
    dice: Arc<Dice>,
    is_honest: bool,
}

/// The URL of a receiver, at its n-th place.
pub(super) fn url(receiver: usize, is_https: bool, place: usize) -> String {
    let scheme = if is_https { "https" } else { "http" };
    format!("{scheme}://r{receiver}.receivers.example/hooks/{place}")
}

fn address(network: [u8; 2], receiver: usize) -> IpAddr {
    let [high, low] = u16::try_from(receiver).unwrap_or(u16::MAX).to_be_bytes();
    IpAddr::from([network[0], network[1], high, low])
}

fn receiver_of(address: Ipv4Addr) -> usize {
    let [_, _, high, low] = address.octets();
    usize::from(u16::from_be_bytes([high, low]))
}

impl Internet {
    /// As one sandbox sees it.
    pub(super) fn new(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world), dice: Arc::clone(&world.receivers), is_honest: false }
    }

    /// As those see it who make endpoints: every name has a public address, at once. Receivers change their minds after that.
    pub(super) fn at_its_best(world: &Arc<World>) -> Self {
        Self { is_honest: true, ..Self::new(world) }
    }

    fn behaviour(&self, receiver: usize) -> Behaviour {
        behaviour(&self.world, receiver)
    }
}

fn behaviour(world: &World, receiver: usize) -> Behaviour {
    let now_ms = world.now_ms();
    let phases = &world.scenario.endpoints[receiver].phases;
    phases.iter().take_while(|(from_ms, _)| *from_ms <= now_ms).last().map_or(Behaviour::Refused, |(_, now)| *now)
}

impl Network for Internet {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let receiver =
                host.strip_suffix(".receivers.example").and_then(|name| name.strip_prefix('r')?.parse().ok());
            let receiver: usize = receiver.ok_or(io::ErrorKind::NotFound)?;
            if self.is_honest {
                return Ok(vec![address(PUBLIC, receiver)]);
            }
            tokio::time::sleep(Duration::from_millis(self.dice.between(0, 20))).await;
            match self.behaviour(receiver) {
                Behaviour::NoName => Err(io::ErrorKind::NotFound.into()),
                Behaviour::Inside => Ok(vec![address(PUBLIC, receiver), address(INSIDE, receiver)]),
                _ => Ok(vec![address(PUBLIC, receiver)]),
            }
        })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let IpAddr::V4(ip) = address.ip() else { return Err(io::ErrorKind::NetworkUnreachable.into()) };
            let receiver = receiver_of(ip);
            if !ip.octets().starts_with(&PUBLIC) {
                self.world.history().trespasses.push(format!("a connection to {ip}"));
            }
            tokio::time::sleep(Duration::from_millis(self.dice.between(0, 40))).await;
            match self.behaviour(receiver) {
                Behaviour::Refused | Behaviour::NoName => return Err(io::ErrorKind::ConnectionRefused.into()),
                Behaviour::Unreachable => std::future::pending::<()>().await,
                _ => {}
            }
            let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
            let connection =
                Connection { world: Arc::clone(&self.world), dice: Arc::clone(&self.dice), receiver, stream: theirs };
            tokio::spawn(connection.serve());
            Ok(Box::new(ours) as Box<dyn Stream>)
        })
    }
}

/// A connection as its receiver has it.
struct Connection {
    world: Arc<World>,
    dice: Arc<Dice>,
    receiver: usize,
    stream: DuplexStream,
}

/// A request, read.
struct Arrived {
    head: String,
    body: Bytes,
}

impl Connection {
    /// Answers until the other side closes, or this side has enough.
    async fn serve(mut self) {
        // Node closes after 5 seconds, nginx after 75; the sender must live with both.
        let patience = Duration::from_millis(self.dice.between(500, 75_000));
        while let Ok(Ok(Some(arrived))) = tokio::time::timeout(patience, self.read()).await {
            let request = self.note(&arrived);
            tokio::time::sleep(Duration::from_millis(self.dice.between(1, 80))).await;
            if self.answer(request).await.is_err() {
                return;
            }
        }
    }

    /// The next request; none when the connection is closed, or what comes is no HTTP.
    async fn read(&mut self) -> io::Result<Option<Arrived>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = match self.stream.read_u8().await {
                Ok(byte) => byte,
                Err(_) => return Ok(None),
            };
            head.push(byte);
            if head[0] != b'P' || head.len() > HEAD_BYTES_MAX {
                self.stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await?;
                return Ok(None);
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Some(Arrived { head, body: Bytes::from(body) }))
    }

    /// Writes the request into the history; its place there.
    fn note(&self, arrived: &Arrived) -> usize {
        let of = |name: &str| header(&arrived.head, name).unwrap_or_default().to_owned();
        let message = of("webhook-id");
        let signed_at = of("webhook-timestamp").parse().unwrap_or(0);
        let signed_ms = self.world.clock.ms_at(Timestamp::from_millis(signed_at * 1_000));
        let secret = &self.world.scenario.endpoints[self.receiver].secret;
        let unverified = verify(secret, &message, signed_at, &arrived.body, &of("webhook-signature")).err();
        let request = Request {
            endpoint: self.receiver,
            at_ms: self.world.now_ms(),
            message,
            unverified,
            signed_ms,
            body: arrived.body.clone(),
            status: None,
        };
        let mut history = self.world.history();
        history.requests.push(request);
        history.requests.len() - 1
    }

    /// An error ends the connection.
    async fn answer(&mut self, request: usize) -> io::Result<()> {
        let behaviour = behaviour(&self.world, self.receiver);
        let end: io::Result<()> = Err(io::ErrorKind::ConnectionReset.into());
        match behaviour {
            Behaviour::Status(status) => self.head(request, status, "content-length: 2\r\n").await?,
            Behaviour::Flaky => {
                let status = if self.dice.chance(0.5) { 200 } else { 500 };
                self.head(request, status, "content-length: 2\r\n").await?;
            }
            Behaviour::Slow => {
                tokio::time::sleep(Duration::from_millis(self.dice.between(500, 12_000))).await;
                self.head(request, 200, "content-length: 2\r\n").await?;
            }
            Behaviour::Hang => {
                self.say(request, "never answers");
                std::future::pending::<()>().await;
            }
            Behaviour::Close | Behaviour::Refused | Behaviour::Unreachable | Behaviour::NoName | Behaviour::Inside => {
                self.say(request, "closes the connection");
                return end;
            }
            Behaviour::CloseInBody => {
                self.head(request, 200, "content-length: 100\r\n").await?;
                self.stream.write_all(b"half").await?;
                return end;
            }
            Behaviour::HugeBody => {
                self.head(request, 200, &format!("content-length: {HUGE_BYTES}\r\n")).await?;
                self.stream.write_all(&vec![b'x'; HUGE_BYTES]).await?;
                return Ok(());
            }
            Behaviour::Drip => {
                self.head(request, 200, "content-length: 4\r\n").await?;
                for byte in b"drip" {
                    tokio::time::sleep(Duration::from_millis(self.dice.between(100, 900))).await;
                    self.stream.write_all(&[*byte]).await?;
                }
                return Ok(());
            }
            Behaviour::DripForever => {
                self.head(request, 200, "content-length: 100000\r\n").await?;
                loop {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    self.stream.write_all(b".").await?;
                }
            }
            Behaviour::Redirect => {
                let elsewhere = "location: http://elsewhere.receivers.example/\r\ncontent-length: 2\r\n";
                self.head(request, 302, elsewhere).await?;
            }
            Behaviour::RetryAfter(status, seconds) => {
                self.head(request, status, &format!("retry-after: {seconds}\r\ncontent-length: 2\r\n")).await?;
            }
            Behaviour::RetryAfterDate(status, seconds) => {
                let date = self.world.clock.now().plus_millis(i64::try_from(seconds).unwrap_or(0) * 1_000);
                let date = http_date(date).unwrap_or_default();
                self.head(request, status, &format!("retry-after: {date}\r\ncontent-length: 2\r\n")).await?;
            }
            Behaviour::Nonsense => {
                self.say(request, "answers with nonsense");
                self.stream.write_all(b"220 mail.example ESMTP\r\n").await?;
                return end;
            }
        }
        self.stream.write_all(b"ok").await
    }

    async fn head(&mut self, request: usize, status: u16, headers: &str) -> io::Result<()> {
        self.say(request, &format!("answers {status}"));
        let now_ms = self.world.now_ms();
        {
            let mut history = self.world.history();
            history.requests[request].status = Some(status);
            if status == 410 {
                let gone = Changed { change: Turn::Gone, asked_ms: now_ms, answered_ms: Some(now_ms) };
                history.endpoints[self.receiver].changes.push(gone);
            }
        }
        self.stream.write_all(format!("HTTP/1.1 {status} Whatever\r\n{headers}\r\n").as_bytes()).await
    }

    fn say(&self, request: usize, what: &str) {
        let message = short(&self.world.history().requests[request].message);
        self.world.journal.note(self.world.endpoint_name(self.receiver), format_args!("{message}: {what}"));
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// With the signature that the library of Standard Webhooks makes. (Its verifier compares the time with the machine's.)
fn verify(secret: &str, id: &str, signed_at: i64, body: &[u8], signatures: &str) -> Result<(), String> {
    let webhook = standardwebhooks::Webhook::new(secret).map_err(|error| error.to_string())?;
    let expected = webhook.sign(id, signed_at, body).map_err(|error| error.to_string())?;
    match signatures.split(' ').any(|signature| signature == expected) {
        true => Ok(()),
        false => Err(format!("signed {signatures:?}, expected {expected:?}")),
    }
}

/// As HTTP writes it.
fn http_date(at: Timestamp) -> Option<String> {
    const FORM: &[time::format_description::FormatItem<'_>] = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    time::OffsetDateTime::from_unix_timestamp(at.as_seconds()).ok()?.format(FORM).ok()
}
