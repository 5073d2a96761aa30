//! Files that somebody else puts into the bucket: addresses to upload them to, and their bytes, read as a stream.
//!
//! An address carries the right to do one thing for some time: to put one object of a size and content type that are signed, or to get
//! one. A stream is of one version of its object, told by the entity tag: when somebody changes or deletes the object meanwhile, it
//! ends with [`ReadError::Changed`], never with bytes of another file.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;

use super::Blobs;
use crate::fault::Fault;

/// How often in a row a stream that broke off is opened again where it ended, before whoever reads is told.
const REOPENS_MAX: u32 = 3;

/// Size and entity tag of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHead {
    /// In bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
}

/// An object being read, from some byte to its end.
pub struct FileStream {
    client: Client,
    bucket: String,
    key: String,
    etag: String,
    /// The byte behind the last one handed out.
    at: u64,
    size: u64,
    body: Option<ByteStream>,
    breaks: u32,
}

/// Why an object could not be read on.
#[derive(Debug)]
pub enum ReadError {
    /// It is another one by now, or gone.
    Changed,
    /// Our own failure.
    Fault(Fault),
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl FileStream {
    /// The next bytes; none: the end of the object.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        while self.at < self.size {
            let mut body = match self.body.take() {
                Some(body) => body,
                None => self.open().await?,
            };
            match body.next().await {
                Some(Ok(bytes)) => {
                    (self.at, self.breaks, self.body) = (self.at + bytes.len() as u64, 0, Some(body));
                    return Ok(Some(bytes));
                }
                Some(Err(error)) => self.broke(error)?,
                None => self.broke("the object's bytes ended too soon")?,
            }
        }
        Ok(None)
    }

    fn broke(&mut self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Result<(), Fault> {
        self.breaks += 1;
        match self.breaks > REOPENS_MAX {
            true => Err(Fault::unavailable("reading a file", error)),
            false => Ok(()),
        }
    }

    async fn open(&self) -> Result<ByteStream, ReadError> {
        let get = self.client.get_object().bucket(&self.bucket).key(&self.key);
        let get = get.if_match(format!("\"{}\"", self.etag)).range(format!("bytes={}-", self.at));
        match send(get).await? {
            Some(body) => Ok(body),
            None => Err(ReadError::Changed),
        }
    }
}

/// None: there is no such object, or not this version of it.
async fn send(get: GetObjectFluentBuilder) -> Result<Option<ByteStream>, Fault> {
    match get.send().await {
        Ok(answer) => Ok(Some(answer.body)),
        // The last: it became shorter than where we are.
        Err(error) if matches!(status_of(&error), Some(404 | 412 | 416)) => Ok(None),
        Err(error) => Err(Fault::unavailable("opening a file", error)),
    }
}

fn status_of<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

fn valid_for(seconds: u32) -> Result<PresigningConfig, Fault> {
    PresigningConfig::expires_in(Duration::from_secs(u64::from(seconds)))
        .map_err(|error| Fault::corrupt_because("signing an address", error))
}

impl Blobs {
    /// An address to which one object of exactly this size and content type can be put.
    pub async fn upload_url(&self, key: &str, size: u64, content_type: &str, valid_s: u32) -> Result<String, Fault> {
        let put = self.client.put_object().bucket(&self.bucket).key(key);
        let put = put.content_type(content_type).content_length(i64::try_from(size).unwrap_or(i64::MAX));
        let signed = put.presigned(valid_for(valid_s)?).await;
        signed
            .map(|request| request.uri().to_owned())
            .map_err(|error| Fault::unavailable("signing an upload's address", error))
    }

    /// Begins an upload in pieces; S3's name for it.
    pub async fn begin_upload(&self, key: &str, content_type: &str) -> Result<String, Fault> {
        let action = "beginning an upload in pieces";
        let create = self.client.create_multipart_upload().bucket(&self.bucket).key(key).content_type(content_type);
        let answer = create.send().await.map_err(|error| Fault::unavailable(action, error))?;
        answer.upload_id.ok_or_else(|| Fault::corrupt(action))
    }

