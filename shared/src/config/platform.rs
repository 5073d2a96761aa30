//! What a function is given when it starts.

use std::sync::Arc;

use aws_config::SdkConfig;

use super::{Settings, SettingsError, sdk};
use crate::effects::Effects;
use crate::keys::Keys;
use crate::network::{Network, SystemNetwork};
use crate::telemetry::{self, LogFormat, MetricLines, Telemetry, TelemetrySettings};

/// Everything a door is built from: the settings, the way to AWS and to receivers, and time and randomness. In the cloud it comes from the
/// environment; the local gateway and the tests put their own together.
#[derive(Clone)]
pub struct Platform {
    /// What is configured.
    pub settings: Settings,
    /// How the AWS SDK's clients are made.
    pub sdk: SdkConfig,
    /// What secrets are sealed with.
    pub keys: Keys,
    /// Time and randomness.
    pub effects: Effects,
    /// How receivers are reached.
    pub network: Arc<dyn Network>,
    /// What is told to whoever operates it.
    pub telemetry: Telemetry,
}

impl Platform {
    /// The platform of a deployed function; also starts logging. Called once, at the beginning of `main`.
    pub fn from_env() -> Result<Self, SettingsError> {
        let settings = Settings::from_env()?;
        telemetry::start(&settings.log_level, LogFormat::Json, settings.debug_sample);
        let platform = Self::new(settings, sdk::from_env(), Effects::system(), Arc::new(SystemNetwork));
        Ok(platform.telling(Arc::new(telemetry::write_to_stdout)))
    }

    /// A platform of these parts.
    pub fn new(settings: Settings, sdk: SdkConfig, effects: Effects, network: Arc<dyn Network>) -> Self {
        let keys = Keys::new(&sdk, &settings.kms_key, settings.encrypt_payloads);
        let telemetry = TelemetrySettings {
            debug_share: settings.debug_sample,
            has_metrics: settings.has_metrics,
            stack: settings.stack.clone(),
            otlp_endpoint: settings.otlp_endpoint.clone(),
        };
        let telemetry = Telemetry::new(&telemetry, &effects);
        Self { settings, sdk, keys, effects, network, telemetry }
    }

    /// The same, with its metrics written there, if they are wanted.
    pub fn telling(self, metric_lines: MetricLines) -> Self {
        Self { telemetry: self.telemetry.telling(metric_lines), ..self }
    }
}
