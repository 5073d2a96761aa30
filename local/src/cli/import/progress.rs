//! How far it is: a bar for who watches, a line every few seconds for a log.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::cli::terminal::{complain, is_watched};

/// Time between two lines where nobody watches.
const LINE_PERIOD: Duration = Duration::from_secs(5);

/// Clones show the same.
#[derive(Clone)]
pub(super) struct Progress {
    what: &'static str,
    bar: ProgressBar,
    begun: Instant,
    /// When the last line was written; None where a bar is shown.
    line: Option<Arc<Mutex<Instant>>>,
}

impl Progress {
    /// Of bytes that go out.
    pub(super) fn upload(bytes: u64) -> Self {
        Self::new("uploading", bytes, "uploading {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}")
    }

    /// Of a file that is read at the gateway.
    pub(super) fn import() -> Self {
        Self::new("importing", 0, "importing {wide_bar} {bytes}/{total_bytes}\n{msg}")
    }

    fn new(what: &'static str, bytes: u64, template: &str) -> Self {
        let (bar, begun) = (ProgressBar::hidden(), Instant::now());
        if !is_watched() {
            bar.set_length(bytes);
            return Self { what, bar, begun, line: Some(Arc::new(Mutex::new(begun))) };
        }
        let bar = ProgressBar::new(bytes);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { what, bar, begun, line: None }
    }

    /// So many bytes more.
    pub(super) fn forward(&self, bytes: u64) {
        self.bar.inc(bytes);
        let rate = self.bar.position() as f64 / self.begun.elapsed().as_secs_f64().max(f64::EPSILON);
        self.write_line(|| format!("{}/s", HumanBytes(rate as u64)));
    }

    /// So many bytes have to be sent again.
    pub(super) fn back(&self, bytes: u64) {
        self.bar.dec(bytes);
    }

    /// So many bytes of so many, and what there is to say.
    pub(super) fn show(&self, bytes: u64, all_bytes: u64, message: &str) {
        self.bar.set_length(all_bytes);
        self.bar.set_position(bytes);
        self.bar.set_message(message.to_owned());
        self.write_line(|| message.to_owned());
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn write_line(&self, message: impl FnOnce() -> String) {
        let Some(line) = &self.line else { return };
        let mut last = line.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() < LINE_PERIOD {
            return;
        }
        *last = Instant::now();
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or_default());
        complain(&format!("{} {} of {}, {}", self.what, HumanBytes(done), HumanBytes(all), message()));
    }
}
