//! Bulk runs: their lines, who works on which, and how far they have come.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::LedgerError;
use crate::operation::{NewOperation, Operation};
use crate::sqlite::{Ledger, find, insert, keep_terms, move_to, now};
use crate::state::State;

/// Whether the lines of a run are all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// The input is still being read.
    Reading,
    /// Every line is in the ledger.
    Ready,
    /// Called off; what was sent stays.
    Canceled,
}

impl RunState {
    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Ready => "ready",
            Self::Canceled => "canceled",
        }
    }
}

/// A run to write down.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Follows from the input and what decides about operations, so that the same file is the same run.
    pub id: String,
    /// The name of the input.
    pub input: String,
    /// What the run was started with, as JSON.
    pub options: String,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub(crate) key: i64,
    /// Its id.
    pub id: String,
    /// When it was made, Unix seconds.
    pub created: u64,
    /// The name of the input.
    pub input: String,
    /// What it was started with, as JSON.
    pub options: String,
    /// Whether its lines are all there.
    pub state: RunState,
    /// Lines that name an operation.
    pub lines: u64,
    /// Lines that say the same as an earlier one: one operation, one refund.
    pub repeated: u64,
}

/// A line of the input that could be read.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// Its number, from 1.
    pub line: u64,
    /// What it asks for.
    pub operation: NewOperation,
}

/// What became of a line when it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// A new operation.
    New,
    /// An operation that an earlier run or call had written down, with the same values.
    Known(State),
    /// The same as an earlier line of this run.
    Repeated(u64),
    /// Its operation id is in use with other values: nothing is sent for it.
    Conflict(Option<u64>),
}

/// A line to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Its number.
    pub line: u64,
    /// Its operation.
    pub operation: String,
    /// What it asks for, in the smallest unit; absent for everything that is left.
    pub amount: Option<u64>,
    /// The currency of the amount.
    pub currency: Option<String>,
}

/// A line and where its operation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineState {
    /// Its number.
    pub line: u64,
    /// Its operation; absent for a line that was refused when it was read.
    pub operation: Option<Operation>,
    /// Why it was refused when it was read.
    pub reason: Option<String>,
}

/// Lines of a run in one state and currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// The state; `unreadable` for lines that were refused when they were read.
    pub state: String,
    /// Empty where no currency is known.
    pub currency: String,
    /// How many.
    pub count: u64,
    /// Sum in the smallest unit: what was refunded, or asked for where nothing was.
    pub amount: u64,
    /// Sum of the fees Stripe keeps, in the same currency's payments.
    pub fee: u64,
}

fn read_run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let number = |value: i64| u64::try_from(value).unwrap_or_default();
    let state: String = row.get(5)?;
    Ok(Run {
        key: row.get(0)?,
        id: row.get(1)?,
        created: number(row.get(2)?),
        input: row.get(3)?,
        options: row.get(4)?,
        state: match state.as_str() {
            "ready" => RunState::Ready,
            "canceled" => RunState::Canceled,
            _ => RunState::Reading,
        },
        lines: number(row.get(6)?),
        repeated: number(row.get(7)?),
    })
}

impl Ledger {
    /// Writes a run down, or finds it.
    pub async fn open_run(&self, new: NewRun) -> Result<Run, LedgerError> {
        self.write(move |connection| {
            connection.execute(
                "INSERT INTO runs (id, created, input, options, state) VALUES (?, ?, ?, ?, 'reading')
                 ON CONFLICT DO NOTHING",
                params![new.id, now(), new.input, new.options],
            )?;
            run_by_id(connection, &new.id)
        })
        .await
    }

    /// A run by id, or by its beginning.
    pub async fn run(&self, id: &str) -> Result<Run, LedgerError> {
        let id = id.to_owned();
        self.write(move |connection| run_by_id(connection, &id)).await
    }

