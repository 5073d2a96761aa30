//! What receivers verify asymmetric signatures with: the public keys of an application's endpoints.

use super::Configure;
use crate::domain::endpoint::{ENDPOINTS_PER_APPLICATION_MAX, Endpoint};
use crate::domain::ids::AppScope;
use crate::domain::page::{Order, PageRequest};
use crate::domain::public_key::PublicKey;
use crate::domain::signature::SigningSecret;
use crate::flows::{Refusal, Thing};
use crate::store::ApplicationRef;

impl Configure {
    /// Every key that signs now, those of a replaced secret included while it does. Of each only once.
    pub async fn public_keys(&self, scope: &AppScope) -> Result<Vec<PublicKey>, Refusal> {
        let named = ApplicationRef::Id(scope.application);
        if self.store.application(&scope.organization, &named).await?.is_none() {
            return Err(Refusal::NotFound(Thing::Application));
        }
        // One page holds them all.
        let request = PageRequest { limit: ENDPOINTS_PER_APPLICATION_MAX, cursor: None, order: Order::Ascending };
        let endpoints = self.store.list_endpoints(scope, &request).await?.items;
        let now = self.effects.now();
        let of_endpoint = |endpoint: &Endpoint| {
            endpoint.secrets.valid_at(now).filter_map(SigningSecret::public_key).collect::<Vec<_>>()
        };
        let mut keys: Vec<PublicKey> = Vec::new();
        for key in endpoints.iter().flat_map(of_endpoint) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Ok(keys)
    }
}
