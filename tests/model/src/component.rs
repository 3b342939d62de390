//! The component without its sandbox: the sequences of `refund_core::client`, over the answers of a tape.

use std::time::Duration;

use refund_app::component::{Attempt, Component, Listing, Question};
use refund_app::{Called, OperationError};
use refund_core::client::{
    self, CallError, Checked, Connection, ConnectionInput, CreateError, CreateRequest, Created,
    HttpRequest, ListFilter, Previewed, RefundPage, SendFailure, Transport, TransportKind,
};
use refund_core::eligibility::Amount;
use refund_core::id::RefundId;
use refund_core::metadata::OPERATION_KEY;
use refund_core::model::{Reason, Refund};
use refund_core::policy::{Ask, Rules};
use refund_core::wire::Answer;
use refund_ledger::MerchantRules;

use crate::fault::Fault;
use crate::stripe::Reply;
use crate::tape::{Replied, Tape};

/// The component of one call.
#[derive(Clone, Debug)]
pub struct Native {
    tape: Tape,
    surroundings: Surroundings,
    /// The operation of the call.
    operation: Option<&'static str>,
}

/// What surrounds the rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings {
    /// How often a request may be repeated.
    pub max_retries: u8,
    /// A bug.
    pub fault: Option<Fault>,
}

impl Native {
    /// The component over a tape.
    pub fn new(tape: Tape, surroundings: Surroundings, operation: Option<&'static str>) -> Self {
        Self { tape, surroundings, operation }
    }

    fn has(&self, fault: Fault) -> bool {
        self.surroundings.fault == Some(fault)
    }

    fn connection(&self) -> Result<Connection, OperationError<CallError>> {
        let input = ConnectionInput {
            max_retries: Some(self.surroundings.max_retries),
            ..ConnectionInput::default()
        };
        Connection::new(input).map_err(|problems| OperationError::Failed(problems.into()))
    }

    /// Runs a sequence of requests. The sequence is begun anew for each answer that comes.
    async fn call<T, E>(
        &self,
        sequence: impl Fn(&mut Script) -> Result<T, E> + Send,
    ) -> Called<T, E> {
        let mut script = Script::begin(self.tape.now());
        loop {
            let result = sequence(&mut script).map_err(OperationError::Failed);
            let changes_sent = script.changes_sent;
            let Some(mut wanted) = script.wanted.take() else {
                return Called { result, changes_sent };
            };
            if self.has(Fault::KeyNotKept) {
                change_key(&mut wanted, script.begun);
            }
            let mut replied = self.tape.reply(&wanted).await;
            if self.has(Fault::LostTakenForUnsent) && replied.reply == Reply::Lost {
                replied.reply = Reply::NotReached;
            }
            if matches!(replied.reply, Reply::Stopped { .. }) {
                let what = "the component was stopped".to_owned();
                let changes_sent = changes_sent + u32::from(replied.may_have_changed());
                return Called { result: Err(OperationError::NoAnswer(what)), changes_sent };
            }
            script.rewind(replied);
        }
    }
}

/// A transport over the answers that came so far. It counts the requests that change something, as the host does.
struct Script {
    answers: Vec<Replied>,
    given: usize,
    now: u64,
    begun: u64,
    wanted: Option<HttpRequest>,
    changes_sent: u32,
}

impl Script {
    fn begin(now: u64) -> Self {
        Self { answers: Vec::new(), given: 0, now, begun: now, wanted: None, changes_sent: 0 }
    }

    /// Begins anew, with one more answer.
    fn rewind(&mut self, answer: Replied) {
        self.answers.push(answer);
        (self.given, self.now, self.changes_sent) = (0, self.begun, 0);
    }
}

