//! Portal tokens over HTTP: given to the customer's browser, good for one application, and called back.
//!
//! A token is not stored: asked for twice under one idempotency key, two tokens are made that are equally good. What is stored
//! is which tokens do not count any more.

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fanfare::domain::audit::PortalToken;
use fanfare::effects::Effects;
use fanfare::flows::configure::Configure;
use fanfare::http::auth::Portal;
use fanfare::http::body::ok;
use fanfare::http::wire::authentication::{
    AppPortalAccessIn, AppPortalAccessOut, ApplicationTokenExpireIn, PORTAL_TOKEN_LIFETIME_S_MAX,
};
use fanfare::http::{Auth, Caller, Json, Problem, Segments};
use fanfare::store::{Cutoff, Store};
use lambda_http::http::StatusCode;
use serde_json::json;

/// What makes and calls back portal tokens.
#[derive(Clone)]
pub(crate) struct Portals {
    pub(crate) auth: Auth,
    pub(crate) configure: Configure,
    pub(crate) store: Store,
    pub(crate) effects: Effects,
    /// The page of the portal; empty: there is none.
    pub(crate) url: String,
}

impl Portals {
    fn link(&self, portal: &Portal, token: &str) -> String {
        if self.url.is_empty() {
            return String::new();
        }
        // Behind '#', which browsers do not send: the token stays out of access logs.
        let key = json!({ "appId": portal.scope.application, "token": token });
        format!("{}#key={}", self.url, BASE64.encode(key.to_string()))
    }
}

pub(crate) async fn app_portal_access(
    State(portals): State<Portals>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    body: Json<AppPortalAccessIn>,
) -> Result<Response, Problem> {
    grant(&portals, &caller, &app_id, body.value).await
}

/// The older name of [`app_portal_access`], which says nothing about the token.
pub(crate) async fn dashboard_access(
    State(portals): State<Portals>,
    caller: Caller,
    Segments(app_id): Segments<String>,
) -> Result<Response, Problem> {
    grant(&portals, &caller, &app_id, AppPortalAccessIn::default()).await
}

async fn grant(
    portals: &Portals,
    caller: &Caller,
    app_id: &str,
    asked: AppPortalAccessIn,
) -> Result<Response, Problem> {
    let (named, asked) = (caller.application(app_id)?, asked.into_request(app_id)?);
    if let Some(draft) = asked.application {
        portals.configure.create_application(&caller.author(), draft, None, true).await?;
    }
    let scope = portals.configure.scope(&caller.organization, &named).await?;
    let now = portals.effects.now();
    let portal = Portal {
        scope,
        capabilities: asked.capabilities,
        feature_flags: asked.feature_flags,
        token_id: BASE64.encode(portals.effects.random.id_tail()),
        session: asked.session,
        issued_at: now,
        expires_at: now.plus_millis(i64::from(asked.lifetime_s) * 1_000),
    };
    let token = portals.auth.issue(&portal)?;
    portals.configure.record_portal_token(&caller.author(), &portal.scope, &on_record(&portal)).await?;
    Ok(ok(&AppPortalAccessOut { url: portals.link(&portal, &token), token }))
}

fn on_record(portal: &Portal) -> PortalToken {
    PortalToken {
        token: portal.token_id.clone(),
        capabilities: portal.capabilities.to_vec(),
        feature_flags: portal.feature_flags.iter().map(ToString::to_string).collect(),
        session: portal.session.clone(),
        expires_at: portal.expires_at,
    }
}

/// Ends the portal token that asks. An organization's token is no session: it ends when its secret changes.
pub(crate) async fn logout(State(portals): State<Portals>, caller: Caller) -> Result<StatusCode, Problem> {
    let portal = caller.portal.ok_or(Problem::Forbidden("only portal tokens can log out"))?;
    portals.store.call_back_token(&portal.scope, &portal.token_id, portal.expires_at).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends portal tokens that were issued until now, at once or after a while.
pub(crate) async fn expire_all(
    State(portals): State<Portals>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    body: Json<ApplicationTokenExpireIn>,
) -> Result<StatusCode, Problem> {
    let (named, (delay_s, sessions)) = (caller.application(&app_id)?, body.value.into_parts()?);
    let scope = portals.configure.scope(&caller.organization, &named).await?;
    let now = portals.effects.now();
    let from = now.plus_millis(i64::from(delay_s) * 1_000);
    let cutoff = |session| Cutoff { issued_before: now, from, session };
    let cutoffs = match sessions.is_empty() {
        true => vec![cutoff(None)],
        false => sessions.into_iter().map(|session| cutoff(Some(session))).collect(),
    };
    let forgotten_at = now.plus_millis(i64::from(PORTAL_TOKEN_LIFETIME_S_MAX) * 1_000);
    portals.configure.call_back_tokens(&caller.author(), &scope, &cutoffs, forgotten_at).await?;
    Ok(StatusCode::NO_CONTENT)
}
