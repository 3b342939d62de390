//! What Stripe tells: webhook events, each once, and refunds that were read again.

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::LedgerError;
use crate::operation::{Kept, Operation, Outcome};
use crate::sqlite::{Ledger, find, move_to, now, of_refund};
use crate::state::State;

/// An event that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// `evt_…`.
    pub id: String,
    /// In Stripe's words.
    pub kind: String,
    /// When it happened, Unix seconds.
    pub created: u64,
    /// The object it is about.
    pub object: Option<String>,
    /// The refund in it, where it is about one.
    pub refund: Option<Kept>,
}

/// A refund as somebody saw it.
pub type RefundSeen = Kept;

/// What followed from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It had been received before; nothing was done again.
    Repeated,
    /// An operation moved.
    Moved {
        /// Which.
        operation: String,
        /// From where.
        from: State,
        /// To where.
        to: State,
    },
    /// An operation's refund, and nothing new about it.
    Known {
        /// Which.
        operation: String,
    },
    /// A refund that no operation of this ledger made.
    Elsewhere,
    /// A second refund that names an operation which has one: money may have gone out twice.
    Twice {
        /// Which.
        operation: String,
        /// The refund the ledger knows.
        known: String,
    },
    /// It is about something else; it was noted.
    Noted,
}

impl Effect {
    fn word(&self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Moved { .. } => "moved",
            Self::Known { .. } => "known",
            Self::Elsewhere => "elsewhere",
            Self::Twice { .. } => "twice",
            Self::Noted => "noted",
        }
    }
}

impl Ledger {
    /// Takes an event, once, and moves the operation it concerns. Events may come in any order and any
    /// number of times.
    pub async fn receive(&self, event: Received) -> Result<Effect, LedgerError> {
        let actor = format!("{} {}", self.actor, event.id);
        self.write(move |connection| {
            if is_known(connection, &event.id)? {
                count(connection, "repeated")?;
                return Ok(Effect::Repeated);
            }
            let effect = match &event.refund {
                Some(refund) => apply(connection, refund, &actor)?,
                None => Effect::Noted,
            };
            connection.prepare_cached("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)")?.execute(
                params![
                    event.id,
                    event.kind,
                    i64::try_from(event.created).unwrap_or(i64::MAX),
                    event.object,
                    event.refund.as_ref().and_then(|refund| refund.status.clone()),
                    effect.word(),
                    now(),
                ],
            )?;
            count(connection, "accepted")?;
            Ok(effect)
        })
        .await
    }

    /// Takes a refund that was read at Stripe, and moves the operation it belongs to.
    pub async fn see(&self, refund: RefundSeen) -> Result<Effect, LedgerError> {
        let actor = self.actor.clone();
        self.write(move |connection| apply(connection, &refund, &actor)).await
    }

    /// Counts something that is worth counting, such as a forged delivery.
    pub async fn count(&self, name: &'static str) -> Result<(), LedgerError> {
        self.write(move |connection| count(connection, name)).await
    }

    /// What was counted, by name.
    pub async fn counters(&self) -> Result<Vec<(String, u64)>, LedgerError> {
        self.write(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT name, count FROM counters ORDER BY name")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
            let unsigned = |(name, count)| (name, u64::try_from(count).unwrap_or_default());
            Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().map(unsigned).collect())
        })
        .await
    }
}

fn is_known(connection: &Connection, event: &str) -> Result<bool, LedgerError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM events WHERE id = ?")?;
    Ok(statement.query_row([event], |_| Ok(())).optional()?.is_some())
}

fn count(connection: &Connection, name: &str) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
        )?
        .execute([name])?;
    Ok(())
}

/// Moves the operation of a refund as far as the refund has come.
fn apply(connection: &Connection, refund: &Kept, actor: &str) -> Result<Effect, LedgerError> {
    let Some(operation) = operation_of(connection, refund)? else {
        note_elsewhere(connection, refund)?;
        return Ok(Effect::Elsewhere);
    };
    if let Some(known) = operation.refund.clone().filter(|known| *known != refund.id) {
        note_elsewhere(connection, refund)?;
        return Ok(Effect::Twice { operation: operation.id, known });
    }
    let (from, to) = (operation.state, refund.state());
    if from.check_move(to, operation.refund.is_some()).is_err() {
        return Ok(Effect::Known { operation: operation.id });
    }
    let detail = (to == State::Failed)
        .then(|| "Stripe says it failed: pay the customer in another way".to_owned());
    let outcome = Outcome { refund: Some(refund.clone()), detail, ..Outcome::of(to) };
    let moved = move_to(connection, &operation, &outcome, actor)?;
    Ok(Effect::Moved { operation: moved.id, from, to })
}

/// By the refund that is known, or by the operation in the metadata, if it asked for such a refund.
fn operation_of(connection: &Connection, refund: &Kept) -> Result<Option<Operation>, LedgerError> {
    if let Some(operation) = of_refund(connection, &refund.id)? {
        return Ok(Some(operation));
    }
    let Some(id) = &refund.operation else { return Ok(None) };
    let asked_for = |operation: &Operation| {
        operation.amount.is_none_or(|amount| amount == refund.amount)
            && [&refund.charge, &refund.payment_intent]
                .into_iter()
                .any(|payment| payment.as_ref() == Some(&operation.payment))
    };
    Ok(find(connection, id)?.filter(asked_for))
}

fn note_elsewhere(connection: &Connection, refund: &Kept) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "INSERT INTO elsewhere VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET status = excluded.status",
        )?
        .execute(params![
            refund.id,
            refund.operation,
            refund.charge,
            i64::try_from(refund.amount).unwrap_or(i64::MAX),
            refund.currency,
            refund.status,
            i64::try_from(refund.created).unwrap_or(i64::MAX),
            now(),
        ])?;
    Ok(())
}
