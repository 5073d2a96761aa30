//! `fanfare bench import`: how fast a file becomes messages.
//!
//! A file of NDJSON of about this size is made, uploaded over the public API as `fanfare import` does it, and followed to
//! its end. Endpoints, if there are any, get their webhooks meanwhile and take their share of the machine.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use comfy_table::{Table, presets};
use serde_json::{Value, json};

use super::meter::Meter;
use super::report::{memory_peak_mb, rate};
use super::scenario::Setup;
use super::{APPLICATION, options, state};
use crate::Gateway;
use crate::cli::api::{self, NewEndpoint};
use crate::cli::args::organization_default;
use crate::cli::http_client::Connection;
use crate::cli::import::{Client, Job, Standing};
use crate::cli::receivers::Receiver;
use crate::cli::terminal::say;

/// The queue before the import function.
const IMPORT_QUEUE: &str = "fanfare-import";

/// What came of it.
struct Measured {
    bytes: u64,
    uploading: Duration,
    importing: Duration,
    memory_before_mb: Option<f64>,
    write_units: f64,
    invocations: u64,
    deliveries: u64,
    standing: Standing,
}

pub(super) async fn run(setup: &Setup, bytes: u64) -> anyhow::Result<ExitCode> {
    let file = tempfile::NamedTempFile::new().context("making a temporary file")?;
    let (path, payload_bytes) = (file.path().to_owned(), setup.payload_bytes);
    tokio::task::spawn_blocking(move || write_lines(&path, bytes, payload_bytes)).await??;

    let (state, _temporary) = state(setup)?;
    let meter = Meter::default();
    let gateway = Gateway::start_with(options(setup, state), |client| meter.wrap(client)).await?;
    let token = gateway.token(&organization_default().context("the default organization")?)?;
    let deliveries = Arc::new(AtomicU64::new(0));
    let receivers = prepare(&gateway, &token, setup.endpoints, &deliveries).await?;
    let measured = measure(&gateway, &token, file.path(), &meter, &deliveries).await?;
    drop(receivers);
    gateway.shutdown().await;
    say(&if setup.json { measured.json(setup).to_string() } else { measured.table(setup) });
    Ok(if measured.standing.is_finished() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Lines until the file has this size, each a message with an event id of its own.
fn write_lines(path: &Path, bytes: u64, payload_bytes: usize) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let (mut written, pad) = (0, "x".repeat(payload_bytes.saturating_sub(r#"{"n":00000000,"pad":""}"#.len())));
    for number in 0_u64.. {
        if written >= bytes {
            break;
        }
        let payload = format!(r#"{{"n":{number:8},"pad":"{pad}"}}"#);
        let line = format!(r#"{{"eventType":"bench.sent","eventId":"line-{number}","payload":{payload}}}"#);
        writeln!(file, "{line}")?;
        written += line.len() as u64 + 1;
    }
    file.flush()
}

async fn prepare(
    gateway: &Gateway,
    token: &str,
    endpoints: usize,
    deliveries: &Arc<AtomicU64>,
) -> anyhow::Result<Vec<Receiver>> {
    let mut api = Connection::open(gateway.address(), token).await?;
    api::create_application(&mut api, APPLICATION).await?;
    let mut receivers = Vec::new();
    for _ in 0..endpoints {
        let deliveries = Arc::clone(deliveries);
        let receiver = Receiver::start(move |_, _| {
            deliveries.fetch_add(1, Ordering::Relaxed);
            std::future::ready(http::StatusCode::NO_CONTENT)
        });
        let receiver = receiver.await?;
        let new = NewEndpoint { url: receiver.url(), description: "bench", ..NewEndpoint::default() };
        api::create_endpoint(&mut api, APPLICATION, &new).await?;
        receivers.push(receiver);
    }
    Ok(receivers)
}

async fn measure(
    gateway: &Gateway,
    token: &str,
    file: &Path,
    meter: &Meter,
    deliveries: &AtomicU64,
) -> anyhow::Result<Measured> {
    let client = Client::new(&format!("http://{}", gateway.address()), token)?;
    let job = Job { app: Some(APPLICATION.to_owned()), ..Job::default() };
    let bytes = std::fs::metadata(file)?.len();
    let (memory_before_mb, units_before) = (memory_peak_mb(), meter.write_units());
    let begun = Instant::now();
    let id = job.upload(&client, file).await?;
    let uploading = begun.elapsed();
    let standing = job.follow(&client, &id).await?;
    Ok(Measured {
        bytes,
        uploading,
        importing: begun.elapsed().saturating_sub(uploading),
        memory_before_mb,
        write_units: meter.write_units() - units_before,
        invocations: meter.batches(IMPORT_QUEUE),
        deliveries: deliveries.load(Ordering::Relaxed),
        standing,
    })
}

impl Measured {
    fn per_1000_lines(&self, count: f64) -> f64 {
        count * 1_000.0 / (self.standing.lines_read.max(1) as f64)
    }

    fn lines_per_s(&self) -> f64 {
        rate(usize::try_from(self.standing.lines_read).unwrap_or(usize::MAX), self.importing)
    }

    fn table(&self, setup: &Setup) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut row = |name: &str, value: String| {
            table.add_row([name, &value]);
        };
        let megabytes = |mb: Option<f64>| mb.map_or("unknown".to_owned(), |mb| format!("{mb:.0} MB"));
        row("file", format!("{:.1} MB, payloads of {} bytes", self.bytes as f64 / 1e6, setup.payload_bytes));
        row("import", format!("{}, {}", self.standing.status, self.standing.counts()));
        row("uploaded in", format!("{:.1?}", self.uploading));
        row("imported in", format!("{:.1?}, {:.0} lines/s", self.importing, self.lines_per_s()));
        row("memory, peak", format!("{}, before {}", megabytes(memory_peak_mb()), megabytes(self.memory_before_mb)));
        row("table, for 1,000 lines", format!("{:.0} write units", self.per_1000_lines(self.write_units)));
        row("import, for 1,000 lines", format!("{:.3} invocations", self.per_1000_lines(self.invocations as f64)));
        row("delivered meanwhile", format!("{} to {} endpoints", self.deliveries, setup.endpoints));
        table.to_string()
    }

    fn json(&self, setup: &Setup) -> Value {
        let Standing { status, lines_read, accepted, duplicate, rejected, .. } = &self.standing;
        json!({
            "scenario": setup.scenario.name(), "bytes": self.bytes, "payload_bytes": setup.payload_bytes, "endpoints": setup.endpoints,
            "status": status, "lines": lines_read, "accepted": accepted, "duplicate": duplicate, "rejected": rejected,
            "upload_s": self.uploading.as_secs_f64(), "import_s": self.importing.as_secs_f64(),
            "lines_per_s": self.lines_per_s(),
            "memory_peak_mb": memory_peak_mb(), "memory_before_mb": self.memory_before_mb,
            "write_units_per_1000_lines": self.per_1000_lines(self.write_units),
            "invocations_per_1000_lines": self.per_1000_lines(self.invocations as f64),
            "deliveries": self.deliveries,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_has_the_size_that_was_asked_for_and_lines_that_are_messages() {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_lines(file.path(), 10_000, 200).unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!((10_000..10_300).contains(&text.len()), "{}", text.len());
        for (number, line) in text.lines().enumerate() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&line["payload"]["n"], &line["eventId"]), (&json!(number), &json!(format!("line-{number}"))));
            assert_eq!(line["payload"].to_string().len(), 200 - 8 + number.to_string().len());
        }
    }
}
