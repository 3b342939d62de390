//! Invoices: lines first, then the money that came in for them.

use serde_json::{Value, json};

use super::{customer_or_new, text};
use crate::billing::{NewInvoice, NewLine, NewPayment};
use crate::world::{World, object};

/// Lines that an invoice carries; the rest is read from its `/lines`.
const LINES_INSIDE: usize = 10;

/// What an invoice is before anything is paid.
pub(crate) struct Draft<'a> {
    pub(crate) id: String,
    pub(crate) created: u64,
    pub(crate) currency: String,
    pub(crate) customer: String,
    pub(crate) livemode: bool,
    pub(crate) subscription: Option<&'a Value>,
    pub(crate) billing_reason: &'static str,
    pub(crate) lines: Vec<Value>,
}

/// Makes an invoice, or says which field of the order is wrong.
pub(crate) fn invoice(world: &mut World, order: &NewInvoice) -> Result<Value, String> {
    let subscription = match &order.subscription {
        Some(id) => {
            let found = world.find_any(id).filter(|found| found["object"] == "subscription");
            Some(found.ok_or("`subscription`: there is no such subscription")?)
        }
        None => None,
    };
    let subscription = subscription.as_ref();
    let livemode = subscription.map_or(order.livemode, |of| of["livemode"] == true);
    let named = order.customer.clone().or_else(|| subscription.map(|of| text(&of["customer"])));
    let mut draft = Draft {
        id: world.id("in"),
        created: world.now().saturating_sub(order.age),
        currency: subscription.map_or_else(|| order.currency.clone(), |of| text(&of["currency"])),
        customer: customer_or_new(world, named.as_deref(), livemode),
        livemode,
        subscription,
        billing_reason: if subscription.is_some() { "subscription_cycle" } else { "manual" },
        lines: Vec::new(),
    };
    let lines = if order.lines.is_empty() { lines_of(subscription) } else { order.lines.clone() };
    if lines.is_empty() {
        return Err("`lines`: an invoice without a subscription needs a line".to_owned());
    }
    for (n, wanted) in lines.iter().enumerate() {
        let line = draft.line(world, wanted).map_err(|why| format!("`lines[{n}]`: {why}"))?;
        draft.lines.push(line);
    }
    let total = draft.total();
    let payments = order.payments.clone().unwrap_or_else(|| match total {
        1.. => vec![NewPayment::default()],
        _ => Vec::new(),
    });
    let mut paid = 0;
    let mut made = Vec::new();
    for (n, wanted) in payments.iter().enumerate() {
        let payment = draft
            .payment(world, wanted, total - paid, n == 0)
            .map_err(|why| format!("`payments[{n}]`: {why}"))?;
        paid += payment["amount_paid"].as_i64().unwrap_or_default();
        made.push(payment);
    }
    Ok(draft.issue(world, order.status.as_deref(), paid, &json!(order.metadata), made))
}

/// One line for every item, for its whole period.
fn lines_of(subscription: Option<&Value>) -> Vec<NewLine> {
    let items = subscription.and_then(|of| of["items"]["data"].as_array());
    let line = |item: &Value| {
        let quantity = item["quantity"].as_u64().unwrap_or(1);
        let price = item["price"]["unit_amount"].as_i64().unwrap_or_default();
        NewLine {
            amount: price.saturating_mul(i64::try_from(quantity).unwrap_or(i64::MAX)),
            quantity,
            period_start: item["current_period_start"].as_u64(),
            period_end: item["current_period_end"].as_u64(),
            subscription_item: item["id"].as_str().map(str::to_owned),
            ..NewLine::default()
        }
    };
    items.into_iter().flatten().map(line).collect()
}

fn sum(lines: &[Value], share: impl Fn(&Value) -> i64) -> i64 {
    lines.iter().map(share).sum()
}

fn of_first(line: &Value, list: &str) -> i64 {
    line[list][0]["amount"].as_i64().unwrap_or_default()
}

