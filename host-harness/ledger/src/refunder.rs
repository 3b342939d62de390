//! The careful way to make a refund: the component behind a ledger.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use refund_host::api::node::{FailureKind, InvokeError};
use refund_host::{CallError, Node};
use serde_json::Value;

use crate::approval::Wish;
use crate::error::LedgerError;
use crate::journal::{Begun, Journal};
use crate::operation::{Kept, NewOperation, Operation, Outcome};
use crate::state::State;

/// How long to wait for somebody else's work on the same payment.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long a request whose answer was lost may still be carried out. Stripe's own libraries give one up
/// after 80 seconds.
const GRACE: Duration = Duration::from_secs(90);
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// What the component answered: the output of `refunds.create`, or why there is none.
pub type Answer = Result<Value, Failure>;

/// Why the component gave no refund.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The operation failed in the component.
    Operation(InvokeError),
    /// The component did not come to an answer.
    Call(String),
}

/// A refund was not even tried, or its outcome could not be written down.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RefundError {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The operation id is in use for another request.
    #[error(
        "operation `{0}` is in the ledger with another payment, amount, reason or metadata: one id is one refund, choose another for another refund"
    )]
    Conflict(String),
    /// Somebody else works on the payment, and does not come to an end.
    #[error(
        "operation `{0}` on the same payment is being worked on by another process: try again later"
    )]
    Busy(String),
    /// An earlier operation on the payment cannot be settled.
    #[error(
        "nobody knows whether operation `{0}` on the same payment was carried out, and Stripe could not tell: nothing new is sent for this payment until it is settled"
    )]
    Blocked(String),
}

/// What became of an operation.
#[derive(Clone, Debug)]
pub struct Refunded {
    /// As the ledger holds it now.
    pub operation: Operation,
    /// What the component said; absent when the operation had come to its end before.
    pub answer: Option<Answer>,
}

/// Makes refunds through a ledger.
#[derive(Clone)]
pub struct Refunder<J> {
    node: Node,
    connection: Value,
    journal: J,
    grace: Duration,
}

impl<J: Journal> Refunder<J> {
    /// `connection` is the field of that name in every operation's input: base URL and account.
    pub fn new(node: Node, connection: Value, journal: J) -> Self {
        Self { node, connection, journal, grace: GRACE }
    }

    /// For how long after a lost answer "there is no such refund" is not believed.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Makes a refund: written down, sent, settled. Calling again with the same operation makes no
    /// second one, in this process or another, today or in a year.
    pub async fn refund(&self, new: NewOperation) -> Result<Refunded, RefundError> {
        let id = new.id.clone();
        let begun = self.journal.begin(new).await?;
        self.go_on(&id, begun).await
    }

    /// The same for an operation that is written down already.
    pub async fn refund_again(&self, id: &str) -> Result<Refunded, RefundError> {
        let begun = self.journal.begin_again(id).await?;
        self.go_on(id, begun).await
    }

