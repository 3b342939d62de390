//! Asking for refunds, and executing what was approved.

use std::time::Duration;

use refund_core::id::{OperationId, PaymentRef};
use refund_core::request::Request;
use refund_ledger::{Fingerprint, LedgerError, MerchantRules, Operation, State, Store, Tx};

use crate::application::Application;
use crate::caller::Caller;
use crate::component::{Attempt, Component};
use crate::lookups::{PaymentNames, WorkGuard};
use crate::outcome::{self, Outcome, OutcomeKind, Standing};
use crate::rules::admission::{Admitted, admit};
use crate::rules::approval::{self, DecideError};
use crate::rules::attempt::{AttemptStart, OpenAttempt, begin};
use crate::rules::reading::{self, EarlierRequest};
use crate::rules::{seen, settlement, turn};
use crate::runtime::Runtime;

pub(crate) const FIRST_WAIT: Duration = Duration::from_millis(10);
pub(crate) const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// One refund that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What is asked for.
    pub request: Request,
    /// The merchant's rules in force.
    pub rules: MerchantRules,
}

/// The ledger failed before an outcome could be read back from it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AskError {
    /// Nothing was sent by this call.
    #[error("{0}. Nothing was sent by this call.")]
    Ledger(#[from] LedgerError),
    /// No request left, and an earlier one is unsettled.
    #[error(
        "{error}. An earlier request for operation `{operation}` may have made its refund. Ask again with the same operation id once the ledger can be used; never use a new id."
    )]
    Unsettled {
        /// Which operation.
        operation: OperationId,
        /// Why this call could not go on.
        error: LedgerError,
    },
    /// A request left, or may have left, and what became of it could not be recorded.
    #[error(
        "{error}. A request for operation `{operation}` had left before, so the refund may have been made ({said}). Ask again with the same operation id once the ledger can be used; never use a new id."
    )]
    NotRecorded {
        /// Which operation.
        operation: OperationId,
        /// What the answer was.
        said: String,
        /// Why it could not be recorded.
        error: LedgerError,
    },
}

impl AskError {
    /// The row of the table.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Ledger(_) => OutcomeKind::LedgerFailed,
            Self::Unsettled { .. } | Self::NotRecorded { .. } => OutcomeKind::Unknown,
        }
    }
}

/// What the first transaction of a call came to.
enum FirstStep {
    Started(AttemptStart, OperationId, Fingerprint),
    Refused(Box<Operation>, Standing),
}

/// What is left to do for an operation.
enum Clearance {
    /// Send it.
    Free(Box<OpenAttempt>, Vec<Operation>),
    /// Nothing: this is its outcome.
    Ends(Box<Outcome>),
}

impl Clearance {
    fn ends(outcome: Outcome) -> Self {
        Self::Ends(Box::new(outcome))
    }
}

impl<C: Component, S: Store, R: Runtime> Application<C, S, R> {
    /// Asks for a refund: recorded, sent, settled. Asking again with the same operation id makes no second one, in this
    /// process or another, today or in a year.
    ///
    /// # Errors
    /// When the ledger failed; the error says whether a request had left.
    pub async fn ask(&self, ask: Ask, caller: &Caller) -> Result<Outcome, AskError> {
        let (wanted, payment) = (ask.request.operation.clone(), ask.request.payment.clone());
        let (rules, who) = (ask.rules.clone(), caller.clone());
        let entered = self.write(move |tx, now| {
            let (operation, standing) = match admit(tx, ask.request, ask.rules.clone(), &who, now)? {
                Admitted::New(one) | Admitted::Known(one) | Admitted::Corrected(one) => {
                    let (id, print) = (one.id().clone(), one.fingerprint.clone());
                    let begun = begin(tx, &id, Some(&print), Some(&ask.rules), &[], &who, now)?;
                    return Ok(FirstStep::Started(begun, id, print));
                }
                Admitted::Conflict(known) => {
                    let standing = conflict(&known);
                    (known, standing)
                }
                Admitted::Waits { operation, approval } => {
                    let detail = format!(
                        "it waits as {} with other values; end that with `refund-node approvals expire {}`, then ask again",
                        approval.id, approval.id
                    );
                    (operation, Standing::Conflict(detail))
                }
            };
            Ok(FirstStep::Refused(operation, standing))
        });
        match entered.await {
            Err(error) => Err(self.ledger_failed(wanted, Some(payment), error).await),
            Ok(FirstStep::Refused(operation, standing)) => Ok(Self::unsent(*operation, standing)),
            Ok(FirstStep::Started(begun, id, print)) => {
                let wanted = AttemptOptions {
                    id,
                    print: Some(print),
                    rules: Some(rules),
                    refresh: true,
                    elsewhere: Vec::new(),
                };
                self.go_on(wanted, begun, caller).await
            }
        }
    }

