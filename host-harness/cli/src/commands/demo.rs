//! `demo`: a guided tour. Every step runs the real component in its sandbox, over real HTTP, against
//! the built-in simulator; what is claimed is counted there.

use std::process::ExitCode;

use refund_host::api::webhooks::VerifyOptions;
use refund_host::{Allow, Host, Node, StripeKey};
use refund_simulator::{Fault, FaultKind, NewCharge, Simulator, TEST_KEY};
use serde_json::{Value, json};

use crate::args::Global;
use crate::show;

/// Simulator and component, and what was seen.
struct Tour {
    stripe: Simulator,
    node: Node,
    rows: Vec<[String; 4]>,
    quiet: bool,
}

pub(crate) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let stripe = Simulator::builder().seed(2026).start().await?;
    let host = Host::builder()
        .key(StripeKey::parse(TEST_KEY)?)
        .allow(Allow::stripe_at(&stripe.base_url())?)
        .build()?;
    let node = host.load(refund_artifact::NODE)?;
    let mut tour = Tour { stripe, node, rows: Vec::new(), quiet: global.json };
    tour.say(&format!(
        "A simulated Stripe runs on {}. The refund component ({} kB) runs in a sandbox:\nit can send eleven kinds of request to that address and nothing else, and never sees the key.",
        tour.stripe.base_url(),
        refund_artifact::NODE.len() / 1000
    ));
    tour.partial_and_full().await?;
    tour.ineligible().await?;
    tour.approval().await?;
    tour.duplicate().await?;
    tour.webhooks().await?;
    tour.lost_answer().await?;
    tour.end(global.json)
}

impl Tour {
    fn say(&self, text: &str) {
        if !self.quiet {
            show::line(format_args!("\n{text}"));
        }
    }

    /// Notes a step: what was asked, what came of it, and whether it is what must come of it.
    fn note(&mut self, step: &str, outcome: String, good: bool) {
        if !self.quiet {
            show::line(format_args!("  → {outcome}"));
        }
        let number = (self.rows.len() + 1).to_string();
        self.rows.push([
            number,
            step.to_owned(),
            outcome,
            if good { "ok" } else { "WRONG" }.to_owned(),
        ]);
    }

    fn charge(&self, order: &NewCharge) -> String {
        show::text(&self.stripe.charge(order)["id"])
    }

    /// Runs an operation; an error is its JSON with its kind.
    async fn invoke(
        &self,
        operation: &str,
        mut input: Value,
    ) -> anyhow::Result<Result<Value, Value>> {
        use refund_host::api::node::InvokeError;
        if !operation.starts_with("webhooks.") {
            input["connection"] = json!({ "base_url": self.stripe.base_url() });
        }
        Ok(match self.node.invoke(operation, &input.to_string()).await? {
            Ok(output) => Ok(serde_json::from_str(&output)?),
            Err(InvokeError::Failed(failure)) => {
                let details: Value = serde_json::from_str(&failure.details)?;
                Err(json!({ "message": failure.message, "details": details }))
            }
            Err(other) => anyhow::bail!("{other:?}"),
        })
    }

    async fn create(
        &self,
        operation: &str,
        charge: &str,
        more: Value,
    ) -> anyhow::Result<Result<Value, Value>> {
        let mut input = json!({ "operation_id": operation, "payment": charge });
        if let (Some(input), Value::Object(more)) = (input.as_object_mut(), more) {
            input.extend(more);
        }
        self.invoke("refunds.create", input).await
    }

    async fn partial_and_full(&mut self) -> anyhow::Result<()> {
        self.say("1. A customer paid 25.00 dollars. Refund 10.00, then the rest.");
        let charge = self.charge(&NewCharge::default());
        for (operation, more) in [
            ("order-1-refund-1", json!({ "amount_decimal": "10.00", "currency": "usd" })),
            ("order-1-refund-2", json!({})),
        ] {
            let made = self.create(operation, &charge, more).await?;
            let (text, good) = match &made {
                Ok(made) => (describe(made), made["origin"] == "made"),
                Err(error) => (show::text(&error["message"]), false),
            };
            self.note("refund", text, good);
        }
        Ok(())
    }

