//! What a prorated refund needs of Stripe: a billed period with its price, payments and credits. Changes
//! nothing.
//!
//! An invoice takes two requests when one payment paid it: the invoice, and the payment with its charge and
//! refunds. Each further payment takes one more; credit notes take one where there are any; so does a list
//! that does not fit into the invoice or a credit note. A subscription takes one.

use serde::Serialize;

use super::call::call;
use super::connection::Connection;
use super::error::{CallError, TransportKind};
use super::facts::{Known, charged};
use super::pages::all;
use super::transport::Transport;
use crate::billing::{
    Billed, InvoiceFacts, LineRef, Notes, Payments, SubscriptionPeriod, Tally, check_paid,
};
use crate::credits::Span;
use crate::id::{InvoiceId, ItemId, OperationId, SubscriptionId};
use crate::model::{
    CreditNote, CreditNoteLine, Invoice, InvoiceLine, InvoicePayment, Page, Subscription,
};
use crate::problem::{FieldProblem, Problems};
use crate::wire::RefusalKind;
use crate::wire::requests::billing as requests;

/// Which part of which invoice.
#[derive(Clone, Debug, Default, Serialize)]
pub struct InvoiceRequest {
    /// The invoice, `in_…`.
    pub invoice: String,
    /// The line, `il_…`, or the subscription item that it bills, `si_…`; needed where the invoice bills several
    /// periods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Only a line for exactly this period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Span>,
    /// Refunds that this operation made of the payments, each with the operation id `<operation_id>-<charge id>`,
    /// are listed in `made` and not counted in `refunded`.
    pub operation_id: Option<String>,
}

/// Reads what was paid for a period, by which payments, and what was given back of it.
pub fn read_invoice(
    transport: &mut dyn Transport,
    connection: &Connection,
    request: &InvoiceRequest,
) -> Result<InvoiceFacts, CallError> {
    let asked = Asked::of(request)?;
    let mut invoice: Invoice = call(transport, connection, &requests::invoice(&asked.invoice))?;
    check_paid(&invoice)?;
    let lines = lines(transport, connection, &mut invoice)?;
    let billed = Billed::find(&invoice, &lines, asked.line.as_ref(), asked.period)?;
    let payments = payments(transport, connection, &mut invoice)?;
    let payments = Payments::of(&invoice, payments)?;
    let notes = Notes::new(credit_notes(transport, connection, &invoice)?, &billed.lines);
    let mut tally = Tally::new(&invoice, billed, notes, asked.operation.as_ref());
    tally.add_elsewhere(payments.elsewhere);
    // The charges come last: the later they are read, the more refunds are seen.
    for paid in payments.through {
        match charged(transport, connection, &paid.payment)? {
            Known::Charged(facts) => tally.add(paid, *facts)?,
            Known::Unpaid(_) => tally.add_elsewhere(paid.amount),
        }
    }
    Ok(tally.finish()?)
}

/// Reads the period of a subscription: periods are those of its items.
pub fn read_subscription(
    transport: &mut dyn Transport,
    connection: &Connection,
    subscription: &str,
    item: Option<&str>,
) -> Result<SubscriptionPeriod, CallError> {
    let mut problems = Problems::default();
    let id = problems.keep(SubscriptionId::parse(subscription));
    let item = item.and_then(|item| problems.keep(ItemId::parse(item)));
    problems.into_result()?;
    // The id is there: otherwise its problem was returned above.
    let id = id.ok_or_else(|| FieldProblem::missing("subscription", "give a subscription id"))?;
    let found: Subscription = call(transport, connection, &requests::subscription(&id))?;
    Ok(SubscriptionPeriod::find(found, item.as_ref())?)
}

/// A request, checked.
struct Asked {
    invoice: InvoiceId,
    line: Option<LineRef>,
    period: Option<Span>,
    operation: Option<OperationId>,
}

impl Asked {
    fn of(request: &InvoiceRequest) -> Result<Self, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let invoice = problems.keep(InvoiceId::parse(&request.invoice));
        let line = request.line.as_deref().and_then(|line| problems.keep(LineRef::parse(line)));
        let operation = request.operation_id.as_deref();
        let operation = operation.and_then(|id| problems.keep(OperationId::parse(id)));
        if let Some(period) = request.period {
            problems.keep_all(period.check("period"));
        }
        problems.into_result()?;
        // The id is there: otherwise its problem was returned above.
        let invoice = invoice.ok_or_else(Vec::new)?;
        Ok(Self { invoice, line, period: request.period, operation })
    }
}

fn lines(
    transport: &mut dyn Transport,
    connection: &Connection,
    invoice: &mut Invoice,
) -> Result<Vec<InvoiceLine>, CallError> {
    if let Some(Page { data, has_more: false }) = invoice.lines.take() {
        return Ok(data);
    }
    let id = &invoice.id;
    all(transport, connection, id.as_str(), |after| requests::lines_of(id, after))
}

fn payments(
    transport: &mut dyn Transport,
    connection: &Connection,
    invoice: &mut Invoice,
) -> Result<Vec<InvoicePayment>, CallError> {
    if let Some(Page { data, has_more: false }) = invoice.payments.take() {
        return Ok(data);
    }
    let id = &invoice.id;
    all(transport, connection, id.as_str(), |after| requests::payments_of(id, after))
}

fn credit_notes(
    transport: &mut dyn Transport,
    connection: &Connection,
    invoice: &Invoice,
) -> Result<Vec<CreditNote>, CallError> {
    if invoice.has_no_credit_notes() {
        return Ok(Vec::new());
    }
    let id = &invoice.id;
    let read = |after: Option<&str>| requests::credit_notes_of(id, after);
    let mut notes: Vec<CreditNote> = all(transport, connection, id.as_str(), read)?;
    for note in notes.iter_mut().filter(|note| !note.is_void() && note.all_lines().is_none()) {
        note.lines = note_lines(transport, connection, &note.id)?;
    }
    Ok(notes)
}

/// The lines of a credit note that do not fit into it; none where Stripe has no such list, or a list that is too
/// long. The note then counts in full for whatever is asked about.
fn note_lines(
    transport: &mut dyn Transport,
    connection: &Connection,
    note: &str,
) -> Result<Option<Page<CreditNoteLine>>, CallError> {
    let lines = all(transport, connection, note, |after| requests::note_lines_of(note, after));
    match lines {
        Ok(data) => Ok(Some(Page { data, has_more: false })),
        Err(CallError::Refused(refusal)) if refusal.kind == RefusalKind::NotFound => Ok(None),
        Err(CallError::Transport(failure)) if failure.kind == TransportKind::TooLarge => Ok(None),
        Err(error) => Err(error),
    }
}
