//! Approvals in the ledger.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::operations::{find, move_to, remark};
use super::{Ledger, follow, now};
use crate::approval::{Approval, ApprovalError, ApprovalState, Ballot, Vote, Wish};
use crate::error::LedgerError;
use crate::follow_ups;
use crate::operation::{Operation, Outcome};
use crate::state::State;

/// What came to nothing in time is expired, whether or not a write has ended it yet: so reading needs no write.
const STATE: &str = "CASE WHEN state IN ('open', 'approved') AND expires < unixepoch() THEN 'expired' ELSE state END";

/// Approvals, as [`read`] reads them.
fn select(which: &str) -> String {
    format!(
        "SELECT key, operation, (SELECT payment FROM operations WHERE id = operation), amount, currency,
             request_hash, requester, needed, {STATE}, verdict, created, expires,
             CASE WHEN {STATE} = 'expired' THEN coalesce(decided, expires) ELSE decided END
         FROM approvals {which}"
    )
}

/// Files what somebody must agree to. What waits already for the same stays; what waits for something else
/// is superseded.
pub(super) fn file(
    connection: &Connection,
    operation: &Operation,
    wish: &Wish,
    requester: &str,
    expires: i64,
    actor: &str,
) -> Result<(), LedgerError> {
    expire(connection, Some(&operation.id), actor)?;
    let waiting: Option<(i64, String)> = connection
        .prepare_cached(
            "SELECT key, request_hash FROM approvals WHERE operation = ? AND state IN ('open', 'approved')",
        )?
        .query_row([&operation.id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match waiting {
        Some((_, hash)) if hash == wish.request_hash => return Ok(()),
        Some((key, _)) => {
            set(connection, key, ApprovalState::Superseded)?;
            // What people agreed to is not what is asked now.
            connection
                .prepare_cached("UPDATE operations SET approval = NULL WHERE id = ?")?
                .execute([&operation.id])?;
        }
        None => {}
    }
    connection
        .prepare_cached(
            "INSERT INTO approvals (operation, request_hash, operation_hash, amount, currency, requester,
                 needed, verdict, state, created, expires)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)",
        )?
        .execute(params![
            operation.id,
            wish.request_hash,
            operation.hash,
            i64::try_from(wish.amount).unwrap_or(i64::MAX),
            wish.currency,
            requester,
            wish.needed,
            wish.verdict,
            now(),
            expires,
        ])?;
    Ok(())
}

/// Ends what came to nothing in time: of one operation, or of all. Each end is a row of the audit.
pub(super) fn expire(
    connection: &Connection,
    operation: Option<&str>,
    actor: &str,
) -> Result<(), LedgerError> {
    for (key, operation) in overdue(connection, operation)? {
        connection
            .prepare_cached(
                "UPDATE approvals SET state = 'expired', decided = coalesce(decided, expires) WHERE key = ?",
            )?
            .execute([key])?;
        connection
            .prepare_cached("UPDATE operations SET approval = NULL WHERE id = ?")?
            .execute([&operation])?;
        if let Some(operation) = find(connection, &operation)? {
            remark(connection, &operation, &format!("ap_{key} expired"), actor)?;
        }
    }
    Ok(())
}

fn overdue(
    connection: &Connection,
    operation: Option<&str>,
) -> Result<Vec<(i64, String)>, LedgerError> {
    const OVERDUE: &str = "SELECT key, operation FROM approvals
         WHERE state IN ('open', 'approved') AND expires < ?1";
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found: rusqlite::Result<_> = match operation {
        Some(one) => connection
            .prepare_cached(&format!("{OVERDUE} AND operation = ?2"))?
            .query_map(params![now(), one], row)?
            .collect(),
        // What is being carried out, or may have been, is left to whoever carries it out.
        None => connection
            .prepare_cached(&format!(
                "{OVERDUE} AND (SELECT state FROM operations WHERE id = operation)
                     NOT IN ('sent', 'outcome-unknown')"
            ))?
            .query_map([now()], row)?
            .collect(),
    };
    Ok(found?)
}

/// Nobody is asked any more about an operation whose refund is known, whoever found it, or that was called off:
/// a denial would say that there is no refund, and an agreement could not be carried out.
pub(super) fn close(connection: &Connection, operation: &Operation) -> Result<(), LedgerError> {
    let is_refunded = operation.refund.is_some();
    if !is_refunded && operation.state != State::Canceled {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE approvals SET decided = coalesce(decided, ?2),
                 state = CASE WHEN ?3 AND state = 'approved' THEN 'executed' ELSE 'superseded' END
             WHERE operation = ?1 AND state IN ('open', 'approved')",
        )?
        .execute(params![operation.id, now(), is_refunded])?;
    Ok(())
}

