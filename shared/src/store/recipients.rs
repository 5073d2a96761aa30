//! What delivering a batch of tasks reads: their endpoints, these endpoints' gates, and their applications, in one call.

use std::collections::{BTreeMap, BTreeSet};

use super::{Store, applications, endpoints, gates, key_text, keys};
use crate::domain::application::Application;
use crate::domain::endpoint::Endpoint;
use crate::domain::gate::Gate;
use crate::domain::ids::{AppScope, EndpointId};
use crate::fault::Fault;

/// Who gets a batch of deliveries. What is gone is missing.
#[derive(Clone, Debug, Default)]
pub struct Recipients {
    endpoints: BTreeMap<(AppScope, EndpointId), Endpoint>,
    gates: BTreeMap<(AppScope, EndpointId), Gate>,
    applications: BTreeMap<AppScope, Application>,
}

impl Recipients {
    /// The endpoint, if it is there.
    pub fn endpoint(&self, scope: &AppScope, id: &EndpointId) -> Option<&Endpoint> {
        self.endpoints.get(&(*scope, *id))
    }

    /// The endpoint's gate; one that was never needed is that of a healthy endpoint.
    pub fn gate(&self, scope: &AppScope, id: &EndpointId) -> Gate {
        self.gates.get(&(*scope, *id)).cloned().unwrap_or_default()
    }

    /// The application, if it is there.
    pub fn application(&self, scope: &AppScope) -> Option<&Application> {
        self.applications.get(scope)
    }
}

impl Store {
    /// The recipients of deliveries to these endpoints.
    pub async fn recipients(&self, wanted: impl Iterator<Item = (AppScope, EndpointId)>) -> Result<Recipients, Fault> {
        enum Kind {
            Endpoint(AppScope, EndpointId),
            Gate(AppScope, EndpointId),
            Application(AppScope),
        }
        let mut by_key = BTreeMap::new();
        for (scope, id) in wanted.collect::<BTreeSet<_>>() {
            let of_application = keys::application(&scope);
            by_key.insert((of_application.clone(), keys::endpoint_sk(&id)), Kind::Endpoint(scope, id));
            by_key.insert((of_application, keys::APPLICATION.to_owned()), Kind::Application(scope));
            by_key.insert((keys::endpoint_gate(&scope, &id), keys::GATE.to_owned()), Kind::Gate(scope, id));
        }
        let items = self.batch_get("reading recipients", by_key.keys().cloned().collect()).await?;
        let mut recipients = Recipients::default();
        // One that was sealed with a key that was erased is gone, too.
        for item in &self.readable(items).await? {
            let key = |name| key_text(item, name).unwrap_or_default().to_owned();
            match by_key.get(&(key("pk"), key("sk"))) {
                Some(Kind::Endpoint(scope, id)) => {
                    recipients.endpoints.insert((*scope, *id), endpoints::from_item(item)?);
                }
                Some(Kind::Gate(scope, id)) => {
                    recipients.gates.insert((*scope, *id), gates::from_item(item)?);
                }
                Some(Kind::Application(scope)) => {
                    recipients.applications.insert(*scope, applications::from_item(item)?);
                }
                None => {}
            }
        }
        Ok(recipients)
    }
}
