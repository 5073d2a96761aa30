//! Imports: files of events.

use serde_json::{Value, json};

use super::super::op::{OperationDoc, op, page};
use super::{APPLICATION, IMPORT, INSTANT, page_of};
use crate::http::query::PageOut;
use crate::http::wire::import::{AskedImportOut, ImportCompleteIn, ImportIn, ImportOut};

const ADDRESS: &str = "https://bucket.s3.amazonaws.com/import/…?X-Amz-Signature=…";

fn shown() -> Value {
    json!({
        "id": IMPORT, "appId": APPLICATION, "name": "events.ndjson", "status": "running", "format": "ndjson",
        "encoding": "plain", "size": 104_857_600, "bytesRead": 33_554_432, "linesRead": 91_000, "accepted": 90_990,
        "duplicate": 7, "rejected": 3, "parts": 4, "partsDone": 1, "linesPerSecond": 6_500,
        "estimatedEnd": "2026-11-24T09:30:44Z", "createdAt": INSTANT, "startedAt": INSTANT,
    })
}

fn asked() -> Value {
    json!({
        "id": IMPORT, "appId": APPLICATION, "name": "events.ndjson", "status": "waiting", "size": 104_857_600,
        "bytesRead": 0, "linesRead": 0, "accepted": 0, "duplicate": 0, "rejected": 0, "parts": 0, "partsDone": 0,
        "createdAt": INSTANT,
        "upload": {
            "method": "PUT", "headers": { "content-type": "application/x-ndjson" }, "expiresAt": "2026-11-24T21:30:00Z",
            "isMultipart": false, "partSize": 104_857_600,
            "parts": [{ "number": 1, "size": 104_857_600, "url": ADDRESS }],
        },
    })
}

fn body() -> Value {
    json!({ "size": 104_857_600, "name": "events.ndjson", "contentType": "application/x-ndjson" })
}

pub(super) fn operations() -> Vec<OperationDoc> {
    vec![
        op("import.create-for-application", "Ask for an import")
            .describe(
                "Answers with an address to which the file is uploaded with PUT; its arrival begins the import. A file above 1 GiB \
                 has several parts, with an address each, and is to be completed. Every record becomes a message once: NDJSON, a \
                 JSON array, or CSV with a header, plain or packed with gzip or zstd.",
            )
            .body::<ImportIn>(body())
            .idempotent()
            .answers::<AskedImportOut>(201, asked())
            .errors(&[409]),
        op("import.create", "Ask for an import for many applications")
            .describe("Every record names its application, in the field or column `application`.")
            .body::<ImportIn>(body())
            .idempotent()
            .answers::<AskedImportOut>(201, asked())
            .errors(&[409]),
        op("import.list-by-application", "List an application's imports")
            .query(page("Which end comes first; the newest, unless said otherwise."))
            .answers::<PageOut<ImportOut>>(200, page_of(shown(), IMPORT)),
        op("import.list", "List imports")
            .query(page("Which end comes first; the newest, unless said otherwise."))
            .answers::<PageOut<ImportOut>>(200, page_of(shown(), IMPORT)),
        op("import.get", "Show an import").answers::<ImportOut>(200, shown()),
        op("import.complete", "Complete an upload of several parts")
            .body::<ImportCompleteIn>(json!({ "parts": [{ "number": 1, "etag": "\"7dd1a1d5\"" }] }))
            .idempotent()
            .answers::<ImportOut>(200, shown()),
        op("import.cancel", "Call an import off")
            .describe("What was accepted stays accepted. One that is over stays as it is.")
            .idempotent()
            .answers::<ImportOut>(200, shown()),
    ]
}
