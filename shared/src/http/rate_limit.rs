//! Limits of requests, for each organization and for each of its tokens. The rule is [`crate::domain::rate`]'s; the shared counter is in
//! the table.
//!
//! When the table does not answer, requests pass: whoever cannot count should not refuse, and what they do next will fail by
//! itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Problem;
use crate::config::Platform;
use crate::domain::ids::OrganizationId;
use crate::domain::rate::{Meter, Verdict, WINDOW_S, Window};
use crate::domain::timestamp::Timestamp;
use crate::effects::Effects;
use crate::store::{Metered, Store};

/// What is known of callers in one process. Beyond this the windows that are over are forgotten, then all of them.
const METERS_MAX: usize = 10_000;

/// The policies, and how a request stands to them (draft-ietf-httpapi-ratelimit-headers).
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Keeps the limits. Cheap to clone; one per process.
#[derive(Clone)]
pub struct RateLimits {
    /// Requests of a window; none: no limit.
    organization: Option<u32>,
    token: Option<u32>,
    store: Store,
    effects: Effects,
    meters: Arc<Mutex<BTreeMap<(OrganizationId, String), Meter>>>,
}

/// How a request stands to the limit that is closest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    name: &'static str,
    limit: u32,
    left: u32,
    seconds: i64,
}

impl Standing {
    /// Says it with a response.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let Self { name, limit, left, seconds } = self;
        let texts = [
            (POLICY, format!("\"{name}\";q={limit};w={WINDOW_S}")),
            (STATE, format!("\"{name}\";r={left};t={seconds}")),
        ];
        for (header, text) in texts {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(header, value);
            }
        }
    }

    /// After how many seconds there is room again.
    pub(super) fn retry_after_s(&self) -> i64 {
        self.seconds
    }
}

impl RateLimits {
    /// Once per process; the counters are in this store.
    pub(super) fn new(platform: &Platform, store: &Store) -> Self {
        let of_window = |per_second: u32| (per_second > 0).then(|| per_second.saturating_mul(WINDOW_S as u32));
        Self {
            organization: of_window(platform.settings.rate_limit),
            token: of_window(platform.settings.token_rate_limit),
            store: store.clone(),
            effects: platform.effects.clone(),
            meters: Arc::default(),
        }
    }

    /// Counts a request of the organization that came with this bearer token; refused when it is one too many. None: there is no limit.
    pub async fn count(&self, organization: &OrganizationId, bearer: &str) -> Result<Option<Standing>, Problem> {
        let token = match self.token {
            Some(limit) => {
                let part = BASE64.encode(&digest(&SHA256, bearer.as_bytes()).as_ref()[..15]);
                Some(self.take("token", organization, Metered::Part(&part), limit).await?)
            }
            None => None,
        };
        let whole = match self.organization {
            Some(limit) => Some(self.take("organization", organization, Metered::Organization, limit).await?),
            None => None,
        };
        Ok(token.into_iter().chain(whole).min_by_key(|standing| standing.left))
    }

    /// Counts a webhook that a provider sends to this source, as if the source were a token.
    pub async fn count_inbound(&self, organization: &OrganizationId, source: &str) -> Result<(), Problem> {
        match self.token {
            Some(limit) => self.take("source", organization, Metered::Part(source), limit).await.map(drop),
            None => Ok(()),
        }
    }

    async fn take(
        &self,
        name: &'static str,
        organization: &OrganizationId,
        counted: Metered<'_>,
        limit: u32,
    ) -> Result<Standing, Problem> {
        let now = self.effects.now();
        let whose = (
            *organization,
            match counted {
                Metered::Organization => String::new(),
                Metered::Part(part) => part.to_owned(),
            },
        );
        let standing = |left| Standing { name, limit, left, seconds: Window::of(now).seconds_left(now) };
        let (verdict, left, window) =
            self.with(&whose, now, |meter| (meter.request(limit, now), meter.left(limit), meter.window()));
        let allowance = match verdict {
            Verdict::Pass => return Ok(standing(left)),
            Verdict::Refuse => return Err(Problem::TooManyRequests(standing(0))),
            Verdict::Ask(allowance) => allowance,
        };
        match self.store.take_allowance(organization, counted, window, allowance, limit).await {
            Ok(Some(shared)) => Ok(standing(self.with(&whose, now, |meter| {
                meter.granted(allowance, shared);
                meter.left(limit)
            }))),
            Ok(None) => {
                self.with(&whose, now, Meter::refused);
                Err(Problem::TooManyRequests(standing(0)))
            }
            Err(fault) => {
                tracing::warn!(error = fault.chain(), "requests could not be counted, and pass");
                Ok(standing(left))
            }
        }
    }

    fn with<T>(&self, whose: &(OrganizationId, String), now: Timestamp, change: impl FnOnce(&mut Meter) -> T) -> T {
        let mut meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        if meters.len() >= METERS_MAX && !meters.contains_key(whose) {
            meters.retain(|_, meter| meter.window() == Window::of(now));
            if meters.len() >= METERS_MAX {
                meters.clear();
            }
        }
        change(meters.entry(whose.clone()).or_insert_with(|| Meter::new(now)))
    }
}
