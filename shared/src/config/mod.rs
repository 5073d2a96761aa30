//! Settings: what may be configured. The same variables configure the deployed functions (through `template.yaml`) and the local
//! gateway (where most have a flag). [`SETTINGS`] is the table of them, with meanings, bounds and defaults.
//!
//! This is the only room that reads the environment. Everything is parsed and checked when the process starts: a
//! function with a setting that makes no sense does not start at all, and says which one.

mod access;
mod platform;
mod sdk;
mod table;
mod values;

use ipnet::IpNet;

use crate::domain::schedule::RetrySchedule;
pub use access::{JwtSecret, OidcSettings, Origins};
pub use platform::Platform;
pub use sdk::with_call_limits;
pub use table::{
    Form, JWT_SECRET_BYTES_MIN, RATE_LIMIT_MAX, REQUEST_TIMEOUT_S_MAX, SETTINGS, Setting, WhenUnset, names, rows,
};
pub use values::SettingsError;

use values::{Values, subnets, web_address};

/// Everything that can be configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the table.
    pub table: String,
    /// Name of the bucket.
    pub bucket: String,
    /// URL of the delivery queue.
    pub delivery_queue_url: String,
    /// URL of the job queue.
    pub job_queue_url: String,
    /// URL of the import queue.
    pub import_queue_url: String,
    /// The key in KMS that data keys are wrapped with.
    pub kms_key: String,
    /// Whether payloads are sealed, too.
    pub encrypt_payloads: bool,
    /// Signs and checks bearer tokens; functions without an HTTP door are not given it.
    pub jwt_secret: Option<JwtSecret>,
    /// The identity provider whose tokens are taken, if there is one.
    pub oidc: Option<OidcSettings>,
    /// Requests a second of one organization; 0: no limit.
    pub rate_limit: u32,
    /// Requests a second with one token, or to one source; 0: no limit.
    pub token_rate_limit: u32,
    /// Origins whose pages may use the API.
    pub cors_origins: Origins,
    /// When failed deliveries are tried again.
    pub retry_schedule: RetrySchedule,
    /// How long a receiver has, in milliseconds.
    pub request_timeout_ms: u32,
    /// Networks the address guard lets through all the same.
    pub allowed_subnets: Vec<IpNet>,
    /// Whether endpoints must use https.
    pub https_only: bool,
    /// Days of failures after which an endpoint is disabled.
    pub disable_after_days: u16,
    /// Days the audit log is kept.
    pub audit_days: u16,
    /// Whether deliveries to receivers in trouble are postponed instead of attempted.
    pub circuit_breaker: bool,
    /// The portal's page; empty when there is none.
    pub portal_url: String,
    /// Where the gateway is reached from outside; empty: as each request says.
    pub public_url: String,
    /// How much is logged.
    pub log_level: String,
    /// The stack's name.
    pub stack: String,
    /// Whether metrics are written.
    pub has_metrics: bool,
    /// Where spans are sent; empty: nowhere.
    pub otlp_endpoint: String,
    /// The share of traces that is logged in detail.
    pub debug_sample: f64,
}

