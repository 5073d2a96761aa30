//! Trace contexts: what ties the steps of one message together in logs and traces, whichever functions make them. The form is the
//! `traceparent` of W3C Trace Context (level 1), so that a caller's own traces go on here.
//!
//! A trace decides nothing: whatever stands in it, messages are accepted and delivered alike. Receivers are not told it.

use super::Invalid;
use super::hex::hex;

/// Bytes of a trace's identifier.
pub const TRACE_ID_BYTES: usize = 16;

/// Bytes of the identifier of a step.
pub const SPAN_ID_BYTES: usize = 8;

/// Bytes of the stored form: both identifiers and the flags.
const STORED_BYTES: usize = TRACE_ID_BYTES + SPAN_ID_BYTES + 1;

/// Characters of `traceparent` in version 00, and the least of those to come.
const TEXT_CHARS: usize = 55;

/// The only flag that is defined: somebody records this trace.
const SAMPLED: u8 = 1;

/// A step of a trace, as the steps that follow from it know it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace, the same in all of its steps.
    pub trace_id: [u8; TRACE_ID_BYTES],
    /// The step.
    pub span_id: [u8; SPAN_ID_BYTES],
    /// Whether somebody records it.
    pub is_sampled: bool,
}

impl TraceParent {
    /// Reads a `traceparent`. Of a version that is still to come, what version 00 has is read.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bad = || Invalid::new("is no traceparent such as 00-<32 hex digits>-<16 hex digits>-01");
        let bytes = text.as_bytes();
        let (known, rest) = bytes.split_at_checked(TEXT_CHARS).ok_or_else(bad)?;
        let has_dashes = [2, 35, 52].iter().all(|at| known[*at] == b'-');
        let ([version], [flags]) = (bytes_of(&known[..2]).ok_or_else(bad)?, bytes_of(&known[53..]).ok_or_else(bad)?);
        let may_go_on = rest.is_empty() || (version > 0 && rest[0] == b'-');
        if !has_dashes || version == u8::MAX || !may_go_on {
            return Err(bad());
        }
        let trace_id = bytes_of(&known[3..35]).ok_or_else(bad)?;
        let span_id = bytes_of(&known[36..52]).ok_or_else(bad)?;
        Self { trace_id, span_id, is_sampled: flags & SAMPLED != 0 }.checked().ok_or_else(bad)
    }

    /// The first step of a trace.
    pub fn root(random: [u8; TRACE_ID_BYTES + SPAN_ID_BYTES], is_sampled: bool) -> Self {
        let (mut trace_id, mut span_id) = ([0; TRACE_ID_BYTES], [0; SPAN_ID_BYTES]);
        trace_id.copy_from_slice(&random[..TRACE_ID_BYTES]);
        span_id.copy_from_slice(&random[TRACE_ID_BYTES..]);
        // Zeros mean that there is none. No generator worth its name draws them.
        trace_id[0] |= u8::from(trace_id == [0; TRACE_ID_BYTES]);
        Self { trace_id, span_id: not_zero(span_id), is_sampled }
    }

    /// A step that follows from this one.
    pub fn child(&self, span_id: [u8; SPAN_ID_BYTES]) -> Self {
        Self { span_id: not_zero(span_id), ..*self }
    }

    /// The trace's identifier in hexadecimal digits.
    pub fn trace_id_text(&self) -> String {
        hex(&self.trace_id)
    }

    /// The step's identifier in hexadecimal digits.
    pub fn span_id_text(&self) -> String {
        hex(&self.span_id)
    }

    /// The short form that is stored.
    pub fn to_bytes(&self) -> [u8; STORED_BYTES] {
        let mut bytes = [0; STORED_BYTES];
        bytes[..TRACE_ID_BYTES].copy_from_slice(&self.trace_id);
        bytes[TRACE_ID_BYTES..STORED_BYTES - 1].copy_from_slice(&self.span_id);
        bytes[STORED_BYTES - 1] = u8::from(self.is_sampled);
        bytes
    }

    /// Reads the short form.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; STORED_BYTES] = bytes.try_into().ok()?;
        let (mut trace_id, mut span_id) = ([0; TRACE_ID_BYTES], [0; SPAN_ID_BYTES]);
        trace_id.copy_from_slice(&bytes[..TRACE_ID_BYTES]);
        span_id.copy_from_slice(&bytes[TRACE_ID_BYTES..STORED_BYTES - 1]);
        Self { trace_id, span_id, is_sampled: bytes[STORED_BYTES - 1] & SAMPLED != 0 }.checked()
    }

    /// Whether this trace is among a share of all traces (0 to 1). Whoever asks, the answer is the same.
    pub fn is_among(&self, share: f64) -> bool {
        let mut last = [0; 8];
        // Identifiers that others make are random in their last bytes at least.
        last[1..].copy_from_slice(&self.trace_id[TRACE_ID_BYTES - 7..]);
        (u64::from_be_bytes(last) as f64) < share * (1u64 << 56) as f64
    }

    fn checked(self) -> Option<Self> {
        let has_both = self.trace_id != [0; TRACE_ID_BYTES] && self.span_id != [0; SPAN_ID_BYTES];
        has_both.then_some(self)
    }
}

