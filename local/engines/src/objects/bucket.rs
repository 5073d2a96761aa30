//! The buckets: `s3s-fs`, and what it leaves open.
//!
//! * **New objects are told of** (`notices`): when a put, a copy or a completed upload is answered, its event is in the
//!   queue. A process that dies between the two leaves a client without an answer, who asks again; so an event may come
//!   twice, as it may from S3.
//! * **What is read is of one piece.** The file and the tag that names its content are two files below. Between the change
//!   of the one and the other nobody reads (`swaps`); a reader who names a tag gets that content or `412`.
//! * **A range ends where it ends**, and is read in pieces worth a trip to a thread that may block. The file system's own
//!   stream goes on to the end of the file, four kilobytes at a time.
//! * An upload that nobody knows is `NoSuchUpload`, also when it was completed before.
//!
//! What stays open: a put that is refused because of its checksum has replaced the object all the same, the tags of
//! parts are not compared when an upload is completed, and parts have to be numbered from one without a gap.

use std::io::SeekFrom;
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt as _};
use http::Method;
use http_body::Frame;
use http_body_util::StreamBody;
use s3s::dto::*;
use s3s::{Body, S3, S3ErrorCode, S3Request, S3Response, S3Result, StdError, s3_error};
use s3s_fs::FileSystem;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::event::Created;
use super::notices::Notices;
use super::swaps::Swaps;

/// What is read from a file at one time, and kept in memory for each object that is being read.
const PIECE_BYTES: usize = 256 * 1024;

/// All buckets. Clones are the same ones.
#[derive(Clone)]
pub(super) struct Bucket {
    files: Arc<FileSystem>,
    /// The directory of `files`.
    root: Arc<Path>,
    notices: Arc<Notices>,
    swaps: Swaps,
}

impl Bucket {
    pub(super) fn new(files: FileSystem, root: &Path, notices: Notices) -> Self {
        Self { files: Arc::new(files), root: root.into(), notices: Arc::new(notices), swaps: Swaps::default() }
    }

    /// An object as it is now. The caller sees to it that it does not change meanwhile.
    async fn look(&self, bucket: &str, key: &str) -> S3Result<HeadObjectOutput> {
        let head = HeadObjectInput { bucket: bucket.to_owned(), key: key.to_owned(), ..HeadObjectInput::default() };
        let mut head = self.files.head_object(internal(head)).await?.output;
        if is_of_parts(head.e_tag.as_ref()) {
            (head.checksum_crc32, head.checksum_crc32c, head.checksum_crc64nvme) = (None, None, None);
            (head.checksum_sha1, head.checksum_sha256) = (None, None);
        }
        Ok(head)
    }

    /// Refuses to complete an upload with parts that it does not have. The file system would fail, and forget the upload.
    async fn check_parts(&self, input: &CompleteMultipartUploadInput) -> S3Result<()> {
        let CompleteMultipartUploadInput { bucket, key, upload_id, multipart_upload, .. } = input;
        let list = ListPartsInput {
            bucket: bucket.clone(),
            key: key.clone(),
            upload_id: upload_id.clone(),
            ..ListPartsInput::default()
        };
        let found = self.files.list_parts(internal(list)).await?.output.parts.unwrap_or_default();
        let found: Vec<_> = found.iter().filter_map(|part| part.part_number).collect();
        let asked = multipart_upload.iter().flat_map(|upload| upload.parts.iter().flatten());
        match asked.filter_map(|part| part.part_number).all(|number| found.contains(&number)) || found.is_empty() {
            true => Ok(()),
            false => Err(s3_error!(InvalidPart)),
        }
    }

    /// What there is to tell of an object that has just been made, if anybody wants to know. As [`Bucket::look`].
    async fn created(&self, event: &'static str, bucket: &str, key: &str) -> S3Result<Option<Created>> {
        if !self.notices.is_wanted(event, bucket, key) {
            return Ok(None);
        }
        let object = self.look(bucket, key).await?;
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let e_tag = object.e_tag.map(ETag::into_value).unwrap_or_default();
        Ok(Some(Created { event, bucket, key, size: object.content_length.unwrap_or_default(), e_tag }))
    }
}

