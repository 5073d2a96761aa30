//! From event bytes to a handler's own types and back, as the Lambda runtime does it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, IntoResponse, Request, Service};
use lambda_runtime::{Context, Error, LambdaEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a handler is busy with.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Result<Bytes, Error>> + Send>>;

/// A handler, from event bytes to answer bytes.
pub trait Handler: Send + Sync {
    /// Handles one event. The error is the handler's own, or says that the bytes are not the event it expects.
    fn handle(&self, payload: Bytes, context: Context) -> HandlerFuture;
}

/// A handler of API Gateway events: an HTTP service behind the same adapter that runs it on Lambda.
pub fn http<S, R>(service: S) -> impl Handler
where
    S: Service<Request, Response = R, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    R: IntoResponse + Send + 'static,
{
    HttpHandler(service)
}

/// A handler of any other event.
pub fn events<H, F, E, A, X>(handle: H) -> impl Handler
where
    H: Fn(LambdaEvent<E>) -> F + Send + Sync,
    F: Future<Output = Result<A, X>> + Send + 'static,
    E: DeserializeOwned + Send,
    A: Serialize,
    X: Into<Error>,
{
    EventHandler(handle, std::marker::PhantomData::<fn(E)>)
}

struct HttpHandler<S>(S);

impl<S, R> Handler for HttpHandler<S>
where
    S: Service<Request, Response = R, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    R: IntoResponse + Send + 'static,
{
    fn handle(&self, payload: Bytes, context: Context) -> HandlerFuture {
        let mut service = self.0.clone();
        Box::pin(async move {
            let event: LambdaRequest = serde_json::from_slice(&payload)?;
            drop(payload);
            std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
            // The adapter may not live across an await: it is not `Send` when answers are not `Sync`.
            let handled = Adapter::from(service).call(LambdaEvent::new(event, context));
            let answer = handled.await?;
            Ok(Bytes::from(serde_json::to_vec(&answer)?))
        })
    }
}

struct EventHandler<H, E>(H, std::marker::PhantomData<fn(E)>);

impl<H, F, E, A, X> Handler for EventHandler<H, E>
where
    H: Fn(LambdaEvent<E>) -> F + Send + Sync,
    F: Future<Output = Result<A, X>> + Send + 'static,
    E: DeserializeOwned + Send,
    A: Serialize,
    X: Into<Error>,
{
    fn handle(&self, payload: Bytes, context: Context) -> HandlerFuture {
        let begun = serde_json::from_slice(&payload).map(|event| (self.0)(LambdaEvent::new(event, context)));
        Box::pin(async move {
            let answer = begun?.await.map_err(Into::into)?;
            Ok(Bytes::from(serde_json::to_vec(&answer)?))
        })
    }
}
