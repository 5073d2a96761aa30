//! What the gateway promises, held against what was seen.

use std::collections::{HashMap, HashSet};

use super::scenario::{APPLICATION, Endpoint, Stage};
use crate::cli::api;
use crate::cli::http_client::Connection;

/// Attempts at an endpoint that never answers, at most. Its circuit breaker opens after five failures; those that were under
/// way by then, and a probe now and then, come on top. Without it there would be hundreds.
const ATTEMPTS_IN_VAIN_MAX: usize = 60;

/// What the API shows of the endpoints that never answer, by their identifiers.
#[derive(Default)]
pub(super) struct Attempts {
    failed: HashMap<String, usize>,
    succeeded: usize,
    /// Whose circuit breaker is not closed.
    held_back: HashSet<String>,
}

impl Attempts {
    /// Failed attempts of an endpoint.
    pub(super) fn failed(&self, endpoint: &Endpoint) -> usize {
        self.failed.get(&endpoint.id).copied().unwrap_or_default()
    }

    /// Whether what is sent to receivers that never answer is held back by now, and what was sent is on record.
    pub(super) fn are_complete(&self, stage: &Stage) -> bool {
        let is_complete = |endpoint: &Endpoint| self.is_held_back(endpoint) && invisible(endpoint, self) == 0;
        stage.endpoints.iter().filter(|endpoint| !endpoint.answers()).all(is_complete)
    }

    fn is_held_back(&self, endpoint: &Endpoint) -> bool {
        self.held_back.contains(&endpoint.id)
    }
}

/// Asks the API.
pub(super) async fn attempts(stage: &Stage, connection: &mut Connection) -> anyhow::Result<Attempts> {
    let mut all = Attempts::default();
    for endpoint in stage.endpoints.iter().filter(|endpoint| !endpoint.answers()) {
        let attempts = api::attempts(connection, APPLICATION, &endpoint.id).await?;
        let failed = attempts.iter().filter(|attempt| attempt.is_failed).count();
        all.succeeded += attempts.len() - failed;
        all.failed.insert(endpoint.id.clone(), failed);
        if api::breaker(connection, APPLICATION, &endpoint.id).await? != "closed" {
            all.held_back.insert(endpoint.id.clone());
        }
    }
    Ok(all)
}

/// The promises that were broken, each in a sentence; empty when all is well.
pub(super) fn broken(stage: &Stage, attempts: &Attempts) -> Vec<String> {
    let mut broken = Vec::new();
    let mut check = |count: usize, sentence: String| {
        if count > 0 {
            broken.push(format!("{count} {sentence}"));
        }
    };
    check(stage.messages() - stage.accepted(), "messages were not accepted".to_owned());
    check(attempts.succeeded, "attempts succeeded at endpoints that never answer".to_owned());
    for endpoint in &stage.endpoints {
        let name = endpoint.name;
        if endpoint.answers() {
            check(missing(endpoint), format!("accepted messages were not delivered to {name}"));
        } else {
            check(invisible(endpoint, attempts), format!("failed attempts at {name} are not visible"));
            let in_vain = attempts.failed(endpoint).saturating_sub(ATTEMPTS_IN_VAIN_MAX);
            check(in_vain, format!("attempts at {name} more than a circuit breaker lets through"));
            check(usize::from(!attempts.is_held_back(endpoint)), format!("circuit breaker of {name} is closed"));
        }
        let seen = endpoint.tally.seen();
        check(seen.forged, format!("signatures at {name} did not verify"));
        drop(seen);
        check(foreign(endpoint), format!("messages came to {name} that it does not want"));
        check(
            renamed(stage, endpoint),
            format!("messages came to {name} under another webhook-id than they were accepted"),
        );
    }
    broken
}

fn missing(endpoint: &Endpoint) -> usize {
    let seen = endpoint.tally.seen();
    endpoint.wanted.iter().filter(|number| !seen.taken.contains(number)).count()
}

/// Requests that came and are not shown as attempts. Where nobody listens there must be some all the same.
fn invisible(endpoint: &Endpoint, attempts: &Attempts) -> usize {
    endpoint.tally.requests().max(1).saturating_sub(attempts.failed(endpoint))
}

