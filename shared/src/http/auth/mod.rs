//! Who calls, and whether they may: one layer in front of every route asks the route table and the bearer token.
//!
//! Four kinds of callers: whoever has a token of ours (`token.rs`), a portal among them; whoever an identity provider vouches for
//! (`identity.rs`); whoever has an API key. The first two cost no read; a portal two; an API key one, and none for half a minute
//! after it.

mod identity;
mod known_keys;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jsonwebtoken::{Algorithm, DecodingKey};

use super::Problem;
use super::hygiene::{Hygiene, InvocationId, protect};
use super::rate_limit::RateLimits;
use super::routes::{self, Access};
use crate::config::{JwtSecret, OidcSettings, Platform};
use crate::domain::access::Role;
use crate::domain::actor::Actor;
use crate::domain::api_key::{self, API_KEY_PREFIX, ApiKey, ApiKeyHash};
use crate::domain::audit::Author;
use crate::domain::event_type::EventType;
use crate::domain::ids::{OrganizationId, RequestId};
use crate::domain::operational::operational_application;
use crate::effects::Effects;
use crate::fault::Fault;
use crate::flows::identity_keys::IdentityKeys;
use crate::store::{ApplicationRef, Store};
use identity::Identity;
use known_keys::KnownKeys;

pub use known_keys::API_KEY_BELIEVED_MS;
pub use token::{Portal, issue_role_token, issue_token};

const NOT_VALID: Problem = Problem::Unauthenticated("the bearer token is not valid");

/// Whose a bearer token was found to be.
enum Bearer {
    Organization(OrganizationId, Role, Actor),
    Portal(Portal),
}

/// Tells callers apart, and issues portals' tokens. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Auth {
    keys: Option<Arc<(JwtSecret, DecodingKey)>>,
    identities: Option<Arc<(OidcSettings, IdentityKeys)>>,
    known_keys: KnownKeys,
    limits: RateLimits,
    hygiene: Hygiene,
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
    /// What the gateway in front calls the request.
    pub request_id: Option<RequestId>,
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
    /// On whose behalf it changes the configuration.
    pub fn author(&self) -> Author {
        Author { organization: self.organization, actor: self.actor.clone(), request_id: self.request_id }
    }

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
        let identities = platform.settings.oidc.clone().map(|settings| {
            let keys = IdentityKeys::new(platform, settings.jwks_url.clone());
            Arc::new((settings, keys))
        });
        Self {
            keys,
            identities,
            known_keys: KnownKeys::default(),
            limits: RateLimits::new(platform, &store),
            hygiene: Hygiene::new(platform),
            store,
            effects: platform.effects.clone(),
        }
    }

    /// The limits of requests, for doors whose callers have no token.
    pub fn limits(&self) -> &RateLimits {
        &self.limits
    }

    /// A token for a portal.
    pub fn issue(&self, portal: &Portal) -> Result<String, Fault> {
        let (secret, _) = self.keys.as_deref().ok_or_else(|| Fault::corrupt("issuing a token without a secret"))?;
        token::issue_portal_token(secret, portal).map_err(|error| Fault::corrupt_because("issuing a token", error))
    }

    /// Who sent these headers, and whether they may do what asks for `access`.
    async fn caller(&self, headers: &HeaderMap, access: Access) -> Result<Caller, Problem> {
        const FORBIDDEN: Problem = Problem::Forbidden("this token does not allow that");
        let (organization, role, actor) = match self.bearer(headers).await? {
            Bearer::Portal(portal) => return self.portal(portal, access).await?.ok_or(FORBIDDEN),
            Bearer::Organization(organization, role, actor) => (organization, role, actor),
        };
        let is_allowed = match access {
            Access::Public | Access::AnyToken => true,
            Access::Organization(right) => role.has(right),
            Access::Application(capability) => role.has(capability.right()),
        };
        is_allowed.then_some(Caller { organization, portal: None, actor, request_id: None }).ok_or(FORBIDDEN)
    }

    /// The portal as a caller, if its token counts; none: it may not do that.
    async fn portal(&self, portal: Portal, access: Access) -> Result<Option<Caller>, Problem> {
        let is_allowed = match access {
            Access::Public | Access::AnyToken => true,
            Access::Organization(_) => false,
            Access::Application(capability) => portal.capabilities.contains(&capability),
        };
        if self.is_called_back(&portal).await? {
            return Err(Problem::Unauthenticated("the bearer token was called back"));
        }
        let actor = Actor::Portal { application: portal.scope.application, token: portal.token_id.clone() };
        let organization = portal.scope.organization;
        Ok(is_allowed.then_some(Caller { organization, portal: Some(portal), actor, request_id: None }))
    }

    /// Whose the bearer token is. Its form says which of the three verifiers it is for; each takes its own kind only.
    async fn bearer(&self, headers: &HeaderMap) -> Result<Bearer, Problem> {
        let token = bearer_text(headers)?;
        if token.len() > token::TOKEN_BYTES_MAX {
            return Err(NOT_VALID);
        }
        if token.starts_with(API_KEY_PREFIX) {
            return self.api_key(token).await;
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| NOT_VALID)?;
        // What must be understood and is not, makes it invalid (RFC 7515, 4.1.11).
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err(NOT_VALID);
        }
        match (header.alg, &self.identities) {
            (Algorithm::HS256, _) => {
                let (_, key) = self.keys.as_deref().ok_or(NOT_VALID)?;
                Ok(match token::check(key, token, self.effects.now())? {
                    token::Bearer::Organization(organization, role) => {
                        Bearer::Organization(organization, role, Actor::Token)
                    }
                    token::Bearer::Portal(portal) => Bearer::Portal(portal),
                })
            }
            (_, Some(identities)) => {
                let (settings, keys) = &**identities;
                let name = identity::key_name(&header).ok_or(NOT_VALID)?;
                let key = keys.find(name).await?.ok_or(NOT_VALID)?;
                let Identity { organization, role, subject } =
                    identity::check(settings, &key, token, self.effects.now())?;
                Ok(Bearer::Organization(organization, role, Actor::Identity { subject }))
            }
            (_, None) => Err(NOT_VALID),
        }
    }

    async fn api_key(&self, text: &str) -> Result<Bearer, Problem> {
        let (organization, id, secret) = api_key::parse(text).ok_or(NOT_VALID)?;
        let now = self.effects.now();
        let found = match self.known_keys.get(&organization, &id, now) {
            Some(known) => known,
            None => {
                let found = Arc::new(self.store.api_key(&organization, &id).await?.ok_or(NOT_VALID)?);
                self.known_keys.put(&organization, Arc::clone(&found), now);
                found
            }
        };
        let (key, hash) = &*found;
        if !hash.is_of(&secret) {
            return Err(NOT_VALID);
        }
        if key.is_over(now) {
            return Err(Problem::Unauthenticated("the API key has expired"));
        }
        if key.is_use_due(now) {
            self.note_use(&organization, key, hash).await;
        }
        Ok(Bearer::Organization(organization, key.role, Actor::ApiKey { id }))
    }

    /// Notes that a key was used. When that fails, its caller is served all the same.
    async fn note_use(&self, organization: &OrganizationId, key: &ApiKey, hash: &ApiKeyHash) {
        let now = self.effects.now();
        match self.store.note_api_key_use(organization, &key.id, now).await {
            Ok(()) => {
                let used = ApiKey { used_at: Some(now), ..key.clone() };
                self.known_keys.put(organization, Arc::new((used, *hash)), now);
            }
            Err(fault) => tracing::warn!(error = fault.chain(), "the use of an API key is not on record"),
        }
    }

    async fn is_called_back(&self, portal: &Portal) -> Result<bool, Fault> {
        let (session, now) = (portal.session.as_deref(), self.effects.now());
        self.store.is_token_called_back(&portal.scope, &portal.token_id, session, portal.issued_at, now).await
    }
}

