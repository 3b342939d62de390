//! `demo`: a guided tour. Every step runs the real component in its sandbox, over real HTTP, against
//! the built-in simulator; what is claimed is counted there.

use std::collections::BTreeMap;
use std::process::ExitCode;

use refund_app::component::{Attempt, Component, RawDelivery};
use refund_app::{Connection, OperationError, WasmComponent, Webhooks};
use refund_core::client::{CreateError, Created, Origin, ScanRange};
use refund_core::duplicates::Options;
use refund_core::id::{ChargeId, OperationId, PaymentRef};
use refund_core::model::{Charge, RefundStatus};
use refund_core::money::{Currency, Money};
use refund_core::policy::Terms;
use refund_core::request::Request;
use refund_core::secret::Secret;
use refund_core::webhook::{DEFAULT_TOLERANCE, VerifyError};
use refund_host::{Allow, Host, StripeKey};
use refund_ledger::MerchantRules;
use refund_simulator::{Fault, FaultKind, NewCharge, Simulator, TEST_KEY};
use serde::Deserialize;
use serde_json::json;

use crate::args::Global;
use crate::show;

/// What the simulator counted.
#[derive(Deserialize)]
struct Stats {
    refunds: u64,
    refunds_by_operation: BTreeMap<String, u64>,
}

/// A refund, or why there is none.
type CreateResult = Result<Created, OperationError<CreateError>>;

/// Simulator and component, and what was seen.
struct Tour {
    stripe: Simulator,
    component: WasmComponent,
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
    let base_url = Some(stripe.base_url());
    let component = WasmComponent::new(node, Connection { base_url, account: None });
    let mut tour = Tour { stripe, component, rows: Vec::new(), quiet: global.json };
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

    fn charge(&self, order: &NewCharge) -> anyhow::Result<ChargeId> {
        Ok(serde_json::from_value::<Charge>(self.stripe.charge(order))?.id)
    }

    async fn create(&self, request: Request) -> CreateResult {
        self.attempt(request, Terms::default(), None).await
    }

    async fn attempt(
        &self,
        request: Request,
        policy: Terms,
        approval: Option<String>,
    ) -> CreateResult {
        let rules = MerchantRules::policy(policy);
        self.component.create(&Attempt { request, rules, approval }).await.result
    }

    async fn partial_and_full(&mut self) -> anyhow::Result<()> {
        self.say("1. A customer paid 25.00 dollars. Refund 10.00, then the rest.");
        let charge = self.charge(&NewCharge::default())?;
        for (operation, amount) in
            [("order-1-refund-1", Some(usd("10.00")?)), ("order-1-refund-2", None)]
        {
            let made = self.create(Request { amount, ..request(operation, &charge)? }).await;
            let good = came(&made, Origin::Made);
            self.note("refund", described(made), good);
        }
        Ok(())
    }

    async fn ineligible(&mut self) -> anyhow::Result<()> {
        self.say("2. Another payment is 90 days old, disputed, and partly refunded in the Dashboard.\n   The policy allows 30 days; 40.00 of 50.00 are asked for. All reasons come at once.");
        let order = NewCharge { amount: 5000, age: 90 * 86_400, ..NewCharge::default() };
        let charge = self.charge(&order)?;
        self.stripe.dashboard_refund(charge.as_str(), 1500);
        self.stripe.dispute(&refund_simulator::DisputeOrder {
            charge: charge.to_string(),
            status: "needs_response".into(),
            reason: "product_not_received".into(),
            refundable: None,
        });
        let policy = Terms { window_days: Some(30), ..Terms::default() };
        let asked =
            Request { amount: Some(usd("40.00")?), ..request("order-2-refund-1", &charge)? };
        let denied = self.attempt(asked, policy, None).await;
        if let Err(error) = &denied {
            self.say(&format!("   {}", error.to_string().replace("; ", ";\n   ")));
        }
        let (text, good) = match denied {
            Err(OperationError::Failed(CreateError::Denied { verdict })) => {
                let failed = verdict.failed.len();
                (format!("denied, {failed} reasons; nothing was sent"), failed == 3)
            }
            other => (described(other), false),
        };
        self.note("refused with its reasons", text, good);
        Ok(())
    }

    async fn approval(&mut self) -> anyhow::Result<()> {
        self.say("3. Refunds above 100.00 need a person. The answer holds a hash of the request; with it the\n   request goes through, and an altered one does not.");
        let charge = self.charge(&NewCharge { amount: 50_000, ..NewCharge::default() })?;
        let policy = Terms { approve_up_to: Some(usd("100.00")?.into()), ..Terms::default() };
        let asked = request("order-3-refund-1", &charge)?;
        let of = |amount| Request { amount: Some(amount), ..asked.clone() };
        let (right, altered) = (of(usd("250.00")?), of(usd("500.00")?));
        let first = self.attempt(right.clone(), policy.clone(), None).await;
        let hash = match first {
            Err(OperationError::Failed(CreateError::NeedsApproval(needed))) => {
                Some(needed.request_hash)
            }
            _ => None,
        };
        let shown = hash.as_deref().and_then(|hash| hash.get(..12)).unwrap_or_default();
        let text = format!("needs approval, request {shown}…");
        self.note("approval asked for", text, hash.is_some());
        let (text, good) = match self.attempt(altered, policy.clone(), hash.clone()).await {
            Err(OperationError::Failed(CreateError::ApprovalMismatch(_))) => {
                ("approval_mismatch".to_owned(), true)
            }
            other => (described(other), false),
        };
        self.note("an altered request refused", text, good);
        let approved = self.attempt(right, policy, hash).await;
        let good = approved.is_ok();
        self.note("the approved request made", described(approved), good);
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
        for age in [3600, 60, 20] {
            self.charge(&order(age))?;
        }
        let created_from = self.stripe.now() - 86_400;
        let range = ScanRange { created_from, created_to: None, customer: None, max_charges: None };
        let groups = self.component.scan(&range, &Options::default()).await.result?.groups;
        let [group] = groups.as_slice() else {
            anyhow::bail!("{} duplicates were found, not one", groups.len());
        };
        let [second] = group.refund.as_slice() else {
            anyhow::bail!("{} charges are to be refunded, not one", group.refund.len());
        };
        let text = format!("keep {}, refund {second}: {} confidence", group.keep, group.confidence);
        self.note("a duplicate found", text, true);
        let asked = request(&format!("duplicate-{second}"), second)?;
        let made = self.create(Request { reason: Some("duplicate".to_owned()), ..asked }).await;
        let good = made.is_ok();
        self.note("and refunded", described(made), good);
        Ok(())
    }

