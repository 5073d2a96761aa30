//! What an attempt teaches about its receiver, and keeping slow ones within their share. All of it goes to the endpoint's gate.
//!
//! A gate is advice: what cannot be written to it is logged and let go, for the attempt is made and recorded. Of an attempt
//! that succeeds where all is well nothing is written.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use super::Deliver;
use super::admission::{Postponement, Recipient};
use crate::domain::attempt::Outcome;
use crate::domain::delivery::{DeliveryTask, Granted};
use crate::domain::gate::{
    Breaker, FAILURES_MAX, PATIENCE_MS, Pace, Sign, WaitBecause, come_again_at, open_ms, pause_ms,
};
use crate::domain::ids::AppScope;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;

/// For how long a place is taken first: most of those that answer late answer within this time, and their place then frees
/// itself without another write.
const FIRST_HOLD_MS: i64 = 1_000;

/// How long before its end a place is taken for as long as an attempt can last.
const EXTEND_BEFORE_MS: i64 = 250;

/// A place that is held.
#[derive(Clone, Copy)]
struct Held {
    place: usize,
    until: Timestamp,
    is_extended: bool,
}

impl Deliver {
    /// Notes what an outcome says about the receiver.
    pub(super) async fn note_sign(&self, scope: &AppScope, recipient: &Recipient, outcome: &Outcome, is_probe: bool) {
        if !self.has_breaker {
            return;
        }
        let noted = async {
            self.note_pause(scope, recipient, outcome).await?;
            self.note_breaker(scope, recipient, Sign::of(outcome), is_probe).await
        };
        if let Err(fault) = noted.await {
            let id = recipient.endpoint.id;
            tracing::warn!(endpoint.id = %id, error = fault.chain(), "an endpoint's gate could not be kept");
        }
    }

    async fn note_pause(&self, scope: &AppScope, recipient: &Recipient, outcome: &Outcome) -> Result<(), Fault> {
        let Some(pause_ms) = pause_ms(outcome) else { return Ok(()) };
        let (now, id) = (self.effects.now(), recipient.endpoint.id);
        let pace = Pace::slower(recipient.gate.pace, now);
        if self.store.pause(scope, &id, now.plus_millis(pause_ms), pace, now).await? {
            tracing::info!(endpoint.id = %id, pause_ms, interval_ms = pace.interval_ms, "the receiver asks to be slowed down");
        }
        Ok(())
    }

    async fn note_breaker(
        &self,
        scope: &AppScope,
        recipient: &Recipient,
        sign: Sign,
        is_probe: bool,
    ) -> Result<(), Fault> {
        let (breaker, id, now) = (&recipient.gate.breaker, recipient.endpoint.id, self.effects.now());
        match sign {
            Sign::Alive if breaker.is_troubled() => {
                if self.store.close_breaker(scope, &id, now).await? {
                    tracing::info!(endpoint.id = %id, "the circuit breaker is closed");
                }
            }
            Sign::Trouble | Sign::None if is_probe => self.open_breaker(scope, recipient, breaker).await?,
            Sign::Trouble if breaker.open_until.is_none() => {
                if self.store.count_failure(scope, &id, now).await? >= FAILURES_MAX {
                    self.open_breaker(scope, recipient, breaker).await?;
                }
            }
            Sign::Alive | Sign::Trouble | Sign::None => {}
        }
        Ok(())
    }

    async fn open_breaker(&self, scope: &AppScope, recipient: &Recipient, seen: &Breaker) -> Result<(), Fault> {
        let (now, id) = (self.effects.now(), recipient.endpoint.id);
        let opening = seen.openings.saturating_add(1);
        let open_ms = open_ms(opening, self.effects.random.fraction());
        if self.store.open_breaker(scope, &id, seen, now.plus_millis(open_ms), now).await? {
            tracing::warn!(endpoint.id = %id, opening, open_ms, "the circuit breaker is open");
        }
        Ok(())
    }

    /// A postponement for a moment.
    pub(super) fn soon(&self, task: &DeliveryTask, because: WaitBecause) -> Postponement {
        let now = self.effects.now();
        let at = come_again_at(now, now, task.postponed, self.effects.random.fraction());
        Postponement { at, because, granted: Granted::default() }
    }

    /// Does the work. When it takes long, one of the endpoint's places is held meanwhile.
    pub(super) async fn holding_a_place(
        &self,
        scope: &AppScope,
        recipient: &Recipient,
        work: impl Future<Output = ()>,
    ) {
        let held = Mutex::new(None);
        let note = |now_held: Held| *held.lock().unwrap_or_else(PoisonError::into_inner) = Some(now_held);
        tokio::select! {
            biased;
            () = work => {}
            () = self.hold(scope, recipient, note) => {}
        }
        let held = held.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(Held { place, until, is_extended: true }) = held {
            let released = self.store.release(scope, &recipient.endpoint.id, place, until, self.effects.now()).await;
            if let Err(fault) = released {
                tracing::warn!(error = fault.chain(), "a place could not be given back; it is free again by itself");
            }
        }
    }

    /// Takes a place as soon as patience is over, and keeps it. Does not end.
    async fn hold(&self, scope: &AppScope, recipient: &Recipient, note: impl Fn(Held)) {
        if self.has_breaker {
            tokio::time::sleep(Duration::from_millis(PATIENCE_MS)).await;
            if let Err(fault) = self.take_place(scope, recipient, note).await {
                tracing::warn!(error = fault.chain(), "a place could not be taken");
            }
        }
        std::future::pending().await
    }

    async fn take_place(&self, scope: &AppScope, recipient: &Recipient, note: impl Fn(Held)) -> Result<(), Fault> {
        let (id, now) = (recipient.endpoint.id, self.effects.now());
        let until = now.plus_millis(FIRST_HOLD_MS);
        let free: Vec<usize> = recipient.gate.free_places(now).collect();
        // Each begins somewhere else, or all of them would want the same one.
        let first = usize::from(self.effects.random.id_tail()[0]) % free.len().max(1);
        for place in free.iter().cycle().skip(first).take(free.len()).copied() {
            if self.store.hold(scope, &id, place, None, until, now).await? {
                note(Held { place, until, is_extended: false });
                let wait_ms = until.millis_since(self.effects.now()) - EXTEND_BEFORE_MS;
                tokio::time::sleep(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0))).await;
                let now = self.effects.now();
                let extended = now.plus_millis(self.attempt_ms_max);
                // Noted first: giving back a place that was not taken takes nothing from anybody.
                note(Held { place, until: extended, is_extended: true });
                self.store.hold(scope, &id, place, Some(until), extended, now).await?;
                return Ok(());
            }
        }
        Ok(())
    }
}
