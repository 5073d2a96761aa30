//! Messages for more endpoints than a publish queues by itself: every endpoint gets them once, whatever the work in the
//! background goes through; and what an application with as many endpoints as it may have can do.

use std::sync::Arc;

use fanfare::domain::audit::{Changed, Operation};
use fanfare::domain::endpoint::{ENDPOINTS_PER_APPLICATION_MAX, Endpoint, SigningSecrets};
use fanfare::domain::ids::{AppScope, ApplicationId, EndpointId, OrganizationId};
use fanfare::domain::signature::{SECRET_BYTES_DEFAULT, SignatureScheme};
use fanfare::domain::url::EndpointUrl;
use fanfare::flows::accept_message::{AcceptMessage, FAN_OUT_INLINE_MAX, Fanned};
use fanfare::flows::bury::Bury;
use fanfare::queue::{Job, JobQueue, decode_job};
use fanfare::store::{EndpointRef, Store};
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::table::{items_of, text};
use crate::harness::{Answer, ORGANIZATION, Receiver, Stage, Way};

/// Enough for everything a test asks for.
const TIME_MS: i64 = 60_000;

/// Three pages.
const MANY: usize = 300;

/// Longer than a job that was handed back is held back.
const HELD_BACK_S: i64 = 1_801;

/// Longer than a repeat's deliveries are held back.
const REPEAT_S: i64 = 60;

/// An application with endpoints at the receiver's `/0`, `/1` and so on.
struct Scene {
    stage: Stage,
    receiver: Receiver,
    scope: AppScope,
    count: usize,
}

impl Scene {
    /// The first endpoint is made by the API, the others are put beside it, each with a secret of its own.
    async fn new(count: usize, scheme: SignatureScheme) -> Self {
        let (stage, receiver) = (Stage::new(&[]).await, Receiver::start().await);
        receiver.ignore_time();
        let (application, first) = stage.application_with_endpoint(&receiver.url("/0")).await;
        let organization = OrganizationId::parse(ORGANIZATION).unwrap();
        let scope = AppScope { organization, application: ApplicationId::parse(&application).unwrap() };
        receiver.verify("/0", &stage.secret(&application, &first).await);
        let store = Store::new(&stage.platform.sdk, &stage.platform.settings.table, &stage.platform.keys);
        let named = EndpointRef::parse(&first).unwrap();
        let first = store.endpoint(&scope, &named).await.unwrap().unwrap();
        for number in 1..count {
            let path = format!("/{number}");
            let mut bytes = [0; SECRET_BYTES_DEFAULT];
            stage.platform.effects.random.fill(&mut bytes);
            let secrets = SigningSecrets::only(scheme.secret_of(bytes));
            receiver.verify(&path, &secrets.current.to_secret_text());
            let id = EndpointId::new(first.created_at, stage.platform.effects.random.id_tail());
            let url = EndpointUrl::parse(&receiver.url(&path)).unwrap();
            let endpoint = Endpoint { id, url, secrets, ..first.clone() };
            let change = stage.change(Operation::EndpointCreate, Changed::created(&endpoint));
            store.create_endpoint(&scope, &endpoint, None, &change).await.unwrap();
        }
        let scene = Self { stage, receiver, scope, count };
        scene.stage.work(TIME_MS).await;
        scene.stage.clock.forward_s(1);
        scene
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/app/{}{rest}", self.scope.application)
    }

    async fn publish(&self) -> String {
        self.stage.publish(&self.scope.application.to_string(), Some("k"), json!({})).await.id()
    }

    /// Works and delivers until nothing is left, repeats included; fails unless every endpoint got the message once.
    async fn reaches_each_once(&self, message: &str, what: &str) {
        self.stage.work(TIME_MS).await;
        self.stage.deliver_all().await;
        self.stage.clock.forward_s(REPEAT_S);
        self.stage.deliver_all().await;
        assert_eq!(self.stage.backlog().await.0, 0, "{what}");
        let mut reached: Vec<_> = self.receiver.of(message).into_iter().map(|delivery| delivery.path).collect();
        assert_eq!(reached.len(), self.count, "{what}");
        reached.sort();
        reached.dedup();
        assert_eq!(reached.len(), self.count, "{what}");
    }

    /// The one job that is queued, taken out of the queue.
    async fn take_job(&self) -> Job {
        let url = &self.stage.platform.settings.job_queue_url;
        let received = self.stage.sqs.receive_message().queue_url(url).send().await.unwrap().messages.unwrap();
        let delete = self.stage.sqs.delete_message().queue_url(url);
        delete.receipt_handle(received[0].receipt_handle().unwrap()).send().await.unwrap();
        decode_job(received[0].body().unwrap(), 1).unwrap().work
    }
}

