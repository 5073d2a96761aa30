//! The audit log on the wire.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::actor::Actor;
use crate::domain::audit::{Author, Change, Changed, FieldChange};
use crate::domain::ids::{ApplicationId, ChangeId, RequestId};
use crate::domain::timestamp::Timestamp;

/// One change of the configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeOut {
    /// Its identifier.
    id: ChangeId,
    /// When.
    timestamp: Timestamp,
    /// By whom.
    actor: ActorOut,
    /// What was done: noun and verb, such as `endpoint.update`.
    operation: &'static str,
    /// Identifier or name of what was changed.
    thing: String,
    /// The application it belongs to, if it belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<ApplicationId>,
    /// What differs; nothing: it was set to what it was.
    changes: Vec<FieldChangeOut>,
    /// The request that did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActorOut {
    /// `token` is a token that is signed with the gateway's secret, `identity` whom an identity provider vouches for, `api-key`
    /// and `portal` what they say, `gateway` the gateway itself.
    kind: &'static str,
    /// The identity's subject, the key's identifier, or the name of the portal's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Whose portal.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<ApplicationId>,
}

/// A field that differs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldChangeOut {
    /// Its name.
    field: String,
    /// What was there, if it may be shown. A long value is cut, with `…` at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    /// What is there now, if it may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    /// Whether there is more to it than is shown: a secret, a header's value, what follows `?` in a URL.
    secret: bool,
}

impl From<Change> for ChangeOut {
    fn from(change: Change) -> Self {
        let Changed { thing, application, fields } = change.changed;
        let Author { organization: _, actor, request_id } = change.author;
        Self {
            id: change.id,
            timestamp: change.at,
            actor: actor.into(),
            operation: change.operation.as_str(),
            thing,
            app_id: application,
            changes: fields.into_iter().map(FieldChangeOut::from).collect(),
            request_id,
        }
    }
}

impl From<Actor> for ActorOut {
    fn from(actor: Actor) -> Self {
        let (kind, id, app_id) = match actor {
            Actor::Token => ("token", None, None),
            Actor::Identity { subject } => ("identity", Some(subject), None),
            Actor::ApiKey { id } => ("api-key", Some(id.to_string()), None),
            Actor::Portal { application, token } => ("portal", Some(token), Some(application)),
            Actor::Gateway => ("gateway", None, None),
        };
        Self { kind, id, app_id }
    }
}

impl From<FieldChange> for FieldChangeOut {
    fn from(FieldChange { name, before, after, is_secret }: FieldChange) -> Self {
        Self { field: name, before, after, secret: is_secret }
    }
}
