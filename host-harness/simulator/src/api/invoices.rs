//! Invoices, their lines and their payments.

use serde_json::Value;

use super::call::Call;
use crate::error::ApiResult;
use crate::list::page;

/// `GET /v1/invoices`
pub(super) fn list(call: &Call<'_>) -> ApiResult {
    call.knows(&["customer", "subscription", "status", "collection_method", "created"])?;
    let subscription = call.text("subscription");
    let of = |invoice: &Value| {
        let parent = &invoice["parent"]["subscription_details"]["subscription"];
        subscription.as_ref().is_none_or(|wanted| *parent == **wanted)
    };
    call.page_of("invoice", &["customer", "status", "collection_method"], "/v1/invoices", of)
}

/// `GET /v1/invoices/{id}/lines`, in the order of the invoice.
pub(super) fn lines(call: &Call<'_>, id: &str) -> ApiResult {
    call.world.get("invoice", id, call.live, "invoice")?;
    let lines = call.world.store.owned("line_item", "invoice", id);
    page(lines.into_iter().rev(), &call.params, &[], &format!("/v1/invoices/{id}/lines"))
}

/// `GET /v1/invoice_payments`
pub(super) fn payments(call: &Call<'_>) -> ApiResult {
    let wanted = call.params.get("payment");
    let intent = wanted.map(|payment| payment["payment_intent"].clone());
    let kind = wanted.map(|payment| payment["type"].clone());
    let of = |payment: &Value| {
        let payment = &payment["payment"];
        kind.as_ref().is_none_or(|kind| payment["type"] == *kind)
            && intent.as_ref().is_none_or(|id| id.is_null() || payment["payment_intent"] == *id)
    };
    call.page_of("invoice_payment", &["invoice", "status"], "/v1/invoice_payments", of)
}

/// `GET /v1/invoiceitems`
pub(super) fn items(call: &Call<'_>) -> ApiResult {
    call.knows(&["customer", "invoice", "pending", "created"])?;
    let pending = call.params.get("pending").and_then(Value::as_bool);
    let of = |item: &Value| pending.is_none_or(|pending| item["invoice"].is_null() == pending);
    call.page_of("invoiceitem", &["customer", "invoice"], "/v1/invoiceitems", of)
}
