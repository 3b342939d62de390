//! The ways in, each as its users have it.

use std::collections::BTreeMap;

use std::time::Duration;

use refund_simulator::{Fault, FaultKind};
use serde_json::{Value, json};

use super::desk::Kind;
use super::history::{Call, Code};
use super::http::Delivery;
use super::judge::{WEBHOOKS, Wanted};
use super::reading::{self, Approval};
use super::round::{Operation, POLICY, Pipeline, Round, Way};
use super::stripe;
use super::weather;

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Ask for an operation, in one of its ways.
    Ask(usize),
    /// Lose an operation, and ask for the next one.
    Lose(usize),
    /// Run a pipeline.
    Pipeline(usize),
    /// Decide about the approval of an operation.
    Decide(usize),
    /// Execute what was approved.
    Execute,
    /// Run the file.
    Bulk,
    /// Go on with the run.
    Resume,
    /// Export the run.
    Export,
    /// Compare ledger and Stripe.
    Reconcile {
        /// Move operations to what Stripe says.
        repair: bool,
    },
    /// Read an operation.
    View(usize),
    /// A refund fails at the bank.
    Fail,
}

impl Round {
    pub(super) fn carry_out(&self, job: Job, luck: &mut fastrand::Rng) {
        match job {
            Job::Ask(at) => {
                let mut asked = self.operations[at].clone();
                asked.amount = asked.mistaken.filter(|_| luck.bool()).unwrap_or(asked.amount);
                match luck.u8(0..3) {
                    0 => self.create(&asked),
                    1 => self.invoke(&asked),
                    _ => self.post(&asked),
                };
            }
            Job::Lose(at) => self.lose_one(&self.operations[at], &self.operations[at + 1]),
            Job::Pipeline(at) => drop(self.pipeline(&self.pipelines[at], false)),
            Job::Decide(at) => self.decide(&self.operations[at], luck.bool()),
            Job::Execute => self.execute(),
            Job::Bulk => drop(self.bulk()),
            Job::Resume => drop(self.run_of_file("bulk resume", &["bulk", "resume", "--no-pace"])),
            Job::Export => drop(self.export()),
            Job::Reconcile { repair } => drop(self.reconcile(repair)),
            Job::View(at) => self.view(&self.operations[at]),
            Job::Fail => self.fail(luck),
        }
    }

    /// The request of the first arrives after its process was killed. Until it has, the answer to the second must not say
    /// that the first was not made.
    fn lose_one(&self, first: &Operation, second: &Operation) {
        let late = FaultKind::Late { millis: 2500 };
        // Faults that were ordered before would come first.
        let _ = stripe::order(&self.desk, "DELETE", "faults", &json!({}));
        weather::order(&self.desk, &Fault::on_create(late));
        self.created(first, Some(Duration::from_millis(900)));
        self.post(second);
    }

    /// `refund create`
    fn create(&self, operation: &Operation) -> Call {
        self.created(operation, None)
    }

    fn created(&self, operation: &Operation, kill_after: Option<Duration>) -> Call {
        let amount = operation.amount.to_string();
        let arguments = [
            &["refund", "create", &operation.payment, "--operation", &operation.id][..],
            &["--minor", &amount, "--currency", "usd", "--policy", "shop.json", "--as", "alice"],
        ];
        let call = Call { kill_after, ..asks("refund create", &operation.id) };
        self.desk.run(&arguments.concat(), call, |text| reading::create(text, &operation.id))
    }

    /// `invoke refunds.create`
    fn invoke(&self, operation: &Operation) -> Call {
        let document: Value = serde_json::from_str(POLICY).unwrap_or_default();
        let input = json!({
            "operation_id": operation.id, "payment": operation.payment,
            "amount": operation.amount, "currency": "usd", "document": document,
        });
        let arguments =
            ["invoke", "refunds.create", "--as", "alice", "--input", &input.to_string()];
        let call = asks("invoke refunds.create", &operation.id);
        self.desk.run(&arguments, call, |text| reading::create(text, &operation.id))
    }

