//! Signatures that others made: from the providers' documentation, or with their own libraries where that shows none. The lane
//! `tests/lanes/inbound-vectors.sh` makes some thousand more.

use super::Timestamp;
use super::inbound::{InboundRequest, Provider, Verified, verify};

/// A request that must be accepted, and must not with more in its body.
struct Vector<'a> {
    provider: &'a str,
    secret: &'a str,
    seconds: i64,
    url: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
}

impl Default for Vector<'_> {
    fn default() -> Self {
        Self { provider: "", secret: "", seconds: 1_764_000_000, url: "https://example.com/", headers: &[], body: "" }
    }
}

#[track_caller]
fn check(vector: &Vector<'_>) {
    let provider: Provider = serde_json::from_str(vector.provider).unwrap();
    let secrets = [provider.check_secret(vector.secret).unwrap()];
    let headers = vector.headers.iter().map(|(name, value)| (*name, *value)).collect();
    let verify = |body: &str| {
        let request = InboundRequest { method: "POST", url: vector.url, headers: &headers, body: body.as_bytes() };
        verify(&provider, &secrets, &request, Timestamp::from_millis(vector.seconds * 1_000), None)
    };
    let verified = verify(vector.body);
    assert!(matches!(verified, Ok(Verified::Events(_))), "{}: {verified:?}", vector.provider);
    assert!(verify(&format!("{}&x", vector.body)).is_err(), "{}", vector.provider);
}

/// Made with `generateTestHeaderString` of the official library for Node, 23.1.0.
#[test]
fn stripe() {
    check(&Vector {
        provider: r#"{"kind":"stripe"}"#,
        secret: "whsec_test_secret",
        headers: &[(
            "Stripe-Signature",
            "t=1764000000,v1=00c7395acdb6b4171933700f6c6489bb6182c82f3630ca431a22f56c4f4af806",
        )],
        body: r#"{"id":"evt_1","object":"event","type":"invoice.paid"}"#,
        ..Vector::default()
    });
}

/// GitHub Docs, "Validating webhook deliveries", testing the webhook payload validation.
#[test]
fn github() {
    check(&Vector {
        provider: r#"{"kind":"github"}"#,
        secret: "It's a Secret to Everybody",
        headers: &[("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")],
        body: "Hello, World!",
        ..Vector::default()
    });
}

/// Slack, "Verifying requests from Slack", the example of a slash command.
#[test]
fn slack() {
    check(&Vector {
        provider: r#"{"kind":"slack"}"#,
        secret: "8f742231b10e8888abcd99yyyzzz85a5",
        seconds: 1_531_420_618,
        headers: &[
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("X-Slack-Request-Timestamp", "1531420618"),
            ("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
        ],
        body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        ..Vector::default()
    });
}

/// Twilio Docs, "Security", validating signatures from Twilio.
#[test]
fn twilio_form() {
    let vector = Vector {
        provider: r#"{"kind":"twilio"}"#,
        secret: "12345",
        url: "https://mycompany.com/myapp.php?foo=1&bar=2",
        headers: &[
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ],
        body: "To=%2B18005551212&From=%2B14158675309&Digits=1234&Caller=%2B14158675309&CallSid=CA1234567890ABCDE",
        ..Vector::default()
    };
    check(&vector);
}

/// From the tests of Twilio's official library for Node.
#[test]
fn twilio_body() {
    check(&Vector {
        provider: r#"{"kind":"twilio"}"#,
        secret: "12345",
        url: "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620",
        headers: &[("Content-Type", "application/json"), ("X-Twilio-Signature", "a9nBmqA0ju/hNViExpshrM61xv4=")],
        body: r#"{"property": "value", "boolean": true}"#,
        ..Vector::default()
    });
}

/// From the tests of SendGrid's official library for Node.
#[test]
fn sendgrid() {
    check(&Vector {
        provider: r#"{"kind":"sendgrid"}"#,
        secret: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
        seconds: 1_600_112_502,
        headers: &[
            (
                "X-Twilio-Email-Event-Webhook-Signature",
                "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
            ),
            ("X-Twilio-Email-Event-Webhook-Timestamp", "1600112502"),
        ],
        body: "[{\"email\":\"hello@world.com\",\"event\":\"dropped\",\"reason\":\"Bounced Address\",\"sg_event_id\":\"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA\",\"sg_message_id\":\"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0\",\"smtp-id\":\"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>\",\"timestamp\":1600112492}]\r\n",
        ..Vector::default()
    });
}

/// Square, "Verify and Validate an Event Notification", testing the validation.
#[test]
fn square() {
    check(&Vector {
        provider: r#"{"kind":"square"}"#,
        secret: "asdf1234",
        url: "https://example.com/webhook",
        headers: &[("x-square-hmacsha256-signature", "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=")],
        body: r#"{"hello":"world"}"#,
        ..Vector::default()
    });
}

/// Adyen Docs, "Verify HMAC signatures".
#[test]
fn adyen() {
    check(&Vector {
        provider: r#"{"kind":"adyen"}"#,
        secret: "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
        body: r#"{"live":"false","notificationItems":[{"NotificationRequestItem":{
            "additionalData":{"hmacSignature":"coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},
            "amount":{"value":1130,"currency":"EUR"},"pspReference":"7914073381342284","eventCode":"AUTHORISATION",
            "eventDate":"2019-05-06T17:15:34.121+02:00","merchantAccountCode":"TestMerchant","operations":["CANCEL"],
            "merchantReference":"TestPayment-1407325143704","paymentMethod":"visa","success":"true"}}]}"#,
        ..Vector::default()
    });
}

/// The Standard Webhooks specification, its example of a signature; and Svix Docs, "Verifying webhooks manually".
#[test]
fn standard_webhooks() {
    check(&Vector {
        provider: r#"{"kind":"standard-webhooks"}"#,
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        seconds: 1_614_265_330,
        headers: &[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ],
        body: r#"{"test": 2432232314}"#,
        ..Vector::default()
    });
    check(&Vector {
        provider: r#"{"kind":"standard-webhooks"}"#,
        secret: "whsec_plJ3nmyCDGBKInavdOK15jsl",
        seconds: 1_731_705_121,
        headers: &[
            ("svix-id", "msg_loFOjxBNrRLzqYUf"),
            ("svix-timestamp", "1731705121"),
            ("svix-signature", "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="),
        ],
        body: r#"{"event_type":"ping","data":{"success":true}}"#,
        ..Vector::default()
    });
}
