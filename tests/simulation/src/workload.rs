//! What people and Stripe do in one world, drawn before it begins.

use fastrand::Rng;

use crate::executor::{Micros, ProcessId, SECOND};
use crate::people::{PEOPLE, Person};
use crate::policies::{self, PolicyId};
use crate::weather::{LARGEST_CLOCK_LEAD, MILLI};

const MINUTE: Micros = 60 * SECOND;
const HOUR: Micros = 60 * MINUTE;

/// A payment of the shop.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) amount: u64,
    pub(crate) method: &'static str,
    pub(crate) has_intent: bool,
    pub(crate) refunds_need_action: bool,
}

/// A refund that somebody wants.
#[derive(Clone, Debug)]
pub(crate) struct Intended {
    pub(crate) id: String,
    pub(crate) payment: usize,
    /// Named as its PaymentIntent, where it has one.
    pub(crate) by_intent: bool,
    /// Everything that is left when absent.
    pub(crate) amount: Option<u64>,
    pub(crate) reason: Option<&'static str>,
    pub(crate) asker: Person,
}

/// A file of refunds.
#[derive(Clone, Debug)]
pub(crate) struct Bulk {
    /// Places of what is intended. The first may be some that were asked for before.
    pub(crate) lines: Vec<usize>,
    pub(crate) in_flight: usize,
    pub(crate) tries: u32,
    pub(crate) allow_refunded_payments: bool,
    pub(crate) stop_above: Option<u64>,
    pub(crate) go_on_when_short: bool,
}

/// How a request differs from what was intended first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Not at all.
    Same,
    /// It is of another amount.
    OtherAmount,
    /// It is of another payment.
    OtherPayment,
    /// It names the payment in the other way.
    OtherName,
    /// It is of an amount of zero, which is no refund.
    Nothing,
}

/// Whether an approver names what they saw by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    /// Not at all.
    None,
    /// As the approval has it.
    Seen,
    /// Of something else.
    Other,
}

/// Something that happens.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// Somebody asks for a refund, for the first time or again.
    Ask { intended: usize, variant: Variant, asker: Person, gives_rules: bool },
    /// The same for what the ledger holds.
    AskAgain { intended: usize, gives_rules: bool },
    /// An approver decides.
    Decide { intended: usize, voter: Person, spelling: u8, agrees: bool, hash: Hash },
    /// An approved approval is executed.
    Execute { intended: usize, gives_rules: bool },
    /// An approval is ended before its time.
    Withdraw { intended: usize },
    /// Somebody finds out what became of an operation.
    FindOut { intended: usize },
    /// Somebody looks at an operation and its approval.
    Look { intended: usize },
    /// Ledger and Stripe are compared.
    Reconcile { repair: bool },
    /// A click in the Dashboard.
    DashboardRefund { payment: usize, amount: u64 },
    /// A bank ends the newest refund of a payment.
    EndRefund { payment: usize, status: &'static str },
    /// A file is run: recorded, then sent.
    Run { bulk: usize },
    /// A run goes on.
    Resume { bulk: usize },
    /// Whoever sends a run is asked to stop.
    Interrupt { bulk: usize },
    /// A run is canceled.
    Cancel { bulk: usize },
    /// A run is planned.
    Plan { bulk: usize },
    /// A webhook that Stripe did not sign.
    Forge,
    /// Another policy is in force.
    SetPolicy(PolicyId),
    /// What is left on the Stripe balance.
    SetBalance(i64),
    /// The process crashes.
    Crash,
    /// The process stands still.
    Freeze(Micros),
    /// The wall clock of the process jumps.
    SetClock(i64),
}

/// Something that happens, when, and where.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Its number among all that were drawn: it decides what its task draws.
    pub(crate) number: usize,
    pub(crate) at: Micros,
    pub(crate) process: ProcessId,
    pub(crate) what: What,
}

