//! `invoke`: one operation, for one input or for every line of a file.

mod lines;
mod recorded;

use std::io::Read;
use std::process::ExitCode;

use anyhow::Context as _;
use refund_app::outcome::CallProblem;
use refund_app::outcome::table::{EXIT_FAILED, EXIT_STOPPED};
use refund_app::{Caller, Connection, OutcomeKind, WasmComponent};
use refund_core::model::RefundStatus;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::args::{Global, Invoke};
use crate::commands::bulk;
use crate::context::{App, Context, caller, pure};
use crate::exit::Exit;
use crate::stop::finishing;
use crate::{exit, show, strict, terminal};

use self::recorded::Recorded;

pub(crate) async fn run(global: &Global, args: &Invoke) -> anyhow::Result<ExitCode> {
    let operation = Operation::find(global, args).await?;
    if let Some(file) = &args.lines {
        return lines::run(operation, file, args.speed.in_flight).await;
    }
    let mut text = args.input.clone().unwrap_or_default();
    if args.input.is_none() {
        std::io::stdin().read_to_string(&mut text).context("stdin cannot be read")?;
    }
    let input = strict::from_str(&text).map_err(|error| {
        Exit::bad_input(format!(
            "the input is not a JSON object: {error}; see `refund-node describe --json`"
        ))
    })?;
    let answer = finishing(Box::pin(operation.run(input))).await.map_err(NoAnswer::exit)?;
    show::json(&answer.json);
    if let Some(message) = answer.message {
        terminal::say(format_args!("error: {message}"));
    }
    Ok(ExitCode::from(answer.code))
}

/// The exit code of an operation that gave an output. A pipeline that made some of its refunds names those that it
/// did not make; a scan, or a sweep that scans, says whether it is complete. A refund that exists may have failed.
fn code(output: &Value) -> u8 {
    output.as_object().map_or(0, code_of)
}

fn code_of(output: &Map<String, Value>) -> u8 {
    let any = |list: &str| {
        output.get(list).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    };
    if any("not_tried") {
        EXIT_FAILED
    } else if output.get("complete") == Some(&Value::Bool(false)) {
        EXIT_STOPPED
    } else if any("failures") || any_gone(output) {
        EXIT_FAILED
    } else {
        gone_word(output.get("refund")).map_or(0, |kind| kind.row().exit)
    }
}

/// Whether a refund of a pipeline does not have its effect any more.
fn any_gone(output: &Map<String, Value>) -> bool {
    let refunds = output.get("refunds").and_then(Value::as_array).into_iter().flatten();
    refunds.into_iter().any(|made| gone_word(made.get("refund")).is_some())
}

fn gone_word(refund: Option<&Value>) -> Option<OutcomeKind> {
    let status = refund.and_then(|refund| refund.get("status")).and_then(Value::as_str);
    gone(&RefundStatus::from(status?))
}

/// The outcome of a refund that does not have its effect any more.
fn gone(status: &RefundStatus) -> Option<OutcomeKind> {
    match status {
        RefundStatus::Failed => Some(OutcomeKind::Failed),
        RefundStatus::Canceled => Some(OutcomeKind::Canceled),
        _ => None,
    }
}

/// What is printed, and the exit code.
struct Answer {
    json: Box<RawValue>,
    /// What to say on stderr.
    message: Option<String>,
    code: u8,
}

impl Answer {
    fn new(
        json: &impl Serialize,
        code: u8,
        message: Option<String>,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self { json: to_raw_value(json)?, code, message })
    }
}

/// Why there is no answer.
enum NoAnswer {
    /// The component gave none.
    Component(CallProblem),
    /// It was not asked, or the ledger failed.
    Here(anyhow::Error),
}

impl From<CallProblem> for NoAnswer {
    fn from(problem: CallProblem) -> Self {
        Self::Component(problem)
    }
}

impl From<serde_json::Error> for NoAnswer {
    fn from(error: serde_json::Error) -> Self {
        Self::Here(error.into())
    }
}

impl NoAnswer {
    fn exit(self) -> anyhow::Error {
        match self {
            Self::Component(problem) => Exit::of_call(&problem),
            Self::Here(error) => error,
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Component(problem) => problem.kind().row().exit,
            Self::Here(error) => exit::code_of(error),
        }
    }

    /// For programs.
    fn json(&self) -> Option<Box<RawValue>> {
        match self {
            Self::Component(problem) => RawValue::from_string(problem.json()).ok(),
            Self::Here(error) => {
                to_raw_value(&Told { kind: "host", message: format!("{error:#}") }).ok()
            }
        }
    }
}

#[derive(Serialize)]
struct Told {
    kind: &'static str,
    message: String,
}

/// An operation, and what runs it.
struct Operation {
    name: String,
    way: Way,
    /// One call has to see what the one before it refunded: a pipeline reads first what is left. `refunds.create` needs no
    /// company either way: its id is its own.
    alone: bool,
}

/// How an operation is run.
enum Way {
    /// By a component without a key and any way out.
    Pure(WasmComponent),
    /// By a component that talks to Stripe.
    Direct(WasmComponent),
    /// Through the ledger.
    Recorded { recorded: Recorded, application: Box<App>, caller: Caller },
}

/// What a manifest says of an operation.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) effect: String,
    pub(super) description: String,
    needs_http: bool,
}

/// What a component says of itself.
#[derive(Deserialize)]
pub(super) struct Manifest {
    pub(super) operations: Vec<About>,
}

impl Operation {
    /// Asks the component itself what it needs: a pipeline has operations of its own.
    async fn find(global: &Global, args: &Invoke) -> anyhow::Result<Self> {
        let (node, name) = (pure(global)?, args.operation.clone());
        let manifest: Manifest = serde_json::from_str(&node.describe().await?)?;
        let about =
            manifest.operations.into_iter().find(|one| one.name == name).unwrap_or_default();
        let moves_money = about.effect == "moves-money";
        let alone = moves_money && name != "refunds.create";
        if !moves_money {
            global.refuse_ledger(&format!("invoke {name}"))?;
        }
        if !about.needs_http {
            let way = Way::Pure(WasmComponent::new(node, Connection::default()));
            return Ok(Self { name, way, alone });
        }
        let paced = args.lines.is_some();
        let pace = |mode| if paced { bulk::pace(&args.speed, mode) } else { None };
        let context = Context::paced(global, pace)?;
        let way = if moves_money && global.names_ledger() {
            Way::Recorded {
                recorded: Recorded::of(&name),
                application: Box::new(context.application(global)?),
                caller: caller(global, "invoke")?,
            }
        } else {
            Way::Direct(context.component)
        };
        Ok(Self { name, way, alone })
    }

    async fn run(&self, input: Map<String, Value>) -> Result<Answer, NoAnswer> {
        let output = match &self.way {
            Way::Pure(component) => component.run_pure(&self.name, input).await?,
            Way::Direct(component) => component.pass_through(&self.name, input).await?,
            Way::Recorded { recorded, application, caller } => {
                return recorded.run(application, caller, input).await;
            }
        };
        Ok(Answer::new(&output, code(&output), None)?)
    }
}
