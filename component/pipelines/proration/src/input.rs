//! What the pipeline takes.

use std::collections::BTreeMap;

use pipeline_shared::dispatch::Input as Connected;
use refund_core::client::ConnectionInput;
use refund_core::credits::{Order, PaymentShare, Price, Rounding, Span};
use refund_core::metadata::Metadata;
use refund_core::model::Reason;
use refund_core::policy::{Document, Terms};
use serde::Deserialize;

/// `proration.run`
///
/// What is prorated comes in one of three ways: as price, period and payments; from an invoice; or from a
/// subscription and its newest invoice.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Input {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub connection: ConnectionInput,
    /// Your own name for this cancellation. The refund of each payment gets the operation id
    /// `<operation_id>-<charge id>`, which has at most 200 characters.
    pub operation_id: String,
    /// The paid invoice to read price, period, payments and credits from, `in_…`.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub invoice: Option<String>,
    /// Its line, `il_…`, or the subscription item that it bills, `si_…`; needed where it bills several periods.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub line: Option<String>,
    /// Or the subscription whose newest invoice is to be read, `sub_…`.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub subscription: Option<String>,
    /// Its item, `si_…`; needed where it has several.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub item: Option<String>,
    /// Or what the whole period costs, beside `period` and `payments`.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub price: Option<Price>,
    /// The period, as on the subscription item or the invoice line.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub period: Option<Span>,
    /// When it ends instead, Unix seconds; inside the period, its two ends included, with a subscription its start
    /// not.
    pub ends: u64,
    /// What paid for it; one or more, each once. To repeat a call, give the same payments again, with the same
    /// `refunded`: what this operation itself refunded is read from Stripe and does not count there. Leave no payment
    /// of an earlier call out.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub payments: Option<Vec<PaymentShare>>,
    /// Given in another way, in the smallest unit: credit notes, credit balance. Subtracted first. Beside an
    /// invoice or subscription only what its credit notes do not tell, such as what Stripe credited by prorating.
    #[serde(default)]
    pub credited: u64,
    /// A fee that is kept in any case, in the smallest unit, such as for set-up.
    #[serde(default)]
    pub kept: u64,
    /// `half_up` when absent.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub rounding: Option<Rounding>,
    /// `proportional` when absent.
    #[serde(default)]
    pub order: Option<Order>,
    /// Your rules, in the terms of a policy document.
    #[serde(default)]
    pub policy: Terms,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default, deserialize_with = "refund_core::optional::value")]
    #[cfg_attr(test, schemars(transform = refund_core::optional::not_null))]
    pub document: Option<Document>,
    /// By operation id of the refund: the `request_hash` of an earlier answer that asked for approval.
    #[serde(default)]
    pub approvals: BTreeMap<String, String>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// Your own keys for every refund, at most 49; 48 beside an invoice or subscription, since one says what
    /// the refund is for.
    #[serde(default)]
    pub metadata: Metadata,
    /// Only show what would be refunded: so unless you say `false`.
    #[serde(default = "yes")]
    pub dry_run: bool,
}

impl Connected for Input {
    fn connection(&self) -> &ConnectionInput {
        &self.connection
    }
}

fn yes() -> bool {
    true
}