fn not_zero(mut span_id: [u8; SPAN_ID_BYTES]) -> [u8; SPAN_ID_BYTES] {
    span_id[0] |= u8::from(span_id == [0; SPAN_ID_BYTES]);
    span_id
}

/// Lower-case digits only, as the form asks for.
fn bytes_of<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

impl std::fmt::Display for TraceParent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let flags = u8::from(self.is_sampled);
        write!(f, "00-{}-{}-{flags:02x}", hex(&self.trace_id), hex(&self.span_id))
    }
}

impl std::fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl serde::Serialize for TraceParent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads the trace of something that was queued. One that makes no sense is none: for its sake nothing is left undone.
pub fn of_queued<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<TraceParent>, D::Error> {
    let value: Option<serde_json::Value> = serde::Deserialize::deserialize(deserializer)?;
    Ok(value.and_then(|value| TraceParent::parse(value.as_str()?).ok()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written_as_it_was() {
        let read = TraceParent::parse(GIVEN).unwrap();
        assert_eq!((read.to_string().as_str(), read.is_sampled), (GIVEN, true));
        assert_eq!(read.trace_id_text(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let unsampled = TraceParent::parse(&GIVEN.replace("-01", "-02")).unwrap();
        assert!(
            !unsampled.is_sampled && unsampled.to_string().ends_with("-00"),
            "flags that nobody knows are not passed on"
        );
        let newer = format!("{}-what-may-come", GIVEN.replacen("00", "01", 1));
        assert_eq!(TraceParent::parse(&newer).unwrap(), read);
        let child = read.child([7; 8]);
        assert_eq!((child.trace_id, child.span_id, child.is_sampled), (read.trace_id, [7; 8], true));
    }

    #[test]
    fn whatever_is_no_traceparent_is_refused() {
        let zeros = "0".repeat(16);
        let bad = [
            String::new(),
            GIVEN[..54].to_owned(),
            format!("{GIVEN} "),
            format!(" {GIVEN}"),
            format!("{GIVEN}-more"),
            format!("{}x", GIVEN.replacen("00", "01", 1)),
            GIVEN.to_uppercase(),
            GIVEN.replacen("00", "ff", 1),
            GIVEN.replacen('-', "_", 1),
            GIVEN.replace("4bf9", "4bg9"),
            GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zeros.repeat(2)),
            GIVEN.replace("00f067aa0ba902b7", &zeros),
            GIVEN.replace("-01", "-0 "),
            "é".repeat(55),
        ];
        for text in bad {
            assert!(TraceParent::parse(&text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn zeros_are_never_drawn() {
        let root = TraceParent::root([0; 24], false);
        assert_eq!(TraceParent::parse(&root.to_string()).unwrap(), root);
        assert_eq!(TraceParent::from_bytes(&root.child([0; 8]).to_bytes()).unwrap(), root.child([0; 8]));
        assert_eq!(TraceParent::from_bytes(&[0; STORED_BYTES]), None);
    }

    #[test]
    fn a_share_of_traces_is_that_share() {
        let trace = |n: u64| {
            let mut random = [0; 24];
            random[8..16].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            TraceParent::root(random, false)
        };
        let count = |share| (1..=1_000).filter(|n| trace(*n).is_among(share)).count();
        assert_eq!((count(0.0), count(1.0)), (0, 1_000));
        assert!((80..=120).contains(&count(0.1)), "{}", count(0.1));
    }

    proptest! {
        #[test]
        fn every_trace_survives_both_forms(random: [u8; 24], is_sampled: bool) {
            let trace = TraceParent::root(random, is_sampled);
            prop_assert_eq!(TraceParent::parse(&trace.to_string()).unwrap(), trace);
            prop_assert_eq!(TraceParent::from_bytes(&trace.to_bytes()).unwrap(), trace);
        }

        #[test]
        fn no_text_is_too_odd_to_be_refused(text in "\\PC{0,80}") {
            if let Ok(trace) = TraceParent::parse(&text) {
                prop_assert!(TraceParent::parse(&trace.to_string()).is_ok());
            }
        }
    }
}
