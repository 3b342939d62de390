//! What the ledger knows of refunds that somebody else listed.

use std::collections::HashMap;

use super::ledger::Ledger;
use crate::error::LedgerError;

/// What the ledger knows of a refund. Instants in Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The share of the payment's fee that Stripe keeps: smallest unit and currency.
    pub fee: Option<(u64, String)>,
    /// When somebody was asked to agree; absent where nobody had to.
    pub requested: Option<u64>,
    /// When that was decided.
    pub decided: Option<u64>,
}

/// Approvals that came to nothing tell nothing about the refund: only the newest other one counts. The list
/// is one parameter, so that one statement does for every page.
const KNOWN: &str =
    "SELECT operations.refund, fee, fee_currency, approvals.created, approvals.decided
     FROM json_each(?) AS wanted
     JOIN operations ON operations.refund = wanted.value
     LEFT JOIN approvals ON approvals.operation = operations.id
         AND approvals.state IN ('open', 'approved', 'executed')
     ORDER BY approvals.key";

impl Ledger {
    /// What is known of these refunds, by their ids; those that no operation of this ledger made are absent.
    /// Reads beside the writer: nobody waits.
    pub async fn known(&self, refunds: &[&str]) -> Result<HashMap<String, Known>, LedgerError> {
        let wanted = serde_json::json!(refunds).to_string();
        self.read_rows(move |connection| {
            let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
            let mut statement = connection.prepare_cached(KNOWN)?;
            let rows = statement.query_map([wanted], |row| {
                let fee: Option<i64> = row.get(1)?;
                let known = Known {
                    fee: fee.and_then(|fee| u64::try_from(fee).ok()).zip(row.get(2)?),
                    requested: row.get::<_, Option<i64>>(3)?.map(unsigned),
                    decided: row.get::<_, Option<i64>>(4)?.map(unsigned),
                };
                Ok((row.get(0)?, known))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
