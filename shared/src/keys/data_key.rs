//! One data key, and what it has sealed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};

/// The form of what is sealed: this byte, four bytes of the key's number, twelve of nonce, the sealed bytes, sixteen of tag.
const FORM: u8 = 1;

const NUMBER: std::ops::Range<usize> = 1..5;
const NONCE: std::ops::Range<usize> = 5..17;
const TAG_BYTES: usize = 16;

/// How much longer sealed bytes are than plain ones.
pub const SEALED_BYTES_MORE: usize = NONCE.end + TAG_BYTES;

/// A plain data key. It does not print itself, and its memory is cleared when it goes.
///
/// Nonces are random, of 96 bits: one key is good for 2³² parts before two nonces might meet with a chance of 2⁻³² (NIST SP
/// 800-38D). An organization gets a new key long before.
pub struct DataKey {
    number: u32,
    cipher: RandomizedNonceKey,
}

impl DataKey {
    /// A key of 32 bytes.
    pub fn new(number: u32, bytes: &[u8]) -> Option<Self> {
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, bytes).ok()?;
        Some(Self { number, cipher })
    }

    /// Which of the organization's keys it is.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Seals. `place` is where the result will stand: it opens nowhere else. None only for what no cipher takes: 64 GB.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Option<Vec<u8>> {
        let mut body = plain.to_vec();
        let nonce = self.cipher.seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut body).ok()?;
        let mut sealed = Vec::with_capacity(plain.len() + SEALED_BYTES_MORE);
        sealed.push(FORM);
        sealed.extend_from_slice(&self.number.to_be_bytes());
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut body);
        Some(sealed)
    }

    /// The plain bytes; none: they were not sealed with this key, or not for this place, or were changed.
    pub fn open(&self, place: &str, sealed: &Sealed<'_>) -> Option<Vec<u8>> {
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(sealed.nonce).ok()?;
        let mut body = sealed.body.to_vec();
        let plain_bytes = self.cipher.open_in_place(nonce, Aad::from(place.as_bytes()), &mut body).ok()?.len();
        body.truncate(plain_bytes);
        Some(body)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataKey({}, …)", self.number)
    }
}

/// Sealed bytes, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    /// Which of the organization's keys opens them.
    pub number: u32,
    nonce: &'a [u8],
    body: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// None: this is nothing that a [`DataKey`] has made.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.first() != Some(&FORM) || bytes.len() < SEALED_BYTES_MORE {
            return None;
        }
        let number = u32::from_be_bytes(bytes.get(NUMBER)?.try_into().ok()?);
        Some(Self { number, nonce: bytes.get(NONCE)?, body: bytes.get(NONCE.end..)? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn key(number: u32, byte: u8) -> DataKey {
        DataKey::new(number, &[byte; 32]).unwrap()
    }

    fn open(key: &DataKey, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        key.open(place, &Sealed::parse(sealed)?)
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_in_its_place_with_its_key_and_nowhere_else(plain: Vec<u8>, place: String, other: String) {
            let sealed = key(7, 1).seal(&place, &plain).unwrap();
            prop_assert_eq!(sealed.len(), plain.len() + SEALED_BYTES_MORE);
            prop_assert_eq!(Sealed::parse(&sealed).unwrap().number, 7);
            prop_assert_eq!(open(&key(7, 1), &place, &sealed), Some(plain));
            prop_assert_eq!(open(&key(7, 2), &place, &sealed), None);
            if place != other {
                prop_assert_eq!(open(&key(7, 1), &other, &sealed), None);
            }
        }

        #[test]
        fn a_changed_byte_keeps_it_shut(plain: Vec<u8>, at: prop::sample::Index, by in 1_u8..) {
            let mut sealed = key(7, 1).seal("p", &plain).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= by;
            // The number only says which key to take: here it is always the same.
            prop_assert!(NUMBER.contains(&at) || open(&key(7, 1), "p", &sealed).is_none());
        }

        #[test]
        fn junk_is_no_sealed_part(bytes: Vec<u8>) {
            prop_assert!(open(&key(7, 1), "p", &bytes).is_none());
        }
    }

    #[test]
    fn the_same_bytes_are_sealed_otherwise_each_time() {
        assert_ne!(key(1, 1).seal("p", b"same"), key(1, 1).seal("p", b"same"));
    }
}
