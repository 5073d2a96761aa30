//! What happened in a run: one readable line for each event, and how often each kind of fault was injected.
//!
//! Two runs of a seed have the same journal, byte for byte. Every call to AWS goes into a running checksum at its end, so that
//! a difference shows even where no line was written.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::effects::SimulatedClock;

/// The journal.
#[derive(Debug)]
pub(super) struct Journal {
    clock: SimulatedClock,
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    lines: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
    checksum: u64,
}

impl Journal {
    pub(super) fn new(clock: SimulatedClock) -> Self {
        Self { clock, pages: Mutex::default() }
    }

    /// Who did what.
    pub(super) fn note(&self, who: impl Display, what: impl Display) {
        let line = format!("{} {who:<14} {what}", time(self.clock.elapsed_ms()));
        self.pages().lines.push(line);
    }

    /// As [`Journal::note`], and counted under this name.
    pub(super) fn count(&self, kind: &'static str, who: impl Display, what: impl Display) {
        self.add(kind, 1);
        self.note(who, what);
    }

    /// Counts without a line.
    pub(super) fn add(&self, kind: &'static str, count: u64) {
        *self.pages().counts.entry(kind).or_default() += count;
    }

    /// A call to AWS, for the checksum.
    pub(super) fn call(&self, who: &str, operation: &str) {
        let mut pages = self.pages();
        for byte in who.bytes().chain(operation.bytes()).chain(self.clock.elapsed_ms().to_le_bytes()) {
            // FNV-1a: it must only differ when its input does.
            pages.checksum = (pages.checksum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        *pages.counts.entry("calls to AWS").or_default() += 1;
    }

    /// The lines and the counts.
    pub(super) fn close(&self) -> (Vec<String>, BTreeMap<&'static str, u64>) {
        let mut pages = self.pages();
        let checksum = format!("{} {:<14} {:016x}", time(self.clock.elapsed_ms()), "checksum", pages.checksum);
        pages.lines.push(checksum);
        (std::mem::take(&mut pages.lines), std::mem::take(&mut pages.counts))
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time of a run: hours, minutes, seconds, milliseconds.
pub(super) fn time(ms: u64) -> String {
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    format!("{:02}:{:02}:{:02}.{ms:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// An identifier as it is shown: its kind and its last characters, which are the ones that differ.
pub(super) fn short(id: &str) -> String {
    const SHOWN: usize = 5;
    let (kind, rest) = id.split_once('_').unwrap_or(("", id));
    let from = rest.len().saturating_sub(SHOWN);
    format!("{kind}_{}", rest.get(from..).unwrap_or(rest))
}
