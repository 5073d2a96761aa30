//! Something of everything: what the operations are asked about.

use std::collections::BTreeMap;

use fanfare::config::JwtSecret;
use fanfare::domain::ids::OrganizationId;
use fanfare::domain::undelivered::UndeliveredBecause;
use fanfare::http::auth::issue_token;
use fanfare::http::routes::Route;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::cases::Case;
use crate::harness::table::items;
use crate::harness::{Answer, JWT_SECRET, ORGANIZATION, Stage, as_json, request};

const STRANGER: &str = "org_2AnotherOrganization0000000";

/// An organization with an application `acme`, its endpoint `main`, a message with an attempt, an event type, a background
/// task, an API key, an operational endpoint, a source `hooks` and an open one; and an application `other`.
pub(super) struct Fixture {
    stage: Stage,
    pub(super) owner: String,
    pub(super) stranger: String,
    pub(super) endpoint: String,
    application: String,
    message: String,
    attempt: String,
    task: String,
    operational: String,
    import: String,
    etag: String,
    api_key: String,
    /// The two parts of an address that takes everything.
    inbound: (String, String),
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let stage = Stage::new(&[("FANFARE_RETRY_SCHEDULE", "")]).await;
        let create = async |path: &str, body: Value| stage.call("POST", path, Some(body)).await.json();
        for uid in ["acme", "other"] {
            create("/api/v1/app", json!({ "name": uid, "uid": uid })).await;
        }
        let application = stage.call("GET", "/api/v1/app/acme", None).await.id();
        let schema = json!({ "1": { "type": "object", "example": { "n": 1 } } });
        create("/api/v1/event-type", json!({ "name": "a.b", "description": "", "schemas": schema })).await;
        // A port nobody listens at: its attempts fail at once.
        let endpoint = json!({ "url": "http://127.0.0.1:8/", "uid": "main" });
        let endpoint = create("/api/v1/app/acme/endpoint", endpoint).await["id"].as_str().unwrap().to_owned();
        let message = json!({ "eventType": "a.b", "eventId": "event-1", "payload": { "n": 1 } });
        let message = create("/api/v1/app/acme/msg", message).await["id"].as_str().unwrap().to_owned();
        stage.deliver_all().await;
        let attempt = stage.attempts("acme", &message).await[0]["id"].as_str().unwrap().to_owned();
        stage.record(&application, &endpoint, &message, 2, UndeliveredBecause::EndpointDisabled).await;
        let task = stage.call("PUT", "/api/v1/stats/usage/event-types", None).await.id();
        // A file in several parts, of which one is uploaded.
        let import = create("/api/v1/app/acme/import", json!({ "size": 2_000_000_000 })).await;
        let etag = stage.upload_part(&import, 1, b"{}").await;
        let api_key = create("/api/v1/auth/api-key", json!({ "name": "Backend", "role": "publisher" })).await;
        let operational = json!({ "url": "http://127.0.0.1:8/", "uid": "ops" });
        let operational = create("/api/v1/operational-webhook/endpoint", operational).await;
        let hooks = json!({ "name": "Hooks", "uid": "hooks", "provider": { "kind": "github" }, "appId": "acme" });
        create("/api/v1/source", hooks).await;
        let open =
            create("/api/v1/source", json!({ "name": "Open", "provider": { "kind": "none" }, "appId": "acme" })).await;
        let mut address = open["ingestUrl"].as_str().unwrap().rsplit('/').map(str::to_owned);
        let inbound = (address.next().unwrap(), address.next().unwrap());
        let now = stage.platform.effects.now();
        let token = |organization: &str| {
            let organization = OrganizationId::parse(organization).unwrap();
            issue_token(&JwtSecret::parse(JWT_SECRET).unwrap(), &organization, now, 86_400).unwrap()
        };
        Self {
            owner: token(ORGANIZATION),
            stranger: token(STRANGER),
            operational: operational["id"].as_str().unwrap().to_owned(),
            inbound,
            stage,
            endpoint,
            application,
            message,
            attempt,
            task,
            import: import["id"].as_str().unwrap().to_owned(),
            etag,
            api_key: api_key["id"].as_str().unwrap().to_owned(),
        }
    }

    /// What a path parameter of this route is when all is well.
    fn value(&self, route: &Route, parameter: &str) -> &str {
        match parameter {
            "org_id" => ORGANIZATION,
            // Without a token nobody may guess names.
            "app_id" if route.path.contains(".well-known") => &self.application,
            "app_id" => "acme",
            "endpoint_id" if route.path.contains("operational-webhook") => &self.operational,
            "endpoint_id" => "main",
            "msg_id" => &self.message,
            "attempt_id" => &self.attempt,
            "event_type_name" => "a.b",
            "task_id" => &self.task,
            "import_id" => &self.import,
            "key_id" => &self.api_key,
            "source_id" if route.path.starts_with("/in/") => &self.inbound.1,
            "source_id" => "hooks",
            "token" => &self.inbound.0,
            other => panic!("nobody knows what {other} is"),
        }
    }

    pub(super) fn path(&self, route: &Route) -> String {
        let fill = |path: String, parameter: &str| {
            let value = self.value(route, parameter);
            path.replace(&format!("{{{parameter}}}"), value)
        };
        parameters(route).into_iter().fold(route.path.to_owned(), fill)
    }

    pub(super) fn path_with(&self, route: &Route, parameter: &str, value: &str) -> String {
        let form = route.path.replace(&format!("{{{parameter}}}"), value);
        let fill = |path: String, each: &str| path.replace(&format!("{{{each}}}"), self.value(route, each));
        parameters(route).into_iter().filter(|each| *each != parameter).fold(form, fill)
    }

    pub(super) fn body(&self, case: &Case) -> Option<Value> {
        let at = |ms: i64| self.stage.platform.effects.now().plus_millis(ms).to_rfc3339();
        let text = case.body?.replace("$AN_HOUR_AGO", &at(-3_600_000)).replace("$NOW", &at(0));
        let text = text.replace("$ETAG", &self.etag.replace('"', "\\\""));
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", case.operation)))
    }

    /// Asks the route about what is there.
    pub(super) async fn ask(&self, route: &Route, case: &Case, token: &str) -> Answer {
        let path = self.path_of(route).await;
        self.send(token, route, &path, self.body(case)).await
    }

    /// The route's path, about something it succeeds on.
    pub(super) async fn path_of(&self, route: &Route) -> String {
        match route.operation {
            "message.cancel" => format!("/api/v1/app/acme/msg/{}/cancel", self.message_for_later().await),
            _ => self.path(route),
        }
    }

    /// How often each operation of the engines was called.
    pub(super) fn calls(&self) -> BTreeMap<String, usize> {
        self.stage.faults.all_calls()
    }

    async fn message_for_later(&self) -> String {
        let at = self.stage.platform.effects.now().plus_millis(3_600_000).to_rfc3339();
        let body = json!({ "eventType": "a.b", "payload": {}, "deliverAt": at, "eventId": "later" });
        self.stage.call("POST", "/api/v1/app/acme/msg", Some(body)).await.id()
    }

    pub(super) async fn send(&self, token: &str, route: &Route, path: &str, body: Option<Value>) -> Answer {
        self.request(token, route, path, as_json(body), None).await
    }

    pub(super) async fn send_text(&self, route: &Route, path: &str, content_type: &str, body: String) -> Answer {
        self.request(&self.owner, route, path, Some((content_type, body)), None).await
    }

    pub(super) async fn send_with_key(&self, route: &Route, path: &str, body: Option<Value>, key: &str) -> Answer {
        self.request(&self.owner, route, path, as_json(body), Some(key)).await
    }

    async fn request(
        &self,
        token: &str,
        route: &Route,
        path: &str,
        body: Option<(&str, String)>,
        key: Option<&str>,
    ) -> Answer {
        let request = request(token, route.method, path, body, key);
        Answer::read(self.stage.router(route.function).oneshot(request).await.unwrap()).await
    }

    /// A portal's token for an application.
    pub(super) async fn portal(&self, application: &str, asked: Value) -> String {
        let path = format!("/api/v1/auth/app-portal-access/{application}");
        self.stage.call("POST", &path, Some(asked)).await.json()["token"].as_str().unwrap().to_owned()
    }

    /// Everything the organization has stored, apart from what a stranger's or a portal's own session leaves.
    pub(super) async fn snapshot(&self) -> Vec<String> {
        let own = OrganizationId::parse(ORGANIZATION).unwrap().ksuid().to_string();
        let mut found: Vec<_> = items(&self.stage.engines)
            .await
            .into_iter()
            .map(|item| {
                let mut attributes: Vec<_> =
                    item.into_iter().map(|(name, value)| format!("{name}={value:?}")).collect();
                attributes.sort();
                attributes.join(" ")
            })
            .filter(|item| item.contains(&own) && !item.contains("pk=S(\"S#"))
            .collect();
        found.sort();
        found
    }
}

