//! A name server that says what a test wants, and nothing to others: no test asks the real one.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use fanfare::network::{Network, Stream, SystemNetwork};
use futures_util::future::BoxFuture;

/// Names with their answers. Names that are not among them do not resolve. Connections are real.
#[derive(Default)]
pub(crate) struct Names {
    answers: Mutex<BTreeMap<String, VecDeque<Vec<IpAddr>>>>,
    lookups: Mutex<Vec<String>>,
    connections: Mutex<Vec<SocketAddr>>,
}

impl Names {
    /// Answers to a name, one after the other; the last one stays. Addresses of an answer are separated by spaces.
    pub(crate) fn tell(&self, name: &str, answers: &[&str]) {
        let addresses = |answer: &&str| answer.split_whitespace().map(|address| address.parse().unwrap()).collect();
        self.answers.lock().unwrap().insert(name.to_owned(), answers.iter().map(addresses).collect());
    }

    /// What was asked for since this was called last.
    pub(crate) fn take_lookups(&self) -> Vec<String> {
        std::mem::take(&mut self.lookups.lock().unwrap())
    }

    /// Where connections were opened to since this was called last.
    pub(crate) fn take_connections(&self) -> Vec<SocketAddr> {
        std::mem::take(&mut self.connections.lock().unwrap())
    }
}

impl Network for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.lookups.lock().unwrap().push(host.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = answers
            .get_mut(host)
            .and_then(|left| if left.len() > 1 { left.pop_front() } else { left.front().cloned() });
        Box::pin(std::future::ready(answer.ok_or(io::ErrorKind::NotFound.into())))
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        self.connections.lock().unwrap().push(address);
        SystemNetwork.connect(address)
    }
}
