//! The component without its sandbox: the core's own sequences, over a network whose requests take virtual time.
//!
//! The sequences are synchronous. At a request that has no answer yet they are ended, the answer is waited for, and they
//! run again from the start with the answers so far: they are pure, so they come to the same place.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use refund_app::component::{
    Attempt, Interpreted, Listing, Question, RawDelivery, Unreadable, Webhooks,
};
use refund_app::{Called, Component, OperationError};
use refund_core::client::{
    self, CallError, Checked, Connection, ConnectionInput, CreateError, CreateRequest, Created,
    HttpRequest, ListFilter, Previewed, RefundPage, SendFailure, Transport, TransportKind,
};
use refund_core::eligibility::Amount;
use refund_core::followups::{self, Options};
use refund_core::id::{PaymentRef, RefundId};
use refund_core::model::{Reason, Refund};
use refund_core::policy::{Ask, Rules};
use refund_core::problem::FieldProblem;
use refund_core::secret::Secret;
use refund_core::webhook::{self, Event, VerifyError, VerifyOptions};
use refund_core::wire::Answer;
use refund_core::wire::requests::Method;
use refund_ledger::MerchantRules;
use refund_simulator::PlainRequest;

use crate::executor::{Micros, ProcessId, SECOND};
use crate::planted::Planted;
use crate::weather::MILLI;
use crate::world::Shared;

/// How long a call may take, as the host limits it.
const LONGEST_CALL: Micros = 300 * SECOND;
/// The largest page of Stripe's.
const FULL_PAGE: u8 = 100;
/// Scheme and host of Stripe.
const BASE: &str = "https://api.stripe.com";

/// The component in one process.
#[derive(Clone)]
pub(crate) struct Native {
    world: Arc<Shared>,
    process: ProcessId,
}

/// Something that a sequence waited for.
enum Step {
    Answered(Result<Answer, SendFailure>),
    Slept,
}

/// What a sequence waits for.
enum Wanted {
    Send(HttpRequest),
    Sleep(Duration),
}

/// The steps so far; what comes after them is wanted.
struct Replay<'a> {
    steps: &'a [(Step, u64)],
    at: Cell<usize>,
    /// The wall clock when the call began.
    start: u64,
    wanted: Option<Wanted>,
}

impl Transport for Replay<'_> {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        let ended = || SendFailure { kind: TransportKind::Denied, detail: "ended here".to_owned() };
        if self.wanted.is_some() {
            return Err(ended());
        }
        match self.steps.get(self.at.get()) {
            Some((Step::Answered(answer), _)) => {
                self.at.set(self.at.get() + 1);
                answer.clone()
            }
            Some((Step::Slept, _)) => panic!("the sequence is not pure: it slept here before"),
            None => {
                self.wanted = Some(Wanted::Send(request.clone()));
                Err(ended())
            }
        }
    }

    fn now(&self) -> u64 {
        let last = self.at.get().checked_sub(1).and_then(|at| self.steps.get(at));
        last.map_or(self.start, |(_, clock)| *clock)
    }

    fn sleep(&mut self, duration: Duration) {
        if self.wanted.is_some() {
            return;
        }
        match self.steps.get(self.at.get()) {
            Some((Step::Slept, _)) => self.at.set(self.at.get() + 1),
            Some((Step::Answered(_), _)) => panic!("the sequence is not pure: it sent here before"),
            None => self.wanted = Some(Wanted::Sleep(duration)),
        }
    }
}

impl Native {
    pub(crate) fn new(world: Arc<Shared>, process: ProcessId) -> Self {
        Self { world, process }
    }

    /// A request as the host sends it.
    fn outgoing(&self, request: &HttpRequest, step: usize) -> PlainRequest {
        let mut request = plain(request);
        if self.world.has(Planted::NewKeyEachRequest)
            && let Some(key) = request.headers.get_mut("idempotency-key")
        {
            *key = format!("{key}-{step}");
        }
        request
    }

