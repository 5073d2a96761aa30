//! Log lines that a test reads.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use fanfare::telemetry::{LogFormat, lines_to};
use serde_json::Value;
use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::fmt::MakeWriter;

/// With one subscriber in the process, tracing asks only the thread that comes to a call site first whether anybody listens there,
/// and remembers its answer for all. Tests run on many threads, most of which do not listen: this is the second subscriber.
static SECOND_SUBSCRIBER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));

/// What was logged while this was the writer.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// What this thread logs from here on, as the product writes it, until the guard falls.
    pub(crate) fn of_this_thread(level: &str, format: LogFormat, debug_share: f64) -> (Self, dispatcher::DefaultGuard) {
        LazyLock::force(&SECOND_SUBSCRIBER);
        let log = Self::default();
        let listening = dispatcher::set_default(&lines_to(log.clone(), level, format, debug_share));
        (log, listening)
    }

    /// What was logged since this was last asked.
    pub(crate) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines with this message, as JSON.
    pub(crate) fn lines(&self, message: &str) -> Vec<Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
        lines.filter(|line| line["message"] == message).collect()
    }
}
