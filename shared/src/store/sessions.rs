//! Portal tokens that were called back before their time. A token is checked by its signature alone; what stands here is only
//! about those that are not to count any more, and is forgotten when they would have expired anyway.

use super::item::{ItemBuilder, Reader};
use super::page::Range;
use super::write::Write;
use super::{Store, keys};
use crate::domain::audit::Change;
use crate::domain::ids::AppScope;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

/// Calls-back of one application that are looked at; each is one request to expire all of its tokens, kept for a week.
const CUTOFFS_MAX: usize = 1_000;

/// Calls-back that fit into one transaction of 100 items next to their record.
const CUTOFFS_AT_ONCE_MAX: usize = 99;

/// Before every token's name in a sort key.
const TOKEN: &str = "T#";
/// Before every cutoff's instant in a sort key.
const CUTOFF: &str = "C#";

/// Tokens that are not to count from some instant on.
#[derive(Clone, Debug)]
pub struct Cutoff {
    /// Those issued before.
    pub issued_before: Timestamp,
    /// From when on.
    pub from: Timestamp,
    /// Only those of this session.
    pub session: Option<String>,
}

impl Store {
    /// Forgets one token: from now on it does not count.
    pub async fn call_back_token(&self, scope: &AppScope, token_id: &str, expires_at: Timestamp) -> Result<(), Fault> {
        let item = ItemBuilder::new(keys::sessions(scope), format!("{TOKEN}{token_id}")).expires(expires_at).build();
        self.writer.write(Write::Put(item)).await
    }

    /// Forgets tokens in advance. They have all expired by `forgotten_at`. As many as fit go in one transaction, with the record
    /// that `change` makes of them; done again, after a fault, it leaves one more record, and the same tokens forgotten.
    pub async fn call_back_tokens(
        &self,
        scope: &AppScope,
        cutoffs: &[Cutoff],
        forgotten_at: Timestamp,
        change: impl Fn(&[Cutoff]) -> Change,
    ) -> Result<(), Fault> {
        let item = |cutoff: &Cutoff| {
            // All that it says stands in its key: two that differ are two, and the same one twice is one.
            let session = cutoff.session.as_deref().unwrap_or_default();
            let (before, from) = (cutoff.issued_before.as_millis(), cutoff.from.as_millis());
            let sk = format!("{CUTOFF}{before:013}#{from:013}#{session}");
            let item = ItemBuilder::new(keys::sessions(scope), sk)
                .instant("before", cutoff.issued_before)
                .instant("from", cutoff.from)
                .text_if("session", cutoff.session.as_deref())
                .expires(forgotten_at);
            self.put_step(item.build())
        };
        for cutoffs in cutoffs.chunks(CUTOFFS_AT_ONCE_MAX) {
            let mut steps = cutoffs.iter().map(item).collect::<Result<Vec<_>, _>>()?;
            steps.push(self.record_step(&change(cutoffs))?);
            self.transact("calling back portal tokens", steps).await?;
        }
        Ok(())
    }

    /// Whether a token does not count any more, although it is signed and has not expired.
    pub async fn is_token_called_back(
        &self,
        scope: &AppScope,
        token_id: &str,
        session: Option<&str>,
        issued_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let action = "checking a portal token";
        let range = Range::prefixed(keys::sessions(scope), CUTOFF);
        let (token, cutoffs) = tokio::try_join!(
            self.get(action, keys::sessions(scope), format!("{TOKEN}{token_id}")),
            self.query_count(action, &range, false, CUTOFFS_MAX),
        )?;
        if token.is_some() {
            return Ok(true);
        }
        for item in &cutoffs {
            let reader = Reader::new("token cutoff", item);
            let is_of = reader.text_if("session")?.is_none_or(|wanted| Some(wanted) == session);
            // A token tells its time in whole seconds, rounded down.
            let is_before = issued_at.as_seconds() <= reader.instant("before")?.as_seconds();
            if is_of && is_before && reader.instant("from")? <= now {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
