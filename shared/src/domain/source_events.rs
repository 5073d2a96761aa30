//! What a source's events are called here: a rule from the provider's own names to our event types.

use std::collections::{BTreeMap, BTreeSet};

use super::Invalid;
use super::names::{EventTypeName, NAME_CHARS_MAX};

/// Names of the provider's that a rule may map, and as many that it may ignore.
pub const NAMES_MAX: usize = 100;

/// Longest name of the provider's.
pub const PROVIDER_NAME_BYTES_MAX: usize = 256;

/// Longest prefix.
pub const PREFIX_CHARS_MAX: usize = 64;

/// All names of a rule together: it is read with its source for every request.
pub const NAMES_BYTES_MAX: usize = 8_192;

/// What an event is called when its provider has no name for it.
const NAMELESS: &str = "event";

/// From the provider's names to ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventTypeRule {
    /// What holds for the names that are neither mapped nor ignored.
    pub otherwise: Otherwise,
    /// The provider's name, ours.
    pub map: BTreeMap<String, EventTypeName>,
    /// The provider's names whose events are not accepted.
    pub ignore: BTreeSet<String>,
}

/// What an event is called that no other part of the rule names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Otherwise {
    /// `‹kind›.‹provider's name›`.
    #[default]
    ByKind,
    /// Whatever it is.
    Fixed(EventTypeName),
    /// This, and the provider's name.
    Prefixed(Prefix),
}

/// What stands before the provider's name; it may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Of the characters that event types are made of.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > PREFIX_CHARS_MAX || !text.chars().all(is_of_names) {
            let rule = format!("must be at most {PREFIX_CHARS_MAX} characters out of a-z, A-Z, 0-9 and -_.");
            return Err(Invalid::new(rule));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EventTypeRule {
    /// The rule of these parts, checked as a whole.
    pub fn new(
        otherwise: Otherwise,
        map: BTreeMap<String, EventTypeName>,
        ignore: BTreeSet<String>,
    ) -> Result<Self, Invalid> {
        if map.len() > NAMES_MAX || ignore.len() > NAMES_MAX {
            return Err(Invalid::new(format!("must not map or ignore more than {NAMES_MAX} names")));
        }
        let names = || map.keys().chain(&ignore);
        if names().any(|name| name.is_empty() || name.len() > PROVIDER_NAME_BYTES_MAX) {
            return Err(Invalid::new(format!(
                "the provider's names must be 1 to {PROVIDER_NAME_BYTES_MAX} bytes long"
            )));
        }
        let bytes = names().map(String::len).chain(map.values().map(|name| name.as_str().len())).sum::<usize>();
        if bytes > NAMES_BYTES_MAX {
            return Err(Invalid::new(format!("all names together must not be longer than {NAMES_BYTES_MAX} bytes")));
        }
        if let Some(twice) = ignore.iter().find(|name| map.contains_key(*name)) {
            return Err(Invalid::new(format!("{twice:?} is mapped and ignored")));
        }
        Ok(Self { otherwise, map, ignore })
    }

    /// What an event is called that its provider, of this kind, calls so; none: it is ignored.
    pub fn event_type(&self, kind: &str, name: Option<&str>) -> Option<EventTypeName> {
        if name.is_some_and(|name| self.ignore.contains(name)) {
            return None;
        }
        if let Some(mapped) = name.and_then(|name| self.map.get(name)) {
            return Some(mapped.clone());
        }
        let name = name.filter(|name| !name.is_empty()).unwrap_or(NAMELESS);
        match &self.otherwise {
            Otherwise::Fixed(event_type) => Some(event_type.clone()),
            Otherwise::Prefixed(prefix) => made_valid(&format!("{}{name}", prefix.0)),
            Otherwise::ByKind => made_valid(&format!("{kind}.{name}")),
        }
    }
}

