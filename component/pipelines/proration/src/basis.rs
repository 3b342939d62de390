//! What is prorated: given, or read from Stripe.

use pipeline_shared::node::Node;
use refund_core::billing::{InvoiceFacts, check_begun};
use refund_core::client::{CallError, InvoiceRequest};
use refund_core::credits::{PaymentShare, Price, Span};
use refund_core::dispatch::InvokeError;
use refund_core::id::OperationId;
use refund_core::problem::{FieldProblem, Problems};

use crate::Input;

const WAYS: &str = "give an invoice, or a subscription, or price, period and payments";

/// Price, period and payments.
#[derive(Debug)]
pub(crate) struct Basis {
    pub(crate) price: Price,
    pub(crate) period: Span,
    pub(crate) payments: Vec<PaymentShare>,
    /// Where it was read.
    pub(crate) read: Option<InvoiceFacts>,
}

/// One of three ways to name it.
#[derive(Debug)]
pub(crate) enum Source {
    Given(Basis),
    Invoice { invoice: String, line: Option<String> },
    Subscription { subscription: String, item: Option<String> },
}

impl Source {
    /// Exactly one way, and all of it.
    pub(crate) fn of(input: &mut Input) -> Result<Self, Vec<FieldProblem>> {
        check_one_way(input)?;
        let absent = |field| FieldProblem::missing(field, WAYS);
        if input.invoice.is_some() || input.line.is_some() {
            let invoice = input.invoice.take().ok_or_else(|| vec![absent("invoice")])?;
            return Ok(Self::Invoice { invoice, line: input.line.take() });
        }
        if input.subscription.is_some() || input.item.is_some() {
            let subscription = input.subscription.take();
            let subscription = subscription.ok_or_else(|| vec![absent("subscription")])?;
            return Ok(Self::Subscription { subscription, item: input.item.take() });
        }
        let mut problems = Problems::default();
        let price = problems.keep(input.price.take().ok_or_else(|| absent("price")));
        let period = problems.keep(input.period.ok_or_else(|| absent("period")));
        let payments = problems.keep(input.payments.take().ok_or_else(|| absent("payments")));
        let (Some(price), Some(period), Some(payments)) = (price, period, payments) else {
            return Err(problems.into_result().err().unwrap_or_default());
        };
        Ok(Self::Given(Basis { price, period, payments, read: None }))
    }

    /// Reads it, unless it was given. What `operation` refunded is not counted.
    pub(crate) fn resolve(
        self,
        node: &mut impl Node,
        operation: &OperationId,
        ends: u64,
    ) -> Result<Basis, InvokeError> {
        let operation_id = Some(operation.to_string());
        let facts = match self {
            Self::Given(basis) => return Ok(basis),
            Self::Invoice { invoice, line } => {
                node.read_invoice(&InvoiceRequest { invoice, line, period: None, operation_id })?
            }
            Self::Subscription { subscription, item } => {
                let found = node.read_subscription(&subscription, item.as_deref())?;
                check_begun(ends, found.period)?;
                let invoice = found.latest_invoice.ok_or_else(|| {
                    let fix = "give the invoice of the period, or price, period and payments";
                    FieldProblem::new("subscription", &subscription, "has no invoice", fix)
                })?;
                let request = InvoiceRequest {
                    invoice: invoice.to_string(),
                    line: found.item.map(|item| item.to_string()),
                    period: Some(found.period),
                    operation_id,
                };
                node.read_invoice(&request).map_err(as_item)?
            }
        };
        Ok(Basis {
            price: Price { amount: facts.price.amount, currency: facts.price.currency.to_string() },
            period: facts.period,
            payments: facts.payments.clone(),
            read: Some(facts),
        })
    }
}

/// Fields of two ways are never meant together: each of the second is named.
fn check_one_way(input: &Input) -> Result<(), Vec<FieldProblem>> {
    let ways = [
        vec![("invoice", input.invoice.is_some()), ("line", input.line.is_some())],
        vec![("subscription", input.subscription.is_some()), ("item", input.item.is_some())],
        vec![
            ("price", input.price.is_some()),
            ("period", input.period.is_some()),
            ("payments", input.payments.is_some()),
        ],
    ];
    let given = ways.map(|way| {
        let given = way.into_iter().filter(|(_, given)| *given);
        given.map(|(name, _)| name).collect::<Vec<_>>()
    });
    let mut given = given.iter().filter(|way| !way.is_empty());
    let Some(first) = given.next() else {
        return Err(vec![FieldProblem::missing("invoice", WAYS)]);
    };
    let beside = format!("is given beside {}", first.join(" and "));
    let second = given.flatten().map(|field| FieldProblem::new(*field, "", &beside, WAYS));
    let mut problems = Problems::default();
    second.for_each(|problem| problems.push(problem));
    problems.into_result()
}

/// The line of a subscription's invoice is named by the item.
fn as_item(error: CallError) -> CallError {
    let named = |problem: FieldProblem| {
        if problem.field == "line" { problem.at("item") } else { problem }
    };
    match error {
        CallError::Invalid { problems } => {
            problems.into_iter().map(named).collect::<Vec<_>>().into()
        }
        other => other,
    }
}
