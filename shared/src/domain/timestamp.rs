//! Instants with millisecond precision, and their text form on the wire (RFC 3339, UTC).

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Invalid;

/// Milliseconds of a day.
pub const MS_PER_DAY: i64 = 24 * 3_600 * 1_000;

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant this many milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This instant moved by so many milliseconds (negative: earlier), saturating.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this instant; negative when it is later.
    pub const fn millis_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant, or the first one after `seen` when the clock did not move on. The time of a change is also the version
    /// that the next change has to have seen, so it never stands still.
    pub fn later_than(self, seen: Timestamp) -> Self {
        self.max(seen.plus_millis(1))
    }

    /// Parses RFC 3339 with any offset; precision below a millisecond is dropped.
    pub fn parse_rfc3339(text: &str) -> Result<Self, Invalid> {
        let instant = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| Invalid::new("must be a date and time as in RFC 3339, for example 2026-11-24T09:30:00Z"))?;
        Ok(Self((instant.unix_timestamp_nanos() / 1_000_000) as i64))
    }

    /// RFC 3339 in UTC, with milliseconds when there are any.
    pub fn to_rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|instant| instant.format(&Rfc3339).ok())
            // Only instants beyond the year 9999 end here; no clock or parser of ours makes one.
            .unwrap_or_else(|| "9999-12-31T23:59:59Z".to_owned())
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_forms_are_rfc_3339() {
        assert_eq!(Timestamp::from_millis(1_764_000_000_123).to_rfc3339(), "2025-11-24T16:00:00.123Z");
        assert_eq!(
            Timestamp::parse_rfc3339("2025-11-24T17:00:00.123456+01:00"),
            Ok(Timestamp::from_millis(1_764_000_000_123))
        );
        assert!(Timestamp::parse_rfc3339("yesterday").is_err());
    }

    proptest! {
        #[test]
        fn text_round_trips(millis in 0i64..253_402_300_799_000) {
            let instant = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse_rfc3339(&instant.to_rfc3339()), Ok(instant));
        }
    }
}
