//! Lines that could not be used, kept beside the input.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use refund_lines::Bad;

/// A CSV of line, reason and text; made when the first line is refused.
#[derive(Debug)]
pub struct Rejects {
    path: PathBuf,
    file: Option<csv::Writer<File>>,
}

impl Rejects {
    /// The file beside an input: `x.csv` has `x.csv.rejected.csv`.
    pub fn beside(input: &Path) -> Self {
        let mut path = input.as_os_str().to_owned();
        path.push(".rejected.csv");
        Self { path: path.into(), file: None }
    }

    /// Keeps a line.
    pub(crate) fn keep(&mut self, bad: &Bad) -> io::Result<()> {
        if self.file.is_none() {
            let mut file = csv::Writer::from_path(&self.path)?;
            file.write_record(["line", "reason", "text"])?;
            self.file = Some(file);
        }
        if let Some(file) = &mut self.file {
            file.write_record([&bad.line.to_string(), &bad.reason, &bad.text])?;
        }
        Ok(())
    }

    /// Writes it out; where it is, if any line was refused.
    pub(crate) fn finish(mut self) -> io::Result<Option<PathBuf>> {
        let Some(file) = &mut self.file else { return Ok(None) };
        file.flush()?;
        Ok(Some(self.path))
    }
}
