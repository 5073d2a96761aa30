//! The `aws-chunked` body encoding: frames of `size[;signature]`, data, and headers behind the last.
//!
//! Decoded as it streams, so memory stays flat. Signatures and trailing checksums are not checked: the way here is a
//! function call or the loopback interface.

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use s3s::{Body, StdError};

/// A frame's head: a hexadecimal size and a signature of 64 characters; anything longer is no frame.
const HEAD_BYTES_MAX: usize = 1024;

const LINE_END: &[u8] = b"\r\n";

/// The data in the frames of `body`.
pub(super) fn decode(body: Body) -> Body {
    let decoder = Decoder { body, read: BytesMut::new(), chunk_left: 0 };
    Body::http_body_unsync(StreamBody::new(futures_util::stream::try_unfold(decoder, Decoder::next)))
}

struct Decoder {
    body: Body,
    /// Received and not yet passed on.
    read: BytesMut,
    /// Data bytes of the current frame still to be passed on.
    chunk_left: usize,
}

impl Decoder {
    async fn next(mut self) -> Result<Option<(Frame<Bytes>, Self)>, StdError> {
        if self.chunk_left == 0 {
            self.chunk_left = chunk_size(&self.line().await?)?;
        }
        if self.chunk_left == 0 {
            // The rest is read, so that an HTTP connection can go on with its next request.
            while self.fill().await? {
                self.read.clear();
            }
            return Ok(None);
        }
        while self.read.is_empty() {
            self.fill_or_fail().await?;
        }
        let data = self.read.split_to(self.chunk_left.min(self.read.len())).freeze();
        self.chunk_left -= data.len();
        if self.chunk_left == 0 && !self.line().await?.is_empty() {
            return Err("a chunk is longer than its head says".into());
        }
        Ok(Some((Frame::data(data), self)))
    }

    /// The next line without its end.
    async fn line(&mut self) -> Result<Bytes, StdError> {
        loop {
            if let Some(end) = self.read.windows(LINE_END.len()).position(|window| window == LINE_END) {
                let line = self.read.split_to(end + LINE_END.len()).freeze();
                return Ok(line.slice(..end));
            }
            if self.read.len() > HEAD_BYTES_MAX {
                return Err("the head of a chunk does not end".into());
            }
            self.fill_or_fail().await?;
        }
    }

    async fn fill_or_fail(&mut self) -> Result<(), StdError> {
        if self.fill().await? { Ok(()) } else { Err("the body ended within a chunk".into()) }
    }

    /// Receives more; false at the end of the body.
    async fn fill(&mut self) -> Result<bool, StdError> {
        let Some(frame) = self.body.frame().await.transpose()? else { return Ok(false) };
        if let Ok(data) = frame.into_data() {
            self.read.extend_from_slice(&data);
        }
        Ok(true)
    }
}

fn chunk_size(head: &[u8]) -> Result<usize, StdError> {
    let head = std::str::from_utf8(head)?;
    let size = head.split(';').next().unwrap_or(head);
    Ok(usize::from_str_radix(size.trim(), 16)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `framed`, received in pieces of `piece` bytes.
    async fn decoded(framed: &[u8], piece: usize) -> Result<Vec<u8>, StdError> {
        let pieces: Vec<_> =
            framed.chunks(piece).map(|p| Ok::<_, StdError>(Frame::data(Bytes::copy_from_slice(p)))).collect();
        let body = Body::http_body_unsync(StreamBody::new(futures_util::stream::iter(pieces)));
        Ok(decode(body).collect().await?.to_bytes().to_vec())
    }

    #[tokio::test]
    async fn frames_are_taken_off_wherever_they_are_cut() {
        let framed = b"5;chunk-signature=abc\r\nhello\r\n7\r\n, world\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";
        for piece in 1..=framed.len() {
            assert_eq!(decoded(framed, piece).await.unwrap(), b"hello, world", "{piece}");
        }
        assert_eq!(decoded(b"0\r\n\r\n", 2).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_broken_body_is_an_error() {
        for broken in [&b"5\r\nhel"[..], b"5\r\nhello, world\r\n", b"xyz\r\n", b"", &[b'0'; 2000]] {
            assert!(decoded(broken, 4).await.is_err(), "{broken:?}");
        }
    }
}
