//! Bulk runs: their lines, and which process works on which.

use refund_core::id::{OperationId, PaymentRef, RefundId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::operations::{find, money, operation_id, payment_ref, waits};
use super::values::{signed, unreadable, unsigned};
use crate::error::LedgerError;
use crate::holder::Holder;
use crate::record::{
    Claimed, LineState, NewRun, Operation, PaymentKey, PriorRefund, Run, RunState, Total,
};
use crate::state::State;

const SELECT: &str = "SELECT key, id, created, input, options, state, lines, repeated FROM runs ";

fn read(row: &Row<'_>) -> rusqlite::Result<Run> {
    let state: String = row.get(5)?;
    Ok(Run {
        key: row.get(0)?,
        id: row.get(1)?,
        created: unsigned(row.get(2)?),
        input: row.get(3)?,
        options: row.get(4)?,
        // A word that no version wrote can only come from outside: nothing is sent for it.
        state: RunState::parse(&state).unwrap_or(RunState::Reading),
        lines: unsigned(row.get(6)?),
        repeated: unsigned(row.get(7)?),
    })
}

pub(super) fn open(connection: &Connection, new: &NewRun, now: u64) -> Result<Run, LedgerError> {
    connection.execute(
        "INSERT INTO runs (id, created, input, options, state) VALUES (?, ?, ?, ?, 'reading')
         ON CONFLICT DO NOTHING",
        params![new.id, signed(now), new.input, new.options],
    )?;
    by_id(connection, &new.id)
}

/// A run by its id, or by the beginning of its id.
pub(super) fn by_id(connection: &Connection, id: &str) -> Result<Run, LedgerError> {
    let sql = [SELECT, "WHERE substr(id, 1, length(?1)) = ?1"].concat();
    let mut statement = connection.prepare_cached(&sql)?;
    let mut runs = statement.query_map([id], read)?.collect::<Result<Vec<_>, _>>()?;
    match (runs.pop(), runs.is_empty()) {
        (Some(run), true) if !id.is_empty() => Ok(run),
        _ => Err(LedgerError::UnknownRun(id.to_owned())),
    }
}

pub(super) fn set(connection: &Connection, run: &Run, state: RunState) -> Result<(), LedgerError> {
    connection.execute(
        "UPDATE runs SET state = ?2,
             lines = (SELECT count(*) FROM lines WHERE run = ?1) WHERE key = ?1",
        params![run.key, state.as_str()],
    )?;
    Ok(())
}

pub(super) fn count_repeated(connection: &Connection, run: &Run) -> Result<(), LedgerError> {
    connection
        .prepare_cached("UPDATE runs SET repeated = repeated + 1 WHERE key = ?")?
        .execute([run.key])?;
    Ok(())
}

/// The line of a run that has this operation.
pub(super) fn line_of(
    connection: &Connection,
    run: &Run,
    operation: &OperationId,
) -> Result<Option<u64>, LedgerError> {
    let mut statement = connection
        .prepare_cached("SELECT line FROM lines WHERE operation = ? AND run = ? LIMIT 1")?;
    let line: Option<i64> =
        statement.query_row(params![operation.as_str(), run.key], |row| row.get(0)).optional()?;
    Ok(line.map(unsigned))
}

pub(super) fn insert_line(
    connection: &Connection,
    run: &Run,
    line: u64,
    operation: &Operation,
    payment: &PaymentKey,
    before: bool,
) -> Result<(), LedgerError> {
    // The input is read again after a crash: what was rejected then is not by now.
    connection
        .prepare_cached("DELETE FROM rejects WHERE run = ? AND line = ?")?
        .execute(params![run.key, signed(line)])?;
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO lines (run, line, operation, payment, settled_before)
             VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![
            run.key,
            signed(line),
            operation.id().as_str(),
            payment.as_str(),
            before,
        ])?;
    Ok(())
}

