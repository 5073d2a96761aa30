//! The event of a new object, as S3 writes it (version 2.6 of its notification content).
//!
//! The key is encoded as in a form, slashes kept; the tag comes without its quotes. Who put the object, from where and
//! under which request is not known here, and said in S3's own fields as what it is: this machine.

use std::time::{Duration, SystemTime};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{Timestamp, TimestampFormat};
use serde_json::{Value, json};

use crate::{LOCAL_ACCOUNT, LOCAL_REGION};

const EVENT_VERSION: &str = "2.6";

/// What stands for itself in an encoded key. A space becomes `+`, which is left alone here and put in before.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// An object that has just been made.
#[derive(Debug)]
pub(super) struct Created {
    /// How: `ObjectCreated:Put`.
    pub(super) event: &'static str,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) size: i64,
    pub(super) e_tag: String,
}

impl Created {
    /// The message for a queue. `sequencer` orders the events of one key, `rule` is the configuration's id.
    pub(super) fn message(&self, rule: &str, sequencer: u64, at_ms: u64) -> String {
        json!({ "Records": [self.record(rule, sequencer, at_ms)] }).to_string()
    }

    fn record(&self, rule: &str, sequencer: u64, at_ms: u64) -> Value {
        let owner = json!({ "principalId": LOCAL_ACCOUNT });
        json!({
            "eventVersion": EVENT_VERSION,
            "eventSource": "aws:s3",
            "awsRegion": LOCAL_REGION,
            "eventTime": time(at_ms),
            "eventName": self.event,
            "userIdentity": owner,
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": {
                "x-amz-request-id": format!("{sequencer:016X}"),
                "x-amz-id-2": format!("{sequencer:016X}"),
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": rule,
                "bucket": {
                    "name": self.bucket,
                    "ownerIdentity": owner,
                    "arn": format!("arn:aws:s3:::{}", self.bucket),
                },
                "object": {
                    "key": encoded(&self.key),
                    "size": self.size,
                    "eTag": self.e_tag,
                    "sequencer": format!("{sequencer:016X}"),
                },
            },
        })
    }
}

fn encoded(key: &str) -> String {
    utf8_percent_encode(key, ENCODED).to_string().replace(' ', "+")
}

fn time(at_ms: u64) -> String {
    let mut text = Vec::new();
    let at = Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_millis(at_ms));
    match at.format(TimestampFormat::DateTime, &mut text) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_record_reads_as_one_of_s3() {
        let created = Created {
            event: "ObjectCreated:Put",
            bucket: "imports".to_owned(),
            key: "drop/Grüße & more+1 (2).json".to_owned(),
            size: 7,
            e_tag: "d41d8cd9".to_owned(),
        };
        let message: Value = serde_json::from_str(&created.message("drops", 0xA5, 1_800_000_000_123)).unwrap();
        let record = &message["Records"][0];
        assert_eq!(record["eventTime"], "2027-01-15T08:00:00.123Z");
        assert_eq!(record["s3"]["object"]["key"], "drop/Gr%C3%BC%C3%9Fe+%26+more%2B1+%282%29.json");
        assert_eq!(record["s3"]["object"]["sequencer"], "00000000000000A5");
        assert_eq!(record["s3"]["bucket"]["arn"], "arn:aws:s3:::imports");
        assert_eq!(record["s3"]["configurationId"], "drops");
    }
}
