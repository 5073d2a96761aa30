//! Settings: what may be configured, under which variable, with which default. The same variables configure the deployed
//! functions (through `template.yaml`) and the local gateway (where each has a flag).
//!
//! This is the only room that reads the environment. Everything is parsed and checked when the process starts: a
//! function with a setting that makes no sense does not start at all, and says which one.

mod platform;
mod sdk;

use ipnet::IpNet;

use crate::domain::schedule::RetrySchedule;
use crate::domain::url::EndpointUrl;
pub use platform::Platform;
pub use sdk::with_call_limits;

/// The variables' names.
pub mod names {
    /// Name of the table.
    pub const TABLE: &str = "FANFARE_TABLE";
    /// Name of the bucket for payloads too large for the table.
    pub const BUCKET: &str = "FANFARE_BUCKET";
    /// URL of the queue deliveries travel through.
    pub const DELIVERY_QUEUE_URL: &str = "FANFARE_DELIVERY_QUEUE_URL";
    /// URL of the queue that background work travels through.
    pub const JOB_QUEUE_URL: &str = "FANFARE_JOB_QUEUE_URL";
    /// URL of the queue that new files are told of in, and that parts of imports travel through.
    pub const IMPORT_QUEUE_URL: &str = "FANFARE_IMPORT_QUEUE_URL";
    /// The key in KMS that data keys are wrapped with: its ARN, identifier or alias.
    pub const KMS_KEY: &str = "FANFARE_KMS_KEY";
    /// Whether payloads are sealed in table and bucket, as secrets are.
    pub const ENCRYPT_PAYLOADS: &str = "FANFARE_ENCRYPT_PAYLOADS";
    /// What callers' bearer tokens are signed with (HS256); at least [`super::JWT_SECRET_BYTES_MIN`] bytes.
    pub const JWT_SECRET: &str = "FANFARE_JWT_SECRET";
    /// The identity provider (OpenID Connect) whose tokens are taken: what it calls itself.
    pub const OIDC_ISSUER: &str = "FANFARE_OIDC_ISSUER";
    /// Where the identity provider publishes its keys; empty: its tokens are not taken.
    pub const OIDC_JWKS_URL: &str = "FANFARE_OIDC_JWKS_URL";
    /// What the identity provider calls this gateway.
    pub const OIDC_AUDIENCE: &str = "FANFARE_OIDC_AUDIENCE";
    /// The claim that names the organization.
    pub const OIDC_ORGANIZATION_CLAIM: &str = "FANFARE_OIDC_ORGANIZATION_CLAIM";
    /// The claim that names the role.
    pub const OIDC_ROLE_CLAIM: &str = "FANFARE_OIDC_ROLE_CLAIM";
    /// Requests a second that an organization may make; 0: as many as it likes.
    pub const RATE_LIMIT: &str = "FANFARE_RATE_LIMIT";
    /// Requests a second that may come with one token, or to one source; 0: as many as the organization may make.
    pub const TOKEN_RATE_LIMIT: &str = "FANFARE_TOKEN_RATE_LIMIT";
    /// Origins whose pages may use the API in a browser, separated by commas; `*`: all; empty: none.
    pub const CORS_ORIGINS: &str = "FANFARE_CORS_ORIGINS";
    /// Seconds to wait after the first, second, … failed attempt, separated by commas.
    pub const RETRY_SCHEDULE: &str = "FANFARE_RETRY_SCHEDULE";
    /// Seconds a receiver has to answer one attempt.
    pub const REQUEST_TIMEOUT: &str = "FANFARE_REQUEST_TIMEOUT";
    /// Private or reserved networks endpoints may be in all the same: CIDRs, separated by commas.
    pub const ALLOWED_SUBNETS: &str = "FANFARE_ALLOWED_SUBNETS";
    /// Whether endpoints must use https.
    pub const HTTPS_ONLY: &str = "FANFARE_HTTPS_ONLY";
    /// Days of nothing but failures after which an endpoint is disabled.
    pub const DISABLE_AFTER_DAYS: &str = "FANFARE_DISABLE_AFTER_DAYS";
    /// Days the audit log is kept.
    pub const AUDIT_DAYS: &str = "FANFARE_AUDIT_DAYS";
    /// Whether deliveries to receivers in trouble are postponed instead of attempted.
    pub const CIRCUIT_BREAKER: &str = "FANFARE_CIRCUIT_BREAKER";
    /// Address of the page customers manage their endpoints on; portal tokens are handed to it behind `#`.
    pub const PORTAL_URL: &str = "FANFARE_PORTAL_URL";
    /// Where the gateway is reached from outside; empty: as each request says.
    pub const PUBLIC_URL: &str = "FANFARE_PUBLIC_URL";
    /// How much is logged: a level (`info`) or filter directives.
    pub const LOG_LEVEL: &str = "FANFARE_LOG_LEVEL";
}

