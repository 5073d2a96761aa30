//! Tells an engine what is no part of its service: to forget everything, what time it is. Blocking, so that a clock can be set where
//! nothing waits; by hand, because there is nothing to it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Far more than any of them takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Posts nothing to `http://host:port/path`, which has to say that all is well.
pub(crate) fn post(url: &str) {
    let answer = try_post(url).unwrap_or_else(|error| panic!("posting to {url}: {error}"));
    let status = answer.split_whitespace().nth(1).unwrap_or_default();
    assert!(status.starts_with('2'), "posting to {url}: {answer}");
}

fn try_post(url: &str) -> std::io::Result<String> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
