//! A receiver's answer: its status, the beginning of its body as text, and when it wants to be asked again.

use std::io;
use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{CONTENT_LENGTH, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::failure::{Failure, find};
use crate::domain::attempt::RESPONSE_BODY_BYTES_MAX;
use crate::domain::timestamp::Timestamp;

/// Longest wait a receiver may ask for; the schedule clamps further, this only keeps the number sane.
pub const RETRY_AFTER_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

/// The beginning of the body. Whoever sends more has its connection closed: reading on could take forever, and what is
/// not read cannot be skipped.
pub(super) async fn read_body(answer: Response<Incoming>) -> Result<String, Failure> {
    let (head, mut body) = answer.into_parts();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Err(error) if is_end_without_goodbye(&head.headers, &error) => break,
            frame => frame.map_err(|error| Failure::of_body(&error))?,
        };
        let Some(data) = frame.data_ref() else { continue };
        let room = RESPONSE_BODY_BYTES_MAX - bytes.len();
        if data.len() > room {
            bytes.extend_from_slice(&data[..room]);
            return Ok(cut_text(bytes));
        }
        bytes.extend_from_slice(data);
    }
    Ok(text(bytes))
}

/// Whether a body that ends with its connection has ended. Over TLS some servers close the socket without the alert that
/// tells an end from a cut (`close_notify`). The status, which decides, has come whole: failing them would send the same
/// message again and again to a receiver that has taken it.
fn is_end_without_goodbye(headers: &HeaderMap, error: &hyper::Error) -> bool {
    let has_length = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    !has_length && find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
}

/// The text of a body that was cut, perhaps through a character: half a character does not make it binary.
fn cut_text(mut bytes: Vec<u8>) -> String {
    if let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    text(bytes)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| BASE64.encode(error.as_bytes()))
}

/// `Retry-After` (RFC 9110, 10.2.3) in milliseconds from `now`: seconds, also with a fraction because receivers do
/// that, or an HTTP date. What is neither is ignored.
pub(super) fn retry_after_ms(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let millis = match value.parse::<f64>() {
        Ok(seconds) => seconds.is_finite().then_some((seconds * 1_000.0) as i64)?,
        Err(_) => date(value)?.millis_since(now),
    };
    Some(u64::try_from(millis).unwrap_or(0).min(RETRY_AFTER_MS_MAX))
}

/// A date before 1970 is as good as now.
fn date(text: &str) -> Option<Timestamp> {
    let since_epoch = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, wait_ms: Option<u64>) {
        let now = Timestamp::from_millis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
        let headers = [(RETRY_AFTER, value.parse().unwrap())].into_iter().collect();
        assert_eq!(retry_after_ms(&headers, now), wait_ms, "{value:?}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_within_a_day() {
        check("120", Some(120_000));
        check(" 1.5 ", Some(1_500));
        check("0", Some(0));
        check("-5", Some(0));
        check("1e300", Some(RETRY_AFTER_MS_MAX));
        check("99999999999999999999", Some(RETRY_AFTER_MS_MAX));
        check("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000));
        check("Sunday, 06-Nov-94 08:49:38 GMT", Some(1_000));
        check("Sun, 06 Nov 1994 08:49:00 GMT", Some(0));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(RETRY_AFTER_MS_MAX));
        for nonsense in ["", "soon", "nan", "inf", "-inf", "12 s", "1994-11-06T08:49:37Z"] {
            check(nonsense, None);
        }
        assert_eq!(retry_after_ms(&HeaderMap::new(), Timestamp::from_millis(0)), None);
    }

    #[test]
    fn a_body_is_text_or_base64_and_a_cut_character_is_dropped() {
        assert_eq!(text("häh".into()), "häh");
        assert_eq!(text(vec![0xff, 0xfe]), "//4=");
        assert_eq!(text(b"h\xc3".to_vec()), "aMM=");
        assert_eq!(cut_text(b"h\xc3".to_vec()), "h");
        assert_eq!(cut_text("漢".as_bytes()[..2].to_vec()), "");
        assert_eq!(cut_text(vec![0xff, 0xc3]), "/8M=");
    }
}
