//! What the gateway promises, held against what was seen.

use std::collections::HashMap;

use super::ATTEMPTS_MAX;
use super::scenario::{APPLICATION, Endpoint, Stage};
use crate::cli::api;
use crate::cli::http_client::Connection;

/// Failed attempts as the API shows them: by endpoint id, then by message id. Only of endpoints that never answer.
#[derive(Default)]
pub(super) struct Attempts {
    failed: HashMap<String, HashMap<String, usize>>,
    succeeded: usize,
}

impl Attempts {
    /// Failed attempts of an endpoint.
    pub(super) fn failed(&self, endpoint: &Endpoint) -> usize {
        self.failed.get(&endpoint.id).map_or(0, |messages| messages.values().sum())
    }

    /// Whether every delivery that cannot succeed has had all its attempts.
    pub(super) fn are_complete(&self, stage: &Stage) -> bool {
        let is_complete = |endpoint: &Endpoint| self.failed(endpoint) >= endpoint.wanted.len() * ATTEMPTS_MAX;
        stage.endpoints.iter().filter(|endpoint| !endpoint.answers()).all(is_complete)
    }

    fn of(&self, endpoint: &Endpoint, message_id: &str) -> usize {
        self.failed.get(&endpoint.id).and_then(|messages| messages.get(message_id)).copied().unwrap_or_default()
    }
}

/// Asks the API.
pub(super) async fn attempts(stage: &Stage, connection: &mut Connection) -> anyhow::Result<Attempts> {
    let mut all = Attempts::default();
    for endpoint in stage.endpoints.iter().filter(|endpoint| !endpoint.answers()) {
        for attempt in api::attempts(connection, APPLICATION, &endpoint.id).await? {
            if attempt.is_failed {
                *all.failed.entry(endpoint.id.clone()).or_default().entry(attempt.message_id).or_default() += 1;
            } else {
                all.succeeded += 1;
            }
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
            check(invisible(stage, endpoint, attempts), format!("failed attempts at {name} are not visible"));
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

/// Attempts that must have been made and are not shown.
fn invisible(stage: &Stage, endpoint: &Endpoint, attempts: &Attempts) -> usize {
    let ids = endpoint.wanted.iter().filter_map(|number| stage.ids.get(*number)?.get());
    ids.map(|id| ATTEMPTS_MAX.saturating_sub(attempts.of(endpoint, id))).sum()
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
