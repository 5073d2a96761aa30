//! Small files from a provider: as they are, or not at all.

use super::encryption::{authority, encrypted, trusting};
use super::*;

const BYTES_MAX: usize = 16;

async fn fetch(sender: &Sender, url: &str) -> Result<String, String> {
    let fetched = sender.fetch(&EndpointUrl::parse(url).unwrap(), BYTES_MAX).await;
    fetched.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).map_err(|reason| reason.to_string())
}

#[track_caller]
fn assert_refused(fetched: Result<String, String>, words: &str) {
    assert!(fetched.as_ref().is_err_and(|reason| reason.contains(words)), "{fetched:?}, not {words:?}");
}

#[tokio::test]
async fn a_file_of_up_to_the_limit_is_fetched_over_tls() {
    let (port, mut names) = encrypted("HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n0123456789abcdef", 9);
    let fetched = fetch(&trusting(authority()), &format!("https://hooks.example:{port}/cert.pem")).await;
    assert_eq!(fetched.as_deref(), Ok("0123456789abcdef"));
    assert_eq!(next(&mut names).await.as_deref(), Some("hooks.example"));
}

#[tokio::test]
async fn whatever_else_is_answered_is_no_file() {
    let answers = [
        ("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n0123456789abcdefg", "too large"),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "not 200"),
        ("HTTP/1.1 204 No Content\r\n\r\n", "not 200"),
        ("HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 2\r\n\r\nok", "not 200"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nok", ""),
    ];
    for (answer, words) in answers {
        let (port, _names) = encrypted(answer, 1);
        assert_refused(fetch(&trusting(authority()), &format!("https://hooks.example:{port}/")).await, words);
    }
}

#[tokio::test]
async fn the_guard_the_limit_of_time_and_https_hold_here_too() {
    let strict = SenderSettings { allowed_subnets: Vec::new(), ..settings(LONG_MS) };
    let strict = Sender::with(&strict, Arc::new(SystemNetwork), Roots::System);
    assert_refused(fetch(&strict, "https://127.0.0.1:8/").await, "address of the class");
    let encrypted_only = SenderSettings { https_only: true, ..settings(LONG_MS) };
    let encrypted_only = Sender::with(&encrypted_only, Arc::new(SystemNetwork), Roots::System);
    assert_refused(fetch(&encrypted_only, &answering(OK)).await, "only https");
    let silent = receiver(|_, mut stream| {
        read_request(&mut stream);
        is_closed_after(&mut stream, Duration::from_millis(LONG_MS.into()));
    });
    assert_refused(fetch(&sender(SHORT_MS), &format!("http://{silent}/")).await, "too slow");
}
