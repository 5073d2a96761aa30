//! Step 8: what an endpoint failed to take is recovered, what it was not there for is replayed.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::sdk::models::{BackgroundTaskStatus, BackgroundTaskType, RecoverIn, ReplayIn};
use super::{Scenario, becomes, seconds_from_now};
use crate::harness::Reply;

const MESSAGES: usize = 5;

/// The first one, and the two retries that `World` is set to.
const ATTEMPTS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_08_recover() {
    let scenario = Scenario::start().await;
    let (client, tasks) = (scenario.svix.endpoint(), scenario.svix.background_task());
    let app = scenario.application("step-8").await;
    let app = || app.clone();
    scenario.event_type("step8.lost").await;
    let since = seconds_from_now(-60);
    let receiver = &scenario.world.receiver;
    receiver.on("/8/broken", |_| Reply::Status(404));
    let broken = scenario.endpoint(&app(), "/8/broken").await.id;
    let mut messages = BTreeSet::new();
    for number in 0..MESSAGES {
        messages.insert(scenario.publish(&app(), "step8.lost", json!({ "number": number })).await.id);
    }
    let attempts =
        async || each!(id of scenario.svix.message_attempt().list_by_endpoint(app(), broken.clone(), None)).len();
    becomes("attempts made until all are spent", MESSAGES * ATTEMPTS, attempts).await;

    receiver.on("/8/broken", |_| Reply::Status(200));
    let before = receiver.at("/8/broken").len();
    let finished = async |what: &str, id: &str, status: BackgroundTaskStatus| {
        assert_ne!(status, BackgroundTaskStatus::Failed, "{what}");
        let see = async || tasks.get(id.to_owned()).await.unwrap().status;
        becomes(what, BackgroundTaskStatus::Finished, see).await;
    };
    let wanted = RecoverIn::new(since.parse().unwrap());
    let started = client.recover(app(), broken.clone(), wanted, None).await.unwrap();
    assert_eq!(started.task, BackgroundTaskType::EndpointRecover);
    finished("recover", &started.id, started.status).await;
    scenario.receives_all("/8/broken", before, &messages).await;
    assert_eq!(each!(id of tasks.list(None)), [started.id]);

    let late = scenario.endpoint(&app(), "/8/late").await.id;
    let wanted = ReplayIn::new(since.parse().unwrap());
    let started = client.replay_missing(app(), late, wanted, None).await.unwrap();
    assert_eq!(started.task, BackgroundTaskType::EndpointReplay);
    finished("replay missing", &started.id, started.status).await;
    scenario.receives_all("/8/late", 0, &messages).await;
}
