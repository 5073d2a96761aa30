//! Query strings: filters and pages of lists. Arrays come comma-joined, repeated, or with `[]` or `[n]` behind the name, as
//! the SDKs of the various languages send them. Names we do not know are ignored.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Serialize;

use super::Problem;
use crate::domain::Invalid;
use crate::domain::page::{Cursor, Order, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, Page, PageRequest};
use crate::domain::timestamp::Timestamp;

/// A parsed query string.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

impl Query {
    /// Parses the part behind the question mark.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let malformed = |_| Problem::field(&["query"], "the query string cannot be read");
        serde_urlencoded::from_str(text).map(Self).map_err(malformed)
    }

    /// The value of a parameter; the last one counts.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value, if it is there and not empty, in its type.
    pub fn parsed<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, Invalid>) -> Result<Option<T>, Problem> {
        let value = self.get(name).filter(|value| !value.is_empty());
        value.map(|value| parse(value).map_err(|reason| Problem::field(&["query", name], reason.0))).transpose()
    }

    /// All values of an array.
    pub fn list<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, Invalid>) -> Result<Vec<T>, Problem> {
        let is_of = |key: &str| match key.strip_prefix(name) {
            Some("") => true,
            Some(rest) => rest.starts_with('[') && rest.ends_with(']'),
            None => false,
        };
        let values = self.0.iter().filter(|(key, _)| is_of(key)).flat_map(|(_, value)| value.split(','));
        let values = values.filter(|value| !value.is_empty());
        values.map(|value| parse(value).map_err(|reason| Problem::field(&["query", name], reason.0))).collect()
    }

    /// A flag that is `default` when it is not given.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, Problem> {
        let parse = |text: &str| text.parse().map_err(|_| Invalid::new("must be true or false"));
        Ok(self.parsed(name, parse)?.unwrap_or(default))
    }

    /// An instant.
    pub fn instant(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.parsed(name, Timestamp::parse_rfc3339)
    }

    /// A whole number.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.parsed(name, |text| text.parse().map_err(|_| Invalid::new("must be a whole number")))
    }

    /// Which page is wanted: `limit`, `iterator` (with `-` in front: the page before it), `order`.
    pub fn page<K>(&self, default: Order, parse_key: impl Fn(&str) -> Option<K>) -> Result<PageRequest<K>, Problem> {
        let limit = self.number("limit")?.unwrap_or(PAGE_ITEMS_DEFAULT);
        if !(1..=PAGE_ITEMS_MAX).contains(&limit) {
            return Err(Problem::field(&["query", "limit"], format!("must be from 1 to {PAGE_ITEMS_MAX}")));
        }
        let order = self.parsed("order", |text| match text {
            "ascending" => Ok(Order::Ascending),
            "descending" => Ok(Order::Descending),
            _ => Err(Invalid::new("must be ascending or descending")),
        })?;
        let cursor = self.parsed("iterator", |text| {
            let key = |text| parse_key(text).ok_or_else(|| Invalid::new("is not an iterator of this list"));
            match text.strip_prefix('-') {
                Some(text) => key(text).map(Cursor::Before),
                None => key(text).map(Cursor::After),
            }
        })?;
        Ok(PageRequest { limit, cursor, order: order.unwrap_or(default) })
    }

    /// The page of a list by time: newest first, unless only `after` is given.
    pub fn page_by_time<K>(&self, parse_key: impl Fn(&str) -> Option<K>) -> Result<PageRequest<K>, Problem> {
        let is_from = self.get("after").is_some() && self.get("before").is_none();
        self.page(if is_from { Order::Ascending } else { Order::Descending }, parse_key)
    }
}

/// A page on the wire. `iterator` is always there: the SDKs require the key, even for null.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageOut<T> {
    data: Vec<T>,
    iterator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_iterator: Option<String>,
    done: bool,
}

impl<T> PageOut<T> {
    /// The page with its items in their wire form.
    pub fn new<U, K: std::fmt::Display>(page: Page<U, K>, convert: impl FnMut(U) -> T) -> Self {
        let page = page.map(convert);
        Self {
            data: page.items,
            iterator: page.next.map(|key| key.to_string()),
            prev_iterator: page.previous.map(|key| format!("-{key}")),
            done: page.is_done,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn arrays_come_in_every_form_the_sdks_send() {
        for text in ["t=a,b", "t=a&t=b", "t[]=a&t[]=b", "t[0]=a&t[1]=b", "t%5B0%5D=a&t=b", "t=a%2Cb"] {
            let query = Query::parse(text).unwrap();
            assert_eq!(query.list("t", |value| Ok(value.to_owned())).unwrap(), ["a", "b"], "{text}");
        }
        assert!(Query::parse("tt=a").unwrap().list("t", |value| Ok(value.to_owned())).unwrap().is_empty());
    }

    #[track_caller]
    fn check(text: &str, is_fine: bool) {
        let request = Query::parse(text).unwrap().page(Order::Ascending, |key| key.parse::<u32>().ok());
        assert_eq!(request.is_ok(), is_fine, "{text}: {request:?}");
    }

    #[test]
    fn pages_are_checked() {
        check("", true);
        check("limit=250&iterator=-7&order=descending", true);
        check("limit=251", false);
        check("limit=0", false);
        check("limit=x", false);
        check("iterator=x", false);
        check("order=sideways", false);
        check("iterator=", true);
    }
}
