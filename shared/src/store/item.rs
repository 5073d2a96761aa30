//! Items of the table, built and read attribute by attribute. Reading is strict: an attribute that is missing or of
//! another type is a corrupt record, named by its attribute, never a default.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// An item being built; what is absent or empty is left out, since every byte of an item is paid for.
#[derive(Default)]
pub(super) struct ItemBuilder(Item);

impl ItemBuilder {
    pub(super) fn new(pk: String, sk: String) -> Self {
        Self::default().text("pk", pk).text("sk", sk)
    }

    pub(super) fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), AttributeValue::S(value.into()));
        self
    }

    pub(super) fn text_if(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(super) fn number(mut self, name: &str, value: impl Into<i64>) -> Self {
        self.0.insert(name.to_owned(), number(value));
        self
    }

    pub(super) fn number_if(self, name: &str, value: Option<impl Into<i64>>) -> Self {
        match value {
            Some(value) => self.number(name, value),
            None => self,
        }
    }

    pub(super) fn instant(self, name: &str, value: Timestamp) -> Self {
        self.number(name, value.as_millis())
    }

    pub(super) fn instant_if(self, name: &str, value: Option<Timestamp>) -> Self {
        self.number_if(name, value.map(Timestamp::as_millis))
    }

    /// The TTL attribute: whole seconds, rounded up so that nothing is forgotten early.
    pub(super) fn expires(self, at: Timestamp) -> Self {
        self.number("ttl", at.plus_millis(999).as_seconds())
    }

    pub(super) fn flag(mut self, name: &str, is_set: bool) -> Self {
        if is_set {
            self.0.insert(name.to_owned(), AttributeValue::Bool(true));
        }
        self
    }

    pub(super) fn bytes(mut self, name: &str, value: Vec<u8>) -> Self {
        self.0.insert(name.to_owned(), AttributeValue::B(Blob::new(value)));
        self
    }

    pub(super) fn bytes_if(self, name: &str, value: Option<Vec<u8>>) -> Self {
        match value {
            Some(value) => self.bytes(name, value),
            None => self,
        }
    }

    pub(super) fn texts<T: ToString>(mut self, name: &str, values: &[T]) -> Self {
        if !values.is_empty() {
            let values = values.iter().map(|value| AttributeValue::S(value.to_string())).collect();
            self.0.insert(name.to_owned(), AttributeValue::L(values));
        }
        self
    }

    pub(super) fn pairs<'a>(mut self, name: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let map: Item = pairs.map(|(key, value)| (key.to_owned(), AttributeValue::S(value.to_owned()))).collect();
        if !map.is_empty() {
            self.0.insert(name.to_owned(), AttributeValue::M(map));
        }
        self
    }

    pub(super) fn items(mut self, name: &str, items: Vec<Item>) -> Self {
        if !items.is_empty() {
            self.0.insert(name.to_owned(), AttributeValue::L(items.into_iter().map(AttributeValue::M).collect()));
        }
        self
    }

    pub(super) fn build(self) -> Item {
        self.0
    }
}

/// A number as DynamoDB has it.
pub(super) fn number(value: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// A text as DynamoDB has it.
pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// An item being read.
pub(super) struct Reader<'a> {
    kind: &'static str,
    item: &'a Item,
}

impl<'a> Reader<'a> {
    /// `kind` is the record's name in error messages.
    pub(super) fn new(kind: &'static str, item: &'a Item) -> Self {
        Self { kind, item }
    }

    pub(super) fn corrupt(&self, name: &str) -> Fault {
        let key = |name| self.item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
        Fault::corrupt(format!("reading {name} of the {} at {} {}", self.kind, key("pk"), key("sk")))
    }

    pub(super) fn text_if(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(value)) => Ok(Some(value)),
            Some(_) => Err(self.corrupt(name)),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, Fault> {
        self.text_if(name)?.ok_or_else(|| self.corrupt(name))
    }

    /// A text that must parse.
    pub(super) fn parsed<T>(&self, name: &str, parse: impl Fn(&'a str) -> Option<T>) -> Result<T, Fault> {
        parse(self.text(name)?).ok_or_else(|| self.corrupt(name))
    }

    pub(super) fn parsed_if<T>(&self, name: &str, parse: impl Fn(&'a str) -> Option<T>) -> Result<Option<T>, Fault> {
        self.text_if(name)?.map(|text| parse(text).ok_or_else(|| self.corrupt(name))).transpose()
    }

    pub(super) fn number_if<T: TryFrom<i64>>(&self, name: &str) -> Result<Option<T>, Fault> {
        let parse = |text: &str| text.parse::<i64>().ok().and_then(|value| T::try_from(value).ok());
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(value)) => parse(value).map(Some).ok_or_else(|| self.corrupt(name)),
            Some(_) => Err(self.corrupt(name)),
        }
    }

    pub(super) fn number<T: TryFrom<i64>>(&self, name: &str) -> Result<T, Fault> {
        self.number_if(name)?.ok_or_else(|| self.corrupt(name))
    }

    pub(super) fn instant(&self, name: &str) -> Result<Timestamp, Fault> {
        self.number(name).map(Timestamp::from_millis)
    }

    pub(super) fn instant_if(&self, name: &str) -> Result<Option<Timestamp>, Fault> {
        Ok(self.number_if(name)?.map(Timestamp::from_millis))
    }

    pub(super) fn expires(&self) -> Result<Timestamp, Fault> {
        self.number("ttl").map(|seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1_000)))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.item.get(name), Some(AttributeValue::Bool(true)))
    }

    pub(super) fn bytes_if(&self, name: &str) -> Result<Option<&'a [u8]>, Fault> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::B(value)) => Ok(Some(value.as_ref())),
            Some(_) => Err(self.corrupt(name)),
        }
    }

    pub(super) fn texts<T>(&self, name: &str, parse: impl Fn(&'a str) -> Option<T>) -> Result<Vec<T>, Fault> {
        let values = match self.item.get(name) {
            None => return Ok(Vec::new()),
            Some(AttributeValue::L(values)) => values,
            Some(_) => return Err(self.corrupt(name)),
        };
        let text = |value: &'a AttributeValue| value.as_s().ok().and_then(|text| parse(text));
        values.iter().map(|value| text(value).ok_or_else(|| self.corrupt(name))).collect()
    }

    pub(super) fn pairs(&self, name: &str) -> Result<Vec<(&'a str, &'a str)>, Fault> {
        let map = match self.item.get(name) {
            None => return Ok(Vec::new()),
            Some(AttributeValue::M(map)) => map,
            Some(_) => return Err(self.corrupt(name)),
        };
        let pair = |(key, value): (&'a String, &'a AttributeValue)| Some((key.as_str(), value.as_s().ok()?.as_str()));
        map.iter().map(|entry| pair(entry).ok_or_else(|| self.corrupt(name))).collect()
    }

    pub(super) fn items(&self, name: &str) -> Result<Vec<&'a Item>, Fault> {
        let values = match self.item.get(name) {
            None => return Ok(Vec::new()),
            Some(AttributeValue::L(values)) => values,
            Some(_) => return Err(self.corrupt(name)),
        };
        values.iter().map(|value| value.as_m().map_err(|_| self.corrupt(name))).collect()
    }
}
