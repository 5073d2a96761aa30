//! Receiving a webhook from outside: which source its address names, whether it comes from that source's provider, and which
//! messages are to be accepted for it. Accepting them is the door's next step, and the answer comes after.
//!
//! Why it may run twice: it writes nothing. A provider that has no answer repeats its request, which leads to the same messages,
//! and whoever accepts those twice finds the first ones (`domain/inbound_message.rs`).
//!
//! What a stranger can learn: a source that is not there, one of another token, one that is disabled and an address that is none
//! at all cost the same one read and are refused alike.

mod certificates;
mod refused;

use crate::config::Platform;
use crate::domain::ids::OrganizationId;
use crate::domain::inbound::{Headers, InboundRequest, Rejected, Reply, Verified, accepted_reply, verify};
use crate::domain::inbound_message::{InboundMessage, messages_of};
use crate::domain::original_headers::OriginalHeaders;
use crate::domain::source::Source;
use crate::domain::source_address::SourceAddress;
use crate::effects::Effects;
use crate::fault::Fault;
use crate::store::{ApplicationRef, SourceRef, Store};
use certificates::Certificates;
use refused::Refused;

/// The flow, with what it needs. Cheap to clone.
#[derive(Clone)]
pub struct ReceiveInbound {
    store: Store,
    certificates: Certificates,
    refused: Refused,
    effects: Effects,
}

/// A request as it came.
pub struct Inbound<'a> {
    /// The first part of its address: which source.
    pub source: &'a str,
    /// The second part: what only the source's provider was told.
    pub token: &'a str,
    /// Its method.
    pub method: &'a str,
    /// The public address that was called.
    pub url: &'a str,
    /// Its headers.
    pub headers: &'a [(String, Vec<u8>)],
    /// Its body, byte for byte.
    pub body: &'a [u8],
}

/// What follows from a request that is right.
#[derive(Debug)]
pub struct Received {
    /// Whose source it is.
    pub organization: OrganizationId,
    /// For whom the messages are.
    pub application: ApplicationRef,
    /// What is to be accepted, all of it, before the answer.
    pub messages: Vec<InboundMessage>,
    /// The answer.
    pub reply: Reply,
}

/// Why a request is not received.
#[derive(Debug, thiserror::Error)]
pub enum NotReceived {
    /// There is no such source, or it takes nothing.
    #[error("no such source")]
    NoSource,
    /// Its body is compressed, which no provider's signature knows of.
    #[error("the body is compressed")]
    Compressed,
    /// It is not what the provider sends.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Our own failure, or that of a provider that does not hand out its certificate.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl ReceiveInbound {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        Self {
            store: Store::new(&platform.sdk, &platform.settings.table, &platform.keys),
            certificates: Certificates::new(platform),
            refused: Refused::default(),
            effects: platform.effects.clone(),
        }
    }

    /// What is to be accepted and answered. Nothing is stored.
    pub async fn run(&self, inbound: &Inbound<'_>) -> Result<Received, NotReceived> {
        let (address, source) = self.source(inbound).await?;
        if is_compressed(inbound.headers) {
            return Err(NotReceived::Compressed);
        }
        let verified = self.verified(&source, inbound).await.inspect_err(|reason| {
            if let NotReceived::Rejected(reason) = reason {
                self.refused.note(&source.id, reason, self.effects.now());
            }
        })?;
        let (messages, reply) = match verified {
            Verified::Reply(reply) => (Vec::new(), reply),
            Verified::Events(events) => {
                let headers = OriginalHeaders::choose(source.headers_that_go_on(), inbound.headers);
                (messages_of(&source, events, &headers), accepted_reply(&source.provider))
            }
            Verified::NeedsCertificate(_) => {
                return Err(Fault::corrupt("verifying a webhook asks for its certificate again").into());
            }
        };
        let application = ApplicationRef::Id(source.application);
        Ok(Received { organization: address.organization, application, messages, reply })
    }

    /// The source that an address names, if it is open.
    async fn source(&self, inbound: &Inbound<'_>) -> Result<(SourceAddress, Source), NotReceived> {
        let address = SourceAddress::parse(inbound.source, inbound.token).unwrap_or_else(SourceAddress::nowhere);
        let found = self.store.source(&address.organization, &SourceRef::Id(address.source)).await?;
        let open = found.filter(|source| source.token.is(&address.token) && !source.is_disabled);
        open.map(|source| (address, source)).ok_or(NotReceived::NoSource)
    }

    async fn verified(&self, source: &Source, inbound: &Inbound<'_>) -> Result<Verified, NotReceived> {
        let (now, headers) = (self.effects.now(), Headers::from_iter(inbound.headers.iter().cloned()));
        let secrets = source.secrets_at(now);
        let Inbound { method, url, body, .. } = *inbound;
        let request = InboundRequest { method, url, headers: &headers, body };
        let verify = |certificate: Option<&[u8]>| verify(&source.provider, &secrets, &request, now, certificate);
        let at = match verify(None)? {
            Verified::NeedsCertificate(at) => at,
            verified @ (Verified::Events(_) | Verified::Reply(_)) => return Ok(verified),
        };
        let certificate = self.certificates.get(&at, now).await?;
        let verified = verify(Some(&certificate))?;
        // Only what has proved good is kept, so nobody fills the place with addresses that lead to something else.
        self.certificates.keep(at, certificate, now);
        Ok(verified)
    }
}

fn is_compressed(headers: &[(String, Vec<u8>)]) -> bool {
    let encodings = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
    encodings.map(|(_, value)| value).any(|value| !value.is_empty() && !value.eq_ignore_ascii_case(b"identity"))
}
