//! Invocations through the ledger: `refunds.create`, and pipelines.

use refund_app::outcome::table::{EXIT_DONE, EXIT_FAILED, worse};
use refund_app::{Ask, Caller, PipelineCall, PipelineError, PipelineRun};
use refund_core::client::{CreateError, Created};
use refund_core::dispatch::{CreateInput, InvokeError, read};
use refund_core::money::Money;
use refund_core::pipeline::{Failed, Planned};
use refund_core::policy::{Document, Rules, Terms};
use refund_ledger::MerchantRules;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::exit_code;
use super::output::{NoOutput, Output};
use crate::context::App;
use crate::exit::{Exit, list};
use crate::outcomes::OutcomeJson;

/// What is invoked through the ledger.
pub(super) enum Recorded {
    /// `refunds.create`
    Refund,
    /// A pipeline, by its operation.
    Pipeline(String),
}

impl Recorded {
    /// How an operation that moves money goes through the ledger.
    pub(super) fn of(operation: &str) -> Self {
        match operation {
            "refunds.create" => Self::Refund,
            pipeline => Self::Pipeline(pipeline.to_owned()),
        }
    }

    pub(super) async fn run(
        &self,
        application: &App,
        caller: &Caller,
        input: Map<String, Value>,
    ) -> Result<Output, NoOutput> {
        if input.contains_key("connection") {
            return Err(bad_input(
                "connection: with a ledger the command says which Stripe to talk to (--account, --base-url): leave it out of the input. Nothing was sent.",
            ));
        }
        match self {
            Self::Refund => refund(application, caller, input).await,
            Self::Pipeline(operation) => {
                Box::pin(pipeline(application, caller, operation, input)).await
            }
        }
    }
}

async fn refund(
    application: &App,
    caller: &Caller,
    input: Map<String, Value>,
) -> Result<Output, NoOutput> {
    let asked = CreateInput::parse(&Value::Object(input).to_string()).map_err(unread)?;
    if asked.approval.is_some() {
        return Err(bad_input(APPROVAL_GIVEN));
    }
    let rules = rules(asked.policy, asked.document, asked.self_serve);
    let outcome = application.ask(Ask { request: asked.request, rules }, caller).await;
    let outcome = outcome.map_err(|error| NoOutput::Here(Exit::of_ask(&error)))?;
    let (kind, message) = (outcome.kind(), outcome.text());
    let code = kind.row().exit;
    let created = outcome.created();
    let shown = OutcomeJson::recorded(&outcome, created.as_ref(), &message);
    Ok(Output::new(&shown, code, (code != 0).then(|| message.clone()))?)
}

const APPROVAL_GIVEN: &str = "approval: it is for calls without a ledger; with one, approvers decide: `refund-node approvals list`. Leave it out. Nothing was sent.";

fn bad_input(problem: impl std::fmt::Display) -> NoOutput {
    NoOutput::Here(Exit::bad_input(problem))
}

fn unread(error: InvokeError) -> NoOutput {
    match error {
        InvokeError::InvalidInput(problems) => bad_input(list(&problems)),
        other => bad_input(format!("{other:?}")),
    }
}

fn rules(policy: Terms, document: Option<Document>, self_serve: bool) -> MerchantRules {
    match document {
        Some(document) => MerchantRules::document(document, self_serve),
        None => MerchantRules { self_serve, ..MerchantRules::policy(policy) },
    }
}

/// What decides in the input of a pipeline whether it refunds, and under which of the merchant's rules.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PipelineInput {
    dry_run: Option<bool>,
    policy: Terms,
    #[serde(deserialize_with = "refund_core::optional::value")]
    document: Option<Document>,
    self_serve: bool,
}

async fn pipeline(
    application: &App,
    caller: &Caller,
    operation: &str,
    mut input: Map<String, Value>,
) -> Result<Output, NoOutput> {
    let asked: PipelineInput = read(&Value::Object(input.clone()).to_string()).map_err(unread)?;
    if asked.dry_run != Some(false) {
        let output = application.component().pass_through_reading(operation, input).await?;
        return Ok(Output::new(&output, exit_code::of_output(&output), None)?);
    }
    input.remove("dry_run");
    if ["approval", "approvals"].iter().any(|given| input.contains_key(*given)) {
        return Err(bad_input(APPROVAL_GIVEN));
    }
    let given = (asked.policy.clone(), asked.document.clone());
    Rules::either(given.0, given.1).map_err(|problems| unread(problems.into()))?;
    let rules = rules(asked.policy, asked.document, asked.self_serve);
    let call = PipelineCall { operation: operation.to_owned(), input, rules };
    let run = application.run_pipeline(&call, caller).await.map_err(|error| match error {
        PipelineError::Call(problem) => NoOutput::Component(problem),
        other => NoOutput::Here(Exit::of(other.kind(), other)),
    })?;
    shown(&run)
}

