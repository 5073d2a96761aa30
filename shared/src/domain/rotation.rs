//! A secret that is replaced while others still use it: the new one counts at once, the old one for a while longer, so that
//! whoever has it can switch. What counts means: an endpoint's deliveries are signed with all that are valid, a source's requests
//! are verified with any of them.

use super::Invalid;
use super::timestamp::Timestamp;

/// Replaced secrets that may be valid at one time.
pub const RETIRED_SECRETS_MAX: usize = 10;

/// The secret that counts, and those it replaced that still count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotating<T> {
    /// Counts first.
    pub current: T,
    /// Count too, until their time.
    pub retired: Vec<Retired<T>>,
}

/// A replaced secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired<T> {
    /// The secret.
    pub secret: T,
    /// From then on it is worth nothing.
    pub valid_until: Timestamp,
}

impl<T: Clone> Rotating<T> {
    /// One secret that replaced none.
    pub fn only(current: T) -> Self {
        Self { current, retired: Vec::new() }
    }

    /// With a new current secret; the one it replaces is valid until `old_until`. Those whose time is over are forgotten.
    pub fn rotated(&self, new: T, now: Timestamp, old_until: Timestamp) -> Result<Self, Invalid> {
        let old = Retired { secret: self.current.clone(), valid_until: old_until };
        let retired: Vec<_> = std::iter::once(old)
            .chain(self.retired.iter().cloned())
            .filter(|retired| retired.valid_until > now)
            .collect();
        if retired.len() > RETIRED_SECRETS_MAX {
            return Err(Invalid::new(format!(
                "{RETIRED_SECRETS_MAX} replaced secrets are still valid; wait or shorten their time"
            )));
        }
        Ok(Self { current: new, retired })
    }

    /// Those that are valid at this instant, the current one first.
    pub fn valid_at(&self, at: Timestamp) -> impl Iterator<Item = &T> {
        let retired = self.retired.iter().filter(move |retired| retired.valid_until > at);
        std::iter::once(&self.current).chain(retired.map(|retired| &retired.secret))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_rotation_keeps_the_old_secret_for_its_time_and_only_so_many() {
        let at = Timestamp::from_millis;
        let mut secrets = Rotating::only(0);
        for n in 1..=10 {
            secrets = secrets.rotated(n, at(0), at(1_000)).unwrap();
        }
        assert_eq!(secrets.valid_at(at(999)).count(), 11);
        assert!(secrets.rotated(11, at(999), at(2_000)).is_err());
        let later = secrets.rotated(11, at(1_000), at(2_000)).unwrap();
        assert_eq!(later.valid_at(at(1_000)).collect::<Vec<_>>(), [&11, &10]);
        assert_eq!(later.rotated(12, at(1_500), at(1_500)).unwrap().valid_at(at(1_500)).count(), 2);
    }

    #[test]
    fn replaced_secrets_are_valid_until_their_time() {
        let at = Timestamp::from_millis;
        let secrets = Rotating { current: "new", retired: vec![Retired { secret: "old", valid_until: at(1_000) }] };
        assert_eq!(secrets.valid_at(at(999)).collect::<Vec<_>>(), [&"new", &"old"]);
        assert_eq!(secrets.valid_at(at(1_000)).collect::<Vec<_>>(), [&"new"]);
    }
}
