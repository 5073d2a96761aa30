//! What is wrong with a template.

/// Something in the template that is missing, wrong, or not understood by the local gateway.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("template.yaml, {place}: {reason}")]
pub struct TemplateError {
    /// Resource and property, as a path: `DeliveryQueue.VisibilityTimeout`.
    pub place: String,
    /// What is the matter with it.
    pub reason: String,
}

impl TemplateError {
    pub(super) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }
}
