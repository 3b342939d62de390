//! What Stripe tells: webhook events, each once, and refunds that were read again.

use std::sync::Arc;

use refund_core::followups::{FollowUp, Options};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::LedgerError;
use crate::follow_ups;
use crate::operation::{Kept, Operation, Outcome};
use crate::sqlite::{Ledger, find, follow, move_to, now, of_refund};
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
    /// What follows from it, where it is about a payment or a dispute: `follow-ups.of-event`. What follows
    /// from a refund the ledger finds by itself, since it knows whether the event is news.
    pub follow_ups: Vec<FollowUp>,
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
        let sinks = Arc::clone(&self.sinks);
        self.write(move |connection| {
            if is_known(connection, &event.id)? {
                count(connection, "repeated")?;
                return Ok(Effect::Repeated);
            }
            let effect = match &event.refund {
                Some(refund) => {
                    let seen = apply(connection, refund, &actor)?;
                    follow(connection, &sinks, |options| seen.follow_ups(refund, options))?;
                    seen.effect
                }
                None => Effect::Noted,
            };
            let late = is_late(connection, &event)?;
            let found = event.follow_ups;
            follow(connection, &sinks, |_| if late { follow_ups::late(found) } else { found })?;
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

    /// Takes a refund that was read at Stripe, and moves the operation it belongs to. What did not move is no
    /// news: nothing follows from it.
    pub async fn see(&self, refund: RefundSeen) -> Result<Effect, LedgerError> {
        let (actor, sinks) = (self.actor.clone(), Arc::clone(&self.sinks));
        self.write(move |connection| {
            let seen = apply(connection, &refund, &actor)?;
            if matches!(seen.effect, Effect::Moved { .. } | Effect::Twice { .. }) {
                follow(connection, &sinks, |options| seen.follow_ups(&refund, options))?;
            }
            Ok(seen.effect)
        })
        .await
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

/// Whether a newer event has told already what is left of the payment.
fn is_late(connection: &Connection, event: &Received) -> Result<bool, LedgerError> {
    if event.kind != "charge.refunded" {
        return Ok(false);
    }
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM events WHERE kind = 'charge.refunded' AND object = ? AND created > ?",
    )?;
    let created = i64::try_from(event.created).unwrap_or(i64::MAX);
    Ok(statement.query_row(params![event.object, created], |_| Ok(())).optional()?.is_some())
}

fn count(connection: &Connection, name: &str) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
        )?
        .execute([name])?;
    Ok(())
}

/// A refund beside what the ledger knows.
struct Seen {
    effect: Effect,
    /// How far the refund has come, whatever order it was told in.
    known: State,
    /// The operation that has another refund already.
    twice: Option<Operation>,
}

impl Seen {
    fn new(effect: Effect, known: State) -> Self {
        Self { effect, known, twice: None }
    }

    fn follow_ups(&self, refund: &Kept, options: &Options) -> Vec<FollowUp> {
        let mut found = follow_ups::of_seen(refund, self.known, options);
        if let Some(operation) = &self.twice {
            found.extend(follow_ups::of_twice(operation, refund, options));
        }
        found
    }
}

/// Moves the operation of a refund as far as the refund has come.
fn apply(connection: &Connection, refund: &Kept, actor: &str) -> Result<Seen, LedgerError> {
    let Some(operation) = operation_of(connection, refund)? else {
        return Ok(Seen::new(Effect::Elsewhere, note_elsewhere(connection, refund)?));
    };
    if let Some(known) = operation.refund.clone().filter(|known| *known != refund.id) {
        let effect = Effect::Twice { operation: operation.id.clone(), known };
        let known = note_elsewhere(connection, refund)?;
        return Ok(Seen { effect, known, twice: Some(operation) });
    }
    let (from, to) = (operation.state, refund.state());
    if from.check_move(to, operation.refund.is_some()).is_err() {
        return Ok(Seen::new(Effect::Known { operation: operation.id }, from));
    }
    let detail = (to == State::Failed)
        .then(|| "Stripe says it failed: pay the customer in another way".to_owned());
    let outcome = Outcome { refund: Some(refund.clone()), detail, ..Outcome::of(to) };
    let moved = move_to(connection, &operation, &outcome, actor)?;
    Ok(Seen::new(Effect::Moved { operation: moved.id, from, to }, to))
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

/// Keeps a refund that is none of an operation's, and says how far it has come: events come in any order.
fn note_elsewhere(connection: &Connection, refund: &Kept) -> Result<State, LedgerError> {
    let known: Option<Option<String>> = connection
        .prepare_cached("SELECT status FROM elsewhere WHERE refund = ?")?
        .query_row([&refund.id], |row| row.get(0))
        .optional()?;
    let (known, told) = (known.map(|word| State::of_refund(word.as_deref())), refund.state());
    if let Some(known) =
        known.filter(|known| *known != told && known.check_move(told, true).is_err())
    {
        return Ok(known);
    }
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
    Ok(told)
}
