//! The end of an import: the parts' numbers added up, the lists of what they rejected put together.

use super::ImportFile;
use super::part::RejectedOut;
use crate::domain::import::{Counts, Import, ImportStatus, Part};
use crate::fault::Fault;
use crate::telemetry::Metric;

impl ImportFile {
    /// A part was read to its end; if it was the last one, so is the import.
    pub(super) async fn part_is_done(&self, import: &Import) -> Result<(), Fault> {
        let counted = self.store.note_import_part_done(import).await?;
        // The counter may be ahead, never behind: it says when it is worth looking at all of them.
        let Some(import) = counted.filter(|import| import.parts_done >= import.parts) else { return Ok(()) };
        let parts = self.store.import_parts(&import).await?;
        let is_whole = parts.len() as u64 == u64::from(import.parts) && parts.iter().all(|part| part.is_done);
        match is_whole {
            true => self.end_with(&import, &parts, ImportStatus::Finished, None).await,
            false => Ok(()),
        }
    }

    /// Ends an import as it stands.
    pub(super) async fn end(&self, import: &Import, status: ImportStatus, reason: Option<&str>) -> Result<(), Fault> {
        let parts = self.store.import_parts(import).await?;
        self.end_with(import, &parts, status, reason).await
    }

    async fn end_with(
        &self,
        import: &Import,
        parts: &[Part],
        status: ImportStatus,
        reason: Option<&str>,
    ) -> Result<(), Fault> {
        let counts: Counts = parts.iter().map(|part| part.counts).sum();
        if counts.rejected > 0 {
            self.list_rejected(import, parts).await?;
        }
        // One that ended early may still have windows on their way.
        let totals = (status == ImportStatus::Finished).then_some(Counts { bytes: import.size, ..counts });
        if self.store.end_import(import, status, reason, totals, self.effects.now()).await?.is_some() {
            self.count(status, counts);
            tracing::info!(import.id = %import.id, status = status.as_str(), reason, counts = ?counts, "import");
        }
        Ok(())
    }

    fn count(&self, status: ImportStatus, counts: Counts) {
        match status {
            ImportStatus::Finished => {
                self.metrics.count(Metric::ImportsCompleted, 1);
                self.metrics.count(Metric::ImportRecordsRejected, counts.rejected);
            }
            ImportStatus::Failed => self.metrics.count(Metric::ImportsFailed, 1),
            // Somebody wanted it so.
            ImportStatus::Waiting | ImportStatus::Running | ImportStatus::Canceled => {}
        }
    }

    /// The list of an import that is over, with what was rejected since.
    pub(super) async fn list_again(&self, import: &Import) -> Result<(), Fault> {
        let parts = self.store.import_parts(import).await?;
        match parts.iter().any(|part| part.counts.rejected > 0) {
            true => self.list_rejected(import, &parts).await,
            false => Ok(()),
        }
    }

    /// One list out of the parts' pieces. Parts count their own lines; what was before a part is known by now, unless one of those
    /// was never read.
    async fn list_rejected(&self, import: &Import, parts: &[Part]) -> Result<(), Fault> {
        let action = "putting together rejected records";
        let mut lines_before = Some(0);
        let mut list = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            lines_before = lines_before.filter(|_| part.number as usize == index);
            for window in &part.error_windows {
                let piece = self.blobs.lines(&import.error_window_key(part.number, *window)).await?;
                for line in piece.iter().flat_map(|piece| piece.split(|byte| *byte == b'\n')) {
                    if line.is_empty() {
                        continue;
                    }
                    let mut rejected: RejectedOut =
                        serde_json::from_slice(line).map_err(|error| Fault::corrupt_because(action, error))?;
                    rejected.line = lines_before.map(|before: u64| before + rejected.line.unwrap_or(0));
                    serde_json::to_writer(&mut list, &rejected)
                        .map_err(|error| Fault::corrupt_because(action, error))?;
                    list.push(b'\n');
                }
            }
            lines_before = lines_before.filter(|_| part.is_done).map(|before| before + part.resume.number);
        }
        self.blobs.put_lines(&import.errors_key(), list).await
    }
}