fn foreign(endpoint: &Endpoint) -> usize {
    let seen = endpoint.tally.seen();
    seen.requests.keys().filter(|number| endpoint.wanted.binary_search(number).is_err()).count()
}

fn renamed(stage: &Stage, endpoint: &Endpoint) -> usize {
    let seen = endpoint.tally.seen();
    let is_renamed = |(number, ids): &(&usize, &std::collections::HashSet<String>)| {
        let accepted = stage.ids.get(**number).and_then(|id| id.get());
        ids.len() != 1 || accepted.is_some_and(|accepted| !ids.contains(accepted))
    };
    seen.ids.iter().filter(is_renamed).count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicUsize;

    use fanfare::effects::{Clock as _, SystemClock};
    use http::HeaderMap;
    use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

    use super::super::scenario::Behaviour;
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// Two accepted messages, for one endpoint.
    fn stage(behaviour: Behaviour) -> Stage {
        let ids = ["msg_0", "msg_1"].map(|id| OnceLock::from(id.to_owned())).into();
        let endpoint = Endpoint::for_test(behaviour, SECRET, 2);
        Stage { endpoints: vec![endpoint], clock: Stage::clock_for_test(2), ids, accepted: AtomicUsize::new(2) }
    }

    /// A webhook for message `number`, as a receiver gets it.
    fn webhook(id: &str, number: usize, secret: &str) -> (HeaderMap, Vec<u8>) {
        let body = format!(r#"{{"data":{{"n":{number}}}}}"#).into_bytes();
        let at_s = SystemClock.now().as_seconds();
        let signature = Webhook::new(secret).unwrap().sign(id, at_s, &body).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(HEADER_WEBHOOK_ID, id.parse().unwrap());
        headers.insert(HEADER_WEBHOOK_TIMESTAMP, at_s.to_string().parse().unwrap());
        headers.insert(HEADER_WEBHOOK_SIGNATURE, signature.parse().unwrap());
        (headers, body)
    }

    fn deliver(stage: &Stage, id: &str, number: usize, secret: &str) {
        let (headers, body) = webhook(id, number, secret);
        let tally = &stage.endpoints[0].tally;
        tally.note(&headers, &body);
        tally.note_taken(number);
    }

    #[track_caller]
    fn check(deliveries: &[(&str, usize, &str)], expected: &[&str]) {
        let stage = stage(Behaviour::Healthy);
        for (id, number, secret) in deliveries {
            deliver(&stage, id, *number, secret);
        }
        let found = broken(&stage, &Attempts::default());
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn every_broken_promise_is_noticed() {
        let fine = [("msg_0", 0, SECRET), ("msg_1", 1, SECRET)];
        check(&fine, &[]);
        check(&fine[..1], &["1 accepted messages were not delivered"]);
        check(&[fine[0], ("msg_1", 1, "whsec_c2VjcmV0")], &["1 signatures"]);
        check(&[fine[0], ("msg_2", 1, SECRET)], &["another webhook-id"]);
        check(&[fine[0], fine[1], ("msg_x", 1, SECRET)], &["another webhook-id"]);
        check(&[fine[0], fine[1], ("msg_7", 7, SECRET)], &["does not want"]);
    }

    #[test]
    fn failed_attempts_that_are_not_shown_or_too_many_are_noticed() {
        let stage = stage(Behaviour::Hanging);
        let (headers, body) = webhook("msg_0", 0, SECRET);
        (0..3).for_each(|_| {
            stage.endpoints[0].tally.note(&headers, &body);
        });
        let id = || stage.endpoints[0].id.clone();
        let shown = |count: usize| Attempts { failed: [(id(), count)].into(), succeeded: 0, held_back: [id()].into() };
        assert_eq!(broken(&stage, &shown(3)), [""; 0]);
        assert!(broken(&stage, &shown(2))[0].contains("1 failed attempts at test are not visible"));
        assert!(broken(&stage, &shown(ATTEMPTS_IN_VAIN_MAX + 1))[0].contains("1 attempts at test more than"));
        let closed = Attempts { held_back: HashSet::new(), ..shown(3) };
        assert!(broken(&stage, &closed)[0].contains("circuit breaker of test is closed"));
    }
}
