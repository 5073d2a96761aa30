//! Secrets and settings: what is taken, what is refused, and what can be read back.

use super::inbound::{GENERATED_SECRET_BYTES, PROVIDER_KINDS, Provider};
use super::sample::samples;

fn provider(json: &str) -> Result<Provider, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[track_caller]
fn check(kind: &str, text: &str, is_taken: bool) {
    let provider = provider(&format!(r#"{{"kind":"{kind}"}}"#)).unwrap();
    assert_eq!(provider.check_secret(text).is_ok(), is_taken, "{kind}: {text:?}");
}

#[test]
fn a_secret_has_the_form_that_its_provider_gives_it() {
    check("stripe", "whsec_x", true);
    check("stripe", "sk_live_x", false);
    check("github", "anything at all", true);
    for never in ["", " x", "x\n", "ü", &"x".repeat(513)] {
        check("github", never, false);
        check("adyen", never, false);
    }
    check("adyen", &"0f".repeat(32), true);
    check("adyen", &"0F".repeat(16), true);
    for wrong in ["0f", "0g0g0g0g0g0g0g0g0g0g0g0g0g0g0g0g0g", &"0".repeat(63)] {
        check("adyen", wrong, false);
    }
    check("basic", "name:pass:word", true);
    for wrong in ["name", "name:", ":password"] {
        check("basic", wrong, false);
    }
    let whsec = format!("whsec_{}", "A".repeat(32));
    check("standard-webhooks", &whsec, true);
    check("standard-webhooks", "whsec_AAAA", false);
    check("standard-webhooks", &format!("whsk_{}", "A".repeat(43) + "="), false);
    check("standard-webhooks", "whpk_AAAA", false);
    check("gitlab", &whsec, true);
    check("gitlab", "whsec_not base64", false);
    check("gitlab", "a token", true);
    check("sendgrid", "MFkw", false);
    check("none", "x", false);
}

#[test]
fn what_is_made_is_taken_and_each_time_another() {
    for sample in samples(0) {
        let made = |byte| sample.provider.generated_secret([byte; GENERATED_SECRET_BYTES]);
        if let Some(secret) = made(1) {
            assert_eq!(sample.provider.check_secret(secret.as_text()).as_ref(), Ok(&secret));
            assert_ne!(made(2), Some(secret));
        }
    }
    let makes: Vec<_> = samples(0)
        .iter()
        .filter(|s| s.provider.generated_secret([0; 32]).is_some())
        .map(|s| s.provider.name())
        .collect();
    for kind in ["github", "gitlab", "standard-webhooks", "generic-hmac", "basic"] {
        assert!(makes.contains(&kind), "{kind}");
    }
    assert!(!makes.contains(&"stripe") && !makes.contains(&"none"));
}

#[test]
fn a_secret_does_not_print_itself() {
    let secret = provider(r#"{"kind":"github"}"#).unwrap().check_secret("s3cret").unwrap();
    assert!(!format!("{secret:?}").contains("s3cret"));
}

#[test]
fn settings_come_back_as_they_were() {
    for sample in samples(0) {
        let json = serde_json::to_string(&sample.provider).unwrap();
        assert_eq!(provider(&json), Ok(sample.provider), "{json}");
    }
    for kind in PROVIDER_KINDS.iter().filter(|kind| !["paypal", "generic-hmac"].contains(*kind)) {
        let json = format!(r#"{{"kind":"{kind}"}}"#);
        assert_eq!(serde_json::to_string(&provider(&json).unwrap()).unwrap(), json);
    }
}

#[track_caller]
fn refused(json: &str, reason: &str) {
    let refusal = provider(json).unwrap_err();
    assert!(refusal.contains(reason), "{json}: {refusal}");
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    refused("{}", "kind: must be one of stripe,");
    refused(r#"{"kind":"other"}"#, "kind: must be one of");
    refused(r#"{"kind":"stripe","color":"red"}"#, "unknown field `color`");
    refused(r#"{"kind":"stripe","header":"X"}"#, "header: has no meaning for this stripe source");
    refused(r#"{"kind":"paypal"}"#, "webhookId: is required");
    refused(r#"{"kind":"paypal","webhookId":"a|b"}"#, "letters, digits and dashes");
    refused(r#"{"kind":"none","eventId":{"pointer":"id"}}"#, "JSON Pointer");
    refused(r#"{"kind":"none","eventId":{"header":"Authorization"}}"#, "holds a credential");
    refused(r#"{"kind":"none","eventType":{"header":"a b"}}"#, "header name");
    refused(r#"{"kind":"basic","eventId":{}}"#, "expected");
}

#[track_caller]
fn refused_hmac(settings: &str, reason: &str) {
    refused(&format!(r#"{{"kind":"generic-hmac","header":"X-Sig",{settings}}}"#), reason);
}

#[test]
fn an_hmac_that_contradicts_itself_is_refused() {
    refused(r#"{"kind":"generic-hmac"}"#, "header: is required");
    refused_hmac(r#""algorithm":"md5""#, "unknown variant");
    refused_hmac(r#""prefix":"ü""#, "prefix: must be");
    refused_hmac(&format!(r#""prefix":"{}""#, "x".repeat(33)), "prefix: must be");
    refused_hmac(r#""timestampUnit":"seconds""#, "timestampUnit: has no meaning");
    refused_hmac(r#""timestampHeader":"X-T","toleranceSeconds":0"#, "toleranceSeconds: must be");
    refused_hmac(r#""timestampHeader":"X-T","toleranceSeconds":86401"#, "toleranceSeconds: must be");
    refused_hmac(r#""timestampHeader":"X-T","signed":"{body}""#, "{timestamp} must be in it");
    refused_hmac(r#""signed":"{timestamp}.{body}""#, "{timestamp} must be in it");
    refused_hmac(r#""signed":"{id}.{body}""#, "eventId");
    for signed in ["", "{url}", "{body}{body}", "é{body}", &format!("{}{{body}}", "x".repeat(128))] {
        refused_hmac(&format!(r#""signed":"{signed}""#), "signed: must be");
    }
}

/// A timestamp without a template, HubSpot's third version, and one whose braces are only text.
#[test]
fn what_is_signed_can_be_said_in_many_ways() {
    let signed = |settings: &str| {
        let json = format!(r#"{{"kind":"generic-hmac","header":"X-Sig",{settings}}}"#);
        let json = serde_json::to_value(provider(&json).unwrap()).unwrap();
        json["signed"].as_str().unwrap().to_owned()
    };
    assert_eq!(signed(r#""prefix":"""#), "{body}");
    assert_eq!(signed(r#""timestampHeader":"X-T""#), "{timestamp}.{body}");
    let hubspot = r#""timestampHeader":"X-T","timestampUnit":"milliseconds","signed":"{method}{url}{body}{timestamp}""#;
    assert_eq!(signed(hubspot), "{method}{url}{body}{timestamp}");
    assert_eq!(signed(r#""signed":"{{x}{body}{""#), "{{x}{body}{");
}

#[test]
fn headers_that_go_on_are_no_signatures_and_no_credentials() {
    for sample in samples(0) {
        for name in sample.provider.forwarded_headers() {
            let words = ["signature", "hmac", "token", "authorization", "cookie", "secret", "-sig"];
            let is_secret = words.iter().any(|word| name.contains(word)) && *name != "i-twilio-idempotency-token";
            assert!(!is_secret && *name == name.to_ascii_lowercase(), "{name}");
        }
    }
}
