//! The providers we know, and what is particular about each besides its signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::generic::HmacScheme;
use super::naming::EventNaming;
use super::secret::{GENERATED_SECRET_BYTES, InboundSecret};
use super::settings::Settings;
use super::{adyen, gitlab, open, sendgrid, standard_webhooks, stripe};
use crate::domain::Invalid;
use crate::domain::signature::SignatureScheme;

/// Longest webhook id of PayPal; theirs have 17 characters.
const WEBHOOK_ID_CHARS_MAX: usize = 64;

/// Who sends, and by which scheme. As JSON it is an object with a `kind` and, for some, settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub enum Provider {
    /// Stripe.
    Stripe,
    /// GitHub.
    Github,
    /// Shopify.
    Shopify,
    /// Slack: events, slash commands and interactivity.
    Slack,
    /// Paddle Billing.
    Paddle,
    /// Square.
    Square,
    /// PayPal.
    Paypal {
        /// PayPal's identifier of the webhook, which it signs.
        webhook_id: PaypalWebhookId,
    },
    /// Adyen: standard notifications.
    Adyen,
    /// Twilio.
    Twilio,
    /// SendGrid's signed event webhook.
    Sendgrid,
    /// Zoom.
    Zoom,
    /// GitLab: a signing token, or the older secret token.
    Gitlab,
    /// Standard Webhooks, and Svix, where it comes from.
    StandardWebhooks,
    /// Any other HMAC.
    GenericHmac(HmacScheme),
    /// A name and a password.
    Basic(EventNaming),
    /// Whoever knows the address.
    None(EventNaming),
}

/// Every `kind`.
pub const PROVIDER_KINDS: [&str; 16] = [
    "stripe", "github", "shopify", "slack", "paddle", "square", "paypal", "adyen", "twilio", "sendgrid", "zoom",
    "gitlab", "standard-webhooks", "generic-hmac", "basic", "none",
];

impl Provider {
    /// Its `kind`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Github => "github",
            Self::Shopify => "shopify",
            Self::Slack => "slack",
            Self::Paddle => "paddle",
            Self::Square => "square",
            Self::Paypal { .. } => "paypal",
            Self::Adyen => "adyen",
            Self::Twilio => "twilio",
            Self::Sendgrid => "sendgrid",
            Self::Zoom => "zoom",
            Self::Gitlab => "gitlab",
            Self::StandardWebhooks => "standard-webhooks",
            Self::GenericHmac(_) => "generic-hmac",
            Self::Basic(_) => "basic",
            Self::None(_) => "none",
        }
    }

    /// Whether a source of it has a secret. PayPal's has none: its certificate is public.
    pub fn needs_secret(&self) -> bool {
        !matches!(self, Self::Paypal { .. } | Self::None(_))
    }

    /// Checks a secret for this provider: its form, and its length.
    pub fn check_secret(&self, text: &str) -> Result<InboundSecret, Invalid> {
        match self {
            Self::Stripe => stripe::check_secret(text),
            Self::Adyen => adyen::check_secret(text),
            Self::Sendgrid => sendgrid::check_secret(text),
            Self::Gitlab => gitlab::check_secret(text),
            Self::StandardWebhooks => standard_webhooks::check_secret(text),
            Self::Basic(_) => open::check_secret(text),
            Self::Github
            | Self::Shopify
            | Self::Slack
            | Self::Paddle
            | Self::Square
            | Self::Twilio
            | Self::Zoom
            | Self::GenericHmac(_) => InboundSecret::of_text(text),
            Self::Paypal { .. } | Self::None(_) => {
                Err(Invalid::new(format!("a source of kind {} has no secret", self.name())))
            }
        }
    }

    /// A secret made of random bytes, where the owner tells it to the provider; none where the provider makes it.
    pub fn generated_secret(&self, random: [u8; GENERATED_SECRET_BYTES]) -> Option<InboundSecret> {
        let token = || URL_SAFE_NO_PAD.encode(random);
        let text = match self {
            Self::StandardWebhooks => SignatureScheme::V1.secret_of(random).to_secret_text(),
            Self::Github | Self::Gitlab | Self::GenericHmac(_) => token(),
            Self::Basic(_) => format!("fanfare:{}", token()),
            Self::Stripe
            | Self::Shopify
            | Self::Slack
            | Self::Paddle
            | Self::Square
            | Self::Paypal { .. }
            | Self::Adyen
            | Self::Twilio
            | Self::Sendgrid
            | Self::Zoom
            | Self::None(_) => return None,
        };
        self.check_secret(&text).ok()
    }

    /// Headers of the original request that say something to a receiver, in lower case. Never a signature or a credential.
    pub fn forwarded_headers(&self) -> &'static [&'static str] {
        match self {
            Self::Github => &[
                "x-github-delivery",
                "x-github-event",
                "x-github-hook-id",
                "x-github-hook-installation-target-id",
                "x-github-hook-installation-target-type",
            ],
            Self::Shopify => &[
                "x-shopify-api-version",
                "x-shopify-event-id",
                "x-shopify-shop-domain",
                "x-shopify-topic",
                "x-shopify-triggered-at",
                "x-shopify-webhook-id",
            ],
            Self::Slack => &["x-slack-retry-num", "x-slack-retry-reason"],
            Self::Square => &["square-environment", "square-initial-delivery-timestamp", "square-retry-number"],
            Self::Paypal { .. } => &["paypal-transmission-id", "paypal-transmission-time"],
            Self::Twilio => &["i-twilio-idempotency-token"],
            Self::Zoom => &["x-zm-trackingid"],
            Self::Gitlab => &[
                "idempotency-key",
                "x-gitlab-event",
                "x-gitlab-event-uuid",
                "x-gitlab-instance",
                "x-gitlab-webhook-uuid",
            ],
            Self::Stripe
            | Self::Paddle
            | Self::Adyen
            | Self::Sendgrid
            | Self::StandardWebhooks
            | Self::GenericHmac(_)
            | Self::Basic(_)
            | Self::None(_) => &[],
        }
    }
}

/// PayPal's identifier of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaypalWebhookId(String);

impl PaypalWebhookId {
    /// Letters, digits and dashes.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if text.is_empty() || text.len() > WEBHOOK_ID_CHARS_MAX || !text.bytes().all(fits) {
            return Err(Invalid::new(format!("must be 1 to {WEBHOOK_ID_CHARS_MAX} letters, digits and dashes")));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PaypalWebhookId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<PaypalWebhookId> for String {
    fn from(id: PaypalWebhookId) -> Self {
        id.0
    }
}