/// Shortest JWT secret: HS256 with fewer bytes than its hash has can be guessed offline from one token.
pub const JWT_SECRET_BYTES_MIN: usize = 32;

/// Longest time a receiver may be given, in seconds: half of the deliver function's own timeout.
pub const REQUEST_TIMEOUT_S_MAX: u32 = 30;

/// Largest limit of requests a second that can be set: more than the API takes by itself.
pub const RATE_LIMIT_MAX: u32 = 100_000;

const REQUEST_TIMEOUT_S_DEFAULT: u32 = 15;
const DISABLE_AFTER_DAYS_DEFAULT: u16 = 5;
const DISABLE_AFTER_DAYS_MAX: u16 = 30;
/// A year: what auditors usually ask for. At most ten, which is longer than any law we know of.
const AUDIT_DAYS_DEFAULT: u16 = 365;
const AUDIT_DAYS_MAX: u16 = 3_650;

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
}

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcSettings {
    /// What it calls itself.
    pub issuer: String,
    /// Where it publishes its keys.
    pub jwks_url: EndpointUrl,
    /// What it calls this gateway.
    pub audience: String,
    /// The claim that names the organization.
    pub organization_claim: String,
    /// The claim that names the role.
    pub role_claim: String,
}

/// Whose pages may use the API in a browser. Callers are told by bearer tokens, which a browser never sends by itself, so a page gains
/// nothing by being allowed that it could not do elsewhere with the token it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Nobody's.
    None,
    /// Everybody's.
    All,
    /// These ones'.
    These(Vec<String>),
}

impl Origins {
    /// `*`, or origins as browsers send them: `https://portal.example.com`.
    fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::All);
        }
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let origin = |part: &str| match url::Url::parse(part) {
            Ok(url) if ["http", "https"].contains(&url.scheme()) && url.origin().ascii_serialization() == part => {
                Ok(part.to_owned())
            }
            _ => Err(format!("holds {part:?}, which is not an origin such as https://portal.example.com")),
        };
        Ok(Self::These(parts.map(origin).collect::<Result<_, _>>()?))
    }
}

/// The secret behind bearer tokens. Does not print itself.
#[derive(Clone, PartialEq, Eq)]
pub struct JwtSecret(String);

