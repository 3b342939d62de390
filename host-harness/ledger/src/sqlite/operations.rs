//! Operations, payments, and who works on which.

use refund_core::id::{ChargeId, OperationId, PaymentIntentId, PaymentRef, RefundId};
use refund_core::money::{Currency, Money};
use refund_core::request::Request;
use refund_core::wire::hex;
use rusqlite::{Connection, OptionalExtension, Params, Row, Statement, params};
use sha2::{Digest, Sha256};

use super::values::{signed, unreadable, unsigned};
use crate::error::LedgerError;
use crate::holder::Holder;
use crate::record::{
    Fee, Fingerprint, HeldRules, KeptRefund, Operation, Page, PaymentKey, UserName,
};
use crate::state::State;

const COLUMNS: &str = "request, request_hash, requester, corrected_by, \
     (SELECT json FROM policies WHERE hash = policy), state, settlement, refund, refunded, currency, \
     charge, payment_intent, detail, request_id, attempts, changes_sent, fee, fee_currency, \
     uncertain, updated";
/// How many there are.
const COUNT: usize = 20;

/// A row as SQLite has it, to be read into types.
struct Stored {
    request: String,
    fingerprint: String,
    requester: Option<String>,
    corrected_by: Option<String>,
    rules: Option<String>,
    state: String,
    settlement: Option<String>,
    refund: Option<String>,
    refunded: Option<i64>,
    currency: Option<String>,
    charge: Option<String>,
    payment_intent: Option<String>,
    detail: Option<String>,
    request_id: Option<String>,
    attempts: u32,
    changes_sent: u32,
    fee: Option<i64>,
    fee_currency: Option<String>,
    uncertain: Option<i64>,
    updated: i64,
}

fn row(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        request: row.get(0)?,
        fingerprint: row.get(1)?,
        requester: row.get(2)?,
        corrected_by: row.get(3)?,
        rules: row.get(4)?,
        state: row.get(5)?,
        settlement: row.get(6)?,
        refund: row.get(7)?,
        refunded: row.get(8)?,
        currency: row.get(9)?,
        charge: row.get(10)?,
        payment_intent: row.get(11)?,
        detail: row.get(12)?,
        request_id: row.get(13)?,
        attempts: row.get(14)?,
        changes_sent: row.get(15)?,
        fee: row.get(16)?,
        fee_currency: row.get(17)?,
        uncertain: row.get(18)?,
        updated: row.get(19)?,
    })
}

impl Stored {
    fn read(self) -> Result<Operation, LedgerError> {
        let refund = self.kept_refund()?;
        let settlement = self.settlement.as_deref().map(serde_json::from_str).transpose();
        Ok(Operation {
            request: Request::parse(&self.request)
                .map_err(|problem| unreadable("request", problem))?,
            fingerprint: Fingerprint::stored(self.fingerprint),
            requester: self.requester.as_deref().map_or_else(UserName::unknown, UserName::stored),
            corrected_by: self.corrected_by.as_deref().map(UserName::stored),
            rules: self.rules.as_deref().map(HeldRules::read).unwrap_or_default(),
            state: State::parse(&self.state).ok_or_else(|| unreadable("state", &self.state))?,
            settlement: settlement.map_err(|problem| unreadable("settlement", problem))?,
            refund,
            detail: self.detail,
            request_id: self.request_id,
            attempts: self.attempts,
            changes_sent: self.changes_sent,
            fee: self.fee.zip(self.fee_currency).map(|(amount, currency)| Fee { amount, currency }),
            uncertain: self.uncertain.map(unsigned),
            updated: unsigned(self.updated),
        })
    }

    fn kept_refund(&self) -> Result<Option<KeptRefund>, LedgerError> {
        let (Some(id), Some(refunded)) = (&self.refund, self.refunded) else { return Ok(None) };
        let currency = self.currency.as_deref().unwrap_or_default();
        let currency =
            Currency::parse(currency).map_err(|problem| unreadable("currency", problem))?;
        Ok(Some(KeptRefund {
            id: RefundId::from_stripe(id.as_str()),
            money: Money { amount: unsigned(refunded), currency },
            charge: self.charge.as_deref().map(ChargeId::from_stripe),
            payment_intent: self.payment_intent.as_deref().map(PaymentIntentId::from_stripe),
        }))
    }
}

/// An operation by id.
pub(super) fn find(
    connection: &Connection,
    id: &OperationId,
) -> Result<Option<Operation>, LedgerError> {
    one(connection, "id", id.as_str())
}

