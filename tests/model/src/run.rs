//! Calls that are under way, each kept as what it was given.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use refund_core::id::OperationId;

use refund_ledger::Fingerprint;

use crate::call::{Answer, Call};
use crate::component::Surroundings;
use crate::stripe::{Asked, Reply};
use crate::tables::{Failure, Planted, ProcessId, Tables};
use crate::tape::{Entry, Replied, Tape, Turn, Wanted};

/// A call that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub u32);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Run {
    call: Call,
    log: Vec<Entry>,
}

/// Where a call goes on to.
#[derive(Clone, Debug)]
pub enum Onward {
    /// It waits for something.
    Waits(RunId),
    /// It answered.
    Ended(Arc<Answer>),
}

/// A call that went on until it waits again, or answered.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// Where to.
    pub onward: Onward,
    /// Operations that the process does not work on any more.
    pub let_go: Vec<OperationId>,
}

/// A transaction that took place. The call has not gone on yet.
#[derive(Clone, Debug)]
pub struct Committed {
    /// What the store holds now.
    pub tables: Tables,
    /// The call with what it read.
    pub run: RunId,
    /// Where the audit has a gap.
    pub gap: Option<String>,
    /// Why nothing was changed, where the rules failed.
    pub failure: Option<Failure>,
}

/// Every call that was under way in some state.
#[derive(Debug)]
pub struct Runs {
    kept: Vec<Run>,
    wanted: Vec<Option<Wanted>>,
    index: HashMap<Run, RunId>,
    surroundings: Surroundings,
}

impl Runs {
    /// None yet.
    pub fn new(surroundings: Surroundings) -> Self {
        Self { kept: Vec::new(), wanted: Vec::new(), index: HashMap::new(), surroundings }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.kept.len()
    }

    /// What is asked for.
    pub fn call(&self, run: RunId) -> Call {
        self.kept[run.0 as usize].call
    }

    /// What a call waits for.
    pub fn wanted(&self, run: RunId) -> Option<&Wanted> {
        self.wanted[run.0 as usize].as_ref()
    }

    /// What a call was given.
    pub fn log(&self, run: RunId) -> &[Entry] {
        &self.kept[run.0 as usize].log
    }

    /// Begins a call.
    pub fn begin(&mut self, call: Call, now: u64) -> Resumed {
        self.go_on(&Run { call, log: Vec::new() }, now)
    }

    /// Gives a call an answer to its request.
    pub fn reply(&mut self, run: RunId, reply: Reply, now: u64) -> Resumed {
        let is_change = match self.wanted(run) {
            Some(Wanted::Reply(request)) => Asked::of(request) != Asked::Read,
            _ => false,
        };
        self.give(run, Entry::Replied(Replied { reply, at: now, is_change }), now)
    }

    /// A call slept.
    pub fn wake(&mut self, run: RunId, now: u64) -> Resumed {
        self.give(run, Entry::Slept, now)
    }

    /// Lets a call go on after its transaction.
    pub fn resume(&mut self, run: RunId, now: u64) -> Resumed {
        let run = self.kept[run.0 as usize].clone();
        self.go_on(&run, now)
    }

    fn give(&mut self, run: RunId, entry: Entry, now: u64) -> Resumed {
        let mut run = self.kept[run.0 as usize].clone();
        run.log.push(entry);
        self.go_on(&run, now)
    }

    fn go_on(&mut self, run: &Run, now: u64) -> Resumed {
        let given = run.log.len();
        let polled = self.poll(run, now, None);
        let let_go = polled.log[given..].iter().filter_map(|entry| match entry {
            Entry::LetGo(operation) => Some(operation.clone()),
            _ => None,
        });
        let let_go = let_go.collect();
        let onward = if let Some(answer) = polled.answer {
            Onward::Ended(Arc::new(answer))
        } else {
            let run = Run { call: run.call, log: polled.log };
            Onward::Waits(self.keep(run, polled.wanted))
        };
        Resumed { onward, let_go }
    }

    /// Carries out the transaction that a call waits for.
    pub fn commit(
        &mut self,
        run: RunId,
        tables: &Tables,
        process: ProcessId,
        is_undone: bool,
        now: u64,
    ) -> Committed {
        let run = self.kept[run.0 as usize].clone();
        let planted = self.surroundings.fault.map(|fault| Planted {
            fault,
            asked: run.call.request().as_ref().map(Fingerprint::of),
        });
        let (gap, is_over) = (None, false);
        let turn = Turn { tables: tables.clone(), process, is_undone, planted, gap, is_over };
        let polled = self.poll(&run, now, Some(turn));
        let (tables, gap) = match polled.turn {
            Some(turn) => (turn.tables, turn.gap),
            None => (tables.clone(), None),
        };
        let failure = match polled.log.last() {
            Some(Entry::Transacted(transacted)) if !is_undone => transacted.reads.clone().err(),
            _ => None,
        };
        let run = self.keep(Run { log: polled.log, ..run }, None);
        Committed { tables, run, gap, failure }
    }

    /// Ends a call that nothing waits for any more: the operations that its process lets go of.
    pub fn abandon(&mut self, run: RunId) -> Vec<OperationId> {
        let run = &self.kept[run.0 as usize];
        let tape = Tape::new(run.log.clone(), 0, None);
        let mut call = self.future(run.call, &tape);
        let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(call);
        let (log, ..) = tape.end();
        let of_entry = |entry: &Entry| match entry {
            Entry::LetGo(operation) => Some(operation.clone()),
            _ => None,
        };
        log[run.log.len()..].iter().filter_map(of_entry).collect()
    }

    fn future(&self, call: Call, tape: &Tape) -> Pin<Box<dyn Future<Output = Answer>>> {
        Box::pin(call.carry_out(tape.clone(), self.surroundings))
    }

    fn poll(&self, run: &Run, now: u64, turn: Option<Turn>) -> Polled {
        let tape = Tape::new(run.log.clone(), now, turn);
        let mut call = self.future(run.call, &tape);
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        tape.stop();
        drop(call);
        let (log, wanted, turn) = tape.end();
        let answer = match polled {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        };
        Polled { log, wanted, turn, answer }
    }

    fn keep(&mut self, run: Run, wanted: Option<Wanted>) -> RunId {
        // More runs than this fit into no memory.
        let next = RunId(u32::try_from(self.kept.len()).unwrap_or(u32::MAX));
        let id = *self.index.entry(run.clone()).or_insert(next);
        if id == next {
            self.kept.push(run);
            self.wanted.push(wanted);
        } else if wanted.is_some() {
            // A call that goes on after its transaction may be given nothing until it waits again.
            self.wanted[id.0 as usize] = wanted;
        }
        id
    }
}

/// What became of a call that was given what it had been given before.
struct Polled {
    log: Vec<Entry>,
    wanted: Option<Wanted>,
    turn: Option<Turn>,
    answer: Option<Answer>,
}