/// The parameters of a route's path.
pub(super) fn parameters(route: &Route) -> Vec<&'static str> {
    let parts = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    parts.collect()
}

/// Values that name nothing: well-formed ones and others.
pub(super) fn nothing(parameter: &str) -> [&'static str; 3] {
    match parameter {
        "app_id" => ["none", "app_35voeScxPEP8ejsRbL1w201y48C", "a%20b"],
        "endpoint_id" => ["none", "ep_35voepzlOuVv9wfe6WSZTVTWxKG", "a%20b"],
        "msg_id" => ["none", "msg_35vofMC0c9IB43LUHCitvnu4qIm", "a%20b"],
        "attempt_id" => ["none", "atmpt_35vofMC0c9IB43LUHCitvnu4qIm", "msg_35vofMC0c9IB43LUHCitvnu4qIm"],
        "event_type_name" => ["none", "none.such", "a%20b"],
        "key_id" => ["none", "key_35voeScxPEP8ejsRbL1w201y48C", "a%20b"],
        "import_id" => ["none", "imp_35voeScxPEP8ejsRbL1w201y48C", "a%20b"],
        "task_id" => ["none", "qtask_35voeScxPEP8ejsRbL1w201y48C", "a%20b"],
        "source_id" => ["none", "src_35voeScxPEP8ejsRbL1w201y48C", "a%20b"],
        other => panic!("nobody knows what {other} is"),
    }
}
