//! Data keys.

use serde_json::{Value, json};

use super::super::op::{OperationDoc, op};
use super::INSTANT;
use crate::http::wire::encryption::{DataKeyOut, DataKeysEraseIn, DataKeysOut};

fn shown() -> Value {
    json!({ "number": 1, "createdAt": INSTANT })
}

pub(super) fn operations() -> Vec<OperationDoc> {
    vec![
        op("encryption-key.list", "List data keys")
            .describe("What is known of the keys that the organization's secrets are sealed with. The keys themselves are shown to nobody.")
            .answers::<DataKeysOut>(200, json!({ "data": [shown()] })),
        op("encryption-key.rotate", "Rotate the data key")
            .describe(
                "What is written from now on is sealed with a new key; functions that have the old one in memory go on with it for \
                 up to five minutes. What was sealed before stays readable, and gets the new key when it is next written. A key is \
                 replaced without being asked when it is 90 days old.",
            )
            .answers::<DataKeyOut>(201, shown())
            .errors(&[400]),
        op("encryption-key.erase", "Erase all data keys")
            .describe(
                "Makes everything unreadable that is sealed with the organization's keys: its endpoints, its sources, and payloads \
                 where the gateway seals them. **Nothing brings them back.** Functions that have a key in memory forget it within \
                 five minutes. Backups of the table hold the keys until they expire.",
            )
            .body::<DataKeysEraseIn>(json!({ "organization": "org_1srOrx2ZWZBpBUvZwXKQmoEYga2" }))
            .answers_nothing("The keys are gone, and what they sealed."),
    ]
}
