//! The operations on refunds.

use serde::Deserialize;

use super::failure::InvokeError;
use super::inputs::{amount, connect, failed, rules};
use super::operation::{Operation, operations};
use super::text::{read, write};
use crate::client::{self, Connection, ConnectionInput, CreateRequest, ListFilter, Transport};
use crate::eligibility::Policy;
use crate::id::{OperationId, PaymentRef};
use crate::metadata::Metadata;
use crate::model::Reason;
use crate::policy::Document;
use crate::problem::{FieldProblem, Problems};

pub(super) const OPERATIONS: &[Operation] = operations![
    "refunds.create": MovesMoney(create), Create => client::Created;
    REFUND, "Create a refund",
    "Refunds a charge or PaymentIntent, in part or whole. Checks the rules against fresh facts first. One operation id makes at most one refund, however often it is called.";

    "refunds.preview": Reads(preview), Preview => client::Previewed;
    CHECK, "Preview a refund",
    "Says what `refunds.create` would do with this input now: the refund that exists, or what would be refunded and why. Fails as `refunds.create` would. Changes nothing.";

    "refunds.retrieve": Reads(retrieve), OneRefund => crate::model::Refund;
    REFUND, "Get a refund",
    "Reads one refund.";

    "refunds.list": Reads(list), List => client::RefundPage;
    REFUND, "List refunds",
    "Reads a page of refunds, newest first.";

    "refunds.update-metadata": Writes(update_metadata), UpdateMetadata => crate::model::Refund;
    REFUND, "Update a refund's metadata",
    "Sets metadata keys of a refund; an empty value removes a key.";

    "refunds.cancel": Writes(cancel), OneRefund => crate::model::Refund;
    REFUND, "Cancel a refund",
    "Cancels a refund that waits for the customer; Stripe refuses all others.";

    "refunds.balance": Reads(balance), OnlyConnection => crate::model::Balance;
    CHECK, "Read the balance",
    "Reads what can be paid out now, by currency; refunds above it wait as pending.";
];

/// `refunds.create`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Create {
    /// Which Stripe to talk to.
    #[serde(default)]
    pub(super) connection: ConnectionInput,
    /// Your own name for this refund, 1 to 200 characters. One id makes at most one refund.
    operation_id: String,
    /// The charge (`ch_…`) or PaymentIntent (`pi_…`) to refund.
    payment: String,
    /// In the smallest unit of the currency; everything that is left when no amount is given.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    amount: Option<u64>,
    /// The same as a decimal of the currency, for example `25.00`; give one of the two.
    #[serde(default, deserialize_with = "crate::optional::amount")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    amount_decimal: Option<String>,
    /// The charge's currency, for example `usd`; needed beside an amount, and refused without one.
    #[serde(default, deserialize_with = "crate::optional::currency")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    currency: Option<String>,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    #[serde(default)]
    reason: Option<Reason>,
    /// Your own keys, at most 49.
    #[serde(default)]
    metadata: Metadata,
    /// Connect: give the application fee back in proportion.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    refund_application_fee: Option<bool>,
    /// Connect: take the money back from the connected account in proportion.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    reverse_transfer: Option<bool>,
    /// Where to send instructions, for methods without native refunds.
    #[serde(default)]
    instructions_email: Option<String>,
    /// Your rules.
    #[serde(default)]
    pub(super) policy: Policy,
    /// Or a policy document; nothing may stand in `policy` then.
    #[serde(default, deserialize_with = "crate::optional::value")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    pub(super) document: Option<Document>,
    /// The customer asks, and nobody of yours looked at it; only a document takes notice.
    #[serde(default)]
    self_serve: bool,
    /// The `request_hash` of an earlier answer that asked for approval.
    #[serde(default)]
    approval: Option<String>,
}

/// `refunds.preview`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Preview {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The input of `refunds.create`, without its connection.
    request: Create,
    /// Refunds of the same payment that are assumed to be made before this one, in the smallest unit.
    #[serde(default)]
    earlier_refunds: Vec<u64>,
}

/// `refunds.retrieve` and `refunds.cancel`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct OneRefund {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The refund, `re_…`.
    refund: String,
}

/// `refunds.list`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct List {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// Only those of this charge or PaymentIntent.
    #[serde(default, deserialize_with = "crate::optional::filter")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    payment: Option<String>,
    /// Created at or after, Unix seconds.
    #[serde(default, deserialize_with = "crate::optional::filter")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    created_from: Option<u64>,
    /// Created at or before, Unix seconds.
    #[serde(default, deserialize_with = "crate::optional::filter")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    created_to: Option<u64>,
    /// Page size, 1 to 100; 10 when absent.
    #[serde(default)]
    limit: Option<u8>,
    /// The `next` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

/// `refunds.update-metadata`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct UpdateMetadata {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The refund, `re_…`.
    refund: String,
    /// Keys to set; an empty value removes a key.
    metadata: Metadata,
}

/// `refunds.balance`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct OnlyConnection {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
}

fn create(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let (connection, request) = create_request(read(input)?)?;
    write(&client::create(transport, &connection, &request)?)
}

fn preview(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let Preview { connection, request, earlier_refunds } = read(input)?;
    if request.connection.is_given() {
        let fix = "give it beside `request`, as every operation has it";
        return Err(FieldProblem::new("request.connection", "", "is not read", fix).into());
    }
    let (connection, request) = create_request(Create { connection, ..request })?;
    write(&client::preview(transport, &connection, &request, &earlier_refunds)?)
}

pub(super) fn create_request(input: Create) -> Result<(Connection, CreateRequest), InvokeError> {
    let mut problems = Problems::default();
    let connection = problems.keep_all(connect(input.connection));
    let operation_id = problems.keep(OperationId::parse(&input.operation_id));
    let payment = problems.keep(PaymentRef::parse(&input.payment));
    let amount = problems.keep(amount(
        input.amount,
        input.amount_decimal.as_deref(),
        input.currency.as_deref(),
    ));
    let rules = problems.keep_all(rules(input.policy, input.document));
    let (Some(connection), Some(operation_id), Some(payment), Some(amount), Some(rules)) =
        (connection, operation_id, payment, amount, rules)
    else {
        return Err(failed(problems));
    };
    let request = CreateRequest {
        operation_id,
        payment,
        amount,
        reason: input.reason,
        metadata: input.metadata,
        refund_application_fee: input.refund_application_fee,
        reverse_transfer: input.reverse_transfer,
        instructions_email: input.instructions_email,
        rules,
        self_serve: input.self_serve,
        approval: input.approval,
    };
    Ok((connection, request))
}

fn retrieve(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: OneRefund = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::retrieve(transport, &connection, &input.refund)?)
}

fn list(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: List = read(input)?;
    let filter = ListFilter {
        payment: input.payment.as_deref().map(PaymentRef::parse).transpose()?,
        created_from: input.created_from,
        created_to: input.created_to,
        limit: input.limit,
        cursor: input.cursor,
    };
    let connection = connect(input.connection)?;
    write(&client::list(transport, &connection, &filter)?)
}

fn update_metadata(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: UpdateMetadata = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::update_metadata(transport, &connection, &input.refund, &input.metadata)?)
}

fn cancel(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: OneRefund = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::cancel(transport, &connection, &input.refund)?)
}

fn balance(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: OnlyConnection = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::balance(transport, &connection)?)
}
