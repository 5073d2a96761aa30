//! Sends a file to where the gateway wants it: part by part, several at once, each again when it fails.
//!
//! Putting a part twice is putting it once. Of every part in flight there is one buffer in memory.

use std::io::SeekFrom;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::header::{CONTENT_LENGTH, ETAG};
use http::{Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::calls::{Part, Tag, Upload};
use super::client::{Answer, Body, BoxError, Client};
use super::progress::Progress;

/// What is read from the file at one time.
const BUFFER_BYTES: usize = 128 * 1024;
/// Tries of a part.
const TRIES_MAX: u32 = 6;
/// Pause before the second try, where nobody wants it otherwise.
pub(super) const PAUSE: Duration = Duration::from_millis(500);
/// A part may take this long, and the time its bytes need on a slow line.
const PUT_MIN: Duration = Duration::from_secs(60);
const LINE_BYTES_PER_S: u64 = 64 * 1024;

/// A file, and how it is sent.
pub(super) struct Sending<'a> {
    pub(super) client: &'a Client,
    pub(super) file: &'a Path,
    pub(super) upload: &'a Upload,
    /// How many parts at one time.
    pub(super) connections: usize,
    /// Pause before the second try of a part; it doubles with every further one.
    pub(super) pause: Duration,
    pub(super) progress: &'a Progress,
}