/// Everything that happens in a world.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) processes: usize,
    pub(crate) payments: Vec<Payment>,
    pub(crate) intended: Vec<Intended>,
    pub(crate) bulks: Vec<Bulk>,
    pub(crate) steps: Vec<Step>,
    /// Whether requesters may approve what they asked for.
    pub(crate) own_requests: bool,
    /// How long approvals hold, in seconds.
    pub(crate) approval_secs: u64,
    /// How long to wait for another process, in seconds.
    pub(crate) patience_secs: u64,
    pub(crate) first_policy: PolicyId,
}

impl Workload {
    /// Draws a world with so many operations.
    pub(crate) fn draw(random: &mut Rng, operations: usize) -> Self {
        let payments: Vec<_> =
            (0..operations.div_ceil(3).max(1)).map(|_| payment(random)).collect();
        let intended: Vec<_> = (0..operations).map(|at| one(random, at, &payments)).collect();
        let processes = random.usize(1..=4);
        let mut drawing = Drawing {
            random: random.fork(),
            at: 0,
            processes,
            payments: payments.len(),
            intended: intended.len(),
            started: 0,
            bulks: Vec::new(),
            steps: Vec::new(),
        };
        while drawing.started < operations {
            drawing.step();
        }
        for _ in 0..operations / 2 {
            drawing.later_step();
        }
        Self {
            processes,
            payments,
            intended,
            bulks: drawing.bulks,
            steps: drawing.steps,
            own_requests: random.u8(..4) == 0,
            approval_secs: if random.u8(..3) == 0 { 1800 } else { 7 * 86_400 },
            patience_secs: [2, 10, 120][random.usize(..3)],
            first_policy: random.usize(..policies::all().len()),
        }
    }
}

fn payment(random: &mut Rng) -> Payment {
    let method = if random.u8(..4) == 0 { "us_bank_account" } else { "card" };
    Payment {
        amount: random.u64(500..9000),
        method,
        has_intent: random.u8(..5) > 0,
        refunds_need_action: random.u8(..15) == 0,
    }
}

fn one(random: &mut Rng, at: usize, payments: &[Payment]) -> Intended {
    let payment = random.usize(..payments.len());
    let amount = match random.u8(..3) {
        0 => None,
        _ => Some(random.u64(1..=payments[payment].amount)),
    };
    let reasons = [None, None, Some("duplicate"), Some("requested_by_customer")];
    Intended {
        id: format!("op-{at}"),
        payment,
        by_intent: random.bool(),
        amount,
        reason: reasons[random.usize(..reasons.len())],
        asker: random.usize(..PEOPLE),
    }
}

struct Drawing {
    random: Rng,
    at: Micros,
    processes: usize,
    payments: usize,
    intended: usize,
    /// Of what is intended, so many were asked for.
    started: usize,
    bulks: Vec<Bulk>,
    steps: Vec<Step>,
}

impl Drawing {
    fn push(&mut self, what: What) {
        let (number, process) = (self.steps.len(), self.random.usize(..self.processes));
        self.steps.push(Step { number, at: self.at, process, what });
        self.at += match self.random.u8(..40) {
            0..=19 => self.random.u64(..300 * MILLI),
            20..=29 => self.random.u64(..5 * SECOND),
            30..=37 => self.random.u64(..2 * MINUTE),
            38 => self.random.u64(..HOUR),
            _ => self.random.u64(..30 * HOUR),
        };
    }

    /// Something that somebody asked for, mostly lately.
    fn earlier(&mut self) -> usize {
        let lately = self.started.min(4);
        let back = if self.random.u8(..4) == 0 { self.started } else { lately };
        self.started - 1 - self.random.usize(..back.max(1)).min(self.started - 1)
    }

    /// Something new, or something about what there is.
    fn step(&mut self) {
        if self.started == 0 || self.random.u8(..3) == 0 {
            self.new_one();
        } else {
            self.later_step();
        }
    }

    fn new_one(&mut self) {
        let left = self.intended - self.started;
        if left >= 4 && self.random.u8(..10) == 0 {
            self.bulk(left);
            return;
        }
        let intended = self.started;
        self.started += 1;
        let (asker, gives_rules) = (self.random.usize(..PEOPLE), self.random.u8(..5) > 0);
        self.push(What::Ask { intended, variant: Variant::Same, asker, gives_rules });
    }