    /// All runs, newest first.
    pub async fn runs(&self) -> Result<Vec<Run>, LedgerError> {
        self.write(|connection| {
            let mut statement = connection.prepare("SELECT * FROM runs ORDER BY key DESC")?;
            let runs = statement.query_map([], read_run)?;
            Ok(runs.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Writes lines down as planned operations. Doing it again changes nothing.
    pub async fn plan(&self, run: &Run, lines: Vec<NewLine>) -> Result<Vec<Planned>, LedgerError> {
        let (key, actor) = (run.key, self.actor.clone());
        self.write(move |connection| {
            lines.iter().map(|line| plan_line(connection, key, line, &actor)).collect()
        })
        .await
    }

    /// Notes lines that were refused when they were read.
    pub async fn reject(&self, run: &Run, rejects: Vec<(u64, String)>) -> Result<(), LedgerError> {
        let key = run.key;
        self.write(move |connection| {
            let mut statement =
                connection.prepare_cached("INSERT OR IGNORE INTO rejects VALUES (?, ?, ?)")?;
            for (line, reason) in rejects {
                statement.execute(params![key, signed(line), reason])?;
            }
            Ok(())
        })
        .await
    }

    /// Says that all lines are there, or that the run is called off.
    pub async fn set_run(&self, run: &Run, state: RunState) -> Result<(), LedgerError> {
        let key = run.key;
        self.write(move |connection| {
            connection.execute(
                "UPDATE runs SET state = ?2,
                     lines = (SELECT count(*) FROM lines WHERE run = ?1) WHERE key = ?1",
                params![key, state.as_str()],
            )?;
            Ok(())
        })
        .await
    }

    /// Takes up to `most` open lines that nobody works on, in order.
    pub async fn claim(&self, run: &Run, most: usize) -> Result<Vec<Claimed>, LedgerError> {
        let (key, holder) = (run.key, self.holder.clone());
        self.write(move |connection| {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let found = free(connection, key, most)?;
            let mut take = connection
                .prepare_cached("UPDATE lines SET holder = ? WHERE run = ? AND line = ?")?;
            for claimed in &found {
                take.execute(params![holder.name(), key, signed(claimed.line)])?;
            }
            Ok(found)
        })
        .await
    }

    /// Gives lines back that a dead process had taken.
    pub async fn free_lines(&self, run: &Run) -> Result<(), LedgerError> {
        let (key, holder) = (run.key, self.holder.clone());
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT holder FROM lines WHERE run = ? AND open AND holder IS NOT NULL",
            )?;
            let holders: Vec<String> =
                statement.query_map([key], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for dead in holders.iter().filter(|name| !holder.is_alive(name)) {
                connection
                    .prepare_cached(
                        "UPDATE lines SET holder = NULL WHERE run = ? AND open AND holder = ?",
                    )?
                    .execute(params![key, dead])?;
            }
            Ok(())
        })
        .await
    }

    /// Lines that other processes work on.
    pub async fn busy_lines(&self, run: &Run) -> Result<u64, LedgerError> {
        let (key, holder) = (run.key, self.holder.clone());
        self.write(move |connection| {
            let count: i64 = connection
                .prepare_cached(
                    "SELECT count(*) FROM lines
                     WHERE run = ? AND open AND holder IS NOT NULL AND holder <> ?",
                )?
                .query_row(params![key, holder.name()], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or_default())
        })
        .await
    }

    /// Closes lines: their operations have come as far as this run takes them. If a crash forgets it,
    /// the operations themselves know.
    pub async fn close_lines(&self, run: &Run, lines: Vec<u64>) -> Result<(), LedgerError> {
        self.end_lines(
            run,
            lines,
            "UPDATE lines SET open = 0, holder = NULL WHERE run = ? AND line = ?",
        )
        .await
    }

    /// Gives lines back, for another try.
    pub async fn release_lines(&self, run: &Run, lines: Vec<u64>) -> Result<(), LedgerError> {
        self.end_lines(run, lines, "UPDATE lines SET holder = NULL WHERE run = ? AND line = ?")
            .await
    }

    async fn end_lines(
        &self,
        run: &Run,
        lines: Vec<u64>,
        sql: &'static str,
    ) -> Result<(), LedgerError> {
        let key = run.key;
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            for line in lines {
                statement.execute(params![key, signed(line)])?;
            }
            Ok(())
        })
        .await
    }

    /// How many lines are open, whoever works on them.
    pub async fn open_lines(&self, run: &Run) -> Result<u64, LedgerError> {
        let key = run.key;
        self.write(move |connection| {
            let count: i64 = connection
                .prepare_cached("SELECT count(*) FROM lines WHERE run = ? AND open")?
                .query_row([key], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or_default())
        })
        .await
    }

    /// Calls a run off: what was not sent is canceled, what was sent stays as it is. Gives the number of
    /// operations that were called off.
    pub async fn cancel_run(&self, run: &Run) -> Result<u64, LedgerError> {
        let (key, actor) = (run.key, self.actor.clone());
        self.write(move |connection| {
            connection.execute("UPDATE runs SET state = 'canceled' WHERE key = ?", [key])?;
            let mut statement = connection.prepare(
                "SELECT line, operation FROM lines WHERE run = ? AND open ORDER BY line",
            )?;
            let mut rows = statement.query([key])?;
            let mut canceled = 0;
            while let Some(row) = rows.next()? {
                let (line, id): (i64, String) = (row.get(0)?, row.get(1)?);
                let Some(operation) = find(connection, &id)? else { continue };
                if operation.state != State::Planned {
                    continue;
                }
                let outcome = crate::operation::Outcome::without_refund(
                    State::Canceled,
                    "its run was called off",
                );
                move_to(connection, &operation, &outcome, &actor)?;
                connection
                    .prepare_cached("UPDATE lines SET open = 0 WHERE run = ? AND line = ?")?
                    .execute(params![key, line])?;
                canceled += 1;
            }
            Ok(canceled)
        })
        .await
    }

