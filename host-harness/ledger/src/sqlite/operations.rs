//! Operations in the ledger.

use std::sync::Arc;

use refund_core::wire::hex;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit::append;
use super::{Ledger, approvals, canonical, follow, now};
use crate::chain::AuditRow;
use crate::error::LedgerError;
use crate::follow_ups;
use crate::holder::Holder;
use crate::journal::{Begun, Journal};
use crate::operation::{NewOperation, Operation, Outcome};
use crate::state::State;

const COLUMNS: &str = "id, payment, amount, currency, state, refund, refunded, charge, detail, \
     request_id, attempts, fee, fee_currency, updated, request, request_hash, \
     uncertain, (SELECT json FROM policies WHERE hash = policy), approval";

fn read(row: &Row<'_>) -> rusqlite::Result<Operation> {
    let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
    let state: String = row.get(4)?;
    let fee: Option<i64> = row.get(11)?;
    Ok(Operation {
        id: row.get(0)?,
        payment: row.get(1)?,
        amount: number(row.get(2)?),
        currency: row.get(3)?,
        // A word nobody knows can only come from outside: treat it as unsettled, never as sendable.
        state: State::parse(&state).unwrap_or(State::OutcomeUnknown),
        refund: row.get(5)?,
        refunded: number(row.get(6)?),
        charge: row.get(7)?,
        detail: row.get(8)?,
        request_id: row.get(9)?,
        attempts: row.get(10)?,
        fee: fee.zip(row.get::<_, Option<String>>(12)?),
        updated: number(Some(row.get(13)?)).unwrap_or_default(),
        request: row.get(14)?,
        hash: row.get(15)?,
        uncertain: number(row.get(16)?),
        policy: row.get(17)?,
        approval: row.get(18)?,
    })
}

/// An operation by id.
pub(crate) fn find(connection: &Connection, id: &str) -> Result<Option<Operation>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM operations WHERE id = ?");
    Ok(connection.prepare_cached(&sql)?.query_row([id], read).optional()?)
}

/// The operation that made a refund.
pub(crate) fn of_refund(
    connection: &Connection,
    refund: &str,
) -> Result<Option<Operation>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM operations WHERE refund = ?");
    Ok(connection.prepare_cached(&sql)?.query_row([refund], read).optional()?)
}

/// Writes a new operation down as planned; false when its id is known.
pub(crate) fn insert(
    connection: &Connection,
    new: &NewOperation,
    actor: &str,
) -> Result<bool, LedgerError> {
    let policy = new.policy.as_deref().map(|json| keep_policy(connection, json)).transpose()?;
    let amount = new.amount.map(|money| signed(money.amount));
    let currency = new.amount.map(|money| money.currency.to_string());
    let inserted = connection
        .prepare_cached(
            "INSERT INTO operations
                 (id, payment, amount, currency, request, request_hash, policy, approval, state, updated, audit)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'planned', ?, 0) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            new.id, new.payment, amount, currency, new.request, new.hash, policy, new.approval, now()
        ])?;
    if inserted == 0 {
        return Ok(false);
    }
    let seq = append(
        connection,
        AuditRow {
            time: now(),
            actor: actor.to_owned(),
            operation: new.id.clone(),
            after: State::Planned.as_str().to_owned(),
            request_hash: new.hash.clone(),
            payment: new.payment.clone(),
            amount,
            currency,
            ..AuditRow::default()
        },
    )?;
    connection
        .prepare_cached("UPDATE operations SET audit = ? WHERE id = ?")?
        .execute(params![seq, new.id])?;
    Ok(true)
}

/// Rules are kept once, under their hash.
fn keep_policy(connection: &Connection, json: &str) -> Result<String, LedgerError> {
    use sha2::{Digest, Sha256};
    let hash = hex(&Sha256::digest(json));
    connection
        .prepare_cached("INSERT OR IGNORE INTO policies VALUES (?, ?)")?
        .execute([hash.as_str(), json])?;
    Ok(hash)
}

