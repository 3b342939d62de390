//! What a report needs of a refund.

use serde::{Deserialize, Serialize};

use super::Month;
use crate::id::{CustomerId, RefundId};
use crate::model::{Reason, RefundStatus};
use crate::money::{Currency, Money};
use crate::problem::{FieldProblem, Problems};

/// What a host knows of one refund. Empty texts count as absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Row {
    /// `re_…` or `pyr_…`.
    pub id: RefundId,
    /// What was given back, in the smallest unit of `currency`.
    pub amount: u64,
    /// Its currency.
    pub currency: Currency,
    /// Where it stands; absent where Stripe sent none.
    #[serde(default)]
    pub status: Option<RefundStatus>,
    /// Why it was made.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// What had been sold, in the merchant's own words.
    #[serde(default)]
    pub product: Option<String>,
    /// Who got it.
    #[serde(default)]
    pub customer: Option<CustomerId>,
    /// When it was made, Unix seconds.
    pub created: u64,
    /// The processing fee that did not come back; its currency may be another. Absent where nobody
    /// knows it: zero is a fee that is known.
    #[serde(default)]
    pub fee_lost: Option<Money>,
    /// When somebody was asked to agree.
    #[serde(default)]
    pub approval: Option<Approval>,
}

/// A question to somebody who may approve, and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Approval {
    /// When it was asked, Unix seconds.
    pub requested: u64,
    /// When it was answered; absent while it waits.
    #[serde(default)]
    pub decided: Option<u64>,
}

impl Row {
    /// Whether its money has left or is about to: everything but failed and cancelled refunds, as
    /// [`crate::model::Refund::is_spent`] has it.
    pub fn is_counted(&self) -> bool {
        Self::counts(self.status.as_ref())
    }

    pub(super) fn counts(status: Option<&RefundStatus>) -> bool {
        RefundStatus::is_spent(status)
    }

    /// The reason, empty for none.
    pub(super) fn reason(&self) -> &str {
        self.reason.as_ref().map_or("", Reason::as_str)
    }

    /// The product, empty for none.
    pub(super) fn product(&self) -> &str {
        self.product.as_deref().unwrap_or_default()
    }

    /// The status, empty for none.
    pub(super) fn status(&self) -> &str {
        self.status.as_ref().map_or("", RefundStatus::as_str)
    }

    /// What can be seen on the row alone; `index` is its place in the list.
    pub(super) fn check(&self, index: usize, offset: i32, problems: &mut Problems) {
        let field = |name: &str| format!("rows[{index}].{name}");
        if self.id.as_str().is_empty() {
            problems.push(FieldProblem::missing(field("id"), "give the refund's id, re_…"));
        }
        if Month::of(self.created, offset).is_none() {
            problems.push(FieldProblem::new(
                field("created"),
                self.created,
                "is after the year 9999",
                "give Unix seconds, not milliseconds",
            ));
        }
        let Some(Approval { requested, decided: Some(decided) }) = self.approval else { return };
        if decided < requested {
            problems.push(FieldProblem::new(
                field("approval.decided"),
                decided,
                format!("is before it was requested, at {requested}"),
                "give both instants in Unix seconds of one clock",
            ));
        }
    }
}
