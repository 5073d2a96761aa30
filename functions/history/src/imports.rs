//! Imports over HTTP: asked for, looked at, called off.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::ids::{ApplicationId, ImportId};
use fanfare::domain::import::Import;
use fanfare::domain::page::{Order, Page};
use fanfare::flows::CreationKey;
use fanfare::http::body::{answer, ok};
use fanfare::http::query::PageOut;
use fanfare::http::wire::import::{AskedImportOut, ImportCompleteIn, ImportIn, ImportOut};
use fanfare::http::{Caller, Json, Problem, Query, Segments};
use lambda_http::http::StatusCode;

use crate::Door;

async fn asked(
    door: &Door,
    caller: &Caller,
    application: Option<ApplicationId>,
    body: Json<ImportIn>,
) -> Result<Response, Problem> {
    let key = CreationKey::of(&body.idempotency_key, &body.bytes);
    let draft = body.value.into_draft(application)?;
    let asked = door.ask_import.run(&caller.organization, draft, key).await?;
    Ok(answer(StatusCode::CREATED, &AskedImportOut::new(asked, door.effects.now())))
}

/// For the records of many applications, which name them.
pub(crate) async fn ask(State(door): State<Door>, caller: Caller, body: Json<ImportIn>) -> Result<Response, Problem> {
    asked(&door, &caller, None, body).await
}

pub(crate) async fn ask_for_application(
    State(door): State<Door>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    body: Json<ImportIn>,
) -> Result<Response, Problem> {
    let (scope, _) = door.application(&caller, &app_id).await?;
    asked(&door, &caller, Some(scope.application), body).await
}

pub(crate) async fn list(State(door): State<Door>, caller: Caller, query: Query) -> Result<Response, Problem> {
    listed(&door, &caller, None, &query).await
}

pub(crate) async fn list_of_application(
    State(door): State<Door>,
    caller: Caller,
    Segments(app_id): Segments<String>,
    query: Query,
) -> Result<Response, Problem> {
    let (scope, _) = door.application(&caller, &app_id).await?;
    listed(&door, &caller, Some(scope.application), &query).await
}

async fn listed(
    door: &Door,
    caller: &Caller,
    application: Option<ApplicationId>,
    query: &Query,
) -> Result<Response, Problem> {
    let request = query.page(Order::Descending, ImportId::parse)?;
    let page = door.store.list_imports(&caller.organization, application, &request).await?;
    let now = door.effects.now();
    let views = page.items.iter().map(|import| door.ask_import.view(import.clone()));
    let views = futures_util::future::join_all(views).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let page = Page { items: views, next: page.next, previous: page.previous, is_done: page.is_done };
    Ok(ok(&PageOut::new(page, |view| ImportOut::new(view, now))))
}

impl Door {
    async fn import(&self, caller: &Caller, import_id: &str) -> Result<Import, Problem> {
        let id = ImportId::parse(import_id).ok_or(Problem::NotFound)?;
        self.store.import(&caller.organization, &id).await?.ok_or(Problem::NotFound)
    }
}

pub(crate) async fn get(
    State(door): State<Door>,
    caller: Caller,
    Segments(import_id): Segments<String>,
) -> Result<Response, Problem> {
    let import = door.import(&caller, &import_id).await?;
    Ok(ok(&ImportOut::new(door.ask_import.view(import).await?, door.effects.now())))
}

/// All parts of the file are uploaded.
pub(crate) async fn complete(
    State(door): State<Door>,
    caller: Caller,
    Segments(import_id): Segments<String>,
    body: Json<ImportCompleteIn>,
) -> Result<Response, Problem> {
    let pieces = body.value.into_parts()?;
    let import = door.import(&caller, &import_id).await?;
    let view = door.ask_import.complete(import, &pieces).await?;
    Ok(ok(&ImportOut::new(view, door.effects.now())))
}

pub(crate) async fn cancel(
    State(door): State<Door>,
    caller: Caller,
    Segments(import_id): Segments<String>,
) -> Result<Response, Problem> {
    let import = door.import(&caller, &import_id).await?;
    let view = door.ask_import.cancel(import).await?;
    Ok(ok(&ImportOut::new(view, door.effects.now())))
}
