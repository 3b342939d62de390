//! Pipelines through the ledger.
//!
//! A pipeline computes what is fair and plans it, as a dry run that changes nothing. Each planned refund is then asked for
//! here like every other refund: recorded before it is sent, alone on its payment, approved by recorded votes.
//!
//! What is fair follows from what was refunded before. So pipelines that use one ledger take turns, and shares of one sum
//! are not made while another operation on one of the payments is still open.

use refund_core::client::Created;
use refund_core::id::{OperationId, PaymentRef};
use refund_core::pipeline::{Failed, Planned, Report, concerns_all};
use refund_core::request::Request;
use refund_ledger::{LedgerError, MerchantRules, Operation, State, Store};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::application::Application;
use crate::asking::{Ask, AskError, FIRST_WAIT, LONGEST_WAIT};
use crate::caller::Caller;
use crate::outcome::{CallProblem, Outcome, OutcomeKind, Standing};
use crate::rules::turn;
use crate::runtime::Runtime;
use crate::wasm::WasmComponent;

/// What a pipeline is asked.
#[derive(Clone, Debug)]
pub struct PipelineCall {
    /// Its operation, such as `proration.run`.
    pub operation: String,
    /// Its input, passed through. `dry_run`, connection and approvals are not in it.
    pub input: Map<String, Value>,
    /// The merchant's rules that the input holds.
    pub rules: MerchantRules,
}

/// What became of the refunds of a pipeline.
#[derive(Debug, Default)]
pub struct PipelineRun {
    /// What the pipeline computed, passed through. Where it says `complete`, that is false once refunds are left.
    pub computed: Map<String, Value>,
    /// Refunds that existed before.
    pub existing: Vec<Created>,
    /// Refunds that were asked for, with what became of them, read back from the ledger.
    pub asked: Vec<(Planned, Outcome)>,
    /// Refunds that the pipeline could not plan: nothing was sent for them.
    pub failures: Vec<Failed>,
    /// Refunds that were not asked for because of a failure: run the pipeline again with the same input.
    pub not_tried: Vec<Planned>,
    /// The ledger failed on the way.
    pub ended_by: Option<AskError>,
}

/// A pipeline could not be run: nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The pipeline failed.
    #[error(transparent)]
    Call(#[from] CallProblem),
    /// The ledger failed.
    #[error("{0}. No refund was asked for.")]
    Ledger(#[from] LedgerError),
    /// The input approves by itself.
    #[error(
        "the input of `{0}` has an approval: with a ledger, approvers decide: `refund-node approvals list`. Leave it out. Nothing was sent."
    )]
    Approval(String),
    /// Its answer is no plan.
    #[error(
        "the answer of `{operation}` to a dry run is no plan ({problem}): it cannot run with a ledger. Nothing was sent."
    )]
    NoPlan {
        /// The operation.
        operation: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Another pipeline has its turn.
    #[error("another pipeline is running with this ledger. Nothing was sent; run it again later.")]
    Busy,
    /// Another operation on a payment is open.
    #[error(
        "operation `{operation}` on {payment} is {state}, and what becomes of it changes what is fair. Nothing was sent. {}",
        advice(*.state)
    )]
    Open {
        /// Which.
        operation: OperationId,
        /// On which payment.
        payment: String,
        /// Where it stands.
        state: State,
    },
}

impl PipelineError {
    /// The row of the table.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Call(problem) => problem.kind(),
            Self::Ledger(_) => OutcomeKind::LedgerFailed,
            Self::Approval(_) => OutcomeKind::Invalid,
            Self::NoPlan { .. } => OutcomeKind::NoAnswer,
            Self::Busy => OutcomeKind::Busy,
            Self::Open { state, .. } if state.is_unsettled() => OutcomeKind::Blocked,
            Self::Open { .. } => OutcomeKind::Waiting,
        }
    }
}

fn advice(state: State) -> &'static str {
    if state == State::NeedsApproval {
        "Decide about its approval first (`refund-node approvals list`), then run the pipeline again."
    } else if !state.is_unsettled() {
        "Execute its approval, or end it (`refund-node approvals list`), then run the pipeline again."
    } else {
        "Run the pipeline again in a few minutes, or `refund-node reconcile` first."
    }
}

/// What a dry run answers.
#[derive(Debug, Deserialize)]
struct Plan {
    #[serde(flatten)]
    report: Report,
    #[serde(flatten)]
    computed: Map<String, Value>,
}

/// A refund of the plan, as the application layer takes it.
struct Wanted {
    planned: Planned,
    request: Request,
}

impl<S: Store, R: Runtime> Application<WasmComponent, S, R> {
    /// Plans with the pipeline, and asks for each planned refund.
    ///
    /// # Errors
    /// When there is no plan that can be carried out: nothing was sent then.
    pub async fn run_pipeline(
        &self,
        call: &PipelineCall,
        caller: &Caller,
    ) -> Result<PipelineRun, PipelineError> {
        let mut turn = self.take_turn().await?;
        let run = self.carry_out(call, caller).await;
        // Where this fails, dropping the turn frees it as soon as the ledger can be written.
        match self.store.write(move |tx| tx.release_payment(&turn::holder()?)).await {
            Ok(()) => turn.is_freed = true,
            Err(error) => tracing::warn!(%error, "the turn of the pipeline is not freed yet"),
        }
        drop(turn);
        run
    }