impl Transport for Script {
    fn send(&mut self, request: &HttpRequest) -> Result<Answer, SendFailure> {
        let Some(replied) = self.answers.get(self.given) else {
            // The sequence ends here; what it says is not looked at. The first request is the one that counts.
            self.wanted.get_or_insert_with(|| request.clone());
            return Err(failure(TransportKind::Denied));
        };
        self.given += 1;
        self.now = replied.at;
        self.changes_sent += u32::from(replied.may_have_changed());
        match &replied.reply {
            Reply::Answered(answer) => Ok(answer.whole()),
            Reply::NotReached => Err(failure(TransportKind::Connect)),
            Reply::Lost | Reply::Stopped { .. } => Err(failure(TransportKind::Timeout)),
        }
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn sleep(&mut self, _: Duration) {}
}

/// A bug: the key follows from when the call began.
fn change_key(request: &mut HttpRequest, begun: u64) {
    for (name, value) in &mut request.headers {
        if *name == "idempotency-key" {
            *value = format!("{value}-{begun}");
        }
    }
}

/// A bug: what no operation made is taken for the refund of the one that is looked up, whatever its amount.
fn take_foreign(page: Option<&mut RefundPage>, operation: &str) {
    for refund in page.into_iter().flat_map(|page| &mut page.refunds) {
        let names = &mut refund.metadata.0;
        if !names.contains_key(OPERATION_KEY) {
            names.insert(OPERATION_KEY.to_owned(), operation.to_owned());
            refund.amount = ASKED_CENTS;
        }
    }
}

/// What the operation of the bound `dashboard` asks for: a refund of another amount is not taken for its own.
const ASKED_CENTS: u64 = 6_000;

fn failure(kind: TransportKind) -> SendFailure {
    SendFailure { kind, detail: "of the model".to_owned() }
}

fn rules(merchant: &MerchantRules) -> Result<Rules, CallError> {
    Rules::either(merchant.policy.clone().unwrap_or_default(), merchant.document.clone())
        .map_err(CallError::from)
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

fn nothing_sent<T, E: From<CallError>>(error: OperationError<CallError>) -> Called<T, E> {
    let error = match error {
        OperationError::Failed(error) => OperationError::Failed(error.into()),
        OperationError::NoAnswer(what) => OperationError::NoAnswer(what),
    };
    Called { result: Err(error), changes_sent: 0 }
}

impl Component for Native {
    async fn create(&self, attempt: &Attempt) -> Called<Created, CreateError> {
        let connection = match self.connection() {
            Ok(connection) => connection,
            Err(error) => return nothing_sent(error),
        };
        self.call(|script| client::create(script, &connection, &request(attempt)?)).await
    }

    async fn preview(&self, attempt: &Attempt, earlier: &[u64]) -> Called<Previewed, CreateError> {
        let connection = match self.connection() {
            Ok(connection) => connection,
            Err(error) => return nothing_sent(error),
        };
        self.call(|script| client::preview(script, &connection, &request(attempt)?, earlier)).await
    }

    async fn check(&self, question: &Question) -> Called<Checked, CallError> {
        let connection = match self.connection() {
            Ok(connection) => connection,
            Err(error) => return nothing_sent(error),
        };
        let ask = Ask {
            amount: question.amount,
            reason: question.reason.clone(),
            self_serve: question.rules.self_serve,
        };
        self.call(|script| {
            let rules = rules(&question.rules)?;
            client::check_live(script, &connection, &question.payment, &ask, &rules)
        })
        .await
    }

    async fn retrieve(&self, refund: &RefundId) -> Called<Refund, CallError> {
        let connection = match self.connection() {
            Ok(connection) => connection,
            Err(error) => return nothing_sent(error),
        };
        self.call(|script| client::retrieve(script, &connection, refund.as_str())).await
    }

    async fn list(&self, listing: &Listing) -> Called<RefundPage, CallError> {
        let connection = match self.connection() {
            Ok(connection) => connection,
            Err(error) => return nothing_sent(error),
        };
        let filter = ListFilter {
            payment: listing.payment.clone(),
            created_from: listing.created_from,
            created_to: None,
            limit: Some(100),
            cursor: listing.cursor.clone(),
        };
        let mut listed = self.call(|script| client::list(script, &connection, &filter)).await;
        if let (true, Some(operation)) = (self.has(Fault::ForeignRefundTaken), self.operation) {
            take_foreign(listed.result.as_mut().ok(), operation);
        }
        listed
    }
}
