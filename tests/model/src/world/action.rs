//! What can happen.

use std::fmt;

use crate::stripe::{Handling, Status};
use crate::tables::ProcessId;

/// Something that happens. Workers, flights, refunds and lines of the menu are named by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A worker begins a line of the menu.
    Begin(usize, usize),
    /// The transaction that a worker waits for takes place.
    Commit(usize),
    /// It is undone: the ledger cannot be written.
    Undo(usize),
    /// A worker goes on after its transaction.
    Resume(usize),
    /// A worker wakes.
    Wake(usize),
    /// A request that only reads is answered.
    Read(usize),
    /// It is answered, and the answer takes its time.
    ReadSlowly(usize),
    /// The slow answer arrives.
    Arrive(usize),
    /// A worker's request that makes a refund leaves.
    Send(usize),
    /// Stripe carries out a request on its way; whoever waits gets the answer.
    Land(usize, Handling),
    /// Stripe carries it out, and the answer is lost.
    LandUnheard(usize),
    /// Something is lost on the way.
    Lose(usize, Loss),
    /// The host stops the component that a worker waits for.
    Stop(usize),
    /// A worker's caller does not wait any more.
    Abandon(usize),
    /// A process crashes, with all its workers.
    Crash(ProcessId),
    /// Time passes.
    Pass(Jump),
    /// A refund is made in the Dashboard.
    Dashboard,
    /// A refund changes its status.
    Change(usize),
    /// An event about a refund is delivered, with the status that it had then.
    Event(usize, Status),
    /// A refund was listed, as it is now, and is compared with the ledger.
    See(usize),
}

/// What a worker's request comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// A request that only reads has no answer.
    Read,
    /// No connection can be made.
    NotReached,
    /// The request on its way is lost.
    Request,
    /// The worker waits no longer; the request is still on its way.
    Late,
}

/// How much time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// Less than the grace period.
    Short,
    /// The grace period.
    Grace,
    /// A day.
    Day,
    /// Eight days.
    Week,
}

impl Jump {
    /// In seconds.
    pub fn secs(self) -> u32 {
        match self {
            Self::Short => 50,
            Self::Grace => 90,
            Self::Day => 86_400,
            Self::Week => 8 * 86_400,
        }
    }

    /// Whether it is longer than any call lasts: the host ends calls after five minutes.
    pub fn outlasts_calls(self) -> bool {
        matches!(self, Self::Day | Self::Week)
    }
}

impl Action {
    /// The kind, for counting.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Begin(..) => "a call begins",
            Self::Commit(_) => "a transaction",
            Self::Undo(_) => "a transaction is undone",
            Self::Resume(_) => "a call goes on after its transaction",
            Self::Wake(_) => "a call wakes",
            Self::Read(_) => "a read is answered",
            Self::ReadSlowly(_) => "a read is answered, and the answer takes its time",
            Self::Arrive(_) => "a slow answer arrives",
            Self::Send(_) => "a request to make a refund leaves",
            Self::Land(_, Handling::Made) => "a request is carried out",
            Self::Land(_, Handling::Refused) => "the card network refuses",
            Self::Land(_, Handling::TooMany) => "too many requests",
            Self::Land(_, Handling::FaultBefore) => "a fault before the refund is made",
            Self::Land(_, Handling::FaultAfter) => "a fault after the refund was made",
            Self::LandUnheard(_) => "a request is carried out, and its answer is lost",
            Self::Lose(_, Loss::Read) => "a read has no answer",
            Self::Lose(_, Loss::NotReached) => "no connection can be made",
            Self::Lose(_, Loss::Request) => "a request is lost",
            Self::Lose(_, Loss::Late) => "a request is late: its sender gives it up",
            Self::Stop(_) => "the host stops the component",
            Self::Abandon(_) => "a caller does not wait any more",
            Self::Crash(_) => "a process crashes",
            Self::Pass(Jump::Short) => "50 seconds pass",
            Self::Pass(Jump::Grace) => "90 seconds pass",
            Self::Pass(Jump::Day) => "a day passes",
            Self::Pass(Jump::Week) => "eight days pass",
            Self::Dashboard => "a refund is made in the Dashboard",
            Self::Change(_) => "a refund changes its status",
            Self::Event(..) => "an event is delivered",
            Self::See(_) => "a listed refund is compared with the ledger",
        }
    }

    /// Every kind.
    pub fn kinds() -> Vec<&'static str> {
        use Handling::{FaultAfter, FaultBefore, Made, Refused, TooMany};
        let land = [Made, Refused, TooMany, FaultBefore, FaultAfter].map(|how| Self::Land(0, how));
        let lose = [Loss::Read, Loss::NotReached, Loss::Request, Loss::Late];
        let lose = lose.map(|loss| Self::Lose(0, loss));
        let pass = [Jump::Short, Jump::Grace, Jump::Day, Jump::Week].map(Self::Pass);
        let others = [
            Self::Begin(0, 0),
            Self::Commit(0),
            Self::Undo(0),
            Self::Resume(0),
            Self::Wake(0),
            Self::Read(0),
            Self::ReadSlowly(0),
            Self::Arrive(0),
            Self::Send(0),
            Self::LandUnheard(0),
            Self::Stop(0),
            Self::Abandon(0),
            Self::Crash(0),
            Self::Dashboard,
            Self::Change(0),
            Self::Event(0, Status::Failed),
            Self::See(0),
        ];
        let all = others.into_iter().chain(land).chain(lose).chain(pass);
        all.map(Self::kind).collect()
    }
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Action::Pass(*self).kind())
    }
}
