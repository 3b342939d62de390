//! May a payment be refunded, and what a policy means.

use serde::Deserialize;

use super::failure::InvokeError;
use super::inputs::{amount, connect, needed_now, rules};
use super::operation::{Operation, operations};
use super::text::{read, write};
use crate::client::{self, ConnectionInput, Transport};
use crate::eligibility::{Facts, Policy};
use crate::id::PaymentRef;
use crate::model::{Charge, Dispute, Reason, Refund};
use crate::policy::{Ask, Document, Rulebook};

pub(super) const OPERATIONS: &[Operation] = operations![
    "eligibility.check": Timed(check), Check => crate::eligibility::Verdict;
    CHECK, "Check eligibility of given facts",
    "Decides whether a charge may be refunded, from the charge, its refunds and its disputes. Names every rule that failed.";

    "eligibility.check-live": Reads(check_live), CheckLive => client::Checked;
    CHECK, "Check eligibility",
    "Fetches charge, refunds and disputes from Stripe, then decides whether the payment may be refunded.";

    "policies.describe": Pure(describe_policy), DescribePolicy => crate::policy::Described;
    CHECK, "Explain a policy",
    "Checks a policy document and says in plain sentences what it means. Its hash stands in every decision.";
];

/// `eligibility.check`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Check {
    /// The charge, as Stripe gives it.
    charge: Charge,
    /// Every refund of it.
    #[serde(default)]
    refunds: Vec<Refund>,
    /// Every dispute of it.
    #[serde(default)]
    disputes: Vec<Dispute>,
    /// In the smallest unit of the currency; everything that is left when no amount is given.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    amount: Option<u64>,
    /// The same as a decimal of the currency; give one of the two.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    amount_decimal: Option<String>,
    /// The charge's currency; needed beside an amount, and refused without one.
    #[serde(default, deserialize_with = "crate::optional::currency")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    currency: Option<String>,
    /// Your rules.
    #[serde(default)]
    policy: Policy,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    document: Option<Document>,
    /// The customer asks, and nobody of yours looked at it; only a document takes notice.
    #[serde(default)]
    self_serve: bool,
    /// `duplicate`, `fraudulent` or `requested_by_customer`; only a document takes notice.
    #[serde(default)]
    reason: Option<Reason>,
    /// The instant against which the window is measured, Unix seconds; now where the component has a
    /// clock.
    #[serde(default)]
    now: Option<u64>,
}

/// `eligibility.check-live`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct CheckLive {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The charge or PaymentIntent.
    payment: String,
    /// In the smallest unit of the currency; everything that is left when no amount is given.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    amount: Option<u64>,
    /// The same as a decimal of the currency; give one of the two.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    amount_decimal: Option<String>,
    /// The charge's currency; needed beside an amount, and refused without one.
    #[serde(default, deserialize_with = "crate::optional::currency")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    currency: Option<String>,
    /// Your rules.
    #[serde(default)]
    policy: Policy,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    document: Option<Document>,
    /// The customer asks, and nobody of yours looked at it; only a document takes notice.
    #[serde(default)]
    self_serve: bool,
    /// `duplicate`, `fraudulent` or `requested_by_customer`; only a document takes notice.
    #[serde(default)]
    reason: Option<Reason>,
}

/// `policies.describe`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct DescribePolicy {
    /// The document.
    document: Document,
}

fn check(clock: Option<u64>, input: &str) -> Result<String, InvokeError> {
    let input: Check = read(input)?;
    let now = needed_now(input.now, clock)?;
    let amount = amount(input.amount, input.amount_decimal.as_deref(), input.currency.as_deref())?;
    let ask = Ask { amount, reason: input.reason, self_serve: input.self_serve };
    let rules = rules(input.policy, input.document)?;
    let facts = Facts { charge: input.charge, refunds: input.refunds, disputes: input.disputes };
    write(&rules.check(&ask, &facts, now)?)
}

fn check_live(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: CheckLive = read(input)?;
    let connection = connect(input.connection)?;
    let payment = PaymentRef::parse(&input.payment)?;
    let amount = amount(input.amount, input.amount_decimal.as_deref(), input.currency.as_deref())?;
    let ask = Ask { amount, reason: input.reason, self_serve: input.self_serve };
    let rules = rules(input.policy, input.document)?;
    write(&client::check_live(transport, &connection, &payment, &ask, &rules)?)
}

fn describe_policy(input: &str) -> Result<String, InvokeError> {
    let input: DescribePolicy = read(input)?;
    write(&Rulebook::new(input.document)?.describe())
}
