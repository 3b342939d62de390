//! A desk for tests of the rules: a ledger file, a Stripe in memory, a component that follows orders, and clocks that
//! stand still.

pub mod clock;
pub mod component;
pub mod stripe;

use std::path::PathBuf;

use proptest::prelude::ProptestConfig;
use refund_app::rules::seen;
use refund_app::{Application, Ask, AskError, Ballot, Caller, Outcome, Settings};
use refund_core::followups::FollowUp;
use refund_core::id::{OperationId, PaymentRef};
use refund_core::model::Refund;
use refund_core::money::{Currency, Money};
use refund_core::policy::{Document, Terms};
use refund_core::request::Request;
use refund_ledger::{
    Approval, Effect, Event, Ledger, LedgerError, MerchantRules, Operation, Scope, State, Store,
    UserName,
};
use serde_json::{Value, json};

pub use clock::{Clock, START};
pub use component::{Calls, Scripted};
pub use stripe::{Fate, Stripe};

/// The application layer of a test.
pub type App = Application<Scripted, Ledger, Clock>;

/// How long a request may still be carried out.
pub const GRACE_SECS: u64 = 90;

pub struct Desk {
    folder: tempfile::TempDir,
    pub clock: Clock,
    pub stripe: Stripe,
    pub component: Scripted,
    pub application: App,
}

/// What the test ledgers are for.
pub fn scope() -> Scope {
    Scope { base_url: "http://127.0.0.1:1".into(), live: false, account: None }
}

pub fn settings() -> Settings {
    Settings { grace_secs: GRACE_SECS, ..Settings::default() }
}

impl Desk {
    /// A desk with one charge, `ch_1`, of 100.00 dollars.
    pub fn new() -> Self {
        Self::with_payment(10_000)
    }

    /// A desk whose charge, `ch_1`, is of this many cents.
    pub fn with_payment(amount: u64) -> Self {
        let desk = Self::empty();
        desk.stripe.charge("ch_1", amount);
        desk
    }

    /// A desk without a charge.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger"), &scope()).unwrap();
        Self::over(folder, ledger)
    }

    /// A desk over a ledger in a folder.
    pub fn over(folder: tempfile::TempDir, ledger: Ledger) -> Self {
        let clock = Clock::new();
        let stripe = Stripe::new(clock.clone());
        let component = Scripted::new(stripe.clone());
        let application = Application::new(component.clone(), ledger, clock.clone(), settings());
        Self { folder, clock, stripe, component, application }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    pub fn ledger(&self) -> &Ledger {
        self.application.store()
    }

    /// Another process with the same ledger: its own component, at the same Stripe.
    pub fn process(&self) -> (App, Scripted) {
        self.process_with(settings())
    }

    pub fn process_with(&self, settings: Settings) -> (App, Scripted) {
        let ledger = Ledger::open(&self.file(), &scope()).unwrap();
        let component = Scripted::new(self.stripe.clone());
        (Application::new(component.clone(), ledger, self.clock.clone(), settings), component)
    }

    /// The same process over the ledger with sinks.
    pub fn with_ledger(&self, ledger: Ledger) -> App {
        Application::new(self.component.clone(), ledger, self.clock.clone(), settings())
    }

    /// Alice asks for a refund of `ch_1`, under no rules but Stripe's.
    pub async fn ask(&self, operation: &str, amount: u64) -> Outcome {
        self.ask_under(operation, amount, &MerchantRules::default()).await
    }

    /// The same under the merchant's rules.
    pub async fn ask_under(&self, operation: &str, amount: u64, rules: &MerchantRules) -> Outcome {
        let wanted = request(operation, "ch_1", Some(amount));
        try_ask(&self.application, "alice", wanted, rules).await.unwrap()
    }

    pub async fn operation(&self, id: &str) -> Operation {
        self.application.held(&operation_id(id)).await.unwrap()
    }

    pub async fn state(&self, id: &str) -> State {
        self.operation(id).await.state
    }

    pub async fn approval(&self, id: &str) -> Approval {
        self.application.approval(id).await.unwrap()
    }

    /// An approver agrees.
    pub async fn approve(&self, name: &str, approval: &str) -> Approval {
        self.application.decide(approval, yes(), &caller(name)).await.unwrap().approval
    }

    /// An event about a refund.
    pub async fn receive(&self, id: &str, kind: &str, refund: &Refund) -> Effect {
        let event = Event {
            id: id.into(),
            kind: kind.into(),
            created: self.clock.unix(),
            object: Some(refund.id.to_string()),
            status: refund.status.as_ref().map(|status| status.as_str().to_owned()),
        };
        self.take(event, Some(refund.clone()), Vec::new()).await
    }

    pub async fn take(
        &self,
        event: Event,
        refund: Option<Refund>,
        follow_ups: Vec<FollowUp>,
    ) -> Effect {
        take(self.ledger(), event, refund, follow_ups, self.clock.unix()).await.unwrap()
    }

    /// What is in the audit about an operation.
    pub async fn remarks(&self, operation: &str) -> Vec<String> {
        let rows = self.ledger().history(operation).await.unwrap();
        rows.into_iter().filter_map(|row| row.outcome).collect()
    }

    pub async fn audit_holds(&self) {
        assert_eq!(self.ledger().audit(None).await.unwrap().broken, []);
    }

    /// Changes the file behind the ledger's back.
    pub fn tamper(&self, sql: &str) {
        rusqlite::Connection::open(self.file()).unwrap().execute_batch(sql).unwrap();
    }
}

