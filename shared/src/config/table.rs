//! The table of settings: one row for each variable says its name, what it means, which values it takes and what it is when it is
//! not set. Parsing takes bounds and defaults from here, `fanfare --help` its texts, and `docs/CONFIGURATION.md` is made of it.
//!
//! To add a setting: a row here, a field and its line in [`Settings`](super::Settings), the variable in `template.yaml`, if people
//! try it on their machine a flag in `local/src/cli/args.rs`; then write the reference anew, as its first lines say.

use crate::domain::schedule::{RETRIES_MAX, RETRY_DELAY_S_MAX};

/// Shortest JWT secret: HS256 with fewer bytes than its hash has can be guessed offline from one token.
pub const JWT_SECRET_BYTES_MIN: usize = 32;

/// Longest time a receiver may be given, in seconds: half of the deliver function's own timeout.
pub const REQUEST_TIMEOUT_S_MAX: u32 = 30;

/// Largest limit of requests a second that can be set: more than the API takes by itself.
pub const RATE_LIMIT_MAX: u32 = 100_000;

/// A receiver that has failed for a month has been given up by its owner, too.
const DISABLE_AFTER_DAYS_MAX: u32 = 30;

/// Ten years, which is longer than any law we know of asks for.
const AUDIT_DAYS_MAX: u32 = 3_650;

const NAME: Form = Form::Text("a name");
const ADDRESS: Form = Form::Text("an http or https address without `#`");
const REQUESTS_A_SECOND: Form = Form::Whole { unit: "requests a second", least: 0, most: RATE_LIMIT_MAX };

/// One variable.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The variable's name.
    pub name: &'static str,
    /// As it is written above the row; see [`Setting::meaning`].
    doc: &'static str,
    /// Which values it takes.
    pub form: Form,
    /// What it is when it is not set.
    pub when_unset: WhenUnset,
}

/// Which values a variable takes.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// What is said here.
    Text(&'static str),
    /// A text that nobody may see.
    Secret {
        /// Its shortest length.
        bytes_min: usize,
    },
    /// `true` or `false`.
    YesOrNo,
    /// A whole number.
    Whole {
        /// Of what.
        unit: &'static str,
        /// The smallest.
        least: u32,
        /// The largest.
        most: u32,
    },
    /// A retry schedule.
    Delays,
    /// A number from 0 to 1.
    Share,
}

/// What a variable is when it is not set, or set to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUnset {
    /// A function does not start without it.
    Required,
    /// Nothing; its meaning says what follows.
    Nothing,
    /// As if this were set.
    Value(&'static str),
}

