//! Pages of a query: from a [`PageRequest`] to the key condition, one item more than the page holds.

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{Item, text};
use super::{Store, fault, keys};
use crate::domain::page::{Cursor, Page, PageRequest};
use crate::fault::Fault;

/// A range of sort keys in one partition of the table or of the index.
pub(super) struct Range<'a> {
    /// None: the table itself, read strongly consistent.
    pub(super) index: Option<&'a str>,
    pub(super) partition: String,
    /// Bounds, both included.
    pub(super) from: String,
    pub(super) to: String,
}

impl Range<'_> {
    /// The items whose sort key begins with `prefix`; what follows the prefix is ASCII.
    pub(super) fn prefixed(partition: String, prefix: &str) -> Self {
        Self { index: None, partition, from: prefix.to_owned(), to: format!("{prefix}\u{7f}") }
    }

    fn key_names(&self) -> (&'static str, &'static str) {
        if self.index.is_some() { ("lpk", "lsk") } else { ("pk", "sk") }
    }
}

/// A list of which a filter wants some: how it is read, and what is wanted.
pub(super) struct Filtered<RangeOf, SkOf, Read, KeyOf, Wants> {
    pub(super) action: &'static str,
    pub(super) range: RangeOf,
    /// The sort key of a cursor.
    pub(super) sk_of: SkOf,
    pub(super) read: Read,
    /// What a cursor names a thing by.
    pub(super) key_of: KeyOf,
    pub(super) wants: Wants,
}

/// Where a query stopped, to go on from there.
pub(super) type ResumeAt = Option<std::collections::HashMap<String, AttributeValue>>;

