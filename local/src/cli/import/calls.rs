//! The calls of the public API that an import needs, and their answers as far as they are looked at.

use std::collections::BTreeMap;

use anyhow::Context as _;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Client;

/// A file on its way.
pub(super) struct Announcement {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) content_type: String,
    pub(super) columns: Option<Value>,
}

/// The import of a file, and where its bytes go.
#[derive(Deserialize)]
pub(super) struct Announced {
    pub(super) id: String,
    pub(super) upload: Upload,
}

/// Where bytes go.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Upload {
    pub(super) method: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) is_multipart: bool,
    pub(super) parts: Vec<Part>,
}

/// A part of a file; parts follow each other.
#[derive(Clone, Deserialize)]
pub(super) struct Part {
    pub(super) number: u32,
    pub(super) size: u64,
    pub(super) url: String,
}

/// What a part's upload was answered with.
pub(super) struct Tag {
    pub(super) number: u32,
    pub(super) etag: String,
}

/// How an import stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Standing {
    pub(super) id: String,
    /// `waiting`, `running`, `finished`, `failed`, `canceled` or `expired`; others may come.
    pub(in crate::cli) status: String,
    pub(super) reason: Option<String>,
    pub(super) size: u64,
    pub(super) bytes_read: u64,
    pub(in crate::cli) lines_read: u64,
    pub(in crate::cli) accepted: u64,
    pub(in crate::cli) duplicate: u64,
    pub(in crate::cli) rejected: u64,
    pub(super) lines_per_second: Option<f64>,
    pub(super) errors_url: Option<String>,
}

impl Standing {
    pub(in crate::cli) fn is_finished(&self) -> bool {
        self.status == "finished"
    }

    pub(super) fn is_over(&self) -> bool {
        !["waiting", "running"].contains(&self.status.as_str())
    }

    /// The counts, for people.
    pub(in crate::cli) fn counts(&self) -> String {
        let Self { lines_read, accepted, duplicate, rejected, .. } = self;
        let rate = self.lines_per_second.map(|rate| format!(", {rate:.0} lines/s")).unwrap_or_default();
        format!("{lines_read} lines: {accepted} accepted, {duplicate} duplicate, {rejected} rejected{rate}")
    }

    /// How it ended, for people.
    pub(super) fn summary(&self, name: &str) -> String {
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let errors = self.errors_url.as_ref().map(|url| format!("\n  what is wrong with lines: {url}"));
        let Self { id, status, .. } = self;
        format!("{name}: {id} {status}{reason}, {}{}", self.counts(), errors.unwrap_or_default())
    }
}

/// Asks for an import, into one application or into those that the lines name.
pub(super) async fn announce(client: &Client, app: Option<&str>, file: &Announcement) -> anyhow::Result<Announced> {
    let Announcement { name, size, content_type, columns } = file;
    let mut body = json!({ "name": name, "size": size, "contentType": content_type });
    if let Some(columns) = columns {
        body["columns"] = columns.clone();
    }
    let path = match app {
        Some(app) => format!("/api/v1/app/{}/import", utf8_percent_encode(app, NON_ALPHANUMERIC)),
        None => "/api/v1/import".to_owned(),
    };
    let answer = client.call(Method::POST, &path, Some(&body)).await?;
    serde_json::from_value(answer).context("reading what the gateway wants uploaded")
}

/// Says that all parts are there.
pub(super) async fn complete(client: &Client, id: &str, tags: &[Tag]) -> anyhow::Result<()> {
    let parts: Vec<_> = tags.iter().map(|tag| json!({ "number": tag.number, "etag": tag.etag })).collect();
    let path = format!("/api/v1/import/{id}/complete");
    client.call(Method::POST, &path, Some(&json!({ "parts": parts }))).await.map(drop)
}

/// Asks how an import stands.
pub(super) async fn look(client: &Client, id: &str) -> anyhow::Result<Standing> {
    let answer = client.call(Method::GET, &format!("/api/v1/import/{id}"), None).await?;
    serde_json::from_value(answer).context("reading how the import stands")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_summary_says_how_it_ended_and_where_errors_are() {
        let standing = |extra: Value| {
            let mut all = json!({
                "id": "imp_1", "status": "finished", "size": 9, "bytesRead": 9, "linesRead": 5, "accepted": 3, "duplicate": 1,
                "rejected": 1,
            });
            all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            serde_json::from_value::<Standing>(all).unwrap()
        };
        let counts = "5 lines: 3 accepted, 1 duplicate, 1 rejected";
        assert_eq!(standing(json!({})).summary("a.csv"), format!("a.csv: imp_1 finished, {counts}"));
        let finished = standing(json!({ "linesPerSecond": 1234, "errorsUrl": "http://x/y" })).summary("a.csv");
        assert_eq!(
            finished,
            format!("a.csv: imp_1 finished, {counts}, 1234 lines/s\n  what is wrong with lines: http://x/y")
        );
        let failed = standing(json!({ "status": "failed", "reason": "empty" }));
        assert!(failed.is_over() && !failed.is_finished());
        assert_eq!(failed.summary("a.csv"), format!("a.csv: imp_1 failed (empty), {counts}"));
    }
}