/// The operation that made a refund.
pub(super) fn of_refund(
    connection: &Connection,
    refund: &RefundId,
) -> Result<Option<Operation>, LedgerError> {
    one(connection, "refund", refund.as_str())
}

/// The operation that has this value in a column.
fn one(
    connection: &Connection,
    column: &'static str,
    value: &str,
) -> Result<Option<Operation>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM operations WHERE {column} = ?");
    let stored = connection.prepare_cached(&sql)?.query_row([value], row).optional()?;
    stored.map(Stored::read).transpose()
}

/// Inserts an operation, or replaces it. The audit is for the caller.
pub(super) fn put(connection: &Connection, operation: &Operation) -> Result<(), LedgerError> {
    let policy = operation.rules.json();
    let policy = policy.map(|json| keep_policy(connection, &json)).transpose()?;
    let settlement = operation.settlement.as_ref().map(serde_json::to_string).transpose();
    let settlement = settlement.map_err(|problem| unreadable("settlement", problem))?;
    let refund = operation.refund.as_ref();
    let fee = operation.fee.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO operations (id, payment, amount, currency, request, request_hash, policy, state,
                 refund, refunded, charge, payment_intent, detail, request_id, attempts, changes_sent,
                 uncertain, fee, fee_currency, updated, requester, corrected_by, settlement, audit)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
                 ?20, ?21, ?22, ?23, 0)
             ON CONFLICT (id) DO UPDATE SET payment = ?2, amount = ?3, currency = ?4, request = ?5,
                 request_hash = ?6, policy = ?7, state = ?8, refund = ?9, refunded = ?10, charge = ?11,
                 payment_intent = ?12, detail = ?13, request_id = ?14, attempts = ?15, changes_sent = ?16,
                 uncertain = ?17, fee = ?18, fee_currency = ?19, updated = ?20, requester = ?21,
                 corrected_by = ?22, settlement = ?23",
        )?
        .execute(params![
            operation.id().as_str(),
            operation.payment().as_str(),
            operation.request.amount.map(|money| signed(money.amount)),
            operation.money().map(|money| money.currency.to_string()),
            operation.request.json(),
            operation.fingerprint.as_str(),
            policy,
            operation.state.as_str(),
            refund.map(|refund| refund.id.as_str()),
            refund.map(|refund| signed(refund.money.amount)),
            refund.and_then(|refund| refund.charge.as_ref()).map(ChargeId::as_str),
            refund.and_then(|refund| refund.payment_intent.as_ref()).map(PaymentIntentId::as_str),
            operation.detail,
            operation.request_id,
            operation.attempts,
            operation.changes_sent,
            operation.uncertain.map(signed),
            fee.map(|fee| fee.amount),
            fee.map(|fee| fee.currency.as_str()),
            signed(operation.updated),
            operation.requester.as_str(),
            operation.corrected_by.as_ref().map(UserName::as_str),
            settlement,
        ])?;
    if operation.state == State::Planned && operation.corrected_by.is_some() {
        keep_payment_of_lines(connection, operation)?;
    }
    Ok(())
}

/// The lines of an operation that was corrected are on its payment.
fn keep_payment_of_lines(
    connection: &Connection,
    operation: &Operation,
) -> Result<(), LedgerError> {
    let payment = payment_key(connection, operation.payment())?;
    connection
        .prepare_cached("UPDATE lines SET payment = ?2 WHERE operation = ?1")?
        .execute([operation.id().as_str(), payment.as_str()])?;
    Ok(())
}

/// Rules are kept once, under their hash.
fn keep_policy(connection: &Connection, json: &str) -> Result<String, LedgerError> {
    let hash = hex(&Sha256::digest(json));
    connection
        .prepare_cached("INSERT OR IGNORE INTO policies VALUES (?, ?)")?
        .execute([hash.as_str(), json])?;
    Ok(hash)
}

/// Other operations on a payment whose outcome is not known.
pub(super) fn unsettled(
    connection: &Connection,
    payment: &PaymentKey,
    except: &OperationId,
) -> Result<Vec<OperationId>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM operations
         WHERE state IN ('sent', 'outcome-unknown') AND id <> ?2
           AND (payment = ?1 OR payment IN (SELECT payment_intent FROM aliases WHERE charge = ?1))
         ORDER BY rowid",
    )?;
    ids(&mut statement, [payment.as_str(), except.as_str()])
}

