//! From texts to values: what is given, else the default of the table; whatever makes no sense is an error that names its variable.

use ipnet::IpNet;

use super::table::{Setting, WhenUnset};

/// A variable that is missing or makes no sense. Its value is not repeated: it may be a secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} {reason}")]
pub struct SettingsError {
    /// Which variable.
    pub name: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// The variables, wherever they come from. An empty value counts as not set.
pub(super) struct Values<L>(pub(super) L);

impl<L: Fn(&str) -> Option<String>> Values<L> {
    /// What is set, without the blanks around it, or the default.
    pub(super) fn text_if_any(&self, row: &Setting) -> Option<String> {
        let given = (self.0)(row.name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        given.or(match row.when_unset {
            WhenUnset::Value(text) => Some(text.to_owned()),
            WhenUnset::Required | WhenUnset::Nothing => None,
        })
    }

    pub(super) fn text(&self, row: &Setting) -> Result<String, SettingsError> {
        self.text_if_any(row).ok_or_else(|| invalid(row, "must be set"))
    }

    pub(super) fn parse_if_any<T>(
        &self,
        row: &Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SettingsError> {
        self.text_if_any(row).map(|text| parse(&text).map_err(|reason| invalid(row, reason))).transpose()
    }

    /// Where an empty value means something.
    pub(super) fn parse_even_empty<T>(
        &self,
        row: &Setting,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, SettingsError> {
        let text = (self.0)(row.name).or_else(|| self.text_if_any(row)).unwrap_or_default();
        parse(&text).map_err(|reason| invalid(row, reason))
    }

    pub(super) fn yes_or_no(&self, row: &Setting) -> Result<bool, SettingsError> {
        self.text(row)?.parse().map_err(|_| invalid(row, "must be true or false"))
    }

    pub(super) fn share(&self, row: &Setting) -> Result<f64, SettingsError> {
        let share = self.text(row)?.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        share.ok_or_else(|| invalid(row, "must be a number from 0 to 1"))
    }

    pub(super) fn whole<N: TryFrom<u32>>(&self, row: &Setting) -> Result<N, SettingsError> {
        let (least, most) = row.form.bounds();
        let number = self.text(row)?.parse::<u32>().ok().filter(|number| (least..=most).contains(number));
        number
            .and_then(|number| N::try_from(number).ok())
            .ok_or_else(|| invalid(row, format!("must be a whole number from {least} to {most}")))
    }
}

pub(super) fn invalid(row: &Setting, reason: impl Into<String>) -> SettingsError {
    SettingsError { name: row.name, reason: reason.into() }
}

pub(super) fn web_address(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) && url.fragment().is_none() => Ok(text.to_owned()),
        _ => Err("must be an http or https address without #".to_owned()),
    }
}

pub(super) fn subnets(text: &str) -> Result<Vec<IpNet>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| part.parse().map_err(|_| format!("holds {part:?}, which is not a CIDR such as 10.0.0.0/8")))
        .collect()
}
