//! HTTP for imports: keep-alive connections to the API and to where files go, with or without TLS.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

/// How long one call of the API may take: a little more than a gateway gives it.
const CALL_MAX: Duration = Duration::from_secs(35);
/// Tries of a call that nobody answered, or that the gateway failed at.
const TRIES_MAX: u32 = 5;
/// Pause before the second try; it doubles with every further one.
const PAUSE: Duration = Duration::from_millis(300);
/// Largest answer that is read. A multipart upload comes with a presigned URL for each of a thousand parts.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// An error of whatever kind, from a body.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// A body that is sent: in memory, or read from a file on the way.
pub(super) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A gateway, and the token to speak to it.
pub(in crate::cli) struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Body>,
    url: String,
    authorization: HeaderValue,
}

/// An answer, read in full.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// Whether the same request may go better in a while.
    pub(super) fn is_passing(&self) -> bool {
        let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        self.status.is_server_error() || passing.contains(&self.status)
    }

    /// Status and body, for people.
    pub(super) fn words(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

impl Client {
    pub(in crate::cli) fn new(url: &str, token: &str) -> anyhow::Result<Self> {
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls()?).https_or_http().enable_http1().build();
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}")).context("the token")?;
        authorization.set_sensitive(true);
        let pool = Pool::builder(TokioExecutor::new()).build(connector);
        Ok(Self { pool, url: url.trim_end_matches('/').to_owned(), authorization })
    }

    /// Calls the API; expects success and JSON. What passes is tried again.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut pause = PAUSE;
        for _ in 1..TRIES_MAX {
            match self.try_call(&method, path, body).await {
                Ok(answer) if !answer.is_passing() => return read(&method, path, &answer),
                Ok(answer) => tracing::debug!(%method, path, status = answer.status.as_u16(), "trying again"),
                Err(error) => tracing::debug!(%method, path, error = format!("{error:#}"), "trying again"),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        let answer = self.try_call(&method, path, body).await?;
        read(&method, path, &answer)
    }

    async fn try_call(&self, method: &Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header(AUTHORIZATION, self.authorization.clone());
        let request = request.header(CONTENT_TYPE, "application/json").body(whole(bytes))?;
        self.send(request, CALL_MAX).await.with_context(|| format!("calling {}", self.url))
    }

    /// Sends any request to anybody, without the token. A redirection is an answer like any other.
    pub(super) async fn send(&self, request: Request<Body>, time_max: Duration) -> anyhow::Result<Answer> {
        let sending = async {
            let response = self.pool.request(request).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| anyhow::anyhow!(error))?;
            Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
        };
        tokio::time::timeout(time_max, sending).await.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in time")))
    }
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn read(method: &Method, path: &str, answer: &Answer) -> anyhow::Result<Value> {
    anyhow::ensure!(answer.status.is_success(), "{method} {path}: {}", answer.words());
    serde_json::from_slice(&answer.body).with_context(|| format!("{method} {path}: the answer is not JSON"))
}

/// The roots of the operating system. A machine that has none can still reach a gateway without TLS.
fn tls() -> anyhow::Result<ClientConfig> {
    let provider = || Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match builder.with_native_roots() {
        Ok(builder) => builder,
        Err(error) => {
            tracing::warn!(%error, "this machine trusts no certificate");
            let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
            builder.with_root_certificates(RootCertStore::empty())
        }
    };
    Ok(builder.with_no_client_auth())
}