/// Marks an operation as sent, unless something speaks against it.
pub(crate) fn begin(
    connection: &Connection,
    id: &str,
    holder: &Holder,
    actor: &str,
) -> Result<Begun, LedgerError> {
    // Before it is read: an approval that expired must not be in what is carried out.
    approvals::expire(connection, Some(id), actor)?;
    let operation =
        find(connection, id)?.ok_or_else(|| LedgerError::UnknownOperation(id.to_owned()))?;
    if operation.state.has_refund() || operation.state == State::Canceled {
        // An older version may have left a question open.
        approvals::close(connection, &operation)?;
        return Ok(Begun::Done(Box::new(operation)));
    }
    let payment = canonical(connection, &operation.payment)?;
    if let Some(busy) = busy(connection, &payment, holder)? {
        return Ok(Begun::Busy { operation: busy });
    }
    let unsettled = unsettled(connection, &payment, id)?;
    if !unsettled.is_empty() {
        return Ok(Begun::Unsettled(unsettled));
    }
    connection.prepare_cached("INSERT INTO busy VALUES (?, ?, ?)")?.execute([
        &payment,
        id,
        holder.name(),
    ])?;
    connection
        .prepare_cached("UPDATE operations SET attempts = attempts + 1 WHERE id = ?")?
        .execute([id])?;
    let earlier = operation.uncertain;
    let uncertain = earlier.or_else(|| u64::try_from(now()).ok());
    let sent = Outcome { uncertain, ..Outcome::of(State::Sent) };
    let operation = Box::new(move_to(connection, &operation, &sent, actor)?);
    Ok(Begun::Go { operation, earlier })
}

