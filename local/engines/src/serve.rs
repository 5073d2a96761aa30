//! The way in over HTTP/1.1, for everything that is not an SDK client of this process.
//!
//! Nothing is checked about who asks: signatures are ignored, so this belongs on the loopback address.

use std::convert::Infallible;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::Engines;

/// Connections at once; more wait to be accepted. A developer's tools and a handful of functions stay far below.
const CONNECTIONS_MAX: usize = 512;
/// How long a connection may take to send the head of its next request; also how long an idle one is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause after a failed accept, which mostly means that the process has no file descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

impl Engines {
    /// Serves the engines' own AWS endpoint on `listener` until the future is dropped, which closes its connections.
    /// One port for all three services; S3 buckets by path, or by host in front of `localhost`.
    ///
    /// **Whoever reaches the port may do everything**: signatures are not checked. Listen on a loopback address only.
    pub fn serve(&self, listener: TcpListener) -> impl Future<Output = Infallible> + Send + 'static {
        accept(self.clone(), listener)
    }
}

async fn accept(engines: Engines, listener: TcpListener) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(converse(engines.clone(), stream))),
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

async fn converse(engines: Engines, stream: TcpStream) {
    // Answers are small and awaited; a kernel that refuses only makes them slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let engines = engines.clone();
        async move { Ok::<_, Infallible>(engines.answer(request.map(Body::from)).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
