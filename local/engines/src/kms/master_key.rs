//! The key in its file: made at the first start, readable for its owner only, refused when others may read it.
//!
//! Whoever has the state's directory without this file can read no secret in it; so a copy that leaves the machine should leave
//! the file behind. When it is lost, what was sealed with it is lost.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::OpenError;

const KEY_BYTES: usize = 32;

/// A new key.
pub(super) fn random() -> Result<RandomizedNonceKey, OpenError> {
    key(&random_bytes()?).ok_or(OpenError::NoRandomness)
}

/// The key in this file.
pub(super) fn of_file(path: &Path) -> Result<RandomizedNonceKey, OpenError> {
    let failed = |source| OpenError::MasterKey { path: path.to_owned(), source };
    match create(path, &random_bytes()?) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    check_owner_only(path)?;
    let text = fs::read_to_string(path).map_err(failed)?;
    let bytes = BASE64.decode(text.trim()).ok().filter(|bytes| bytes.len() == KEY_BYTES);
    let invalid = || failed(std::io::Error::new(ErrorKind::InvalidData, "it holds no key"));
    bytes.as_deref().and_then(key).ok_or_else(invalid)
}

/// The directory is this process's alone, so nobody reads a file that is half written, unless its writer was cut short: then it
/// holds no key, and nothing was sealed yet.
fn create(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(BASE64.encode(bytes).as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn check_owner_only(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::metadata(path).map_err(|source| OpenError::MasterKey { path: path.to_owned(), source })?;
    match metadata.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => Err(OpenError::MasterKeyExposed { path: path.to_owned() }),
    }
}

#[cfg(not(unix))]
fn check_owner_only(_: &Path) -> Result<(), OpenError> {
    Ok(())
}

fn random_bytes() -> Result<[u8; KEY_BYTES], OpenError> {
    let mut bytes = [0; KEY_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| OpenError::NoRandomness)?;
    Ok(bytes)
}

fn key(bytes: &[u8]) -> Option<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, bytes).ok()
}