#[tokio::test]
async fn a_message_for_many_reaches_each_endpoint_that_was_there_once() {
    let scene = Scene::new(MANY, SignatureScheme::V1).await;
    let message = scene.publish().await;
    assert_eq!(scene.stage.backlog().await.0, 0, "its deliveries are left to the background");
    scene.stage.clock.forward_s(1);
    let late = scene.stage.endpoint(&scene.scope.application.to_string(), &scene.receiver.url("/late")).await;
    scene.receiver.verify("/late", &scene.stage.secret(&scene.scope.application.to_string(), &late).await);
    scene.reaches_each_once(&message, "and the one that came later does not").await;
    assert_eq!(scene.publish().await, message, "a repeat");
    scene.reaches_each_once(&message, "a repeat finds everybody served").await;
}

#[tokio::test]
async fn as_many_as_a_publish_queues_itself_need_no_job() {
    let scene = Scene::new(FAN_OUT_INLINE_MAX, SignatureScheme::V1).await;
    let message = scene.publish().await;
    assert_eq!(scene.stage.backlog().await.0, FAN_OUT_INLINE_MAX);
    assert_eq!(scene.stage.work_once(TIME_MS).await, 0);
    scene.reaches_each_once(&message, "").await;
}

#[tokio::test]
async fn a_fault_in_the_middle_loses_and_doubles_nothing() {
    let undisturbed = Scene::new(MANY, SignatureScheme::V1).await;
    let message = undisturbed.publish().await;
    assert_eq!(undisturbed.stage.work_once(TIME_MS).await, 1);
    let calls = undisturbed.stage.faults.calls("SendMessageBatch");
    undisturbed.reaches_each_once(&message, "nothing fails").await;
    for way in [Way::BROKEN, Way::AnswerLost] {
        let mut goes_on = false;
        // How many calls a page takes depends on who waits together; so the fault may hit the first page, too.
        for _ in 0..10 {
            let scene = Scene::new(MANY, SignatureScheme::V1).await;
            let message = scene.publish().await;
            let before = scene.stage.faults.calls("SendMessage");
            scene.stage.faults.after("SendMessageBatch", calls * 3 / 5, way, 2);
            assert_eq!(scene.stage.work_once(TIME_MS).await, 1);
            scene.stage.faults.stop();
            goes_on = scene.stage.faults.calls("SendMessage") > before;
            if !goes_on {
                scene.stage.clock.forward_s(HELD_BACK_S);
            }
            scene.reaches_each_once(&message, &format!("{way:?}")).await;
            if goes_on {
                break;
            }
        }
        assert!(goes_on, "{way:?}: it goes on behind the first page");
    }
}

#[tokio::test]
async fn a_fault_at_the_beginning_leaves_the_job_in_its_queue() {
    let scene = Scene::new(MANY, SignatureScheme::V1).await;
    let message = scene.publish().await;
    scene.stage.faults.next("SendMessageBatch", Way::BROKEN, 4);
    scene.stage.work(TIME_MS).await;
    scene.stage.faults.end();
    assert!(scene.stage.backlog().await.0 < MANY);
    scene.stage.clock.forward_s(HELD_BACK_S);
    scene.reaches_each_once(&message, "the job came again").await;
}

#[tokio::test]
async fn when_time_is_up_another_invocation_goes_on_behind_the_last_page() {
    let scene = Scene::new(MANY, SignatureScheme::V1).await;
    let message = scene.publish().await;
    assert_eq!(scene.stage.work_once(0).await, 1, "no time at all: the job is put back");
    assert_eq!(scene.stage.backlog().await.0, 0);
    let Job::FanOut(job) = scene.take_job().await else { panic!("another job") };
    let mut platform = scene.stage.platform.clone();
    platform.effects.clock = Arc::new(scene.stage.clock.ticking(1_000));
    let stop_at = scene.stage.platform.effects.now().plus_millis(1_500);
    let left = AcceptMessage::new(&platform).fan_out(job, stop_at).await.unwrap();
    assert_eq!((left, scene.stage.backlog().await.0), (Fanned::Queued, 100), "one page");
    scene.reaches_each_once(&message, "").await;
}