/// The operation that somebody alive works on, on this payment. What a dead process left is cleared.
fn busy(
    connection: &Connection,
    payment: &str,
    holder: &Holder,
) -> Result<Option<String>, LedgerError> {
    let mut statement =
        connection.prepare_cached("SELECT operation, holder FROM busy WHERE payment = ?")?;
    let found: Option<(String, String)> =
        statement.query_row([payment], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((operation, by)) = found else { return Ok(None) };
    if holder.is_alive(&by) {
        return Ok(Some(operation));
    }
    connection.prepare_cached("DELETE FROM busy WHERE payment = ?")?.execute([payment])?;
    Ok(None)
}

/// Other operations on a payment that nobody knows the outcome of.
fn unsettled(
    connection: &Connection,
    payment: &str,
    except: &str,
) -> Result<Vec<String>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM operations
         WHERE state IN ('sent', 'outcome-unknown') AND id <> ?2
           AND (payment = ?1 OR payment IN (SELECT payment_intent FROM aliases WHERE charge = ?1))",
    )?;
    let ids = statement.query_map([payment, except], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Moves an operation, and writes the move into the audit. What an outcome does not tell stays.
pub(crate) fn move_to(
    connection: &Connection,
    from: &Operation,
    outcome: &Outcome,
    actor: &str,
) -> Result<Operation, LedgerError> {
    from.state.check_move(outcome.state, from.refund.is_some())?;
    let mut to = from.clone();
    to.state = outcome.state;
    to.uncertain = outcome.uncertain;
    to.detail.clone_from(&outcome.detail);
    if outcome.request_id.is_some() {
        to.request_id.clone_from(&outcome.request_id);
    }
    if outcome.fee.is_some() {
        to.fee.clone_from(&outcome.fee);
    }
    if let Some(refund) = &outcome.refund {
        to.refund = Some(refund.id.clone());
        to.refunded = Some(refund.amount);
        to.currency = Some(refund.currency.clone());
        to.charge.clone_from(&refund.charge);
        if let (Some(intent), Some(charge)) = (&refund.payment_intent, &refund.charge) {
            connection
                .prepare_cached("INSERT OR IGNORE INTO aliases VALUES (?, ?)")?
                .execute([intent, charge])?;
        }
    }
    let amount = to.refunded.or(to.amount).map(signed);
    let seq = append(
        connection,
        AuditRow {
            seq: 0,
            time: now(),
            actor: actor.to_owned(),
            operation: to.id.clone(),
            before: Some(from.state.as_str().to_owned()),
            after: to.state.as_str().to_owned(),
            request_hash: to.hash.clone(),
            payment: to.payment.clone(),
            charge: to.charge.clone(),
            amount,
            currency: to.currency.clone(),
            refund: to.refund.clone(),
            outcome: to.detail.clone(),
            request_id: outcome.request_id.clone(),
        },
    )?;
    let (fee, fee_currency) = to.fee.clone().unzip();
    to.updated = u64::try_from(now()).unwrap_or_default();
    connection
        .prepare_cached(
            "UPDATE operations SET state = ?2, detail = ?3, request_id = ?4, refund = ?5, refunded = ?6,
                 currency = ?7, charge = ?8, fee = ?9, fee_currency = ?10, updated = ?11, audit = ?12, uncertain = ?13
             WHERE id = ?1",
        )?
        .execute(params![
            to.id,
            to.state.as_str(),
            to.detail,
            to.request_id,
            to.refund,
            to.refunded.map(signed),
            to.currency,
            to.charge,
            fee,
            fee_currency,
            now(),
            seq,
            to.uncertain.map(signed),
        ])?;
    approvals::close(connection, &to)?;
    Ok(to)
}

/// Ends the work on an operation: moves it, and lets go of its payment.
pub(crate) fn settle(
    connection: &Connection,
    id: &str,
    outcome: &Outcome,
    holder: &Holder,
    actor: &str,
) -> Result<Operation, LedgerError> {
    let from = find(connection, id)?.ok_or_else(|| LedgerError::UnknownOperation(id.to_owned()))?;
    connection
        .prepare_cached("DELETE FROM busy WHERE operation = ? AND holder = ?")?
        .execute([id, holder.name()])?;
    // A webhook may have told the same in the meantime, or more than that.
    match from.state.check_move(outcome.state, from.refund.is_some()) {
        Ok(()) => move_to(connection, &from, outcome, actor),
        Err(_) => keep_fee(connection, from, outcome),
    }
}

/// A webhook knows no fee; the call that it overtook does.
fn keep_fee(
    connection: &Connection,
    mut operation: Operation,
    outcome: &Outcome,
) -> Result<Operation, LedgerError> {
    if let (None, Some((fee, currency))) = (&operation.fee, &outcome.fee) {
        connection
            .prepare_cached("UPDATE operations SET fee = ?, fee_currency = ? WHERE id = ?")?
            .execute(params![fee, currency, operation.id])?;
        operation.fee.clone_from(&outcome.fee);
    }
    Ok(operation)
}

/// SQLite has signed numbers alone; no amount of Stripe's comes near the limit.
pub(super) fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

impl Journal for Ledger {
    async fn begin(&self, operation: NewOperation) -> Result<Begun, LedgerError> {
        let (holder, actor) = (self.holder.clone(), self.actor.clone());
        self.write(move |connection| {
            if !insert(connection, &operation, &actor)? {
                let known = find(connection, &operation.id)?;
                if let Some(known) = known.filter(|known| known.hash != operation.hash) {
                    return Ok(Begun::Conflict(Box::new(known)));
                }
                keep_terms(connection, &operation)?;
            }
            begin(connection, &operation.id, &holder, &actor)
        })
        .await
    }

    async fn begin_again(&self, id: &str) -> Result<Begun, LedgerError> {
        let (id, holder, actor) = (id.to_owned(), self.holder.clone(), self.actor.clone());
        self.write(move |connection| begin(connection, &id, &holder, &actor)).await
    }

    async fn settle(&self, id: &str, outcome: Outcome) -> Result<Operation, LedgerError> {
        let (id, holder, actor) = (id.to_owned(), self.holder.clone(), self.actor.clone());
        let requester = self.user.clone().unwrap_or_else(|| self.actor.clone());
        let expires = now().saturating_add(self.approval_time);
        let sinks = Arc::clone(&self.sinks);
        self.write(move |connection| {
            let settled = settle(connection, &id, &outcome, &holder, &actor)?;
            if let Some(wish) =
                outcome.wish.as_ref().filter(|_| settled.state == State::NeedsApproval)
            {
                approvals::file(connection, &settled, wish, &requester, expires, &actor)?;
            }
            follow(connection, &sinks, |options| {
                follow_ups::of_settled(&settled, &outcome, options)
            })?;
            Ok(settled)
        })
        .await
    }

    async fn operation(&self, id: &str) -> Result<Option<Operation>, LedgerError> {
        let id = id.to_owned();
        self.write(move |connection| find(connection, &id)).await
    }
}

/// Notes something about an operation that does not move it.
pub(super) fn remark(
    connection: &Connection,
    operation: &Operation,
    text: &str,
    actor: &str,
) -> Result<(), LedgerError> {
    let state = operation.state.as_str();
    let seq = append(
        connection,
        AuditRow {
            time: now(),
            actor: actor.to_owned(),
            operation: operation.id.clone(),
            before: Some(state.to_owned()),
            after: state.to_owned(),
            request_hash: operation.hash.clone(),
            payment: operation.payment.clone(),
            charge: operation.charge.clone(),
            amount: operation.refunded.or(operation.amount).map(signed),
            currency: operation.currency.clone(),
            refund: operation.refund.clone(),
            outcome: Some(text.to_owned()),
            ..AuditRow::default()
        },
    )?;
    connection
        .prepare_cached("UPDATE operations SET audit = ? WHERE id = ?")?
        .execute(params![seq, operation.id])?;
    Ok(())
}

/// The rules of the newest call hold: they are no part of the request. An approval that was given stays.
pub(crate) fn keep_terms(
    connection: &Connection,
    operation: &NewOperation,
) -> Result<(), LedgerError> {
    let policy =
        operation.policy.as_deref().map(|json| keep_policy(connection, json)).transpose()?;
    connection
        .prepare_cached(
            "UPDATE operations SET policy = ?, approval = coalesce(?, approval) WHERE id = ?",
        )?
        .execute(params![policy, operation.approval, operation.id])?;
    Ok(())
}

/// A page of operations, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most as many as were asked for.
    pub operations: Vec<Operation>,
    /// Where the next page begins; absent on the last.
    pub next: Option<i64>,
}