fn set(connection: &Connection, key: i64, state: ApprovalState) -> Result<(), LedgerError> {
    connection
        .prepare_cached("UPDATE approvals SET state = ?, decided = ? WHERE key = ?")?
        .execute(params![state.as_str(), now(), key])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Approval)> {
    let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
    let key: i64 = row.get(0)?;
    let state: String = row.get(8)?;
    let approval = Approval {
        id: format!("ap_{key}"),
        operation: row.get(1)?,
        payment: row.get(2)?,
        amount: unsigned(row.get(3)?),
        currency: row.get(4)?,
        request_hash: row.get(5)?,
        requester: row.get(6)?,
        needed: row.get(7)?,
        // A word nobody knows can only come from outside: nothing may be done with it.
        state: ApprovalState::parse(&state).unwrap_or(ApprovalState::Superseded),
        verdict: row.get(9)?,
        created: unsigned(row.get(10)?),
        expires: unsigned(row.get(11)?),
        decided: row.get::<_, Option<i64>>(12)?.map(unsigned),
        votes: Vec::new(),
    };
    Ok((key, approval))
}

fn votes(connection: &Connection, key: i64) -> Result<Vec<Vote>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT voter, agrees, note, time FROM votes WHERE approval = ? ORDER BY time, voter",
    )?;
    let votes = statement.query_map([key], |row| {
        let time: i64 = row.get(3)?;
        Ok(Vote {
            voter: row.get(0)?,
            agrees: row.get(1)?,
            note: row.get(2)?,
            time: u64::try_from(time).unwrap_or_default(),
        })
    })?;
    Ok(votes.collect::<Result<_, _>>()?)
}

/// An approval by its id.
fn by_id(connection: &Connection, id: &str) -> Result<Option<(i64, Approval)>, LedgerError> {
    let Some(key) = id.strip_prefix("ap_").and_then(|key| key.parse::<i64>().ok()) else {
        return Ok(None);
    };
    let found =
        connection.prepare_cached(&select("WHERE key = ?"))?.query_row([key], read).optional()?;
    found
        .map(|(key, approval)| Ok((key, Approval { votes: votes(connection, key)?, ..approval })))
        .transpose()
}

/// The operation of an approval, if it still is what was frozen.
fn frozen(
    connection: &Connection,
    key: i64,
    approval: &Approval,
) -> Result<Option<Operation>, LedgerError> {
    let frozen: String = connection
        .prepare_cached("SELECT operation_hash FROM approvals WHERE key = ?")?
        .query_row([key], |row| row.get(0))?;
    let operation = find(connection, &approval.operation)?;
    Ok(operation.filter(|operation| operation.is_intact() && operation.hash == frozen))
}

fn decide(
    connection: &Connection,
    id: &str,
    voter: &str,
    ballot: &Ballot,
    actor: &str,
) -> Result<Result<Approval, ApprovalError>, LedgerError> {
    let Some((key, approval)) = by_id(connection, id)? else {
        return Ok(Err(ApprovalError::Unknown(id.to_owned())));
    };
    let (id, voter) = (approval.id.clone(), voter.to_owned());
    match approval.state {
        ApprovalState::Open => {}
        ApprovalState::Expired => return Ok(Err(ApprovalError::Expired(id))),
        state => return Ok(Err(ApprovalError::NotOpen { id, state })),
    }
    if approval.votes.iter().any(|vote| vote.voter == voter) {
        return Ok(Err(ApprovalError::Twice { id, voter }));
    }
    // Who asked may take it back, but not agree with himself.
    if ballot.agrees && approval.requester == voter && !ballot.own_requests {
        return Ok(Err(ApprovalError::OwnRequest { id, voter }));
    }
    let seen = ballot.request_hash.as_ref().is_none_or(|hash| *hash == approval.request_hash);
    let Some(operation) = frozen(connection, key, &approval)?.filter(|_| seen) else {
        return Ok(Err(ApprovalError::Altered(id)));
    };
    // To call it off would be to say that nothing was refunded.
    if !ballot.agrees && (operation.state.is_unsettled() || operation.refund.is_some()) {
        let (operation, state) = (operation.id, operation.state);
        return Ok(Err(ApprovalError::Unsettled { id, operation, state }));
    }
    connection.prepare_cached("INSERT INTO votes VALUES (?, ?, ?, ?, ?)")?.execute(params![
        key,
        voter,
        ballot.agrees,
        ballot.note,
        now()
    ])?;
    count(connection, key, &approval, &operation, &voter, ballot, actor)?;
    let decided = by_id(connection, &id)?;
    Ok(decided.map(|(_, approval)| approval).ok_or(ApprovalError::Unknown(id)))
}

/// What a vote brings about.
fn count(
    connection: &Connection,
    key: i64,
    approval: &Approval,
    operation: &Operation,
    voter: &str,
    ballot: &Ballot,
    actor: &str,
) -> Result<(), LedgerError> {
    let note = ballot.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
    if !ballot.agrees {
        set(connection, key, ApprovalState::Denied)?;
        let denied = format!("{voter} denied {}{note}", approval.id);
        move_to(connection, operation, &Outcome::without_refund(State::Canceled, denied), actor)?;
        return Ok(());
    }
    let agreed = 1 + approval.votes.iter().filter(|vote| vote.agrees).count();
    let needed = usize::from(approval.needed);
    remark(
        connection,
        operation,
        &format!("{voter} approved {} ({agreed} of {needed}){note}", approval.id),
        actor,
    )?;
    if agreed >= needed {
        set(connection, key, ApprovalState::Approved)?;
        connection
            .prepare_cached("UPDATE operations SET approval = ? WHERE id = ?")?
            .execute([&approval.request_hash, &operation.id])?;
    }
    Ok(())
}