    async fn carry_out(
        &self,
        call: &PipelineCall,
        caller: &Caller,
    ) -> Result<PipelineRun, PipelineError> {
        let (report, computed, wanted) = self.plan_alone(call, caller).await?;
        for created in &report.refunds {
            self.see(created.refund.clone(), caller).await?;
        }
        let mut run = PipelineRun {
            computed,
            existing: report.refunds,
            failures: report.failures,
            not_tried: report.not_tried,
            ..PipelineRun::default()
        };
        let mut wanted = wanted.into_iter();
        for Wanted { planned, request } in wanted.by_ref() {
            let ask = Ask { request, rules: call.rules.clone() };
            match self.ask(ask, caller).await {
                Ok(outcome) => {
                    let stops = concerns_others(&outcome, report.one_sum);
                    run.asked.push((planned, outcome));
                    if stops {
                        break;
                    }
                }
                Err(error) => {
                    run.ended_by = Some(error);
                    run.not_tried.push(planned);
                    break;
                }
            }
        }
        run.not_tried.extend(wanted.map(|left| left.planned));
        if !run.not_tried.is_empty()
            && let Some(complete) = run.computed.get_mut("complete")
        {
            *complete = Value::Bool(false);
            run.computed.insert("stopped_by".to_owned(), "failure".into());
        }
        Ok(run)
    }

    /// A plan, made when nothing else is open on its payments. What was found out about another operation changes what is
    /// fair, so the plan is made again then.
    async fn plan_alone(
        &self,
        call: &PipelineCall,
        caller: &Caller,
    ) -> Result<(Report, Map<String, Value>, Vec<Wanted>), PipelineError> {
        loop {
            let Plan { mut report, computed } = self.plan(call).await?;
            let planned = std::mem::take(&mut report.planned);
            let wanted = planned.into_iter().map(|one| wanted(one, &call.operation));
            let wanted = wanted.collect::<Result<Vec<_>, _>>()?;
            if !report.one_sum || !self.settle_other(&wanted, caller).await? {
                return Ok((report, computed, wanted));
            }
        }
    }

    async fn plan(&self, call: &PipelineCall) -> Result<Plan, PipelineError> {
        let mut input = call.input.clone();
        input.insert("dry_run".to_owned(), Value::Bool(true));
        let output = self.component.pass_through_reading(&call.operation, input).await?;
        serde_json::from_value(output).map_err(|error| no_plan(&call.operation, &error))
    }

    /// Finds out about an operation that is open on one of the payments; false where there is none.
    async fn settle_other(
        &self,
        wanted: &[Wanted],
        caller: &Caller,
    ) -> Result<bool, PipelineError> {
        let own: Vec<_> = wanted.iter().map(|one| one.request.operation.clone()).collect();
        let payments: Vec<_> = wanted.iter().map(|one| one.request.payment.clone()).collect();
        // What is open under the other name of a payment is found only where both names are known.
        for payment in &payments {
            self.name_payment(payment.clone()).await?;
        }
        let open = self.store.read(move |tx| turn::open_on(tx, &payments, &own)).await?;
        let Some(other) = open else { return Ok(false) };
        if !other.state.is_unsettled() {
            return Err(still_open(&other));
        }
        match self.find_out(other.id(), caller).await {
            Ok(Some(found)) if !found.state.is_unsettled() => Ok(true),
            Ok(_) => Err(still_open(&other)),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until no other pipeline runs with this ledger.
    async fn take_turn(&self) -> Result<Turn<'_, S>, PipelineError> {
        let (start, mut wait) = (self.runtime.elapsed(), FIRST_WAIT);
        while !self.store.write(turn::take).await? {
            if self.runtime.elapsed().saturating_sub(start) > self.settings.patience {
                return Err(PipelineError::Busy);
            }
            self.runtime.sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Ok(Turn { store: &self.store, is_freed: false })
    }
}

/// This process has the turn until this is dropped, however the work ends.
struct Turn<'a, S: Store> {
    store: &'a S,
    /// Whether a transaction has freed it. Another pipeline may have it by now.
    is_freed: bool,
}

impl<S: Store> Drop for Turn<'_, S> {
    fn drop(&mut self) {
        if !self.is_freed
            && let Ok(holder) = turn::holder()
        {
            self.store.let_go(&holder);
        }
    }
}

fn wanted(planned: Planned, operation: &str) -> Result<Wanted, PipelineError> {
    if planned.approval.is_some() {
        return Err(PipelineError::Approval(operation.to_owned()));
    }
    let payment =
        PaymentRef::parse(&planned.payment).map_err(|problem| no_plan(operation, &problem))?;
    let request = Request {
        amount: (!planned.all).then_some(planned.amount),
        reason: planned.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        metadata: planned.metadata.clone(),
        ..Request::new(planned.operation_id.clone(), payment)
    };
    Ok(Wanted { planned, request })
}

fn no_plan(operation: &str, problem: &dyn ToString) -> PipelineError {
    PipelineError::NoPlan { operation: operation.to_owned(), problem: problem.to_string() }
}

fn still_open(other: &Operation) -> PipelineError {
    PipelineError::Open {
        operation: other.id().clone(),
        payment: other.payment().to_string(),
        state: other.state,
    }
}

/// Whether the refunds after this one would fail too, or must not be made any more.
fn concerns_others(outcome: &Outcome, one_sum: bool) -> bool {
    match &outcome.standing {
        Standing::NoAnswer(_) | Standing::Unknown { .. } => true,
        Standing::Conflict(_) => one_sum,
        _ => outcome.error().is_some_and(|error| concerns_all(&error)),
    }
}
