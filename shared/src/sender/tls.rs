//! TLS: rustls on aws-lc, the roots of the operating system, and our words for what goes wrong.
//!
//! Nothing is installed for the whole process, and the roots are read by the first connection that needs them: a cold
//! start that never speaks TLS to a receiver does not pay the milliseconds.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use hyper_rustls::ConfigBuilderExt;
use rustls::crypto::aws_lc_rs;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::failure::Failure;

/// Whom to believe.
pub(super) enum Roots {
    /// What the operating system trusts.
    System,
    /// These only.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests bring their own authority"))]
    Only(RootCertStore),
}

/// The TLS configuration, made on first use.
pub(super) struct Tls {
    roots: Roots,
    config: OnceLock<Arc<ClientConfig>>,
}

impl Tls {
    pub(super) fn new(roots: Roots) -> Self {
        Self { roots, config: OnceLock::new() }
    }

    /// A failure is not kept: the next connection tries again. Two that come first at the same time both read the
    /// roots, and one result stays.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, Failure> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let made = self.make().inspect_err(|error| tracing::error!(%error, "preparing TLS for deliveries"));
        let made = made.map_err(|_| Failure::unreachable("TLS is not set up on the sending machine"))?;
        Ok(self.config.get_or_init(|| Arc::new(made)).clone())
    }

    fn make(&self) -> Result<ClientConfig, Box<dyn std::error::Error>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = match &self.roots {
            Roots::System => builder.with_native_roots()?,
            Roots::Only(roots) => builder.with_root_certificates(roots.clone()),
        };
        Ok(builder.with_no_client_auth())
    }
}

/// Our words for a broken handshake or stream.
pub(super) fn failure(error: &rustls::Error) -> Failure {
    let what = match error {
        rustls::Error::InvalidCertificate(reason) => certificate_words(reason),
        rustls::Error::AlertReceived(alert) => {
            let reason = format!("TLS failed: the receiver refused with the alert {alert:?}");
            return Failure::Unreachable(Cow::Owned(reason));
        }
        rustls::Error::PeerIncompatible(_) => "TLS failed: no common protocol version or cipher",
        _ => "TLS failed",
    };
    Failure::unreachable(what)
}

fn certificate_words(reason: &CertificateError) -> &'static str {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "TLS failed: the receiver's certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "TLS failed: the receiver's certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "TLS failed: the receiver's certificate is for another name"
        }
        CertificateError::UnknownIssuer => {
            "TLS failed: the chain of the receiver's certificate leads to no known issuer"
        }
        CertificateError::Revoked => "TLS failed: the receiver's certificate is revoked",
        _ => "TLS failed: the receiver's certificate is not valid",
    }
}