/// What became of a pipeline's refunds, for programs. It has the fields of the pipeline's own output; in `refunds` and
/// `failures` there is besides what the ledger holds.
#[derive(Serialize)]
struct RunJson<'a> {
    #[serde(flatten)]
    computed: &'a Map<String, Value>,
    dry_run: bool,
    planned: [(); 0],
    refunds: Vec<RefundJson<'a>>,
    failures: Vec<FailureJson<'a>>,
    not_tried: &'a [Planned],
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RefundJson<'a> {
    Existing(&'a Created),
    Asked(Box<OutcomeJson<'a>>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum FailureJson<'a> {
    Planned(&'a Failed),
    Asked(Box<FailedJson<'a>>),
}

#[derive(Serialize)]
struct FailedJson<'a> {
    operation_id: &'a str,
    payment: &'a str,
    amount: Money,
    /// The error of `refunds.create` that says the same, where there is one.
    error: Option<CreateError>,
    #[serde(flatten)]
    shown: OutcomeJson<'a>,
}

fn shown(run: &PipelineRun) -> Result<Output, NoOutput> {
    let texts: Vec<_> = run.asked.iter().map(|(_, outcome)| outcome.text()).collect();
    let created: Vec<_> = run.asked.iter().map(|(_, outcome)| outcome.created()).collect();
    let mut refunds: Vec<_> = run.existing.iter().map(RefundJson::Existing).collect();
    let mut failures: Vec<_> = run.failures.iter().map(FailureJson::Planned).collect();
    let mut messages = Vec::new();
    for (((planned, outcome), text), created) in run.asked.iter().zip(&texts).zip(&created) {
        let shown = OutcomeJson::recorded(outcome, created.as_ref(), text);
        if outcome.kind().row().exit == 0 {
            refunds.push(RefundJson::Asked(Box::new(shown)));
            continue;
        }
        messages.push(text.clone());
        failures.push(FailureJson::Asked(Box::new(FailedJson {
            operation_id: planned.operation_id.as_str(),
            payment: &planned.payment,
            amount: planned.amount,
            error: outcome.error(),
            shown,
        })));
    }
    messages.extend(run.existing.iter().filter_map(gone_sentence));
    let ended_by = run.ended_by.as_ref().map(ToString::to_string);
    messages.extend(ended_by.clone());
    let shown = RunJson {
        computed: &run.computed,
        dry_run: false,
        planned: [],
        refunds,
        failures,
        not_tried: &run.not_tried,
        ended_by,
    };
    let message = (!messages.is_empty()).then(|| messages.join("\nerror: "));
    let code = code(run);
    Ok(Output::new(&shown, code, message)?)
}

/// That a refund that exists does not have its effect any more; absent where it has.
fn gone_sentence(created: &Created) -> Option<String> {
    let refund = &created.refund;
    let row = refund.status.as_ref().and_then(exit_code::lost_effect)?.row();
    let operation = refund.metadata.operation_id().unwrap_or_default();
    Some(format!(
        "Refund {} of operation `{operation}` is {}. {} What to do: {}.",
        refund.id, row.name, row.money, row.next
    ))
}

/// The worst of what became of the refunds.
fn code(run: &PipelineRun) -> u8 {
    let asked = run.asked.iter().map(|(_, outcome)| outcome.kind().row().exit);
    let ended = run.ended_by.as_ref().map(|error| error.kind().row().exit);
    let is_left = !run.not_tried.is_empty()
        || !run.failures.is_empty()
        || run.existing.iter().any(|created| gone_sentence(created).is_some());
    let worst = asked.chain(ended).chain(is_left.then_some(EXIT_FAILED)).fold(EXIT_DONE, worse);
    if worst == EXIT_DONE { exit_code::of_output(&run.computed) } else { worst }
}
