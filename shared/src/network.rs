//! The network towards receivers, passed in: names become addresses and addresses become streams of bytes. Tests play a name
//! server that lies; a simulation plays the receivers too.
//!
//! What is behind it is not trusted. Every address is checked, limits are kept and TLS is spoken above it (`sender/`), so
//! whoever puts another network in its place changes none of that.

use std::io;
use std::net::{IpAddr, SocketAddr};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Where names are looked up and connections are made.
pub trait Network: Send + Sync {
    /// All addresses of a host, in the order in which they should be tried.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;

    /// A connection to an address, as it comes: no TLS, no limit of time.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>>;
}

/// Bytes to and from a receiver.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The operating system's resolver, with its hosts file, caches and address order (RFC 6724), and TCP.
///
/// The resolver runs on tokio's blocking threads and cannot be interrupted: a lookup whose request has given up ends by the
/// system's own limits, and its answer is dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNetwork;

impl Network for SystemNetwork {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            // Requests are written whole; waiting for more would only delay them. A socket that refuses works all the same.
            let _ = stream.set_nodelay(true);
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}