/// From one list: the names, the rows by their names, and the table.
macro_rules! settings {
    ($($(#[doc = $line:literal])+ $id:ident = $name:literal, $form:expr, $when_unset:expr;)+) => {
        /// The variables' names.
        pub mod names {
            $($(#[doc = $line])+ pub const $id: &str = $name;)+
        }

        /// The rows of [`SETTINGS`], each by its name.
        pub mod rows {
            use super::*;
            use super::WhenUnset::{Nothing, Required, Value};
            $($(#[doc = $line])+ pub const $id: Setting = Setting {
                name: $name, doc: concat!($($line),+), form: $form, when_unset: $when_unset,
            };)+
        }

        /// Every variable that configures a function, in the order of the reference.
        pub const SETTINGS: &[Setting] = &[$(rows::$id),+];
    };
}

settings! {
    /// Seconds to wait after the first, second, … failed attempt, separated by commas; empty: no retries
    RETRY_SCHEDULE = "FANFARE_RETRY_SCHEDULE", Form::Delays, Value("5,300,1800,7200,18000,36000,36000");
    /// Seconds a receiver has to answer one attempt
    REQUEST_TIMEOUT = "FANFARE_REQUEST_TIMEOUT",
        Form::Whole { unit: "seconds", least: 1, most: REQUEST_TIMEOUT_S_MAX }, Value("15");
    /// Whether deliveries to receivers in trouble are postponed instead of attempted
    CIRCUIT_BREAKER = "FANFARE_CIRCUIT_BREAKER", Form::YesOrNo, Value("true");
    /// Days of nothing but failures after which an endpoint is disabled
    DISABLE_AFTER_DAYS = "FANFARE_DISABLE_AFTER_DAYS",
        Form::Whole { unit: "days", least: 1, most: DISABLE_AFTER_DAYS_MAX }, Value("5");
    /// Whether endpoints must use https
    HTTPS_ONLY = "FANFARE_HTTPS_ONLY", Form::YesOrNo, Value("true");
    /// Private or reserved networks endpoints may be in all the same
    ALLOWED_SUBNETS = "FANFARE_ALLOWED_SUBNETS", Form::Text("CIDRs, separated by commas"), Nothing;

    /// What callers' bearer tokens are signed with (HS256); functions without an HTTP door are not given it
    JWT_SECRET = "FANFARE_JWT_SECRET", Form::Secret { bytes_min: JWT_SECRET_BYTES_MIN }, Nothing;
    /// Where the identity provider (OpenID Connect) publishes its keys; empty: its tokens are not taken
    OIDC_JWKS_URL = "FANFARE_OIDC_JWKS_URL", ADDRESS, Nothing;
    /// What the identity provider whose tokens are taken calls itself (the claim `iss`); needed when there is an address of keys
    OIDC_ISSUER = "FANFARE_OIDC_ISSUER", Form::Text("text"), Nothing;
    /// What the identity provider calls this gateway (the claim `aud`); needed when there is an address of keys
    OIDC_AUDIENCE = "FANFARE_OIDC_AUDIENCE", Form::Text("text"), Nothing;
    /// The claim that names the organization
    OIDC_ORGANIZATION_CLAIM = "FANFARE_OIDC_ORGANIZATION_CLAIM", NAME, Value("fanfare_org");
    /// The claim that names the role: owner, publisher, reader or support
    OIDC_ROLE_CLAIM = "FANFARE_OIDC_ROLE_CLAIM", NAME, Value("fanfare_role");
    /// Requests a second that an organization may make; 0: as many as it likes
    RATE_LIMIT = "FANFARE_RATE_LIMIT", REQUESTS_A_SECOND, Value("0");
    /// Requests a second that may come with one token, or to one source; 0: as many as the organization may make
    TOKEN_RATE_LIMIT = "FANFARE_TOKEN_RATE_LIMIT", REQUESTS_A_SECOND, Value("0");
    /// Origins whose pages may use the API in a browser; `*`: all; empty: none
    CORS_ORIGINS = "FANFARE_CORS_ORIGINS",
        Form::Text("origins such as `https://portal.example.com`, separated by commas"), Nothing;
    /// Where the gateway is reached from outside, for addresses of inbound webhooks; empty: as each request says
    PUBLIC_URL = "FANFARE_PUBLIC_URL", ADDRESS, Nothing;
    /// Address of the page customers manage their endpoints on; portal tokens are handed to it behind `#`
    PORTAL_URL = "FANFARE_PORTAL_URL", ADDRESS, Nothing;

    /// Whether payloads are sealed where they are kept, as secrets always are; each delivery then reads its payload from the table
    ENCRYPT_PAYLOADS = "FANFARE_ENCRYPT_PAYLOADS", Form::YesOrNo, Value("false");
    /// Days the audit log is kept
    AUDIT_DAYS = "FANFARE_AUDIT_DAYS", Form::Whole { unit: "days", least: 1, most: AUDIT_DAYS_MAX }, Value("365");
    /// How much is logged
    LOG_LEVEL = "FANFARE_LOG_LEVEL",
        Form::Text("`error`, `warn`, `info`, `debug`, `trace`, or filter directives"), Value("info");
    /// The share of traces that is logged at `debug` whatever the level is
    DEBUG_SAMPLE = "FANFARE_DEBUG_SAMPLE", Form::Share, Value("0");
    /// Whether metrics are written
    METRICS = "FANFARE_METRICS", Form::YesOrNo, Value("true");
    /// The stack's name, by which metrics are told apart
    STACK = "FANFARE_STACK", NAME, Value("fanfare");
    /// Where a collector of OpenTelemetry takes spans (OTLP over HTTP), without a path; empty: none are made
    OTLP_ENDPOINT = "FANFARE_OTLP_ENDPOINT", ADDRESS, Nothing;

    /// Name of the table
    TABLE = "FANFARE_TABLE", NAME, Required;
    /// Name of the bucket for payloads too large for the table, and for files
    BUCKET = "FANFARE_BUCKET", NAME, Required;
    /// The queue that deliveries travel through
    DELIVERY_QUEUE_URL = "FANFARE_DELIVERY_QUEUE_URL", Form::Text("a URL"), Required;
    /// The queue that background work travels through
    JOB_QUEUE_URL = "FANFARE_JOB_QUEUE_URL", Form::Text("a URL"), Required;
    /// The queue that new files are told of in, and that parts of imports travel through
    IMPORT_QUEUE_URL = "FANFARE_IMPORT_QUEUE_URL", Form::Text("a URL"), Required;
    /// The key in KMS that data keys are wrapped with
    KMS_KEY = "FANFARE_KMS_KEY", Form::Text("an ARN, identifier or alias"), Required;
}

impl Setting {
    /// What it means: a phrase without a full stop.
    pub fn meaning(&self) -> &'static str {
        self.doc.trim()
    }
}

impl Form {
    /// The smallest and the largest number; of what is no number, everything.
    pub(super) fn bounds(&self) -> (u32, u32) {
        match *self {
            Self::Whole { least, most, .. } => (least, most),
            Self::Text(_) | Self::Secret { .. } | Self::YesOrNo | Self::Delays | Self::Share => (0, u32::MAX),
        }
    }
}

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(said) => f.write_str(said),
            Self::Secret { bytes_min } => write!(f, "secret text of at least {bytes_min} bytes"),
            Self::YesOrNo => f.write_str("`true` or `false`"),
            Self::Share => f.write_str("a number from 0 to 1"),
            Self::Whole { unit, least, most } => write!(f, "{least} to {most} {unit}"),
            Self::Delays => write!(f, "at most {RETRIES_MAX} numbers of seconds, each at most {RETRY_DELAY_S_MAX}"),
        }
    }
}
