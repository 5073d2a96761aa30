//! What every response has, whatever it is: headers that tell browsers and caches what not to do, the request's identifier, the
//! answer to browsers of other origins; and what becomes of a handler that panics.
//!
//! The outermost layer of every function's router, around the fallbacks too.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL,
    CONTENT_SECURITY_POLICY, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::Problem;
use crate::config::{Origins, Platform};
use crate::domain::ids::RequestId;
use crate::domain::trace::TraceParent;
use crate::effects::Effects;
use crate::telemetry::{Invoked, Telemetry, Watch};

/// The identifier under which a request is found in the logs.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The step of a caller's own trace that the request is made in (W3C Trace Context).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What Lambda calls the invocation, which it says beside the event: the library that knows where is the functions'.
pub type InvocationId = fn(&Extensions) -> Option<&str>;

/// What every response has unless it says otherwise itself.
pub const DEFAULTS: [(HeaderName, &str); 6] = [
    // A year; only whoever owns the domain can speak for its other names.
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    // What carries an entity tag says what caches may do with it.
    (CACHE_CONTROL, "no-store"),
];

/// For how many seconds a browser need not ask again whether it may ask.
const PREFLIGHT_MAX_AGE_S: &str = "7200";

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const REQUEST_HEADERS: &str = "authorization, content-type, idempotency-key, if-match, if-none-match";
const SHOWN_HEADERS: &str = "etag, ratelimit, ratelimit-policy, retry-after, x-request-id";

/// The layer's state. Cheap to clone.
#[derive(Clone)]
pub struct Hygiene {
    effects: Effects,
    origins: Arc<Origins>,
    telemetry: Telemetry,
}

/// The layer's state in one function. Cheap to clone.
#[derive(Clone)]
pub struct Protection {
    hygiene: Hygiene,
    watch: Watch,
    invocation_id: InvocationId,
}

impl Hygiene {
    /// Once per process.
    pub fn new(platform: &Platform) -> Self {
        let (effects, telemetry) = (platform.effects.clone(), platform.telemetry.clone());
        Self { effects, origins: Arc::new(platform.settings.cors_origins.clone()), telemetry }
    }

    /// As it is around this function's routes.
    pub fn of(self, function: &'static str, invocation_id: InvocationId) -> Protection {
        Protection { watch: self.telemetry.watch(function), hygiene: self, invocation_id }
    }

    fn request_id(&self) -> RequestId {
        RequestId::new(self.effects.now(), self.effects.random.id_tail())
    }

    /// What a browser is told that asks for a page of this origin; none: nothing, and then it shows nothing to that page.
    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        match &*self.origins {
            Origins::None => None,
            Origins::All => Some(HeaderValue::from_static("*")),
            Origins::These(origins) => {
                origins.iter().any(|own| own.as_bytes() == origin.as_bytes()).then(|| origin.clone())
            }
        }
    }
}

/// The layer.
pub async fn protect(State(protection): State<Protection>, mut request: Request, next: Next) -> Response {
    let Protection { hygiene, watch, invocation_id } = protection;
    let id = hygiene.request_id();
    let allowed = hygiene.allowed(request.headers());
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &allowed {
        Some(_) if is_preflight => preflight(),
        _ => {
            let invoked = Invoked {
                request_id: invocation_id(request.extensions()).unwrap_or_default().to_owned(),
                http_request_id: Some(id),
                trace: trace_of(request.headers()),
            };
            request.extensions_mut().insert(id);
            // What a panic leaves behind in shared state is guarded by its locks, all of which go on after one.
            let answered = AssertUnwindSafe(next.run(request)).catch_unwind();
            watch.invocation(invoked, answered).await.unwrap_or_else(|_| Problem::Internal.into_response())
        }
    };
    let headers = response.headers_mut();
    dress(headers);
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    if *hygiene.origins != Origins::None {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWN_HEADERS));
    }
    response
}

/// The caller's trace. What is not said, or not said well, begins one.
fn trace_of(headers: &HeaderMap) -> Option<TraceParent> {
    let mut said = headers.get_all(TRACEPARENT).iter();
    let only = said.next().filter(|_| said.next().is_none())?;
    TraceParent::parse(only.to_str().ok()?).ok()
}

/// Adds what every response has.
pub fn dress(headers: &mut HeaderMap) {
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// A browser asks whether a page may ask. Whether the caller may is for the request itself to show.
fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE_S),
    ];
    (StatusCode::NO_CONTENT, headers.map(|(name, value)| (name, HeaderValue::from_static(value)))).into_response()
}
