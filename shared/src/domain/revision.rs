//! Which state of a thing a caller has seen, and whether what it asks is to be done to the state that is found: the conditions
//! of RFC 9110, section 13.

use super::timestamp::Timestamp;

/// Names one state of one thing: every change gives it another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision(String);

impl Revision {
    /// `thing` tells it from another that was called the same before; `updated_at` never stands still.
    pub fn new(thing: impl std::fmt::Display, updated_at: Timestamp) -> Self {
        Self(format!("{thing}.{:x}", updated_at.as_millis()))
    }

    /// Letters, digits, `_`, `.` and `-`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An entity tag as a caller sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// What stands between the quotes.
    pub text: String,
    /// `W/` in front: it names states that are as good as each other, not one state.
    pub is_weak: bool,
}

/// The states a condition is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// `*`: whatever there is.
    Any,
    /// Those with one of these tags.
    These(Vec<Tag>),
}

impl Seen {
    /// Whether the state with this tag is meant, weak tags or not; none: there is nothing.
    pub fn matches_weakly(&self, current: Option<&str>) -> bool {
        self.matches(current, |_| true)
    }

    /// As [`Seen::matches_weakly`], but a weak tag means no state.
    pub fn matches_strongly(&self, current: Option<&str>) -> bool {
        self.matches(current, |tag| !tag.is_weak)
    }

    fn matches(&self, current: Option<&str>, counts: impl Fn(&Tag) -> bool) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::These(tags), Some(current)) => tags.iter().any(|tag| counts(tag) && tag.text == current),
        }
    }
}

/// What must be true of a thing before it is changed. The default asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// `If-Match`: it is in one of these states.
    pub if_match: Option<Seen>,
    /// `If-None-Match`: it is in none of these; `*`: it is not there.
    pub if_none_match: Option<Seen>,
}

impl Precondition {
    /// Whether it is true of what was found.
    pub fn holds(&self, found: Option<&Revision>) -> bool {
        let current = found.map(Revision::as_str);
        self.if_match.as_ref().is_none_or(|seen| seen.matches_strongly(current))
            && !self.if_none_match.as_ref().is_some_and(|seen| seen.matches_weakly(current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn these(tags: &[(&str, bool)]) -> Option<Seen> {
        let tag = |(text, is_weak): &(&str, bool)| Tag { text: (*text).to_owned(), is_weak: *is_weak };
        Some(Seen::These(tags.iter().map(tag).collect()))
    }

    #[track_caller]
    fn check(if_match: Option<Seen>, if_none_match: Option<Seen>, of_what_is_there: bool, of_nothing: bool) {
        let current = Revision::new("a", Timestamp::from_millis(16));
        assert_eq!(current.as_str(), "a.10");
        let precondition = Precondition { if_match, if_none_match };
        assert_eq!(precondition.holds(Some(&current)), of_what_is_there, "{precondition:?}");
        assert_eq!(precondition.holds(None), of_nothing, "{precondition:?}");
    }

    #[test]
    fn conditions_are_those_of_rfc_9110() {
        check(None, None, true, true);
        check(Some(Seen::Any), None, true, false);
        check(these(&[("b", false), ("a.10", false)]), None, true, false);
        check(these(&[("a.11", false)]), None, false, false);
        check(these(&[("a.10", true)]), None, false, false);
        check(None, Some(Seen::Any), false, true);
        check(None, these(&[("a.10", true)]), false, true);
        check(None, these(&[("b", false)]), true, true);
        check(these(&[("a.10", false)]), Some(Seen::Any), false, false);
    }
}
