//! Stripe's endpoints.

mod call;
mod charges;
mod disputes;
mod evidence;
mod files;
mod invoices;
mod metadata;
mod payment_intents;
mod proration;
pub(crate) mod refunds;
mod subscriptions;
mod webhook_endpoints;

use serde_json::{Value, json};

pub(crate) use self::call::Call;
use crate::bank;
use crate::error::{ApiError, ApiResult};
use crate::world::World;

/// Carries out a call whose parameters are checked.
pub(crate) fn run(method: &str, path: &str, call: &mut Call<'_>) -> ApiResult {
    let segments: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
    let read = |call: &Call<'_>, kind: &str, id: &str| call.world.get(kind, id, call.live, "id");
    match (method, segments.as_slice()) {
        ("POST", ["refunds"]) => refunds::create(call),
        ("POST", ["refunds", id]) => refunds::update(call, id),
        ("POST", ["refunds", id, "cancel"]) => refunds::cancel(call, id),
        ("GET", ["refunds", id]) => read(call, "refund", id),
        ("GET", ["refunds"]) => call.page("refund", &["charge", "payment_intent"], "/v1/refunds"),
        ("POST", ["charges", id, "capture"]) => charges::capture(call, id),
        ("GET", ["charges", id]) => read(call, "charge", id),
        ("GET", ["charges"]) => {
            call.page("charge", &["customer", "payment_intent", "transfer_group"], "/v1/charges")
        }
        ("POST", ["payment_intents", id, "cancel"]) => payment_intents::cancel(call, id),
        ("GET", ["payment_intents", id]) => read(call, "payment_intent", id),
        ("GET", ["payment_intents"]) => {
            call.page("payment_intent", &["customer"], "/v1/payment_intents")
        }
        ("POST", ["disputes", id]) => disputes::update(call, id),
        ("POST", ["disputes", id, "close"]) => disputes::close(call, id),
        ("GET", ["disputes", id]) => {
            bank::lapse(call.world);
            read(call, "dispute", id)
        }
        ("GET", ["disputes"]) => {
            bank::lapse(call.world);
            call.page("dispute", &["charge", "payment_intent"], "/v1/disputes")
        }
        ("POST", ["files"]) => files::create(call),
        ("GET", ["files", id]) => read(call, "file", id),
        ("GET", ["files"]) => call.page("file", &["purpose"], "/v1/files"),
        ("GET", ["invoices", id, "lines"]) => invoices::lines(call, id),
        ("GET", ["invoices", id]) => read(call, "invoice", id),
        ("GET", ["invoices"]) => invoices::list(call),
        ("GET", ["invoice_payments", id]) => read(call, "invoice_payment", id),
        ("GET", ["invoice_payments"]) => invoices::payments(call),
        ("GET", ["invoiceitems", id]) => read(call, "invoiceitem", id),
        ("GET", ["invoiceitems"]) => invoices::items(call),
        ("GET", ["credit_notes", id]) => read(call, "credit_note", id),
        ("GET", ["credit_notes"]) => {
            call.page("credit_note", &["customer", "invoice"], "/v1/credit_notes")
        }
        ("GET", ["prices", id]) => read(call, "price", id),
        ("POST", ["subscriptions", id]) => subscriptions::update(call, id),
        ("DELETE", ["subscriptions", id]) => subscriptions::cancel(call, id),
        ("GET", ["subscriptions", id]) => subscriptions::retrieve(call, id),
        ("GET", ["subscriptions"]) => subscriptions::list(call),
        ("GET", ["balance"]) => Ok(balance(call)),
        ("GET", ["balance_transactions", id]) => read(call, "balance_transaction", id),
        ("GET", ["balance_transactions"]) => call.page(
            "balance_transaction",
            &["currency", "source", "type"],
            "/v1/balance_transactions",
        ),
        ("GET", ["events", id]) => read(call, "event", id),
        ("GET", ["events"]) => call.page("event", &["type"], "/v1/events"),
        ("GET", ["customers", id]) => read(call, "customer", id),
        ("POST", ["webhook_endpoints"]) => Ok(webhook_endpoints::create(call)),
        ("DELETE", ["webhook_endpoints", id]) => webhook_endpoints::delete(call, id),
        ("GET", ["webhook_endpoints", id]) => read(call, "webhook_endpoint", id),
        ("GET", ["webhook_endpoints"]) => {
            call.page("webhook_endpoint", &[], "/v1/webhook_endpoints")
        }
        _ => Err(unrecognized(method, path)),
    }
}

/// The answer to a path that Stripe, or this simulator, does not have.
pub(crate) fn unrecognized(method: &str, path: &str) -> ApiError {
    ApiError::with_status(
        404,
        format!(
            "Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. (The simulator knows refunds, charges, payment_intents, disputes, files, invoices, invoice_payments, invoiceitems, credit_notes, prices, subscriptions, balance, balance_transactions, events, customers and webhook_endpoints.)"
        ),
    )
}

/// Moves the clock on, and lets happen what was to happen by then.
pub(crate) fn advance(world: &mut World, seconds: u64) {
    world.advance(seconds);
    bank::lapse(world);
    subscriptions::lapse(world);
}

fn balance(call: &mut Call<'_>) -> Value {
    call.world.available("usd");
    let mut currencies: Vec<_> = call.world.balance.clone().into_iter().collect();
    currencies.sort();
    let entries = |pick: fn(i64) -> i64| -> Vec<Value> {
        let entry = |(currency, amount): &(String, i64)| json!({ "amount": pick(*amount), "currency": currency, "source_types": { "card": pick(*amount) } });
        currencies.iter().map(entry).collect()
    };
    json!({ "object": "balance", "livemode": call.live, "available": entries(|amount| amount), "pending": entries(|_| 0) })
}
