//! A wall clock that jumps, for the processes of a round. The shift is in a file that they share with the harness; a
//! library that is loaded before libc adds it. On Linux, with a C compiler; elsewhere no clock jumps.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};

/// The clock of the processes of a round.
pub(super) struct Clock {
    library: PathBuf,
    file: PathBuf,
    shift: AtomicI64,
    furthest: AtomicI64,
}

impl Clock {
    /// Compiles the library; absent where that is not possible.
    pub(super) fn new(folder: &Path) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let source = folder.join("clock.c");
        std::fs::write(&source, include_str!("clock.c")).ok()?;
        let library = folder.join("clock.so");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(&source)
            .status();
        let file = folder.join("clock");
        std::fs::write(&file, 0_i64.to_ne_bytes()).ok()?;
        compiled.ok().filter(std::process::ExitStatus::success)?;
        Some(Self { library, file, shift: AtomicI64::new(0), furthest: AtomicI64::new(0) })
    }

    /// A process of this command has this clock.
    pub(super) fn give(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("SOAK_CLOCK", &self.file);
    }

    /// The clock jumps by this many seconds, also for processes that run.
    pub(super) fn jump(&self, seconds: i64) {
        let shift = self.shift.fetch_add(seconds, Ordering::SeqCst) + seconds;
        self.furthest.fetch_max(shift, Ordering::SeqCst);
        self.write(shift);
    }

    /// The clock goes on from the latest instant that it ever showed; how many seconds before the wall clock that is.
    pub(super) fn settle(&self) -> u64 {
        let furthest = self.furthest.load(Ordering::SeqCst);
        self.shift.store(furthest, Ordering::SeqCst);
        self.write(furthest);
        u64::try_from(furthest).unwrap_or_default()
    }

    /// In place: a process has mapped the file.
    fn write(&self, shift: i64) {
        use std::io::Write;
        let file = std::fs::OpenOptions::new().write(true).open(&self.file);
        // A clock that does not jump is seen by the count of answers that arrive, not here.
        let _ = file.and_then(|mut file| file.write_all(&shift.to_ne_bytes()));
    }
}
