//! What goes out, and what every kind of answer becomes.

use super::*;
use crate::domain::attempt::RESPONSE_BODY_BYTES_MAX;

#[track_caller]
fn check(answer: &'static str, expected: Outcome) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(async { send(&sender(LONG_MS), &answering(answer)).await });
    assert_eq!(outcome, expected, "{answer:?}");
}

#[test]
fn answers_are_taken_as_they_are() {
    check(OK, answered(200, "ok"));
    check("HTTP/1.1 204 No Content\r\n\r\n", answered(204, ""));
    check("HTTP/1.1 500 Oh\r\ncontent-length: 4\r\n\r\noops", answered(500, "oops"));
    check("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", answered(410, ""));
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", answered(200, "ok"));
    check("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", answered(200, ""));
    check("HTTP/1.1 999 Made up\r\ncontent-length: 0\r\n\r\n", answered(999, ""));
}

#[test]
fn retry_after_comes_along() {
    let expected = Outcome::Answered { status: 429, body: String::new(), retry_after_ms: Some(7_000) };
    check("HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n", expected);
}

#[tokio::test]
async fn retry_after_as_a_date_counts_from_the_answer() {
    let date = "Mon, 24 Nov 2025 17:00:00 GMT"; // an hour after the instant of the attempt
    let answer = format!("HTTP/1.1 503 Busy\r\nretry-after: {date}\r\ncontent-length: 0\r\n\r\n");
    let outcome = send(&sender(LONG_MS), &answering(answer.leak())).await;
    let Outcome::Answered { status: 503, retry_after_ms: Some(wait_ms), .. } = outcome else { panic!("{outcome:?}") };
    assert!((3_600_000 - u64::from(LONG_MS)..=3_600_000).contains(&wait_ms), "{wait_ms}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (report, mut hits) = reports();
    let elsewhere = receiver(move |_, _| report.send(()).unwrap());
    let answer = format!("HTTP/1.1 307 There\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(send(&sender(LONG_MS), &answering(answer.leak())).await, answered(307, ""));
    assert!(hits.try_recv().is_err());
}

#[tokio::test]
async fn the_request_is_exact() {
    let (report, mut requests) = reports();
    let address = receiver(move |_, mut stream| {
        report.send(read_request(&mut stream).unwrap()).unwrap();
        stream.write_all(OK.as_bytes()).unwrap();
    });
    let headers = [Header::parse("X-Team", "päyments").unwrap(), Header::parse("authorization", "Bearer t").unwrap()];
    let url = format!("http://{address}/hooks/a%20b?c=d&e=\"f\"#ignored");
    let sent = send_with(&sender(LONG_MS), &url, "v1,b25l v1a,dHdv", &headers).await;
    assert_eq!(sent.outcome, answered(200, "ok"));

    let request = next(&mut requests).await;
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, BODY);
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "POST /hooks/a%20b?c=d&e=%22f%22 HTTP/1.1");
    lines.sort_unstable();
    let id = MessageId::new(Timestamp::from_millis(1_764_000_000_000), [9; 15]);
    let expected = format!(
        "accept: */*\nauthorization: Bearer t\ncontent-length: {}\ncontent-type: application/json\nhost: {address}\n\
         user-agent: Fanfare-Webhooks/{}\nwebhook-id: {id}\nwebhook-signature: v1,b25l v1a,dHdv\n\
         webhook-timestamp: 1764000000\nx-came: 1\nx-team: päyments",
        BODY.len(),
        env!("CARGO_PKG_VERSION"),
    );
    assert_eq!(lines.join("\n"), expected);
}

#[tokio::test]
async fn a_configured_header_goes_before_one_that_came_with_the_event() {
    let (report, mut requests) = reports();
    let address = receiver(move |_, mut stream| {
        report.send(read_request(&mut stream).unwrap()).unwrap();
        stream.write_all(OK.as_bytes()).unwrap();
    });
    let headers = [Header::parse("X-Came", "configured").unwrap()];
    send_with(&sender(LONG_MS), &format!("http://{address}/"), "v1,c2ln", &headers).await;
    let request = next(&mut requests).await;
    let came: Vec<_> = request.lines().filter(|line| line.starts_with("x-came")).collect();
    assert_eq!(came, ["x-came: configured"]);
}

#[tokio::test]
async fn nothing_can_be_smuggled_into_the_head() {
    let (report, mut requests) = reports();
    let address = receiver(move |_, mut stream| {
        report.send(read_request(&mut stream).unwrap()).unwrap();
        stream.write_all(OK.as_bytes()).unwrap();
    });
    let sender = sender(LONG_MS);
    let outcome = send_with(&sender, &format!("http://{address}/"), "v1,a\r\nx-evil: 1", &[]).await.outcome;
    assert_unreachable(outcome, "cannot be sent");
    assert!(requests.try_recv().is_err());

    assert!(Header::parse("x-a", "b\r\nx-evil: 1").is_err());
    assert!(Header::parse("x-a: b\r\nx-evil", "1").is_err());
    send(&sender, &format!("http://{address}/a\r\nx-evil:%0d%0ax-evil: 1")).await;
    assert!(!next(&mut requests).await.contains("\nx-evil"));
}

#[tokio::test]
async fn an_endless_body_is_read_to_its_limit_and_its_connection_closed() {
    let (report, mut closed) = reports();
    let address = receiver(move |_, mut stream| {
        read_request(&mut stream).unwrap();
        // One byte before two-byte characters, so that the limit cuts through one.
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nx").unwrap();
        while stream.write_all("é".repeat(1_000).as_bytes()).is_ok() {}
        report.send(()).unwrap();
    });
    let outcome = send(&sender(LONG_MS), &format!("http://{address}/")).await;
    let Outcome::Answered { status: 200, body, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(body.len(), RESPONSE_BODY_BYTES_MAX - 1);
    assert!(body.starts_with("xéé") && body.ends_with('é'));
    next(&mut closed).await;
}

#[tokio::test]
async fn bodies_that_are_not_text_are_base64() {
    let address = receiver(|_, mut stream| {
        read_request(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\x00\xff\xfe").unwrap();
    });
    assert_eq!(send(&sender(LONG_MS), &format!("http://{address}/")).await, answered(200, "AP/+"));
}
