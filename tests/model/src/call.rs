//! Calls of the application layer, and what they answer.

use refund_app::{
    Application, Ask, AskError, Ballot, Caller, DecideError, Decided, Outcome, Settings,
};
use refund_core::id::{OperationId, PaymentRef};
use refund_core::money::{Currency, Money};
use refund_core::policy::{Document, Terms};
use refund_core::request::Request;
use refund_ledger::{Approval, ApprovalId, LedgerError, MerchantRules, Operation, UserName};

use crate::component::{Native, Surroundings};
use crate::fault::Fault;
use crate::tape::{Tape, TapeClock, TapeStore};

/// How long a request may still be carried out, as the product takes it, in seconds.
pub const GRACE_SECS: u64 = 90;
/// How long approvers have, in seconds.
pub const APPROVAL_SECS: u64 = 7 * 86_400;

/// The application layer of the product, over a tape.
pub type App = Application<Native, TapeStore, TapeClock>;

/// The rules of the merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rules {
    /// What Stripe enforces, and nothing else.
    None,
    /// Nothing above 50.00.
    Maximum,
    /// Two approvers above 10.00.
    TwoApprovers,
    /// One approver above 10.00.
    OneApprover,
}

/// Above this the rules that want approvers want them, in cents.
const APPROVE_UP_TO: u64 = 1_000;
/// Above this [`Rules::Maximum`] denies, in cents.
const MAXIMUM: u64 = 5_000;

impl Rules {
    /// How many approvers must agree to a refund of this many cents.
    pub fn approvers(self, cents: u64) -> usize {
        match self {
            Self::OneApprover if cents > APPROVE_UP_TO => 1,
            Self::TwoApprovers if cents > APPROVE_UP_TO => 2,
            _ => 0,
        }
    }

    /// As the product takes them.
    pub fn merchant(self) -> MerchantRules {
        match self {
            Self::None => MerchantRules::default(),
            Self::Maximum => MerchantRules::policy(Terms {
                never_above: Some(usd(MAXIMUM).into()),
                ..Terms::default()
            }),
            Self::OneApprover => {
                let approve_up_to = Some(usd(APPROVE_UP_TO).into());
                MerchantRules::policy(Terms { approve_up_to, ..Terms::default() })
            }
            Self::TwoApprovers => two_approvers(),
        }
    }
}

fn two_approvers() -> MerchantRules {
    let document = serde_json::json!({
        "name": "Shop", "version": "1",
        "defaults": {
            "approve_up_to": { "usd": "10.00" }, "second_approval_above": { "usd": "10.00" },
        },
    });
    match serde_json::from_value::<Document>(document) {
        Ok(document) => MerchantRules::document(document, false),
        Err(problem) => unreachable!("the document is written here: {problem}"),
    }
}

/// An amount of dollars, in cents.
pub fn usd(cents: u64) -> Money {
    let Ok(currency) = Currency::parse("usd") else { unreachable!("usd is a currency") };
    Money { amount: cents, currency }
}

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Asks for a refund.
    Ask {
        /// The operation id.
        operation: &'static str,
        /// The payment, as a charge or a PaymentIntent.
        payment: &'static str,
        /// How much.
        cents: u64,
        /// The merchant's rules.
        rules: Rules,
        /// Who asks.
        user: &'static str,
    },
    /// Asks again for an operation that the ledger holds.
    AskAgain {
        /// Which.
        operation: &'static str,
        /// Who asks.
        user: &'static str,
    },
    /// Finds out what became of an operation.
    FindOut {
        /// Which.
        operation: &'static str,
        /// Who asks.
        user: &'static str,
    },
    /// Decides about an approval.
    Decide {
        /// Its number.
        approval: i64,
        /// Agrees, or objects.
        agrees: bool,
        /// Who decides.
        user: &'static str,
    },
    /// Executes an approval.
    Execute {
        /// Its number.
        approval: i64,
        /// The merchant's rules in force.
        rules: Rules,
        /// Who executes.
        user: &'static str,
    },
    /// Ends an approval before its time.
    Withdraw {
        /// Its number.
        approval: i64,
        /// Who ends it.
        user: &'static str,
    },
}

