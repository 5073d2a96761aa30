//! Steps 6, 7 and 9: what was tried, what is tried once more, and what it is signed with.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::rotate_secret;
use super::super::sdk::api::{
    MessageAttemptListAttemptedMessagesOptions, MessageAttemptListByEndpointOptions, MessageAttemptListByMsgOptions,
};
use super::super::sdk::models::{
    EndpointOut, EndpointStats, MessageAttemptOut, MessageAttemptTriggerType, MessageStatus, MessageStatusText,
    StatusCodeClass,
};
use super::{Scenario, assert_verified, becomes};
use crate::harness::{Delivery, Reply};

/// One message to an endpoint that takes it the third time, one that takes it at once and one that never takes it.
struct Tried {
    scenario: Scenario,
    app: String,
    message: String,
    flaky: EndpointOut,
    good: EndpointOut,
    broken: EndpointOut,
}

impl Tried {
    /// As it stands when nothing more is tried.
    async fn start() -> Self {
        let scenario = Scenario::start().await;
        let app = scenario.application("step-6").await;
        scenario.event_type("step6.tried").await;
        let receiver = &scenario.world.receiver;
        receiver.on("/6/flaky", |delivery: &Delivery| Reply::Status(if delivery.nth <= 2 { 500 } else { 200 }));
        receiver.on("/6/good", |_| Reply::Status(200));
        receiver.on("/6/broken", |_| Reply::Status(404));
        let flaky = scenario.endpoint(&app, "/6/flaky").await;
        let good = scenario.endpoint(&app, "/6/good").await;
        let broken = scenario.endpoint(&app, "/6/broken").await;
        let message = scenario.publish(&app, "step6.tried", json!({ "a": 1 })).await.id;
        let tried = Self { scenario, app, message, flaky, good, broken };
        for (endpoint, codes) in
            [(&tried.flaky, vec![200, 500, 500]), (&tried.good, vec![200]), (&tried.broken, vec![404, 404, 404])]
        {
            let see = async || {
                let attempts = tried.attempts_at(endpoint).await;
                attempts.into_iter().map(|attempt| attempt.response_status_code).collect()
            };
            becomes(&format!("attempts at {}", endpoint.url), codes, see).await;
        }
        tried
    }

