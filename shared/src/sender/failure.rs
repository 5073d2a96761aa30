//! Why there is no answer: from the errors of five libraries to our words.
//!
//! The words are shown to the customer whose endpoint it is, so they carry no address, no path and no text of a library
//! or of the operating system, which may name things of our network.

use std::borrow::Cow;
use std::error::Error;
use std::io;

use hyper_util::client::legacy;

use super::tls;
use crate::domain::attempt::Outcome;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// Policy.
    #[error("{0}")]
    Forbidden(Cow<'static, str>),
    /// The limit of the whole request is over.
    #[error("too slow")]
    TooSlow,
    /// The connection ended before the answer did. Apart from the others because a connection that was idle for a
    /// while may have ended long ago, and then a fresh one deserves a try.
    #[error("the connection was closed before the answer was complete")]
    Closed,
    /// Anything else.
    #[error("{0}")]
    Unreachable(Cow<'static, str>),
}

impl Failure {
    pub(super) const fn unreachable(reason: &'static str) -> Self {
        Self::Unreachable(Cow::Borrowed(reason))
    }

    /// Of opening a TCP connection.
    pub(super) fn of_connecting(error: &io::Error) -> Self {
        Self::unreachable(match error.kind() {
            io::ErrorKind::ConnectionRefused => "the connection was refused",
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => "the connection was reset",
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => "no route leads to the receiver",
            io::ErrorKind::TimedOut => "the connection attempt was not answered",
            _ => "the connection failed",
        })
    }

    /// Of the exchange on a connection, or of anything before it.
    pub(super) fn of_exchange(error: &legacy::Error) -> Self {
        Self::of(error)
    }

    /// Of reading the body of an answer.
    pub(super) fn of_body(error: &hyper::Error) -> Self {
        Self::of(error)
    }

    fn of(error: &(dyn Error + 'static)) -> Self {
        if let Some(ours) = find::<Self>(error) {
            return ours.clone();
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return tls::failure(tls);
        }
        if let Some(hyper) = find::<hyper::Error>(error) {
            if hyper.is_parse_too_large() {
                return Self::unreachable("the headers of the answer are too large");
            }
            if hyper.is_parse() {
                return Self::unreachable("the answer is not valid HTTP");
            }
        }
        // hyper reports a broken chunk as an error of the stream.
        match find::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => {
                Self::unreachable("the answer is not valid HTTP")
            }
            _ => Self::Closed,
        }
    }

    pub(super) fn into_outcome(self, limit_ms: u32) -> Outcome {
        match self {
            Self::Forbidden(reason) => Outcome::Forbidden { reason: reason.into_owned() },
            Self::TooSlow => Outcome::TimedOut { limit_ms },
            Self::Closed => Outcome::Unreachable { reason: Self::Closed.to_string() },
            Self::Unreachable(reason) => Outcome::Unreachable { reason: reason.into_owned() },
        }
    }
}

/// The first cause of type `E`. An `io::Error` does not count what it wraps among its causes, so that is opened here.
pub(super) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    if let Some(found) = error.downcast_ref::<E>() {
        return Some(found);
    }
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let cause = match wrapped {
        Some(wrapped) => wrapped as &(dyn Error + 'static),
        None => error.source()?,
    };
    find(cause)
}
