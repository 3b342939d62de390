//! `invoke`: one operation, for one input or for every line of a file.

mod ending;
mod lines;
mod recorded;

use std::io::Read;
use std::process::ExitCode;

use anyhow::Context as _;
use refund_app::outcome::CallProblem;
use refund_app::{Caller, Connection, WasmComponent};
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
        Ok(Answer::new(&output, ending::code(&output), None)?)
    }
}
