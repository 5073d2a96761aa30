//! The door `history`: what happened; once more, please; forget it, please. It reads messages, deliveries, attempts and
//! statistics, queues more attempts and work in the background, and is asked for imports. What it may write are background tasks, imports, and messages' own
//! partitions, where it calls messages off and removes payloads and answers; it cannot write configuration.

mod attempts;
mod audit_log;
mod deliveries;
mod expunging;
mod imports;
mod messages;
mod statistics;
mod tasks;

use axum::Router;
use axum::routing::{delete, get, post, put};
use fanfare::config::Platform;
use fanfare::domain::application::Application;
use fanfare::domain::ids::{AppScope, EndpointId, MessageId};
use fanfare::domain::names::{Channel, EventTypeName, Tag};
use fanfare::effects::Effects;
use fanfare::flows::Payloads;
use fanfare::flows::ask_import::AskImport;
use fanfare::flows::expunge::Expunge;
use fanfare::flows::resend::Resend;
use fanfare::flows::start_task::StartTask;
use fanfare::http::{Auth, Caller, Problem, Query, guarded, path};
use fanfare::store::{ListFilter, Store};
use lambda_http::Context;
use lambda_http::http::Extensions;

#[derive(Clone)]
struct Door {
    store: Store,
    payloads: Payloads,
    resend: Resend,
    start_task: StartTask,
    ask_import: AskImport,
    expunge: Expunge,
    effects: Effects,
}

/// The routes of this function; built once per process.
pub fn router(platform: &Platform) -> Router {
    let store = Store::new(&platform.sdk, &platform.settings.table, &platform.keys);
    let door = Door {
        payloads: Payloads::new(platform, &store),
        store,
        resend: Resend::new(platform),
        start_task: StartTask::new(platform),
        ask_import: AskImport::new(platform),
        expunge: Expunge::new(platform),
        effects: platform.effects.clone(),
    };
    let routes = Router::new()
        .route("/api/v1/app/{app_id}/msg", get(messages::list))
        .route("/api/v1/app/{app_id}/msg/{msg_id}", get(messages::get))
        .route("/api/v1/app/{app_id}/attempt/endpoint/{endpoint_id}", get(attempts::list_by_endpoint))
        .route("/api/v1/app/{app_id}/attempt/msg/{msg_id}", get(attempts::list_by_message))
        .route("/api/v1/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}", get(attempts::get))
        .route("/api/v1/app/{app_id}/msg/{msg_id}/attempt", get(attempts::list_by_message))
        .route("/api/v1/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/attempt", get(attempts::list_of_delivery))
        .route("/api/v1/app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/resend", post(attempts::resend))
        .route("/api/v1/app/{app_id}/msg/{msg_id}/cancel", post(messages::cancel))
        .route("/api/v1/app/{app_id}/endpoint/{endpoint_id}/msg", get(deliveries::list_by_endpoint))
        .route("/api/v1/app/{app_id}/msg/{msg_id}/endpoint", get(deliveries::list_by_message))
        .route("/api/v1/app/{app_id}/endpoint/{endpoint_id}/stats", get(statistics::deliveries))
        .route("/api/v1/app/{app_id}/endpoint/{endpoint_id}/attempt-stats", get(statistics::attempts))
        .route("/api/v1/app/{app_id}/endpoint/{endpoint_id}/undelivered", get(deliveries::list_undelivered))
        .route("/api/v1/app/{app_id}/msg/{msg_id}/content", delete(expunging::message))
        .route("/api/v1/app/{app_id}/msg/{msg_id}/attempt/{attempt_id}/content", delete(expunging::attempt))
        .route("/api/v1/app/{app_id}/msg/bulk-expunge", post(expunging::messages))
        .route("/api/v1/app/{app_id}/endpoint/{endpoint_id}/recover", post(tasks::recover))
        .route("/api/v1/app/{app_id}/endpoint/{endpoint_id}/replay-missing", post(tasks::replay_missing))
        .route("/api/v1/app/{app_id}/endpoint/{endpoint_id}/bulk-replay", post(tasks::bulk_replay))
        .route("/api/v1/app/{app_id}/msg/expunge-all-contents", post(tasks::expunge_all))
        .route("/api/v1/app/{app_id}/import", get(imports::list_of_application).post(imports::ask_for_application))
        .route("/api/v1/import", get(imports::list).post(imports::ask))
        .route("/api/v1/import/{import_id}", get(imports::get))
        .route("/api/v1/import/{import_id}/complete", post(imports::complete))
        .route("/api/v1/import/{import_id}/cancel", post(imports::cancel))
        .route("/api/v1/audit-log", get(audit_log::list))
        .route("/api/v1/background-task", get(tasks::list))
        .route("/api/v1/background-task/{task_id}", get(tasks::get))
        .route("/api/v1/stats/usage/app", post(tasks::app_usage))
        .route("/api/v1/stats/usage/event-types", put(tasks::event_type_usage));
    guarded("history", routes, Auth::new(platform), invocation_id).with_state(door)
}

/// What Lambda calls the invocation.
fn invocation_id(extensions: &Extensions) -> Option<&str> {
    extensions.get::<Context>().map(|context| context.request_id.as_str())
}

impl Door {
    /// The application a path names, which must be the caller's.
    async fn application(&self, caller: &Caller, app_id: &str) -> Result<(AppScope, Application), Problem> {
        let named = caller.application(app_id)?;
        let application = self.store.application(&caller.organization, &named).await?.ok_or(Problem::NotFound)?;
        Ok((AppScope { organization: caller.organization, application: application.id }, application))
    }

    /// The endpoint a path names. Even one named by its identifier is looked up: a deleted one has no history any more.
    async fn endpoint_id(&self, scope: &AppScope, endpoint_id: &str) -> Result<EndpointId, Problem> {
        let named = path::endpoint(endpoint_id)?;
        Ok(self.store.endpoint(scope, &named).await?.ok_or(Problem::NotFound)?.id)
    }

    /// The message a path names.
    async fn message_id(&self, scope: &AppScope, msg_id: &str) -> Result<MessageId, Problem> {
        let named = path::message(msg_id)?;
        Ok(self.store.message(scope, &named).await?.ok_or(Problem::NotFound)?.id)
    }
}

/// What the query narrows a list by time to.
fn list_filter(query: &Query) -> Result<ListFilter, Problem> {
    Ok(ListFilter {
        event_types: query.list("event_types", |text| EventTypeName::parse(text))?,
        channel: query.parsed("channel", |text| Channel::parse(text))?,
        tag: query.parsed("tag", |text| Tag::parse(text))?,
        before: query.instant("before")?,
        after: query.instant("after")?,
    })
}
