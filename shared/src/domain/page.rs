//! Pages of lists. An iterator is the identifier of an item, so it stays valid while items come and go, and nothing has to
//! be remembered between requests.

/// Items of a page when the caller does not say.
pub const PAGE_ITEMS_DEFAULT: usize = 50;
/// Items of a page at most.
pub const PAGE_ITEMS_MAX: usize = 250;

/// Which way a list runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Oldest, or first by name, first.
    Ascending,
    /// Newest first.
    Descending,
}

impl Order {
    /// The other way.
    pub fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }

    /// How DynamoDB calls it.
    pub fn is_ascending(self) -> bool {
        self == Self::Ascending
    }
}

/// From where a page goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor<K> {
    /// The items behind this one.
    After(K),
    /// The items before this one, nearest last.
    Before(K),
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest<K> {
    /// Items at most.
    pub limit: usize,
    /// From where; none: from the beginning.
    pub cursor: Option<Cursor<K>>,
    /// Which way the list runs.
    pub order: Order,
}

impl<K> PageRequest<K> {
    /// In which order the store has to read: a page before a cursor is read backwards, so that the nearest come first.
    pub fn reading_order(&self) -> Order {
        match self.cursor {
            Some(Cursor::Before(_)) => self.order.reversed(),
            _ => self.order,
        }
    }

    /// The cursor's item, whichever side of it is wanted.
    pub fn cursor_key(&self) -> Option<&K> {
        self.cursor.as_ref().map(|(Cursor::After(key) | Cursor::Before(key))| key)
    }

    /// The page out of the whole list, in any order of its own.
    pub fn page_of<T>(&self, mut all: Vec<T>, key_of: impl Fn(&T) -> K) -> Page<T, K>
    where
        K: Ord,
    {
        let is_ascending = self.reading_order().is_ascending();
        all.retain(|item| {
            self.cursor_key().is_none_or(|cursor| match is_ascending {
                true => key_of(item) > *cursor,
                false => key_of(item) < *cursor,
            })
        });
        all.sort_by_key(&key_of);
        if !is_ascending {
            all.reverse();
        }
        self.page(all, key_of)
    }

    /// The page out of what was read in [`PageRequest::reading_order`]: at least one item more than fits, when there is one.
    pub fn page<T>(&self, mut read: Vec<T>, key_of: impl Fn(&T) -> K) -> Page<T, K> {
        let has_more = read.len() > self.limit;
        read.truncate(self.limit);
        if matches!(self.cursor, Some(Cursor::Before(_))) {
            read.reverse();
        }
        let (has_previous, has_next) = match self.cursor {
            None => (false, has_more),
            Some(Cursor::After(_)) => (true, has_more),
            // The cursor's own item stands behind this page.
            Some(Cursor::Before(_)) => (has_more, true),
        };
        let previous = read.first().map(&key_of).filter(|_| has_previous);
        let next = read.last().map(&key_of);
        Page { items: read, next, previous, is_done: !has_next }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, K> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins: behind this item.
    pub next: Option<K>,
    /// Where the page before ends: before this item.
    pub previous: Option<K>,
    /// Whether nothing comes behind this page.
    pub is_done: bool,
}

impl<T, K> Page<T, K> {
    /// The page of a list that has nothing in it.
    pub fn empty() -> Self {
        Self { items: Vec::new(), next: None, previous: None, is_done: true }
    }

    /// The same page of other items.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U, K> {
        let items = self.items.into_iter().map(convert).collect();
        Page { items, next: self.next, previous: self.previous, is_done: self.is_done }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// What a store does: read from the cursor on, one more than the limit.
    fn fetch(list: &[u32], request: &PageRequest<u32>) -> Page<u32, u32> {
        let mut list = list.to_vec();
        list.sort_unstable();
        if !request.reading_order().is_ascending() {
            list.reverse();
        }
        let is_behind = |item: &u32| match request.cursor_key() {
            None => true,
            Some(key) if request.reading_order().is_ascending() => item > key,
            Some(key) => item < key,
        };
        request.page(list.into_iter().filter(is_behind).take(request.limit + 1).collect(), |item| *item)
    }

    proptest! {
        #[test]
        fn walking_forth_and_back_visits_every_item_once(
            set in prop::collection::btree_set(any::<u32>(), 0..60), limit in 1usize..8, ascending in any::<bool>(),
        ) {
            let order = if ascending { Order::Ascending } else { Order::Descending };
            let list: Vec<u32> = set.into_iter().collect();
            let mut expected = list.clone();
            if !ascending { expected.reverse(); }

            let mut forth = Vec::new();
            let mut request = PageRequest { limit, cursor: None, order };
            let last = loop {
                let page = fetch(&list, &request);
                prop_assert_eq!(&page, &request.page_of(list.clone(), |item| *item));
                forth.extend(page.items.iter().copied());
                if page.is_done { break page; }
                request.cursor = Some(Cursor::After(page.next.unwrap()));
            };
            prop_assert_eq!(&forth, &expected);

            let mut back = last.items.clone();
            let mut previous = last.previous;
            while let Some(key) = previous {
                let request = PageRequest { limit, cursor: Some(Cursor::Before(key)), order };
                let page = fetch(&list, &request);
                prop_assert_eq!(&page, &request.page_of(list.clone(), |item| *item));
                prop_assert!(!page.is_done);
                back.splice(0..0, page.items.iter().copied());
                previous = page.previous;
            }
            prop_assert_eq!(&back, &expected);
        }
    }
}