impl Draft<'_> {
    /// A line of this invoice.
    pub(crate) fn line(&self, world: &mut World, wanted: &NewLine) -> Result<Value, String> {
        let start = wanted.period_start.unwrap_or(self.created);
        let end = wanted.period_end.unwrap_or(start);
        if end < start {
            return Err(format!("`period_end` {end} is before `period_start` {start}"));
        }
        let item = wanted.subscription_item.as_deref().map(|id| self.item(id)).transpose()?;
        let subscription = self.subscription.map(|of| of["id"].clone()).unwrap_or_default();
        let parent = if let Some(item) = item {
            json!({
                "type": "subscription_item_details", "invoice_item_details": null,
                "subscription_item_details": {
                    "invoice_item": null, "proration": wanted.proration, "subscription": subscription,
                    "subscription_item": item["id"], "proration_details": { "credited_items": null },
                },
            })
        } else {
            json!({
                "type": "invoice_item_details", "subscription_item_details": null,
                "invoice_item_details": {
                    "invoice_item": world.id("ii"), "proration": wanted.proration,
                    "subscription": subscription, "proration_details": { "credited_items": null },
                },
            })
        };
        let pricing = item.map(|item| {
            let price = &item["price"];
            json!({
                "type": "price_details", "unit_amount_decimal": price["unit_amount_decimal"],
                "price_details": { "price": price["id"], "product": price["product"] },
            })
        });
        Ok(object(
            "line_item",
            json!({
                "id": world.id("il"), "invoice": self.id, "subscription": subscription, "parent": parent,
                "amount": wanted.amount, "subtotal": wanted.amount, "currency": self.currency,
                "quantity": wanted.quantity, "quantity_decimal": wanted.quantity.to_string(),
                "period": { "start": start, "end": end }, "description": wanted.description,
                "livemode": self.livemode, "pricing": pricing, "discountable": !wanted.proration,
                "discount_amounts": discounts(wanted), "taxes": taxes(wanted),
            }),
        ))
    }

    fn item(&self, id: &str) -> Result<&Value, String> {
        let items = self.subscription.and_then(|of| of["items"]["data"].as_array());
        let found = items.into_iter().flatten().find(|item| item["id"] == id);
        found.ok_or_else(|| format!("`subscription_item`: {id} is not in the subscription"))
    }

    pub(crate) fn total(&self) -> i64 {
        sum(&self.lines, |line| {
            line["amount"].as_i64().unwrap_or_default() - of_first(line, "discount_amounts")
                + of_first(line, "taxes")
        })
    }

    /// The invoice itself: everything is known by now.
    pub(crate) fn issue(
        self,
        world: &mut World,
        status: Option<&str>,
        paid: i64,
        metadata: &Value,
        payments: Vec<Value>,
    ) -> Value {
        let total = self.total();
        let due = total.max(0);
        let subtotal = sum(&self.lines, |line| line["amount"].as_i64().unwrap_or_default());
        let tax = sum(&self.lines, |line| of_first(line, "taxes"));
        let status = status.unwrap_or(if paid >= due { "paid" } else { "open" });
        let parent = self.subscription.map(|of| {
            json!({
                "type": "subscription_details", "quote_details": null,
                "subscription_details": { "subscription": of["id"], "metadata": of["metadata"] },
            })
        });
        let number = world.all("invoice").count() + 1;
        let finalized = (status != "draft").then_some(self.created);
        let at = |wanted: &str| (status == wanted).then_some(self.created);
        let all = |list: &str| -> Vec<&Value> {
            self.lines.iter().filter_map(|line| line[list].as_array()).flatten().collect()
        };
        let inside: Vec<_> = self.lines.iter().take(LINES_INSIDE).collect();
        let invoice = object(
            "invoice",
            json!({
                "id": self.id, "number": format!("SIM-{number:04}"), "created": self.created,
                "currency": self.currency, "customer": self.customer, "livemode": self.livemode,
                "billing_reason": self.billing_reason, "parent": parent, "metadata": metadata,
                // Not the period that the lines are for: what proration needs is in the lines.
                "period_start": self.created, "period_end": self.created,
                "subtotal": subtotal, "subtotal_excluding_tax": subtotal, "total": total,
                "total_taxes": all("taxes"), "total_discount_amounts": all("discount_amounts"),
                "total_excluding_tax": total - tax, "amount_due": due, "amount_paid": paid,
                "amount_remaining": (due - paid).max(0), "amount_overpaid": (paid - due).max(0),
                "ending_balance": total.min(0), "effective_at": finalized, "status": status,
                "status_transitions": {
                    "finalized_at": finalized, "paid_at": at("paid"), "voided_at": at("void"),
                    "marked_uncollectible_at": at("uncollectible"),
                },
                "lines": {
                    "object": "list", "data": inside, "has_more": self.lines.len() > LINES_INSIDE,
                    "url": format!("/v1/invoices/{}/lines", self.id),
                },
            }),
        );
        world.add("invoice", invoice.clone());
        for line in self.lines {
            world.add("line_item", line);
        }
        for payment in payments {
            world.add("invoice_payment", payment.clone());
            if payment["status"] == "paid" {
                world.emit("invoice_payment.paid", &payment, None);
            }
        }
        if status == "paid" {
            world.emit("invoice.paid", &invoice, None);
        }
        if let Some(subscription) = self.subscription {
            world.change(&text(&subscription["id"]), &json!({ "latest_invoice": self.id }));
        }
        invoice
    }
}

fn discounts(wanted: &NewLine) -> Value {
    match wanted.discount {
        0 => json!([]),
        amount => json!([{ "amount": amount, "discount": "di_simulator" }]),
    }
}

fn taxes(wanted: &NewLine) -> Value {
    match wanted.tax {
        0 => json!([]),
        amount => json!([{
            "amount": amount, "tax_behavior": "exclusive", "type": "tax_rate_details",
            "tax_rate_details": { "tax_rate": "txr_simulator" },
            "taxability_reason": "standard_rated",
            "taxable_amount": wanted.amount - wanted.discount,
        }]),
    }
}
