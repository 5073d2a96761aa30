//! Portal tokens on record: given out, and called back. A token itself is not stored; the door that signs it keeps the key.

use super::Configure;
use crate::domain::audit::{Author, Changed, Operation, PortalToken, PortalTokens};
use crate::domain::ids::AppScope;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::store::Cutoff;

impl Configure {
    /// Puts on record that this token is given out. To be called before it is: a token whose record fails is not shown to anybody.
    pub async fn record_portal_token(&self, by: &Author, scope: &AppScope, token: &PortalToken) -> Result<(), Fault> {
        let changed = Changed::created(token).within(scope.application);
        self.store.record_change(&self.audit.of(by, Operation::PortalTokenIssue, changed)).await
    }

    /// Calls tokens back; they have all expired by `forgotten_at`.
    pub async fn call_back_tokens(
        &self,
        by: &Author,
        scope: &AppScope,
        cutoffs: &[Cutoff],
        forgotten_at: Timestamp,
    ) -> Result<(), Fault> {
        let change = |cutoffs: &[Cutoff]| {
            let sessions = cutoffs.iter().filter_map(|cutoff| cutoff.session.clone()).collect();
            let from = cutoffs.first().map_or(self.effects.now(), |cutoff| cutoff.from);
            let tokens = PortalTokens { application: scope.application, sessions, from };
            self.audit.of(by, Operation::PortalTokenExpire, Changed::created(&tokens).within(scope.application))
        };
        self.store.call_back_tokens(scope, cutoffs, forgotten_at, change).await
    }
}
