//! A signed request in which anything is changed is refused, whoever signed it; and nothing that is sent makes a verifier
//! panic.

use proptest::prelude::*;

use super::inbound::{InboundSecret, Provider, Rejected, Verified};
use super::sample::{SECONDS, Sample, samples};

/// Small, so that every bit can be changed.
const BODY_BYTES: usize = 24;

fn all() -> Vec<Sample> {
    samples(BODY_BYTES)
}

/// What was made of a request, to be compared.
fn events(verified: &Verified) -> Vec<(Option<&str>, Option<&str>, &str)> {
    match verified {
        Verified::Events(events) => events
            .iter()
            .map(|event| (event.id.as_deref(), event.event_type.as_deref(), event.payload.as_str()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// Everything signed, with one bit changed each time.
#[track_caller]
fn must_be_refused(sample: &Sample, what: &str) {
    if let Ok(verified) = sample.verify() {
        panic!("{}: accepted with {what}: {verified:?}", sample.name);
    }
}

#[test]
fn the_samples_are_right() {
    let samples = all();
    for sample in &samples {
        let verified = sample.verify().unwrap_or_else(|rejected| panic!("{}: {rejected}", sample.name));
        assert!(!events(&verified).is_empty(), "{}", sample.name);
    }
    for kind in super::inbound::PROVIDER_KINDS {
        assert!(samples.iter().any(|sample| sample.provider.name() == kind), "no sample of {kind}");
    }
}

#[test]
fn no_bit_of_a_signature_or_of_what_is_signed_beside_the_body_can_be_changed() {
    for mut sample in all() {
        for name in sample.signed_headers.clone() {
            let original = sample.header(name).clone();
            // RFC 7235: the scheme's name is in either case.
            let start = if original.starts_with(b"Basic ") { 6 } else { 0 };
            for (at, bit) in bits(start..original.len()) {
                sample.header(name)[at] ^= 1 << bit;
                must_be_refused(&sample, &format!("bit {bit} of byte {at} of {name} changed"));
                *sample.header(name) = original.clone();
            }
        }
    }
}

#[test]
fn no_bit_of_a_signed_body_can_be_changed() {
    for mut sample in all() {
        let before = sample.verify().unwrap();
        let original = sample.body.clone();
        for (at, bit) in sample.signed_body.clone().into_iter().flat_map(bits) {
            sample.body[at] ^= 1 << bit;
            match sample.verify() {
                Err(_) => {}
                // A form's fields are signed, and there is more than one way to write a field down.
                Ok(verified) if sample.name == "twilio" => assert_eq!(events(&verified), events(&before)),
                Ok(verified) => panic!("{}: bit {bit} of byte {at} of the body: {verified:?}", sample.name),
            }
            sample.body.clone_from(&original);
        }
    }
}

#[test]
fn no_character_of_a_signed_address_can_be_changed() {
    let mut signed = 0;
    for mut sample in all().into_iter().filter(|sample| sample.is_url_signed) {
        signed += 1;
        let original = sample.url.clone();
        for (at, _) in original.char_indices() {
            let other = if &original[at..=at] == "x" { "y" } else { "x" };
            sample.url.replace_range(at..=at, other);
            must_be_refused(&sample, &format!("character {at} of the address changed"));
            sample.url.clone_from(&original);
        }
    }
    assert_eq!(signed, 4);
}

fn bits(bytes: std::ops::Range<usize>) -> impl Iterator<Item = (usize, u8)> {
    bytes.flat_map(|at| (0..8).map(move |bit| (at, bit)))
}

#[test]
fn another_secret_is_refused_and_of_two_either_will_do() {
    for sample in all() {
        let Some([right, other]) = sample.secrets.clone() else { continue };
        let verify = |secrets: &[InboundSecret]| sample.verify_with(secrets, SECONDS);
        assert_eq!(verify(std::slice::from_ref(&other)).err(), Some(Rejected::Mismatch), "{}", sample.name);
        assert_eq!(verify(&[]).err(), Some(Rejected::Mismatch), "{}", sample.name);
        assert!(verify(&[right.clone(), other.clone()]).is_ok(), "{}", sample.name);
        assert!(verify(&[other, right]).is_ok(), "{}", sample.name);
    }
}

/// While a provider's secret is rotated there is a signature for each, and a scheme's next version may stand beside this one.
#[test]
fn of_several_signatures_one_is_enough_but_not_one_of_another_version() {
    for mut sample in all() {
        let (separator, ours, other) = match sample.name.as_str() {
            "stripe" => (",", "v1=", "v0="),
            "paddle" => (";", "h1=", "h0="),
            "standard-webhooks" => (" ", "v1,", "v2,"),
            "standard-webhooks v1a" => (" ", "v1a,", "v1,"),
            _ => continue,
        };
        let name = sample.signed_headers[0];
        let right = String::from_utf8(sample.header(name).clone()).unwrap();
        let (_, signature) = right.rsplit_once(ours).unwrap();
        let wrong = signature.replace(|c: char| c.is_ascii_alphanumeric(), "0");
        let before = right.strip_suffix(&format!("{ours}{signature}")).unwrap().to_owned();
        let mut verify = |signatures: &[String]| {
            *sample.header(name) = format!("{before}{}", signatures.join(separator)).into_bytes();
            sample.verify().err()
        };
        let [right, wrong, other] =
            [(ours, signature), (ours, &wrong), (other, signature)].map(|(a, b)| format!("{a}{b}"));
        assert_eq!(verify(&[wrong.clone(), right.clone(), other.clone()]), None, "{name}");
        assert_eq!(verify(&[right.clone(), wrong.clone()]), None, "{name}");
        assert_eq!(verify(&[wrong.clone(), other.clone()]), Some(Rejected::Mismatch), "{name}");
        let many = vec![right; 17];
        assert_eq!(verify(&many), Some(Rejected::Malformed(name.to_owned())), "{name}");
    }
}

#[test]
fn what_is_too_old_or_from_the_future_is_refused() {
    let mut timed = 0;
    for sample in all() {
        let Some(tolerance) = sample.tolerance_seconds else {
            assert!(sample.verify_at(SECONDS + 10 * 366 * 86_400).is_ok(), "{}", sample.name);
            continue;
        };
        timed += 1;
        let verify = |seconds: i64| sample.verify_at(SECONDS + seconds).err();
        assert_eq!(verify(tolerance), None, "{}", sample.name);
        assert_eq!(verify(-tolerance), None, "{}", sample.name);
        assert_eq!(verify(tolerance + 1), Some(Rejected::TooOld), "{}", sample.name);
        assert_eq!(verify(-tolerance - 1), Some(Rejected::FromFuture), "{}", sample.name);
    }
    assert_eq!(timed, 11);
}

#[test]
fn odd_signatures_are_refused() {
    let long = "a".repeat(64 * 1_024);
    let odd = ["", " ", "=", ",", ";", "v1", "v1=", "t=,v1=", "v0=", "sha256=", "Basic ", "é", "\0", "\r\nx: y", &long];
    for mut sample in all() {
        for name in sample.signed_headers.clone() {
            let original = sample.header(name).clone();
            for value in odd {
                *sample.header(name) = value.as_bytes().to_vec();
                must_be_refused(&sample, &format!("{name}: {:?}", value.chars().take(9).collect::<String>()));
            }
            *sample.header(name) = [b"\xff\xfe", original.as_slice()].concat();
            must_be_refused(&sample, "bytes that are no text");
            *sample.header(name) = original;
        }
    }
}

#[test]
fn a_signature_is_there_once() {
    for mut sample in all() {
        let Some(&name) = sample.signed_headers.first() else { continue };
        let value = sample.header(name).clone();
        sample.headers.push((name.to_ascii_uppercase(), value));
        assert_eq!(sample.verify().err(), Some(Rejected::Repeated(name.to_owned())), "{}", sample.name);

        sample.headers.retain(|(each, _)| !each.eq_ignore_ascii_case(name));
        let missing = sample.verify().err();
        // Adyen's other webhooks have their signatures in the body.
        let is_other_form = sample.name == "adyen whole" && matches!(missing, Some(Rejected::BadBody(_)));
        let is_missing = matches!(missing, Some(Rejected::Missing(_)));
        assert!(is_missing || is_other_form, "{} without {name}: {missing:?}", sample.name);
    }
}

#[test]
fn a_refusal_shows_nothing_of_secrets_and_body() {
    for mut sample in all() {
        if let Some(byte) = sample.signed_body.first().map(|range| range.start + 2) {
            sample.body[byte] ^= 1;
            let rejected = sample.verify().unwrap_err();
            let shown = format!("{rejected} {rejected:?} {:?}", sample.secrets);
            for secret in ["whsec_", "ppp", "evt_1", "44782D"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}

/// Headers that some scheme reads, with values that look a little like theirs.
fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let names: Vec<String> = all().iter().flat_map(|s| s.headers.iter().map(|(name, _)| name.clone())).collect();
    let value = prop_oneof![
        "(t=|ts=|v0=|v1=|v1,|v1a,|sha1=|sha256=|Basic |)[0-9a-f]{0,64}[,; =]?(v1=|h1=)?[A-Za-z0-9+/]{0,44}=?"
            .prop_map(String::into_bytes),
        Just(SECONDS.to_string().into_bytes()),
        Just(b"application/x-www-form-urlencoded".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec((prop::sample::select(names), value), 0..12)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        r#"(\{|\[|"|[a-zA-Z]+=|&|%[0-9a-f]{2}|\\u[0-9a-f]{4}|"notificationItems":|,|\}|\]|[0-9]){0,30}"#
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn no_request_makes_a_verifier_panic(headers in headers(), body in body(), url in ".{0,40}", tampered in any::<bool>()) {
        for mut sample in all() {
            if tampered {
                // Right in everything but this.
                sample.headers.extend(headers.clone());
            } else {
                sample.headers.clone_from(&headers);
            }
            sample.body.clone_from(&body);
            sample.url.clone_from(&url);
            if let Ok(Verified::Events(events)) = sample.verify() {
                prop_assert!(matches!(sample.provider, Provider::None(_) | Provider::Basic(_) | Provider::Gitlab));
                let is_object = events.iter().all(|event| event.payload.as_str().starts_with('{'));
                prop_assert!(is_object);
            }
        }
    }
}
