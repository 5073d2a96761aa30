//! What becomes of a request that is right: the provider's names for its events, and the answers it wants.

use super::inbound::{Provider, Rejected, Reply, Verified, accepted_reply};
use super::sample::{SECONDS, Sample, samples};

/// The sample of this name.
fn sample(name: &str) -> Sample {
    samples(0).into_iter().find(|sample| sample.name == name).unwrap_or_else(|| panic!("no sample {name}"))
}

type Event<'a> = (Option<&'a str>, Option<&'a str>);

#[track_caller]
fn check(name: &str, headers: &[(&str, &str)], expected: &[Event<'_>]) {
    let mut sample = sample(name);
    sample.headers.extend(headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())));
    match sample.verify().unwrap() {
        Verified::Events(events) => {
            let names: Vec<_> = events.iter().map(|e| (e.id.as_deref(), e.event_type.as_deref())).collect();
            assert_eq!(names, expected, "{name}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn events_have_the_names_that_their_provider_gives_them() {
    check("stripe", &[], &[(Some("evt_1"), Some("a.b"))]);
    check("github", &[], &[(Some("72d3162e"), Some("push"))]);
    check("shopify", &[], &[(None, None)]);
    check("shopify", &[("X-Shopify-Webhook-Id", "w1")], &[(Some("w1"), None)]);
    let headers = [("X-Shopify-Webhook-Id", "w1"), ("X-Shopify-Event-Id", "e1"), ("X-Shopify-Topic", "orders/paid")];
    check("shopify", &headers, &[(Some("e1.orders.paid"), Some("orders.paid"))]);
    check("slack", &[], &[(Some("evt_1"), Some("a.b"))]);
    check("zoom", &[], &[(None, Some("a.b"))]);
    check("paddle", &[], &[(Some("evt_1"), Some("a.b"))]);
    check("square", &[], &[(Some("evt_1"), Some("a.b"))]);
    check("paypal", &[], &[(Some("evt_1"), Some("a.b"))]);
    check("adyen", &[], &[(Some("7914073381342284.AUTHORISATION.true"), Some("AUTHORISATION"))]);
    check("adyen whole", &[], &[(None, Some("a.b"))]);
    check("twilio", &[], &[(Some("SM1.delivered"), Some("message.delivered"))]);
    check("twilio", &[("I-Twilio-Idempotency-Token", "t1")], &[(Some("t1"), Some("message.delivered"))]);
    check("sendgrid", &[], &[(Some("a"), Some("open")), (None, Some("a.b"))]);
    check("gitlab", &[("Idempotency-Key", "k1"), ("X-Gitlab-Event-UUID", "u")], &[(Some("k1"), None)]);
    check("gitlab", &[("X-Gitlab-Event", "Push Hook")], &[(None, Some("Push Hook"))]);
    check("gitlab signing token", &[], &[(Some("msg_1"), None)]);
    check("standard-webhooks", &[], &[(Some("msg_1"), Some("a.b"))]);
    check("generic-hmac", &[], &[(Some("evt_1"), Some("a.b"))]);
    check("generic-hmac timed", &[], &[(Some("e1"), None)]);
    check("none", &[("x-id", "n1")], &[(Some("n1"), None)]);
}

/// A sample that signs nothing, as another provider's body: what a body says does not depend on its signature.
#[track_caller]
fn gitlab(body: &str, event_type: &str) {
    let mut sample = sample("gitlab");
    sample.body = body.as_bytes().to_vec();
    match sample.verify().unwrap() {
        Verified::Events(events) => assert_eq!(events[0].event_type.as_deref(), Some(event_type), "{body}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_type_has_its_action_behind_it() {
    gitlab(r#"{"object_kind":"merge_request","object_attributes":{"action":"open"}}"#, "merge_request.open");
    gitlab(r#"{"object_kind":"push"}"#, "push");
    gitlab(r#"{"event_name":"project_create"}"#, "project_create");
}

/// Slack's and Zoom's signature of another body.
fn signed(kind: &str, content_type: &str, body: &str) -> Result<Verified, Rejected> {
    use aws_lc_rs::hmac;
    let mut sample = sample(kind);
    sample.body = body.as_bytes().to_vec();
    *sample.header("content-type") = content_type.as_bytes().to_vec();
    let tag =
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, kind.as_bytes()), format!("v0:{SECONDS}:{body}").as_bytes());
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let name = if kind == "slack" { "x-slack-signature" } else { "x-zm-signature" };
    *sample.header(name) = format!("v0={tag}").into_bytes();
    sample.verify()
}

const FORM: &str = "application/x-www-form-urlencoded";

#[track_caller]
fn slack(content_type: &str, body: &str, expected: Event<'_>, payload: &str) {
    match signed("slack", content_type, body).unwrap() {
        Verified::Events(events) => {
            assert_eq!((events[0].id.as_deref(), events[0].event_type.as_deref()), expected);
            assert_eq!(events[0].payload.as_str(), payload);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn slack_sends_events_commands_and_what_people_click() {
    let event = r#"{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}"#;
    slack("application/json", event, (Some("Ev1"), Some("app_mention")), event);
    let limited = r#"{"type":"app_rate_limited"}"#;
    slack("application/json", limited, (None, Some("app_rate_limited")), limited);
    slack(FORM, "command=%2Fx&text=a", (None, Some("slash_command")), r#"{"command":"/x","text":"a"}"#);
    slack(
        FORM,
        "payload=%7B%22type%22:%22block_actions%22%7D",
        (None, Some("block_actions")),
        r#"{"type":"block_actions"}"#,
    );
}

#[test]
fn challenges_are_answered_when_they_are_signed() {
    let reply = |kind, content_type, body| match signed(kind, content_type, body) {
        Ok(Verified::Reply(reply)) => Ok(reply),
        Ok(other) => panic!("{other:?}"),
        Err(rejected) => Err(rejected),
    };
    let json = "application/json";
    let challenge = r#"{"token":"x","challenge":"3eZbrw1a","type":"url_verification"}"#;
    let expected = Reply { status: 200, content_type: Some("text/plain"), body: "3eZbrw1a".to_owned() };
    assert_eq!(reply("slack", json, challenge), Ok(expected));
    assert!(reply("slack", json, r#"{"type":"url_verification"}"#).is_err());
    assert!(reply("slack", FORM, "ssl_check=1&token=x").is_ok_and(|reply| reply.body.is_empty()));

    // The HMAC is made with `openssl dgst -sha256 -hmac zoom`.
    let answer =
        reply("zoom", json, r#"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}"#);
    let answer: serde_json::Value = serde_json::from_str(&answer.unwrap().body).unwrap();
    assert_eq!(answer["plainToken"], "qgg8vlvZRS6UYooatFL8Aw");
    assert_eq!(answer["encryptedToken"], "e833170cb6f4557361d00e69847e60074405464e437530b0a6526362b5341919");
    assert!(reply("zoom", json, r#"{"event":"endpoint.url_validation","payload":{}}"#).is_err());

    let mut forged = sample("slack");
    forged.body = challenge.as_bytes().to_vec();
    assert_eq!(forged.verify().err(), Some(Rejected::Mismatch));
}

/// With two secrets the answer is made with the one that signed the question.
#[test]
fn a_challenge_is_answered_with_the_secret_that_signed_it() {
    let mut sample = sample("zoom");
    let body = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}"#;
    sample.body = body.as_bytes().to_vec();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"zoom");
    let tag = aws_lc_rs::hmac::sign(&key, format!("v0:{SECONDS}:{body}").as_bytes());
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    *sample.header("x-zm-signature") = format!("v0={tag}").into_bytes();
    let [right, other] = sample.secrets.clone().unwrap();
    for secrets in [[right.clone(), other.clone()], [other, right]] {
        match sample.verify_with(&secrets, SECONDS) {
            Ok(Verified::Reply(reply)) => assert!(
                reply.body.contains("e833170cb6f4557361d00e69847e60074405464e437530b0a6526362b5341919"),
                "{reply:?}"
            ),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn sendgrid_and_adyen_hold_events_or_are_refused() {
    let mut adyen = sample("adyen");
    let item = String::from_utf8(adyen.body.clone()).unwrap();
    let of = |items: &str| format!(r#"{{"notificationItems":[{items}]}}"#).into_bytes();
    let start = item.find("[{").unwrap() + 1;
    let item = &item[start..item.len() - 2];
    adyen.body = of(&format!("{item},{item}"));
    assert!(matches!(adyen.verify(), Ok(Verified::Events(events)) if events.len() == 2));
    // One that is wrong, and nothing of the request is taken.
    adyen.body = of(&format!("{item},{}", item.replace("EUR", "USD")));
    assert_eq!(adyen.verify().err(), Some(Rejected::Mismatch));
    for items in ["", "{}", "1", r#"{"NotificationRequestItem":{}}"#] {
        adyen.body = of(items);
        assert!(matches!(adyen.verify(), Err(Rejected::BadBody(_))), "{items}");
    }
    adyen.body = of(&vec![item; 2_001].join(","));
    assert_eq!(adyen.verify().err(), Some(Rejected::BadBody("holds too many items")));
}

#[test]
fn providers_hear_what_they_want_to_hear() {
    assert_eq!(accepted_reply(&Provider::Adyen).body, "[accepted]");
    assert_eq!(accepted_reply(&Provider::Twilio).content_type, Some("text/xml"));
    assert_eq!(accepted_reply(&Provider::Slack).body, "");
    for sample in samples(0) {
        assert_eq!(accepted_reply(&sample.provider).status, 200);
    }
}

/// Before its certificate is there nothing is said about a signature, and nothing is fetched for a request that is too old.
#[test]
fn paypal_is_judged_when_its_certificate_is_there() {
    let mut paypal = sample("paypal");
    let certificate = paypal.certificate.take();
    let address = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77";
    assert!(matches!(paypal.verify(), Ok(Verified::NeedsCertificate(needed)) if needed == address));
    assert_eq!(paypal.verify_at(SECONDS + 80 * 3_600).err(), Some(Rejected::TooOld));
    *paypal.header("paypal-cert-url") = b"https://example.com/v1/notifications/certs/CERT-1".to_vec();
    assert_eq!(paypal.verify().err(), Some(Rejected::Malformed("paypal-cert-url".to_owned())));
    paypal.certificate = certificate;
    assert!(paypal.verify().is_err());
}
