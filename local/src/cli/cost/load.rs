//! A month's load, and what it asks of AWS: the counted scenarios, each as often as it happens.

use super::counted::{Counted, OfSize};
use super::stack::{MONTH_S, Stack};
use super::usage::Usage;

/// What a delay of the queue can be; what is later goes through the due index.
const QUEUE_DELAY_S_MAX: f64 = 900.0;
/// A batch of deliveries holds as many at most.
pub const BATCH_MAX: f64 = 10.0;
/// Beyond these a receiver is slow: its gate is written once, and then three times.
const SLOW_MS: f64 = 250.0;
const SLOWER_MS: f64 = 1_000.0;
/// The size of the payloads that scenarios were counted with.
const SCENARIO_BYTES: f64 = 1_000.0;

/// What happens in a month.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Messages.
    pub messages: f64,
    /// Endpoints that want a message, on average.
    pub endpoints: f64,
    /// Size of a payload.
    pub bytes: f64,
    /// Share of attempts that fail.
    pub failure: f64,
    /// Share of messages that come in files.
    pub import: f64,
    /// Share of messages that come as webhooks from outside.
    pub inbound: f64,
    /// Deliveries that one invocation gets, on average.
    pub batch: f64,
    /// How long a batch's slowest receiver takes.
    pub receiver_ms: f64,
    /// Organizations: each has a data key, which every process asks for.
    pub organizations: f64,
    /// Days that messages and attempts are kept.
    pub kept_days: f64,
    /// Whether payloads are sealed.
    pub is_sealed: bool,
}

/// What one message asks for, and how often its functions run.
#[derive(Clone, Debug, Default)]
pub struct PerMessage {
    /// Calls and units.
    pub usage: Usage,
    /// Attempts to deliver it.
    pub attempts: f64,
    /// Invocations of deliver.
    pub batches: f64,
}

impl Load {
    /// What one message asks for, on average.
    pub fn per_message(&self, counted: &Counted, stack: &Stack) -> PerMessage {
        let sizes = if self.is_sealed { &counted.sealed } else { &counted.plain };
        let of_size = at(sizes, self.bytes);
        let (attempts, delivered) = self.deliveries(counted, stack, &of_size);
        let usage = self.accepted(counted, &of_size) + &(&delivered * self.endpoints);
        let attempts = attempts * self.endpoints;
        PerMessage { usage, attempts, batches: attempts / self.batch }
    }

    /// Accepting it, in whichever way it comes.
    fn accepted(&self, counted: &Counted, of_size: &OfSize) -> Usage {
        let each_more = &(&of_size.publish_five - &of_size.publish_one) * 0.25;
        let published = match self.endpoints < 1.0 {
            true => &of_size.publish_none * (1.0 - self.endpoints) + &(&of_size.publish_one * self.endpoints),
            false => of_size.publish_one.clone() + &(&each_more * (self.endpoints - 1.0)),
        };
        let at_scenario = at(&counted.plain, SCENARIO_BYTES).publish_one;
        let from_outside = published.clone() + &(&counted.scenarios.inbound - &at_scenario);
        let from_file = Usage {
            // Deliveries are queued ten at a time, whichever messages they are of.
            queue_requests: of_size.import_record.queue_requests * self.endpoints,
            fair_requests: of_size.import_record.fair_requests * self.endpoints,
            ..of_size.import_record.clone()
        };
        &published * (1.0 - self.import - self.inbound) + &(&from_outside * self.inbound) + &(&from_file * self.import)
    }

