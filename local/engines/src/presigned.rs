//! The way in for whoever holds a presigned URL, and nothing else.
//!
//! Unlike the other two ways in, this one checks: signature (version 4, in the query), time, method, path, and every header
//! that was signed, such as the length and type of what is uploaded. Who signs is decided by whoever opens the door: they
//! choose the secret, and get the configuration whose clients sign with it. In process nothing is checked, so these
//! clients do everything else as well.
//!
//! Bodies are streams in both directions, memory stays flat. A body that stands still is given up.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use http::Uri;
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use s3s::service::S3Service;
use s3s::{Body, StdError};

use crate::Engines;
use crate::engines::LOCAL_ACCESS_KEY;

/// The query parameter without which a URL is not presigned.
const SIGNATURE: &str = "X-Amz-Signature";
/// How long a sender may send nothing. An upload as a whole may take as long as it takes.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A body of an answer, streamed.
pub type ObjectBody = UnsyncBoxBody<Bytes, StdError>;

/// The way in for presigned URLs. Counts as a clone of the engines.
pub struct Presigned {
    engines: Engines,
    service: S3Service,
    secret: String,
}

impl Engines {
    /// A way in for URLs that are signed with this secret.
    pub fn presigned(&self, secret: &str) -> Presigned {
        Presigned { engines: self.clone(), service: self.signed_objects(secret), secret: secret.to_owned() }
    }
}

impl Presigned {
    /// Whether a request is meant for a presigned URL's way in. Whether it is allowed, [`Presigned::answer`] says.
    pub fn is_meant(uri: &Uri) -> bool {
        let is_signature = |pair: &str| pair.strip_prefix(SIGNATURE).is_some_and(|rest| rest.starts_with('='));
        uri.query().is_some_and(|query| query.split('&').any(is_signature))
    }

    /// As [`Engines::sdk_config`], with clients whose presigned URLs begin with `endpoint_url`, where this way in is to be
    /// found.
    pub fn sdk_config(&self, endpoint_url: &str) -> SdkConfig {
        let credentials = Credentials::from_keys(LOCAL_ACCESS_KEY, &self.secret, None);
        let builder = self.engines.sdk_config().into_builder().endpoint_url(endpoint_url);
        builder.credentials_provider(SharedCredentialsProvider::new(credentials)).build()
    }

    /// Answers one request; 403 unless it is what was signed.
    pub async fn answer<B>(&self, request: http::Request<B>) -> http::Response<ObjectBody>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<StdError>,
    {
        let answer = crate::objects::answer(&self.service, request.map(impatient)).await;
        answer.map(BodyExt::boxed_unsync)
    }
}

impl std::fmt::Debug for Presigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presigned").finish_non_exhaustive()
    }
}

/// The same body, given up when it stands still.
fn impatient<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<StdError>,
{
    let frames = futures_util::stream::try_unfold(body, |mut body| async move {
        match tokio::time::timeout(SILENCE_MAX, body.frame()).await {
            Ok(Some(Ok(frame))) => Ok::<Option<(Frame<Bytes>, B)>, StdError>(Some((frame, body))),
            Ok(Some(Err(error))) => Err(error.into()),
            Ok(None) => Ok(None),
            Err(_) => Err("the sender fell silent".into()),
        }
    });
    Body::http_body_unsync(StreamBody::new(frames))
}
