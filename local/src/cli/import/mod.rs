//! `fanfare import`: files become messages, of any gateway.
//!
//! Each file is announced to the API, uploaded to where the answer says (in parts when it is large), and followed until its
//! import has ended. All is well only if every import finished. Memory is bounded by the parts in flight, whatever the files'
//! size. A part that fails is sent again; an upload that is cut short leaves an import that waits, and expires by itself.

mod calls;
mod client;
mod columns;
mod follow;
mod progress;
mod upload;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use fanfare::effects::Effects;
use fanfare::http::auth::issue_token;

pub(super) use calls::Standing;
pub(super) use client::Client;
pub(super) use columns::ColumnArg;

use super::args::ImportArgs;
use super::terminal::{complain, say};
use crate::secret;
use calls::{Announced, Announcement};
use progress::Progress;
use upload::Sending;

/// How long a token of our own making is valid: longer than the longest import is followed.
const TOKEN_LIFETIME_S: i64 = 2 * 24 * 60 * 60;

/// What is known of a file by the end of its name. Nothing depends on it: the gateway looks into the file.
const CONTENT_TYPES: [(&str, &str); 6] = [
    ("ndjson", "application/x-ndjson"),
    ("jsonl", "application/x-ndjson"),
    ("json", "application/json"),
    ("csv", "text/csv"),
    ("gz", "application/gzip"),
    ("zst", "application/zstd"),
];
const CONTENT_TYPE_DEFAULT: &str = "application/octet-stream";

/// Parts sent at one time: enough to fill a line whose answers take their time.
pub(super) const CONNECTIONS_DEFAULT: u8 = 4;

/// How files are imported.
pub(super) struct Job {
    /// The application; none: each record names its own.
    pub(super) app: Option<String>,
    pub(super) columns: Vec<ColumnArg>,
    /// None: by the files' names.
    pub(super) content_type: Option<String>,
    /// How many parts of a large file are sent at one time.
    pub(super) connections: usize,
}

impl Default for Job {
    fn default() -> Self {
        Self { app: None, columns: Vec::new(), content_type: None, connections: CONNECTIONS_DEFAULT.into() }
    }
}

pub(super) async fn run(args: ImportArgs) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.url, &token(&args)?)?;
    let ImportArgs { files, app, columns, content_type, connections, .. } = args;
    let job = Job { app, columns, content_type, connections: connections.into() };
    let mut code = ExitCode::SUCCESS;
    for file in &files {
        let name = file.display().to_string();
        match job.run(&client, file).await.with_context(|| format!("importing {name}")) {
            Ok(standing) if standing.is_finished() => say(&standing.summary(&name)),
            Ok(standing) => {
                say(&standing.summary(&name));
                code = ExitCode::FAILURE;
            }
            Err(error) => {
                complain(&format!("error: {error:#}"));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

impl Job {
    /// One file, to the end of its import.
    async fn run(&self, client: &Client, file: &Path) -> anyhow::Result<Standing> {
        let id = self.upload(client, file).await?;
        complain(&format!("{} is uploaded and becomes {id}", file.display()));
        self.follow(client, &id).await
    }

    /// Uploads a file; the identifier of its import.
    pub(super) async fn upload(&self, client: &Client, file: &Path) -> anyhow::Result<String> {
        let metadata = tokio::fs::metadata(file).await?;
        anyhow::ensure!(metadata.is_file(), "it is not a file");
        let announcement = Announcement {
            name: file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned(),
            size: metadata.len(),
            content_type: self.content_type.clone().unwrap_or_else(|| content_type(file).to_owned()),
            columns: columns::to_json(&self.columns),
        };
        let Announced { id, upload } = calls::announce(client, self.app.as_deref(), &announcement).await?;
        let progress = Progress::upload(announcement.size);
        let (connections, pause) = (self.connections, upload::PAUSE);
        let sending = Sending { client, file, upload: &upload, connections, pause, progress: &progress };
        let tags = sending.send().await?;
        progress.end();
        if upload.is_multipart {
            calls::complete(client, &id, &tags).await?;
        }
        Ok(id)
    }

    /// Watches an import; how it stands at its end.
    pub(super) async fn follow(&self, client: &Client, id: &str) -> anyhow::Result<Standing> {
        follow::to_the_end(client, id).await
    }
}

/// The token given, or one made from the local secret.
fn token(args: &ImportArgs) -> anyhow::Result<String> {
    if let Some(token) = &args.token {
        return Ok(token.clone());
    }
    let effects = Effects::system();
    let secret = match &args.state.jwt_secret {
        Some(secret) => secret.clone(),
        None => secret::of_directory(&args.state.data, &*effects.random)?,
    };
    Ok(issue_token(&secret, &args.organization, effects.now(), TOKEN_LIFETIME_S)?)
}

fn content_type(file: &Path) -> &'static str {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let known = CONTENT_TYPES.iter().find(|(known, _)| ending.as_deref() == Some(known));
    known.map_or(CONTENT_TYPE_DEFAULT, |(_, content_type)| content_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_follows_from_the_name() {
        let check = |name: &str, expected: &str| assert_eq!(content_type(Path::new(name)), expected, "{name}");
        check("events.ndjson", "application/x-ndjson");
        check("a.b/Events.CSV", "text/csv");
        check("events.ndjson.gz", "application/gzip");
        check("events", "application/octet-stream");
    }
}
