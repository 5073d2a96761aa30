//! The price table and the assumptions: `prices.yaml` beside this file, typed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// As it is committed.
const PRICES: &str = include_str!("prices.yaml");

/// What AWS asks for, and what is assumed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    /// When it was true.
    pub date: String,
    /// Where.
    pub region: String,
    /// Unit prices.
    pub prices: Prices,
    /// Units that are free each month, by the name of their price.
    pub free: BTreeMap<String, f64>,
    /// What is not counted.
    pub assumed: Assumed,
    /// Installations that always run.
    pub always_on: Vec<AlwaysOn>,
    /// EventBridge's.
    pub api_destinations: ApiDestinations,
}

/// The price of a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Dollars for so many units.
    pub usd: f64,
    /// Units.
    pub per: f64,
    /// What a unit is.
    pub unit: String,
    /// Who says so.
    pub source: String,
    /// Whether that was read on the table's date.
    pub verified: bool,
}

impl Price {
    /// Of so many units.
    pub fn of(&self, units: f64) -> f64 {
        units * self.usd / self.per
    }
}

/// An assumption.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumption {
    /// What is assumed.
    pub value: f64,
    /// Why that.
    pub why: String,
}

macro_rules! table {
    ($(#[$meta:meta])* $name:ident of $of:ty: $($field:ident,)+) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "prices.yaml says what each is")]
        pub struct $name {
            $(pub $field: $of,)+
        }

        impl $name {
            /// All of them, by name.
            pub fn all(&self) -> Vec<(&'static str, &$of)> {
                vec![$((stringify!($field), &self.$field),)+]
            }
        }
    };
}

table! {
    /// Unit prices.
    Prices of Price:
    http_api_request, lambda_request, lambda_gb_second, table_write, table_read, table_storage, table_recovery,
    queue_request, queue_fair_request, bucket_put, bucket_get, bucket_storage, key, key_call, log_ingestion, log_storage,
    metric, alarm, dashboard, schedule, data_out,
}

table! {
    /// What is assumed beside what is counted.
    Assumed of Assumption:
    publish_ms, ingest_ms, deliver_ms, receiver_ms, sweep_ms, background_ms, import_ms, cold_share, cold_ms, tls_bytes,
    log_event_bytes, metric_line_bytes, polls_per_minute, key_minutes, peak,
}

/// An installation that always runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlwaysOn {
    /// In words.
    pub name: String,
    /// What it is made of.
    pub parts: Vec<Part>,
}

/// A part of an installation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// In words.
    pub what: String,
    /// Dollars a month.
    pub usd: f64,
    /// As a price's.
    pub verified: bool,
}

impl AlwaysOn {
    /// Dollars a month, whatever it does.
    pub fn usd(&self) -> f64 {
        self.parts.iter().map(|part| part.usd).sum()
    }
}

/// EventBridge with API destinations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiDestinations {
    /// An event that is put on a bus.
    pub event: Price,
    /// A request that a destination makes of it.
    pub invocation: Price,
}

impl PriceTable {
    /// As it is committed.
    pub fn committed() -> Result<Self, yaml_serde::Error> {
        yaml_serde::from_str(PRICES)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_price_has_a_source_and_every_assumption_a_reason() {
        let table = PriceTable::committed().unwrap();
        for (name, price) in table.prices.all() {
            assert!(price.usd > 0.0 && price.per >= 1.0 && price.source.contains("aws.amazon.com"), "{name}");
        }
        assert!(table.assumed.all().iter().all(|(_, assumption)| assumption.why.len() > 10));
        let names: Vec<_> = table.prices.all().into_iter().map(|(name, _)| name).collect();
        assert!(table.free.keys().all(|name| names.contains(&name.as_str())), "free of what nobody pays");
    }

    #[test]
    fn a_price_is_of_so_many_units() {
        let table = PriceTable::committed().unwrap();
        assert_eq!(table.prices.table_write.of(2e6), 1.25);
        assert_eq!(table.always_on[0].usd().round(), 58.0);
    }
}
