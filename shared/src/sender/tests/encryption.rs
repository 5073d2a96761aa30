//! TLS with an authority of our own. `certificates/` holds it, and a certificate of it for `hooks.example` with its key;
//! all are valid until 2120 and used here only.

use std::net::IpAddr;

use futures_util::future::BoxFuture;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::network::{Network, Stream};

/// Every name is this machine.
struct Here;

impl Network for Here {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, std::io::Result<Vec<IpAddr>>> {
        Box::pin(std::future::ready(Ok(vec![IpAddr::from([127, 0, 0, 1])])))
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, std::io::Result<Box<dyn Stream>>> {
        SystemNetwork.connect(address)
    }
}

pub(super) fn trusting(roots: RootCertStore) -> Sender {
    Sender::with(&settings(LONG_MS), Arc::new(Here), Roots::Only(roots))
}

pub(super) fn authority() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_slice(include_bytes!("certificates/authority.der"))).unwrap();
    roots
}

/// A receiver that speaks TLS, gives every request this answer and reports the name it was meant for; its port.
pub(super) fn encrypted(
    answer: &'static str,
    requests_max: usize,
) -> (u16, tokio::sync::mpsc::UnboundedReceiver<Option<String>>) {
    let certificate = CertificateDer::from_slice(include_bytes!("certificates/receiver.der"));
    let key = PrivateKeyDer::try_from(include_bytes!("certificates/receiver-key.der").as_slice()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let (report, names) = reports();
    let address = receiver(move |_, stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
        for _ in 0..requests_max {
            let Some(_) = read_request(&mut stream) else { return };
            report.send(stream.conn.server_name().map(str::to_owned)).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (address.port(), names)
}

#[tokio::test]
async fn a_receiver_with_a_good_certificate_gets_its_deliveries_on_one_connection() {
    let (port, mut names) = encrypted(OK, 9);
    let sender = trusting(authority());
    for _ in 0..2 {
        assert_eq!(send(&sender, &format!("https://hooks.example:{port}/")).await, answered(200, "ok"));
        assert_eq!(next(&mut names).await.as_deref(), Some("hooks.example"));
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_or_of_an_unknown_authority_is_refused() {
    let (port, mut names) = encrypted(OK, 9);
    assert_unreachable(
        send(&trusting(authority()), &format!("https://other.example:{port}/")).await,
        "for another name",
    );
    assert_unreachable(send(&trusting(authority()), &format!("https://127.0.0.1:{port}/")).await, "for another name");
    let stranger = trusting(RootCertStore::empty());
    assert_unreachable(send(&stranger, &format!("https://hooks.example:{port}/")).await, "leads to no known issuer");
    assert!(names.try_recv().is_err());
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection_needs_no_goodbye_but_a_length_that_was_told_must_be_kept() {
    let (port, _names) = encrypted("HTTP/1.1 200 OK\r\n\r\nok", 1);
    let url = format!("https://hooks.example:{port}/");
    assert_eq!(send(&trusting(authority()), &url).await, answered(200, "ok"));

    for cut in ["content-length: 9\r\n\r\nok", "transfer-encoding: chunked\r\n\r\n9\r\nok"] {
        let (port, _names) = encrypted(format!("HTTP/1.1 200 OK\r\n{cut}").leak(), 1);
        let outcome = send(&trusting(authority()), &format!("https://hooks.example:{port}/")).await;
        assert_unreachable(outcome, "closed before the answer was complete");
    }
}

#[tokio::test]
async fn a_receiver_that_does_not_speak_tls_is_unreachable() {
    let plain = receiver(|_, mut stream| {
        stream.read_exact(&mut [0]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        is_closed_after(&mut stream, Duration::from_millis(LONG_MS.into()));
    });
    let closing = receiver(|_, mut stream| stream.read_exact(&mut [0]).unwrap());
    for address in [plain, closing] {
        let outcome = send(&trusting(authority()), &format!("https://hooks.example:{}/", address.port())).await;
        assert_unreachable(outcome, "TLS failed");
    }
}