    /// What a failure of the ledger means. It may still be readable, and hold that a refund may have been made.
    async fn ledger_failed(
        &self,
        id: OperationId,
        payment: Option<PaymentRef>,
        error: LedgerError,
    ) -> AskError {
        let unsettled = self.store.read(move |tx| {
            let held = tx.operation(&id)?;
            if held.as_ref().is_some_and(|held| held.state.is_unsettled()) {
                return Ok(Some(id));
            }
            let payment = payment.or_else(|| held.map(|held| held.payment().clone()));
            let Some(payment) = payment else { return Ok(None) };
            let payment = tx.payment_key(&payment)?;
            Ok(tx.unsettled_on(&payment, &id)?.into_iter().next())
        });
        match unsettled.await {
            Ok(Some(operation)) => AskError::Unsettled { operation, error },
            _ => AskError::Ledger(error),
        }
    }

    /// The same for an operation that the ledger holds. `rules` are those in force; absent to keep those of the last
    /// attempt.
    ///
    /// # Errors
    /// When the ledger failed; the error says whether a request had left.
    pub async fn ask_again(
        &self,
        id: &OperationId,
        rules: Option<MerchantRules>,
        caller: &Caller,
    ) -> Result<Outcome, AskError> {
        let wanted = AttemptOptions {
            id: id.clone(),
            print: None,
            rules,
            refresh: false,
            elsewhere: Vec::new(),
        };
        match self.begin(&wanted, caller).await {
            Ok(begun) => self.go_on(wanted, begun, caller).await,
            Err(error) => Err(self.ledger_failed(id.clone(), None, error).await),
        }
    }

    /// Executes an approved approval under the rules in force: everything is checked again.
    pub async fn execute(
        &self,
        approval: &str,
        rules: Option<MerchantRules>,
        caller: &Caller,
    ) -> Result<Result<Outcome, AskError>, DecideError> {
        let (id, runtime) = (approval.to_owned(), self.runtime.clone());
        let executable = move |tx: &mut dyn Tx| approval::executable(tx, &id, runtime.now());
        let approval = self.store.read(executable).await??;
        Ok(self.ask_again(&approval.operation, rules, caller).await)
    }

    async fn begin(
        &self,
        wanted: &AttemptOptions,
        caller: &Caller,
    ) -> Result<AttemptStart, LedgerError> {
        let AttemptOptions { id, print, rules, elsewhere, .. } = wanted.clone();
        let who = caller.clone();
        self.write(move |tx, now| {
            begin(tx, &id, print.as_ref(), rules.as_ref(), &elsewhere, &who, now)
        })
        .await
    }

    async fn go_on(
        &self,
        wanted: AttemptOptions,
        begun: AttemptStart,
        caller: &Caller,
    ) -> Result<Outcome, AskError> {
        let id = wanted.id.clone();
        match self.make_way(wanted, begun, caller).await {
            Ok(Clearance::Free(under_way, also_settled)) => {
                self.send(*under_way, also_settled, caller).await
            }
            Ok(Clearance::Ends(outcome)) => Ok(*outcome),
            Err(AskError::Ledger(error)) => Err(self.ledger_failed(id, None, error).await),
            Err(error) => Err(error),
        }
    }

