//! The server key in the data directory: made at the first start, read at every other one.
//!
//! It is the one thing that is kept in a file and not in the database, so that a copy of the database alone is worth nothing to
//! whoever wants to ask with a key of somebody else. Without the file nobody's API key is accepted any more: it belongs into a
//! backup, apart from the database's.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use revaer_application::ServerKey;

/// Its name in the data directory.
const FILE: &str = "server.key";
/// What others may do with it: nothing.
const FORBIDDEN: u32 = 0o077;

/// Where it lies.
pub(crate) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// Reads the key, or makes one where there is none. The data directory is locked: nobody else makes one at the same time.
pub(crate) fn open(data_dir: &Path) -> anyhow::Result<ServerKey> {
    if let Some(key) = find(data_dir)? {
        return Ok(key);
    }
    let key = ServerKey::draw();
    put(data_dir, &key)?;
    Ok(key)
}

/// Reads the key, if there is one.
pub(crate) fn find(data_dir: &Path) -> anyhow::Result<Option<ServerKey>> {
    let path = path(data_dir);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let mode = fs::metadata(&path)?.permissions().mode();
    if mode & FORBIDDEN != 0 {
        bail!("{} may be read by others (mode {:o}): make it 0600", path.display(), mode & 0o777);
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes)
        .with_context(|| format!("{} is damaged: expected 64 hexadecimal digits", path.display()))?;
    Ok(Some(ServerKey::new(bytes)))
}

/// Keeps a key where there is none.
pub(crate) fn put(data_dir: &Path, key: &ServerKey) -> anyhow::Result<()> {
    let path = path(data_dir);
    make(data_dir, &path, key).with_context(|| format!("cannot make {}", path.display()))
}

/// Whole or not at all: a key that was cut short by a crash would lock everybody out.
fn make(data_dir: &Path, path: &Path, key: &ServerKey) -> anyhow::Result<()> {
    // Such a file is readable by its owner alone from the beginning.
    let mut file = tempfile::NamedTempFile::new_in(data_dir)?;
    writeln!(file, "{}", hex::encode(key.bytes()))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    fs::File::open(data_dir)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_made_once_and_is_nobody_elses_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path()).unwrap();
        assert_eq!(open(folder.path()).unwrap().bytes(), first.bytes());
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(open(folder.path()).is_err());
    }

    #[test]
    fn damaged_key_is_said_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).unwrap();
        let path = folder.path().join(FILE);
        fs::write(&path, "abc").unwrap();
        assert!(open(folder.path()).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "abc");
    }
}