pub(super) fn insert_reject(
    connection: &Connection,
    run: &Run,
    line: u64,
    reason: &str,
) -> Result<bool, LedgerError> {
    // The input is read again after a crash: nothing is sent any more for what was recorded then, and the reason that
    // holds is the last one.
    connection
        .prepare_cached("DELETE FROM lines WHERE run = ? AND line = ?")?
        .execute(params![run.key, signed(line)])?;
    let earlier = connection
        .prepare_cached("DELETE FROM rejects WHERE run = ? AND line = ?")?
        .execute(params![run.key, signed(line)])?;
    connection.prepare_cached("INSERT INTO rejects VALUES (?, ?, ?)")?.execute(params![
        run.key,
        signed(line),
        reason
    ])?;
    Ok(earlier == 0)
}

pub(super) fn reopen(connection: &Connection, run: &Run, line: u64) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "UPDATE lines SET open = 1, holder = NULL, settled_before = 0
             WHERE run = ? AND line = ? AND NOT open",
        )?
        .execute(params![run.key, signed(line)])?;
    Ok(())
}

/// Claims open lines in order. An open line on the same payment goes first, whichever process has it.
pub(super) fn claim(
    connection: &Connection,
    run: &Run,
    most: usize,
    holder: &Holder,
) -> Result<Vec<Claimed>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT line, operation, amount, currency
         FROM lines LEFT JOIN operations ON operations.id = lines.operation
         WHERE run = ?1 AND open AND holder IS NULL AND NOT EXISTS
             (SELECT 1 FROM lines AS earlier WHERE earlier.run = ?1 AND earlier.payment = lines.payment
                  AND earlier.open AND earlier.line < lines.line)
         ORDER BY line LIMIT ?2",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![run.key, most], |row| {
        let line: i64 = row.get(0)?;
        let operation: String = row.get(1)?;
        Ok((line, operation, row.get::<_, Option<i64>>(2)?, row.get::<_, Option<String>>(3)?))
    })?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let mut take =
        connection.prepare_cached("UPDATE lines SET holder = ? WHERE run = ? AND line = ?")?;
    let mut claimed = Vec::new();
    for (line, operation, amount, currency) in rows {
        take.execute(params![holder.name(), run.key, line])?;
        claimed.push(Claimed {
            line: unsigned(line),
            operation: operation_id(&operation)?,
            amount: money(amount, currency)?,
        });
    }
    Ok(claimed)
}

pub(super) fn end(
    connection: &Connection,
    run: &Run,
    lines: &[u64],
    close: bool,
) -> Result<(), LedgerError> {
    let sql = if close {
        "UPDATE lines SET open = 0, holder = NULL WHERE run = ? AND line = ?"
    } else {
        "UPDATE lines SET holder = NULL WHERE run = ? AND line = ?"
    };
    let mut statement = connection.prepare_cached(sql)?;
    for line in lines {
        statement.execute(params![run.key, signed(*line)])?;
    }
    Ok(())
}

/// Marks the lines of a run as settled before that are closed, or whose operation has its refund by now.
pub(super) fn mark_closed(connection: &Connection, run: &Run) -> Result<(), LedgerError> {
    connection.execute(
        "UPDATE lines SET settled_before = 1 WHERE run = ? AND (NOT open OR EXISTS
                 (SELECT 1 FROM operations WHERE id = lines.operation AND refund IS NOT NULL))",
        [run.key],
    )?;
    Ok(())
}

/// Gives back the lines of processes that are gone.
pub(super) fn free(connection: &Connection, run: &Run, holder: &Holder) -> Result<(), LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT holder FROM lines WHERE run = ? AND open AND holder IS NOT NULL",
    )?;
    let holders: Vec<String> =
        statement.query_map([run.key], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for dead in holders.iter().filter(|name| !holder.is_alive(name)) {
        connection
            .prepare_cached("UPDATE lines SET holder = NULL WHERE run = ? AND open AND holder = ?")?
            .execute(params![run.key, dead])?;
    }
    Ok(())
}

