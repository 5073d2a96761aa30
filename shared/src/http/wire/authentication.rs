//! Portal tokens on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::application::ApplicationIn;
use super::bounded_list;
use super::event_type::FEATURE_FLAGS_MAX;
use crate::domain::access::Capability;
use crate::domain::application::ApplicationDraft;
use crate::domain::names::EventTypeName;
use crate::http::Problem;

/// How long a portal token may last, and does when nothing is said, in seconds: an hour to a week.
const LIFETIME_S: std::ops::RangeInclusive<u32> = 3_600..=PORTAL_TOKEN_LIFETIME_S_MAX;

/// Longest life of a portal token, in seconds: a week.
pub const PORTAL_TOKEN_LIFETIME_S_MAX: u32 = 604_800;

/// Longest name of a session.
const SESSION_BYTES_MAX: usize = 256;

/// Sessions one request expires.
const SESSIONS_MAX: usize = 100;

// What the schemas below say in figures.
const _: () = assert!(*LIFETIME_S.start() == 3_600 && PORTAL_TOKEN_LIFETIME_S_MAX == 604_800);
const _: () = assert!(SESSION_BYTES_MAX == 256 && SESSIONS_MAX == 100 && Capability::ALL.len() == 6);

/// What a portal token is asked for with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppPortalAccessIn {
    /// The application, made first when nobody has its uid, which must be the one in the path.
    application: Option<ApplicationIn>,
    /// Whether the token may only look. Not together with `capabilities`.
    read_only: Option<bool>,
    /// What the token may do; left out: everything in its application.
    #[schema(max_items = 6)]
    capabilities: Option<Vec<Capability>>,
    /// Event types that need one of these flags are shown to it as well.
    #[schema(max_items = 20)]
    feature_flags: Option<Vec<EventTypeName>>,
    /// For how many seconds the token is good.
    #[schema(minimum = 3_600, maximum = 604_800, default = 604_800)]
    expiry: Option<u32>,
    /// What you call the session: tokens can be ended by it. Its length counts in bytes of UTF-8.
    #[schema(min_length = 1, max_length = 256)]
    session_id: Option<String>,
}

/// A portal token that is asked for, checked.
#[derive(Debug)]
pub struct PortalRequest {
    /// The application, when it is to be made first.
    pub application: Option<ApplicationDraft>,
    /// What the token may do.
    pub capabilities: Vec<Capability>,
    /// Event types with one of these flags are shown to it.
    pub feature_flags: Vec<EventTypeName>,
    /// For how long.
    pub lifetime_s: u32,
    /// What the caller calls the session.
    pub session: Option<String>,
}

impl AppPortalAccessIn {
    /// Checked as a whole, for the application this path names.
    pub fn into_request(self, app_id: &str) -> Result<PortalRequest, Problem> {
        let lifetime_s = self.expiry.unwrap_or(PORTAL_TOKEN_LIFETIME_S_MAX);
        if !LIFETIME_S.contains(&lifetime_s) {
            let rule = format!("must be {} to {} seconds", LIFETIME_S.start(), LIFETIME_S.end());
            return Err(Problem::field(&["body", "expiry"], rule));
        }
        let capabilities = match (self.read_only.unwrap_or(false), self.capabilities) {
            (true, Some(_)) => {
                return Err(Problem::field(&["body", "readOnly"], "leave it out when you name the capabilities"));
            }
            (true, None) => Capability::READ_ONLY.to_vec(),
            (false, Some(list)) => bounded_list("capabilities", list, Capability::ALL.len())?,
            (false, None) => Capability::ALL.to_vec(),
        };
        Ok(PortalRequest {
            application: self.application.map(|application| application.into_draft_for(app_id)).transpose()?,
            capabilities,
            feature_flags: bounded_list("featureFlags", self.feature_flags.unwrap_or_default(), FEATURE_FLAGS_MAX)?,
            lifetime_s,
            session: self.session_id.map(|text| checked_session("sessionId", text)).transpose()?,
        })
    }
}

fn checked_session(field: &str, text: String) -> Result<String, Problem> {
    super::checked_text(field, text, 1..=SESSION_BYTES_MAX)
}

/// A portal token, and where to go with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppPortalAccessOut {
    /// The portal's page with the token behind `#`; empty when no portal is configured.
    pub url: String,
    /// The token.
    pub token: String,
}

/// Which portal tokens of an application end, and when.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationTokenExpireIn {
    /// In how many seconds they end.
    #[schema(maximum = 604_800, default = 0)]
    expiry: Option<u32>,
    /// Only tokens of these sessions, each named by 1 to 256 bytes; nothing in it: all of the application's.
    #[schema(max_items = 100)]
    session_ids: Option<Vec<String>>,
}

impl ApplicationTokenExpireIn {
    /// In how many seconds, and of which sessions; no sessions: all tokens.
    pub fn into_parts(self) -> Result<(u32, Vec<String>), Problem> {
        let delay_s = self.expiry.unwrap_or(0);
        if delay_s > PORTAL_TOKEN_LIFETIME_S_MAX {
            let rule = format!("must not be more than {PORTAL_TOKEN_LIFETIME_S_MAX} seconds");
            return Err(Problem::field(&["body", "expiry"], rule));
        }
        let sessions = bounded_list("sessionIds", self.session_ids.unwrap_or_default(), SESSIONS_MAX)?;
        let sessions = sessions.into_iter().map(|text| checked_session("sessionIds", text));
        Ok((delay_s, sessions.collect::<Result<_, _>>()?))
    }
}
