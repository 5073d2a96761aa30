//! How a gateway is started.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use fanfare::config::{JwtSecret, names};
use fanfare_engines::Durability;

/// What a developer's machine needs to be different: receivers on the machine itself, without TLS, and as many
/// requests as it can take. Everything else keeps
/// the template's default.
pub const LOCAL_DEFAULTS: [(&str, &str); 4] = [
    (names::ALLOWED_SUBNETS, "127.0.0.0/8,::1/128"),
    (names::HTTPS_ONLY, "false"),
    (names::RATE_LIMIT, "0"),
    (names::TOKEN_RATE_LIMIT, "0"),
];

/// Where table, queues and bucket live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// In memory; gone when the gateway ends.
    Memory,
    /// In this directory, which is made if it is not there; a later start goes on from it.
    Disk(PathBuf),
}

/// How a gateway is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the API listens. Port 0: a free one, see [`Gateway::address`](crate::Gateway::address).
    pub listen: SocketAddr,
    /// Where the engines' AWS endpoint listens, if at all. **Whoever reaches it may do everything.**
    pub aws_listen: Option<SocketAddr>,
    /// Where the state is kept.
    pub state: State,
    /// What an acknowledged write on disk survives.
    pub durability: Durability,
    /// `FANFARE_…` variables that go before the template's values and [`LOCAL_DEFAULTS`], in every function that has
    /// them.
    pub overrides: BTreeMap<String, String>,
    /// Signs and checks tokens. None: the one in the state's directory, made at the first start; in memory a random one.
    pub jwt_secret: Option<JwtSecret>,
}

impl Options {
    /// A free port of the loopback address, no AWS endpoint, the local defaults.
    pub fn new(state: State) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            aws_listen: None,
            state,
            durability: Durability::default(),
            overrides: BTreeMap::new(),
            jwt_secret: None,
        }
    }
}