fn bearer_text(headers: &HeaderMap) -> Result<&str, Problem> {
    const MISSING: Problem = Problem::Unauthenticated("send a token as authorization: Bearer ...");
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(MISSING)?;
    let (scheme, token) = value.split_once(' ').ok_or(MISSING)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(MISSING);
    }
    Ok(token.trim())
}

/// The routes of this function, behind the one layer that knows who may call them, and with our answers for every other path; around
/// all of them what every response has.
pub fn guarded<S: Clone + Send + Sync + 'static>(
    function: &'static str,
    routes: Router<S>,
    auth: Auth,
    invocation_id: InvocationId,
) -> Router<S> {
    let protection = auth.hygiene.clone().of(function, invocation_id);
    routes
        .route_layer(from_fn_with_state(auth, authorize))
        .fallback(routes::fallback)
        .method_not_allowed_fallback(routes::fallback)
        .layer(from_fn_with_state(protection, protect))
}

/// Lets through who may call the route, and hands on who it is.
async fn authorize(State(auth): State<Auth>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    // What is not in the table is no route, whatever a router makes of it: a HEAD of a GET, for example.
    let Some(access) = routes::access(request.method(), path) else {
        return Err(routes::refusal(request.uri()));
    };
    if access == Access::Public {
        return Ok(next.run(request).await);
    }
    let request_id = request.extensions().get::<RequestId>().copied();
    let caller = Caller { request_id, ..auth.caller(request.headers(), access).await? };
    let standing = auth.limits.count(&caller.organization, bearer_text(request.headers())?).await?;
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    if let Some(standing) = standing {
        standing.tell(response.headers_mut());
    }
    Ok(response)
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or(Problem::Unauthenticated("this address takes no token"))
    }
}
