//! Ledger and Stripe compared, both ways.

use refund_host::Node;
use refund_host::api::node::InvokeError;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use crate::error::LedgerError;
use crate::intake::Effect;
use crate::operation::{Kept, Operation};
use crate::sqlite::{Ledger, find, of_refund};
use crate::state::State;

/// Something that ledger and Stripe do not say alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A refund at Stripe that no operation of this ledger made.
    RefundWithoutOperation {
        /// The refund.
        refund: Box<Kept>,
    },
    /// The ledger says there is a refund, Stripe knows none.
    OperationWithoutRefund {
        /// The operation.
        operation: String,
        /// The refund it names.
        refund: String,
    },
    /// The ledger says that there is no refund, and there is one.
    RefundNotKnown {
        /// The operation.
        operation: String,
        /// Where it stands in the ledger.
        state: State,
        /// The refund.
        refund: String,
    },
    /// The amounts differ.
    Amount {
        /// The operation.
        operation: String,
        /// In the ledger, smallest unit.
        ledger: u64,
        /// At Stripe, smallest unit.
        stripe: u64,
        /// The currency.
        currency: String,
    },
    /// The states differ.
    Status {
        /// The operation.
        operation: String,
        /// In the ledger.
        ledger: State,
        /// What Stripe's status means.
        stripe: State,
    },
    /// Two refunds name one operation: money may have gone out twice.
    Twice {
        /// The operation.
        operation: String,
        /// The refund the ledger knows.
        known: String,
        /// The other one.
        refund: String,
    },
    /// Nobody knows what became of it.
    Unsettled {
        /// The operation.
        operation: String,
        /// Where it stands in the ledger.
        state: State,
    },
}

impl Difference {
    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RefundWithoutOperation { .. } => "refund-without-operation",
            Self::OperationWithoutRefund { .. } => "operation-without-refund",
            Self::RefundNotKnown { .. } => "refund-not-known",
            Self::Amount { .. } => "amount",
            Self::Status { .. } => "status",
            Self::Twice { .. } => "twice",
            Self::Unsettled { .. } => "unsettled",
        }
    }
}

/// How a comparison ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Refunds read at Stripe.
    pub refunds: u64,
    /// Operations of the ledger that have one of them.
    pub operations: u64,
    /// Differences told.
    pub differences: u64,
    /// Operations that were moved to what Stripe says.
    pub repaired: u64,
}

/// Why a comparison did not come to its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Stripe cannot be read.
    #[error("{0}")]
    Stripe(String),
}

/// Compares every refund that Stripe made since `from` with the ledger, and every operation that moved
/// since then with Stripe. With `repair`, operations move on to what Stripe says. `tell` gets each
/// difference as it is found; memory does not grow with their number.
pub async fn reconcile(
    node: &Node,
    connection: &Value,
    ledger: &Ledger,
    from: u64,
    repair: bool,
    mut tell: impl FnMut(Difference),
) -> Result<Reconciled, ReconcileError> {
    let seen = Seen::new()?;
    let mut done = Reconciled::default();
    let mut found = |difference, done: &mut Reconciled| {
        done.differences += 1;
        tell(difference);
    };
    let mut cursor = Value::Null;
    loop {
        let input = json!({ "created_from": from, "limit": 100, "cursor": cursor });
        let mut page = call(node, connection, "refunds.list", input).await?;
        for refund in page["refunds"].as_array().into_iter().flatten().filter_map(Kept::of) {
            seen.note(&refund.id)?;
            done.refunds += 1;
            let (difference, known) = compare(ledger, &refund).await?;
            done.operations += u64::from(known);
            if let Some(difference) = difference {
                found(difference, &mut done);
            }
            if repair && matches!(ledger.see(refund).await?, Effect::Moved { .. }) {
                done.repaired += 1;
            }
        }
        cursor = page["next"].take();
        if cursor.is_null() {
            break;
        }
    }
    let mut after = 0;
    loop {
        let moved = ledger.moved_since(from, after).await?;
        let Some((last, _)) = moved.last() else { return Ok(done) };
        after = *last;
        for (_, operation) in moved {
            let difference = match &operation.refund {
                Some(refund) if seen.has(refund)? => None,
                // An older refund that moved lately: read it by itself.
                Some(refund) => read_one(node, connection, ledger, &operation, refund).await?,
                None if operation.state.is_unsettled() => {
                    Some(Difference::Unsettled { operation: operation.id, state: operation.state })
                }
                None => None,
            };
            if let Some(difference) = difference {
                found(difference, &mut done);
            }
        }
    }
}

/// One refund beside what the ledger says, and whether an operation of the ledger made it.
async fn compare(
    ledger: &Ledger,
    refund: &Kept,
) -> Result<(Option<Difference>, bool), LedgerError> {
    let seen = refund.clone();
    let operation = ledger
        .write(move |connection| {
            let of_refund = of_refund(connection, &seen.id)?;
            match (&of_refund, &seen.operation) {
                (None, Some(id)) => find(connection, id),
                _ => Ok(of_refund),
            }
        })
        .await?;
    let Some(operation) = operation else {
        return Ok((
            Some(Difference::RefundWithoutOperation { refund: Box::new(refund.clone()) }),
            false,
        ));
    };
    Ok((difference(operation, refund), true))
}

