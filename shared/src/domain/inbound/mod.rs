//! Webhooks from outside: whether a request comes from the provider it claims to come from, and which events it holds.
//!
//! Each scheme is a small module that follows its provider's documentation. What they promise together:
//!
//! - **The raw body is what is verified**, byte for byte, and nothing of it is read before its signature is right, apart
//!   from what a scheme signs in pieces (Adyen's items, Twilio's form fields).
//! - **Every secret is tried, and compared in constant time**, so the time an answer takes tells neither how much of a
//!   signature was right nor which secret it was made with.
//! - **Old requests are refused** where the provider signs a time ([`tolerance`]), and so are those from the future.
//! - **A refusal shows nothing**: [`Rejected`] holds no secret and nothing of the body.
//!
//! Everything here is pure, so a request may be verified twice. An event's id is what the provider keeps over its retries,
//! which is what makes accepting it twice harmless.

mod adyen;
mod body;
mod claim;
mod event;
mod generic;
mod github;
mod gitlab;
mod headers;
mod hmac;
mod json;
mod naming;
mod open;
mod paddle;
mod paypal;
mod provider;
mod rejected;
mod reply;
mod secret;
mod sendgrid;
mod settings;
mod shopify;
mod slack;
mod square;
mod standard_webhooks;
mod stripe;
mod timed_list;
mod tolerance;
mod twilio;
mod versioned;
mod zoom;

use super::timestamp::Timestamp;

pub use event::{InboundEvent, Verified};
pub use generic::{HmacAlgorithm, HmacScheme, SignatureEncoding, SignedTemplate, TimestampHeader, TimestampUnit};
pub use headers::{HeaderName, Headers};
pub use naming::{EventNaming, JsonPointer, Place};
pub use provider::{PROVIDER_KINDS, PaypalWebhookId, Provider};
pub use rejected::Rejected;
pub use reply::{Reply, accepted_reply};
pub use secret::{GENERATED_SECRET_BYTES, InboundSecret};
pub use tolerance::{TOLERANCE_SECONDS_DEFAULT, TOLERANCE_SECONDS_MAX};

use claim::Claim;

/// A request as the provider sent it.
#[derive(Clone, Copy)]
pub struct InboundRequest<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The public address as the provider called it, with its query: Twilio and Square sign it.
    pub url: &'a str,
    /// All of them.
    pub headers: &'a Headers,
    /// Byte for byte.
    pub body: &'a [u8],
}

/// Holds a request against the provider's scheme. `secrets` are all that are valid now; `certificate` is what stood at the
/// address that [`Verified::NeedsCertificate`] named.
pub fn verify(
    provider: &Provider,
    secrets: &[InboundSecret],
    request: &InboundRequest<'_>,
    now: Timestamp,
    certificate: Option<&[u8]>,
) -> Result<Verified, Rejected> {
    let claim = Claim { secrets, request, now };
    match provider {
        Provider::Stripe => stripe::verify(&claim),
        Provider::Github => github::verify(&claim),
        Provider::Shopify => shopify::verify(&claim),
        Provider::Slack => slack::verify(&claim),
        Provider::Paddle => paddle::verify(&claim),
        Provider::Square => square::verify(&claim),
        Provider::Paypal { webhook_id } => paypal::verify(&claim, webhook_id, certificate),
        Provider::Adyen => adyen::verify(&claim),
        Provider::Twilio => twilio::verify(&claim),
        Provider::Sendgrid => sendgrid::verify(&claim),
        Provider::Zoom => zoom::verify(&claim),
        Provider::Gitlab => gitlab::verify(&claim),
        Provider::StandardWebhooks => standard_webhooks::verify(&claim),
        Provider::GenericHmac(scheme) => generic::verify(&claim, scheme),
        Provider::Basic(naming) => open::verify_basic(&claim, naming),
        Provider::None(naming) => open::verify_none(&claim, naming),
    }
}

#[cfg(test)]
mod tests;
