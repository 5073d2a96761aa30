//! What a message is made of: the payload a sender gives, and the names under which the engine hands it out.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::error::SqsError;
use super::limits::{ATTRIBUTES_MAX, check_body, check_characters};

/// Number of a message in order of arrival; the only key it has inside the engine.
pub(crate) type Seq = u64;

/// What travels: body, the sender's attributes, and the trace header that SQS carries beside them.
#[derive(Debug, PartialEq)]
pub(crate) struct Payload {
    pub(crate) body: String,
    pub(crate) attributes: MessageAttributes,
    pub(crate) trace_header: Option<String>,
}

/// In name order, which is also the order their digest is made in.
pub(crate) type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// `String`, `Number` or `Binary`, each with an optional `.label`. Binary stays in base64, as it is on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MessageAttribute {
    pub(crate) data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) string_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) binary_value: Option<String>,
}

/// An attribute's value as bytes, by transport type.
pub(crate) enum AttributeBytes {
    Text(Vec<u8>),
    Binary(Vec<u8>),
}

impl MessageAttribute {
    fn checked(&self, name: &str) -> Result<(), SqsError> {
        if let Some(text) = &self.string_value {
            check_characters(text)?;
        }
        let kind = self.data_type.split('.').next().unwrap_or_default();
        let has_value = match kind {
            "String" | "Number" => self.string_value.as_ref().is_some_and(|value| !value.is_empty()),
            "Binary" => {
                self.binary_value.as_ref().is_some_and(|value| BASE64.decode(value).is_ok_and(|v| !v.is_empty()))
            }
            _ => {
                return Err(SqsError::InvalidParameterValue(format!(
                    "The type of message (user) attribute '{name}' is invalid. You must use only the following \
                     supported type prefixes: Binary, Number, String."
                )));
            }
        };
        has_value.then_some(()).ok_or_else(|| {
            SqsError::InvalidParameterValue(format!(
                "The message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
            ))
        })
    }

    /// The value's bytes; a checked attribute has them, an unchecked one may be empty.
    pub(crate) fn bytes(&self) -> AttributeBytes {
        if self.data_type.starts_with("Binary") {
            let encoded = self.binary_value.as_deref().unwrap_or_default();
            return AttributeBytes::Binary(BASE64.decode(encoded).unwrap_or_default());
        }
        AttributeBytes::Text(self.string_value.clone().unwrap_or_default().into_bytes())
    }
}

impl Payload {
    /// Everything that is checked about a message on its own, apart from its size.
    pub(crate) fn checked(self) -> Result<Self, SqsError> {
        check_body(&self.body)?;
        if self.attributes.len() > ATTRIBUTES_MAX {
            return Err(SqsError::InvalidParameterValue(format!(
                "Number of message attributes [{}] exceeds the allowed maximum [{ATTRIBUTES_MAX}].",
                self.attributes.len()
            )));
        }
        for (name, attribute) in &self.attributes {
            attribute.checked(name)?;
        }
        Ok(self)
    }

    /// What counts against the 1 MiB: body, and name, type and value of every attribute.
    pub(crate) fn bytes_len(&self) -> usize {
        let attribute_len = |(name, attribute): (&String, &MessageAttribute)| {
            let value_len = match attribute.bytes() {
                AttributeBytes::Text(value) | AttributeBytes::Binary(value) => value.len(),
            };
            name.len() + attribute.data_type.len() + value_len
        };
        self.body.len() + self.attributes.iter().map(attribute_len).sum::<usize>()
    }
}

/// The public id of a message: a UUID made from its number. Numbers never repeat in a data directory and the
/// mixing below spreads them over 122 bits, so the ids do not repeat either; nothing is stored or drawn at random.
pub(crate) fn message_id(seq: Seq) -> String {
    let (high, low) = (mix(seq), mix(!seq));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// The finalizer of SplitMix64, a bijection on 64 bits.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Permission to delete one message or to change its visibility: which message, of which queue, by which receive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Receipt {
    pub(crate) queue_id: u32,
    pub(crate) seq: Seq,
    pub(crate) lease: u64,
}

impl Receipt {
    /// Opaque to the holder, as a receipt handle should be.
    pub(crate) fn handle(&self) -> String {
        let mut bytes = [0; 20];
        bytes[..4].copy_from_slice(&self.queue_id.to_be_bytes());
        bytes[4..12].copy_from_slice(&self.seq.to_be_bytes());
        bytes[12..].copy_from_slice(&self.lease.to_be_bytes());
        BASE64.encode(bytes)
    }

    /// Reads a handle back; anything that is not one of ours is refused.
    pub(crate) fn parse(handle: &str) -> Result<Self, SqsError> {
        let invalid = || SqsError::ReceiptHandleIsInvalid(handle.to_owned());
        let bytes: [u8; 20] = BASE64.decode(handle).ok().and_then(|b| b.try_into().ok()).ok_or_else(invalid)?;
        let number = |range: std::ops::Range<usize>| bytes[range].iter().fold(0, |n, byte| (n << 8) | u64::from(*byte));
        let queue_id = u32::try_from(number(0..4)).map_err(|_| invalid())?;
        Ok(Self { queue_id, seq: number(4..12), lease: number(12..20) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_handle_reads_back() {
        let receipt = Receipt { queue_id: 7, seq: u64::MAX - 3, lease: 1 << 40 };
        assert_eq!(Receipt::parse(&receipt.handle()).unwrap(), receipt);
        assert!(Receipt::parse("not a handle").is_err());
        assert!(Receipt::parse("").is_err());
    }

    #[test]
    fn message_ids_are_uuids_and_differ() {
        let ids: std::collections::HashSet<_> = (0..10_000).map(message_id).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'4'));
    }
}
