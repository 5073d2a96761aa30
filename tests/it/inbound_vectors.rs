//! Webhooks that the providers' own libraries have signed, or broken: `tests/lanes/inbound-vectors.sh` makes them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanfare::domain::inbound::{Headers, InboundRequest, Provider, Verified, verify};
use fanfare::domain::timestamp::Timestamp;
use serde_json::Value;

use crate::harness::process::root;

const VECTORS: &str = ".lanes/inbound-vectors/vectors.jsonl";

/// The lane makes about 30 for each round; fewer than this, and it made none.
const VECTORS_MIN: usize = 30;

fn is_accepted(vector: &Value) -> bool {
    let provider: Provider = serde_json::from_value(vector["provider"].clone()).unwrap();
    let secrets: Vec<_> =
        vector["secret"].as_str().map(|text| provider.check_secret(text).unwrap()).into_iter().collect();
    let headers: Vec<[String; 2]> = serde_json::from_value(vector["headers"].clone()).unwrap();
    let headers: Headers = headers.into_iter().map(|[name, value]| (name, value)).collect();
    let body = STANDARD.decode(vector["body"].as_str().unwrap()).unwrap();
    let url = vector["url"].as_str().unwrap();
    let request = InboundRequest { method: "POST", url, headers: &headers, body: &body };
    let now = Timestamp::from_millis(vector["seconds"].as_i64().unwrap() * 1_000);
    let certificate = vector["certificate"].as_str().map(str::as_bytes);
    match verify(&provider, &secrets, &request, now, certificate) {
        Ok(Verified::Events(_)) => true,
        Ok(other) => panic!("{other:?}"),
        Err(_) => false,
    }
}

#[test]
#[ignore = "tests/lanes/inbound-vectors.sh makes what it reads"]
fn the_providers_libraries_and_we_say_the_same() {
    let text = std::fs::read_to_string(root().join(VECTORS)).unwrap();
    let vectors: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(vectors.len() >= VECTORS_MIN, "{} vectors", vectors.len());
    let mut counts: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    for vector in &vectors {
        let is_right = vector["isRight"].as_bool().unwrap();
        assert_eq!(is_accepted(vector), is_right, "{vector}");
        let kind = vector["provider"]["kind"].as_str().unwrap();
        let count = counts.entry((vector["by"].as_str().unwrap(), kind)).or_default();
        if is_right { count.0 += 1 } else { count.1 += 1 }
    }
    for ((by, kind), (right, wrong)) in counts {
        println!("{by:>16}, {kind:<17}: {right} accepted, {wrong} refused");
        assert!(right > 0 && wrong > 0, "{by}");
    }
}
