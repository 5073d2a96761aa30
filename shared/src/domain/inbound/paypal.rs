//! PayPal, as its page "Integrate webhooks" has it: `PAYPAL-TRANSMISSION-SIG`, RSA over SHA-256 in base64, of
//! transmission id, time, webhook id and the CRC-32 of the body, with bars between them. The key is that of a certificate
//! whose address PayPal sends along.
//!
//! - **The certificate is PayPal's because of where it stands**: under one path of PayPal's own hosts, fetched over TLS.
//!   Besides, it must be valid now and be one for a name of PayPal's, so no other file of those hosts will do.
//! - **Only the CRC-32 of the body is signed.** Whoever sees a transmission can make another body that fits; PayPal has
//!   no better scheme that needs no call to its API. TLS keeps transmissions from being seen.
//! - A retry has the same `id`. PayPal tries for three days and does not say whether a retry has a time of its own, so
//!   the time may be that old.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use url::Url;
use webpki::{EndEntityCert, KeyUsage, aws_lc_rs as algorithms};

use super::claim::Claim;
use super::event::Names;
use super::provider::PaypalWebhookId;
use super::tolerance::must_be_recent;
use super::{Rejected, Verified};
use crate::domain::timestamp::Timestamp;

const SIGNATURE: &str = "paypal-transmission-sig";
const TRANSMISSION_ID: &str = "paypal-transmission-id";
const TIME: &str = "paypal-transmission-time";
const ALGORITHM: &str = "paypal-auth-algo";
const CERTIFICATE_URL: &str = "paypal-cert-url";

/// Hosts of PayPal's API, live and sandbox.
const HOSTS: [&str; 4] = ["api.paypal.com", "api.sandbox.paypal.com", "api-m.paypal.com", "api-m.sandbox.paypal.com"];

/// Below this they have certificates, and nothing else.
const PATH: &str = "/v1/notifications/certs/";

/// What a name in the certificate begins and ends with: `messageverificationcerts.paypal.com`, in the sandbox another
/// label between.
const NAME: (&str, &str) = ("messageverificationcerts.", ".paypal.com");

/// The retries, and an hour.
const TOLERANCE_SECONDS: u32 = 73 * 3_600;

/// Without the certificate the answer is where it stands.
pub(super) fn verify(
    claim: &Claim<'_>,
    webhook_id: &PaypalWebhookId,
    certificate: Option<&[u8]>,
) -> Result<Verified, Rejected> {
    let malformed = |header: &str| Rejected::Malformed(header.to_owned());
    if !claim.header(ALGORITHM)?.eq_ignore_ascii_case("SHA256withRSA") {
        return Err(malformed(ALGORITHM));
    }
    let signature = STANDARD.decode(claim.header(SIGNATURE)?).map_err(|_| malformed(SIGNATURE))?;
    let (id, time) = (claim.header(TRANSMISSION_ID)?, claim.header(TIME)?);
    let signed_at = Timestamp::parse_rfc3339(time).map_err(|_| malformed(TIME))?;
    let address = certificate_address(claim.header(CERTIFICATE_URL)?).ok_or_else(|| malformed(CERTIFICATE_URL))?;
    // Before anything is fetched for it.
    must_be_recent(signed_at, claim.now, TOLERANCE_SECONDS)?;
    let Some(certificate) = certificate else { return Ok(Verified::NeedsCertificate(address)) };

    let crc = crc32fast::hash(claim.body());
    let signed = format!("{id}|{time}|{}|{crc}", webhook_id.as_str());
    verify_by(certificate, claim.now, signed.as_bytes(), &signature).ok_or(Rejected::Mismatch)?;
    let event = claim.event(|body| Names { id: body.name("id"), event_type: body.name("event_type") })?;
    Ok(event.into())
}

