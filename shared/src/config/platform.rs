//! What a function is given when it starts.

use std::sync::Arc;

use aws_config::SdkConfig;

use super::{Settings, SettingsError, sdk};
use crate::effects::Effects;
use crate::keys::Keys;
use crate::network::{Network, SystemNetwork};
use crate::telemetry::{self, LogFormat};

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
}

impl Platform {
    /// The platform of a deployed function; also starts logging. Called once, at the beginning of `main`.
    pub fn from_env() -> Result<Self, SettingsError> {
        let settings = Settings::from_env()?;
        telemetry::start(&settings.log_level, LogFormat::Json);
        Ok(Self::new(settings, sdk::from_env(), Effects::system(), Arc::new(SystemNetwork)))
    }

    /// A platform of these parts.
    pub fn new(settings: Settings, sdk: SdkConfig, effects: Effects, network: Arc<dyn Network>) -> Self {
        let keys = Keys::new(&sdk, &settings.kms_key, settings.encrypt_payloads);
        Self { settings, sdk, keys, effects, network }
    }
}
