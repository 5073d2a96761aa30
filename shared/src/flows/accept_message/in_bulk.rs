//! Accepting the records of a file, a window of them at a time.
//!
//! A record without an event id is identified by its place in the file, so nobody else can have stored its message: it is written
//! without a condition, twenty-five in a call. A record with an event id may be anybody's, so its message is stored like that of a
//! publish, one conditional put; so is every record of a window that was begun before (`is_resumed`). The message says which
//! record it was made from. That tells a record which was accepted the first time the window was read from a real duplicate, and
//! keeps the numbers exact.
//!
//! Why it may run twice, and be cut short anywhere: the window is read again as a whole, at the same `at`, which makes the same
//! messages; those that are there already have their deliveries queued as for the repeat of a publish. Two that do the same window
//! at the same time write the same.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{AcceptMessage, large_payload, message_of};
use crate::domain::ids::{AppScope, OrganizationId};
use crate::domain::import::RecordVerdict;
use crate::domain::message::{ContentHash, Message, MessageDraft, MessageIdentity, Origin};
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::flows::Refusal;
use crate::store::{ApplicationRef, Audience};
use crate::telemetry::Metric;

/// Conditional puts, or reads of audiences, at one time.
const CALLS_MAX: usize = 32;

/// A record of a file that is to become a message.
#[derive(Clone, Debug)]
pub struct Record {
    /// For this application.
    pub application: ApplicationRef,
    /// Where it stands.
    pub origin: Origin,
    /// What it says.
    pub draft: MessageDraft,
}

/// A record on its way.
struct Bound<'a> {
    index: usize,
    scope: AppScope,
    audience: &'a Audience,
    message: Message,
    hash: ContentHash,
}

impl AcceptMessage {
    /// Accepts a window of records, with messages that count as accepted at `at`. A verdict for each, in their order.
    pub async fn run_bulk(
        &self,
        organization: &OrganizationId,
        records: Vec<Record>,
        is_resumed: bool,
        at: Timestamp,
    ) -> Result<Vec<RecordVerdict>, Fault> {
        let audiences = self.audiences(organization, &records).await?;
        let mut verdicts = vec![RecordVerdict::Accepted; records.len()];
        let (mut ours, mut anybodys) = (Vec::new(), Vec::new());
        for (index, record) in records.into_iter().enumerate() {
            let Some(Some(audience)) = audiences.get(&record.application) else {
                verdicts[index] = RecordVerdict::Rejected("application: there is no such application".to_owned());
                continue;
            };
            match self.schemas.check(&self.store, organization, &record.draft, self.effects.now()).await {
                Ok(_) => {}
                Err(Refusal::Fault(fault)) => return Err(fault),
                Err(refusal) => {
                    verdicts[index] = RecordVerdict::Rejected(reason(refusal));
                    continue;
                }
            }
            let bound = bind(index, organization, audience, record, at);
            let is_ours = bound.message.event_id.is_none() && !is_resumed && large_payload(&bound.message).is_none();
            if is_ours { ours.push(bound) } else { anybodys.push(bound) }
        }
        // Of two records with one event id the first is the message: the others come when it is stored.
        let mut seen = HashSet::new();
        let (firsts, others): (Vec<_>, Vec<_>) =
            anybodys.into_iter().partition(|bound| seen.insert((bound.scope, bound.message.id)));
        let (_, mut judged) = futures_util::try_join!(self.put_ours(&ours), self.put_anybodys(firsts))?;
        judged.extend(self.put_anybodys(others).await?);
        let mut dispatched: Vec<(Bound<'_>, bool)> = ours.into_iter().map(|bound| (bound, false)).collect();
        for (bound, judgement) in judged {
            match judgement {
                Judgement::Stored { is_repeat } => dispatched.push((bound, is_repeat)),
                Judgement::Ended(verdict) => verdicts[bound.index] = verdict,
            }
        }
        let new = dispatched.iter().filter(|(_, is_repeat)| !is_repeat).count();
        self.dispatch_all(dispatched).await?;
        self.metrics.count(Metric::MessagesAccepted, new as u64);
        Ok(verdicts)
    }

    /// Who wants what, for every application that is named.
    async fn audiences(
        &self,
        organization: &OrganizationId,
        records: &[Record],
    ) -> Result<HashMap<ApplicationRef, Option<Audience>>, Fault> {
        let mut named: Vec<&ApplicationRef> = records.iter().map(|record| &record.application).collect();
        named.sort();
        named.dedup();
        let mut reads = Vec::with_capacity(named.len());
        for named in &named {
            reads.push(self.audience(organization, named));
        }
        let audiences: Vec<_> = stream::iter(reads).buffered(CALLS_MAX).try_collect().await?;
        Ok(named.into_iter().cloned().zip(audiences).collect())
    }

    async fn put_ours(&self, ours: &[Bound<'_>]) -> Result<(), Fault> {
        let mut by_application: HashMap<AppScope, Vec<&Bound<'_>>> = HashMap::new();
        for bound in ours {
            by_application.entry(bound.scope).or_default().push(bound);
        }
        let mut puts = Vec::with_capacity(by_application.len());
        for (scope, group) in &by_application {
            let messages = group.iter().map(|bound| (&bound.message, bound.hash));
            puts.extend(
                group.first().map(|first| self.store.put_messages(scope, &first.audience.application, messages)),
            );
        }
        futures_util::future::join_all(puts).await.into_iter().collect()
    }

    async fn put_anybodys<'a>(&self, bounds: Vec<Bound<'a>>) -> Result<Vec<(Bound<'a>, Judgement)>, Fault> {
        let mut puts = Vec::with_capacity(bounds.len());
        for bound in bounds {
            puts.push(self.put_anybodys_one(bound));
        }
        stream::iter(puts).buffered(CALLS_MAX).try_collect().await
    }

    async fn put_anybodys_one<'a>(&self, mut bound: Bound<'a>) -> Result<(Bound<'a>, Judgement), Fault> {
        let origin = bound.message.origin;
        let judgement = match self.put(&bound.scope, bound.audience, bound.message.clone(), &bound.hash).await {
            Ok((message, is_repeat)) => {
                let is_of_this_record = message.origin == origin;
                bound.message = message;
                match is_of_this_record {
                    true if bound.message.payload.is_expunged() => Judgement::Ended(RecordVerdict::Accepted),
                    true => Judgement::Stored { is_repeat },
                    false => Judgement::Ended(RecordVerdict::Duplicate),
                }
            }
            Err(Refusal::Fault(fault)) => return Err(fault),
            Err(refusal) => Judgement::Ended(RecordVerdict::Rejected(reason(refusal))),
        };
        Ok((bound, judgement))
    }

