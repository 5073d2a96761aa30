//! Time-ordered 20-byte identifiers, written as 27 base62 characters.
//!
//! The millisecond KSUID of the Svix wire: 4 bytes of seconds since 2014-05-13T16:53:20Z, one byte of 4 ms steps, then
//! 15 free bytes. Text order equals byte order equals time order (to 4 ms), which pagination relies on.

use super::timestamp::Timestamp;

/// Bytes in a KSUID.
pub const KSUID_BYTES: usize = 20;
/// Characters in a KSUID's text form.
pub const KSUID_CHARS: usize = 27;
/// Bytes after the time: free for randomness, or for a hash that makes the id derivable.
pub const TAIL_BYTES: usize = 15;

/// How finely a KSUID tells time, in milliseconds.
pub const STEP_MS: i64 = 4;

const EPOCH_S: i64 = 1_400_000_000;
/// Digits that are worked on at one time, as many as leave a limb and a remainder within 64 bits.
const GROUP: usize = 5;
/// 62 to the power of [`GROUP`].
const GROUP_BASE: u64 = 916_132_832;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A time-ordered identifier. See the module's documentation for its layout.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ksuid([u8; KSUID_BYTES]);

impl Ksuid {
    /// The identifier of this instant (rounded down to 4 ms) with the given tail. Instants outside the representable
    /// range (2014 to 2150) are clamped to it.
    pub fn new(at: Timestamp, tail: [u8; TAIL_BYTES]) -> Self {
        let seconds = at.as_millis().div_euclid(1_000) - EPOCH_S;
        let (seconds, step) = match u32::try_from(seconds) {
            Ok(seconds) => (seconds, (at.as_millis().rem_euclid(1_000) / STEP_MS) as u8),
            Err(_) if seconds < 0 => (0, 0),
            Err(_) => (u32::MAX, 249),
        };
        let mut bytes = [0; KSUID_BYTES];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4] = step;
        bytes[5..].copy_from_slice(&tail);
        Self(bytes)
    }

    /// The smallest identifier of this instant: a bound for time ranges.
    pub fn first_at(at: Timestamp) -> Self {
        Self::new(at, [0; TAIL_BYTES])
    }

    /// The instant this identifier carries, to 4 ms.
    pub fn timestamp(&self) -> Timestamp {
        let seconds = u32::from_be_bytes([self.0[0], self.0[1], self.0[2], self.0[3]]);
        Timestamp::from_millis((i64::from(seconds) + EPOCH_S) * 1_000 + i64::from(self.0[4]) * STEP_MS)
    }

    /// The 15 bytes after the time.
    pub fn tail(&self) -> [u8; TAIL_BYTES] {
        let mut tail = [0; TAIL_BYTES];
        tail.copy_from_slice(&self.0[5..]);
        tail
    }

    /// The raw bytes, time first.
    pub fn as_bytes(&self) -> &[u8; KSUID_BYTES] {
        &self.0
    }

    /// From raw bytes, time first.
    pub fn from_bytes(bytes: [u8; KSUID_BYTES]) -> Self {
        Self(bytes)
    }

    /// Parses 27 base62 characters. `None` for any other text, including text that exceeds 20 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != KSUID_CHARS {
            return None;
        }
        // Five 32-bit limbs, most significant first: value = value * 62^5 + five digits. The first group is the short one.
        let mut limbs = [0u32; 5];
        let (first, others) = text.as_bytes().split_at(KSUID_CHARS % GROUP);
        for group in std::iter::once(first).chain(others.chunks_exact(GROUP)) {
            let mut carry = 0;
            for character in group {
                carry = carry * 62 + u64::from(digit_of(*character)?);
            }
            for limb in limbs.iter_mut().rev() {
                let value = u64::from(*limb) * GROUP_BASE + carry;
                *limb = value as u32;
                carry = value >> 32;
            }
            if carry != 0 {
                return None;
            }
        }
        let mut bytes = [0; KSUID_BYTES];
        for (chunk, limb) in bytes.chunks_exact_mut(4).zip(limbs) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        Some(Self(bytes))
    }

    /// The 27 base62 characters.
    pub fn encode(&self) -> [u8; KSUID_CHARS] {
        let mut limbs = [0u32; 5];
        for (limb, chunk) in limbs.iter_mut().zip(self.0.chunks_exact(4)) {
            *limb = u32::from_be_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        }
        let mut text = [b'0'; KSUID_CHARS];
        for group in text.rchunks_mut(GROUP) {
            let mut remainder = 0u64;
            for limb in &mut limbs {
                let value = (remainder << 32) | u64::from(*limb);
                *limb = (value / GROUP_BASE) as u32;
                remainder = value % GROUP_BASE;
            }
            for character in group.iter_mut().rev() {
                *character = ALPHABET[(remainder % 62) as usize];
                remainder /= 62;
            }
        }
        text
    }
}

impl std::fmt::Display for Ksuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.encode();
        f.write_str(std::str::from_utf8(&text).map_err(|_| std::fmt::Error)?)
    }
}

impl std::fmt::Debug for Ksuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ksuid({self})")
    }
}

fn digit_of(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'A'..=b'Z' => Some(character - b'A' + 10),
        b'a'..=b'z' => Some(character - b'a' + 36),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_form_matches_the_published_ksuid_example() {
        // From the KSUID specification's own README: raw bytes and text of one identifier.
        let raw: [u8; 20] = [
            0x06, 0x69, 0xF7, 0xEF, 0xB5, 0xA1, 0xCD, 0x34, 0xB5, 0xF9, 0x9D, 0x11, 0x54, 0xFB, 0x68, 0x53, 0x34, 0x5C,
            0x97, 0x35,
        ];
        assert_eq!(Ksuid::from_bytes(raw).to_string(), "0ujtsYcgvSTl8PAuAdqWYSMnLOv");
        assert_eq!(Ksuid::parse("0ujtsYcgvSTl8PAuAdqWYSMnLOv"), Some(Ksuid::from_bytes(raw)));
    }

    #[test]
    fn text_outside_the_range_or_alphabet_is_refused() {
        assert_eq!(Ksuid::parse("aWgEPTl1tmebfsQzFP4bxwgy80V"), Some(Ksuid::from_bytes([0xFF; 20])));
        for text in [
            "",
            "0ujtsYcgvSTl8PAuAdqWYSMnLO",
            "0ujtsYcgvSTl8PAuAdqWYSMnLOvv",
            "0ujtsYcgvSTl8PAuAdqWYSMnLO_",
            "aWgEPTl1tmebfsQzFP4bxwgy80W",
            "zzzzzzzzzzzzzzzzzzzzzzzzzzz",
        ] {
            assert_eq!(Ksuid::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips_and_keeps_the_order(a in any::<[u8; 20]>(), b in any::<[u8; 20]>()) {
            let (a, b) = (Ksuid::from_bytes(a), Ksuid::from_bytes(b));
            prop_assert_eq!(Ksuid::parse(&a.to_string()), Some(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn time_survives_to_four_milliseconds(millis in 1_400_000_000_000i64..5_000_000_000_000, tail in any::<[u8; 15]>()) {
            let id = Ksuid::new(Timestamp::from_millis(millis), tail);
            prop_assert!((0..4).contains(&(millis - id.timestamp().as_millis())));
            prop_assert_eq!(id.tail(), tail);
        }
    }
}
