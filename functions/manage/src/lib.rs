//! The door `manage`: applications, endpoints, event types, sources, public keys, portal tokens, API keys, data keys, health, the API's document. It also
//! answers every route that is nobody's, so that even those answers have the API's own shape.

mod api_keys;
mod applications;
mod authentication;
mod docs;
mod encryption;
mod endpoints;
mod event_types;
mod health;
mod public_keys;
mod sources;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use fanfare::config::Platform;
use fanfare::flows::check_health::CheckHealth;
use fanfare::flows::configure::Configure;
use fanfare::http::etag::revalidate;
use fanfare::http::public_url::PublicUrl;
use fanfare::http::{Auth, guarded};
use fanfare::store::Store;

use authentication::Portals;
use lambda_http::Context;
use lambda_http::http::Extensions;

#[derive(Clone)]
struct Door {
    check_health: CheckHealth,
    configure: Configure,
    store: Store,
    portals: Portals,
    public_url: PublicUrl,
}

impl FromRef<Door> for CheckHealth {
    fn from_ref(door: &Door) -> Self {
        door.check_health.clone()
    }
}

impl FromRef<Door> for Portals {
    fn from_ref(door: &Door) -> Self {
        door.portals.clone()
    }
}

impl FromRef<Door> for PublicUrl {
    fn from_ref(door: &Door) -> Self {
        door.public_url.clone()
    }
}

impl FromRef<Door> for Configure {
    fn from_ref(door: &Door) -> Self {
        door.configure.clone()
    }
}

impl FromRef<Door> for Store {
    fn from_ref(door: &Door) -> Self {
        door.store.clone()
    }
}

/// The routes of this function; built once per process.
pub fn router(platform: &Platform) -> Router {
    let (auth, configure) = (Auth::new(platform), Configure::new(platform));
    let store = Store::new(&platform.sdk, &platform.settings.table, &platform.keys);
    let portals = Portals {
        auth: auth.clone(),
        configure: configure.clone(),
        store: store.clone(),
        effects: platform.effects.clone(),
        url: platform.settings.portal_url.clone(),
    };
    let public_url = PublicUrl::new(&platform.settings.public_url);
    let check_health = CheckHealth::new(platform, &store);
    let door = Door { check_health, configure, store, portals, public_url };
    let routes = read_again_and_again()
        .route_layer(from_fn(revalidate))
        .route("/api/v1/app/{app_id}/endpoint/{endpoint_id}/secret", get(endpoints::get_secret))
        .route("/api/v1/app/{app_id}/endpoint/{endpoint_id}/secret/rotate", post(endpoints::rotate_secret))
        .route("/api/v1/event-type/import/openapi", post(event_types::import_openapi))
        .route("/api/v1/operational-webhook/endpoint", get(endpoints::list).post(endpoints::create))
        .route(
            "/api/v1/operational-webhook/endpoint/{endpoint_id}",
            get(endpoints::get).put(endpoints::put).delete(endpoints::delete),
        )
        .route("/api/v1/operational-webhook/endpoint/{endpoint_id}/secret", get(endpoints::get_secret))
        .route("/api/v1/operational-webhook/endpoint/{endpoint_id}/secret/rotate", post(endpoints::rotate_secret))
        .route(
            "/api/v1/operational-webhook/endpoint/{endpoint_id}/headers",
            get(endpoints::get_headers).put(endpoints::put_headers),
        )
        .route("/api/v1/source/{source_id}/secret", get(sources::get_secret))
        .route("/api/v1/source/{source_id}/secret/rotate", post(sources::rotate_secret))
        .route("/api/v1/source/{source_id}/token/rotate", post(sources::rotate_token))
        .route("/api/v1/auth/app-portal-access/{app_id}", post(authentication::app_portal_access))
        .route("/api/v1/auth/dashboard-access/{app_id}", post(authentication::dashboard_access))
        .route("/api/v1/auth/app/{app_id}/expire-all", post(authentication::expire_all))
        .route("/api/v1/auth/api-key", get(api_keys::list).post(api_keys::create))
        .route("/api/v1/auth/api-key/{key_id}", get(api_keys::get).delete(api_keys::delete))
        .route("/api/v1/auth/logout", post(authentication::logout))
        .route("/api/v1/encryption-key", get(encryption::list))
        .route("/api/v1/encryption-key/rotate", post(encryption::rotate))
        .route("/api/v1/encryption-key/erase", post(encryption::erase))
        .route("/api/v1/health", get(health::health))
        .route("/api/v1/health/ping", get(health::ping))
        .route("/api/v1/openapi.json", get(docs::document))
        .route("/docs", get(docs::page));
    guarded("manage", routes, auth, invocation_id).with_state(door)
}

/// What Lambda calls the invocation.
fn invocation_id(extensions: &Extensions) -> Option<&str> {
    extensions.get::<Context>().map(|context| context.request_id.as_str())
}

/// The routes that carry entity tags. A secret has none: nothing of it should stay in a cache.
fn read_again_and_again() -> Router<Door> {
    Router::new()
        .route("/api/v1/app", get(applications::list).post(applications::create))
        .route(
            "/api/v1/app/{app_id}",
            get(applications::get).put(applications::put).patch(applications::patch).delete(applications::delete),
        )
        .route("/api/v1/app/{app_id}/endpoint", get(endpoints::list).post(endpoints::create))
        .route(
            "/api/v1/app/{app_id}/endpoint/{endpoint_id}",
            get(endpoints::get).put(endpoints::put).patch(endpoints::patch).delete(endpoints::delete),
        )
        .route(
            "/api/v1/app/{app_id}/endpoint/{endpoint_id}/headers",
            get(endpoints::get_headers).put(endpoints::put_headers).patch(endpoints::patch_headers),
        )
        .route("/api/v1/event-type", get(event_types::list).post(event_types::create))
        .route(
            "/api/v1/event-type/{event_type_name}",
            get(event_types::get).put(event_types::put).patch(event_types::patch).delete(event_types::delete),
        )
        .route("/api/v1/source", get(sources::list).post(sources::create))
        .route(
            "/api/v1/source/{source_id}",
            get(sources::get).put(sources::put).patch(sources::patch).delete(sources::delete),
        )
        .route("/.well-known/webhooks/{org_id}/{app_id}/jwks.json", get(public_keys::jwks))
}
