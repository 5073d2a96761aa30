//! What is counted: entries of the index, over a window of time, without reading the items behind them.

use super::item::Reader;
use super::listing::Listing;
use super::{Store, keys};
use crate::domain::background::Window;
use crate::domain::ids::{AppScope, EndpointId};
use crate::domain::ksuid::Ksuid;
use crate::domain::names::EventTypeName;
use crate::fault::Fault;

/// Entries one read brings: what fits into one of DynamoDB's pages of a megabyte with room to spare.
const ENTRIES_MAX: usize = 2_000;

/// A part of the index that can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// One shard of an application's messages.
    Messages(u8),
    /// Attempts made for an endpoint.
    Attempts(EndpointId),
}

impl Store {
    /// The event types of the next entries in the window, oldest first, and where to go on.
    pub async fn count(
        &self,
        scope: &AppScope,
        counted: Counted,
        window: &Window,
        after: Option<Ksuid>,
    ) -> Result<(Vec<EventTypeName>, Option<Ksuid>), Fault> {
        let partition = match counted {
            Counted::Messages(shard) => keys::messages_listing(scope, shard),
            Counted::Attempts(endpoint) => keys::attempts_listing(scope, &endpoint),
        };
        let Some(mut range) = Listing::of(window).range(&partition, true) else { return Ok((Vec::new(), None)) };
        if let Some(after) = after {
            // No identifier stands between this one and the same with a character behind it.
            range.from = format!("{after}0");
        }
        let (entries, next) = self.query("counting", &range, true, ENTRIES_MAX, None).await?;
        let mut last = None;
        let mut types = Vec::with_capacity(entries.len());
        for entry in &entries {
            let reader = Reader::new("index entry", entry);
            types.push(reader.parsed("type", |text| EventTypeName::parse(text).ok())?);
            last = Some(reader.parsed("lsk", Ksuid::parse)?);
        }
        Ok((types, last.filter(|_| next.is_some())))
    }
}
