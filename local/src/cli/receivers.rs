//! Receivers of webhooks on the loopback address, for `demo` and `bench`.

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// A receiver; it is gone when this is dropped, with its connections.
pub(super) struct Receiver {
    address: SocketAddr,
    _serving: AbortOnDropHandle<()>,
}

impl Receiver {
    /// Starts one. `handle` is given each request, its headers and its body, and says what to answer.
    pub(super) async fn start<H, F>(handle: H) -> std::io::Result<Self>
    where
        H: Fn(HeaderMap, Bytes) -> F + Send + Sync + 'static,
        F: Future<Output = StatusCode> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let serving = AbortOnDropHandle::new(tokio::spawn(accept(listener, Arc::new(handle))));
        Ok(Self { address, _serving: serving })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/webhooks", self.address)
    }
}

/// A URL at which nobody listens.
pub(super) async fn dead_url() -> std::io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    Ok(format!("http://{}/webhooks", listener.local_addr()?))
}

async fn accept<H, F>(listener: TcpListener, handle: Arc<H>)
where
    H: Fn(HeaderMap, Bytes) -> F + Send + Sync + 'static,
    F: Future<Output = StatusCode> + Send + 'static,
{
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        drop(connections.spawn(converse(stream, Arc::clone(&handle))));
        while connections.try_join_next().is_some() {}
    }
}

async fn converse<H, F>(stream: TcpStream, handle: Arc<H>)
where
    H: Fn(HeaderMap, Bytes) -> F + Send + Sync + 'static,
    F: Future<Output = StatusCode> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let handle = Arc::clone(&handle);
        async move {
            let (parts, body) = request.into_parts();
            let status = match body.collect().await {
                Ok(body) => handle(parts.headers, body.to_bytes()).await,
                Err(_) => StatusCode::BAD_REQUEST,
            };
            let mut response = Response::new(Empty::<Bytes>::new());
            *response.status_mut() = status;
            Ok::<_, Infallible>(response)
        }
    });
    // A sender that hangs up is its own business.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