/// The condition that an operation waits for an approval, or for its execution: one that could not be sent when it was
/// executed keeps its approval, and may be executed again.
pub(super) fn waits(operation: &str) -> String {
    format!(
        "({operation}.state = 'needs-approval'
          OR ({operation}.refund IS NULL AND {operation}.state <> 'canceled' AND EXISTS
              (SELECT 1 FROM approvals WHERE approvals.operation = {operation}.id
                   AND approvals.state IN ('open', 'approved'))))"
    )
}

/// Operations on a payment that wait for an approval, or for its execution.
pub(super) fn waiting(
    connection: &Connection,
    payment: &PaymentKey,
) -> Result<Vec<OperationId>, LedgerError> {
    let waits = waits("operations");
    let sql = format!(
        "SELECT id FROM operations WHERE {waits}
           AND (payment = ?1 OR payment IN (SELECT payment_intent FROM aliases WHERE charge = ?1))
         ORDER BY rowid"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    ids(&mut statement, [payment.as_str()])
}

/// Operations that may be on the same payment under a name of the other kind. A PaymentIntent whose charge is known, and a
/// charge whose PaymentIntent is known, are no other payment's.
pub(super) fn unsettled_under_other_names(
    connection: &Connection,
    payment: &PaymentKey,
    except: &OperationId,
) -> Result<Vec<OperationId>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM operations
         WHERE state IN ('sent', 'outcome-unknown') AND id <> ?2
           AND (payment LIKE 'pi\\_%' ESCAPE '\\') <> (?1 LIKE 'pi\\_%' ESCAPE '\\')
           AND NOT EXISTS (SELECT 1 FROM aliases WHERE payment_intent IN (payment, ?1))
           AND NOT EXISTS (SELECT 1 FROM aliases WHERE charge IN (payment, ?1))
         ORDER BY rowid",
    )?;
    ids(&mut statement, [payment.as_str(), except.as_str()])
}

/// The operation ids that a statement finds.
pub(super) fn ids(
    statement: &mut Statement<'_>,
    parameters: impl Params,
) -> Result<Vec<OperationId>, LedgerError> {
    let ids = statement.query_map(parameters, |row| row.get::<_, String>(0))?;
    ids.map(|id| operation_id(&id?)).collect()
}

/// A stored operation id.
pub(super) fn operation_id(text: &str) -> Result<OperationId, LedgerError> {
    OperationId::parse(text).map_err(|problem| unreadable("operation id", problem))
}

/// A stored payment.
pub(super) fn payment_ref(text: &str) -> Result<PaymentRef, LedgerError> {
    PaymentRef::parse(text).map_err(|problem| unreadable("payment", problem))
}

/// Stored money.
pub(super) fn money(
    amount: Option<i64>,
    currency: Option<String>,
) -> Result<Option<Money>, LedgerError> {
    let (Some(amount), Some(currency)) = (amount, currency) else { return Ok(None) };
    let currency = Currency::parse(&currency).map_err(|problem| unreadable("currency", problem))?;
    Ok(Some(Money { amount: unsigned(amount), currency }))
}

/// The PaymentIntent of a charge and the charge itself are one payment: this is its name in the ledger.
pub(super) fn payment_key(
    connection: &Connection,
    payment: &PaymentRef,
) -> Result<PaymentKey, LedgerError> {
    let mut known =
        connection.prepare_cached("SELECT charge FROM aliases WHERE payment_intent = ?")?;
    let charge: Option<String> =
        known.query_row([payment.as_str()], |row| row.get(0)).optional()?;
    Ok(PaymentKey::new(charge.unwrap_or_else(|| payment.as_str().to_owned())))
}

/// Keeps that a PaymentIntent and a charge are one payment. Lines that name the PaymentIntent get the name of the
/// charge.
pub(super) fn keep_charge(
    connection: &Connection,
    intent: &PaymentIntentId,
    charge: &ChargeId,
) -> Result<(), LedgerError> {
    let kept = connection
        .prepare_cached("INSERT OR IGNORE INTO aliases VALUES (?, ?)")?
        .execute([intent.as_str(), charge.as_str()])?;
    if kept > 0 {
        connection
            .prepare_cached(
                "UPDATE lines SET payment = ?2 WHERE payment = ?1 AND operation IN
                     (SELECT id FROM operations WHERE operations.payment = ?1)",
            )?
            .execute([intent.as_str(), charge.as_str()])?;
    }
    Ok(())
}

