//! Connections that are refused, kept, lost, or never answer.

use super::*;

#[tokio::test]
async fn a_receiver_that_hangs_is_timed_out_and_its_connection_closed() {
    let (report, mut closed) = reports();
    let address = receiver(move |_, mut stream| {
        read_request(&mut stream).unwrap();
        report.send(is_closed_after(&mut stream, Duration::from_millis(LONG_MS.into()))).unwrap();
    });
    let sent = send_with(&sender(SHORT_MS), &format!("http://{address}/"), "v1,c2ln", &[]).await;
    assert_eq!(sent.outcome, Outcome::TimedOut { limit_ms: SHORT_MS });
    assert!(sent.duration_ms >= SHORT_MS);
    assert!(next(&mut closed).await);
}

#[tokio::test]
async fn a_body_that_drips_past_the_limit_is_timed_out() {
    let (report, mut closed) = reports();
    let address = receiver(move |_, mut stream| {
        read_request(&mut stream).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").unwrap();
        while !is_closed_after(&mut stream, Duration::from_millis(10)) && stream.write_all(b".").is_ok() {}
        report.send(()).unwrap();
    });
    let outcome = send(&sender(SHORT_MS), &format!("http://{address}/")).await;
    assert_eq!(outcome, Outcome::TimedOut { limit_ms: SHORT_MS });
    next(&mut closed).await;
}

#[tokio::test]
async fn a_connection_that_is_refused_is_unreachable() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_unreachable(send(&sender(LONG_MS), &format!("http://{unused}/")).await, "refused");
}

#[tokio::test]
async fn an_answer_cut_in_its_body_is_unreachable() {
    let address = receiver(|_, mut stream| {
        // What stays unread makes the close a reset.
        stream.read_exact(&mut [0; 20]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").unwrap();
    });
    assert_unreachable(
        send(&sender(LONG_MS), &format!("http://{address}/")).await,
        "closed before the answer was complete",
    );
}

#[tokio::test]
async fn what_is_not_http_is_unreachable() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-a: b\r\n".repeat(200));
    let large = format!("HTTP/1.1 200 OK\r\nx-a: {}\r\n\r\n", "b".repeat(100_000));
    for (answer, words) in [
        ("220 mail.example ESMTP\r\n".to_owned(), "not valid HTTP"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nok".to_owned(), "not valid HTTP"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_owned(), "not valid HTTP"),
        (many, "too large"),
        (large, "too large"),
    ] {
        assert_unreachable(send(&sender(LONG_MS), &answering(answer.leak())).await, words);
    }
}

/// Counts connections; each answers as many requests as it is told, reads one more, and closes.
fn closing_after(
    answers: impl Fn(usize) -> usize + Send + Sync + 'static,
) -> (String, Arc<std::sync::Mutex<Vec<usize>>>) {
    let requests = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = requests.clone();
    let address = receiver(move |number, mut stream| {
        for _ in 0..answers(number) {
            let Some(_) = read_request(&mut stream) else { return };
            seen.lock().unwrap().push(number);
            stream.write_all(OK.as_bytes()).unwrap();
        }
        if read_request(&mut stream).is_some() {
            seen.lock().unwrap().push(number);
        }
    });
    (format!("http://{address}/"), requests)
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_delivery() {
    let (url, requests) = closing_after(|_| 10);
    let sender = sender(LONG_MS);
    for _ in 0..3 {
        assert_eq!(send(&sender.clone(), &url).await, answered(200, "ok"));
    }
    assert_eq!(*requests.lock().unwrap(), [0, 0, 0]);
}

#[tokio::test]
async fn a_kept_connection_that_turns_out_closed_costs_no_attempt() {
    let (url, requests) = closing_after(|_| 1);
    let sender = sender(LONG_MS);
    assert_eq!(send(&sender, &url).await, answered(200, "ok"));
    assert_eq!(send(&sender, &url).await, answered(200, "ok"));
    assert_eq!(*requests.lock().unwrap(), [0, 0, 1]);
}

#[tokio::test]
async fn a_repeat_is_made_once() {
    let (url, requests) = closing_after(|number| usize::from(number == 0));
    let sender = sender(LONG_MS);
    assert_eq!(send(&sender, &url).await, answered(200, "ok"));
    assert_unreachable(send(&sender, &url).await, "closed before");
    assert_eq!(*requests.lock().unwrap(), [0, 0, 1]);
}

#[tokio::test]
async fn a_fresh_connection_that_is_closed_without_an_answer_is_not_repeated() {
    let (url, requests) = closing_after(|_| 0);
    assert_unreachable(send(&sender(LONG_MS), &url).await, "closed before");
    assert_eq!(*requests.lock().unwrap(), [0]);
}
