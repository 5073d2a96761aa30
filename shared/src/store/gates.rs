//! Gates: what is known about an endpoint across everybody who delivers to it (`domain/gate.rs`). One small item for each
//! endpoint that ever needed one, and one for each application with a rate limit, in partitions of their own, so that an endpoint
//! in trouble slows down neither its application's publishes nor its neighbours.
//!
//! Everything here is an update of single attributes, and those that several do at one time carry the condition that makes only
//! one of them count. An update that was done although we heard otherwise does no harm when it is done again; at worst a few
//! slots of a rate limit are lost. Items are forgotten a week after their last update: nothing in them matters that long.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;

use super::item::{Item, Reader, number};
use super::{Store, keys};
use crate::domain::gate::{BURST_US, Breaker, FAILURES_WITHIN_MS, Gate, Grant, HOLDS_MAX, Pace};
use crate::domain::ids::{AppScope, EndpointId};
use crate::domain::timestamp::{MS_PER_DAY, Timestamp};
use crate::fault::Fault;

/// How long a gate is kept after its last change.
const KEPT_MS: i64 = 7 * MS_PER_DAY;

/// Whose gate.
#[derive(Clone, Copy, Debug)]
enum Whose<'a> {
    Endpoint(&'a AppScope, &'a EndpointId),
    Application(&'a AppScope),
}

impl Whose<'_> {
    fn pk(&self) -> String {
        match self {
            Self::Endpoint(scope, endpoint) => keys::endpoint_gate(scope, endpoint),
            Self::Application(scope) => keys::application_gate(scope),
        }
    }
}

impl std::fmt::Display for Whose<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Endpoint(_, endpoint) => write!(f, "the gate of endpoint {endpoint}"),
            Self::Application(scope) => write!(f, "the gate of application {}", scope.application),
        }
    }
}

/// A place's attribute.
fn place_name(place: usize) -> String {
    format!("h{place}")
}

pub(super) fn from_item(item: &Item) -> Result<Gate, Fault> {
    let reader = Reader::new("gate", item);
    let mut holds = Vec::new();
    for place in 0..HOLDS_MAX {
        if let Some(until) = reader.instant_if(&place_name(place))? {
            holds.push((place, until));
        }
    }
    let pace = match (reader.number_if::<i64>("pace")?, reader.instant_if("paced")?) {
        (Some(interval_us), Some(at)) => Some(Pace { interval_ms: interval_us as f64 / 1_000.0, at }),
        _ => None,
    };
    Ok(Gate {
        breaker: Breaker {
            failures: reader.number_if("failures")?.unwrap_or(0),
            failed_at: reader.instant_if("failed")?,
            open_until: reader.instant_if("open")?,
            openings: reader.number_if("openings")?.unwrap_or(0),
            opened_at: reader.instant_if("opened")?,
            probing_until: reader.instant_if("probing")?,
        },
        pause_until: reader.instant_if("pause")?,
        pace,
        used_until_us: reader.number_if("used")?,
        holds,
    })
}

impl Store {
    /// An endpoint's gate; one that never needed one has the gate of a healthy endpoint.
    pub async fn gate(&self, scope: &AppScope, endpoint: &EndpointId) -> Result<Gate, Fault> {
        let whose = Whose::Endpoint(scope, endpoint);
        let item = self.get(&format!("reading {whose}"), whose.pk(), keys::GATE.to_owned()).await?;
        Ok(item.as_ref().map(from_item).transpose()?.unwrap_or_default())
    }

    /// Forgets what is known about an endpoint: its owner has changed it, and what was true may be so no more.
    pub async fn forget_gate(&self, scope: &AppScope, endpoint: &EndpointId) -> Result<(), Fault> {
        let pk = keys::endpoint_gate(scope, endpoint);
        self.writer.write(super::write::Write::Delete { pk, sk: keys::GATE.to_owned() }).await
    }

