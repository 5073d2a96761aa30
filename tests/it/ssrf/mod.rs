//! A webhook goes to the public internet and what the operator allows, and nowhere else: whatever a customer writes, and
//! whatever name servers say when.
//!
//! | module | what |
//! |---|---|
//! | `hostile.txt` | URLs and names, with the words they are refused with |
//! | this | each of them, through the API and at the connection |
//! | [`forms`] | any forbidden address in any spelling, made up |
//! | [`endpoints`] | when a URL is looked at, when a name is looked up, what follows from a refused attempt |
//! | [`lane`] | the real resolver with a name server that lies; `tests/lanes/dns.sh` |

mod endpoints;
mod forms;
mod lane;

use std::sync::Arc;

use bytes::Bytes;
use fanfare::domain::attempt::Outcome;
use fanfare::domain::ids::MessageId;
use fanfare::domain::original_headers::OriginalHeaders;
use fanfare::domain::timestamp::Timestamp;
use fanfare::domain::url::EndpointUrl;
use fanfare::network::Network;
use fanfare::sender::{Outbound, Sender, SenderSettings};
use serde_json::json;

use crate::harness::{Names, Stage};

/// Fewer would mean that the file was not read.
const CASES_MIN: usize = 500;

/// What becomes of a case, and when.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Parse,
    Text,
    Records,
    Rebinds,
}

struct Case {
    kind: Kind,
    words: &'static str,
    url: String,
    /// What the name server says, one answer after the other.
    answers: Vec<&'static str>,
}

fn cases() -> Vec<Case> {
    let mut section = None;
    let mut cases = Vec::new();
    for line in include_str!("hostile.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(title) = line.strip_prefix("== ") {
            section = Some(title.split_once(": ").unwrap());
            continue;
        }
        let (kind, words) = section.unwrap();
        let (text, answers) = line.split_once(" -> ").unwrap_or((line, ""));
        let (kind, url) = match kind {
            "parse" => (Kind::Parse, unescaped(text)),
            "text" => (Kind::Text, unescaped(text)),
            "records" => (Kind::Records, format!("https://{text}/")),
            "rebinds" => (Kind::Rebinds, format!("http://{text}/")),
            _ => panic!("{kind}"),
        };
        cases.push(Case { kind, words, url, answers: answers.split('|').collect() });
    }
    assert!(cases.len() >= CASES_MIN, "{}", cases.len());
    cases
}

fn unescaped(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let (character, length) = match escape.as_bytes()[0] {
            b't' => ('\t', 1),
            b'n' => ('\n', 1),
            b'r' => ('\r', 1),
            b'\\' => ('\\', 1),
            _ => {
                let hex = escape.strip_prefix("u{").and_then(|hex| hex.split('}').next()).unwrap();
                (char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap(), hex.len() + 3)
            }
        };
        plain.push(character);
        rest = &escape[length..];
    }
    plain + rest
}

fn name_of(url: &str) -> &str {
    url.split('/').nth(2).unwrap()
}

/// A name server that knows the names of these cases.
fn names(cases: &[Case]) -> Arc<Names> {
    let names = Arc::new(Names::default());
    for case in cases.iter().filter(|case| matches!(case.kind, Kind::Records | Kind::Rebinds)) {
        names.tell(name_of(&case.url), &case.answers);
    }
    names
}

/// A sender without exceptions.
fn sender(network: Arc<dyn Network>) -> Sender {
    let settings = SenderSettings { request_timeout_ms: 10_000, allowed_subnets: Vec::new(), https_only: false };
    Sender::new(&settings, network)
}

/// What becomes of a webhook to this URL.
async fn outcome(sender: &Sender, url: &EndpointUrl) -> Outcome {
    let at = Timestamp::from_millis(1_764_000_000_000);
    let (id, original) = (MessageId::new(at, [9; 15]), OriginalHeaders::from_stored([("x-came", "1")]));
    let (signature, body) = ("v1,c2ln", Bytes::from_static(b"{}"));
    sender
        .send(Outbound { url, id: &id, at, signature, legacy: &[], headers: &[], original: &original, body })
        .await
        .outcome
}

fn is_forbidden(outcome: &Outcome, words: &str) -> bool {
    matches!(outcome, Outcome::Forbidden { reason } if reason.contains(words))
}

#[tokio::test]
async fn every_hostile_url_is_refused_by_the_api_and_leaves_nothing() {
    let cases = cases();
    let names = names(&cases);
    let stage = Stage::with_network(&[("FANFARE_ALLOWED_SUBNETS", "")], names.clone()).await;
    let application = stage.call("POST", "/api/v1/app", Some(json!({ "name": "Acme" }))).await.id();
    let path = format!("/api/v1/app/{application}/endpoint");
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| case.kind != Kind::Rebinds) {
        let answer = stage.call("POST", &path, Some(json!({ "url": case.url }))).await;
        let is_at_url = answer.status == 422 && answer.json()["detail"][0]["loc"] == json!(["body", "url"]);
        let lookups = names.take_lookups().len();
        if !is_at_url || !answer.text.contains(case.words) || lookups != usize::from(case.kind == Kind::Records) {
            wrong.push(format!(
                "{:?} not {:?}, {lookups} lookups: {} {}",
                case.url, case.words, answer.status, answer.text
            ));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(stage.call("GET", &path, None).await.json()["data"], json!([]));
    assert_eq!(names.take_connections(), []);
}

#[tokio::test]
async fn every_hostile_url_is_refused_at_the_connection_too() {
    let cases = cases();
    let names = names(&cases);
    let sender = sender(names.clone());
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| case.kind != Kind::Parse) {
        let url = EndpointUrl::parse(&case.url).unwrap();
        if case.kind == Kind::Rebinds {
            names.resolve(name_of(&case.url)).await.unwrap();
            names.take_lookups();
        }
        let outcome = outcome(&sender, &url).await;
        let lookups = names.take_lookups().len();
        if !is_forbidden(&outcome, case.words) || lookups != usize::from(case.kind != Kind::Text) {
            wrong.push(format!("{:?} not {:?}, {lookups} lookups: {outcome:?}", case.url, case.words));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(names.take_connections(), []);
}

#[tokio::test]
async fn a_name_that_is_rebound_is_taken_when_it_was_good_and_refused_at_the_attempt() {
    let cases = cases();
    let names = names(&cases);
    let stage = Stage::with_network(&[("FANFARE_ALLOWED_SUBNETS", "")], names.clone()).await;
    let rebinds = cases.iter().filter(|case| case.kind == Kind::Rebinds);
    for case in rebinds {
        let (application, _) = stage.application_with_endpoint(&case.url).await;
        let message = stage.publish(&application, None, json!({})).await.id();
        stage.deliver_all().await;
        let attempts = stage.attempts(&application, &message).await;
        assert_eq!(attempts.len(), 1, "{}", case.url);
        assert!(attempts[0]["response"].as_str().unwrap().contains(case.words), "{}: {}", case.url, attempts[0]);
        assert_eq!(names.take_lookups().len(), 2, "{}: once when it was made, once at the attempt", case.url);
    }
    assert_eq!(names.take_connections(), []);
}
