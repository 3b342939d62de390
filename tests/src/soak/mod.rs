//! Rounds in which the product is used in every way at once, while its processes are killed and frozen, their clock
//! jumps and Stripe answers wrongly, late or not at all. Every answer is written down. When everything has settled, each
//! is compared with what the ledger holds and with the refunds at the simulator.

mod callers;
mod clock;
mod desk;
pub mod history;
mod http;
pub mod judge;
mod reading;
mod round;
mod settle;
mod stripe;
mod weather;

use std::collections::BTreeMap;
use std::path::Path;

use refund_app::OutcomeKind;

use self::history::{History, Named, Said};
use self::judge::Disagreement;
use self::round::Round;

/// What rounds have come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rounds.
    pub rounds: u32,
    /// Operations that were asked for.
    pub operations: usize,
    /// Faults that were ordered at the simulator.
    pub faults: u32,
    /// Processes that were killed.
    pub kills: u32,
    /// Processes that were frozen.
    pub freezes: u32,
    /// Jumps of the clock.
    pub jumps: u32,
    /// Calls that got no answer.
    pub unanswered: usize,
    /// What was said about operations and lines, and codes, all compared with the end.
    pub answers: usize,
    /// Answers that do not agree with the end.
    pub disagree: usize,
    /// Operations with more than one refund.
    pub twice: usize,
    /// Operations that did not come to what was wanted.
    pub lost: usize,
    /// Ledgers whose audit does not hold, or that differ from Stripe.
    pub broken: usize,
    /// Calls by way in, and how many of them were answered.
    pub ways: BTreeMap<&'static str, (usize, usize)>,
    /// What was said of operations, by outcome and by state.
    pub said: BTreeMap<&'static str, usize>,
    /// What went wrong, with the history of the operation.
    pub problems: Vec<String>,
}

impl Tally {
    /// Whether every answer agrees, and every operation ended as it must.
    pub fn is_good(&self) -> bool {
        (self.disagree, self.twice, self.lost, self.broken) == (0, 0, 0, 0)
    }

    fn add(&mut self, history: &History) {
        for call in &history.calls {
            let (calls, answered) = self.ways.entry(call.name).or_default();
            *calls += 1;
            *answered += usize::from(call.code.is_some());
            self.unanswered += usize::from(call.code.is_none());
            self.answers += call.answers.len() + usize::from(call.code.is_some());
            self.answers += usize::from(call.lines.is_some());
            for (_, said) in &call.answers {
                *self.said.entry(said.word()).or_default() += 1;
            }
        }
    }

    fn report(&mut self, seed: u64, history: &History, wrong: &[Disagreement]) {
        for Disagreement { operation, what, .. } in wrong {
            let history = history.of(operation);
            self.problems.push(format!("seed {seed}, operation `{operation}`: {what}\n{history}"));
        }
    }
}

/// How a round is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Replaces the last answer that says `found` by this one, to prove that a wrong answer is found.
    pub inject: Option<OutcomeKind>,
}

/// Plays a round. The seed decides everything but the timing: in every other round the clock jumps, in the others
/// requests arrive late.
///
/// # Errors
/// When the round cannot be played: the program is missing, or an operation never settles.
pub fn play(
    refund_node: &Path,
    seed: u64,
    settings: Settings,
    tally: &mut Tally,
) -> Result<(), String> {
    let round = Round::new(refund_node, seed)?;
    tally.rounds += 1;
    round.storm()?;
    let settled = round.settle();
    let done = &round.desk.done;
    let number =
        |count: &std::sync::atomic::AtomicU32| count.load(std::sync::atomic::Ordering::SeqCst);
    tally.kills += number(&done.kills);
    tally.freezes += number(&done.freezes);
    tally.jumps += number(&done.jumps);
    tally.faults += number(&done.faults);
    let mut history = std::mem::take(&mut *desk::lock(&round.desk.history));
    tally.add(&history);
    let settled = settled.map_err(|(problem, operation)| {
        format!("seed {seed}: {problem}\n{}", history.of(&operation))
    })?;
    tally.operations += settled.wanted.len();
    if let Some(wrong) = settings.inject {
        inject(&mut history, wrong);
    }
    let disagree = judge::compare(&history, &settled);
    let (twice, lost) = (judge::twice(&settled), judge::lost(&settled));
    tally.disagree += disagree.len();
    tally.twice += twice.len();
    tally.lost += lost.len();
    for wrong in [disagree, twice, lost] {
        tally.report(seed, &history, &wrong);
    }
    for broken in round.broken() {
        tally.broken += 1;
        tally.problems.push(format!("seed {seed}: {broken}"));
    }
    Ok(())
}

fn inject(history: &mut History, wrong: OutcomeKind) {
    let mut answers = history.calls.iter_mut().flat_map(|call| &mut call.answers);
    let found = answers.rfind(|(_, said)| matches!(said, Said::Outcome(OutcomeKind::Found, _)));
    if let Some((_, said)) = found {
        *said = Said::Outcome(wrong, Named::default());
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut row = |name: &str, count: usize| writeln!(f, "{name:<34} {count:>7}");
        row("rounds", self.rounds as usize)?;
        row("operations", self.operations)?;
        row("faults at Stripe", self.faults as usize)?;
        row("processes killed", self.kills as usize)?;
        row("processes frozen", self.freezes as usize)?;
        row("jumps of the clock", self.jumps as usize)?;
        row("calls without an answer", self.unanswered)?;
        row("answers", self.answers)?;
        row("answers that disagree", self.disagree)?;
        row("operations refunded twice", self.twice)?;
        row("operations lost", self.lost)?;
        row("broken ledgers", self.broken)?;
        writeln!(f, "\n{:<34} {:>7} {:>9}", "way in", "calls", "answered")?;
        for (name, (calls, answered)) in &self.ways {
            writeln!(f, "{name:<34} {calls:>7} {answered:>9}")?;
        }
        writeln!(f, "\n{:<34} {:>7}", "what was said", "answers")?;
        for (word, count) in &self.said {
            writeln!(f, "{word:<34} {count:>7}")?;
        }
        Ok(())
    }
}