    /// `POST /v1/refunds`
    pub(super) fn post(&self, operation: &Operation) -> Call {
        let body = json!({
            "operation_id": operation.id, "payment": operation.payment,
            "amount": operation.amount, "currency": "usd",
        });
        let call = asks("POST /v1/refunds", &operation.id);
        self.api(("POST", "/v1/refunds"), "alice", &body, call, |text| {
            reading::http(text, &operation.id)
        })
    }

    fn api(
        &self,
        line: (&str, &str),
        who: &str,
        body: &Value,
        call: Call,
        read: impl FnOnce(&str) -> Option<reading::Heard>,
    ) -> Call {
        let authorization = format!("Bearer {}", self.tokens.get(who).map_or("", String::as_str));
        let headers =
            [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.desk.send(Kind::Api, line, &headers, &body, call, read)
    }

    /// `invoke` of a pipeline, through the ledger or as a dry run.
    pub(super) fn pipeline(&self, pipeline: &Pipeline, dry_run: bool) -> Call {
        let Pipeline { file, name, plan, asks, .. } = pipeline;
        let mut input = pipeline.input.clone();
        input["dry_run"] = json!(dry_run);
        let input = input.to_string();
        let operation = name.trim_start_matches("invoke ");
        let arguments = ["--component", file, "invoke", operation, "--input", &input];
        let call = if dry_run {
            Call { name: plan, ..Call::default() }
        } else {
            Call { name, asks: asks.clone(), ..Call::default() }
        };
        self.desk.run(&arguments, call, reading::pipeline)
    }

    pub(super) fn bulk(&self) -> Call {
        let arguments = ["bulk", "run", "--no-pace", "--in-flight", "4", "--policy", "shop.json"];
        self.run_of_file("bulk run", &[&arguments[..], &["input.csv"]].concat())
    }

    /// Operations of the bulk run.
    pub(super) fn lines(&self) -> Vec<String> {
        let lines = self.operations.iter().filter(|operation| operation.way == Way::Bulk);
        lines.map(|operation| operation.id.clone()).collect()
    }

    fn run_of_file(&self, name: &'static str, arguments: &[&str]) -> Call {
        let call = Call { name, asks: self.lines(), ..Call::default() };
        self.desk.run(arguments, call, reading::bulk)
    }

    pub(super) fn export(&self) -> Call {
        let call = Call { name: "bulk export", ..Call::default() };
        self.desk.run(&["bulk", "export"], call, reading::export)
    }

    pub(super) fn reconcile(&self, repair: bool) -> Call {
        let call = Call { name: "reconcile", ..Call::default() };
        let arguments = ["reconcile", "--since", "30d", "--repair"];
        let arguments = if repair { &arguments[..] } else { &arguments[..3] };
        self.desk.run(arguments, call, reading::reconcile)
    }

    /// Before anything is made: what the plans say is what is done in the end.
    pub(super) fn plan(&self) -> Result<(), String> {
        let call = Call { name: "bulk plan", ..Call::default() };
        let arguments = ["bulk", "plan", "--policy", "shop.json", "input.csv"];
        let mut plans = vec![self.desk.run(&arguments, call, reading::plan)];
        plans.extend(self.pipelines.iter().map(|pipeline| self.pipeline(pipeline, true)));
        let unsaid = plans.iter().find(|plan| plan.lines.is_none() && plan.answers.is_empty());
        unsaid.map_or(Ok(()), |plan| Err(format!("no plan: {} {}", plan.way, plan.text)))
    }

    fn view(&self, operation: &Operation) {
        let call = Call { name: "GET /v1/refunds/…", ..Call::default() };
        let path = format!("/v1/refunds/{}", operation.id);
        self.api(("GET", &path), "alice", &Value::Null, call, reading::view);
    }

    /// A page of all operations; the cursor of the next one.
    pub(super) fn page(&self, cursor: Option<i64>) -> Result<(Call, Option<i64>), String> {
        let call = Call { name: "GET /v1/refunds", ..Call::default() };
        let cursor = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let (path, mut next) = (format!("/v1/refunds?limit=100{cursor}"), None);
        let call = self.api(("GET", &path), "alice", &Value::Null, call, |text| {
            let (heard, cursor) = reading::page(text)?;
            next = cursor;
            Some(heard)
        });
        if call.code == Some(Code::Status(200)) {
            return Ok((call, next));
        }
        Err(format!("the operations cannot be read: {}", call.text))
    }

    /// What `webhook listen` counted of all deliveries, by name.
    pub(super) fn counters(&self) -> BTreeMap<String, u64> {
        let call = Call { name: "GET /health", ..Call::default() };
        let mut found = BTreeMap::new();
        self.desk.send(Kind::Listener, ("GET", "/health"), &[], "", call, |text| {
            found = serde_json::from_str(text).ok()?;
            None
        });
        found
    }

    /// Every approval, newest first; nothing where the server is gone.
    pub(super) fn approvals(&self) -> Vec<Approval> {
        let call = Call { name: "GET /v1/approvals", ..Call::default() };
        let mut found = Vec::new();
        self.api(("GET", "/v1/approvals"), "bob", &Value::Null, call, |text| {
            found = reading::approvals(text)?;
            None
        });
        found
    }

    /// Decides about the newest approval of an operation, if it waits for one.
    pub(super) fn decide(&self, operation: &Operation, by_command: bool) {
        let Way::Approval { agrees } = operation.way else { return };
        let approvals = self.approvals();
        let Some(approval) = approvals.iter().find(|one| one.operation == operation.id) else {
            return;
        };
        let approves = agrees.then(|| operation.id.clone());
        let (id, voted) = (&approval.id, |text: &str| reading::voted(text, "bob", agrees));
        if by_command {
            let name = if agrees { "approvals approve" } else { "approvals deny" };
            let word = if agrees { "approve" } else { "deny" };
            let call = Call { name, approves, ..Call::default() };
            self.desk.run(&["approvals", word, id, "--as", "bob"], call, voted);
        } else if agrees {
            let call = Call { approves, ..asks("POST /v1/approvals/…/approve", &operation.id) };
            let path = format!("/v1/approvals/{id}/approve");
            self.api(("POST", &path), "bob", &json!({}), call, |text| {
                reading::http(text, &operation.id)
            });
        } else {
            let call = Call { name: "POST /v1/approvals/…/deny", ..Call::default() };
            let path = format!("/v1/approvals/{id}/deny");
            self.api(("POST", &path), "bob", &json!({}), call, voted);
        }
    }

    /// `approvals execute`, of everything that was approved.
    fn execute(&self) {
        let waiting =
            self.operations.iter().filter(|one| matches!(one.wanted, Wanted::Approved(_)));
        let asks = waiting.map(|operation| operation.id.clone()).collect();
        let call = Call { name: "approvals execute", asks, ..Call::default() };
        self.desk.run(&["approvals", "execute", "--as", "alice"], call, reading::executed);
    }

    /// A refund fails at the bank.
    fn fail(&self, luck: &mut fastrand::Rng) {
        let known: Vec<_> = {
            let known = super::desk::lock(&self.known);
            known.keys().filter(|id| id.starts_with("re_")).cloned().collect()
        };
        if let Some(refund) = luck.choice(&known) {
            self.fail_one(refund);
        }
    }

    /// This refund fails at the bank.
    pub(super) fn fail_one(&self, refund: &str) {
        let order = json!({ "refund": refund, "status": "failed", "reason": "declined" });
        self.desk.note(format!("refund {refund} fails at the bank"));
        // A simulator that does not answer ends the round where its refunds are counted.
        let _ = stripe::order(&self.desk, "POST", "refunds/end", &order);
    }

    /// Hands a delivery to `webhook listen` or to the API; whether it was taken.
    pub(super) fn deliver(&self, delivery: &Delivery, to_api: bool) -> bool {
        let [api, listener] = WEBHOOKS;
        let (kind, name, path) = if to_api {
            (Kind::Api, api, "/webhooks/stripe")
        } else {
            (Kind::Listener, listener, "/webhook")
        };
        let headers = [("stripe-signature", delivery.signature.as_str())];
        let call = Call { name, ..Call::default() };
        let read = |_: &str| None;
        let call = self.desk.send(kind, ("POST", path), &headers, &delivery.body, call, read);
        call.code == Some(Code::Status(200))
    }
}

fn asks(name: &'static str, operation: &str) -> Call {
    Call { name, asks: vec![operation.to_owned()], ..Call::default() }
}
