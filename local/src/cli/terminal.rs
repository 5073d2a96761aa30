//! The one place that writes to the terminal: results to standard output, everything else to standard error.

use std::io::{IsTerminal as _, Write as _};

/// A line of the result. A reader that has gone, such as `head`, is no error of ours.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A line beside the result.
pub(super) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether somebody watches.
pub(super) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}
