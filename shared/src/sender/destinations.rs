//! May a webhook go there? One answer, asked when an endpoint is made or changed and again for every connection.
//!
//! When an endpoint is made, the answer is a courtesy: a mistake is told at once instead of as failed attempts. What
//! protects is the question at the connection, which asks the name server itself and connects to what it was told; a name
//! that changes its mind in between gains nothing. So the first may be lenient where DNS is slow or not there yet, and
//! asking it again is harmless.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use ipnet::IpNet;
use tokio::time::timeout;

use super::failure::Failure;
use super::guard::Guard;
use crate::domain::Invalid;
use crate::domain::destination::{check_name, check_name_is_public, check_port};
use crate::domain::url::EndpointUrl;
use crate::network::Network;

/// How long somebody who makes an endpoint waits for its name to be looked up. A resolver that has to ask the whole way from
/// the root needs about a second.
const LOOKUP_TIMEOUT_MS: u64 = 2_000;

/// The rules for destinations. A clone is one more handle on the same thing.
#[derive(Clone)]
pub struct Destinations {
    guard: Guard,
    network: Arc<dyn Network>,
}

/// A host and a port whose text breaks no rule.
pub(super) struct Destination<'a> {
    host: Host<'a>,
    pub(super) port: u16,
}

enum Host<'a> {
    Address(IpAddr),
    Name(&'a str),
}

impl Destinations {
    /// What is reached by this network, with the operator's exceptions.
    pub fn new(allowed_subnets: &[IpNet], network: Arc<dyn Network>) -> Self {
        Self { guard: Guard::new(allowed_subnets), network }
    }

    /// Refuses a URL that no webhook would be sent to as things stand: by its text, or by what its name resolves to. A name
    /// that does not resolve, or not in time, passes: its records may come later.
    pub async fn check(&self, url: &EndpointUrl) -> Result<(), Invalid> {
        let uri: Uri = url.as_str().parse().map_err(|_| Invalid::new("has no form that HTTP can carry"))?;
        let looking = async { self.addresses(&self.of(&uri)?).await };
        match timeout(Duration::from_millis(LOOKUP_TIMEOUT_MS), looking).await {
            Ok(Err(Failure::Forbidden(reason))) => Err(Invalid::new(format!("cannot be sent to: {reason}"))),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The destination of a URL, if its text breaks no rule. Where the operator allows networks of its own, names are its
    /// own, too: only their addresses tell.
    pub(super) fn of<'a>(&self, uri: &'a Uri) -> Result<Destination<'a>, Failure> {
        let default_port = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default_port);
        check_port(port).map_err(forbidden)?;
        let text = uri.host().unwrap_or_default();
        if let Ok(address) = text.trim_matches(['[', ']']).parse() {
            return Ok(Destination { host: Host::Address(address), port });
        }
        check_name(text).map_err(forbidden)?;
        if !self.guard.has_exceptions() {
            check_name_is_public(text).map_err(forbidden)?;
        }
        Ok(Destination { host: Host::Name(text), port })
    }

    /// All addresses of the destination, or none: a name with one forbidden address among good ones is refused whole,
    /// because only a mistake or an attack looks like that.
    pub(super) async fn addresses(&self, destination: &Destination<'_>) -> Result<Vec<IpAddr>, Failure> {
        let addresses = match destination.host {
            Host::Address(address) => vec![address],
            Host::Name(name) => self.network.resolve(name).await.map_err(|_| NAME_NOT_FOUND)?,
        };
        let Some(class) = addresses.iter().find_map(|ip| self.guard.refusal(*ip)) else { return Ok(addresses) };
        Err(Failure::Forbidden(Cow::Owned(format!("the host has an address of the class: {class}"))))
    }
}

pub(super) const NAME_NOT_FOUND: Failure = Failure::unreachable("the host name does not resolve");

fn forbidden(reason: Invalid) -> Failure {
    Failure::Forbidden(Cow::Owned(reason.0))
}