    /// Makes a refund where none is to be made, as planted.
    async fn make_refund(&self, payment: &PaymentRef, operation: &str) {
        let parameter = match payment {
            PaymentRef::Charge(_) => "charge",
            PaymentRef::PaymentIntent(_) => "payment_intent",
        };
        let body = format!("{parameter}={payment}&metadata[refund_node_operation]={operation}");
        let authorization = format!("Bearer {}", refund_simulator::TEST_KEY);
        let headers = [("authorization".to_owned(), authorization)].into();
        let (method, path) = ("POST".to_owned(), "/v1/refunds".to_owned());
        self.world.exchange(PlainRequest { method, path, headers, body }).await;
    }

    async fn call<T, E>(
        &self,
        run: impl Fn(&mut Replay<'_>) -> Result<T, E> + Send,
    ) -> Called<T, E> {
        let world = &self.world;
        let weather = world.weather();
        // A trap, a limit, an answer that cannot be read: at the beginning, in the middle, or instead of the answer.
        let dies_at =
            world.executor.draw(|random| (random.f64() < weather.trap).then(|| random.usize(..4)));
        let begun = world.executor.now();
        let start = world.unix_now(self.process);
        let mut changes_sent = 0;
        let mut steps: Vec<(Step, u64)> = Vec::new();
        loop {
            let is_late = world.executor.now() - begun > LONGEST_CALL;
            if is_late || dies_at == Some(steps.len()) {
                return no_answer(changes_sent);
            }
            let mut replay = Replay { steps: &steps, at: Cell::new(0), start, wanted: None };
            let ended = run(&mut replay);
            let step = match replay.wanted {
                None if dies_at.is_some() => return no_answer(changes_sent),
                None => {
                    return Called { result: ended.map_err(OperationError::Failed), changes_sent };
                }
                Some(Wanted::Send(request)) => {
                    let is_change = request.method == Method::Post;
                    // Counted before it leaves, as the host counts: what becomes of the call does not matter.
                    let exchanged = world.exchange(self.outgoing(&request, steps.len())).await;
                    let is_counted = is_change && !world.has(Planted::ChangesNotCounted);
                    changes_sent += u32::from(is_counted && exchanged.has_left);
                    Step::Answered(exchanged.answer)
                }
                Some(Wanted::Sleep(duration)) => {
                    let time = Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX);
                    world.pass(time..time + MILLI).await;
                    Step::Slept
                }
            };
            steps.push((step, world.unix_now(self.process)));
        }
    }
}

fn no_answer<T, E>(changes_sent: u32) -> Called<T, E> {
    let result = Err(OperationError::NoAnswer("the component was stopped".to_owned()));
    Called { result, changes_sent }
}

fn plain(request: &HttpRequest) -> PlainRequest {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    let mut headers: std::collections::BTreeMap<_, _> =
        request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    // As the host adds it.
    headers.insert("authorization".to_owned(), format!("Bearer {}", refund_simulator::TEST_KEY));
    let body = request
        .body
        .as_ref()
        .map_or_else(String::new, |body| String::from_utf8_lossy(body.as_bytes()).into_owned());
    let path = request.url.strip_prefix(BASE).unwrap_or(&request.url).to_owned();
    PlainRequest { method: method.to_owned(), path, headers, body }
}

fn connection() -> Connection {
    Connection::new(ConnectionInput::default()).expect("nothing is given that could be wrong")
}

fn rules(rules: &MerchantRules) -> Result<Rules, Vec<FieldProblem>> {
    Rules::either(rules.policy.clone().unwrap_or_default(), rules.document.clone())
}