impl Sending<'_> {
    /// Sends all parts; their tags, in order.
    pub(super) async fn send(&self) -> anyhow::Result<Vec<Tag>> {
        let begins = self.upload.parts.iter().scan(0, |begin, part| {
            let this = *begin;
            *begin += part.size;
            Some(this)
        });
        let parts = futures_util::stream::iter(self.upload.parts.iter().zip(begins));
        let sent = parts.map(|(part, begin)| self.send_part(part, begin)).buffer_unordered(self.connections);
        let mut tags: Vec<Tag> = sent.try_collect().await?;
        tags.sort_by_key(|tag| tag.number);
        Ok(tags)
    }

    async fn send_part(&self, part: &Part, begin: u64) -> anyhow::Result<Tag> {
        let (mut pause, mut tries_left) = (self.pause, TRIES_MAX);
        loop {
            let sent = Arc::new(AtomicU64::new(0));
            let failure = match self.try_part(part, begin, &sent).await {
                Ok(answer) if answer.status.is_success() => return tag(part, &answer),
                Ok(answer) if !answer.is_passing() => return Err(refused(part, &answer)),
                Ok(answer) => refused(part, &answer),
                Err(error) => error.context(format!("sending part {}", part.number)),
            };
            self.progress.back(sent.load(Ordering::Relaxed));
            tries_left -= 1;
            if tries_left == 0 {
                return Err(failure);
            }
            tracing::debug!(part = part.number, error = format!("{failure:#}"), "sending again");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn try_part(&self, part: &Part, begin: u64, sent: &Arc<AtomicU64>) -> anyhow::Result<Answer> {
        let mut file = File::open(self.file).await?;
        file.seek(SeekFrom::Start(begin)).await?;
        let mut request = Request::builder().method(self.upload.method.as_str()).uri(&part.url);
        for (name, value) in &self.upload.headers {
            request = request.header(name, value);
        }
        let bar = self.progress.clone();
        let noted = Arc::clone(sent);
        let body = body(file, part.size, move |bytes| {
            noted.fetch_add(bytes, Ordering::Relaxed);
            bar.forward(bytes);
        });
        let request = request.header(CONTENT_LENGTH, part.size).body(body)?;
        let time_max = PUT_MIN + Duration::from_secs(part.size / LINE_BYTES_PER_S);
        self.client.send(request, time_max).await
    }
}

/// The next `size` bytes of a file, told of as they go.
fn body(file: File, size: u64, on_bytes: impl Fn(u64) + Send + 'static) -> Body {
    let frames = futures_util::stream::try_unfold((file, size, on_bytes), |(mut file, left, on_bytes)| async move {
        if left == 0 {
            return Ok::<_, BoxError>(None);
        }
        let data = read(&mut file, left).await?;
        on_bytes(data.len() as u64);
        let left = left - data.len() as u64;
        Ok(Some((Frame::data(data), (file, left, on_bytes))))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// Some of the next `left` bytes.
async fn read(file: &mut File, left: u64) -> Result<Bytes, BoxError> {
    let mut buffer = BytesMut::with_capacity(BUFFER_BYTES.min(usize::try_from(left).unwrap_or(usize::MAX)));
    let mut limited = file.take(left);
    if limited.read_buf(&mut buffer).await? == 0 {
        return Err("the file became shorter while it was sent".into());
    }
    Ok(buffer.freeze())
}

fn tag(part: &Part, answer: &Answer) -> anyhow::Result<Tag> {
    let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok());
    let etag = etag.with_context(|| format!("part {} was taken, and got no tag", part.number))?;
    Ok(Tag { number: part.number, etag: etag.to_owned() })
}

fn refused(part: &Part, answer: &Answer) -> anyhow::Error {
    let hint = if answer.status == StatusCode::FORBIDDEN { "; its address may be too old" } else { "" };
    anyhow::anyhow!("part {} was refused: {}{hint}", part.number, answer.words())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use std::io::Write as _;
    use std::sync::Mutex;

    use http::Response;
    use http_body_util::Empty;
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpListener;

    use super::*;

    /// Takes parts by their paths. It fails at the first try of each, the second is kept, and its tag is the path.
    #[derive(Default)]
    struct Store {
        kept: Mutex<BTreeMap<String, Option<Vec<u8>>>>,
        headers: Mutex<Vec<http::HeaderMap>>,
    }

    impl Store {
        async fn take(&self, request: Request<Incoming>) -> Response<Empty<Bytes>> {
            let path = request.uri().path().to_owned();
            self.headers.lock().unwrap().push(request.headers().clone());
            let body = request.into_body().collect().await.unwrap().to_bytes().to_vec();
            let mut kept = self.kept.lock().unwrap();
            let is_first = !kept.contains_key(&path);
            kept.insert(path.clone(), (!is_first).then_some(body));
            let status = match path.as_str() {
                "/refused" => StatusCode::FORBIDDEN,
                _ if is_first => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::OK,
            };
            Response::builder().status(status).header(ETAG, path).body(Empty::new()).unwrap()
        }

        /// Serves until the test ends; the address.
        async fn serve(self: Arc<Self>) -> String {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let store = Arc::clone(&self);
                    let service = service_fn(move |request| {
                        let store = Arc::clone(&store);
                        async move { Ok::<_, Infallible>(store.take(request).await) }
                    });
                    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
                }
            });
            url
        }
    }

    fn upload(url: &str, parts: &[(&str, u64)]) -> Upload {
        let part = |(index, (path, size)): (usize, &(&str, u64))| Part {
            number: u32::try_from(index).unwrap() + 1,
            size: *size,
            url: format!("{url}/{path}"),
        };
        let headers = BTreeMap::from([("content-type".to_owned(), "text/csv".to_owned())]);
        let parts = parts.iter().enumerate().map(part).collect();
        Upload { method: "PUT".to_owned(), headers, is_multipart: true, parts }
    }

    async fn send_file(store: &Arc<Store>, content: &[u8], parts: &[(&str, u64)]) -> anyhow::Result<Vec<Tag>> {
        let url = Arc::clone(store).serve().await;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let client = Client::new(&url, "token").unwrap();
        let progress = Progress::upload(content.len() as u64);
        let (upload, pause) = (upload(&url, parts), Duration::ZERO);
        let sending =
            Sending { client: &client, file: file.path(), upload: &upload, connections: 2, pause, progress: &progress };
        sending.send().await
    }

    #[tokio::test]
    async fn every_part_is_sent_until_it_is_taken() {
        let content: Vec<u8> = (0..700_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let store = Arc::new(Store::default());
        let tags = send_file(&store, &content, &[("a", 300_000), ("b", 300_000), ("c", 100_000)]).await.unwrap();
        let tags: Vec<_> = tags.iter().map(|tag| (tag.number, tag.etag.as_str())).collect();
        assert_eq!(tags, [(1, "/a"), (2, "/b"), (3, "/c")]);
        let kept: Vec<u8> = store.kept.lock().unwrap().values().flat_map(|part| part.clone().unwrap()).collect();
        assert!(kept == content, "the parts are not the file");
        for headers in store.headers.lock().unwrap().iter() {
            assert_eq!(headers["content-type"], "text/csv");
            assert!(headers.contains_key(CONTENT_LENGTH) && !headers.contains_key("authorization"), "{headers:?}");
        }
    }

    #[tokio::test]
    async fn what_will_not_pass_is_not_tried_again() {
        let store = Arc::new(Store::default());
        let error = send_file(&store, b"abc", &[("refused", 3)]).await.err().unwrap().to_string();
        assert!(error.contains("part 1 was refused: 403"), "{error}");
        assert_eq!(store.headers.lock().unwrap().len(), 1);
        let error = send_file(&Arc::default(), b"abc", &[("a", 4)]).await.err().unwrap();
        assert!(format!("{error:#}").contains("part 1"), "{error:#}");
    }
}