    async fn ineligible(&mut self) -> anyhow::Result<()> {
        self.say("2. Another payment is 90 days old, disputed, and partly refunded in the Dashboard.\n   The policy allows 30 days; 40.00 of 50.00 are asked for. All reasons come at once.");
        let order = NewCharge { amount: 5000, age: 90 * 86_400, ..NewCharge::default() };
        let charge = self.charge(&order);
        self.stripe.dashboard_refund(&charge, 1500);
        self.stripe.dispute(&refund_simulator::DisputeOrder {
            charge: charge.clone(),
            status: "needs_response".into(),
            reason: "product_not_received".into(),
            refundable: None,
        });
        let more = json!({ "amount_decimal": "40.00", "currency": "usd", "policy": { "window_days": 30 } });
        let denied = self.create("order-2-refund-1", &charge, more).await?;
        let (text, good) = match denied {
            Ok(made) => (describe(&made), false),
            Err(error) => {
                let failed = error["details"]["verdict"]["failed"].as_array().map_or(0, Vec::len);
                self.say(&format!("   {}", show::text(&error["message"]).replace("; ", ";\n   ")));
                (format!("denied, {failed} reasons; nothing was sent"), failed == 3)
            }
        };
        self.note("refused with its reasons", text, good);
        Ok(())
    }

    async fn approval(&mut self) -> anyhow::Result<()> {
        self.say("3. Refunds above 100.00 need a person. The answer holds a hash of the request; with it the\n   request goes through, and an altered one does not.");
        let charge = self.charge(&NewCharge { amount: 50_000, ..NewCharge::default() });
        let policy = json!({ "approval_above": [{ "amount": 10_000, "currency": "usd" }] });
        let ask = |amount: &str, approval: Value| json!({ "amount_decimal": amount, "currency": "usd", "policy": policy, "approval": approval });
        let asked = self.create("order-3-refund-1", &charge, ask("250.00", Value::Null)).await?;
        let error = asked.err().unwrap_or_default();
        let hash = error["details"]["request_hash"].clone();
        self.note(
            "approval asked for",
            format!(
                "needs approval, request {}…",
                hash.as_str().unwrap_or_default().get(..12).unwrap_or_default()
            ),
            hash.is_string(),
        );
        let altered = self.create("order-3-refund-1", &charge, ask("500.00", hash.clone())).await?;
        let refused = altered.is_err();
        self.note(
            "an altered request refused",
            altered
                .map_or_else(|error| show::text(&error["details"]["type"]), |made| describe(&made)),
            refused,
        );
        let approved = self.create("order-3-refund-1", &charge, ask("250.00", hash)).await?;
        let (text, good) = approved
            .map_or_else(|error| (error.to_string(), false), |made| (describe(&made), true));
        self.note("the approved request made", text, good);
        Ok(())
    }

    async fn duplicate(&mut self) -> anyhow::Result<()> {
        self.say("4. A customer clicked twice: two payments of 49.00 within 40 seconds. A third, an hour ago,\n   is a different purchase.");
        let order = |age| NewCharge {
            amount: 4900,
            customer: Some("cus_anna".into()),
            age,
            ..NewCharge::default()
        };
        self.charge(&order(3600));
        self.charge(&order(60));
        self.charge(&order(20));
        let from = self.stripe.now() - 86_400;
        let found = self
            .invoke("duplicates.scan-live", json!({ "range": { "created_from": from } }))
            .await?;
        let groups = found.unwrap_or_default()["groups"].clone();
        let group = groups[0].clone();
        let text = format!(
            "keep {}, refund {}: {} confidence",
            show::text(&group["keep"]),
            show::text(&group["refund"][0]),
            show::text(&group["confidence"])
        );
        let good = groups.as_array().is_some_and(|groups| groups.len() == 1);
        self.note("a duplicate found", text, good);
        let second = show::text(&group["refund"][0]);
        let made = self
            .create(&format!("duplicate-{second}"), &second, json!({ "reason": "duplicate" }))
            .await?;
        let (text, good) =
            made.map_or_else(|error| (error.to_string(), false), |made| (describe(&made), true));
        self.note("and refunded", text, good);
        Ok(())
    }

