//! A provider as JSON: its kind, and beside it the settings that this kind has. `{"kind": "stripe"}`,
//! `{"kind": "generic-hmac", "header": "X-Signature", "prefix": "sha256="}`. The same in the API and in the store.

use serde::{Deserialize, Serialize};

use super::generic::{HmacAlgorithm, HmacScheme, SignatureEncoding, SignedTemplate, TimestampHeader, TimestampUnit};
use super::headers::HeaderName;
use super::naming::{EventNaming, Place};
use super::provider::{PROVIDER_KINDS, PaypalWebhookId, Provider};
use super::tolerance::{TOLERANCE_SECONDS_DEFAULT, TOLERANCE_SECONDS_MAX};
use crate::domain::Invalid;

/// Every setting that some kind has.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Settings {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_id: Option<PaypalWebhookId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<HeaderName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<HmacAlgorithm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<SignatureEncoding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_header: Option<HeaderName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_unit: Option<TimestampUnit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tolerance_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<Place>,
}

impl TryFrom<Settings> for Provider {
    type Error = Invalid;

    fn try_from(mut settings: Settings) -> Result<Self, Invalid> {
        let provider = match std::mem::take(&mut settings.kind).as_str() {
            "stripe" => Self::Stripe,
            "github" => Self::Github,
            "shopify" => Self::Shopify,
            "slack" => Self::Slack,
            "paddle" => Self::Paddle,
            "square" => Self::Square,
            "paypal" => {
                Self::Paypal { webhook_id: settings.webhook_id.take().ok_or_else(|| is_required("webhookId"))? }
            }
            "adyen" => Self::Adyen,
            "twilio" => Self::Twilio,
            "sendgrid" => Self::Sendgrid,
            "zoom" => Self::Zoom,
            "gitlab" => Self::Gitlab,
            "standard-webhooks" => Self::StandardWebhooks,
            "generic-hmac" => Self::GenericHmac(settings.take_scheme()?),
            "basic" => Self::Basic(settings.take_naming()?),
            "none" => Self::None(settings.take_naming()?),
            _ => return Err(Invalid::new(format!("kind: must be one of {}", PROVIDER_KINDS.join(", ")))),
        };
        settings.must_be_used_up(provider.name())?;
        Ok(provider)
    }
}

impl From<Provider> for Settings {
    fn from(provider: Provider) -> Self {
        let settings = Self { kind: provider.name().to_owned(), ..Self::default() };
        match provider {
            Provider::Paypal { webhook_id } => Self { webhook_id: Some(webhook_id), ..settings },
            Provider::GenericHmac(scheme) => settings.with_scheme(scheme),
            Provider::Basic(naming) | Provider::None(naming) => settings.with_naming(naming),
            _ => settings,
        }
    }
}

impl Settings {
    fn take_scheme(&mut self) -> Result<HmacScheme, Invalid> {
        let timestamp = self.take_timestamp()?;
        let signed = match self.signed.take() {
            Some(text) => SignedTemplate::parse(&text).map_err(|reason| Invalid::new(format!("signed: {reason}")))?,
            None if timestamp.is_some() => SignedTemplate::timestamp_and_body(),
            None => SignedTemplate::body(),
        };
        let scheme = HmacScheme {
            header: self.header.take().ok_or_else(|| is_required("header"))?,
            algorithm: self.algorithm.take().unwrap_or_default(),
            encoding: self.encoding.take().unwrap_or_default(),
            prefix: self.prefix.take().unwrap_or_default(),
            timestamp,
            signed,
            naming: self.take_naming()?,
        };
        scheme.must_fit_together()?;
        Ok(scheme)
    }

    fn take_timestamp(&mut self) -> Result<Option<TimestampHeader>, Invalid> {
        // Without the header the unit and the tolerance stay, and are refused as settings that mean nothing.
        let Some(header) = self.timestamp_header.take() else { return Ok(None) };
        let tolerance_seconds = self.tolerance_seconds.take().unwrap_or(TOLERANCE_SECONDS_DEFAULT);
        if !(1..=TOLERANCE_SECONDS_MAX).contains(&tolerance_seconds) {
            return Err(Invalid::new(format!("toleranceSeconds: must be 1 to {TOLERANCE_SECONDS_MAX}")));
        }
        Ok(Some(TimestampHeader { header, unit: self.timestamp_unit.take().unwrap_or_default(), tolerance_seconds }))
    }

    fn take_naming(&mut self) -> Result<EventNaming, Invalid> {
        let naming = EventNaming { id: self.event_id.take(), event_type: self.event_type.take() };
        naming.id.iter().chain(&naming.event_type).try_for_each(Place::must_be_open)?;
        Ok(naming)
    }

    /// A setting that the kind does not have is a mistake, which would go unnoticed until the first webhook is refused.
    fn must_be_used_up(self, kind: &str) -> Result<(), Invalid> {
        let left = serde_json::to_value(self).ok();
        let name = left.as_ref().and_then(|left| left.as_object()?.keys().find(|name| *name != "kind"));
        match name {
            Some(name) => Err(Invalid::new(format!("{name}: has no meaning for this {kind} source"))),
            None => Ok(()),
        }
    }

    fn with_scheme(self, scheme: HmacScheme) -> Self {
        let (timestamp_header, timestamp_unit, tolerance_seconds) = match scheme.timestamp {
            Some(time) => (Some(time.header), Some(time.unit), Some(time.tolerance_seconds)),
            None => (None, None, None),
        };
        let settings = Self {
            header: Some(scheme.header),
            algorithm: Some(scheme.algorithm),
            encoding: Some(scheme.encoding),
            prefix: Some(scheme.prefix).filter(|prefix| !prefix.is_empty()),
            timestamp_header,
            timestamp_unit,
            tolerance_seconds,
            signed: Some(scheme.signed.to_string()),
            ..self
        };
        settings.with_naming(scheme.naming)
    }

    fn with_naming(self, naming: EventNaming) -> Self {
        Self { event_id: naming.id, event_type: naming.event_type, ..self }
    }
}

fn is_required(setting: &str) -> Invalid {
    Invalid::new(format!("{setting}: is required"))
}