    async fn go_on(&self, id: &str, mut begun: Begun) -> Result<Refunded, RefundError> {
        let start = tokio::time::Instant::now();
        let mut wait = FIRST_WAIT;
        loop {
            match begun {
                Begun::Go { operation, earlier } => return self.send(*operation, earlier).await,
                Begun::Done(operation) => {
                    return Ok(Refunded { operation: *operation, answer: None });
                }
                Begun::Conflict(known) => return Err(RefundError::Conflict(known.id)),
                Begun::Unsettled(ids) => self.settle_first(&ids).await?,
                Begun::Busy { operation } if start.elapsed() > PATIENCE => {
                    return Err(RefundError::Busy(operation));
                }
                Begun::Busy { .. } => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
            begun = self.journal.begin_again(id).await?;
        }
    }

    /// What a crash or a lost answer left open on a payment is settled before anything new is sent.
    async fn settle_first(&self, ids: &[String]) -> Result<(), RefundError> {
        for id in ids {
            match self.journal.begin_again(id).await? {
                Begun::Go { operation, earlier } => {
                    let settled = self.send(*operation, earlier).await?;
                    if settled.operation.state.is_unsettled() {
                        return Err(RefundError::Blocked(id.clone()));
                    }
                }
                // Others on the payment come in their turn; a busy one is waited for by the caller.
                Begun::Done(_) | Begun::Busy { .. } | Begun::Conflict(_) => {}
                Begun::Unsettled(_) => return Err(RefundError::Blocked(id.clone())),
            }
        }
        Ok(())
    }

    /// Calls the component, and writes down what came of it before anybody is told.
    async fn send(
        &self,
        operation: Operation,
        earlier: Option<u64>,
    ) -> Result<Refunded, RefundError> {
        let mut input = operation.input();
        input["connection"] = self.connection.clone();
        let answer = self.node.invoke("refunds.create", &input.to_string()).await;
        let (mut outcome, answer) = read(answer);
        if let Some(earlier) = earlier {
            self.doubt(&mut outcome, &answer, earlier);
        }
        let operation = self.journal.settle(&operation.id, outcome).await?;
        Ok(Refunded { operation, answer: Some(answer) })
    }

    /// An earlier request may have been carried out. That there is no refund is believed only from an
    /// answer that looked for it, and only after a while: the request may still be on its way.
    fn doubt(&self, outcome: &mut Outcome, answer: &Answer, earlier: u64) {
        let none = matches!(outcome.state, State::Refused | State::NeedsApproval | State::Planned);
        let early = now().saturating_sub(earlier) < self.grace.as_secs();
        if none && (early || !looked_for_it(answer)) {
            let said = outcome.detail.take().unwrap_or_default();
            outcome.state = State::OutcomeUnknown;
            outcome.uncertain = Some(earlier);
            outcome.detail =
                Some(format!("an earlier request may have been carried out; now: {said}"));
        }
    }
}

/// What an answer means for the operation.
fn read(answer: Result<Result<String, InvokeError>, CallError>) -> (Outcome, Answer) {
    let unknown = |detail: String| Outcome {
        uncertain: Some(now()),
        ..Outcome::without_refund(State::OutcomeUnknown, detail)
    };
    match answer {
        Ok(Ok(output)) => {
            let made = serde_json::from_str(&output).ok().and_then(made);
            let Some((outcome, output)) = made else {
                let text = "the component's output is no refund".to_owned();
                return (unknown(text.clone()), Err(Failure::Call(text)));
            };
            (outcome, Ok(output))
        }
        Ok(Err(error)) => {
            let outcome = match &error {
                InvokeError::Failed(failure) if failure.kind == FailureKind::OutcomeUnknown => {
                    unknown(failure.message.clone())
                }
                other => not_made(other),
            };
            (outcome, Err(Failure::Operation(error)))
        }
        Err(error @ CallError::NoHttp(_)) => (
            Outcome::without_refund(State::Planned, error.to_string()),
            Err(Failure::Call(error.to_string())),
        ),
        Err(error) => (unknown(error.to_string()), Err(Failure::Call(error.to_string()))),
    }
}

/// A refund that exists.
fn made(output: Value) -> Option<(Outcome, Value)> {
    let refund = Kept::of(&output["refund"])?;
    let fee = &output["verdict"]["fee_kept"]["share"];
    let detail = match output["origin"].as_str() {
        Some("found") => Some("an earlier request had made it"),
        Some("replayed") => Some("Stripe repeated the answer of an earlier request"),
        Some("reconciled") => Some("the answer was lost, the refund was found"),
        _ => None,
    };
    // The verdict was made before the refund.
    let refundable = output["verdict"]["refundable"]["amount"].as_u64();
    let outcome = Outcome {
        state: refund.state(),
        left: refundable.and_then(|refundable| refundable.checked_sub(refund.amount)),
        detail: told(detail, &output["verdict"]["ruling"]),
        request_id: output["request_id"].as_str().map(str::to_owned),
        fee: fee["amount"].as_i64().zip(fee["currency"].as_str().map(str::to_owned)),
        refund: Some(refund),
        ..Outcome::of(State::Pending)
    };
    Some((outcome, output))
}

/// How the refund came about, and which rule of which policy let it pass.
fn told(detail: Option<&str>, ruling: &Value) -> Option<String> {
    let by = ruling["rule"].as_str().map(|rule| {
        let text = |name: &str| ruling[name].as_str().unwrap_or_default();
        format!("by rule {rule} of {} {} ({})", text("policy"), text("version"), text("hash"))
    });
    match (detail, by) {
        (Some(detail), Some(by)) => Some(format!("{detail}; {by}")),
        (detail, by) => detail.map(str::to_owned).or(by),
    }
}

/// What somebody must agree to, out of the error of `refunds.create`.
fn wish(details: &Value) -> Option<Wish> {
    let verdict = &details["verdict"];
    let needed = verdict["ruling"]["approvals"]
        .as_u64()
        .map_or(Some(1), |count| u8::try_from(count).ok())?;
    Some(Wish {
        request_hash: details["request_hash"].as_str()?.to_owned(),
        amount: verdict["amount"]["amount"].as_u64()?,
        currency: verdict["amount"]["currency"].as_str()?.to_owned(),
        needed: needed.max(1),
        verdict: verdict.to_string(),
    })
}

/// There certainly is no refund.
fn not_made(error: &InvokeError) -> Outcome {
    match error {
        InvokeError::InvalidInput(problems) => {
            let texts = problems
                .iter()
                .map(|problem| format!("{} {}: {}", problem.field, problem.problem, problem.fix));
            Outcome::without_refund(State::Refused, texts.collect::<Vec<_>>().join("; "))
        }
        InvokeError::UnknownOperation(_) => {
            Outcome::without_refund(State::Planned, "the component has no refunds.create")
        }
        InvokeError::Failed(failure) => {
            let details: Value = serde_json::from_str(&failure.details).unwrap_or_default();
            let wish = wish(&details);
            let state = match failure.kind {
                // An approval of something else: the verdict may be to go on, to ask, or to ask more people.
                FailureKind::NeedsApproval | FailureKind::Conflict if wish.is_some() => {
                    State::NeedsApproval
                }
                FailureKind::NeedsApproval => State::NeedsApproval,
                _ if failure.retryable || is_about_the_key(&failure.details) => State::Planned,
                _ => State::Refused,
            };
            let told =
                told(Some(&failure.message), &details["verdict"]["ruling"]).unwrap_or_default();
            Outcome {
                request_id: details["request_id"].as_str().map(str::to_owned),
                wish,
                denied: failure.kind == FailureKind::Denied,
                ..Outcome::without_refund(state, told)
            }
        }
    }
}

/// Whether an answer without a refund comes from beyond the point where the payment's refunds were read:
/// a verdict on them, or Stripe's own no to the request that makes the refund. An id that is not found
/// or a key without rights tells nothing.
fn looked_for_it(answer: &Answer) -> bool {
    let Err(Failure::Operation(InvokeError::Failed(failure))) = answer else { return false };
    match failure.kind {
        FailureKind::Denied | FailureKind::NeedsApproval | FailureKind::Conflict => true,
        FailureKind::Refused => {
            let details: Value = serde_json::from_str(&failure.details).unwrap_or_default();
            matches!(details["kind"].as_str(), Some("invalid_request" | "card"))
        }
        _ => false,
    }
}

/// A wrong key is no fault of the operation: with the right one it can go on.
fn is_about_the_key(details: &str) -> bool {
    let details: Value = serde_json::from_str(details).unwrap_or_default();
    matches!(details["kind"].as_str(), Some("authentication" | "permission"))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
