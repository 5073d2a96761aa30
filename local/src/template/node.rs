//! A value of the template that knows where it stands, so that every complaint names resource and property.

use yaml_serde::Value;

use super::TemplateError;

/// A value and its path.
#[derive(Clone)]
pub(super) struct Node<'a> {
    place: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    pub(super) fn new(place: impl Into<String>, value: &'a Value) -> Self {
        Self { place: place.into(), value }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    /// A complaint about this value.
    pub(super) fn wrong(&self, reason: impl Into<String>) -> TemplateError {
        TemplateError::new(self.place.clone(), reason)
    }

    /// A member of a mapping, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<Node<'a>> {
        self.value.as_mapping()?.get(name).map(|value| self.child(name, value))
    }

    pub(super) fn required(&self, name: &str) -> Result<Node<'a>, TemplateError> {
        self.get(name).ok_or_else(|| self.wrong(format!("{name} is missing")))
    }

    /// All members of a mapping, in the template's order.
    pub(super) fn members(&self) -> Result<Vec<(&'a str, Node<'a>)>, TemplateError> {
        let mapping = self.value.as_mapping().ok_or_else(|| self.wrong("must be a mapping"))?;
        let member = |(name, value): (&'a Value, &'a Value)| {
            let name = name.as_str().ok_or_else(|| self.wrong("has a name that is not text"))?;
            Ok((name, self.child(name, value)))
        };
        mapping.iter().map(member).collect()
    }

    pub(super) fn items(&self) -> Result<Vec<Node<'a>>, TemplateError> {
        let items = self.value.as_sequence().ok_or_else(|| self.wrong("must be a list"))?;
        Ok(items.iter().enumerate().map(|(index, value)| self.child(&index.to_string(), value)).collect())
    }

    /// Text that may not be computed, such as the type of a resource.
    pub(super) fn literal(&self) -> Result<&'a str, TemplateError> {
        self.value.as_str().ok_or_else(|| self.wrong("must be plain text"))
    }

    /// Refuses every member that is in neither list.
    pub(super) fn only(&self, read: &[&str], without_meaning: &[&str]) -> Result<(), TemplateError> {
        let unknown = |name: &str| !read.contains(&name) && !without_meaning.contains(&name);
        match self.members()?.into_iter().find(|(name, _)| unknown(name)) {
            None => Ok(()),
            Some((_, member)) => Err(member.wrong("is not understood by the local gateway")),
        }
    }

    fn child(&self, name: &str, value: &'a Value) -> Node<'a> {
        let place = if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) };
        Node::new(place, value)
    }
}