/// What a call answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of asking and executing.
    Outcome(Result<Box<Outcome>, Box<AskError>>),
    /// Of finding out.
    Found(Result<Option<Box<Operation>>, LedgerError>),
    /// Of deciding.
    Decided(Result<Box<Decided>, Box<DecideError>>),
    /// Of ending an approval, or of executing one that cannot be executed.
    Approval(Result<Box<Approval>, Box<DecideError>>),
}

impl Call {
    /// Carries it out with the application layer over a tape.
    pub async fn carry_out(self, tape: Tape, surroundings: Surroundings) -> Answer {
        let has = |fault| surroundings.fault == Some(fault);
        let settings = Settings {
            grace_secs: if has(Fault::GraceIgnored) { 0 } else { GRACE_SECS },
            approval_secs: if has(Fault::ApprovalNeverExpires) { u64::MAX } else { APPROVAL_SECS },
            // It sleeps once, and then gives up.
            patience: std::time::Duration::ZERO,
        };
        let component = Native::new(tape.clone(), surroundings, self.operation());
        let stands_at = has(Fault::ClockStandsStill).then(|| tape.now());
        let clock = TapeClock { tape: tape.clone(), stands_at };
        let app = App::new(component, TapeStore(tape), clock, settings);
        match self {
            Self::Ask { operation, payment, cents, rules, user } => {
                let request = request(operation, payment, cents);
                let ask = Ask { request, rules: rules.merchant() };
                Answer::of(app.ask(ask, &caller(user)).await)
            }
            Self::AskAgain { operation, user } => {
                Answer::of(app.ask_again(&operation_id(operation), None, &caller(user)).await)
            }
            Self::FindOut { operation, user } => {
                let found = app.find_out(&operation_id(operation), &caller(user)).await;
                Answer::Found(found.map(|found| found.map(Box::new)))
            }
            Self::Decide { approval, agrees, user } => {
                let own_requests = has(Fault::OwnVoteCounts);
                let ballot = Ballot { agrees, own_requests, ..Ballot::default() };
                let decided = app.decide(&approval_id(approval), ballot, &caller(user)).await;
                Answer::Decided(decided.map(Box::new).map_err(Box::new))
            }
            Self::Execute { approval, rules, user } => {
                let id = approval_id(approval);
                match app.execute(&id, Some(rules.merchant()), &caller(user)).await {
                    Ok(outcome) => Answer::of(outcome),
                    Err(error) => Answer::Approval(Err(Box::new(error))),
                }
            }
            Self::Withdraw { approval, user } => {
                let ended = app.withdraw(&approval_id(approval), &caller(user)).await;
                Answer::Approval(ended.map(Box::new).map_err(Box::new))
            }
        }
    }
}

impl Call {
    /// The operation that it is about; absent for a call about an approval.
    pub fn operation(self) -> Option<&'static str> {
        match self {
            Self::Ask { operation, .. }
            | Self::AskAgain { operation, .. }
            | Self::FindOut { operation, .. } => Some(operation),
            Self::Decide { .. } | Self::Execute { .. } | Self::Withdraw { .. } => None,
        }
    }

    /// The request, where it asks for one.
    pub fn request(self) -> Option<Request> {
        match self {
            Self::Ask { operation, payment, cents, .. } => Some(request(operation, payment, cents)),
            _ => None,
        }
    }
}

impl Answer {
    fn of(outcome: Result<Outcome, AskError>) -> Self {
        Self::Outcome(outcome.map(Box::new).map_err(Box::new))
    }
}

/// A request for a refund.
pub fn request(operation: &str, payment: &str, cents: u64) -> Request {
    let Ok(payment) = PaymentRef::parse(payment) else { unreachable!("`{payment}` is a payment") };
    Request { amount: Some(usd(cents)), ..Request::new(operation_id(operation), payment) }
}

/// An operation id.
pub fn operation_id(id: &str) -> OperationId {
    let Ok(id) = OperationId::parse(id) else { unreachable!("`{id}` is an operation id") };
    id
}

/// A caller of the model.
pub fn caller(user: &str) -> Caller {
    Caller::new(UserName::stored(user), "model")
}

fn approval_id(number: i64) -> String {
    ApprovalId::numbered(number).to_string()
}