    /// Attempts for one endpoint, and what they ask for. An attempt fails with the same chance whichever it is.
    fn deliveries(&self, counted: &Counted, stack: &Stack, of_size: &OfSize) -> (f64, Usage) {
        let scenarios = &counted.scenarios;
        let plain = at(&counted.plain, SCENARIO_BYTES).deliver_one;
        let in_place_of = |scenario: &Usage| scenario - &plain;
        let slow = match self.receiver_ms {
            fast if fast <= SLOW_MS => Usage::default(),
            slow if slow <= SLOWER_MS => in_place_of(&scenarios.deliver_slow),
            _ => in_place_of(&scenarios.deliver_slower),
        };
        let attempt = in_batch(&of_size.deliver_one, &of_size.deliver_ten, self.batch) + &slow;
        let (mut attempts, mut usage, mut chance) = (0.0, Usage::default(), 1.0);
        for number in 0..=stack.retry_delays_s.len() {
            let succeeds = match number {
                0 => attempt.clone(),
                _ => attempt.clone() + &in_place_of(&scenarios.retry_succeeds),
            };
            let fails = attempt.clone()
                + &match stack.retry_delays_s.get(number) {
                    None => in_place_of(&scenarios.fails_last),
                    Some(delay_s) if *delay_s > QUEUE_DELAY_S_MAX => {
                        in_place_of(&scenarios.fails_again_later) + &scenarios.swept
                    }
                    Some(_) if number == 0 => in_place_of(&scenarios.fails_first),
                    Some(_) => in_place_of(&scenarios.fails_again),
                };
            attempts += chance;
            usage = usage + &(&succeeds * (chance * (1.0 - self.failure))) + &(&fails * (chance * self.failure));
            chance *= self.failure;
        }
        (attempts, usage)
    }

    /// How often processes ask for data keys again in a month, of functions that run so often and so long.
    pub fn renewals(&self, invocations: f64, ms: f64, peak: f64, key_minutes: f64) -> f64 {
        let renewals = processes(invocations, ms, peak) * self.organizations * MONTH_S / 60.0 / key_minutes;
        renewals.min(invocations)
    }
}

/// How many lines of metrics a function writes that is invoked so often in a month and runs so long: one at the end of each
/// invocation, and no more than one a second and process.
pub fn metric_lines(invocations: f64, ms: f64, peak: f64) -> f64 {
    invocations.min(processes(invocations, ms, peak) * MONTH_S)
}

/// How many processes of such a function there are at one time, in busy hours.
fn processes(invocations: f64, ms: f64, peak: f64) -> f64 {
    (invocations / MONTH_S * peak * ms / 1_000.0).ceil()
}

/// What one delivery asks for in a batch of so many: what the batch costs is shared, the rest is each one's own.
fn in_batch(one: &Usage, ten: &Usage, batch: f64) -> Usage {
    let own = &(ten - one) * (1.0 / (BATCH_MAX - 1.0));
    let shared = one - &own;
    &shared * (1.0 / batch) + &own
}

/// Between the counted sizes, the straight line; above them, the last one goes on; below them, the first.
fn at(sizes: &[OfSize], bytes: f64) -> OfSize {
    let above = sizes.iter().position(|of_size| of_size.bytes as f64 >= bytes);
    let above = above.unwrap_or(sizes.len().saturating_sub(1));
    let below = above.saturating_sub(1);
    let (Some(below), Some(above)) = (sizes.get(below), sizes.get(above)) else { return OfSize::default() };
    let bytes = bytes.max(below.bytes as f64);
    let span = (above.bytes - below.bytes) as f64;
    let part = if span > 0.0 { (bytes - below.bytes as f64) / span } else { 0.0 };
    let mix = |a: &Usage, b: &Usage| a * (1.0 - part) + &(b * part);
    OfSize {
        bytes: bytes as u64,
        publish_none: mix(&below.publish_none, &above.publish_none),
        publish_one: mix(&below.publish_one, &above.publish_one),
        publish_five: mix(&below.publish_five, &above.publish_five),
        import_record: mix(&below.import_record, &above.import_record),
        deliver_one: mix(&below.deliver_one, &above.deliver_one),
        deliver_ten: mix(&below.deliver_ten, &above.deliver_ten),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(reads: f64) -> Usage {
        Usage { reads, ..Usage::default() }
    }

    #[test]
    fn what_a_batch_costs_is_shared() {
        let (one, ten) = (reading(4.0), reading(13.0));
        let reads = |batch| in_batch(&one, &ten, batch).reads;
        assert_eq!((reads(1.0), reads(10.0)), (4.0, 1.3));
    }

    #[test]
    fn between_sizes_is_the_straight_line() {
        let of = |bytes, reads| OfSize { bytes, publish_one: reading(reads), ..OfSize::default() };
        let sizes = [of(100, 1.0), of(200, 3.0)];
        let reads = |bytes| at(&sizes, bytes).publish_one.reads;
        assert_eq!([0.0, 100.0, 150.0, 200.0, 300.0].map(reads), [1.0, 1.0, 2.0, 3.0, 5.0]);
    }
}
