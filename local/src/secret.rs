//! The local secret behind bearer tokens: made once, kept in the state's directory, readable for its owner only.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use fanfare::config::JwtSecret;
use fanfare::effects::Random;

const FILE: &str = "jwt-secret";
const SECRET_BYTES: usize = 32;

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file system refused.
    #[error("the token secret in {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("the token secret in {} {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// The secret of this directory; made if it is not there. Two that begin at once end up with the same.
pub fn of_directory(directory: &Path, random: &dyn Random) -> Result<JwtSecret, SecretError> {
    let path = directory.join(FILE);
    let file_error = |source| SecretError::File { path: path.clone(), source };
    crate::directory::make(directory).map_err(file_error)?;
    match create(directory, &path, random) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(file_error(error)),
    }
    let text = std::fs::read_to_string(&path).map_err(file_error)?;
    JwtSecret::parse(text.trim()).map_err(|reason| SecretError::Invalid { path: path.clone(), reason })
}

/// A new secret.
pub fn random(random: &dyn Random) -> Result<JwtSecret, SecretError> {
    let path = PathBuf::from("memory");
    JwtSecret::parse(&text(random)).map_err(|reason| SecretError::Invalid { path, reason })
}

/// What presigned URLs of objects are signed with. Follows from the token secret, so that a URL outlives a restart as a
/// token does; the way back is that of the hash.
pub fn of_objects(secret: &JwtSecret) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    BASE64.encode(aws_lc_rs::hmac::sign(&key, b"fanfare, presigned URLs of objects"))
}

fn text(random: &dyn Random) -> String {
    let mut bytes = [0; SECRET_BYTES];
    random.fill(&mut bytes);
    BASE64.encode(bytes)
}

/// Writes the file under another name and then links it, so that nobody ever reads half of it.
fn create(directory: &Path, path: &Path, random: &dyn Random) -> std::io::Result<()> {
    if path.exists() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    let draft = directory.join(format!("{FILE}.{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text(random).as_bytes())?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    linked
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use fanfare::effects::SystemRandom;

    use super::*;

    #[test]
    fn the_secret_is_made_once_and_kept_for_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("state");
        let first = of_directory(&inner, &SystemRandom).unwrap();
        assert!(first == of_directory(&inner, &SystemRandom).unwrap());
        assert!(first != random(&SystemRandom).unwrap());
        let mut files: Vec<_> = std::fs::read_dir(&inner).unwrap().map(|file| file.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, [".gitignore", FILE], "drafts are cleared away");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&inner.join(FILE)), mode(&inner)), (0o600, 0o700));
        }
    }

    #[test]
    fn a_spoilt_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(FILE), "short").unwrap();
        let error = of_directory(directory.path(), &SystemRandom).unwrap_err();
        assert!(error.to_string().contains(FILE), "{error}");
    }
}
