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
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;

use crate::sqs::Sqs;
use crate::wire::{Request, Response};
use crate::{Clock, OpenError};
use bucket::Bucket;
use notices::Notices;

/// An open object engine.
pub(crate) struct Objects {
    service: S3Service,
}

impl Objects {
    /// Objects in this directory; queues of `sqs` can be told of new ones.
    pub(crate) fn open(directory: &Path, sqs: Arc<Sqs>, clock: Clock) -> Result<Self, OpenError> {
        let files = FileSystem::new(directory)
            .map_err(|error| OpenError::Objects { path: directory.to_owned(), reason: format!("{error:?}") })?;
        let mut builder = S3ServiceBuilder::new(Bucket::new(files, Notices::new(sqs, clock)));
        builder.set_host(host::Hosts);
        Ok(Self { service: builder.build() })
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, request: Request) -> Response {
        match self.service.call(unsigned::strip_signature(request)).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(?error, "the object engine failed");
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            }
        }
    }
}
