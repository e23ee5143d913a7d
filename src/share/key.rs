//! The key of an installation: made once, kept in the state directory for its owner alone.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::failure::{Failure, Result};

/// The file, in the state directory.
const FILE: &str = "installation.key";
const DOING: &str = "reading the key of this installation";

/// An Ed25519 key (RFC 8032).
#[derive(Debug)]
pub struct Key {
    pair: Ed25519KeyPair,
}

impl Key {
    /// Opens the key of a state directory, and makes it where there is none.
    ///
    /// # Errors
    /// It cannot be made, or what is there is no key, or others may read it.
    pub fn open(state_dir: &Path) -> Result<Self> {
        let path = state_dir.join(FILE);
        let again = || format!("put {} back from a backup, or use another state directory", path.display());
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => Self::make(&path)?,
            Err(error) => return Err(Failure::new(DOING, error, again())),
        };
        let mode =
            fs::metadata(&path).map_err(|error| Failure::new(DOING, error, again()))?.permissions().mode();
        if mode & 0o077 != 0 {
            let hint = format!("run chmod 600 {}", path.display());
            return Err(Failure::new(DOING, format!("others may read {}", path.display()), hint));
        }
        let pair = Ed25519KeyPair::from_pkcs8(&bytes)
            .map_err(|_| Failure::new(DOING, format!("{} holds no Ed25519 key", path.display()), again()))?;
        Ok(Self { pair })
    }

    /// Makes the file whole or not at all: of two that make it at once one wins, and both read that.
    fn make(path: &Path) -> Result<Vec<u8>> {
        let failed = |error: std::io::Error| {
            Failure::new(
                "making the key of this installation",
                error,
                "make room, and let its directory be written to",
            )
        };
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| failed(std::io::Error::other("the system gives no random numbers")))?;
        let beside = path.with_extension(format!("key.{}", std::process::id()));
        let _ = fs::remove_file(&beside);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(failed)?;
        file.write_all(made.as_ref()).and_then(|()| file.sync_all()).map_err(failed)?;
        let linked = fs::hard_link(&beside, path);
        if let Some(directory) = path.parent() {
            let _ = fs::File::open(directory).and_then(|directory| directory.sync_all());
        }
        let _ = fs::remove_file(&beside);
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(error)),
            _ => fs::read(path).map_err(failed),
        }
    }

    /// The public half, in Base64.
    pub fn public(&self) -> String {
        BASE64.encode(self.pair.public_key())
    }

    /// Signs bytes; the signature in Base64.
    pub fn sign(&self, bytes: &[u8]) -> String {
        BASE64.encode(self.pair.sign(bytes))
    }
}

/// Tells whether bytes were signed with the key of this public half.
pub fn is_signed(public: &str, bytes: &[u8], signature: &str) -> bool {
    let (Ok(public), Ok(signature)) = (BASE64.decode(public), BASE64.decode(signature)) else { return false };
    UnparsedPublicKey::new(&ED25519, public).verify(bytes, &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::open(dir.path()).unwrap();
        let again = Key::open(dir.path()).unwrap();
        assert_eq!(key.public(), again.public());
        let path = dir.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        let signature = key.sign(b"head");
        assert!(is_signed(&again.public(), b"head", &signature));
        assert!(!is_signed(&again.public(), b"heads", &signature));
        assert!(!is_signed(&again.public(), b"head", "zz"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Key::open(dir.path()).unwrap_err().to_string().contains("others may read"));
        fs::write(&path, "no key").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(Key::open(dir.path()).unwrap_err().to_string().contains("no Ed25519 key"));
    }
}