impl Settings {
    /// Reads the process's environment.
    #[allow(clippy::disallowed_methods)] // the one place that does
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads variables from anywhere: the local gateway takes them from the template and its command line. An empty
    /// value counts as not set.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let values = Values(lookup);
        Ok(Self {
            table: values.text(&rows::TABLE)?,
            bucket: values.text(&rows::BUCKET)?,
            delivery_queue_url: values.text(&rows::DELIVERY_QUEUE_URL)?,
            job_queue_url: values.text(&rows::JOB_QUEUE_URL)?,
            import_queue_url: values.text(&rows::IMPORT_QUEUE_URL)?,
            kms_key: values.text(&rows::KMS_KEY)?,
            encrypt_payloads: values.yes_or_no(&rows::ENCRYPT_PAYLOADS)?,
            jwt_secret: values.parse_if_any(&rows::JWT_SECRET, JwtSecret::parse)?,
            oidc: OidcSettings::read(&values)?,
            rate_limit: values.whole(&rows::RATE_LIMIT)?,
            token_rate_limit: values.whole(&rows::TOKEN_RATE_LIMIT)?,
            cors_origins: values.parse_if_any(&rows::CORS_ORIGINS, Origins::parse)?.unwrap_or(Origins::None),
            // Here an empty value means something: no retries at all.
            retry_schedule: values.parse_even_empty(&rows::RETRY_SCHEDULE, |text| {
                RetrySchedule::parse(text).map_err(|reason| reason.0)
            })?,
            request_timeout_ms: 1_000 * values.whole::<u32>(&rows::REQUEST_TIMEOUT)?,
            allowed_subnets: values.parse_if_any(&rows::ALLOWED_SUBNETS, subnets)?.unwrap_or_default(),
            https_only: values.yes_or_no(&rows::HTTPS_ONLY)?,
            disable_after_days: values.whole(&rows::DISABLE_AFTER_DAYS)?,
            audit_days: values.whole(&rows::AUDIT_DAYS)?,
            circuit_breaker: values.yes_or_no(&rows::CIRCUIT_BREAKER)?,
            portal_url: values.parse_if_any(&rows::PORTAL_URL, web_address)?.unwrap_or_default(),
            public_url: values.parse_if_any(&rows::PUBLIC_URL, web_address)?.unwrap_or_default(),
            log_level: values.text(&rows::LOG_LEVEL)?,
            stack: values.text(&rows::STACK)?,
            has_metrics: values.yes_or_no(&rows::METRICS)?,
            otlp_endpoint: values.parse_if_any(&rows::OTLP_ENDPOINT, web_address)?.unwrap_or_default(),
            debug_sample: values.share(&rows::DEBUG_SAMPLE)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let required = [
            (names::TABLE, "t"),
            (names::BUCKET, "b"),
            (names::DELIVERY_QUEUE_URL, "q"),
            (names::JOB_QUEUE_URL, "j"),
            (names::IMPORT_QUEUE_URL, "i"),
            (names::KMS_KEY, "k"),
        ];
        let all: Vec<(&str, &str)> = pairs.iter().chain(required.iter()).copied().collect();
        Settings::from_lookup(|name| all.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[track_caller]
    fn check(name: &'static str, value: &str, is_fine: bool) {
        match read(&[(name, value)]) {
            Ok(_) => assert!(is_fine, "{name}={value} was taken"),
            Err(error) => assert!(!is_fine && error.name == name, "{name}={value}: {error}"),
        }
    }

    #[test]
    fn defaults_are_safe() {
        let settings = read(&[]).unwrap();
        assert!(settings.https_only && settings.allowed_subnets.is_empty() && settings.jwt_secret.is_none());
        assert_eq!(settings.retry_schedule, RetrySchedule::default());
        assert_eq!((settings.request_timeout_ms, settings.disable_after_days), (15_000, 5));
        assert_eq!(settings.audit_days, 365);
    }

    #[test]
    fn what_the_table_says_is_needed_is_needed_and_its_defaults_are_taken_when_they_are_given() {
        for row in SETTINGS {
            let settings = Settings::from_lookup(|name| match row.when_unset {
                WhenUnset::Required if name == row.name => None,
                WhenUnset::Value(text) if name == row.name => Some(text.to_owned()),
                _ => Some("x".to_owned()).filter(|_| SETTINGS.iter().any(|row| row.name == name && is_needed(row))),
            });
            assert_eq!(settings.err().map(|error| error.name), is_needed(row).then_some(row.name));
        }
    }

    fn is_needed(row: &Setting) -> bool {
        row.when_unset == WhenUnset::Required
    }

    #[test]
    fn values_are_checked_at_the_start() {
        check(names::TABLE, "", false);
        check(names::JWT_SECRET, "short", false);
        check(names::JWT_SECRET, &"s".repeat(32), true);
        check(names::RETRY_SCHEDULE, "", true);
        check(names::RETRY_SCHEDULE, "5,soon", false);
        check(names::REQUEST_TIMEOUT, "0", false);
        check(names::REQUEST_TIMEOUT, "31", false);
        check(names::REQUEST_TIMEOUT, " 30 ", true);
        check(names::ALLOWED_SUBNETS, "10.0.0.0/8, fd00::/8", true);
        check(names::ALLOWED_SUBNETS, "10.0.0.0/33", false);
        check(names::HTTPS_ONLY, "maybe", false);
        check(names::ENCRYPT_PAYLOADS, "some", false);
        check(names::RATE_LIMIT, "-1", false);
        check(names::TOKEN_RATE_LIMIT, "100001", false);
        check(names::CORS_ORIGINS, "*", true);
        check(names::CORS_ORIGINS, "https://a.example, http://localhost:3000", true);
        for wrong in ["https://a.example/", "a.example", "https://A.example", "*, https://a.example", "null"] {
            check(names::CORS_ORIGINS, wrong, false);
        }
        check(names::DISABLE_AFTER_DAYS, "31", false);
        check(names::AUDIT_DAYS, "0", false);
        check(names::AUDIT_DAYS, "3650", true);
        check(names::PORTAL_URL, "https://portal.example.com/hooks", true);
        check(names::PORTAL_URL, "javascript:alert(1)", false);
        check(names::PUBLIC_URL, "hooks.example.com", false);
    }

    #[test]
    fn an_identity_provider_is_configured_whole_or_not_at_all() {
        let keys = (names::OIDC_JWKS_URL, "https://id.example.com/keys");
        let (issuer, audience) = ((names::OIDC_ISSUER, "https://id.example.com"), (names::OIDC_AUDIENCE, "fanfare"));
        assert_eq!(read(&[issuer, audience]).unwrap().oidc, None);
        assert_eq!(read(&[keys, audience]).unwrap_err().name, names::OIDC_ISSUER);
        assert_eq!(read(&[keys, issuer]).unwrap_err().name, names::OIDC_AUDIENCE);
        let whole = read(&[keys, issuer, audience]).unwrap().oidc.unwrap();
        assert_eq!((&*whole.organization_claim, &*whole.role_claim), ("fanfare_org", "fanfare_role"));
    }

    #[test]
    fn an_empty_schedule_means_no_retries() {
        assert_eq!(read(&[(names::RETRY_SCHEDULE, "")]).unwrap().retry_schedule.attempts_max(), 1);
    }

    #[test]
    fn the_jwt_secret_does_not_print_itself() {
        let secret = "a-secret-that-nobody-should-ever-see";
        assert!(!format!("{:?}", read(&[(names::JWT_SECRET, secret)]).unwrap()).contains(secret));
    }
}