fn difference(operation: Operation, refund: &Kept) -> Option<Difference> {
    let stripe = refund.state();
    match operation.refund {
        Some(known) if known != refund.id => {
            Some(Difference::Twice { operation: operation.id, known, refund: refund.id.clone() })
        }
        None => Some(Difference::RefundNotKnown {
            operation: operation.id,
            state: operation.state,
            refund: refund.id.clone(),
        }),
        Some(_) if operation.refunded != Some(refund.amount) => Some(Difference::Amount {
            operation: operation.id,
            ledger: operation.refunded.unwrap_or_default(),
            stripe: refund.amount,
            currency: refund.currency.clone(),
        }),
        Some(_) if operation.state != stripe => {
            Some(Difference::Status { operation: operation.id, ledger: operation.state, stripe })
        }
        Some(_) => None,
    }
}

async fn read_one(
    node: &Node,
    connection: &Value,
    ledger: &Ledger,
    operation: &Operation,
    refund: &str,
) -> Result<Option<Difference>, ReconcileError> {
    let input = json!({ "refund": refund, "connection": connection });
    match node.invoke("refunds.retrieve", &input.to_string()).await {
        Ok(Ok(output)) => {
            let refund: Value = serde_json::from_str(&output).unwrap_or_default();
            let refund = Kept::of(&refund).ok_or_else(|| unreadable("refunds.retrieve"))?;
            Ok(compare(ledger, &refund).await?.0)
        }
        Ok(Err(InvokeError::Failed(failure))) if is_missing(&failure.details) => {
            Ok(Some(Difference::OperationWithoutRefund {
                operation: operation.id.clone(),
                refund: refund.to_owned(),
            }))
        }
        other => Err(failed(other)),
    }
}

fn is_missing(details: &str) -> bool {
    let details: Value = serde_json::from_str(details).unwrap_or_default();
    details["kind"] == "not_found"
}

async fn call(
    node: &Node,
    connection: &Value,
    operation: &str,
    mut input: Value,
) -> Result<Value, ReconcileError> {
    input["connection"] = connection.clone();
    match node.invoke(operation, &input.to_string()).await {
        Ok(Ok(output)) => serde_json::from_str(&output).map_err(|_| unreadable(operation)),
        other => Err(failed(other)),
    }
}

fn unreadable(operation: &str) -> ReconcileError {
    ReconcileError::Stripe(format!("the output of {operation} cannot be read"))
}

fn failed(answer: Result<Result<String, InvokeError>, refund_host::CallError>) -> ReconcileError {
    ReconcileError::Stripe(match answer {
        Ok(Ok(_)) => "no answer".to_owned(),
        Ok(Err(InvokeError::Failed(failure))) => failure.message,
        Ok(Err(other)) => format!("{other:?}"),
        Err(error) => error.to_string(),
    })
}

impl Ledger {
    /// A page of operations that moved since then and have a refund, or should have one, with their row
    /// numbers. Those that somebody alive works on right now are left out.
    async fn moved_since(
        &self,
        from: u64,
        after: i64,
    ) -> Result<Vec<(i64, Operation)>, LedgerError> {
        let holder = self.holder.clone();
        self.write(move |connection| {
            let from = i64::try_from(from).unwrap_or(i64::MAX);
            let mut statement = connection.prepare(
                "SELECT operations.rowid, operations.id,
                     (SELECT holder FROM busy WHERE busy.operation = operations.id)
                 FROM operations
                 WHERE operations.rowid > ? AND updated >= ?
                   AND (refund IS NOT NULL OR state IN ('sent', 'outcome-unknown'))
                 ORDER BY operations.rowid LIMIT 1000",
            )?;
            let mut rows = statement.query([after, from])?;
            let mut moved = Vec::new();
            while let Some(row) = rows.next()? {
                let (number, id): (i64, String) = (row.get(0)?, row.get(1)?);
                let by: Option<String> = row.get(2)?;
                if by.is_none_or(|by| !holder.is_alive(&by)) {
                    moved.extend(find(connection, &id)?.map(|operation| (number, operation)));
                }
            }
            Ok(moved)
        })
        .await
    }
}

/// Refunds that were seen, on disk: there may be millions.
struct Seen(Connection);

impl Seen {
    fn new() -> Result<Self, LedgerError> {
        let connection = Connection::open("")?;
        connection.execute_batch("CREATE TABLE seen (refund TEXT PRIMARY KEY) WITHOUT ROWID")?;
        Ok(Self(connection))
    }

    fn note(&self, refund: &str) -> Result<(), LedgerError> {
        self.0.prepare_cached("INSERT OR IGNORE INTO seen VALUES (?)")?.execute(params![refund])?;
        Ok(())
    }

    fn has(&self, refund: &str) -> Result<bool, LedgerError> {
        let mut statement = self.0.prepare_cached("SELECT 1 FROM seen WHERE refund = ?")?;
        Ok(statement.query_row([refund], |_| Ok(())).optional()?.is_some())
    }
}
