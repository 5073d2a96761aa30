//! Answers in the provider's own form.

use super::provider::Provider;

/// Longest challenge that is given back; theirs have some 20 to 60 characters.
pub(super) const CHALLENGE_BYTES_MAX: usize = 1_024;

/// An answer in the provider's own form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Always one that says that all is well.
    pub status: u16,
    /// None: there is no body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: String,
}

impl Reply {
    pub(super) fn empty() -> Self {
        Self { status: 200, content_type: None, body: String::new() }
    }

    pub(super) fn of(content_type: &'static str, body: impl Into<String>) -> Self {
        Self { status: 200, content_type: Some(content_type), body: body.into() }
    }
}

/// What the provider wants to hear when its events are accepted.
pub fn accepted_reply(provider: &Provider) -> Reply {
    match provider {
        Provider::Adyen => Reply::of("text/plain", "[accepted]"),
        // TwiML that asks for nothing: an answer of another kind is an error in Twilio's log.
        Provider::Twilio => Reply::of("text/xml", r#"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#),
        // Slack shows whatever is answered to the person who gave the command.
        Provider::Slack => Reply::empty(),
        Provider::Stripe
        | Provider::Github
        | Provider::Shopify
        | Provider::Paddle
        | Provider::Square
        | Provider::Paypal { .. }
        | Provider::Sendgrid
        | Provider::Zoom
        | Provider::Gitlab
        | Provider::StandardWebhooks
        | Provider::GenericHmac(_)
        | Provider::Basic(_)
        | Provider::None(_) => Reply::of("application/json", "{}"),
    }
}
