//! Who calls, and whether they may: one layer in front of every route asks the route table and the bearer token.

mod token;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jsonwebtoken::DecodingKey;

use super::Problem;
use super::routes::{self, Access};
use crate::config::{JwtSecret, Platform};
use crate::domain::actor::Actor;
use crate::domain::event_type::EventType;
use crate::domain::ids::OrganizationId;
use crate::domain::operational::operational_application;
use crate::effects::Effects;
use crate::fault::Fault;
use crate::store::{ApplicationRef, Store};
use token::Bearer;

pub use token::{Portal, issue_token};

/// Checks tokens and issues portals'. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Auth {
    keys: Option<Arc<(JwtSecret, DecodingKey)>>,
    store: Store,
    effects: Effects,
}

/// Who was found to call; what the route asks of callers is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The organization whose token it is: every key begins with it.
    pub organization: OrganizationId,
    /// For a portal's token: what it is good for.
    pub portal: Option<Portal>,
    /// Who it is, for the record.
    pub actor: Actor,
}

impl Caller {
    /// The application a path names. A portal's token names its own one, or none.
    pub fn application(&self, text: &str) -> Result<ApplicationRef, Problem> {
        let named = ApplicationRef::parse(text).ok_or(Problem::NotFound)?;
        // The organization's own application has addresses of its own.
        if named == ApplicationRef::Id(operational_application(&self.organization)) {
            return Err(Problem::NotFound);
        }
        match &self.portal {
            None => Ok(named),
            Some(portal) => named.only(portal.scope.application).ok_or(Problem::NotFound),
        }
    }
}

impl Caller {
    /// Whether an event type is offered to it: a portal needs one of the flags that hide it, if there are any.
    pub fn sees(&self, event_type: &EventType) -> bool {
        let has = |flag: &String| {
            self.portal.as_ref().is_none_or(|portal| portal.feature_flags.iter().any(|own| own.as_str() == flag))
        };
        event_type.feature_flags.is_empty() || event_type.feature_flags.iter().any(has)
    }
}

impl Auth {
    /// Once per process. Without a secret every token is refused.
    pub fn new(platform: &Platform) -> Self {
        let secret = platform.settings.jwt_secret.clone();
        let keys = secret.map(|secret| {
            let key = DecodingKey::from_secret(secret.as_bytes());
            Arc::new((secret, key))
        });
        let store = Store::new(&platform.sdk, &platform.settings.table, &platform.keys);
        Self { keys, store, effects: platform.effects.clone() }
    }

    /// A token for a portal.
    pub fn issue(&self, portal: &Portal) -> Result<String, Fault> {
        let (secret, _) = self.keys.as_deref().ok_or_else(|| Fault::corrupt("issuing a token without a secret"))?;
        token::issue_portal_token(secret, portal).map_err(|error| Fault::corrupt_because("issuing a token", error))
    }

    /// Who sent these headers, and whether they may do what asks for `access`.
    async fn caller(&self, headers: &HeaderMap, access: Access) -> Result<Caller, Problem> {
        let bearer = self.bearer(headers)?;
        let portal = match bearer {
            Bearer::Organization(organization) => {
                return Ok(Caller { organization, portal: None, actor: Actor::Token });
            }
            Bearer::Portal(portal) => portal,
        };
        let is_allowed = match access {
            Access::Public | Access::AnyToken => true,
            Access::Organization => false,
            Access::Application(capability) => portal.capabilities.contains(&capability),
        };
        if self.is_called_back(&portal).await? {
            return Err(Problem::Unauthenticated("the bearer token was called back"));
        }
        if !is_allowed {
            return Err(Problem::Forbidden("this token does not allow that"));
        }
        let actor = Actor::Portal { application: portal.scope.application, token: portal.token_id.clone() };
        Ok(Caller { organization: portal.scope.organization, portal: Some(portal), actor })
    }

    fn bearer(&self, headers: &HeaderMap) -> Result<Bearer, Problem> {
        const MISSING: Problem = Problem::Unauthenticated("send a token as authorization: Bearer ...");
        let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(MISSING)?;
        let (scheme, token) = value.split_once(' ').ok_or(MISSING)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(MISSING);
        }
        let refused = Problem::Unauthenticated("the bearer token is not valid");
        let (_, key) = self.keys.as_deref().ok_or(refused)?;
        token::check(key, token.trim(), self.effects.now())
    }

    async fn is_called_back(&self, portal: &Portal) -> Result<bool, Fault> {
        let (session, now) = (portal.session.as_deref(), self.effects.now());
        self.store.is_token_called_back(&portal.scope, &portal.token_id, session, portal.issued_at, now).await
    }
}

/// A function's routes, behind the one layer that knows who may call them, and with our answers for every other path.
pub fn guarded<S: Clone + Send + Sync + 'static>(routes: Router<S>, auth: Auth) -> Router<S> {
    routes
        .route_layer(from_fn_with_state(auth, authorize))
        .fallback(routes::fallback)
        .method_not_allowed_fallback(routes::fallback)
}

/// Lets through who may call the route, and hands on who it is.
async fn authorize(State(auth): State<Auth>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    // What is not in the table is no route, whatever a router makes of it: a HEAD of a GET, for example.
    let Some(access) = routes::access(request.method(), path) else {
        return Err(routes::refusal(request.uri()));
    };
    if access != Access::Public {
        let caller = auth.caller(request.headers(), access).await?;
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or(Problem::Unauthenticated("this address takes no token"))
    }
}
