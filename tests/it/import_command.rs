//! `fanfare import` as a person runs it: the real program, beside the real gateway.

use std::path::Path;
use std::process::Output;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use svix::models::ApplicationIn;
use tokio::process::Command;

use crate::harness::process::{Process, client, fanfare_binary, free_address};
use crate::harness::{JWT_SECRET, ORGANIZATION, send};

/// A good line, one that is none, and the first again.
const EVENTS: &str = "\
{\"eventType\":\"order.placed\",\"eventId\":\"1\",\"payload\":{\"n\":1}}\n\
order.placed\n\
{\"eventType\":\"order.placed\",\"eventId\":\"1\",\"payload\":{\"n\":1}}\n";

const ORDERS: &str = "kind,amount,note\norder.placed,12,a\norder.paid,12,b\n";

/// Begins as gzip does, and goes no further.
const CUT_SHORT: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b];

async fn import(binary: &Path, url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary);
    command.env_clear().args(["import", "--url", url, "--jwt-secret", JWT_SECRET, "--organization", ORGANIZATION]);
    command.args(arguments).kill_on_drop(true).output().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_uploaded_and_followed_to_the_end_of_their_imports() {
    let (binary, address, data) = (fanfare_binary(), free_address(), tempfile::tempdir().unwrap());
    let _gateway = Process::start(&binary, &data.path().join("state"), address).await;
    let acme = ApplicationIn { uid: Some("acme".to_owned()), ..ApplicationIn::new("Acme".to_owned()) };
    client(address).application().create(acme, None).await.unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = data.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let events = file("events.ndjson", EVENTS.as_bytes());
    let orders = file("orders.csv", ORDERS.as_bytes());
    let cut_short = file("cut.ndjson.gz", CUT_SHORT);
    let url = format!("http://{address}");

    let columns = ["--column", "eventType=kind", "--column", "payload.total=amount"];
    let done = import(&binary, &url, &[&["--app", "acme", &events, &orders][..], &columns].concat()).await;
    let (said, complained) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert!(done.status.success(), "{said}{complained}");
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with(&format!("{events}: imp_")), "{said}");
    assert!(lines[0].contains(" finished, 3 lines: 1 accepted, 1 duplicate, 1 rejected"), "{said}");
    let errors = lines[1].split_once(&url).unwrap_or_else(|| panic!("no address of errors: {said}")).1;
    assert!(lines[2].contains(" finished, 2 lines: 2 accepted, 0 duplicate, 0 rejected"), "{said}");

    let errors = send(address, Request::get(errors).body(Full::<Bytes>::default()).unwrap()).await;
    let wrong: Vec<Value> = errors.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((wrong.len(), &wrong[0]["line"]), (1, &Value::from(2)), "{errors:?}");

    let failed = import(&binary, &url, &["--app", "acme", &cut_short, "/nowhere", &events]).await;
    let (said, complained) = (String::from_utf8(failed.stdout).unwrap(), String::from_utf8(failed.stderr).unwrap());
    assert_eq!(failed.status.code(), Some(1), "{said}{complained}");
    assert!(said.starts_with(&format!("{cut_short}: imp_")) && said.contains(" failed ("), "{said}");
    assert!(complained.contains("error: importing /nowhere"), "{complained}");
    assert!(
        said.contains("3 lines: 0 accepted, 2 duplicate, 1 rejected"),
        "a failure keeps no other file back: {said}"
    );

    let nobody = import(&binary, &url, &["--app", "nobody", &events]).await;
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8(nobody.stderr).unwrap().contains("404"));
}