    /// Queues the deliveries. Those of messages that have an order join their lines in it.
    async fn dispatch_all(&self, mut bounds: Vec<(Bound<'_>, bool)>) -> Result<(), Fault> {
        bounds.sort_by_key(|(bound, _)| bound.index);
        let (ordered, others): (Vec<_>, Vec<_>) =
            bounds.iter().partition(|(bound, _)| bound.message.ordering_key.is_some());
        for bound in ordered {
            self.dispatch_one(bound).await?;
        }
        let mut all = Vec::with_capacity(others.len());
        for bound in others {
            all.push(self.dispatch_one(bound));
        }
        futures_util::future::join_all(all).await.into_iter().collect()
    }

    async fn dispatch_one(&self, (bound, is_repeat): &(Bound<'_>, bool)) -> Result<(), Fault> {
        self.dispatch(&bound.scope, bound.audience, &bound.message, *is_repeat).await
    }
}

/// How the put of a message that may be anybody's ended.
enum Judgement {
    /// It is there, as the message of this record.
    Stored { is_repeat: bool },
    /// There is nothing more to do.
    Ended(RecordVerdict),
}

/// A refusal as a list of rejected records says it.
fn reason(refusal: Refusal) -> String {
    match refusal {
        Refusal::PayloadInvalid(violation) => format!("payload{}: {}", violation.pointer(), violation.rule),
        other => other.to_string(),
    }
}

fn bind<'a>(
    index: usize,
    organization: &OrganizationId,
    audience: &'a Audience,
    record: Record,
    at: Timestamp,
) -> Bound<'a> {
    let Record { origin, draft, .. } = record;
    let scope = AppScope { organization: *organization, application: audience.application.id };
    let hash = draft.content_hash();
    let event_id = draft.event_id.clone();
    let identity = match &event_id {
        Some(event_id) => MessageIdentity::EventId(event_id),
        None => MessageIdentity::Record(&origin),
    };
    let message = message_of(&scope, &identity, draft, Some(origin), at);
    Bound { index, scope, audience, message, hash }
}
