//! The MD5 sums SQS answers with. boto3 and the Java SDK compare them with what they sent, so they must be right.

use md5::{Digest, Md5};

use super::message::{AttributeBytes, MessageAttributes};

/// `MD5OfMessageBody`, in hexadecimal.
pub(crate) fn of_body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// `MD5OfMessageAttributes`: for each attribute in name order its name, type, transport type (1 text, 2 binary) and
/// value, every one but the transport type preceded by its length. None when there are none.
/// Source: SQS developer guide, "Calculating the MD5 message digest for message attributes".
pub(crate) fn of_attributes(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut md5 = Md5::new();
    for (name, attribute) in attributes {
        update_with_length(&mut md5, name.as_bytes());
        update_with_length(&mut md5, attribute.data_type.as_bytes());
        let (transport, value) = match attribute.bytes() {
            AttributeBytes::Text(value) => (1, value),
            AttributeBytes::Binary(value) => (2, value),
        };
        md5.update([transport]);
        update_with_length(&mut md5, &value);
    }
    Some(hex(&md5.finalize()))
}

fn update_with_length(md5: &mut Md5, bytes: &[u8]) {
    // Nothing above the 1 MiB of a message comes here, so the length always fits.
    md5.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    md5.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqs::message::MessageAttribute;

    #[test]
    fn the_body_digest_is_md5() {
        assert_eq!(of_body("hello"), "5d41402abc4b2a76b9719d911017c592");
    }

    #[test]
    fn the_attribute_digest_frames_every_part() {
        let text = |value: &str| MessageAttribute {
            data_type: "String".into(),
            string_value: Some(value.into()),
            binary_value: None,
        };
        assert_eq!(of_attributes(&MessageAttributes::new()), None);
        let framed: &[u8] = b"\0\0\0\x01a\0\0\0\x06String\x01\0\0\0\x02xy";
        let one = MessageAttributes::from([("a".to_owned(), text("xy"))]);
        assert_eq!(of_attributes(&one), Some(hex(&Md5::digest(framed))));
    }
}