impl JwtSecret {
    /// Takes a text of at least [`JWT_SECRET_BYTES_MIN`] bytes.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() < JWT_SECRET_BYTES_MIN {
            return Err(format!("must be at least {JWT_SECRET_BYTES_MIN} bytes long"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The key. Never log it.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for JwtSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JwtSecret(…)")
    }
}

/// A variable that is missing or makes no sense. Its value is not repeated: it may be a secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} {reason}")]
pub struct SettingsError {
    /// Which variable.
    pub name: &'static str,
    /// What is wrong with it.
    pub reason: String,
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
        let get = |name| lookup(name).filter(|value| !value.trim().is_empty());
        let required = |name| get(name).ok_or_else(|| invalid(name, "must be set"));
        Ok(Self {
            table: required(names::TABLE)?,
            bucket: required(names::BUCKET)?,
            delivery_queue_url: required(names::DELIVERY_QUEUE_URL)?,
            job_queue_url: required(names::JOB_QUEUE_URL)?,
            import_queue_url: required(names::IMPORT_QUEUE_URL)?,
            kms_key: required(names::KMS_KEY)?,
            encrypt_payloads: optional(names::ENCRYPT_PAYLOADS, &get, yes_or_no)?.unwrap_or(false),
            jwt_secret: optional(names::JWT_SECRET, &get, JwtSecret::parse)?,
            oidc: oidc(&get)?,
            rate_limit: optional(names::RATE_LIMIT, &get, |text| whole(text, 0, RATE_LIMIT_MAX))?.unwrap_or(0),
            token_rate_limit: optional(names::TOKEN_RATE_LIMIT, &get, |text| whole(text, 0, RATE_LIMIT_MAX))?
                .unwrap_or(0),
            cors_origins: optional(names::CORS_ORIGINS, &get, Origins::parse)?.unwrap_or(Origins::None),
            retry_schedule: retry_schedule(&lookup)?,
            request_timeout_ms: 1_000
                * optional(names::REQUEST_TIMEOUT, &get, |text| whole(text, 1, REQUEST_TIMEOUT_S_MAX))?
                    .unwrap_or(REQUEST_TIMEOUT_S_DEFAULT),
            allowed_subnets: optional(names::ALLOWED_SUBNETS, &get, subnets)?.unwrap_or_default(),
            https_only: optional(names::HTTPS_ONLY, &get, yes_or_no)?.unwrap_or(true),
            disable_after_days: optional(names::DISABLE_AFTER_DAYS, &get, |text| {
                whole(text, 1, u32::from(DISABLE_AFTER_DAYS_MAX)).map(|days| days as u16)
            })?
            .unwrap_or(DISABLE_AFTER_DAYS_DEFAULT),
            audit_days: optional(names::AUDIT_DAYS, &get, |text| {
                whole(text, 1, u32::from(AUDIT_DAYS_MAX)).map(|days| days as u16)
            })?
            .unwrap_or(AUDIT_DAYS_DEFAULT),
            circuit_breaker: optional(names::CIRCUIT_BREAKER, &get, yes_or_no)?.unwrap_or(true),
            portal_url: optional(names::PORTAL_URL, &get, web_address)?.unwrap_or_default(),
            public_url: optional(names::PUBLIC_URL, &get, web_address)?.unwrap_or_default(),
            log_level: get(names::LOG_LEVEL).unwrap_or_else(|| "info".to_owned()),
        })
    }
}

/// None without an address of keys. With one, issuer and audience are needed: a token that is for others is not for us.
fn oidc(get: &impl Fn(&'static str) -> Option<String>) -> Result<Option<OidcSettings>, SettingsError> {
    let address = |text: &str| EndpointUrl::parse(text).map_err(|reason| reason.0);
    let Some(jwks_url) = optional(names::OIDC_JWKS_URL, get, address)? else { return Ok(None) };
    let required = |name| get(name).ok_or_else(|| invalid(name, "must be set, because an address of keys is"));
    Ok(Some(OidcSettings {
        issuer: required(names::OIDC_ISSUER)?,
        jwks_url,
        audience: required(names::OIDC_AUDIENCE)?,
        organization_claim: get(names::OIDC_ORGANIZATION_CLAIM).unwrap_or_else(|| "fanfare_org".to_owned()),
        role_claim: get(names::OIDC_ROLE_CLAIM).unwrap_or_else(|| "fanfare_role".to_owned()),
    }))
}

/// Here an empty value means something: no retries at all.
fn retry_schedule(lookup: &impl Fn(&str) -> Option<String>) -> Result<RetrySchedule, SettingsError> {
    match lookup(names::RETRY_SCHEDULE) {
        None => Ok(RetrySchedule::default()),
        Some(text) => RetrySchedule::parse(&text).map_err(|reason| invalid(names::RETRY_SCHEDULE, reason.0)),
    }
}

fn optional<T>(
    name: &'static str,
    get: &impl Fn(&'static str) -> Option<String>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, SettingsError> {
    get(name).map(|text| parse(text.trim()).map_err(|reason| invalid(name, reason))).transpose()
}

fn invalid(name: &'static str, reason: impl Into<String>) -> SettingsError {
    SettingsError { name, reason: reason.into() }
}

fn whole(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("must be a whole number from {least} to {most}"))
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "must be true or false".to_owned())
}

fn web_address(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) && url.fragment().is_none() => Ok(text.to_owned()),
        _ => Err("must be an http or https address without #".to_owned()),
    }
}

fn subnets(text: &str) -> Result<Vec<IpNet>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| part.parse().map_err(|_| format!("holds {part:?}, which is not a CIDR such as 10.0.0.0/8")))
        .collect()
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