#[async_trait::async_trait]
impl S3 for Bucket {
    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        let swap = self.swaps.prepare(&bucket, &key);
        let at_end = Arc::clone(&swap);
        let req = req.map_input(|input| PutObjectInput {
            body: input.body.map(|body| blob(super::swaps::begin_at_the_end_of(body, at_end))),
            ..input
        });
        let answer = self.files.put_object(req).await?;
        let created = self.created("ObjectCreated:Put", &bucket, &key).await?;
        drop(swap);
        self.notices.tell(created).await?;
        Ok(answer)
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        let swap = self.swaps.begin(&bucket, &key).await;
        let answer = self.files.copy_object(req).await?;
        let created = self.created("ObjectCreated:Copy", &bucket, &key).await?;
        drop(swap);
        self.notices.tell(created).await?;
        Ok(answer)
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        self.check_parts(&req.input).await?;
        let swap = self.swaps.begin(&bucket, &key).await;
        let answer = self.files.complete_multipart_upload(anonymous(req)).await.map_err(unknown_upload)?;
        let created = self.created("ObjectCreated:CompleteMultipartUpload", &bucket, &key).await?;
        drop(swap);
        self.notices.tell(created).await?;
        Ok(answer)
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = &req.input;
        let _still = self.swaps.stand_still(&input.bucket, &input.key).await;
        if input.if_match.is_some() || input.if_none_match.is_some() {
            let e_tag = self.look(&input.bucket, &input.key).await?.e_tag;
            check_conditions(e_tag.as_ref(), input.if_match.as_ref(), input.if_none_match.as_ref())?;
        }
        let (path, range) = (self.root.join(&input.bucket).join(&input.key), input.range);
        // That the path is one below the root, and the range one of the file, is found out here.
        let mut answer = self.files.get_object(req).await?;
        let output = &mut answer.output;
        if is_of_parts(output.e_tag.as_ref()) {
            (output.checksum_crc32, output.checksum_crc32c, output.checksum_crc64nvme) = (None, None, None);
            (output.checksum_sha1, output.checksum_sha256) = (None, None);
        }
        output.body = Some(blob(contents(&path, range).await?));
        Ok(answer)
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let HeadObjectInput { bucket, key, if_match, if_none_match, .. } = req.input;
        let _still = self.swaps.stand_still(&bucket, &key).await;
        let head = self.look(&bucket, &key).await?;
        check_conditions(head.e_tag.as_ref(), if_match.as_ref(), if_none_match.as_ref())?;
        Ok(S3Response::new(head))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.files.create_multipart_upload(anonymous(req)).await
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        self.files.upload_part(anonymous(req)).await.map_err(unknown_upload)
    }

    async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        self.files.upload_part_copy(anonymous(req)).await.map_err(unknown_upload)
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.files.abort_multipart_upload(anonymous(req)).await.map_err(unknown_upload)
    }

    async fn put_bucket_notification_configuration(
        &self,
        req: S3Request<PutBucketNotificationConfigurationInput>,
    ) -> S3Result<S3Response<PutBucketNotificationConfigurationOutput>> {
        let PutBucketNotificationConfigurationInput { bucket, notification_configuration, .. } = req.input;
        self.files.head_bucket(internal(HeadBucketInput { bucket: bucket.clone(), ..Default::default() })).await?;
        self.notices.configure(bucket, notification_configuration)?;
        Ok(S3Response::new(PutBucketNotificationConfigurationOutput {}))
    }

    async fn get_bucket_notification_configuration(
        &self,
        req: S3Request<GetBucketNotificationConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketNotificationConfigurationOutput>> {
        let queue_configurations = self.notices.configuration(&req.input.bucket).queue_configurations;
        let found = GetBucketNotificationConfigurationOutput { queue_configurations, ..Default::default() };
        Ok(S3Response::new(found))
    }

    // The rest is as the file system does it.

    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        self.files.create_bucket(req).await
    }

    async fn delete_bucket(&self, req: S3Request<DeleteBucketInput>) -> S3Result<S3Response<DeleteBucketOutput>> {
        self.files.delete_bucket(req).await
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.files.head_bucket(req).await
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.files.get_bucket_location(req).await
    }

    async fn list_buckets(&self, req: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        self.files.list_buckets(req).await
    }

    async fn list_objects(&self, req: S3Request<ListObjectsInput>) -> S3Result<S3Response<ListObjectsOutput>> {
        self.files.list_objects(req).await
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.files.list_objects_v2(req).await
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        self.files.list_parts(req).await
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.files.delete_object(req).await
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.files.delete_objects(req).await
    }
}

