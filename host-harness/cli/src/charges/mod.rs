//! Charges from a file, searched for duplicates while they are read.
//!
//! One thread reads, one searches. Charges in the order of time, either way round, are never all in memory; others
//! are held and sorted.

mod record;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::mpsc::{channel, sync_channel};

use anyhow::Context;
use refund_core::duplicates::{Direction, Group, Options, OutOfOrder, Scanner, Tally};

use self::record::{Line, Reader, Rows};

/// Lines that are handed over at once.
const PAGE: usize = 4096;
/// Pages between the two threads.
const PAGES: usize = 4;
/// The file buffer.
const BUFFER: usize = 1 << 20;

/// What a search found.
#[derive(Default)]
pub(crate) struct Findings {
    /// The groups, ordered by first charge.
    pub(crate) groups: Vec<Group>,
    /// What was seen.
    pub(crate) tally: Tally,
    /// Lines that could not be read.
    pub(crate) unreadable: u64,
    /// Why not everything was searched.
    pub(crate) incomplete: Option<anyhow::Error>,
}

/// Searches a file, or stdin for `-`: a Stripe object a line, or CSV with the same field names. A line that cannot
/// be read is reported with its number; the rest goes on.
pub(crate) fn search(path: &Path, options: &Options) -> anyhow::Result<Findings> {
    let mut search = Search { options, unreadable: 0, told: 0 };
    let is_jsonl = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("jsonl"));
    let open = || -> anyhow::Result<Reader<BufReader<File>>> {
        let file = File::open(path);
        let file = file.with_context(|| format!("{} cannot be read", path.display()))?;
        Reader::new(BufReader::with_capacity(BUFFER, file), is_jsonl)
    };
    let mut found = if path == Path::new("-") {
        search.sorted(Reader::new(BufReader::new(std::io::stdin()), is_jsonl)?)?
    } else if !path.metadata().is_ok_and(|file| file.is_file()) {
        // A pipe is read once.
        search.sorted(open()?)?
    } else {
        match search.passing(open()?)? {
            Ok(found) => found,
            Err(cause) => {
                tracing::info!(%cause, "the charges are held in memory to be sorted");
                search.unreadable = 0;
                search.sorted(open()?)?
            }
        }
    };
    found.groups.sort_by(|a, b| (a.first_created, &a.keep).cmp(&(b.first_created, &b.keep)));
    Ok(found)
}

struct Search<'a> {
    options: &'a Options,
    unreadable: u64,
    /// Up to this line, problems were told.
    told: u64,
}

impl Search<'_> {
    /// Looks at the charges while they pass.
    fn passing(
        &mut self,
        reader: Reader<impl BufRead + Send>,
    ) -> anyhow::Result<Result<Findings, OutOfOrder>> {
        let mut groups = Vec::new();
        let mut scanner: Option<Scanner> = None;
        let keys = self.options.keys();
        let outcome = pages(reader, |rows, page| {
            let scanner = match &mut scanner {
                Some(scanner) => scanner,
                None => scanner.insert(Scanner::new(self.options, direction(rows, page, &keys))),
            };
            for line in page {
                match rows.with(line, &keys, |row| scanner.see(row, &mut groups)) {
                    Ok(Ok(())) => {}
                    Ok(Err(disorder)) => return Err(disorder),
                    Err(problem) => self.unreadable(line.number, &problem),
                }
            }
            Ok(())
        })?;
        let Some(mut scanner) = scanner else {
            return Ok(Ok(self.found(groups, Tally::default())));
        };
        groups.extend(scanner.finish());
        Ok(outcome.map(|()| self.found(groups, scanner.tally())))
    }

    /// Holds the charges, and looks at them when they are sorted.
    fn sorted(&mut self, mut reader: Reader<impl BufRead>) -> anyhow::Result<Findings> {
        let keys = self.options.keys();
        let rows = reader.rows();
        let mut held = Vec::new();
        loop {
            let mut line = Line::default();
            if !reader.read(&mut line)? {
                break;
            }
            match rows.with(&line, &keys, |row| row.created) {
                Ok(created) => held.push((created, line)),
                Err(problem) => self.unreadable(line.number, &problem),
            }
        }
        held.sort_by_key(|(created, _)| *created);
        let mut scanner = Scanner::new(self.options, Direction::OldestFirst);
        let mut groups = Vec::new();
        for (_, line) in &held {
            // It was read above, and is in order now.
            let _ = rows.with(line, &keys, |row| scanner.see(row, &mut groups));
        }
        groups.extend(scanner.finish());
        Ok(self.found(groups, scanner.tally()))
    }

    fn found(&self, groups: Vec<Group>, tally: Tally) -> Findings {
        Findings { groups, tally, unreadable: self.unreadable, incomplete: None }
    }

    fn unreadable(&mut self, line: u64, problem: &str) {
        self.unreadable += 1;
        if line > self.told {
            self.told = line;
            crate::terminal::say(format_args!("line {line}: {problem}"));
        }
    }
}

/// The direction in which the first charges come; those of one second come either way.
fn direction(rows: &Rows, page: &[Line], keys: &[String]) -> Direction {
    let mut first = None;
    for line in page {
        let Ok(created) = rows.with(line, keys, |row| row.created) else { continue };
        let first = *first.get_or_insert(created);
        if created != first {
            return if created < first { Direction::NewestFirst } else { Direction::OldestFirst };
        }
    }
    Direction::OldestFirst
}

/// Lines, and how many of them are filled: the others are there to be used again.
#[derive(Default)]
struct Page {
    lines: Vec<Line>,
    filled: usize,
}

/// Reads in one thread, calls `each` in this one until it fails.
fn pages<E>(
    mut reader: Reader<impl BufRead + Send>,
    mut each: impl FnMut(&Rows, &[Line]) -> Result<(), E>,
) -> anyhow::Result<Result<(), E>> {
    let rows = reader.rows();
    let (full, filled) = sync_channel::<Page>(PAGES);
    let (done, empty) = channel::<Page>();
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || -> anyhow::Result<()> {
            loop {
                let mut page = empty.try_recv().unwrap_or_default();
                let is_last = fill(&mut reader, &mut page)?;
                if full.send(page).is_err() || is_last {
                    return Ok(());
                }
            }
        });
        let mut outcome = Ok(());
        // To the end of the loop the reader is told that nobody listens any more.
        for page in filled {
            outcome = each(&rows, &page.lines[..page.filled]);
            if outcome.is_err() {
                break;
            }
            // The reader may have come to its end.
            let _ = done.send(page);
        }
        match reading.join() {
            Ok(read) => read.map(|()| outcome),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Whether it was the last page.
fn fill(reader: &mut Reader<impl BufRead>, page: &mut Page) -> anyhow::Result<bool> {
    page.filled = 0;
    while page.filled < PAGE {
        if page.filled == page.lines.len() {
            page.lines.push(Line::default());
        }
        if !reader.read(&mut page.lines[page.filled])? {
            return Ok(true);
        }
        page.filled += 1;
    }
    Ok(false)
}