fn is_of_names(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

/// What event types cannot be made of becomes `_`; what is too long is cut.
fn made_valid(text: &str) -> Option<EventTypeName> {
    let fits: String = text.chars().take(NAME_CHARS_MAX).map(|c| if is_of_names(c) { c } else { '_' }).collect();
    EventTypeName::parse(fits).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn rule(otherwise: Otherwise) -> EventTypeRule {
        let map = BTreeMap::from([("orders/create".to_owned(), EventTypeName::parse("order.placed").unwrap())]);
        EventTypeRule::new(otherwise, map, BTreeSet::from(["ping".to_owned()])).unwrap()
    }

    #[track_caller]
    fn check(otherwise: Otherwise, name: Option<&str>, expected: Option<&str>) {
        let found = rule(otherwise).event_type("shopify", name);
        assert_eq!(found.as_ref().map(EventTypeName::as_str), expected, "{name:?}");
    }

    #[test]
    fn an_event_is_called_as_the_rule_says() {
        check(Otherwise::ByKind, Some("refunds/create"), Some("shopify.refunds_create"));
        check(Otherwise::ByKind, Some("größe ändern"), Some("shopify.gr__e__ndern"));
        check(Otherwise::ByKind, None, Some("shopify.event"));
        check(Otherwise::ByKind, Some(""), Some("shopify.event"));
        let prefix = || Otherwise::Prefixed(Prefix::parse("shop.").unwrap());
        check(prefix(), Some("refunds/create"), Some("shop.refunds_create"));
        check(prefix(), None, Some("shop.event"));
        check(Otherwise::Prefixed(Prefix::parse("").unwrap()), Some("invoice.paid"), Some("invoice.paid"));
        let fixed = || Otherwise::Fixed(EventTypeName::parse("shop.changed").unwrap());
        check(fixed(), Some("refunds/create"), Some("shop.changed"));
        check(fixed(), None, Some("shop.changed"));
    }

    #[test]
    fn what_is_mapped_or_ignored_goes_before_the_rest() {
        for otherwise in [Otherwise::ByKind, Otherwise::Fixed(EventTypeName::parse("a.b").unwrap())] {
            check(otherwise.clone(), Some("orders/create"), Some("order.placed"));
            check(otherwise, Some("ping"), None);
        }
    }

    #[test]
    fn rules_are_bounded_and_do_not_contradict_themselves() {
        let event_type = EventTypeName::parse("a.b").unwrap();
        let new = |map: Vec<String>, ignore: Vec<String>| {
            let map = map.into_iter().map(|name| (name, event_type.clone())).collect();
            EventTypeRule::new(Otherwise::ByKind, map, ignore.into_iter().collect()).is_ok()
        };
        let names = |count: usize| (0..count).map(|n| format!("n{n}")).collect::<Vec<_>>();
        assert!(new(names(NAMES_MAX), Vec::new()) && new(Vec::new(), names(NAMES_MAX)));
        assert!(!new(names(NAMES_MAX + 1), Vec::new()) && !new(Vec::new(), names(NAMES_MAX + 1)));
        assert!(!new(names(1), names(1)));
        assert!(!new(vec![String::new()], Vec::new()) && !new(vec!["n".repeat(257)], Vec::new()));
        assert!(!new((0..40).map(|n| format!("{n}{}", "n".repeat(250))).collect(), Vec::new()));
        assert!(Prefix::parse("a/b").is_err() && Prefix::parse(&"a".repeat(65)).is_err());
    }

    proptest! {
        #[test]
        fn whatever_a_provider_says_there_is_a_name_for_it(name in ".{0,300}", prefix in "[a-z._-]{0,64}") {
            let otherwise = Otherwise::Prefixed(Prefix::parse(&prefix).unwrap());
            let rule = EventTypeRule { otherwise, ..EventTypeRule::default() };
            prop_assert!(rule.event_type("none", Some(&name)).is_some());
            prop_assert!(EventTypeRule::default().event_type("none", Some(&name)).is_some());
        }
    }
}
