//! Counters of requests: one item for each caller and window, forgotten when the window is over.

use aws_sdk_dynamodb::types::ReturnValue;

use super::item::{Reader, number};
use super::{Store, keys};
use crate::domain::ids::OrganizationId;
use crate::domain::rate::Window;
use crate::fault::Fault;

/// How long a counter outlives its window: clocks of processes differ.
const OUTLIVES_MS: i64 = 60_000;

/// Whose requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metered<'a> {
    /// All of the organization's.
    Organization,
    /// Those of one of its tokens, by a hash of it; or those to one of its sources, by its identifier.
    Part(&'a str),
}

impl Store {
    /// Takes an allowance out of what a caller has in a window; what was taken in all, this included. None: there is not so much left.
    pub async fn take_allowance(
        &self,
        organization: &OrganizationId,
        counted: Metered<'_>,
        window: Window,
        allowance: u32,
        limit: u32,
    ) -> Result<Option<u32>, Fault> {
        let action = "counting requests";
        let update = self
            .update(
                keys::rate(organization, counted),
                keys::rate_window(window),
                "SET #ttl = :ttl ADD taken :allowance",
            )
            .condition_expression("attribute_not_exists(taken) OR taken <= :most")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":allowance", number(allowance))
            .expression_attribute_values(":most", number(limit.saturating_sub(allowance)))
            .expression_attribute_values(":ttl", number(window.end().plus_millis(OUTLIVES_MS).as_seconds()))
            .return_values(ReturnValue::AllNew);
        let item = self.updated(action, update).await?;
        item.map(|item| Reader::new("counter of requests", &item).number("taken")).transpose()
    }
}
