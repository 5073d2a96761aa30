//! PayPal signs with a certificate that is fetched from PayPal, by the network that deliveries use.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use fanfare::config::Platform;
use fanfare::network::{Network, Stream};
use futures_util::future::BoxFuture;
use serde_json::json;

use super::{Provider, now, post};
use crate::harness::Stage;
use crate::harness::table::items;

/// Notes which names were asked for, and knows none.
#[derive(Default)]
struct Nobody(Mutex<Vec<String>>);

impl Network for Nobody {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.0.lock().unwrap().push(host.to_owned());
        Box::pin(std::future::ready(Err(io::ErrorKind::NotFound.into())))
    }

    fn connect(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(std::future::ready(Err(io::ErrorKind::ConnectionRefused.into())))
    }
}

#[tokio::test]
async fn without_the_certificate_paypal_is_asked_to_come_again_and_nobody_else_is_asked_for_one() {
    let stage = Stage::new(&[]).await;
    let network = Arc::new(Nobody::default());
    let router = ingest::router(&Platform { network: network.clone(), ..stage.platform.clone() });
    let source = json!({ "provider": { "kind": "paypal", "webhookId": "1JE4291016473214C" } });
    let paypal = Provider::with(&stage, source).await;
    let before = items(&stage.engines).await.len();
    let ask = async |certificate: &str| {
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("paypal-transmission-id", "8e3f7c60-9fd5-11ee-a6b1-2f0c9d7d3f3a".to_owned()),
            ("paypal-transmission-time", now(&stage).to_rfc3339()),
            ("paypal-auth-algo", "SHA256withRSA".to_owned()),
            ("paypal-transmission-sig", "c2lnbmF0dXJl".to_owned()),
            ("paypal-cert-url", certificate.to_owned()),
        ];
        let body = r#"{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}"#;
        post(router.clone(), &paypal.path, &headers, body).await.status.as_u16()
    };
    assert_eq!(ask("https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270").await, 503);
    assert_eq!(*network.0.lock().unwrap(), ["api.paypal.com"]);
    for elsewhere in [
        "https://api.paypal.com.example.com/v1/notifications/certs/CERT-1",
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://169.254.169.254/v1/notifications/certs/CERT-1",
        "https://user@api.paypal.com:444/v1/notifications/certs/CERT-1",
    ] {
        assert_eq!(ask(elsewhere).await, 401, "{elsewhere}");
    }
    assert_eq!(network.0.lock().unwrap().len(), 1);
    assert_eq!(items(&stage.engines).await.len(), before);
}
