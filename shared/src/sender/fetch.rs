//! Getting a small file from an address, by the same way as webhooks go out: behind the guard, without redirects, within limits.

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tokio::time::{Duration, timeout};

use super::Sender;
use super::failure::Failure;
use super::request::SENDER_NAME;
use crate::domain::url::EndpointUrl;

/// Why there is nothing; in our words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFetched(String);

impl Sender {
    /// What stands at this address, if it is answered with 200 and no more than so many bytes.
    pub async fn fetch(&self, url: &EndpointUrl, bytes_max: usize) -> Result<Bytes, NotFetched> {
        let limit = Duration::from_millis(self.0.request_timeout_ms.into());
        let fetched = timeout(limit, self.body_at(url, bytes_max)).await;
        fetched.unwrap_or(Err(Failure::TooSlow)).map_err(|failure| NotFetched(failure.to_string()))
    }

    async fn body_at(&self, url: &EndpointUrl, bytes_max: usize) -> Result<Bytes, Failure> {
        const NOT_HTTP: Failure = Failure::unreachable("the URL has no form that HTTP can carry");
        let uri: Uri = url.as_str().parse().map_err(|_| NOT_HTTP)?;
        let mut request = Request::get(uri).body(Full::default()).map_err(|_| NOT_HTTP)?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("*/*"));
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(SENDER_NAME));
        let answer = self.0.client.request(request).await.map_err(|error| Failure::of_exchange(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(Failure::unreachable("the answer is not 200"));
        }
        let body = Limited::new(answer.into_body(), bytes_max).collect().await;
        body.map(|body| body.to_bytes()).map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(error) => Failure::of_body(&error),
            Err(error) if error.is::<LengthLimitError>() => Failure::unreachable("the answer is too large"),
            Err(_) => Failure::Closed,
        })
    }
}
