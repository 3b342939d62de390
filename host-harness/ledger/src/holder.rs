//! Who works on what, across processes.
//!
//! A process holds a lock on a file of its own for as long as it lives; the system lets go of it however
//! the process ends. So there are no leases and no time-outs: work belongs to somebody who is alive, or
//! it is free.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// This process, as far as a ledger is concerned.
#[derive(Debug)]
pub(crate) struct Holder {
    folder: PathBuf,
    name: String,
    _locked: File,
}

impl Holder {
    /// Takes a name nobody else has, in a folder beside the ledger.
    pub(crate) fn new(ledger: &Path) -> io::Result<Self> {
        let folder = folder(ledger);
        std::fs::create_dir_all(&folder)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        for attempt in 0_u32.. {
            let name = format!("{}-{}-{attempt}", std::process::id(), since.as_nanos());
            let path = folder.join(&name);
            match OpenOptions::new().write(true).create_new(true).open(path) {
                Ok(file) => {
                    file.lock()?;
                    return Ok(Self { folder, name, _locked: file });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("no name is free"))
    }

    /// The name that goes into the ledger.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a holder's process still runs. The file of one that does not is removed.
    pub(crate) fn is_alive(&self, name: &str) -> bool {
        if name == self.name {
            return true;
        }
        let path = self.folder.join(name);
        let Ok(file) = File::open(&path) else { return false };
        match file.try_lock() {
            // A lock that cannot be asked for counts as held: better wait for a person than pay twice.
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
            Ok(()) => {
                // Another process may have removed it first.
                let _ = std::fs::remove_file(path);
                false
            }
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // What is left over is removed by the next process that looks.
        let _ = std::fs::remove_file(self.folder.join(&self.name));
    }
}

fn folder(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push("-holders");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_lives_as_long_as_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger");
        let (one, two) = (Holder::new(&ledger).unwrap(), Holder::new(&ledger).unwrap());
        assert!(one.is_alive(two.name()) && two.is_alive(one.name()) && one.is_alive(one.name()));
        let name = two.name().to_owned();
        drop(two);
        assert!(!one.is_alive(&name));
        // Killed: the file stays, the lock does not.
        std::fs::write(folder.path().join("ledger-holders/1-1-0"), "").unwrap();
        assert!(!one.is_alive("1-1-0"));
        assert!(!one.is_alive("never-was"));
    }
}
