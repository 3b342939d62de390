//! The requests about invoices and subscriptions (reference 2.6 and 2.7). All of them read.

use super::{FULL_PAGE, Form, Request};
use crate::id::{InvoiceId, SubscriptionId};

/// Reads an invoice with the first of its lines and payments.
pub fn invoice(id: &InvoiceId) -> Request {
    Request::get(&format!("/v1/invoices/{id}"), &Form::new().with_list("expand", ["payments"]))
}

/// Reads a full page of an invoice's lines.
pub fn lines_of(invoice: &InvoiceId, after: Option<&str>) -> Request {
    Request::get(&format!("/v1/invoices/{invoice}/lines"), &page(Form::new(), after))
}

/// Reads a full page of an invoice's payments, as far as they were paid.
pub fn payments_of(invoice: &InvoiceId, after: Option<&str>) -> Request {
    let form = Form::new().with("invoice", invoice).with("status", "paid");
    Request::get("/v1/invoice_payments", &page(form, after))
}

/// Reads a full page of the credit notes against an invoice.
pub fn credit_notes_of(invoice: &InvoiceId, after: Option<&str>) -> Request {
    Request::get("/v1/credit_notes", &page(Form::new().with("invoice", invoice), after))
}

/// Reads a full page of a credit note's lines.
pub fn note_lines_of(note: &str, after: Option<&str>) -> Request {
    Request::get(&format!("/v1/credit_notes/{note}/lines"), &page(Form::new(), after))
}

/// Reads a subscription with its items.
pub fn subscription(id: &SubscriptionId) -> Request {
    Request::get(&format!("/v1/subscriptions/{id}"), &Form::new())
}

fn page(form: Form, after: Option<&str>) -> Form {
    form.with("limit", FULL_PAGE).with_some("starting_after", after)
}
