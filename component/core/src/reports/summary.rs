//! What a report says.

use serde::{Deserialize, Serialize};

use super::{Approvals, Charges, Figures, Month, Rate, RepeatCustomers};
use crate::model::{Reason, RefundStatus};
use crate::money::Currency;

/// A report. Its lists are ordered by currency first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Summary {
    /// Rows taken in, whatever became of the refunds.
    pub rows: u64,
    /// When the first of them was made, Unix seconds; absent without rows.
    pub first_created: Option<u64>,
    /// When the last of them was made.
    pub last_created: Option<u64>,
    /// Where months begin, in minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Of each currency.
    pub totals: Vec<Total>,
    /// Of each currency and status, the largest amount first; failed and cancelled refunds are here
    /// alone.
    pub by_status: Vec<StatusLine>,
    /// Of each currency and reason, the largest amount first.
    pub by_reason: Vec<ReasonLine>,
    /// Of each currency and product, the largest amount first.
    pub by_product: Vec<ProductLine>,
    /// Of each currency and month that has refunds or charges, the oldest first.
    pub by_month: Vec<MonthLine>,
    /// How long approvals took.
    pub approvals: Approvals,
    /// Who came back most.
    pub repeat_customers: RepeatCustomers,
}

/// All refunds of a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Total {
    /// The refunds.
    pub figures: Figures,
    /// The charges, as far as they were given.
    pub charges: Option<Charges>,
    /// Absent unless charges were given for every month with refunds.
    pub rate: Option<Rate>,
}

/// Refunds that stand at one status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusLine {
    /// The status; absent where Stripe sent none.
    pub status: Option<RefundStatus>,
    /// Their currency.
    pub currency: Currency,
    /// How many.
    pub count: u64,
    /// How much, in the smallest unit of `currency`.
    pub amount: u64,
    /// Whether they are part of every other figure: all but `failed` and `canceled` are.
    pub is_counted: bool,
}

/// Refunds of one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReasonLine {
    /// The reason; absent where none was given.
    pub reason: Option<Reason>,
    /// The refunds.
    pub figures: Figures,
}

/// Refunds of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProductLine {
    /// The product; absent where none was given.
    pub product: Option<String>,
    /// The refunds.
    pub figures: Figures,
}

/// Refunds made in one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MonthLine {
    /// The month.
    pub month: Month,
    /// The refunds.
    pub figures: Figures,
    /// The charges, if they were given.
    pub charges: Option<Charges>,
    /// Absent where charges were not given, or there were none.
    pub rate: Option<Rate>,
}
