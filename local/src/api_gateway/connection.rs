//! Connections, and the way of one request on them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use fanfare::effects::Effects;
use fanfare::http::hygiene::dress;
use fanfare_engines::{ObjectBody, Presigned};
use http::header::HeaderName;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::event::{self, Arrival};
use super::refusal::Refusal;
use super::routes::Routes;
use super::{
    ACCEPT_RETRY, BODY_BYTES_MAX, BODY_TIMEOUT, BUFFER_BYTES_MAX, CONNECTIONS_MAX, HEAD_TIMEOUT, HEADERS_BYTES_MAX,
    HEADERS_MAX, PASSED_OVER_BYTES_MAX, answer,
};
use crate::functions::{Function, InvokeError};
use crate::ids;
use crate::tasks::Tasks;

/// API Gateway's name for a request, in the response to it.
const REQUEST_ID: HeaderName = HeaderName::from_static("apigw-requestid");

/// The HTTP API: its routes, and what it needs beside them.
pub(crate) struct Api {
    pub(crate) routes: Routes<Function>,
    /// Takes presigned URLs, which API Gateway never sees: in the cloud they lead to S3.
    pub(crate) objects: Presigned,
    pub(crate) effects: Effects,
    pub(crate) port: u16,
}

/// Serves until the gateway stops; requests that have begun are answered.
pub(crate) async fn serve(listener: TcpListener, api: Arc<Api>, tasks: Tasks) {
    let free = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Ok(place) = Arc::clone(&free).acquire_owned().await {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = tasks.stopping() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let talk = converse(stream, peer, Arc::clone(&api), tasks.clone());
                drop(tasks.spawn(async move {
                    talk.await;
                    drop(place);
                }));
            }
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, peer: SocketAddr, api: Arc<Api>, tasks: Tasks) {
    // Answers are small and awaited; a kernel that refuses only makes them slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(api.answer(request, peer).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    server.max_buf_size(BUFFER_BYTES_MAX).max_headers(HEADERS_MAX);
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = tasks.stopping() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

impl Api {
    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<ObjectBody> {
        if Presigned::is_meant(request.uri()) {
            return self.objects.answer(request).await;
        }
        let begun = Instant::now();
        let method = request.method().clone();
        let request_id = ids::request(&*self.effects.random);
        let mut response = self.handle(request, peer, &request_id).await.unwrap_or_else(Refusal::response);
        dress(response.headers_mut());
        if let Ok(id) = request_id.parse() {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let status = response.status().as_u16();
        tracing::debug!(%method, status, request.id = request_id, duration_ms = begun.elapsed().as_millis(), "answered");
        response.map(|body| body.map_err(|never| match never {}).boxed_unsync())
    }

    async fn handle(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        request_id: &str,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        let (mut parts, body) = request.into_parts();
        if headers_bytes(&parts.headers) > HEADERS_BYTES_MAX {
            return Err(Refusal::HeadersTooLarge);
        }
        let body = read(body).await?;
        let matched = self.routes.find(&parts.method, parts.uri.path()).ok_or(Refusal::NotFound)?;
        let at = self.effects.now();
        let arrival = Arrival {
            peer,
            port: self.port,
            at,
            request_id,
            trace: ids::trace(&*self.effects.random, at.as_seconds()),
            route_key: &matched.target.key,
            path_parameters: &matched.parameters,
        };
        let event = event::write(&mut parts, &body, arrival)?;
        drop(body);
        let answered = matched.target.function.invoke(event).await.map_err(|error| failed(&error, request_id))?;
        answer::read(&answered).map_err(|error| {
            let function = matched.target.function.name();
            tracing::error!(
                function,
                request.id = request_id,
                error = chain(&error),
                "a function answered with nonsense"
            );
            Refusal::FunctionFailed
        })
    }
}

async fn read(mut body: Incoming) -> Result<Bytes, Refusal> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let read = tokio::time::timeout(BODY_TIMEOUT, async {
        if body.size_hint().lower() <= BODY_BYTES_MAX as u64 {
            match Limited::new(&mut body, BODY_BYTES_MAX).collect().await {
                Ok(whole) => return Ok(whole.to_bytes()),
                Err(error) if error.is::<http_body_util::LengthLimitError>() => {}
                // The connection broke; nobody will read the answer.
                Err(_) => return Err(Refusal::BadRequest),
            }
        }
        pass_over(&mut body).await;
        Err(Refusal::BodyTooLarge)
    });
    read.await.unwrap_or(Err(Refusal::BodyTooSlow))
}

/// Reads on for a while: whoever still sends when the connection is closed sees a broken connection and not our answer.
async fn pass_over(body: &mut Incoming) {
    let mut rest_bytes = PASSED_OVER_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match rest_bytes.checked_sub(bytes) {
            Some(rest) => rest_bytes = rest,
            None => return,
        }
    }
}

fn headers_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

fn failed(error: &InvokeError, request_id: &str) -> Refusal {
    if matches!(error, InvokeError::EventTooLarge { .. }) {
        return Refusal::BodyTooLarge;
    }
    tracing::error!(request.id = request_id, error = chain(error), "a request got no answer");
    Refusal::FunctionFailed
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
