//! What a test puts on record itself, past the functions.

use fanfare::domain::attempt::Trigger;
use fanfare::domain::audit::{Author, Change, Changed, Operation};
use fanfare::domain::ids::{AppScope, ApplicationId, ChangeId, EndpointId, MessageId, OrganizationId};
use fanfare::domain::names::EventTypeName;
use fanfare::domain::timestamp::MS_PER_DAY;
use fanfare::domain::undelivered::{Undelivered, UndeliveredBecause};
use fanfare::store::Store;

use super::stage::{ORGANIZATION, Stage};

impl Stage {
    /// The scope that the application's records lie in.
    pub(crate) fn scope(application: &str) -> AppScope {
        AppScope {
            organization: OrganizationId::parse(ORGANIZATION).unwrap(),
            application: ApplicationId::parse(application).unwrap(),
        }
    }

    /// The table, as the functions see it.
    pub(crate) fn store(&self) -> Store {
        Store::new(&self.platform.sdk, &self.platform.settings.table, &self.platform.keys)
    }

    /// The record of a change that a test makes past the functions.
    pub(crate) fn change(&self, operation: Operation, changed: Changed) -> Change {
        let (at, tail) = (self.platform.effects.now(), self.platform.effects.random.id_tail());
        Change {
            id: ChangeId::new(at, tail),
            at,
            author: Author::gateway(OrganizationId::parse(ORGANIZATION).unwrap()),
            operation,
            changed,
            expires_at: at.plus_millis(90 * MS_PER_DAY),
        }
    }

    /// Has it on record that attempt `number` of a message of type `order.placed` will not be made.
    pub(crate) async fn record(
        &self,
        application: &str,
        endpoint: &str,
        message: &str,
        number: u16,
        reason: UndeliveredBecause,
    ) {
        let at = self.platform.effects.now();
        let record = Undelivered {
            message: MessageId::parse(message).unwrap(),
            endpoint: EndpointId::parse(endpoint).unwrap(),
            at,
            reason,
            number,
            trigger: Trigger::Scheduled,
            event_type: EventTypeName::parse("order.placed").unwrap(),
            channels: Vec::new(),
            tags: Vec::new(),
        };
        let expires_at = at.plus_millis(90 * MS_PER_DAY);
        self.store().record_undelivered(&Self::scope(application), &record, expires_at).await.unwrap();
    }
}