#[tokio::test]
async fn a_publish_that_could_not_queue_its_job_is_not_accepted_and_its_repeat_is() {
    for way in [Way::BROKEN, Way::AnswerLost] {
        let scene = Scene::new(FAN_OUT_INLINE_MAX + 1, SignatureScheme::V1).await;
        scene.stage.faults.next("SendMessage", way, 1);
        let application = scene.scope.application.to_string();
        assert_eq!(scene.stage.publish(&application, Some("k"), json!({})).await.status, 503, "{way:?}");
        scene.stage.faults.end();
        scene.stage.work(TIME_MS).await;
        scene.stage.deliver_all().await;
        let message = scene.publish().await;
        scene.reaches_each_once(&message, &format!("{way:?}")).await;
    }
}

#[tokio::test]
async fn a_message_for_later_waits_for_its_time_and_can_be_called_off() {
    for is_canceled in [false, true] {
        let scene = Scene::new(FAN_OUT_INLINE_MAX + 1, SignatureScheme::V1).await;
        let at = scene.stage.platform.effects.now().plus_millis(3_600_000).to_rfc3339();
        let body = json!({ "eventType": "order.placed", "payload": {}, "deliverAt": at });
        let message = scene.stage.call("POST", &scene.path("/msg"), Some(body)).await.id();
        if is_canceled {
            let path = scene.path(&format!("/msg/{message}/cancel"));
            assert!(scene.stage.call("POST", &path, None).await.status.is_success());
        }
        scene.stage.work(TIME_MS).await;
        let waiting = items_of(&scene.stage.engines, "D#").await.len();
        assert_eq!(waiting, if is_canceled { 0 } else { scene.count });
        scene.stage.clock.forward_s(3_600);
        assert_eq!(scene.stage.sweep().await, waiting);
        scene.stage.deliver_all().await;
        assert_eq!(scene.receiver.of(&message).len(), waiting);
    }
}

#[tokio::test]
async fn an_application_with_all_the_endpoints_it_may_have_works_as_any_other() {
    let scene = Scene::new(ENDPOINTS_PER_APPLICATION_MAX, SignatureScheme::V1a).await;
    let more = json!({ "url": scene.receiver.url("/more") });
    let refused = scene.stage.call("POST", &scene.path("/endpoint"), Some(more)).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (400, &json!("limit_reached")));

    let message = scene.publish().await;
    scene.stage.work(TIME_MS).await;
    assert_eq!(scene.stage.backlog().await.0, ENDPOINTS_PER_APPLICATION_MAX);
    for list in ["/endpoint".to_owned(), format!("/msg/{message}/endpoint")] {
        let (mut count, mut iterator) = (0, String::new());
        loop {
            let path = scene.path(&format!("{list}?limit=250{iterator}"));
            let page = scene.stage.call("GET", &path, None).await.json();
            count += page["data"].as_array().unwrap().len();
            iterator = format!("&iterator={}", page["iterator"].as_str().unwrap_or_default());
            if page["done"] == json!(true) {
                break;
            }
        }
        assert_eq!(count, ENDPOINTS_PER_APPLICATION_MAX, "{list}");
    }
    let path = format!("/.well-known/webhooks/{ORGANIZATION}/{}/jwks.json", scene.scope.application);
    let asked = Request::get(path).body(axum::body::Body::empty()).unwrap();
    let keys: Value = Answer::read(scene.stage.router("manage").oneshot(asked).await.unwrap()).await.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), ENDPOINTS_PER_APPLICATION_MAX - 1, "the first signs v1");

    assert_eq!(scene.stage.call("DELETE", &scene.path(""), None).await.status, 204);
    let AppScope { organization, application } = scene.scope;
    let prefix = format!("A#{}#{}", organization.ksuid(), application.ksuid());
    assert_eq!(items_of(&scene.stage.engines, &prefix).await.len(), 0);
}

#[tokio::test]
async fn a_dead_job_puts_nothing_on_record_of_what_was_attempted() {
    let scene = Scene::new(MANY, SignatureScheme::V1).await;
    let message = scene.publish().await;
    let job = scene.take_job().await;
    let platform = &scene.stage.platform;
    JobQueue::new(&platform.sdk, &platform.settings.job_queue_url).send(job.clone()).await.unwrap();
    scene.reaches_each_once(&message, "").await;
    Bury::new(platform).job(job).await.unwrap();
    let items = items_of(&scene.stage.engines, "M#").await;
    let records = items.iter().filter(|item| text(item, "sk").starts_with("U#"));
    assert_eq!(records.count(), 0, "every endpoint has it");
}