    async fn webhooks(&mut self) -> anyhow::Result<()> {
        self.say("5. A webhook arrives: verified over its raw bytes. One digit changed: refused.");
        let payload = self.stripe.newest_event("refund.created").to_string();
        let (secret, now) = ("whsec_demo".to_owned(), self.stripe.now());
        let header = self.stripe.sign(&payload, &secret);
        let options = || VerifyOptions { tolerance: None, future_tolerance: None };
        let verdict = self
            .node
            .verify(
                payload.as_bytes(),
                Some(&header),
                std::slice::from_ref(&secret),
                options(),
                now,
            )
            .await?;
        let event = self.node.parse(payload.as_bytes()).await?;
        let kind = event.map(|event| event.kind).unwrap_or_default();
        self.note("a webhook verified", format!("{kind}, accepted"), verdict.is_ok());
        let forged = payload.replace("4900", "9900");
        let verdict =
            self.node.verify(forged.as_bytes(), Some(&header), &[secret], options(), now).await?;
        let good =
            verdict == Err(refund_host::api::webhooks::VerifyError::Mismatch) && forged != payload;
        self.note("a forged one refused", "rejected: no signature matches".into(), good);
        Ok(())
    }

    async fn lost_answer(&mut self) -> anyhow::Result<()> {
        self.say("6. The worst case: Stripe makes the refund, and every answer is lost on the way.\n   The component tries three times with one key, then looks for the refund at Stripe.");
        let charge = self.charge(&NewCharge::default());
        let lost = FaultKind::Reset { after_commit: true };
        self.stripe.order_fault(Fault::on_create(lost).times(3));
        let made = self.create("order-6-refund-1", &charge, json!({})).await?;
        let (text, good) = made.map_or_else(
            |error| (error.to_string(), false),
            |made| (describe(&made), made["origin"] == "reconciled"),
        );
        self.note("a lost answer reconciled", text, good);
        self.say("   Two days later somebody runs the same operation again; Stripe has forgotten the key.");
        self.stripe.advance(2 * 86_400);
        let again = self.create("order-6-refund-1", &charge, json!({})).await?;
        let count = self.stripe.refunds_of(&charge).len();
        let found = again.is_ok_and(|made| made["origin"] == "found");
        self.note(
            "the same operation again",
            format!("found; refunds of this charge at Stripe: {count}"),
            found && count == 1,
        );
        Ok(())
    }

    fn end(self, json: bool) -> anyhow::Result<ExitCode> {
        let wrong = self.rows.iter().filter(|row| row[3] != "ok").count();
        let stats = self.stripe.stats();
        if json {
            let step = |row: &[String; 4]| json!({ "step": row[1], "outcome": row[2], "ok": row[3] == "ok" });
            show::line(
                json!({ "steps": self.rows.iter().map(step).collect::<Vec<_>>(), "simulator": stats }),
            );
        } else {
            show::line("");
            show::table(["", "step", "outcome", ""], self.rows);
            show::line(format_args!(
                "The simulator made {} refunds, one of them in the Dashboard; no operation has more than one.\n\nNext: refund-node simulate --charges 3, and refund-node --help",
                stats["refunds"]
            ));
        }
        let operations = stats["refunds_by_operation"].as_object();
        let twice = operations.is_some_and(|counts| counts.values().any(|count| *count != 1));
        anyhow::ensure!(wrong == 0 && !twice, "{wrong} steps did not end as they must");
        Ok(ExitCode::SUCCESS)
    }
}

/// A refund in a line.
fn describe(made: &Value) -> String {
    let refund = &made["refund"];
    format!(
        "{} {} ({}, {})",
        show::text(&refund["id"]),
        show::money(&refund["amount"], &refund["currency"]),
        show::text(&refund["status"]),
        show::text(&made["origin"])
    )
}
