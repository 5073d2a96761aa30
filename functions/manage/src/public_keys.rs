//! What receivers verify asymmetric signatures with, for everybody: public keys are no secret.
//!
//! The application is named by its identifier alone. That cannot be guessed, while a uid can: nobody should learn by asking
//! here which customers an organization has.

use axum::extract::State;
use axum::response::Response;
use fanfare::domain::ids::{AppScope, ApplicationId, OrganizationId};
use fanfare::flows::configure::Configure;
use fanfare::http::body::ok;
use fanfare::http::wire::jwks::JwksOut;
use fanfare::http::{Problem, Segments};
use lambda_http::http::HeaderValue;
use lambda_http::http::header::CACHE_CONTROL;

/// Five minutes: far below the day that a replaced key goes on signing, unless its owner says otherwise.
const SHARED_FOR: HeaderValue = HeaderValue::from_static("public, max-age=300");

pub(crate) async fn jwks(
    State(configure): State<Configure>,
    Segments((org_id, app_id)): Segments<(String, String)>,
) -> Result<Response, Problem> {
    let organization = OrganizationId::parse(&org_id).ok_or(Problem::NotFound)?;
    let application = ApplicationId::parse(&app_id).ok_or(Problem::NotFound)?;
    let keys = configure.public_keys(&AppScope { organization, application }).await?;
    let mut response = ok(&JwksOut::from(keys));
    response.headers_mut().insert(CACHE_CONTROL, SHARED_FOR);
    Ok(response)
}
