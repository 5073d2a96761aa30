//! Plain keys that were unwrapped lately, bounded in time and in number.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::{CACHE_LIFETIME, CACHED_KEYS_MAX, DataKey};
use crate::domain::ids::OrganizationId;

/// How often the cache had what was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// The key was there.
    pub hits: u64,
    /// It was not; the table and KMS were asked.
    pub misses: u64,
}

#[derive(Default)]
pub(super) struct Cache {
    kept: Mutex<Kept>,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Default)]
struct Kept {
    keys: BTreeMap<(OrganizationId, u32), Entry>,
    /// The number of the key that is current, and until when we believe that.
    current: BTreeMap<OrganizationId, (u32, Instant)>,
}

struct Entry {
    key: Arc<DataKey>,
    until: Instant,
}

impl Cache {
    pub(super) fn key(&self, organization: &OrganizationId, number: u32, now: Instant) -> Option<Arc<DataKey>> {
        let found = self.kept().key(organization, number, now);
        self.counted(found)
    }

    pub(super) fn current(&self, organization: &OrganizationId, now: Instant) -> Option<Arc<DataKey>> {
        let kept = self.kept();
        let number = kept.current.get(organization).filter(|(_, until)| *until > now).map(|(number, _)| *number);
        let found = number.and_then(|number| kept.key(organization, number, now));
        drop(kept);
        self.counted(found)
    }

    pub(super) fn insert(&self, organization: &OrganizationId, key: Arc<DataKey>, is_current: bool, now: Instant) {
        let (mut kept, until) = (self.kept(), now + CACHE_LIFETIME);
        kept.make_room(now);
        if is_current {
            kept.current.insert(*organization, (key.number(), until));
        }
        kept.keys.insert((*organization, key.number()), Entry { key, until });
    }

    pub(super) fn remove(&self, organization: &OrganizationId) {
        let mut kept = self.kept();
        kept.keys.retain(|(whose, _), _| whose != organization);
        kept.current.remove(organization);
    }

    pub(super) fn usage(&self) -> CacheUse {
        CacheUse { hits: self.hits.load(Ordering::Relaxed), misses: self.misses.load(Ordering::Relaxed) }
    }

    fn counted<T>(&self, found: Option<T>) -> Option<T> {
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// A panic while it was locked leaves maps that are whole.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn key(&self, organization: &OrganizationId, number: u32, now: Instant) -> Option<Arc<DataKey>> {
        let entry = self.keys.get(&(*organization, number)).filter(|entry| entry.until > now)?;
        Some(Arc::clone(&entry.key))
    }

    /// What is over goes; and when that is not enough, what would be over first.
    fn make_room(&mut self, now: Instant) {
        if self.keys.len() < CACHED_KEYS_MAX {
            return;
        }
        self.keys.retain(|_, entry| entry.until > now);
        self.current.retain(|_, (_, until)| *until > now);
        while self.keys.len() >= CACHED_KEYS_MAX {
            let oldest = self.keys.iter().min_by_key(|(_, entry)| entry.until).map(|(whose, _)| *whose);
            let Some(oldest) = oldest else { return };
            self.keys.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::domain::timestamp::Timestamp;

    fn organization(number: u16) -> OrganizationId {
        let mut tail = [0; 15];
        tail[..2].copy_from_slice(&number.to_be_bytes());
        OrganizationId::new(Timestamp::from_millis(1_764_000_000_000), tail)
    }

    fn key(number: u32) -> Arc<DataKey> {
        Arc::new(DataKey::new(number, &[1; 32]).unwrap())
    }

    #[test]
    fn a_key_is_forgotten_after_its_time() {
        let (cache, start) = (Cache::default(), Instant::now());
        cache.insert(&organization(1), key(3), true, start);
        let last = start + CACHE_LIFETIME - Duration::from_millis(1);
        assert!(cache.key(&organization(1), 3, last).is_some() && cache.current(&organization(1), last).is_some());
        assert!(cache.key(&organization(1), 4, last).is_none() && cache.current(&organization(2), last).is_none());
        let over = start + CACHE_LIFETIME;
        assert!(cache.key(&organization(1), 3, over).is_none() && cache.current(&organization(1), over).is_none());
        assert_eq!(cache.usage(), CacheUse { hits: 2, misses: 4 });
    }

    #[test]
    fn there_are_never_more_than_so_many_and_the_oldest_goes_first() {
        let (cache, start) = (Cache::default(), Instant::now());
        for number in 0..=CACHED_KEYS_MAX as u16 {
            cache.insert(&organization(number), key(1), true, start + Duration::from_millis(number.into()));
        }
        assert_eq!(cache.kept().keys.len(), CACHED_KEYS_MAX);
        assert!(cache.key(&organization(0), 1, start).is_none() && cache.key(&organization(1), 1, start).is_some());
        assert!(cache.current(&organization(0), start).is_none());
    }

    #[test]
    fn an_organization_is_forgotten_alone() {
        let (cache, now) = (Cache::default(), Instant::now());
        cache.insert(&organization(1), key(1), true, now);
        cache.insert(&organization(2), key(1), true, now);
        cache.remove(&organization(1));
        assert!(cache.key(&organization(1), 1, now).is_none() && cache.current(&organization(2), now).is_some());
    }
}
