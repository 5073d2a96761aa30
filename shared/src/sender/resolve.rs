//! From a host name to addresses. A trait, because the tests of the guard must play a name server that lies.

use std::io;
use std::net::IpAddr;

use futures_util::future::BoxFuture;

/// Where addresses come from.
pub(super) trait Resolve: Send + Sync + 'static {
    /// All addresses of a host, in the order in which they should be tried.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The operating system's resolver, with its hosts file, caches and address order (RFC 6724).
///
/// It runs on tokio's blocking threads and cannot be interrupted: a lookup whose request has given up ends by the
/// system's own limits, and its answer is dropped.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }
}
