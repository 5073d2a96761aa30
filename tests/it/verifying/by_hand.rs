//! By hand: what follows stands in `docs/VERIFYING.md` as it is.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

const TOLERANCE_S: u64 = 300;

/// Whether the owner of the secret has sent these bytes, just now. None: no.
pub fn verify(secret: &str, headers: &http::HeaderMap, body: &[u8]) -> Option<()> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let (id, sent_at) = (header("webhook-id")?, header("webhook-timestamp")?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    if now.abs_diff(sent_at.parse().ok()?) > TOLERANCE_S {
        return None;
    }
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signed = [format!("{id}.{sent_at}.").as_bytes(), body].concat();
    let fits = |signature: &str| {
        let value = signature.strip_prefix("v1,").and_then(|value| BASE64.decode(value).ok());
        value.is_some_and(|value| hmac::verify(&key, &signed, &value).is_ok()) // in constant time
    };
    header("webhook-signature")?.split(' ').any(fits).then_some(())
}