/// The address in the form in which it is called, when it is PayPal's.
fn certificate_address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_theirs = url.scheme() == "https"
        && url.host_str().is_some_and(|host| HOSTS.contains(&host))
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.path().strip_prefix(PATH).is_some_and(|name| !name.is_empty() && is_plain(name));
    is_theirs.then(|| url.into())
}

/// `CERT-360caa42-fca2a594-a5cafa77`
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// `None` unless the first certificate of the file is valid, PayPal's, and its key made the signature.
fn verify_by(pem: &[u8], now: Timestamp, signed: &[u8], signature: &[u8]) -> Option<()> {
    let der = CertificateDer::from_pem_slice(pem).ok()?;
    let certificate = EndEntityCert::try_from(&der).ok()?;
    let is_named = certificate.valid_dns_names().any(|name| name.starts_with(NAME.0) && name.ends_with(NAME.1));
    if !is_named || !is_valid_at(&certificate, now) {
        return None;
    }
    certificate.verify_signature(algorithms::RSA_PKCS1_2048_8192_SHA256, signed, signature).ok()
}

/// The time is checked before an issuer is looked for, and there is none to be found: where the certificate stands says whose
/// it is.
fn is_valid_at(certificate: &EndEntityCert<'_>, now: Timestamp) -> bool {
    let seconds = u64::try_from(now.as_seconds()).unwrap_or_default();
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let checked = certificate.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[],
        &[],
        time,
        KeyUsage::server_auth(),
        None,
        None,
    );
    matches!(checked.map(drop), Err(webpki::Error::UnknownIssuer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(certificate_address(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn a_certificate_stands_at_one_of_paypals_own_addresses() {
        for host in HOSTS {
            let address = format!("https://{host}/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77");
            check(&address, Some(&address));
        }
        check(
            "HTTPS://API.PayPal.com:443/v1/notifications/certs/x",
            Some("https://api.paypal.com/v1/notifications/certs/x"),
        );
        for wrong in [
            "",
            "http://api.paypal.com/v1/notifications/certs/x",
            "https://api.paypal.com.example.com/v1/notifications/certs/x",
            "https://example.com/v1/notifications/certs/x",
            "https://www.paypal.com/v1/notifications/certs/x",
            "https://api.paypal.com:8443/v1/notifications/certs/x",
            "https://user@api.paypal.com/v1/notifications/certs/x",
            "https://api.paypal.com@example.com/v1/notifications/certs/x",
            "https://api.paypal.com/v1/notifications/certs/",
            "https://api.paypal.com/v1/notifications/certs/../../x",
            "https://api.paypal.com/v1/notifications/certs/..%2fx",
            "https://api.paypal.com/v1/notifications/certs/x/y",
            "https://api.paypal.com/v1/notifications/certs/x?y",
            "https://api.paypal.com/v1/notifications/certs/x#y",
            "https://api.paypal.com/other/x",
        ] {
            check(wrong, None);
        }
    }

    fn judged(pem: &[u8], now: &str) -> bool {
        use aws_lc_rs::rand::SystemRandom;
        let key = aws_lc_rs::rsa::KeyPair::from_pkcs8(include_bytes!("tests/certificates/paypal-key.der")).unwrap();
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &SystemRandom::new(), b"signed", &mut signature).unwrap();
        verify_by(pem, Timestamp::parse_rfc3339(now).unwrap(), b"signed", &signature).is_some()
    }

    /// The certificates are of the year 2025 and have the same key.
    #[test]
    fn a_certificate_is_valid_now_and_has_paypals_name() {
        let right = include_bytes!("tests/certificates/paypal.pem");
        let year = ["2024-12-31T23:59:59Z", "2025-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z"];
        assert_eq!(year.map(|now| judged(right, now)), [false, true, true, false]);
        assert!(!judged(include_bytes!("tests/certificates/other-name.pem"), "2025-06-01T00:00:00Z"));
        for wrong in [&b""[..], b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &right[..600]] {
            assert!(!judged(wrong, "2025-06-01T00:00:00Z"));
        }
    }
}
