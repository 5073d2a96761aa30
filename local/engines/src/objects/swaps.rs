//! The moments in which an object changes from one content to the next.
//!
//! Below, content and tag are two files, written one after the other. A writer holds the object's swap while it does
//! that, and not while it receives: an upload of an hour keeps no reader out. A reader holds it shared from the tag it
//! looks at until it has the file open; what is open stays as it was.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use s3s::StdError;
use s3s::dto::StreamingBlob;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// Locks for all objects together. Two objects that share one only wait for each other now and then.
const LOCKS: usize = 64;

/// The swaps of all objects. Clones are the same ones.
#[derive(Clone)]
pub(super) struct Swaps([Arc<RwLock<()>>; LOCKS]);

impl Default for Swaps {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Arc::default()))
    }
}

/// A swap that begins when a body has been received, and ends when this is dropped.
pub(super) struct Prepared {
    lock: Arc<RwLock<()>>,
    begun: Mutex<Option<OwnedRwLockWriteGuard<()>>>,
}

impl Swaps {
    /// Begins a swap. It ends when the guard is dropped.
    pub(super) async fn begin(&self, bucket: &str, key: &str) -> OwnedRwLockWriteGuard<()> {
        self.of(bucket, key).write_owned().await
    }

    /// A swap for [`begin_at_the_end_of`].
    pub(super) fn prepare(&self, bucket: &str, key: &str) -> Arc<Prepared> {
        Arc::new(Prepared { lock: self.of(bucket, key), begun: Mutex::default() })
    }

    /// No swap begins before the guard is dropped.
    pub(super) async fn stand_still(&self, bucket: &str, key: &str) -> OwnedRwLockReadGuard<()> {
        self.of(bucket, key).read_owned().await
    }

    fn of(&self, bucket: &str, key: &str) -> Arc<RwLock<()>> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((bucket, key));
        Arc::clone(&self.0[usize::try_from(hash % LOCKS as u64).unwrap_or_default()])
    }
}

/// The same body; where it ends well, the swap begins before the end is seen.
pub(super) fn begin_at_the_end_of(
    body: StreamingBlob,
    swap: Arc<Prepared>,
) -> impl Stream<Item = Result<Bytes, StdError>> {
    futures_util::stream::try_unfold((body, swap), |(mut body, swap)| async move {
        if let Some(data) = body.try_next().await? {
            return Ok(Some((data, (body, swap))));
        }
        let guard = Arc::clone(&swap.lock).write_owned().await;
        *swap.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures_util::StreamExt as _;
    use s3s::Body;

    use super::*;

    #[tokio::test]
    async fn readers_wait_from_the_end_of_a_body_until_its_swap_is_over() {
        let swaps = Swaps::default();
        let swap = swaps.prepare("b", "k");
        let body = StreamingBlob::from(Body::from(Bytes::from_static(b"new")));
        let mut body = Box::pin(begin_at_the_end_of(body, Arc::clone(&swap)));
        assert_eq!(body.next().await.unwrap().unwrap(), "new");
        let lock = swaps.of("b", "k");
        assert!(lock.try_read().is_ok(), "still receiving");
        assert!(body.next().await.is_none());
        drop(body);
        assert!(lock.try_read().is_err(), "being changed");
        drop(swap);
        assert!(lock.try_read().is_ok());
    }
}