/// What `refunds.create` makes of its input.
fn create_request(attempt: &Attempt) -> Result<CreateRequest, CreateError> {
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

impl Native {
    async fn create_once(
        &self,
        request: &Result<CreateRequest, CreateError>,
    ) -> Called<Created, CreateError> {
        let connection = connection();
        self.call(|transport| {
            client::create(transport, &connection, request.as_ref().map_err(Clone::clone)?)
        })
        .await
    }
}

impl Component for Native {
    async fn create(&self, attempt: &Attempt) -> Called<Created, CreateError> {
        self.world.judge_attempt(attempt);
        let mut request = create_request(attempt);
        if let Ok(request) = &mut request
            && self.world.has(Planted::RulesNotApplied)
        {
            request.rules = Rules::default();
        }
        let called = self.create_once(&request).await;
        if self.world.has(Planted::ApprovesItself)
            && let Ok(request) = request
            && let Err(OperationError::Failed(CreateError::NeedsApproval(asked))) = &called.result
        {
            let approval = Some(asked.request_hash.clone());
            return self.create_once(&Ok(CreateRequest { approval, ..request })).await;
        }
        called
    }

    async fn preview(&self, attempt: &Attempt, earlier: &[u64]) -> Called<Previewed, CreateError> {
        if self.world.has(Planted::PlanMakesRefunds) {
            self.make_refund(&attempt.request.payment, attempt.request.operation.as_str()).await;
        }
        let request = create_request(attempt);
        let connection = connection();
        self.call(|transport| {
            client::preview(
                transport,
                &connection,
                request.as_ref().map_err(Clone::clone)?,
                earlier,
            )
        })
        .await
    }

    async fn check(&self, question: &Question) -> Called<Checked, CallError> {
        let ask = Ask {
            amount: question.amount,
            reason: question.reason.clone(),
            self_serve: question.rules.self_serve,
        };
        let rules = rules(&question.rules);
        let connection = connection();
        self.call(|transport| {
            let rules = rules.as_ref().map_err(Clone::clone)?;
            client::check_live(transport, &connection, &question.payment, &ask, rules)
        })
        .await
    }

    async fn retrieve(&self, refund: &RefundId) -> Called<Refund, CallError> {
        let connection = connection();
        self.call(|transport| client::retrieve(transport, &connection, refund.as_str())).await
    }

    async fn list(&self, listing: &Listing) -> Called<RefundPage, CallError> {
        let connection = connection();
        let filter = ListFilter {
            payment: listing.payment.clone(),
            created_from: listing.created_from,
            created_to: None,
            limit: Some(FULL_PAGE),
            cursor: listing.cursor.clone(),
        };
        let mut listed = self.call(|transport| client::list(transport, &connection, &filter)).await;
        if let Ok(page) = &mut listed.result {
            match &listing.payment {
                Some(_) if self.world.has(Planted::ListsNothing) => page.refunds.clear(),
                None if self.world.has(Planted::ListsTooLittle) && !page.refunds.is_empty() => {
                    page.refunds.remove(0);
                }
                Some(payment) if self.world.has(Planted::LookupMakesRefund) => {
                    self.make_refund(payment, "looked-up").await;
                }
                _ => {}
            }
        }
        listed
    }
}

impl Webhooks for Native {
    async fn verify(
        &self,
        delivery: RawDelivery<'_>,
        secrets: &[Secret],
        tolerance_secs: u32,
        now: u64,
    ) -> Result<(), OperationError<VerifyError>> {
        if self.world.has(Planted::EverySignatureHolds) {
            return Ok(());
        }
        let options = VerifyOptions { tolerance: Some(tolerance_secs), future_tolerance: None };
        webhook::verify(delivery.body, delivery.header, secrets, options, now)?;
        Ok(())
    }

    async fn parse(&self, payload: &str) -> Result<Event, OperationError<Unreadable>> {
        let unreadable = |error: webhook::ParseError| Unreadable(error.to_string());
        Ok(webhook::parse(payload.as_bytes()).map_err(unreadable)?)
    }

    async fn interpret(
        &self,
        event: &Event,
        options: &Options,
    ) -> Result<Interpreted, OperationError<Unreadable>> {
        let action = webhook::interpret(event);
        let follow_ups = followups::of_action(&action, options);
        Ok(Interpreted { action, follow_ups })
    }
}
