//! S3: the `s3s-fs` engine behind the S3 wire, on a directory.
//!
//! Buckets are directories, keys are paths in them, so a key cannot be both an object and the prefix of another
//! (`a` and `a/b`). Other differences from AWS: a put into a bucket nobody made makes it, making a bucket twice is
//! `BucketAlreadyExists`, a key is at most some 150 bytes long, and there are no versions, lifecycles or policies.
//! Queues are told of new objects: `notices`.

mod bucket;
mod chunked;
mod event;
mod host;
mod notices;
mod swaps;
mod unsigned;

use std::path::Path;
use std::sync::Arc;

use http::StatusCode;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;

use crate::sqs::Sqs;
use crate::wire::{Request, Response};
use crate::{Clock, OpenError};
use bucket::Bucket;
use notices::Notices;

/// An open object engine.
pub(crate) struct Objects {
    bucket: Bucket,
    service: S3Service,
}

impl Objects {
    /// Objects in this directory; queues of `sqs` can be told of new ones.
    pub(crate) fn open(directory: &Path, sqs: Arc<Sqs>, clock: Clock) -> Result<Self, OpenError> {
        let files = FileSystem::new(directory)
            .map_err(|error| OpenError::Objects { path: directory.to_owned(), reason: format!("{error:?}") })?;
        let bucket = Bucket::new(files, directory, Notices::new(sqs, clock));
        Ok(Self { service: builder(&bucket).build(), bucket })
    }

    /// Answers one request, whoever sends it.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        answer(&self.service, unsigned::strip_signature(request)).await
    }

    /// The same objects for those only who sign with this key and secret.
    pub(crate) fn signed(&self, access_key: &str, secret: &str) -> S3Service {
        let mut builder = builder(&self.bucket);
        builder.set_auth(SimpleAuth::from_single(access_key, secret));
        builder.build()
    }
}

fn builder(bucket: &Bucket) -> S3ServiceBuilder {
    let mut builder = S3ServiceBuilder::new(bucket.clone());
    builder.set_host(host::Hosts);
    builder
}

/// Answers one request.
pub(crate) async fn answer(service: &S3Service, request: Request) -> Response {
    match service.call(request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(?error, "the object engine failed");
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}
