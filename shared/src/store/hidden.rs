//! Attributes as bytes: what of an item is taken out of sight is sealed in this form.
//!
//! A value is a byte for its kind, four bytes of length, and its content; lists and maps hold values, maps with names before
//! them. DynamoDB's own JSON would make payloads, which are bytes, a third longer, and an item has only 400 KB.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::item::Item;

/// Kinds of values.
const TEXT: u8 = b'S';
const NUMBER: u8 = b'N';
const BYTES: u8 = b'B';
const FLAG: u8 = b'F';
const LIST: u8 = b'L';
const MAP: u8 = b'M';

/// Items here are four levels deep; what is deeper was not written by us.
const DEPTH_MAX: usize = 8;

/// The attributes as bytes; none: one is of a kind that no record of ours has.
pub(super) fn encode(item: &Item) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    map_into(&mut bytes, item)?;
    Some(bytes)
}

/// What [`encode`] was given; none for anything else.
pub(super) fn decode(bytes: &[u8]) -> Option<Item> {
    match Bytes(bytes).all(DEPTH_MAX)? {
        AttributeValue::M(item) => Some(item),
        _ => None,
    }
}

fn value_into(bytes: &mut Vec<u8>, value: &AttributeValue) -> Option<()> {
    match value {
        AttributeValue::S(text) => content_into(bytes, TEXT, text.as_bytes()),
        AttributeValue::N(number) => content_into(bytes, NUMBER, number.as_bytes()),
        AttributeValue::B(content) => content_into(bytes, BYTES, content.as_ref()),
        AttributeValue::Bool(is) => content_into(bytes, FLAG, &[u8::from(*is)]),
        AttributeValue::L(values) => {
            nested_into(bytes, LIST, |content| values.iter().try_for_each(|value| value_into(content, value)))
        }
        AttributeValue::M(item) => map_into(bytes, item),
        _ => None,
    }
}

/// In the order of the names, so that the same item is the same bytes.
fn map_into(bytes: &mut Vec<u8>, item: &Item) -> Option<()> {
    let mut members: Vec<_> = item.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    nested_into(bytes, MAP, |content| {
        members.iter().try_for_each(|(name, value)| {
            content_into(content, TEXT, name.as_bytes())?;
            value_into(content, value)
        })
    })
}

fn nested_into(bytes: &mut Vec<u8>, kind: u8, fill: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<()> {
    let mut content = Vec::new();
    fill(&mut content)?;
    content_into(bytes, kind, &content)
}

fn content_into(bytes: &mut Vec<u8>, kind: u8, content: &[u8]) -> Option<()> {
    bytes.push(kind);
    bytes.extend_from_slice(&u32::try_from(content.len()).ok()?.to_be_bytes());
    bytes.extend_from_slice(content);
    Some(())
}

/// Bytes that are read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// The one value that these bytes are.
    fn all(mut self, depth: usize) -> Option<AttributeValue> {
        let value = self.value(depth)?;
        self.0.is_empty().then_some(value)
    }

    fn content(&mut self) -> Option<(u8, &'a [u8])> {
        let (kind, rest) = self.0.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (content, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        self.0 = rest;
        Some((*kind, content))
    }

    fn text(&mut self) -> Option<String> {
        match self.content()? {
            (TEXT, content) => as_text(content),
            _ => None,
        }
    }

    fn value(&mut self, depth: usize) -> Option<AttributeValue> {
        let depth = depth.checked_sub(1)?;
        let (kind, content) = self.content()?;
        let mut content_bytes = Bytes(content);
        match kind {
            TEXT => as_text(content).map(AttributeValue::S),
            NUMBER => as_text(content).map(AttributeValue::N),
            BYTES => Some(AttributeValue::B(Blob::new(content))),
            FLAG => matches!(content, [0 | 1]).then(|| AttributeValue::Bool(content == [1])),
            LIST => {
                let mut values = Vec::new();
                while !content_bytes.0.is_empty() {
                    values.push(content_bytes.value(depth)?);
                }
                Some(AttributeValue::L(values))
            }
            MAP => {
                let mut item = Item::new();
                while !content_bytes.0.is_empty() {
                    item.insert(content_bytes.text()?, content_bytes.value(depth)?);
                }
                Some(AttributeValue::M(item))
            }
            _ => None,
        }
    }
}

fn as_text(content: &[u8]) -> Option<String> {
    std::str::from_utf8(content).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = AttributeValue> {
        let leaf = prop_oneof![
            any::<String>().prop_map(AttributeValue::S),
            any::<i64>().prop_map(|number| AttributeValue::N(number.to_string())),
            any::<Vec<u8>>().prop_map(|bytes| AttributeValue::B(Blob::new(bytes))),
            any::<bool>().prop_map(AttributeValue::Bool),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(AttributeValue::L),
                prop::collection::hash_map(any::<String>(), inner, 0..4).prop_map(AttributeValue::M),
            ]
        })
    }

    proptest! {
        #[test]
        fn an_item_comes_back_as_it_was(item in prop::collection::hash_map(any::<String>(), value(), 0..4)) {
            prop_assert_eq!(decode(&encode(&item).unwrap()), Some(item));
        }

        #[test]
        fn junk_is_refused_without_a_crash(bytes: Vec<u8>) {
            prop_assert!(decode(&bytes).is_none_or(|item| encode(&item).is_some()));
        }
    }

    #[test]
    fn what_is_nested_without_end_is_refused() {
        let mut bytes = Vec::new();
        content_into(&mut bytes, LIST, &[]).unwrap();
        for _ in 0..100 {
            let inner = std::mem::take(&mut bytes);
            content_into(&mut bytes, LIST, &inner).unwrap();
        }
        assert_eq!(Bytes(&bytes).all(DEPTH_MAX), None);
    }
}
