//! What happened in a round: calls, what they answered, and what was done to the processes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use refund_app::OutcomeKind;
use refund_ledger::State;

/// Milliseconds since the round began, by a clock that does not jump.
pub type Millis = u64;

/// How a call ended for whoever called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The exit code of a command.
    Exit(u8),
    /// The status of an HTTP answer.
    Status(u16),
}

/// The refund that an answer names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: Option<String>,
    /// In the smallest unit.
    pub amount: Option<u64>,
}

/// What an answer says about an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// An outcome of the table.
    Outcome(OutcomeKind, Named),
    /// A state, as the ledger holds it.
    Held(State, Named),
    /// A plan: a refund of this amount will be made.
    Planned(u64),
    /// This call did not ask for it.
    NotAsked,
    /// An approver's decision was recorded.
    Voted {
        /// Which approval.
        approval: String,
        /// Who.
        voter: String,
        /// Whether the approver agrees.
        agrees: bool,
    },
}

impl Said {
    /// The outcome or the state in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Outcome(kind, _) => kind.row().name,
            Self::Held(state, _) => state.as_str(),
            Self::Planned(_) => "planned by a dry run",
            Self::NotAsked => "not asked for",
            Self::Voted { .. } => "decided",
        }
    }
}

/// What the end of a bulk run, or a plan of one, says about its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Lines with a refund.
    pub refunded: u64,
    /// What these refund; absent where it was not said for all of them.
    pub amount: Option<u64>,
}

/// One use of the product.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The way in, such as `refund create`.
    pub name: &'static str,
    /// What was called, whole.
    pub way: String,
    /// The operations that it may have sent a request for.
    pub asks: Vec<String>,
    /// The operation whose approval it agrees to, or executes.
    pub approves: Option<String>,
    /// Its process is killed after this time.
    pub kill_after: Option<Duration>,
    /// When it began.
    pub begun: Millis,
    /// When its answer was read, or its process was gone.
    pub ended: Millis,
    /// Its code; absent where it gave none.
    pub code: Option<Code>,
    /// The code that fits what it said.
    pub right_code: Option<Code>,
    /// What it printed, or the body.
    pub text: String,
    /// What it says.
    pub answers: Vec<(String, Said)>,
    /// What it says of all lines of the run.
    pub lines: Option<Lines>,
}

/// Everything that happened in a round.
#[derive(Debug, Default)]
pub struct History {
    /// Every call.
    pub calls: Vec<Call>,
    /// What was done to processes, to the clock and to Stripe.
    pub notes: Vec<(Millis, String)>,
}

impl History {
    /// Everything that concerns an operation, oldest first, with what was done in the meantime.
    pub fn of(&self, operation: &str) -> String {
        let concerned: Vec<_> = self.calls.iter().filter(|call| call.concerns(operation)).collect();
        let first = concerned.iter().map(|call| call.begun).min().unwrap_or_default();
        let last = concerned.iter().map(|call| call.ended).max().unwrap_or_default();
        let mut lines: BTreeMap<Millis, String> = BTreeMap::new();
        for (at, note) in self.notes.iter().filter(|(at, _)| (first..=last).contains(at)) {
            let _ = writeln!(lines.entry(*at).or_default(), "    {at:>7} ms  {note}");
        }
        for call in concerned {
            let Call { way, begun, ended, code, text, .. } = call;
            let end = code.map_or_else(|| "no answer".to_owned(), |code| format!("{code:?}"));
            let said: Vec<_> = call.answers.iter().filter(|(of, _)| of == operation).collect();
            let text = if text.len() > 1500 && !said.is_empty() { "(long)" } else { text.trim() };
            let _ = writeln!(
                lines.entry(*begun).or_default(),
                "    {begun:>7} ms to {ended} ms  {way}: {end} {said:?}\n            {text}"
            );
        }
        lines.into_values().collect()
    }
}

impl Call {
    fn concerns(&self, operation: &str) -> bool {
        let names = |text: &String| text == operation;
        self.asks.iter().any(names)
            || self.approves.as_ref().is_some_and(names)
            || self.answers.iter().any(|(of, _)| of == operation)
    }
}
