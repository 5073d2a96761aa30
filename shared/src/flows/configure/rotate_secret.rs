//! Rotating an endpoint's secret: a new one signs, and the old one goes on signing next to it for a while, so that receivers
//! can switch without missing a delivery.

use super::endpoints::checked;
use super::{Configure, CreationKey, EndpointName, OVERTAKEN_MAX, Refusal, key_reused, overtaken};
use crate::domain::audit::{Author, Changed, Operation};
use crate::domain::endpoint::Endpoint;
use crate::domain::operational::{OperationalEvent, Whose};
use crate::domain::signature::{SECRET_BYTES_DEFAULT, SignatureScheme, SigningSecret};
use crate::flows::Thing;
use crate::store::Updated;

/// What a caller asks for.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The new secret; none: one is made.
    pub secret: Option<SigningSecret>,
    /// What a secret that is made is for; none: the same as the old one.
    pub scheme: Option<SignatureScheme>,
    /// For how long the old one goes on signing.
    pub grace_ms: i64,
}

impl Configure {
    /// Rotates the secret, once for an idempotency key. A repeat is answered with the endpoint as it is.
    pub async fn rotate_secret(
        &self,
        by: &Author,
        named: &EndpointName,
        rotation: Rotation,
        key: Option<CreationKey<'_>>,
    ) -> Result<Endpoint, Refusal> {
        const NO_ENDPOINT: Refusal = Refusal::NotFound(Thing::Endpoint);
        let (scope, application) = self.owner(&named.organization, &named.application).await?;
        let whose = Whose::of(&scope, &application);
        let mut bytes = [0; SECRET_BYTES_DEFAULT];
        self.effects.random.fill(&mut bytes);
        for _ in 0..OVERTAKEN_MAX {
            let before = self.store.endpoint(&scope, &named.endpoint).await?.ok_or(NO_ENDPOINT)?;
            let now = self.effects.now();
            let scheme = rotation.scheme.unwrap_or(before.secrets.current.scheme());
            let secret = rotation.secret.clone().unwrap_or_else(|| scheme.secret_of(bytes));
            let secrets = before.secrets.rotated(secret, now, now.plus_millis(rotation.grace_ms));
            let secrets = secrets.map_err(|reason| Refusal::LimitReached(reason.0))?;
            let after = Endpoint { secrets, updated_at: now.later_than(before.updated_at), ..before.clone() };
            let after = checked(after, if rotation.secret.is_some() { "key" } else { "signature" })?;
            let changed = Changed::between(&before, &after).within(scope.application);
            let change = self.audit.of(by, Operation::EndpointRotateSecret, changed);
            let updated = match self.idempotency(key, &format!("secret of {}", before.id)) {
                None => self.store.update_endpoint(&scope, &before, &after, &change).await?,
                Some(once) => self.store.update_endpoint_once(&scope, &before, &after, &once, &change).await?,
            };
            match updated {
                Updated::Done => {
                    self.announce(&OperationalEvent::endpoint_changed(whose, &before, &after)).await;
                    return Ok(after);
                }
                // As it is: when nothing came in between, the change that the first request made.
                Updated::Repeat { is_same_request: true } => {
                    self.announce(&OperationalEvent::endpoint_changed(whose, &before, &before)).await;
                    return Ok(before);
                }
                Updated::Repeat { is_same_request: false } => return Err(key_reused()),
                Updated::UidTaken | Updated::Raced => {}
            }
        }
        Err(overtaken())
    }
}
