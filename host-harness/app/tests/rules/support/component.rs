//! A component whose answers a test orders. Without an order, the logic of the real component answers, over the Stripe
//! in memory.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use refund_app::component::{Attempt, Component, Listing, Question};
use refund_app::{Called, OperationError};
use refund_core::client::{
    self, CallError, Checked, Connection, ConnectionInput, CreateError, CreateRequest, Created,
    ListFilter, Previewed, RefundPage,
};
use refund_core::eligibility::Amount;
use refund_core::id::RefundId;
use refund_core::model::{Reason, Refund};
use refund_core::policy::{Ask, Rules};
use refund_ledger::MerchantRules;
use tokio::sync::{Semaphore, watch};

use super::stripe::{Stripe, Way};

/// How often each operation was called, and how many requests that change something left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub creates: u32,
    pub previews: u32,
    pub checks: u32,
    pub retrieves: u32,
    pub lists: u32,
    pub changes_sent: u32,
}

/// A component. Clones are the same one.
#[derive(Clone)]
pub struct Scripted {
    stripe: Stripe,
    script: Arc<Mutex<Script>>,
    /// A permit for every call of `create` that may go on.
    gate: Arc<Semaphore>,
    /// How many calls of `create` have come to the gate.
    arrived: Arc<watch::Sender<u32>>,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Called<Created, CreateError>>,
    attempts: Vec<Attempt>,
    calls: Calls,
    is_gated: bool,
    before_list: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Scripted {
    pub fn new(stripe: Stripe) -> Self {
        Self {
            stripe,
            script: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
            arrived: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Orders the next answer of `create`; nothing happens at Stripe.
    pub fn answer(&self, result: Result<Created, OperationError<CreateError>>, changes_sent: u32) {
        self.script.lock().unwrap().answers.push_back(Called { result, changes_sent });
    }

    /// The component gives no answer: it traps, or what it returns cannot be read.
    pub fn trap(&self, changes_sent: u32) {
        self.answer(Err(OperationError::NoAnswer("the component trapped".into())), changes_sent);
    }

    /// From now on a call of `create` goes on only when it is let through.
    pub fn close_gate(&self) {
        self.script.lock().unwrap().is_gated = true;
    }

    /// Lets one call of `create` through.
    pub fn let_one_through(&self) {
        self.gate.add_permits(1);
    }

    /// Waits until this many calls of `create` have begun.
    pub async fn until_begun(&self, calls: u32) {
        self.arrived.subscribe().wait_for(|begun| *begun >= calls).await.unwrap();
    }

    /// Happens when refunds are listed the next time, before they are.
    pub fn before_next_list(&self, happens: impl Future<Output = ()> + Send + 'static) {
        self.script.lock().unwrap().before_list = Some(Box::pin(happens));
    }

    pub fn calls(&self) -> Calls {
        self.script.lock().unwrap().calls
    }

    /// What `create` was called with, oldest first.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.script.lock().unwrap().attempts.clone()
    }

    fn count(&self, change: impl FnOnce(&mut Calls)) {
        change(&mut self.script.lock().unwrap().calls);
    }

    fn counted<T, E>(&self, called: Called<T, E>) -> Called<T, E> {
        self.count(|calls| calls.changes_sent += called.changes_sent);
        called
    }
}

/// No retries: one order of a test is one call.
fn connection() -> Connection {
    let input = ConnectionInput {
        base_url: Some("http://127.0.0.1:1".into()),
        max_retries: Some(0),
        ..ConnectionInput::default()
    };
    Connection::new(input).unwrap()
}

fn rules(rules: &MerchantRules) -> Result<Rules, CreateError> {
    Rules::either(rules.policy.clone().unwrap_or_default(), rules.document.clone())
        .map_err(CreateError::from)
}

fn request(attempt: &Attempt) -> Result<CreateRequest, CreateError> {
    let Attempt { request, rules: merchant, approval } = attempt;
    Ok(CreateRequest {
        operation_id: request.operation.clone(),
        payment: request.payment.clone(),
        amount: request.amount.map_or(Amount::Everything, Amount::Exactly),
        reason: request.reason.as_deref().map(Reason::from),
        metadata: request.metadata.clone(),
        refund_application_fee: request.refund_application_fee.then_some(true),
        reverse_transfer: request.reverse_transfer.then_some(true),
        instructions_email: None,
        rules: rules(merchant)?,
        self_serve: merchant.self_serve,
        approval: approval.clone(),
    })
}

impl Component for Scripted {
    async fn create(&self, attempt: &Attempt) -> Called<Created, CreateError> {
        let (ordered, is_gated) = {
            let mut script = self.script.lock().unwrap();
            script.calls.creates += 1;
            script.attempts.push(attempt.clone());
            (script.answers.pop_front(), script.is_gated)
        };
        self.arrived.send_modify(|begun| *begun += 1);
        if is_gated {
            self.gate.acquire().await.unwrap().forget();
        }
        if let Some(ordered) = ordered {
            return self.counted(ordered);
        }
        let mut way = Way::to(&self.stripe);
        let result = request(attempt)
            .and_then(|request| client::create(&mut way, &connection(), &request))
            .map_err(OperationError::Failed);
        self.counted(Called { result, changes_sent: way.sent })
    }

    async fn preview(&self, attempt: &Attempt, earlier: &[u64]) -> Called<Previewed, CreateError> {
        self.count(|calls| calls.previews += 1);
        let mut way = Way::to(&self.stripe);
        let result = request(attempt)
            .and_then(|request| client::preview(&mut way, &connection(), &request, earlier))
            .map_err(OperationError::Failed);
        self.counted(Called { result, changes_sent: way.sent })
    }

    async fn check(&self, question: &Question) -> Called<Checked, CallError> {
        self.count(|calls| calls.checks += 1);
        let mut way = Way::to(&self.stripe);
        let ask = Ask {
            amount: question.amount,
            reason: question.reason.clone(),
            self_serve: question.rules.self_serve,
        };
        let rules = rules(&question.rules).unwrap();
        let result = client::check_live(&mut way, &connection(), &question.payment, &ask, &rules);
        Called { result: result.map_err(OperationError::Failed), changes_sent: way.sent }
    }

    async fn retrieve(&self, refund: &RefundId) -> Called<Refund, CallError> {
        self.count(|calls| calls.retrieves += 1);
        let mut way = Way::to(&self.stripe);
        let result = client::retrieve(&mut way, &connection(), refund.as_str());
        Called { result: result.map_err(OperationError::Failed), changes_sent: way.sent }
    }

    async fn list(&self, listing: &Listing) -> Called<RefundPage, CallError> {
        self.count(|calls| calls.lists += 1);
        let before = self.script.lock().unwrap().before_list.take();
        if let Some(before) = before {
            before.await;
        }
        let mut way = Way::to(&self.stripe);
        let filter = ListFilter {
            payment: listing.payment.clone(),
            created_from: listing.created_from,
            created_to: None,
            limit: Some(100),
            cursor: listing.cursor.clone(),
        };
        let result = client::list(&mut way, &connection(), &filter);
        Called { result: result.map_err(OperationError::Failed), changes_sent: way.sent }
    }
}
