//! Lines that cannot be used, kept beside the input.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use refund_lines::Bad;

/// A CSV of line, reason and text; made when the first line is rejected.
#[derive(Debug)]
pub struct Rejects {
    /// Absent where they are not kept: a dry run reports them with the others.
    path: Option<PathBuf>,
    file: Option<csv::Writer<File>>,
}

impl Rejects {
    /// The file beside an input: `x.csv` has `x.csv.rejected.csv`.
    pub fn beside(input: &Path) -> Self {
        let mut path = input.as_os_str().to_owned();
        path.push(".rejected.csv");
        Self { path: Some(path.into()), file: None }
    }

    /// Keeps none.
    pub fn none() -> Self {
        Self { path: None, file: None }
    }

    /// Keeps a line.
    pub(crate) fn keep(&mut self, bad: &Bad) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if self.file.is_none() {
            let mut file = csv::Writer::from_path(path)?;
            file.write_record(["line", "reason", "text"])?;
            self.file = Some(file);
        }
        if let Some(file) = &mut self.file {
            file.write_record([&bad.line.to_string(), &bad.reason, &bad.text])?;
        }
        Ok(())
    }

    /// Writes it out; where it is, if any line was rejected.
    pub(crate) fn finish(mut self) -> io::Result<Option<PathBuf>> {
        let Some(file) = &mut self.file else { return Ok(None) };
        file.flush()?;
        Ok(self.path)
    }
}
