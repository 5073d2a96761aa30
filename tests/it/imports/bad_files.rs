//! Files that are none, or only at the beginning: each import ends with a reason, and what was good counts.

use serde_json::{Value, json};

use super::{gzip, gzip_best, line, numbers, status};
use crate::harness::{LONG_MS, Stage};

async fn imported(file: &[u8]) -> (Stage, Value) {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let import = stage.import(Some(&application), file).await;
    (stage, import)
}

/// The import of this file fails for this reason, after so many accepted records.
async fn check(what: &str, file: &[u8], reason: &str, accepted: u64) {
    let (_stage, import) = imported(file).await;
    assert_eq!(status(&import), "failed", "{what}: {import}");
    let said = import["reason"].as_str().unwrap();
    assert!(said.contains(reason), "{what}: {said} should say {reason}");
    assert_eq!(import["accepted"], accepted, "{what}: {import}");
    assert!(import["finishedAt"].is_string(), "{what}");
}

fn lines(count: usize) -> Vec<u8> {
    (0..count).map(|number| line(number, None)).collect::<String>().into_bytes()
}

#[tokio::test]
async fn files_that_hold_no_records_say_what_they_look_like() {
    check("a zip archive", b"PK\x03\x04rest", "looks like", 0).await;
    check("a parquet file", b"PAR1\x15\x00rest", "looks like", 0).await;
    check("UTF-16", b"\xff\xfe{\x00}\x00", "looks like", 0).await;
    check("a CSV file without an event type", b"a,b\n1,2\n", "header", 0).await;
    check("a CSV file with a column twice", b"eventType,a,a\nx,1,2\n", "header", 0).await;
}

#[tokio::test]
async fn what_breaks_off_counts_up_to_there() {
    let whole = gzip(&lines(3_000));
    let (_stage, import) = imported(&whole[..whole.len() / 2]).await;
    assert_eq!(status(&import), "failed");
    assert!(import["reason"].as_str().unwrap().contains("ends before its end"), "{import}");
    let [read, accepted, ..] = numbers(&import);
    assert!(accepted > 100 && accepted == read && accepted < 3_000, "{import}");

    let mut damaged = whole.clone();
    let middle = whole.len() - 6;
    damaged[middle] ^= 0xff;
    let (_stage, import) = imported(&damaged).await;
    assert!(import["reason"].as_str().unwrap().contains("damaged"), "{import}");
    assert!(numbers(&import)[1] > 2_000, "{import}");
    let array = format!("[{},{}", line(1, None).trim(), line(2, None).trim());
    check("a JSON array without its end", array.as_bytes(), "array", 2).await;
}

#[tokio::test]
async fn a_bomb_is_not_unpacked() {
    let bomb = gzip_best(&vec![b' '; 300 * 1024 * 1024]);
    assert!(bomb.len() < 400 * 1024, "{}", bomb.len());
    check("a bomb", &bomb, "decodes to more", 0).await;
}

#[tokio::test]
async fn a_line_of_a_hundred_megabytes_is_one_rejected_record() {
    let mut file = line(1, None).into_bytes();
    file.extend(std::iter::repeat_n(b'x', 100 * 1024 * 1024));
    file.push(b'\n');
    file.extend(line(2, None).into_bytes());
    let (stage, import) = imported(&file).await;
    assert_eq!((status(&import), numbers(&import)), ("finished", [3, 2, 0, 1]), "{import}");
    let rejected = stage.rejected(&import).await;
    assert_eq!(rejected[0]["line"], 2);
    assert!(rejected[0]["reason"].as_str().unwrap().contains("longer"), "{rejected:?}");
}

#[tokio::test]
async fn an_empty_file_is_finished_at_once() {
    for file in [&b""[..], b"\n\n  \n", b"[]", b"\xef\xbb\xbf"] {
        let (_stage, import) = imported(file).await;
        assert_eq!((status(&import), numbers(&import)), ("finished", [0; 4]), "{file:?}: {import}");
    }
}

#[tokio::test]
async fn a_file_of_nonsense_is_given_up() {
    let nonsense = "{\"not\":\"a message\"}\n".repeat(40_000);
    let (stage, import) = imported(nonsense.as_bytes()).await;
    assert_eq!(status(&import), "failed");
    assert!(import["reason"].as_str().unwrap().contains("10000 records"), "{import}");
    let [read, accepted, _, rejected] = numbers(&import);
    assert!(accepted == 0 && read == rejected && (10_001..12_000).contains(&rejected), "{import}");
    assert_eq!(stage.rejected(&import).await.len() as u64, rejected);
}

#[tokio::test]
async fn a_file_that_changes_or_goes_while_it_is_read_ends_its_import() {
    for is_replaced in [true, false] {
        let stage = Stage::new(&[]).await;
        let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
        let file = lines(5_000);
        let asked = stage.ask_import(Some(&application), file.len(), Value::Null).await;
        stage.upload(&asked, &file).await;
        // One window an invocation: time is up at once.
        stage.read_files_once(LONG_MS).await;
        stage.read_files_once(0).await;
        let import = stage.shown_import(&asked).await;
        assert_eq!((status(&import), numbers(&import)), ("running", [500, 500, 0, 0]), "{import}");
        assert!(import["linesPerSecond"].is_u64() && import["estimatedEnd"].is_string(), "{import}");
        if is_replaced {
            stage.upload(&asked, &lines(4_000)).await;
        } else {
            let url = asked["upload"]["parts"][0]["url"].as_str().unwrap();
            let key = &url[url.find("import/").unwrap()..url.find('?').unwrap()];
            let delete = stage.s3().delete_object().bucket(&stage.platform.settings.bucket).key(key);
            delete.send().await.unwrap();
        }
        stage.read_files(LONG_MS).await;
        let import = stage.shown_import(&asked).await;
        assert_eq!((status(&import), numbers(&import)), ("failed", [500, 500, 0, 0]), "{import}");
        assert!(import["reason"].as_str().unwrap().contains("changed or deleted"), "{import}");
    }
}

#[tokio::test]
async fn columns_that_the_file_does_not_have_are_said() {
    let stage = Stage::new(&[]).await;
    let (application, _) = stage.application_with_endpoint("http://127.0.0.1:8/").await;
    let columns = json!({ "eventId": "nowhere" });
    let import = stage.import_with(Some(&application), b"eventType,a\nx,1\n", columns).await;
    assert_eq!(status(&import), "failed");
    assert!(import["reason"].as_str().unwrap().contains("nowhere"), "{import}");
}