impl Store {
    /// One page of DynamoDB's own: up to `limit` items, ascending or not.
    pub(super) async fn query(
        &self,
        action: &str,
        range: &Range<'_>,
        is_ascending: bool,
        limit: usize,
        resume_at: ResumeAt,
    ) -> Result<(Vec<Item>, ResumeAt), Fault> {
        let (pk, sk) = range.key_names();
        let request = self.client.query().table_name(&*self.table).set_index_name(range.index.map(str::to_owned));
        let answer = request
            .consistent_read(range.index.is_none())
            .key_condition_expression("#p = :p AND #s BETWEEN :from AND :to")
            .expression_attribute_names("#p", pk)
            .expression_attribute_names("#s", sk)
            .expression_attribute_values(":p", text(&range.partition))
            .expression_attribute_values(":from", text(&range.from))
            .expression_attribute_values(":to", text(&range.to))
            .scan_index_forward(is_ascending)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(resume_at)
            .send()
            .await
            .map_err(|error| fault(action, error))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Up to `count` items of the range, over as many of DynamoDB's pages as they need (each is up to a megabyte).
    pub(super) async fn query_count(
        &self,
        action: &str,
        range: &Range<'_>,
        is_ascending: bool,
        count: usize,
    ) -> Result<Vec<Item>, Fault> {
        let (mut items, mut resume_at) = (Vec::new(), None);
        loop {
            let wanted = count - items.len();
            let (more, next) = self.query(action, range, is_ascending, wanted, resume_at).await?;
            items.extend(more);
            resume_at = next;
            if resume_at.is_none() || items.len() >= count {
                return Ok(items);
            }
        }
    }

    /// A page of what the filter wants, out of at most `reads_max` pages of everything: after those the caller goes on from there.
    pub(super) async fn filtered_page<T, K: Clone>(
        &self,
        list: Filtered<
            impl Fn() -> Range<'static>,
            impl Fn(&K) -> String,
            impl Fn(&Item) -> Result<T, Fault>,
            impl Fn(&T) -> K,
            impl Fn(&T) -> bool,
        >,
        request: &PageRequest<K>,
        reads_max: usize,
    ) -> Result<Page<T, K>, Fault> {
        let mut found = Vec::new();
        let mut ask = request.clone();
        for read in 1.. {
            let items = self.query_page(list.action, (list.range)(), &ask, &list.sk_of).await?;
            let things = items.iter().map(&list.read).collect::<Result<Vec<_>, _>>()?;
            let is_last = things.len() <= ask.limit;
            let last = things.last().map(&list.key_of);
            found.extend(things.into_iter().filter(|thing| (list.wants)(thing)));
            if is_last || found.len() > request.limit {
                break;
            }
            if read == reads_max {
                let mut page = request.page(found, &list.key_of);
                if !matches!(request.cursor, Some(Cursor::Before(_))) {
                    (page.next, page.is_done) = (last.or(page.next), false);
                }
                return Ok(page);
            }
            ask.cursor = last.map(|last| match request.cursor {
                Some(Cursor::Before(_)) => Cursor::Before(last),
                _ => Cursor::After(last),
            });
        }
        Ok(request.page(found, &list.key_of))
    }

    /// What a page is made from: one item more than it holds, if there are as many. `sk_of` is the sort key of a cursor.
    pub(super) async fn query_page<K>(
        &self,
        action: &str,
        mut range: Range<'_>,
        request: &PageRequest<K>,
        sk_of: impl Fn(&K) -> String,
    ) -> Result<Vec<Item>, Fault> {
        let is_ascending = request.reading_order().is_ascending();
        let cursor = request.cursor_key().map(sk_of);
        let cursor_sk = cursor.clone();
        if let Some(cursor) = cursor {
            // The bound is included, so the cursor's own item comes once more and is taken out below.
            if is_ascending { range.from = cursor } else { range.to = cursor }
        }
        let count = request.limit + 1 + usize::from(cursor_sk.is_some());
        let (_, sk) = range.key_names();
        let mut items = self.query_count(action, &range, is_ascending, count).await?;
        items.retain(|item| super::key_text(item, sk) != cursor_sk.as_deref() || cursor_sk.is_none());
        Ok(items)
    }

    /// The items of these keys, strongly consistent, in no particular order; those that do not exist are missing.
    pub(super) async fn batch_get(&self, action: &str, wanted: Vec<(String, String)>) -> Result<Vec<Item>, Fault> {
        /// Keys one call takes.
        const KEYS_MAX: usize = 100;
        /// How often keys that DynamoDB left unprocessed (it is throttling, or the answer would be too large) are asked
        /// for again. Each answer holds up to 16 MB, which a page of our largest items fills.
        const TRIES_MAX: usize = 20;
        let mut items = Vec::with_capacity(wanted.len());
        for chunk in wanted.chunks(KEYS_MAX) {
            let key = |(pk, sk): &(String, String)| {
                std::collections::HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
            };
            let mut open: Vec<_> = chunk.iter().map(key).collect();
            for _ in 0..TRIES_MAX {
                if open.is_empty() {
                    break;
                }
                let keys = aws_sdk_dynamodb::types::KeysAndAttributes::builder()
                    .set_keys(Some(std::mem::take(&mut open)))
                    .consistent_read(true)
                    .build()
                    .map_err(|error| Fault::corrupt_because(action, error))?;
                let answer = self.client.batch_get_item().request_items(&*self.table, keys).send().await;
                let mut answer = answer.map_err(|error| fault(action, error))?;
                items.extend(answer.responses.take().unwrap_or_default().into_values().flatten());
                open = answer.unprocessed_keys.take().unwrap_or_default().into_values().flat_map(|k| k.keys).collect();
            }
            if !open.is_empty() {
                return Err(Fault::unavailable(action, "the table left keys unprocessed"));
            }
        }
        Ok(items)
    }
}

/// The range of an application's endpoints.
pub(super) fn endpoints_range(partition: String) -> Range<'static> {
    Range { index: None, partition, from: keys::ENDPOINT.to_owned(), to: keys::ENDPOINTS_END.to_owned() }
}