    /// Finds out about what is in the way of an operation, until it may be sent or there is an outcome.
    async fn make_way(
        &self,
        mut wanted: AttemptOptions,
        mut begun: AttemptStart,
        caller: &Caller,
    ) -> Result<Clearance, AskError> {
        let start = self.runtime.elapsed();
        let mut wait = FIRST_WAIT;
        let mut also_settled = Vec::new();
        loop {
            match begun {
                AttemptStart::Go(under_way) => {
                    return Ok(Clearance::Free(under_way, also_settled));
                }
                AttemptStart::Settled(operation) => {
                    let settled = self.settled_before(*operation, also_settled, &wanted, caller);
                    return settled.await.map(Clearance::ends);
                }
                AttemptStart::Conflict(operation) => {
                    let standing = conflict(&operation);
                    return Ok(Clearance::ends(Self::unsent(*operation, standing)));
                }
                AttemptStart::Unsettled(ids) => {
                    for id in ids {
                        match self.find_out(&id, caller).await? {
                            Some(earlier) if earlier.state.is_unsettled() => {
                                let blocked = self.blocked(&wanted, &earlier, also_settled);
                                return blocked.await.map(Clearance::ends);
                            }
                            Some(earlier) => also_settled.push(earlier),
                            None => {}
                        }
                    }
                }
                AttemptStart::OtherNames(ids) => {
                    for id in ids {
                        let other = self.held(&id).await?;
                        match self.name_payment(other.payment().clone()).await? {
                            PaymentNames::Both => {}
                            PaymentNames::Alone => wanted.elsewhere.push(id),
                            PaymentNames::Unread => {
                                let seen = Standing::Unread(id);
                                return self
                                    .in_the_way(&wanted, seen, also_settled)
                                    .await
                                    .map(Clearance::ends);
                            }
                        }
                    }
                }
                AttemptStart::Busy { operation }
                    if self.runtime.elapsed().saturating_sub(start) > self.settings.patience =>
                {
                    let seen = Standing::Busy(operation);
                    return self.in_the_way(&wanted, seen, also_settled).await.map(Clearance::ends);
                }
                AttemptStart::Busy { .. } => {
                    self.runtime.sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
            begun = self.begin(&wanted, caller).await?;
        }
    }

    /// Calls the component, and records what came of it before anything is answered.
    async fn send(
        &self,
        under_way: OpenAttempt,
        also_settled: Vec<Operation>,
        caller: &Caller,
    ) -> Result<Outcome, AskError> {
        let OpenAttempt { operation, rules, earlier, approval } = under_way;
        let id = operation.id().clone();
        let mut working = WorkGuard::on(&self.store, &id);
        let attempt = Attempt { request: operation.request, rules, approval };
        let begun = self.runtime.now();
        let answer = self.component.create(&attempt).await;
        let made = answer.result.as_ref().ok();
        let (refund, attempts) =
            (made.map(|made| made.refund.clone()), made.map_or(0, |made| made.attempts));
        let may_have_left = answer.changes_sent > 0 || earlier.is_some();
        let grace = self.settings.grace_secs;
        // The payment may have been read as soon as the call began; a request may have left until it ended.
        let earlier =
            earlier.map(|at| EarlierRequest { at, is_over: begun.saturating_sub(at) >= grace });
        let reading = reading::read(answer, earlier, self.runtime.now());
        let said = reading.detail.clone().unwrap_or_else(|| reading.state.to_string());
        let (wanted, who, approval_secs) =
            (id.clone(), caller.clone(), self.settings.approval_secs);
        let recorded = self.write(move |tx, now| {
            let settled = settlement::settle(tx, &wanted, &reading, approval_secs, &who, now)?;
            let approval = tx.last_approval(&wanted)?;
            Ok((settled, approval))
        });
        match recorded.await {
            Ok((operation, approval)) => {
                working.is_freed = true;
                let approval = approval.filter(|approval| approval.state.is_live());
                let standing = Standing::of(&operation, approval, true, self.settings.grace_secs);
                Ok(Outcome { operation, standing, refund, attempts, also_settled })
            }
            Err(error) if may_have_left => {
                Err(AskError::NotRecorded { operation: id, said, error })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The outcome of an operation that was settled before. Its refund is read again where the caller wants to know: it
    /// may have failed by now.
    async fn settled_before(
        &self,
        mut operation: Operation,
        also_settled: Vec<Operation>,
        wanted: &AttemptOptions,
        caller: &Caller,
    ) -> Result<Outcome, AskError> {
        let mut refund = None;
        if let Some(known) = operation.refund.as_ref().filter(|_| wanted.refresh) {
            refund = self.component.retrieve(&known.id).await.result.ok();
        }
        if let Some(seen_now) = refund.clone() {
            let (id, who) = (operation.id().clone(), caller.clone());
            let read_back = self.write(move |tx, now| {
                seen::see(tx, &seen_now, &who, now)?;
                tx.operation(&id)
            });
            operation = read_back.await?.unwrap_or(operation);
        }
        let standing = Standing::of(&operation, None, false, self.settings.grace_secs);
        Ok(Outcome { operation, standing, refund, attempts: 0, also_settled })
    }

    /// An earlier operation on the payment cannot be settled yet.
    async fn blocked(
        &self,
        wanted: &AttemptOptions,
        earlier: &Operation,
        also_settled: Vec<Operation>,
    ) -> Result<Outcome, AskError> {
        let definite_from = outcome::definite_from(earlier, self.settings.grace_secs);
        let seen = Standing::Blocked { operation: earlier.id().clone(), definite_from };
        self.in_the_way(wanted, seen, also_settled).await
    }

    /// The outcome of an operation that something was in the way of. It may have been gone since, and another process or an
    /// event may have moved the operation: then the answer is how it stands.
    async fn in_the_way(
        &self,
        wanted: &AttemptOptions,
        seen: Standing,
        also_settled: Vec<Operation>,
    ) -> Result<Outcome, AskError> {
        let operation = self.held(&wanted.id).await?;
        let state = operation.state;
        let standing = if wanted.is_of_another(&operation) {
            conflict(&operation)
        } else if state.is_unsettled() || state.has_refund() || state == State::Canceled {
            Standing::of(&operation, None, false, self.settings.grace_secs)
        } else {
            seen
        };
        Ok(Outcome { also_settled, ..Self::unsent(operation, standing) })
    }

    /// An outcome of a call that did not reach the component.
    fn unsent(operation: Operation, standing: Standing) -> Outcome {
        Outcome { operation, standing, refund: None, attempts: 0, also_settled: Vec::new() }
    }
}

/// The operation id has other values.
fn conflict(operation: &Operation) -> Standing {
    if turn::holder().is_ok_and(|holder| holder == *operation.id()) {
        let taken = "pipelines hold their turn under it; choose another operation id";
        return Standing::Conflict(taken.to_owned());
    }
    Standing::Conflict(
        "the ledger has it with another payment, amount, reason or metadata, and that one was sent, refunded or called off"
            .to_owned(),
    )
}

/// What a call wants of an operation.
#[derive(Clone)]
struct AttemptOptions {
    id: OperationId,
    /// The request that the caller asked for; absent for whoever takes what the ledger holds.
    print: Option<Fingerprint>,
    rules: Option<MerchantRules>,
    /// Whether a refund that exists is read again.
    refresh: bool,
    /// Unsettled operations that are known to be on other payments.
    elsewhere: Vec<OperationId>,
}

impl AttemptOptions {
    /// Whether the operation was corrected in the meantime: it is not what the caller asked for.
    fn is_of_another(&self, operation: &Operation) -> bool {
        self.print.as_ref().is_some_and(|print| *print != operation.fingerprint)
    }
}