/// Takes an event into a ledger.
pub async fn take(
    ledger: &Ledger,
    event: Event,
    refund: Option<Refund>,
    follow_ups: Vec<FollowUp>,
    now: u64,
) -> Result<Effect, LedgerError> {
    let who = caller("stripe");
    ledger.write(move |tx| seen::receive(tx, &event, refund.as_ref(), follow_ups, &who, now)).await
}

pub async fn try_ask(
    application: &App,
    name: &str,
    request: Request,
    rules: &MerchantRules,
) -> Result<Outcome, AskError> {
    application.ask(Ask { request, rules: rules.clone() }, &caller(name)).await
}

pub fn operation_id(id: &str) -> OperationId {
    OperationId::parse(id).unwrap()
}

pub fn usd(amount: u64) -> Money {
    Money { amount, currency: Currency::parse("usd").unwrap() }
}

/// A refund of this many cents, or of everything.
pub fn request(operation: &str, payment: &str, amount: Option<u64>) -> Request {
    Request {
        amount: amount.map(usd),
        ..Request::new(operation_id(operation), PaymentRef::parse(payment).unwrap())
    }
}

pub fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

pub fn caller(name: &str) -> Caller {
    Caller::new(user(name), "test")
}

pub fn yes() -> Ballot {
    Ballot { agrees: true, ..Ballot::default() }
}

pub fn no() -> Ballot {
    Ballot { note: Some("not this one".into()), ..Ballot::default() }
}

/// One approver must agree above this.
pub fn approve_up_to(amount: u64) -> MerchantRules {
    MerchantRules::policy(Terms { approve_up_to: Some(usd(amount).into()), ..Terms::default() })
}

/// Nothing above this is refunded.
pub fn never_above(amount: u64) -> MerchantRules {
    MerchantRules::policy(Terms { never_above: Some(usd(amount).into()), ..Terms::default() })
}

/// A document: one approver above the first amount, two above the second, nothing above the third.
pub fn document(one: &str, two: &str, never: &str) -> MerchantRules {
    let document: Document = serde_json::from_value(json!({
        "name": "Shop", "version": "1", "defaults": {
            "approve_up_to": { "usd": one }, "second_approval_above": { "usd": two },
            "never_above": { "usd": never },
        },
    }))
    .unwrap();
    MerchantRules::document(document, false)
}

/// A refund as Stripe shows it.
pub fn refund(id: &str, operation: &str, amount: u64, status: &str) -> Refund {
    let metadata = if operation.is_empty() {
        Value::Null
    } else {
        json!({ "refund_node_operation": operation })
    };
    let mut refund = json!({
        "id": id, "amount": amount, "currency": "usd", "charge": "ch_1", "payment_intent": "pi_1",
        "status": status, "created": START,
    });
    if !metadata.is_null() {
        refund["metadata"] = metadata;
    }
    serde_json::from_value(refund).unwrap()
}

/// This many cases, or as many as `PROPTEST_CASES` says.
pub fn cases(usual: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => ProptestConfig { cases: usual, ..config },
    }
}