/// A request of our own.
fn internal<T>(input: T) -> S3Request<T> {
    S3Request {
        input,
        method: Method::GET,
        uri: http::Uri::default(),
        headers: http::HeaderMap::default(),
        extensions: http::Extensions::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

/// An upload belongs to whoever knows its id: it may be begun in process and go on with presigned URLs.
fn anonymous<T>(req: S3Request<T>) -> S3Request<T> {
    S3Request { credentials: None, ..req }
}

/// The file system refuses access to an upload that is not there, and to nothing else.
fn unknown_upload(mut error: s3s::S3Error) -> s3s::S3Error {
    if *error.code() == S3ErrorCode::AccessDenied {
        error.set_code(S3ErrorCode::NoSuchUpload);
    }
    error
}

/// Whether an object was uploaded in parts. Its checksums are those of the object that stood there before, if any.
fn is_of_parts(e_tag: Option<&ETag>) -> bool {
    e_tag.is_some_and(|tag| tag.value().contains('-'))
}

fn check_conditions(
    e_tag: Option<&ETag>,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let is = |condition: &ETagCondition| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => e_tag.is_some_and(|e_tag| e_tag.weak_cmp(wanted)),
    };
    if if_match.is_some_and(|condition| !is(condition)) {
        return Err(s3_error!(PreconditionFailed));
    }
    if if_none_match.is_some_and(is) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

/// What is in a file, or in a range of it. From here on the file may be replaced: what is open stays as it is.
async fn contents(path: &Path, range: Option<Range>) -> S3Result<impl Stream<Item = Result<Bytes, StdError>> + use<>> {
    let failed = |error| s3_error!(error, InternalError);
    let mut file = File::open(path).await.map_err(failed)?;
    let size = file.metadata().await.map_err(failed)?.len();
    let range = range.map_or(Ok(0..size), |range| range.check(size))?;
    file.seek(SeekFrom::Start(range.start)).await.map_err(failed)?;
    Ok(futures_util::stream::try_unfold((file, range.end - range.start), |(mut file, left)| async move {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES.min(usize::try_from(left).unwrap_or(usize::MAX)));
        if left == 0 || (&mut file).take(left).read_buf(&mut piece).await? == 0 {
            return Ok(None);
        }
        let left = left - piece.len() as u64;
        Ok(Some((piece.freeze(), (file, left))))
    }))
}

fn blob(stream: impl Stream<Item = Result<Bytes, StdError>> + Send + 'static) -> StreamingBlob {
    StreamingBlob::from(Body::http_body_unsync(StreamBody::new(stream.map_ok(Frame::data))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_those_of_http() {
        let tag = |text: &str| ETag::Strong(text.to_owned());
        let is = |text: &str| Some(ETagCondition::ETag(tag(text)));
        let check = |if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>| {
            let checked = check_conditions(Some(&tag("a")), if_match.as_ref(), if_none_match.as_ref());
            checked.err().map(|error| error.code().as_str().to_owned())
        };
        assert_eq!(check(None, None), None);
        assert_eq!(check(is("a"), None), None);
        assert_eq!(check(is("b"), None).as_deref(), Some("PreconditionFailed"));
        assert_eq!(check(Some(ETagCondition::Any), None), None);
        assert_eq!(check(None, is("b")), None);
        assert_eq!(check(None, is("a")).as_deref(), Some("NotModified"));
    }
}
