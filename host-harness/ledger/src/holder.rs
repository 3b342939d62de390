//! Who works on what, across processes.
//!
//! A process holds a lock on a file of its own for as long as it lives; the system releases it however the process
//! ends. So there are no leases and no time-outs: work belongs to a living process, or it is free.

use std::collections::HashSet;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Says whether a holder of this name is alive.
pub(crate) type Alive = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// This process, as far as a ledger is concerned, and the operations it works on.
pub(crate) struct Holder {
    name: String,
    alive: Alive,
    working: Mutex<HashSet<String>>,
    /// Operations that it let go of whose rows may still be there.
    left: Mutex<HashSet<String>>,
    /// Removed when it is dropped.
    _lock: Option<Lock>,
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holder").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Holder {
    /// A holder of this name, where `alive` says which others are alive.
    pub(crate) fn named(name: String, alive: Alive) -> Self {
        Self { name, alive, working: Mutex::default(), left: Mutex::default(), _lock: None }
    }

    /// Takes a name that no other holder has, in a folder beside the ledger.
    pub(crate) fn beside(ledger: &Path) -> io::Result<Self> {
        let lock = Lock::new(ledger)?;
        let (folder, name) = (lock.folder.clone(), lock.name.clone());
        let alive = Box::new(move |name: &str| is_locked(&folder, name));
        Ok(Self { _lock: Some(lock), ..Self::named(name, alive) })
    }

    /// The name that goes into the ledger.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a holder's process still runs.
    pub(crate) fn is_alive(&self, name: &str) -> bool {
        name == self.name || (self.alive)(name)
    }

    /// Whether a holder works on an operation. This process knows its own work: a row that it could not remove
    /// (the disk was full) is not work.
    pub(crate) fn is_working(&self, name: &str, operation: &str) -> bool {
        if name == self.name { self.work().contains(operation) } else { self.is_alive(name) }
    }

    /// Notes that this process works on an operation.
    pub(crate) fn begin_work(&self, operation: &str) {
        self.work().insert(operation.to_owned());
    }

    /// Notes that this process does not work on an operation any more.
    pub(crate) fn end_work(&self, operation: &str) {
        self.work().remove(operation);
    }

    /// Whether this process works on an operation.
    pub(crate) fn works_on(&self, operation: &str) -> bool {
        self.work().contains(operation)
    }

    /// Notes that this process does not work on an operation any more, and that its row may still be there.
    pub(crate) fn leave(&self, operation: &str) {
        self.end_work(operation);
        self.left().insert(operation.to_owned());
    }

    /// Operations whose rows may still be there.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        self.left().iter().cloned().collect()
    }

    /// Their rows are gone.
    pub(crate) fn forget(&self, operations: &[String]) {
        let mut left = self.left();
        for operation in operations {
            left.remove(operation);
        }
    }

    fn left(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A locked file.
struct Lock {
    folder: PathBuf,
    name: String,
    _file: File,
}

impl Lock {
    fn new(ledger: &Path) -> io::Result<Self> {
        let folder = folder(ledger);
        std::fs::create_dir_all(&folder)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        for attempt in 0_u32.. {
            let name = format!("{}-{}-{attempt}", std::process::id(), since.as_nanos());
            let path = folder.join(&name);
            match OpenOptions::new().write(true).create_new(true).open(path) {
                Ok(file) => {
                    file.lock()?;
                    return Ok(Self { folder, name, _file: file });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("no name is free"))
    }
}

/// Whether a process holds the lock of this name. The file of one that does not is removed. Where that cannot be said,
/// such as when no more files can be opened, it counts as held.
fn is_locked(folder: &Path, name: &str) -> bool {
    let path = folder.join(name);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) => return error.kind() != io::ErrorKind::NotFound,
    };
    match file.try_lock() {
        // A lock that cannot be asked for counts as held: better to wait for a person than to pay twice.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
        Ok(()) => {
            // Another process may have removed it first.
            let _ = std::fs::remove_file(path);
            false
        }
    }
}

impl Drop for Lock {
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
        let (one, two) = (Holder::beside(&ledger).unwrap(), Holder::beside(&ledger).unwrap());
        assert!(one.is_alive(two.name()) && two.is_alive(one.name()) && one.is_alive(one.name()));
        let name = two.name().to_owned();
        drop(two);
        assert!(!one.is_alive(&name));
        // Killed: the file stays, the lock does not.
        std::fs::write(folder.path().join("ledger-holders/1-1-0"), "").unwrap();
        assert!(!one.is_alive("1-1-0"));
        assert!(!one.is_alive("never-was"));
    }

    #[test]
    fn a_process_knows_its_own_work() {
        let one = Holder::named("one".into(), Box::new(|name| name == "two"));
        assert!(!one.is_working("one", "op-1"), "a row that was left behind");
        one.begin_work("op-1");
        assert!(one.is_working("one", "op-1") && !one.is_working("one", "op-2"));
        one.end_work("op-1");
        assert!(!one.is_working("one", "op-1"));
        assert!(one.is_working("two", "op-1") && !one.is_working("three", "op-1"));
    }
}
