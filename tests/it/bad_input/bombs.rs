//! Bodies that are made to hurt: each is refused in the API's shape, or passes as it is, in a time that nobody notices; nothing is
//! left behind, and the next request is answered.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::table::Table;

/// What a gateway may take for one of them, on a machine that does other things too.
const TIME_MAX: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_of_a_body_is_refused_in_time() {
    let table = Table::new().await;
    let keys: String = (0..60_000).map(|n| format!("\"key-{n}\":{n},")).collect();
    let deep_object = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let payload = |payload: &str| format!("{{\"eventType\":\"a.b\",\"payload\":{payload}}}");
    let bombs = [
        ("lists without end", payload(&"[".repeat(500_000))),
        ("lists that do end", payload(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)))),
        ("objects in objects", payload(&deep_object)),
        ("a field twice", "{\"eventType\":\"a.b\",\"eventType\":\"c.d\",\"payload\":{}}".to_owned()),
        ("a payload twice", "{\"eventType\":\"a.b\",\"payload\":{},\"payload\":{\"a\":1}}".to_owned()),
        ("a number in the place of a name", "{\"eventType\":1e999,\"payload\":{}}".to_owned()),
        (
            "a list of a million names",
            format!("{{\"eventType\":\"a.b\",\"payload\":{{}},\"channels\":[{}\"a\"]}}", "\"a\",".repeat(200_000)),
        ),
        ("a name of a megabyte", format!("{{\"eventType\":\"{}\",\"payload\":{{}}}}", "a".repeat(1_000_000))),
        ("half a surrogate in a name", r#"{"eventType":"a\ud800","payload":{}}"#.to_owned()),
        ("unknown fields, and none that is known", format!("{{{}\"z\":1}}", keys)),
    ];
    for (what, body) in bombs {
        let begun = Instant::now();
        table.refuse(table.message(body)).await;
        assert!(begun.elapsed() < TIME_MAX, "{what} took {:?}", begun.elapsed());
    }
    table.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_json_inside_of_a_payload_passes_as_it_is() {
    let table = Table::new().await;
    let many: String = (0..50_000).map(|n| format!("\"key-{n}\":{n},")).collect();
    let payloads = [
        "{\"a\":1e400,\"b\":-0.0,\"c\":123456789012345678901234567890.5}".to_owned(),
        format!("{{\"digits\":{}}}", "9".repeat(100_000)),
        "{\"a\":1,\"a\":2}".to_owned(),
        format!("{{{many}\"z\":1}}"),
        format!("{{\"deep\":{}{}}}", "[".repeat(100), "]".repeat(100)),
        "{\"\\u0000\":\"\\u0000\\uffff\"}".to_owned(),
    ];
    for payload in payloads {
        let begun = Instant::now();
        let body = format!("{{\"eventType\":\"a.b\",\"payload\":{payload}}}");
        let accepted = table.answer(table.message(body)).await;
        let shown = &payload[..payload.len().min(60)];
        assert_eq!(accepted.status, 202, "{shown}: {}", &accepted.text[..accepted.text.len().min(300)]);
        // Numbers that no double holds are still there, digit for digit: the text is what was sent.
        assert!(accepted.text.contains(&payload), "{shown} came back otherwise");
        assert!(begun.elapsed() < TIME_MAX, "{shown} took {:?}", begun.elapsed());
    }
}

/// A body that does not come, and a head that does not end: both are given up, and meanwhile everybody else is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "waits for the listener's patience to end; tests/lanes/slow.sh runs it"]
async fn who_sends_slowly_is_given_up_and_holds_up_nobody() {
    let table = Table::new().await;
    let address = table.world.address();
    let open = async |text: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    };
    let begun = Instant::now();
    let head = "POST /api/v1/app HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let mut slow_bodies = Vec::new();
    for _ in 0..50 {
        slow_bodies.push(open(&format!("{head}content-length: 1000\r\n\r\n{{")).await);
    }
    let mut endless = open(&format!("{head}transfer-encoding: chunked\r\n\r\n1\r\n{{\r\n")).await;
    let mut slow_head = open("GET /api/v1/app HTTP/1.1\r\nx-a: ").await;
    assert_eq!(table.answer(table.get("/api/v1/health/ping")).await.status, 204);
    for stream in slow_bodies.iter_mut().chain([&mut endless]) {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 408") && text.contains("request_timeout"), "{text}");
    }
    assert!(begun.elapsed() < Duration::from_secs(45), "{:?}", begun.elapsed());
    let mut rest = Vec::new();
    slow_head.read_to_end(&mut rest).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(75), "{:?}", begun.elapsed());
    table.finish().await;
}
