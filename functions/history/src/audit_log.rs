//! The audit log over HTTP: read, and nothing else.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::Invalid;
use fanfare::domain::audit::Operation;
use fanfare::domain::ids::{ApplicationId, ChangeId};
use fanfare::http::body::ok;
use fanfare::http::query::PageOut;
use fanfare::http::wire::audit::ChangeOut;
use fanfare::http::{Caller, Problem, Query};
use fanfare::store::ChangeFilter;

use crate::Door;

pub(crate) async fn list(State(door): State<Door>, caller: Caller, query: Query) -> Result<Response, Problem> {
    let application =
        |text: &str| ApplicationId::parse(text).ok_or_else(|| Invalid::new("must be an application's identifier"));
    let filter = ChangeFilter {
        operation: query.parsed("operation", Operation::parse)?,
        thing: query.parsed("thing", |text| Ok(text.to_owned()))?,
        // By its identifier: the log tells of applications that are gone, too.
        application: query.parsed("app_id", application)?,
        before: query.instant("before")?,
        after: query.instant("after")?,
    };
    let request = query.page_by_time(ChangeId::parse)?;
    let page = door.store.list_changes(&caller.organization, &request, &filter).await?;
    Ok(ok(&PageOut::new(page, ChangeOut::from)))
}
