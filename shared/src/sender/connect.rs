//! The only way a connection comes into being: resolve once, check every address, connect to a checked one.
//!
//! This is the connector beneath the HTTP client's pool, so a connection to an unchecked address cannot exist, whatever
//! the client does above. The name is not resolved a second time between check and connect, so a name server that
//! changes its mind (DNS rebinding) gains nothing. What may be connected to is decided in `destinations.rs`.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use tokio::time::timeout;
use tower::Service;

use super::connection::CheckedStream;
use super::destinations::{Destinations, NAME_NOT_FOUND};
use super::failure::{Failure, find};
use super::tls::{self, Tls};
use crate::network::{Network, Stream};

/// How long one address may take to accept. Linux repeats an unanswered SYN after 1 and 3 seconds; a host that is there
/// has answered one of the three by then.
pub(super) const CONNECT_TIMEOUT_MS: u64 = 4_000;

/// Addresses of one name that are tried. With the limit above a dead name costs at most 12 seconds, below the usual
/// request timeout, so that the customer reads "not answered" and not only "too slow".
pub(super) const ADDRESSES_TRIED_MAX: usize = 3;

/// Makes connections. A clone is one more handle on the same thing.
#[derive(Clone)]
pub(super) struct Connector(Arc<Inner>);

struct Inner {
    destinations: Destinations,
    https_only: bool,
    network: Arc<dyn Network>,
    tls: Tls,
    /// The client finishes a connection in the background when another one became free for the request that wanted it;
    /// this limit is the only one on it then.
    limit: Duration,
}

impl Connector {
    pub(super) fn new(
        destinations: Destinations,
        https_only: bool,
        network: Arc<dyn Network>,
        tls: Tls,
        limit: Duration,
    ) -> Self {
        Self(Arc::new(Inner { destinations, https_only, network, tls, limit }))
    }

    async fn open(&self, uri: Uri) -> Result<MaybeHttpsStream<CheckedStream>, Failure> {
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return self.open_tls(uri).await;
        }
        if self.0.https_only {
            return Err(Failure::Forbidden(Cow::Borrowed("only https addresses are allowed")));
        }
        Ok(MaybeHttpsStream::Http(self.open_tcp(&uri).await?))
    }

    /// The name in the URL is what the certificate is checked against, whichever address was connected to.
    async fn open_tls(&self, uri: Uri) -> Result<MaybeHttpsStream<CheckedStream>, Failure> {
        let config = self.0.tls.config()?;
        let this = self.clone();
        let tcp = tower::service_fn(move |uri: Uri| {
            let this = this.clone();
            async move { this.open_tcp(&uri).await }
        });
        HttpsConnector::from((tcp, config)).call(uri).await.map_err(|error| handshake_failure(error.as_ref()))
    }

    async fn open_tcp(&self, uri: &Uri) -> Result<CheckedStream, Failure> {
        let destination = self.0.destinations.of(uri)?;
        let addresses = self.0.destinations.addresses(&destination).await?;
        let mut failure = NAME_NOT_FOUND;
        for ip in addresses.into_iter().take(ADDRESSES_TRIED_MAX) {
            match self.connect(SocketAddr::new(ip, destination.port)).await {
                Ok(stream) => return Ok(CheckedStream::new(stream)),
                Err(reason) => failure = reason,
            }
        }
        Err(failure)
    }

    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn Stream>, Failure> {
        let connecting = timeout(Duration::from_millis(CONNECT_TIMEOUT_MS), self.0.network.connect(address)).await;
        connecting
            .map_err(|_| Failure::unreachable("the connection attempt was not answered"))?
            .map_err(|error| Failure::of_connecting(&error))
    }
}

fn handshake_failure(error: &(dyn std::error::Error + 'static)) -> Failure {
    find::<Failure>(error)
        .cloned()
        .or_else(|| find::<rustls::Error>(error).map(tls::failure))
        .unwrap_or(Failure::unreachable("TLS failed: the connection was closed during the handshake"))
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<CheckedStream>;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { timeout(this.0.limit, this.open(uri)).await.unwrap_or(Err(Failure::TooSlow)) })
    }
}
