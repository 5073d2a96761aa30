//! Targets without a gateway around them: what reads text and bytes from outside.

use bytes::Bytes;
use fanfare::domain::import::{DETECT_BYTES, Encoding, Format, ReadPlan, RecordReader, detect};
use fanfare::domain::inbound;
use fanfare::domain::timestamp::Timestamp;
use fanfare::domain::url::EndpointUrl;

use super::mutate::{self, Dice};
use super::{files, lines, play};
use crate::harness::FileMaker;

#[path = "../../../shared/src/domain/inbound/tests/sample.rs"]
#[allow(dead_code, reason = "the tests beside the verifiers change more of a request")]
mod sample;

/// Records of a sample file.
const RECORDS: u64 = 30;

/// A reader that asks for this many steps more than a file has bytes stands still.
const STEPS_MORE: usize = 1_000;

#[test]
#[ignore = "tests/lanes/fuzz.sh gives it time"]
fn endpoint_url() {
    let samples = lines("tests/corpus/endpoint_url");
    play("readers::endpoint_url", &["parsed", "refused"], |dice| {
        let sample = dice.pick(&samples);
        let text = mutate::text(dice, sample);
        let Ok(url) = EndpointUrl::parse(&text) else { return "refused".to_owned() };
        let again = EndpointUrl::parse(url.as_str());
        assert_eq!(again.as_ref(), Ok(&url), "what was normalized is something else when it is read again");
        "parsed".to_owned()
    });
}

#[test]
#[ignore = "tests/lanes/fuzz.sh gives it time"]
fn signatures() {
    let samples = sample::samples(100);
    play("readers::signatures", &["verified", "refused"], |dice| {
        let sample = dice.pick(&samples);
        let mut headers = sample.headers.clone();
        for (_, value) in &mut headers {
            if dice.one_in(3) {
                *value = mutate::bytes(dice, value);
            }
        }
        if dice.one_in(8) {
            let again = dice.pick(&headers).clone();
            headers.push(again);
        }
        let body = if dice.one_in(3) { mutate::json_text(dice, &sample.body) } else { sample.body.clone() };
        let url = if dice.one_in(4) { mutate::text(dice, &sample.url) } else { sample.url.clone() };
        let certificate = match &sample.certificate {
            Some(certificate) if dice.one_in(3) => Some(mutate::bytes(dice, certificate)),
            other => other.clone(),
        };
        let secrets: Vec<_> = sample.secrets.iter().flatten().cloned().collect();
        let headers: inbound::Headers = headers.into_iter().collect();
        let request = inbound::InboundRequest { method: "POST", url: &url, headers: &headers, body: &body };
        let now = Timestamp::from_millis(sample::SECONDS * 1_000);
        match inbound::verify(&sample.provider, &secrets, &request, now, certificate.as_deref()) {
            Ok(_) => "verified".to_owned(),
            Err(_) => "refused".to_owned(),
        }
    });
}

#[test]
#[ignore = "tests/lanes/fuzz.sh gives it time"]
fn import_files() {
    let mut samples = files("tests/corpus/import");
    for format in Format::ALL {
        for encoding in Encoding::ALL {
            let made = FileMaker { format, encoding, records: RECORDS, bad_every: 7, seed: 1 }.make();
            samples.push(made.stored);
        }
    }
    play("readers::import_files", &["read", "bad file"], |dice| {
        let sample = dice.pick(&samples);
        let stored = mutate::bytes(dice, sample);
        read(dice, &stored)
    });
}

/// Reads a file in pieces of chance sizes.
fn read(dice: &mut Dice, stored: &[u8]) -> String {
    let Ok(file) = detect(&stored[..stored.len().min(DETECT_BYTES)]) else { return "not detected".to_owned() };
    let mut reader = RecordReader::new(ReadPlan::whole(file, stored.len() as u64));
    let (mut rest, mut steps) = (stored, 0);
    // A compressed file has more records than bytes; none of the samples has ten times as many.
    let steps_max = stored.len() * 10 + STEPS_MORE;
    while !reader.is_over() {
        steps += 1;
        assert!(steps <= steps_max, "the reader stands still after {} bytes", reader.input_offset());
        match reader.next_record() {
            Ok(Some(_)) => {}
            Ok(None) if rest.is_empty() => reader.end(),
            Ok(None) => {
                let (piece, behind) = rest.split_at(1 + dice.below(rest.len()));
                reader.feed(Bytes::copy_from_slice(piece));
                rest = behind;
            }
            Err(_) => return "bad file".to_owned(),
        }
    }
    "read".to_owned()
}