pub(super) fn of_others(
    connection: &Connection,
    run: &Run,
    holder: &Holder,
) -> Result<u64, LedgerError> {
    let count: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM lines
             WHERE run = ? AND open AND holder IS NOT NULL AND holder <> ?",
        )?
        .query_row(params![run.key, holder.name()], |row| row.get(0))?;
    Ok(unsigned(count))
}

pub(super) fn open_lines(connection: &Connection, run: &Run) -> Result<u64, LedgerError> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM lines WHERE run = ? AND open")?
        .query_row([run.key], |row| row.get(0))?;
    Ok(unsigned(count))
}

pub(super) fn open_operations(
    connection: &Connection,
    run: &Run,
) -> Result<Vec<(u64, OperationId)>, LedgerError> {
    let mut statement = connection
        .prepare_cached("SELECT line, operation FROM lines WHERE run = ? AND open ORDER BY line")?;
    let rows = statement
        .query_map([run.key], |row| Ok((unsigned(row.get(0)?), row.get::<_, String>(1)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter().map(|(line, id)| Ok((line, operation_id(&id)?))).collect()
}

/// Payments that may be those of open lines under another name.
pub(super) fn ambiguous(
    connection: &Connection,
    run: &Run,
) -> Result<Vec<PaymentRef>, LedgerError> {
    let sql = [
        "WITH mine AS (SELECT payment, payment LIKE 'pi\\_%' ESCAPE '\\' AS is_intent, line FROM lines
                 WHERE run = ?1 AND open),
             unnamed AS (SELECT * FROM mine
                 WHERE NOT EXISTS (SELECT 1 FROM aliases WHERE payment_intent = mine.payment)
                   AND NOT EXISTS (SELECT 1 FROM aliases WHERE charge = mine.payment)),
             others AS (SELECT payment, payment LIKE 'pi\\_%' ESCAPE '\\' AS is_intent FROM operations
                 WHERE (state IN ('sent', 'outcome-unknown') OR ",
        &waits("operations"),
        ")
                   AND NOT EXISTS (SELECT 1 FROM aliases WHERE payment_intent = operations.payment)
                   AND NOT EXISTS (SELECT 1 FROM aliases WHERE charge = operations.payment))
         SELECT payment FROM (
             SELECT payment, line FROM unnamed
             WHERE is_intent AND EXISTS (SELECT 1 FROM mine WHERE NOT mine.is_intent)
             UNION ALL SELECT payment, 0 FROM others
             WHERE EXISTS (SELECT 1 FROM unnamed WHERE unnamed.is_intent <> others.is_intent))
         GROUP BY payment ORDER BY min(line), payment",
    ];
    let mut statement = connection.prepare_cached(&sql.concat())?;
    let rows = statement.query_map([run.key], |row| row.get::<_, String>(0))?;
    let payments = rows.collect::<Result<Vec<_>, _>>()?;
    payments.iter().map(|payment| payment_ref(payment)).collect()
}

/// Open lines whose payment this ledger has refunded, or is about to, under an operation id that is not in the run.
/// What failed at Stripe, was refused or called off does not count; nor does what only another run of the same
/// file planned and nobody sent.
pub(super) fn prior_refunds(
    connection: &Connection,
    run: &Run,
) -> Result<Vec<PriorRefund>, LedgerError> {
    let sql = [
        "SELECT lines.line, mine.payment, other.id, other.state, other.refund,
             coalesce(other.refunded, other.amount), other.currency
         FROM lines
         JOIN operations AS mine ON mine.id = lines.operation
         JOIN operations AS other ON other.id <> mine.id
             AND (other.payment = lines.payment OR other.charge = lines.payment
                  OR other.payment IN (SELECT payment_intent FROM aliases WHERE charge = lines.payment))
         WHERE lines.run = ?1 AND lines.open
           AND (other.state IN ('pending', 'succeeded', 'sent', 'outcome-unknown') OR ",
        &waits("other"),
        "
                OR (other.state = 'planned' AND EXISTS
                    (SELECT 1 FROM lines AS theirs JOIN runs ON runs.key = theirs.run
                     WHERE theirs.operation = other.id AND theirs.open AND runs.state = 'ready')))
           AND NOT EXISTS (SELECT 1 FROM lines AS own WHERE own.run = ?1 AND own.operation = other.id)
         ORDER BY lines.line, other.rowid",
    ];
    let mut statement = connection.prepare_cached(&sql.concat())?;
    let mut rows = statement.query([run.key])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (payment, operation): (String, String) = (row.get(1)?, row.get(2)?);
        let state: String = row.get(3)?;
        found.push(PriorRefund {
            line: unsigned(row.get(0)?),
            payment: payment_ref(&payment)?,
            operation: operation_id(&operation)?,
            state: State::parse(&state).ok_or_else(|| unreadable("state", &state))?,
            refund: row.get::<_, Option<String>>(4)?.map(RefundId::from_stripe),
            money: money(row.get(5)?, row.get(6)?)?,
        });
    }
    Ok(found)
}

/// All runs, newest first.
pub(super) fn all(connection: &Connection) -> Result<Vec<Run>, LedgerError> {
    let sql = [SELECT, "ORDER BY key DESC"].concat();
    let mut statement = connection.prepare_cached(&sql)?;
    let runs = statement.query_map([], read)?;
    Ok(runs.collect::<Result<_, _>>()?)
}

/// Gives every line of a run in order, with its operation, to `each`, until that fails.
pub(super) fn each_line<E>(
    connection: &Connection,
    run: i64,
    mut each: impl FnMut(LineState) -> Result<(), E>,
) -> Result<Result<(), E>, LedgerError> {
    let mut statement = connection.prepare(
        "SELECT line, operation, NULL, settled_before FROM lines WHERE run = ?1
         UNION ALL SELECT line, NULL, reason, 0 FROM rejects WHERE run = ?1 ORDER BY 1",
    )?;
    let mut rows = statement.query([run])?;
    while let Some(row) = rows.next()? {
        let operation: Option<String> = row.get(1)?;
        let operation = operation.map(|id| find(connection, &operation_id(&id)?));
        let state = LineState {
            line: unsigned(row.get(0)?),
            operation: operation.transpose()?.flatten(),
            reason: row.get(2)?,
            settled_before: row.get(3)?,
        };
        if let Err(stop) = each(state) {
            return Ok(Err(stop));
        }
    }
    Ok(Ok(()))
}

pub(super) fn totals(connection: &Connection, run: i64) -> Result<Vec<Total>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT state, coalesce(currency, ''), count(*), sum(coalesce(refunded, amount, 0)),
             sum(iif(open, 0, coalesce(refunded, amount, 0))), sum(coalesce(fee, 0)),
             sum(coalesce(settlement ->> '$.settled' = 'denied', 0)), sum(refund IS NOT NULL AND fee IS NULL)
         FROM lines JOIN operations ON operations.id = lines.operation WHERE run = ?1
         GROUP BY 1, 2
         UNION ALL SELECT 'unreadable', '', count(*), 0, 0, 0, 0, 0 FROM rejects WHERE run = ?1
         HAVING count(*) > 0
         ORDER BY 1, 2",
    )?;
    let rows = statement.query_map([run], |row| {
        Ok(Total {
            state: row.get(0)?,
            currency: row.get(1)?,
            count: unsigned(row.get(2)?),
            amount: unsigned(row.get(3)?),
            closed: unsigned(row.get(4)?),
            fee: unsigned(row.get(5)?),
            denied: unsigned(row.get(6)?),
            fee_unknown: unsigned(row.get(7)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