    async fn webhooks(&mut self) -> anyhow::Result<()> {
        self.say("5. A webhook arrives: verified over its raw bytes. One digit changed: refused.");
        let payload = self.stripe.newest_event("refund.created").to_string();
        let header = self.stripe.sign(&payload, "whsec_demo");
        let genuine = self.verify(&payload, &header).await;
        let kind = self.component.parse(&payload).await?.kind;
        self.note("a webhook verified", format!("{kind}, accepted"), genuine.is_ok());
        let forged = payload.replace("4900", "9900");
        let verdict = self.verify(&forged, &header).await;
        let mismatch = Err(OperationError::Failed(VerifyError::Mismatch));
        let good = verdict == mismatch && forged != payload;
        self.note("a forged one refused", "rejected: no signature matches".into(), good);
        Ok(())
    }

    async fn verify(&self, body: &str, header: &str) -> Result<(), OperationError<VerifyError>> {
        let delivery = RawDelivery { body: body.as_bytes(), header: Some(header) };
        let secrets = [Secret::new("whsec_demo")];
        self.component.verify(delivery, &secrets, DEFAULT_TOLERANCE, self.stripe.now()).await
    }

    async fn lost_answer(&mut self) -> anyhow::Result<()> {
        self.say("6. The worst case: Stripe makes the refund, and every answer is lost on the way.\n   The component tries three times with one key, then looks for the refund at Stripe.");
        let charge = self.charge(&NewCharge::default())?;
        let asked = request("order-6-refund-1", &charge)?;
        let lost = FaultKind::Reset { after_commit: true };
        self.stripe.order_fault(Fault::on_create(lost).times(3));
        let made = self.create(asked.clone()).await;
        let good = came(&made, Origin::Reconciled);
        self.note("a lost answer reconciled", described(made), good);
        self.say("   Two days later somebody runs the same operation again; Stripe has forgotten the key.");
        self.stripe.advance(2 * 86_400);
        let found = came(&self.create(asked).await, Origin::Found);
        let count = self.stripe.refunds_of(charge.as_str()).len();
        self.note(
            "the same operation again",
            format!("found; refunds of this charge at Stripe: {count}"),
            found && count == 1,
        );
        Ok(())
    }

    fn end(self, json: bool) -> anyhow::Result<ExitCode> {
        let wrong = self.rows.iter().filter(|row| row[3] != "ok").count();
        let counted = self.stripe.stats();
        let stats = Stats::deserialize(&counted)?;
        if json {
            let step = |row: &[String; 4]| json!({ "step": row[1], "outcome": row[2], "ok": row[3] == "ok" });
            show::line(
                json!({ "steps": self.rows.iter().map(step).collect::<Vec<_>>(), "simulator": counted }),
            );
        } else {
            show::line("");
            show::table(["", "step", "outcome", ""], self.rows);
            show::line(format_args!(
                "The simulator made {} refunds, one of them in the Dashboard; no operation has more than one.\n\nNext: refund-node simulate --charges 3, and refund-node --help",
                stats.refunds
            ));
        }
        let twice = stats.refunds_by_operation.values().any(|count| *count != 1);
        anyhow::ensure!(wrong == 0 && !twice, "{wrong} steps did not end as they must");
        Ok(ExitCode::SUCCESS)
    }
}

fn usd(decimal: &str) -> anyhow::Result<Money> {
    Ok(Money::parse_decimal(decimal, Currency::parse("usd")?)?)
}

/// Everything that is left of a charge.
fn request(operation: &str, charge: &ChargeId) -> anyhow::Result<Request> {
    Ok(Request::new(OperationId::parse(operation)?, PaymentRef::Charge(charge.clone())))
}

/// Whether there is a refund that came about in this way.
fn came(made: &CreateResult, origin: Origin) -> bool {
    made.as_ref().is_ok_and(|made| made.origin == origin)
}

/// A refund in a line, or why there is none.
fn described(made: CreateResult) -> String {
    let Created { refund, origin, .. } = match made {
        Ok(made) => made,
        Err(error) => return error.to_string(),
    };
    let status = refund.status.as_ref().map_or("-", RefundStatus::as_str);
    let origin = match origin {
        Origin::Made => "made",
        Origin::Replayed => "replayed",
        Origin::Found => "found",
        Origin::Reconciled => "reconciled",
    };
    format!("{} {} ({status}, {origin})", refund.id, refund.money())
}