    /// An address to which one piece of exactly this size can be put; pieces are numbered from 1.
    pub async fn piece_url(
        &self,
        key: &str,
        upload: &str,
        number: u32,
        size: u64,
        valid_s: u32,
    ) -> Result<String, Fault> {
        let put = self.client.upload_part().bucket(&self.bucket).key(key).upload_id(upload);
        let put = put.part_number(i32::try_from(number).unwrap_or(i32::MAX));
        let put = put.content_length(i64::try_from(size).unwrap_or(i64::MAX));
        let signed = put.presigned(valid_for(valid_s)?).await;
        signed
            .map(|request| request.uri().to_owned())
            .map_err(|error| Fault::unavailable("signing a piece's address", error))
    }

    /// Puts the pieces together, each with the tag S3 answered it with. False: S3 does not have them so.
    pub async fn complete_upload(&self, key: &str, upload: &str, pieces: &[(u32, String)]) -> Result<bool, Fault> {
        let pieces = pieces.iter().map(|(number, etag)| {
            let piece = CompletedPart::builder().part_number(i32::try_from(*number).unwrap_or(i32::MAX));
            piece.e_tag(etag).build()
        });
        let upload_of = CompletedMultipartUpload::builder().set_parts(Some(pieces.collect())).build();
        let complete = self.client.complete_multipart_upload().bucket(&self.bucket).key(key);
        match complete.upload_id(upload).multipart_upload(upload_of).send().await {
            Ok(_) => Ok(true),
            Err(error) if matches!(status_of(&error), Some(400..=499)) => Ok(false),
            Err(error) => Err(Fault::unavailable("completing an upload", error)),
        }
    }

    /// Forgets an upload in pieces. One that is complete or forgotten stays so.
    pub async fn abandon_upload(&self, key: &str, upload: &str) -> Result<(), Fault> {
        let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
        match abort.send().await {
            Ok(_) => Ok(()),
            Err(error) if matches!(status_of(&error), Some(404)) => Ok(()),
            Err(error) => Err(Fault::unavailable("abandoning an upload", error)),
        }
    }

    /// An address from which an object can be got.
    pub async fn download_url(&self, key: &str, valid_s: u32) -> Result<String, Fault> {
        let signed = self.client.get_object().bucket(&self.bucket).key(key).presigned(valid_for(valid_s)?).await;
        signed
            .map(|request| request.uri().to_owned())
            .map_err(|error| Fault::unavailable("signing a download's address", error))
    }

    /// Size and tag of an object, if it is there.
    pub async fn head(&self, key: &str) -> Result<Option<FileHead>, Fault> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(head) => Ok(Some(FileHead {
                size: head.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                etag: head.e_tag().unwrap_or_default().trim_matches('"').to_owned(),
            })),
            Err(error) if status_of(&error) == Some(404) => Ok(None),
            Err(error) => Err(Fault::unavailable("looking at a file", error)),
        }
    }

    /// This version of an object as a stream, from a byte on. Nothing is asked before the first bytes are.
    pub fn stream(&self, key: &str, head: &FileHead, from: u64) -> FileStream {
        FileStream {
            client: self.client.clone(),
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            etag: head.etag.clone(),
            at: from,
            size: head.size,
            body: None,
            breaks: 0,
        }
    }

    /// Writes an object of lines of JSON.
    pub async fn put_lines(&self, key: &str, lines: Vec<u8>) -> Result<(), Fault> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).content_type("application/x-ndjson");
        let put = put.body(ByteStream::from(lines)).send().await;
        put.map(drop).map_err(|error| Fault::unavailable("writing a list of rejected records", error))
    }

    /// What [`Blobs::put_lines`] wrote; none: it is not there.
    pub async fn lines(&self, key: &str) -> Result<Option<Bytes>, Fault> {
        let Some(body) = send(self.client.get_object().bucket(&self.bucket).key(key)).await? else { return Ok(None) };
        let bytes = body.collect().await.map_err(|error| Fault::unavailable("reading rejected records", error))?;
        Ok(Some(bytes.into_bytes()))
    }
}