/// The operation that a living process works on, on this payment. What a dead process left is removed.
pub(super) fn working_on(
    connection: &Connection,
    payment: &PaymentKey,
    holder: &Holder,
) -> Result<Option<OperationId>, LedgerError> {
    // Work that began before it was known that a PaymentIntent and a charge are one payment.
    let mut statement = connection.prepare_cached(
        "SELECT payment, operation, holder FROM busy
         WHERE payment = ?1 OR payment IN (SELECT payment_intent FROM aliases WHERE charge = ?1)",
    )?;
    let found = statement
        .query_map([payment.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<Vec<(String, String, String)>, _>>()?;
    for (name, operation, by) in found {
        if holder.is_working(&by, &operation) {
            return operation_id(&operation).map(Some);
        }
        connection.prepare_cached("DELETE FROM busy WHERE payment = ?")?.execute([name])?;
    }
    Ok(None)
}

/// Takes a payment for an operation of this process.
pub(super) fn take(
    connection: &Connection,
    payment: &PaymentKey,
    operation: &OperationId,
    holder: &Holder,
) -> Result<(), LedgerError> {
    connection.prepare_cached("INSERT INTO busy VALUES (?, ?, ?)")?.execute([
        payment.as_str(),
        operation.as_str(),
        holder.name(),
    ])?;
    holder.begin_work(operation.as_str());
    Ok(())
}

/// Frees the payment of an operation, if this process works on it.
pub(super) fn release(
    connection: &Connection,
    operation: &OperationId,
    holder: &Holder,
) -> Result<(), LedgerError> {
    connection
        .prepare_cached("DELETE FROM busy WHERE operation = ? AND holder = ?")?
        .execute([operation.as_str(), holder.name()])?;
    holder.end_work(operation.as_str());
    Ok(())
}

/// Removes the rows of work that this process left behind, unless it has begun anew.
pub(super) fn free(
    connection: &Connection,
    left: &[String],
    holder: &Holder,
) -> Result<(), LedgerError> {
    for operation in left.iter().filter(|operation| !holder.works_on(operation)) {
        connection
            .prepare_cached("DELETE FROM busy WHERE operation = ? AND holder = ?")?
            .execute([operation.as_str(), holder.name()])?;
    }
    Ok(())
}

/// A page of operations that moved since an instant and have a refund, or may have one, with their row numbers. Those
/// that a living process works on are left out.
pub(super) fn moved_since(
    connection: &Connection,
    from: u64,
    after: i64,
    holder: &Holder,
) -> Result<Vec<(i64, Operation)>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT operations.rowid, operations.id,
             (SELECT holder FROM busy WHERE busy.operation = operations.id)
         FROM operations
         WHERE operations.rowid > ? AND updated >= ?
           AND (refund IS NOT NULL OR state IN ('sent', 'outcome-unknown'))
         ORDER BY operations.rowid LIMIT 1000",
    )?;
    let mut rows = statement.query([after, signed(from)])?;
    let mut moved = Vec::new();
    while let Some(row) = rows.next()? {
        let (number, id): (i64, String) = (row.get(0)?, row.get(1)?);
        let by: Option<String> = row.get(2)?;
        if by.is_none_or(|by| !holder.is_working(&by, &id)) {
            let operation = find(connection, &operation_id(&id)?)?;
            moved.extend(operation.map(|operation| (number, operation)));
        }
    }
    Ok(moved)
}

/// Operations in a state, or all; newest first.
pub(super) fn page(
    connection: &Connection,
    state: Option<State>,
    limit: u16,
    before: Option<i64>,
) -> Result<Page, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS}, operations.rowid FROM operations
         WHERE (?1 IS NULL OR state = ?1) AND operations.rowid < ?2
         ORDER BY operations.rowid DESC LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let before = before.unwrap_or(i64::MAX);
    // One more than asked for tells whether there is a next page.
    let rows = statement
        .query_map(params![state.map(State::as_str), before, i64::from(limit) + 1], |found| {
            Ok((row(found)?, found.get::<_, i64>(COUNT)?))
        })?;
    let mut rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let next = rows.last().filter(|_| more).map(|(_, key)| *key);
    let operations = rows.into_iter().map(|(stored, _)| stored.read());
    Ok(Page { operations: operations.collect::<Result<_, _>>()?, next })
}

/// How many rows of a table are in each state.
pub(super) fn by_state(
    connection: &Connection,
    table: &str,
) -> Result<Vec<(String, u64)>, LedgerError> {
    let sql = format!("SELECT state, count(*) FROM {table} GROUP BY state ORDER BY state");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