impl Ledger {
    /// Reads an operation beside the writer, however busy that is.
    pub async fn look(&self, id: &str) -> Result<Option<Operation>, LedgerError> {
        let id = id.to_owned();
        self.read(move |connection| find(connection, &id)).await
    }

    /// Operations in a state, or all.
    pub async fn page(
        &self,
        state: Option<State>,
        limit: u16,
        before: Option<i64>,
    ) -> Result<Page, LedgerError> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS}, operations.rowid FROM operations
                 WHERE (?1 IS NULL OR state = ?1) AND operations.rowid < ?2
                 ORDER BY operations.rowid DESC LIMIT ?3"
            );
            let mut statement = connection.prepare(&sql)?;
            let before = before.unwrap_or(i64::MAX);
            // One more than asked for tells whether there is a next page.
            let rows = statement.query_map(
                params![state.map(State::as_str), before, i64::from(limit) + 1],
                |row| Ok((read(row)?, row.get::<_, i64>(19)?)),
            )?;
            let mut rows: Vec<_> = rows.collect::<Result<_, _>>()?;
            let more = rows.len() > usize::from(limit);
            rows.truncate(usize::from(limit));
            let next = rows.last().filter(|_| more).map(|(_, key)| *key);
            Ok(Page {
                operations: rows.into_iter().map(|(operation, _)| operation).collect(),
                next,
            })
        })
        .await
    }

    /// How many operations are in each state.
    pub async fn operations_by_state(&self) -> Result<Vec<(String, u64)>, LedgerError> {
        self.read(|connection| by_state(connection, "operations")).await
    }

    /// How many approvals are in each state.
    pub async fn approvals_by_state(&self) -> Result<Vec<(String, u64)>, LedgerError> {
        self.read(|connection| by_state(connection, "approvals")).await
    }
}

fn by_state(connection: &Connection, table: &str) -> Result<Vec<(String, u64)>, LedgerError> {
    let sql = format!("SELECT state, count(*) FROM {table} GROUP BY state ORDER BY state");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    let unsigned = |(state, count)| (state, u64::try_from(count).unwrap_or_default());
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().map(unsigned).collect())
}
