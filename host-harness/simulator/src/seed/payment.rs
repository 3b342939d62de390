//! Payments of invoices: each by a charge of its own, as partial payments are.

use serde_json::{Value, json};

use super::Draft;
use crate::billing::NewPayment;
use crate::world::{NewCharge, World, object};

impl Draft<'_> {
    /// A payment for this invoice, `owed` being left to pay.
    pub(super) fn payment(
        &self,
        world: &mut World,
        wanted: &NewPayment,
        owed: i64,
        is_default: bool,
    ) -> Result<Value, String> {
        if !["paid", "open", "canceled"].contains(&wanted.status.as_str()) {
            return Err(format!("`status` is `{}`, not paid, open or canceled", wanted.status));
        }
        let charge = self.charge(world, wanted, owed)?;
        let paid = wanted.status == "paid";
        let amount = wanted.amount.map_or(charge["amount"].clone(), |amount| json!(amount));
        let payment = match charge["payment_intent"].as_str() {
            Some(intent) => json!({ "type": "payment_intent", "payment_intent": intent }),
            None => json!({ "type": "charge", "charge": charge["id"] }),
        };
        if wanted.status == "canceled"
            && let Some(intent) = charge["payment_intent"].as_str()
        {
            let fields = json!({ "status": "canceled", "canceled_at": self.created });
            world.change(intent, &fields);
        }
        let at = |status: &str| (wanted.status == status).then_some(self.created);
        Ok(object(
            "invoice_payment",
            json!({
                "id": world.id("inpay"), "invoice": self.id, "currency": self.currency,
                "amount_requested": amount, "amount_paid": paid.then_some(amount.clone()),
                "created": self.created, "is_default": is_default, "livemode": self.livemode,
                "payment": payment, "status": wanted.status,
                "status_transitions": { "paid_at": at("paid"), "canceled_at": at("canceled") },
            }),
        ))
    }

    /// The charge behind a payment: the one that is named, or a new one.
    fn charge(&self, world: &mut World, wanted: &NewPayment, owed: i64) -> Result<Value, String> {
        if let Some(id) = &wanted.charge {
            let found = world.find_any(id).filter(|found| found["object"] == "charge");
            let charge = found.ok_or("`charge`: there is no such charge")?;
            if charge["currency"] != *self.currency {
                return Err(format!("`charge`: it is in another currency than {}", self.currency));
            }
            return Ok(charge);
        }
        let amount = wanted.amount.or_else(|| u64::try_from(owed).ok().filter(|owed| *owed > 0));
        Ok(world.new_charge(&NewCharge {
            amount: amount.ok_or("`amount`: nothing is left to pay")?,
            currency: self.currency.clone(),
            customer: Some(self.customer.clone()),
            status: if wanted.status == "paid" { "succeeded" } else { "failed" }.to_owned(),
            age: world.now().saturating_sub(self.created),
            method: wanted.method.clone(),
            livemode: self.livemode,
            payment_intent: wanted.payment_intent,
            ..NewCharge::default()
        }))
    }
}
