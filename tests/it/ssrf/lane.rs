//! The system's own resolver, with a name server that lies, in a network where nothing else is. `tests/lanes/dns.sh` makes
//! that network, starts the server (`tests/lanes/dns.py`) and runs this, with a private address as proxy in the environment.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fanfare::domain::url::EndpointUrl;
use fanfare::network::SystemNetwork;
use fanfare::sender::Destinations;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{is_forbidden, outcome, sender};

/// Where all listeners are.
const PORT: u16 = 8080;

/// How long an endpoint's owner waits for a name server that does not answer; with room for a busy machine.
const CHECK_TIME_MAX: Duration = Duration::from_secs(4);

/// Takes connections at this address of the lane's network, answers 200, and counts.
async fn listener(address: &str) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind(SocketAddr::new(address.parse::<IpAddr>().unwrap(), PORT)).await.unwrap();
    let connections = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 8_192]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
        }
    });
    count
}

fn url(host: &str) -> EndpointUrl {
    EndpointUrl::parse(&format!("http://{host}:{PORT}/hooks")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the network of tests/lanes/dns.sh"]
async fn real_names_lead_to_public_addresses_only() {
    let public = [listener("93.184.216.34").await, listener("2606:2800:220:1::1").await];
    let private = [listener("127.0.0.1").await, listener("::1").await, listener("10.0.0.1").await];
    let count = |counts: &[Arc<AtomicUsize>]| counts.iter().map(|count| count.load(Ordering::SeqCst)).sum::<usize>();
    let (sender, destinations) = (sender(Arc::new(SystemNetwork)), Destinations::new(&[], Arc::new(SystemNetwork)));

    for good in ["good.example", "six.example", "alias-of-good.example"] {
        assert_eq!(destinations.check(&url(good)).await, Ok(()), "{good}");
        let outcome = outcome(&sender, &url(good)).await;
        assert!(outcome.is_success(), "{good}: {outcome:?}");
    }
    assert_eq!(count(&public), 3);

    for (bad, class) in [
        ("inside.example", "private network"),
        ("one-bad.example", "loopback"),
        ("alias-of-inside.example", "private network"),
        ("alias-of-alias.example", "private network"),
        ("six-inside.example", "loopback"),
        ("good-and-six-inside.example", "loopback"),
    ] {
        let refusal = destinations.check(&url(bad)).await.unwrap_err();
        assert!(refusal.0.contains(class), "{bad}: {refusal}");
        let outcome = outcome(&sender, &url(bad)).await;
        assert!(is_forbidden(&outcome, class), "{bad}: {outcome:?}");
    }

    assert_eq!(destinations.check(&url("rebound.example")).await, Ok(()), "it was good");
    for _ in 0..3 {
        let outcome = outcome(&sender, &url("rebound.example")).await;
        assert!(is_forbidden(&outcome, "loopback"), "{outcome:?}");
    }

    for (absent, is_quick) in [("none.example", true), ("slow.example", false)] {
        let started = Instant::now();
        assert_eq!(destinations.check(&url(absent)).await, Ok(()), "{absent}");
        let waited = started.elapsed();
        assert!(waited < CHECK_TIME_MAX && is_quick == (waited < Duration::from_secs(1)), "{absent}: {waited:?}");
    }
    assert!(!outcome(&sender, &url("none.example")).await.is_success());

    assert_eq!((count(&public), count(&private)), (3, 0));
}