    /// Sums of a run by state and currency, as they are now.
    pub async fn totals(&self, run: &Run) -> Result<Vec<Total>, LedgerError> {
        let key = run.key;
        self.read(move |connection| totals(connection, key)).await
    }

    /// Every line of a run in order, with its operation, given to `each`, and `None` at the end; memory
    /// does not grow with the run.
    pub async fn each_line<E: Send + 'static>(
        &self,
        run: &Run,
        mut each: impl FnMut(Option<LineState>) -> Result<(), E> + Send + 'static,
    ) -> Result<Result<(), E>, LedgerError> {
        let key = run.key;
        self.read(move |connection| {
            let mut statement = connection.prepare(
                "SELECT line, operation, NULL FROM lines WHERE run = ?1
                 UNION ALL SELECT line, NULL, reason FROM rejects WHERE run = ?1 ORDER BY 1",
            )?;
            let mut rows = statement.query([key])?;
            while let Some(row) = rows.next()? {
                let line: i64 = row.get(0)?;
                let operation: Option<String> = row.get(1)?;
                let state = LineState {
                    line: u64::try_from(line).unwrap_or_default(),
                    operation: operation.map(|id| find(connection, &id)).transpose()?.flatten(),
                    reason: row.get(2)?,
                };
                if let Err(stop) = each(Some(state)) {
                    return Ok(Err(stop));
                }
            }
            Ok(each(None))
        })
        .await
    }
}

fn run_by_id(connection: &Connection, id: &str) -> Result<Run, LedgerError> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM runs WHERE substr(id, 1, length(?1)) = ?1")?;
    let mut runs = statement.query_map([id], read_run)?.collect::<Result<Vec<_>, _>>()?;
    match (runs.pop(), runs.is_empty()) {
        (Some(run), true) if !id.is_empty() => Ok(run),
        _ => Err(LedgerError::UnknownRun(id.to_owned())),
    }
}

fn plan_line(
    connection: &Connection,
    run: i64,
    line: &NewLine,
    actor: &str,
) -> Result<Planned, LedgerError> {
    let id = &line.operation.id;
    let is_new = insert(connection, &line.operation, actor)?;
    let known = if is_new { None } else { find(connection, id)? };
    if let Some(known) = &known {
        if known.hash == line.operation.hash {
            keep_terms(connection, &line.operation)?;
        }
        let other = line_of(connection, run, id)?.filter(|other| *other != line.line);
        if known.hash != line.operation.hash {
            return Ok(Planned::Conflict(other));
        }
        if let Some(other) = other {
            connection
                .prepare_cached("UPDATE runs SET repeated = repeated + 1 WHERE key = ?")?
                .execute([run])?;
            return Ok(Planned::Repeated(other));
        }
    }
    connection
        .prepare_cached("INSERT OR IGNORE INTO lines (run, line, operation) VALUES (?, ?, ?)")?
        .execute(params![run, signed(line.line), id])?;
    Ok(known.map_or(Planned::New, |known| Planned::Known(known.state)))
}

/// The line of a run that has this operation. Only asked for operations that are known, which is rare in
/// a first reading and short in a second one.
fn line_of(connection: &Connection, run: i64, operation: &str) -> Result<Option<u64>, LedgerError> {
    let mut statement = connection
        .prepare_cached("SELECT line FROM lines WHERE operation = ? AND run = ? LIMIT 1")?;
    let line: Option<i64> =
        statement.query_row(params![operation, run], |row| row.get(0)).optional()?;
    Ok(line.and_then(|line| u64::try_from(line).ok()))
}

fn free(connection: &Connection, run: i64, most: i64) -> Result<Vec<Claimed>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT line, operation, amount, currency
         FROM lines LEFT JOIN operations ON operations.id = lines.operation
         WHERE run = ? AND open AND holder IS NULL ORDER BY line LIMIT ?",
    )?;
    let rows = statement.query_map(params![run, most], |row| {
        let number = |value: i64| u64::try_from(value).unwrap_or_default();
        Ok(Claimed {
            line: number(row.get(0)?),
            operation: row.get(1)?,
            amount: row.get::<_, Option<i64>>(2)?.map(number),
            currency: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn totals(connection: &Connection, run: i64) -> Result<Vec<Total>, LedgerError> {
    let mut statement = connection.prepare(
        "SELECT state, coalesce(currency, ''), count(*), sum(coalesce(refunded, amount, 0)),
             sum(coalesce(fee, 0))
         FROM lines JOIN operations ON operations.id = lines.operation WHERE run = ?1
         GROUP BY 1, 2
         UNION ALL SELECT 'unreadable', '', count(*), 0, 0 FROM rejects WHERE run = ?1
         HAVING count(*) > 0
         ORDER BY 1, 2",
    )?;
    let rows = statement.query_map([run], |row| {
        let number = |at: usize| -> rusqlite::Result<u64> {
            Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or_default())
        };
        Ok(Total {
            state: row.get(0)?,
            currency: row.get(1)?,
            count: number(2)?,
            amount: number(3)?,
            fee: number(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