    async fn attempts_at(&self, endpoint: &EndpointOut) -> Vec<MessageAttemptOut> {
        let endpoint_id = Some(endpoint.id.clone());
        let options = MessageAttemptListByMsgOptions { endpoint_id, ..Default::default() };
        let (app, message) = (self.app.clone(), self.message.clone());
        self.scenario.svix.message_attempt().list_by_msg(app, message, Some(options)).await.unwrap().data
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_06_attempts() {
    let tried = Tried::start().await;
    let (client, endpoint) = (tried.scenario.svix.message_attempt(), &tried.flaky);
    let app = || tried.app.clone();
    let attempts = tried.attempts_at(endpoint).await;
    let ids: Vec<_> = attempts.iter().map(|attempt| attempt.id.clone()).collect();
    let (success, fail) = (MessageStatus::Success, MessageStatus::Fail);
    assert_eq!(attempts.iter().map(|attempt| attempt.status).collect::<Vec<_>>(), [success, fail, fail]);
    assert_eq!((attempts[0].status_text, &attempts[0].url), (MessageStatusText::Success, &endpoint.url));
    // Identifiers are in the order of time; a timestamp's text is not, since it leaves out zeros at its end.
    assert!(attempts.is_sorted_by(|newer, older| newer.id >= older.id), "newest first: {attempts:?}");
    assert_eq!(each!(id of client.list_by_msg(app(), tried.message.clone(), None)).len(), 7, "of all endpoints");

    let check = async |status, status_code_class, expected: &[String]| {
        let options = MessageAttemptListByEndpointOptions { status, status_code_class, ..Default::default() };
        let seen = each!(id of client.list_by_endpoint(app(), endpoint.id.clone(), Some(options)));
        assert_eq!(seen, expected, "{status:?}, {status_code_class:?}");
    };
    check(None, None, &ids).await;
    check(Some(success), None, &ids[..1]).await;
    check(Some(fail), None, &ids[1..]).await;
    check(None, Some(StatusCodeClass::Code5xx), &ids[1..]).await;
    check(None, Some(StatusCodeClass::Code4xx), &[]).await;
    let one = client.get(app(), tried.message.clone(), ids[0].clone(), None).await.unwrap();
    assert_eq!((one.id, one.response_status_code), (ids[0].clone(), 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_06_attempts_by_destination_and_by_message() {
    let tried = Tried::start().await;
    let client = tried.scenario.svix.message_attempt();
    let app = || tried.app.clone();
    let (success, fail) = (MessageStatus::Success, MessageStatus::Fail);
    let statuses = [(&tried.flaky, success), (&tried.good, success), (&tried.broken, fail)];
    let expected: BTreeMap<_, _> = statuses.iter().map(|(endpoint, status)| (endpoint.id.clone(), *status)).collect();
    let see = async || -> BTreeMap<_, _> {
        let listed = client.list_attempted_destinations(app(), tried.message.clone(), None).await.unwrap();
        listed.data.into_iter().map(|destination| (destination.id, destination.status)).collect()
    };
    becomes("attempted destinations", expected, see).await;

    for (endpoint, status) in statuses {
        let seen = client.list_attempted_messages(app(), endpoint.id.clone(), None).await.unwrap().data;
        let seen: Vec<_> = seen.into_iter().map(|message| (message.id, message.status)).collect();
        assert_eq!(seen, [(tried.message.clone(), status)], "{}", endpoint.url);
        for wanted in [success, fail] {
            let options = MessageAttemptListAttemptedMessagesOptions { status: Some(wanted), ..Default::default() };
            let seen = each!(id of client.list_attempted_messages(app(), endpoint.id.clone(), Some(options)));
            let expected: Vec<_> = (wanted == status).then(|| tried.message.clone()).into_iter().collect();
            assert_eq!(seen, expected, "{} under {wanted:?}", endpoint.url);
        }
        let mut expected = EndpointStats::new(0, 0, 0, 0, 0);
        if status == success {
            expected.success = 1
        } else {
            expected.fail = 1
        }
        let stats = async || tried.scenario.svix.endpoint().get_stats(app(), endpoint.id.clone(), None).await.unwrap();
        becomes(&format!("stats of {}", endpoint.url), expected, stats).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_07_resend() {
    let scenario = Scenario::start().await;
    let client = scenario.svix.message_attempt();
    let app = scenario.application("step-7").await;
    let app = || app.clone();
    scenario.event_type("step7.sent").await;
    // A moment apart, for attempts within 4 ms are listed in no order.
    scenario.world.receiver.on("/7", |_| Reply::Slow(std::time::Duration::from_millis(10), 204));
    let endpoint = scenario.endpoint(&app(), "/7").await;
    let message = scenario.publish(&app(), "step7.sent", json!({ "a": 1 })).await.id;

    let (scheduled, manual) = (MessageAttemptTriggerType::Scheduled, MessageAttemptTriggerType::Manual);
    let triggers = async || each!(trigger_type of client.list_by_msg(app(), message.clone(), None));
    becomes("one attempt", vec![scheduled], triggers).await;
    client.resend(app(), message.clone(), endpoint.id.clone(), None).await.unwrap();
    becomes("one more attempt, by hand", vec![manual, scheduled], triggers).await;
    assert_eq!(scenario.received("/7"), [message.clone(), message.clone()]);
    assert_verified(&scenario.world.receiver.at("/7")[1], &scenario.secret(&app(), &endpoint.id).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_09_rotate_secret() {
    let scenario = Scenario::start().await;
    let app = scenario.application("step-9").await;
    scenario.event_type("step9.signed").await;
    let endpoint = scenario.endpoint(&app, "/9").await.id;
    let old = scenario.secret(&app, &endpoint).await;
    let answered = rotate_secret(&scenario.svix, app.clone(), endpoint.clone()).await.unwrap();
    let new = scenario.secret(&app, &endpoint).await;
    assert_ne!(new, old);
    assert_eq!(answered.unwrap_or_else(|| new.clone()), new, "where the SDK reads the answer");

    let message = scenario.publish(&app, "step9.signed", json!({ "a": 1 })).await.id;
    scenario.receives("/9", &[&message]).await;
    for secret in [old, new] {
        assert_verified(&scenario.world.receiver.at("/9")[0], &secret);
    }
}