    fn bulk(&mut self, left: usize) {
        let new = self.random.usize(2..=left.min(10));
        let mut lines: Vec<_> = (self.started..self.started + new).collect();
        for _ in 0..self.random.usize(..3).min(self.started) {
            lines.push(self.earlier());
        }
        self.random.shuffle(&mut lines);
        self.started += new;
        let random = &mut self.random;
        self.bulks.push(Bulk {
            lines,
            in_flight: random.usize(1..=4),
            tries: random.u32(1..=4),
            allow_refunded_payments: random.u8(..3) > 0,
            stop_above: (random.u8(..4) == 0).then(|| random.u64(1000..20_000)),
            go_on_when_short: random.bool(),
        });
        let bulk = self.bulks.len() - 1;
        if self.random.u8(..4) == 0 {
            self.push(What::Plan { bulk });
        }
        self.push(What::Run { bulk });
    }

    fn later_step(&mut self) {
        if self.started == 0 {
            return;
        }
        let intended = self.earlier();
        let gives_rules = self.random.u8(..4) > 0;
        let what = match self.random.u8(..64) {
            0..=11 => self.repeat(intended),
            12..=14 => What::AskAgain { intended, gives_rules },
            15..=30 => self.decision(intended),
            31..=38 => What::Execute { intended, gives_rules },
            39..=40 => What::Withdraw { intended },
            41..=43 => What::FindOut { intended },
            44..=45 => What::Look { intended },
            46 => What::Reconcile { repair: self.random.bool() },
            47..=48 => self.dashboard(),
            49..=51 => self.bank(),
            52 => What::SetPolicy(self.random.usize(..policies::all().len())),
            53 => What::SetBalance(self.random.i64(-500..20_000)),
            54 => What::Forge,
            55..=56 => What::Crash,
            57 => What::Freeze(self.random.u64(SECOND..10 * MINUTE)),
            58..=59 => What::SetClock(self.random.i64(-LARGEST_CLOCK_LEAD..LARGEST_CLOCK_LEAD)),
            _ => self.about_a_bulk(intended),
        };
        self.push(what);
    }

    fn repeat(&mut self, intended: usize) -> What {
        let variant = match self.random.u8(..10) {
            0 => Variant::OtherAmount,
            1 => Variant::OtherPayment,
            2 => Variant::OtherName,
            3 => Variant::Nothing,
            _ => Variant::Same,
        };
        let (asker, gives_rules) = (self.random.usize(..PEOPLE), self.random.u8(..4) > 0);
        What::Ask { intended, variant, asker, gives_rules }
    }

    fn decision(&mut self, intended: usize) -> What {
        What::Decide {
            intended,
            voter: self.random.usize(..PEOPLE),
            spelling: self.random.u8(..4),
            agrees: self.random.u8(..7) > 0,
            hash: match self.random.u8(..20) {
                0 => Hash::Other,
                1..=9 => Hash::Seen,
                _ => Hash::None,
            },
        }
    }

    fn dashboard(&mut self) -> What {
        let payment = self.random.usize(..self.payments);
        What::DashboardRefund { payment, amount: self.random.u64(1..2000) }
    }

    fn bank(&mut self) -> What {
        let statuses = ["succeeded", "succeeded", "failed", "canceled"];
        let status = statuses[self.random.usize(..statuses.len())];
        What::EndRefund { payment: self.random.usize(..self.payments), status }
    }

    fn about_a_bulk(&mut self, intended: usize) -> What {
        if self.bulks.is_empty() {
            return What::Look { intended };
        }
        let bulk = self.random.usize(..self.bulks.len());
        match self.random.u8(..8) {
            0..=2 => What::Resume { bulk },
            3..=4 => What::Interrupt { bulk },
            5 => What::Cancel { bulk },
            6 => What::Plan { bulk },
            _ => What::Run { bulk },
        }
    }
}
