//! The state's directory: it holds secrets and often lies in a checkout, so a new one is for its owner only and tells git
//! to leave it alone. One that is there is taken as it is.

use std::fs::DirBuilder;
use std::io;
use std::path::Path;

/// Makes the directory if it is not there.
pub(crate) fn make(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    std::fs::write(directory.join(".gitignore"), "*\n")
}