    /// Notes a failed attempt; how many there are in a row now.
    pub async fn count_failure(&self, scope: &AppScope, endpoint: &EndpointId, now: Timestamp) -> Result<u32, Fault> {
        /// Additions and beginnings may overtake each other once or twice.
        const TRIES_MAX: usize = 4;
        let whose = Whose::Endpoint(scope, endpoint);
        let floor = now.plus_millis(-FAILURES_WITHIN_MS);
        let update = |expression, condition| {
            self.gate_update(whose, now, expression)
                .condition_expression(condition)
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":floor", number(floor.as_millis()))
                .expression_attribute_values(":now", number(now.as_millis()))
        };
        for _ in 0..TRIES_MAX {
            let add = update("SET failed = :now, failures = failures + :one", "failed >= :floor");
            if let Some(after) = self.gate_updated(whose, add).await? {
                return Reader::new("gate", &after).number("failures");
            }
            let begin = update("SET failed = :now, failures = :one", "attribute_not_exists(failed) OR failed < :floor");
            if self.gate_updated(whose, begin).await?.is_some() {
                return Ok(1);
            }
        }
        Err(Fault::unavailable(format!("counting a failure at {whose}"), "it was overtaken again and again"))
    }

    /// Opens the breaker, or opens it again after a probe. `seen` is how the caller read it: of many who want to open the
    /// same state, one does. Whether this one did.
    pub async fn open_breaker(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        seen: &Breaker,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let whose = Whose::Endpoint(scope, endpoint);
        let set = "SET #open = :until, openings = :openings, opened = if_not_exists(opened, :now) REMOVE probing";
        let update = self
            .gate_update(whose, now, set)
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":until", number(until.as_millis()))
            .expression_attribute_values(":openings", number(i64::from(seen.openings) + 1))
            .expression_attribute_values(":now", number(now.as_millis()));
        let update = match seen.open_until {
            None => update.condition_expression("attribute_not_exists(#open)"),
            Some(seen) => update
                .condition_expression("#open = :seen")
                .expression_attribute_values(":seen", number(seen.as_millis())),
        };
        Ok(self.gate_updated(whose, update).await?.is_some())
    }

    /// Closes the breaker and forgets the failures; whether it was open.
    pub async fn close_breaker(&self, scope: &AppScope, endpoint: &EndpointId, now: Timestamp) -> Result<bool, Fault> {
        let whose = Whose::Endpoint(scope, endpoint);
        let update = self
            .gate_update(whose, now, "REMOVE failures, failed, #open, openings, opened, probing")
            .expression_attribute_names("#open", "open")
            .condition_expression("attribute_exists(pk)")
            .return_values(ReturnValue::AllOld);
        let before = self.gate_updated(whose, update).await?;
        Ok(before.is_some_and(|before| before.contains_key("open")))
    }

    /// Takes on the probe of a half-open breaker; whether it is the caller's.
    pub async fn claim_probe(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        seen: &Breaker,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let Some(open_until) = seen.open_until else { return Ok(true) };
        let whose = Whose::Endpoint(scope, endpoint);
        let update = self
            .gate_update(whose, now, "SET probing = :until")
            .condition_expression("#open = :seen AND (attribute_not_exists(probing) OR probing <= :now)")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":seen", number(open_until.as_millis()))
            .expression_attribute_values(":until", number(until.as_millis()))
            .expression_attribute_values(":now", number(now.as_millis()));
        Ok(self.gate_updated(whose, update).await?.is_some())
    }

    /// Leaves the receiver alone until then, and slows down afterwards, unless a pause is under way; whether this one counts.
    pub async fn pause(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        until: Timestamp,
        pace: Pace,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let whose = Whose::Endpoint(scope, endpoint);
        let update = self
            .gate_update(whose, now, "SET pause = :until, pace = :pace, paced = :paced")
            .condition_expression("attribute_not_exists(pause) OR pause <= :now")
            .expression_attribute_values(":until", number(until.as_millis()))
            .expression_attribute_values(":pace", number((pace.interval_ms * 1_000.0) as i64))
            .expression_attribute_values(":paced", number(pace.at.as_millis()))
            .expression_attribute_values(":now", number(now.as_millis()));
        Ok(self.gate_updated(whose, update).await?.is_some())
    }

    /// Takes a place until then, if nobody holds it, or goes on holding one that was taken until `seen`; whether it is the
    /// caller's.
    pub async fn hold(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        place: usize,
        seen: Option<Timestamp>,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let whose = Whose::Endpoint(scope, endpoint);
        let condition = match seen {
            None => "attribute_not_exists(#place) OR #place <= :than",
            Some(_) => "#place = :than",
        };
        let update = self
            .gate_update(whose, now, "SET #place = :until")
            .condition_expression(condition)
            .expression_attribute_names("#place", place_name(place))
            .expression_attribute_values(":until", number(until.as_millis()))
            .expression_attribute_values(":than", number(seen.unwrap_or(now).as_millis()));
        Ok(self.gate_updated(whose, update).await?.is_some())
    }

    /// Gives a place back. Who does it twice, or so late that another has the place, takes nothing from anybody: the place is
    /// known by the instant it was taken for.
    pub async fn release(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        place: usize,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let whose = Whose::Endpoint(scope, endpoint);
        let update = self
            .gate_update(whose, now, "REMOVE #place")
            .condition_expression("#place = :until")
            .expression_attribute_names("#place", place_name(place))
            .expression_attribute_values(":until", number(until.as_millis()));
        self.gate_updated(whose, update).await.map(drop)
    }

    /// Takes `count` attempts out of an endpoint's rate limit.
    pub async fn grant(
        &self,
        scope: &AppScope,
        endpoint: &EndpointId,
        interval_us: i64,
        count: usize,
        now: Timestamp,
    ) -> Result<Grant, Fault> {
        self.grant_of(Whose::Endpoint(scope, endpoint), interval_us, count, now).await
    }

    /// Takes `count` attempts out of an application's rate limit.
    pub async fn grant_of_application(
        &self,
        scope: &AppScope,
        interval_us: i64,
        count: usize,
        now: Timestamp,
    ) -> Result<Grant, Fault> {
        self.grant_of(Whose::Application(scope), interval_us, count, now).await
    }

    /// One write for however many: a limit is a point in time up to which it is used. What nobody used is lost after a second.
    async fn grant_of(&self, whose: Whose<'_>, interval_us: i64, count: usize, now: Timestamp) -> Result<Grant, Fault> {
        /// Two who begin at one time overtake each other once.
        const TRIES_MAX: usize = 4;
        let cost_us = interval_us.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX));
        let floor_us = now.as_millis().saturating_mul(1_000) - BURST_US;
        for _ in 0..TRIES_MAX {
            let go_on = self
                .gate_update(whose, now, "SET used = used + :cost")
                .condition_expression("used >= :floor")
                .expression_attribute_values(":cost", number(cost_us))
                .expression_attribute_values(":floor", number(floor_us));
            if let Some(after) = self.gate_updated(whose, go_on).await? {
                let used_us: i64 = Reader::new("gate", &after).number("used")?;
                return Ok(Grant { from_us: used_us - cost_us, interval_us });
            }
            let begin = self
                .gate_update(whose, now, "SET used = :used")
                .condition_expression("attribute_not_exists(used) OR used < :floor")
                .expression_attribute_values(":used", number(floor_us + cost_us))
                .expression_attribute_values(":floor", number(floor_us));
            if self.gate_updated(whose, begin).await?.is_some() {
                return Ok(Grant { from_us: floor_us, interval_us });
            }
        }
        Err(Fault::unavailable(format!("using the rate limit of {whose}"), "it was overtaken again and again"))
    }

    /// An update that also keeps the item for another week.
    fn gate_update(&self, whose: Whose<'_>, now: Timestamp, expression: &str) -> UpdateItemFluentBuilder {
        let expression = match expression.strip_prefix("SET ") {
            Some(rest) => format!("SET #ttl = :ttl, {rest}"),
            None => format!("SET #ttl = :ttl {expression}"),
        };
        self.update(whose.pk(), keys::GATE, &expression)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", number(now.plus_millis(KEPT_MS).as_seconds()))
    }

    /// The item the update returns; none: the condition failed.
    async fn gate_updated(&self, whose: Whose<'_>, update: UpdateItemFluentBuilder) -> Result<Option<Item>, Fault> {
        self.updated(&format!("updating {whose}"), update).await
    }
}
