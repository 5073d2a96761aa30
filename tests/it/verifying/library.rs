//! With the library of Standard Webhooks: what follows stands in `docs/VERIFYING.md` as it is.

use standardwebhooks::{Webhook, WebhookError};

pub fn verify(secret: &str, headers: &http::HeaderMap, body: &[u8]) -> Result<(), WebhookError> {
    Webhook::new(secret)?.verify(body, headers)
}