impl Ledger {
    /// Approvals in a state, or all; newest first.
    pub async fn approvals(
        &self,
        state: Option<ApprovalState>,
    ) -> Result<Vec<Approval>, LedgerError> {
        self.read(move |connection| {
            let sql = select(&format!("WHERE ?1 IS NULL OR {STATE} = ?1 ORDER BY key DESC"));
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([state.map(ApprovalState::as_str)], read)?;
            let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
            let with_votes =
                |(key, approval)| Ok(Approval { votes: votes(connection, key)?, ..approval });
            rows.into_iter().map(with_votes).collect()
        })
        .await
    }

    /// One approval.
    pub async fn approval(&self, id: &str) -> Result<Approval, ApprovalError> {
        let wanted = id.to_owned();
        self.read(move |connection| by_id(connection, &wanted))
            .await?
            .map(|(_, approval)| approval)
            .ok_or_else(|| ApprovalError::Unknown(id.to_owned()))
    }

    /// The approval that an operation waits for, or had last.
    pub async fn approval_of(&self, operation: &str) -> Result<Option<Approval>, LedgerError> {
        let operation = operation.to_owned();
        self.read(move |connection| {
            let sql = select("WHERE operation = ? ORDER BY key DESC LIMIT 1");
            let found =
                connection.prepare_cached(&sql)?.query_row([&operation], read).optional()?;
            found
                .map(|(key, approval)| Ok(Approval { votes: votes(connection, key)?, ..approval }))
                .transpose()
        })
        .await
    }

    /// Somebody decides, in the name this ledger is written to in. The last one needed makes the operation
    /// ready; one who objects calls it off.
    pub async fn decide(&self, id: &str, ballot: Ballot) -> Result<Approval, ApprovalError> {
        let voter = self.user.clone().ok_or(ApprovalError::Nameless)?;
        let (id, actor) = (id.to_owned(), self.actor.clone());
        let sinks = Arc::clone(&self.sinks);
        // By itself, so that it stays when the ballot is refused.
        let ends = actor.clone();
        self.write(move |connection| expire(connection, None, &ends)).await?;
        let decided = self.write(move |connection| {
            let decided = decide(connection, &id, &voter, &ballot, &actor)?;
            let denied = decided.as_ref().ok().filter(|one| one.state == ApprovalState::Denied);
            if let Some(approval) = denied
                && let Some(operation) = find(connection, &approval.operation)?
            {
                follow(connection, &sinks, |options| {
                    follow_ups::of_called_off(&operation, options)
                })?;
            }
            Ok(decided)
        });
        decided.await?
    }

    /// Ends an approval before its time, whoever asked. Asking again opens a new one.
    pub async fn withdraw(&self, id: &str) -> Result<Approval, ApprovalError> {
        let (wanted, actor) = (id.to_owned(), self.actor.clone());
        let withdrawn = self.write(move |connection| {
            expire(connection, None, &actor)?;
            let Some((key, approval)) = by_id(connection, &wanted)? else {
                return Ok(Err(ApprovalError::Unknown(wanted)));
            };
            let alive = matches!(approval.state, ApprovalState::Open | ApprovalState::Approved);
            let operation = find(connection, &approval.operation)?.filter(|_| alive);
            let Some(operation) = operation else {
                return Ok(Err(ApprovalError::NotOpen { id: wanted, state: approval.state }));
            };
            set(connection, key, ApprovalState::Expired)?;
            connection
                .prepare_cached("UPDATE operations SET approval = NULL WHERE id = ?")?
                .execute([&operation.id])?;
            remark(connection, &operation, &format!("{wanted} was ended before its time"), &actor)?;
            Ok(Ok(Approval { state: ApprovalState::Expired, ..approval }))
        });
        withdrawn.await?
    }

    /// The operation of an approval that may be carried out now.
    pub async fn approved(&self, id: &str) -> Result<String, ApprovalError> {
        let approval = self.approval(id).await?;
        match approval.state {
            ApprovalState::Approved => {}
            ApprovalState::Expired => return Err(ApprovalError::Expired(approval.id)),
            state => {
                let agreed = approval.votes.iter().filter(|vote| vote.agrees).count();
                return Err(ApprovalError::NotApproved {
                    id: approval.id,
                    state,
                    agreed,
                    needed: approval.needed,
                });
            }
        }
        let wanted = id.to_owned();
        let intact = self.read(move |connection| {
            let Some((key, approval)) = by_id(connection, &wanted)? else { return Ok(None) };
            Ok(frozen(connection, key, &approval)?.map(|operation| operation.id))
        });
        intact.await?.ok_or_else(|| ApprovalError::Altered(id.to_owned()))
    }
}
