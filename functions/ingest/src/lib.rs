//! The door `ingest`: takes what providers send to the addresses of sources. A flow says whether it comes from the provider and
//! which messages it makes; they are accepted here, and only then the provider hears what it wants to hear.
//!
//! A provider repeats what was not answered with 2xx, for hours or days. So what passes (503) and what somebody can put right (401,
//! 404) are refused alike: nothing is lost when it is put right in time. Cut short between two events of one request, the repeat
//! finds the first one accepted and accepts the second.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use fanfare::config::Platform;
use fanfare::domain::ids::OrganizationId;
use fanfare::domain::inbound::{Rejected, Reply};
use fanfare::domain::inbound_message::InboundMessage;
use fanfare::domain::message::PAYLOAD_BYTES_MAX;
use fanfare::flows::Refusal;
use fanfare::flows::accept_message::AcceptMessage;
use fanfare::flows::receive_inbound::{Inbound, NotReceived, ReceiveInbound, Received};
use fanfare::http::public_url::PublicUrl;
use fanfare::http::rate_limit::RateLimits;
use fanfare::http::{Auth, Problem, Segments, body, guarded};
use fanfare::store::ApplicationRef;
use fanfare::telemetry::{Metric, Metrics};
use futures_util::{StreamExt, stream};
use lambda_http::Context;
use lambda_http::http::header::CONTENT_TYPE;
use lambda_http::http::{Extensions, HeaderMap, HeaderValue, StatusCode};

/// Largest body: what a payload may be, for most bodies become one as they are.
const BODY_BYTES_MAX: usize = PAYLOAD_BYTES_MAX;

/// Headers of one request. Providers send some twenty.
const HEADERS_MAX: usize = 100;

/// Events of one request that are accepted at one time. A request of SendGrid may hold two thousand: one after the other they
/// would take longer than it waits.
const ACCEPTED_AT_ONCE_MAX: usize = 16;

#[derive(Clone)]
struct Door {
    receive_inbound: ReceiveInbound,
    accept_message: AcceptMessage,
    public_url: PublicUrl,
    limits: RateLimits,
    metrics: Metrics,
}

/// The routes of this function; built once per process.
pub fn router(platform: &Platform) -> Router {
    let auth = Auth::new(platform);
    let door = Door {
        receive_inbound: ReceiveInbound::new(platform),
        accept_message: AcceptMessage::new(platform),
        public_url: PublicUrl::new(&platform.settings.public_url),
        limits: auth.limits().clone(),
        metrics: platform.telemetry.metrics(),
    };
    let routes = Router::new().route("/in/{source_id}/{token}", post(receive));
    guarded("ingest", routes, auth, invocation_id).with_state(door)
}

/// What Lambda calls the invocation.
fn invocation_id(extensions: &Extensions) -> Option<&str> {
    extensions.get::<Context>().map(|context| context.request_id.as_str())
}

async fn receive(State(door): State<Door>, place: Segments<(String, String)>, request: Request) -> Response {
    let received = take(&door, place, request).await.into_response();
    match received.status().as_u16() {
        0..400 => door.metrics.count(Metric::InboundAccepted, 1),
        400..500 => door.metrics.count(Metric::InboundRefused, 1),
        _ => {}
    }
    received
}

async fn take(
    door: &Door,
    Segments((source_id, token)): Segments<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let headers = pairs(&parts.headers)?;
    let body = body::read(body, BODY_BYTES_MAX).await?;
    let url = door.public_url.of_request(&parts.headers, &parts.uri);
    let inbound = Inbound {
        source: &source_id,
        token: &token,
        method: parts.method.as_str(),
        url: &url,
        headers: &headers,
        body: &body,
    };
    let Received { organization, application, messages, reply } =
        door.receive_inbound.run(&inbound).await.map_err(problem)?;
    door.limits.count_inbound(&organization, &source_id).await?;
    accept_all(&door.accept_message, &organization, &application, messages).await?;
    Ok(response(reply))
}

fn pairs(headers: &HeaderMap) -> Result<Vec<(String, Vec<u8>)>, Problem> {
    if headers.len() > HEADERS_MAX {
        let detail = format!("a request must not have more than {HEADERS_MAX} headers");
        return Err(Problem::Refused { code: "too_many_headers", detail });
    }
    Ok(headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect())
}

/// Accepts all that can be accepted, whatever becomes of the others; refused with what the first of these is refused with.
async fn accept_all(
    accept_message: &AcceptMessage,
    organization: &OrganizationId,
    application: &ApplicationRef,
    messages: Vec<InboundMessage>,
) -> Result<(), Refusal> {
    let accepted = messages.into_iter().map(|message| accept(accept_message, organization, application, message));
    let accepted: Vec<Result<(), Refusal>> = stream::iter(accepted).buffered(ACCEPTED_AT_ONCE_MAX).collect().await;
    accepted.into_iter().collect()
}

async fn accept(
    accept_message: &AcceptMessage,
    organization: &OrganizationId,
    application: &ApplicationRef,
    InboundMessage { idempotency_key, draft }: InboundMessage,
) -> Result<(), Refusal> {
    let event_id = draft.event_id.as_ref().map(ToString::to_string);
    match accept_message.run(organization, application, None, Some(&idempotency_key), draft).await {
        Ok(_) => Ok(()),
        // The same event in other words, as when a provider notes in its retry how often it has tried: the first one stays.
        Err(Refusal::Conflict(_)) => {
            tracing::info!(event.id = event_id, "an inbound event came again with another content");
            Ok(())
        }
        Err(refusal) => Err(refusal),
    }
}

fn problem(reason: NotReceived) -> Problem {
    match reason {
        NotReceived::NoSource => Problem::NotFound,
        NotReceived::Compressed => Problem::Compressed,
        NotReceived::Rejected(rejected @ Rejected::BadBody(_)) => {
            Problem::Refused { code: "body_refused", detail: rejected.to_string() }
        }
        NotReceived::Rejected(rejected) => Problem::NotVerified(rejected.to_string()),
        NotReceived::Fault(fault) => fault.into(),
    }
}

fn response(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let mut response = (status, reply.body).into_response();
    match reply.content_type {
        Some(content_type) => response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type)),
        None => response.headers_mut().remove(CONTENT_TYPE),
    };
    response
}
