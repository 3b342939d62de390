//! The store of the model beside the store of the product: the same calls give the same answers.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use refund_core::client::Origin;
use refund_core::eligibility::{Decision, Verdict};
use refund_core::id::{ChargeId, OperationId, PaymentIntentId, PaymentRef, RefundId};
use refund_core::model::Refund;
use refund_core::money::{Currency, Money};
use refund_core::policy::Terms;
use refund_core::request::Request;
use refund_ledger::{
    Approval, ApprovalId, ApprovalState, Entry, Event, Fingerprint, InMemory, KeptRefund,
    LedgerError, MerchantRules, NewApproval, Operation, PaymentKey, Settlement, State, Store, Tx,
    UserName, Vote,
};
use refund_model::tables::Tables;
use serde_json::json;

const OPERATIONS: [&str; 3] = ["op-1", "op-2", "op-3"];
const PAYMENTS: [&str; 3] = ["ch_1", "ch_2", "pi_1"];
const USERS: [&str; 3] = ["alice", "bob", "carol"];
const REFUNDS: [&str; 2] = ["re_1", "re_2"];
const EVENTS: [&str; 3] = ["evt_1", "evt_2", "evt_3"];
/// Each kind of answer must be reached in one of this many cases.
const RARE: u32 = 100;

/// One call of `Tx`.
#[derive(Clone, Debug)]
enum Call {
    Operation(&'static str),
    OperationOfRefund(&'static str),
    PutOperation(Box<Operation>),
    /// Records what is held of an operation, as a move from its last state or from another one.
    Record(&'static str, Option<State>),
    CheckHeld(&'static str),
    UnsettledOn(&'static str, &'static str),
    WaitingOn(&'static str),
    UnsettledUnderOtherNames(&'static str, &'static str),
    PaymentKey(&'static str),
    KeepCharge(&'static str),
    WorkingOn(&'static str),
    TakePayment(&'static str, &'static str),
    ReleasePayment(&'static str),
    Approval(i64),
    LiveApproval(&'static str),
    LastApproval(&'static str),
    OverdueApprovals(u64),
    InsertApproval(Box<NewApproval>),
    PutApproval(i64, ApprovalState, u8, Option<u64>),
    InsertVote(i64, Box<Vote>),
    IsKnownEvent(&'static str),
    InsertEvent(Box<Event>),
    HasNewerEvent(Box<Event>),
    RefundElsewhere(&'static str),
    PutRefundElsewhere(&'static str, &'static str),
}

/// What a process does.
#[derive(Clone, Debug)]
enum Step {
    /// Calls in one transaction, which is undone at the end where `fails`.
    Transact { process: usize, calls: Vec<Call>, fails: bool },
    /// It no longer works on an operation.
    LetGo { process: usize, operation: &'static str },
    /// It ends, and begins anew.
    Restart { process: usize },
}

fn id(text: &str) -> OperationId {
    OperationId::parse(text).unwrap()
}

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn usd(amount: u64) -> Money {
    Money { amount, currency: Currency::parse("usd").unwrap() }
}

fn verdict(amount: u64) -> Verdict {
    Verdict {
        decision: Decision::NeedsApproval,
        failed: Vec::new(),
        amount: usd(amount),
        refundable: usd(100),
        fee_kept: None,
        ruling: None,
    }
}

fn refund(id: &str, status: &str) -> Refund {
    serde_json::from_value(json!({
        "id": id, "amount": 10, "currency": "usd", "charge": "ch_1", "payment_intent": "pi_1",
        "status": status, "created": 5,
    }))
    .unwrap()
}

fn request(operation: &str, payment: &str, amount: Option<u64>) -> Request {
    Request {
        amount: amount.map(usd),
        ..Request::new(id(operation), PaymentRef::parse(payment).unwrap())
    }
}

fn settlement() -> impl Strategy<Value = Option<Settlement>> {
    prop_oneof![
        Just(None),
        Just(Some(Settlement::Absent { last_request: 7 })),
        Just(Some(Settlement::Refunded { origin: Origin::Found, verdict: None })),
        Just(Some(Settlement::Denied { verdict: Box::new(verdict(10)) })),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let asked = (select(&OPERATIONS[..]), select(&PAYMENTS[..]), prop::option::of(10..12_u64));
    let rest = (
        select(&State::ALL[..]),
        settlement(),
        prop::option::of((select(&REFUNDS[..]), any::<bool>())),
        any::<bool>(),
        prop::option::of(0..9_u64),
        (0..3_u32, 0..3_u32, 0..9_u64, select(&USERS[..]), prop::option::of(select(&USERS[..]))),
    );
    (asked, rest).prop_map(|((operation, payment, amount), rest)| {
        let (state, settlement, kept, has_rules, uncertain, rest) = rest;
        let (attempts, changes_sent, updated, requester, corrected_by) = rest;
        let policy = Terms { never_above: Some(usd(20).into()), ..Terms::default() };
        let rules =
            if has_rules { MerchantRules::policy(policy) } else { MerchantRules::default() };
        Operation {
            state,
            settlement,
            refund: kept.map(|(id, has_intent)| KeptRefund {
                id: RefundId::from_stripe(id),
                money: usd(10),
                charge: Some(ChargeId::from_stripe("ch_1")),
                payment_intent: has_intent.then(|| PaymentIntentId::from_stripe("pi_1")),
            }),
            detail: has_rules.then(|| "so it is".to_owned()),
            uncertain,
            attempts,
            changes_sent,
            corrected_by: corrected_by.map(user),
            ..Operation::new(
                request(operation, payment, amount),
                user(requester),
                rules.into(),
                updated,
            )
        }
    })
}

fn approval() -> impl Strategy<Value = NewApproval> {
    (select(&OPERATIONS[..]), select(&USERS[..]), 1..3_u8, 0..5_u64).prop_map(
        |(operation, requester, needed, expires)| NewApproval {
            operation: id(operation),
            request_hash: "hash".into(),
            fingerprint: Fingerprint::of(&request(operation, "ch_1", None)),
            money: usd(10),
            requester: user(requester),
            needed,
            verdict: verdict(10),
            created: 1,
            expires,
        },
    )
}

fn vote() -> impl Strategy<Value = Vote> {
    (select(&USERS[..]), any::<bool>(), 0..3_u64, any::<bool>()).prop_map(
        |(voter, agrees, time, own_request)| Vote {
            voter: user(voter),
            agrees,
            note: own_request.then(|| "a note".to_owned()),
            time,
            own_request,
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let kinds = select(&["charge.refunded", "charge.refunded", "refund.updated"][..]);
    let objects = prop::option::weighted(0.9, select(&PAYMENTS[..2]));
    (select(&EVENTS[..]), kinds, 0..3_u64, objects).prop_map(|(id, kind, created, object)| Event {
        id: id.into(),
        kind: kind.into(),
        created,
        object: object.map(str::to_owned),
        status: None,
    })
}

fn call() -> impl Strategy<Value = Call> {
    use ApprovalState::{Approved, Denied, Executed, Expired, Open, Superseded};
    let operations = || select(&OPERATIONS[..]);
    let payments = || select(&PAYMENTS[..]);
    let approvals = [Open, Approved, Denied, Expired, Superseded, Executed];
    let decided = (1..3_i64, select(approvals.to_vec()), 1..3_u8, prop::option::of(0..9_u64));
    prop_oneof![
        2 => operations().prop_map(Call::Operation),
        1 => select(&REFUNDS[..]).prop_map(Call::OperationOfRefund),
        6 => operation().prop_map(|operation| Call::PutOperation(Box::new(operation))),
        4 => (operations(), prop::option::of(select(&State::ALL[..])))
            .prop_map(|(operation, before)| Call::Record(operation, before)),
        3 => operations().prop_map(Call::CheckHeld),
        3 => (payments(), operations()).prop_map(|(on, except)| Call::UnsettledOn(on, except)),
        2 => payments().prop_map(Call::WaitingOn),
        3 => (payments(), operations())
            .prop_map(|(on, except)| Call::UnsettledUnderOtherNames(on, except)),
        2 => payments().prop_map(Call::PaymentKey),
        1 => select(&["ch_1", "ch_2"][..]).prop_map(Call::KeepCharge),
        4 => payments().prop_map(Call::WorkingOn),
        4 => (payments(), operations()).prop_map(|(on, by)| Call::TakePayment(on, by)),
        2 => operations().prop_map(Call::ReleasePayment),
        2 => (1..4_i64).prop_map(Call::Approval),
        2 => operations().prop_map(Call::LiveApproval),
        2 => operations().prop_map(Call::LastApproval),
        2 => (0..6_u64).prop_map(Call::OverdueApprovals),
        2 => approval().prop_map(|approval| Call::InsertApproval(Box::new(approval))),
        3 => decided.prop_map(|(id, to, needed, at)| Call::PutApproval(id, to, needed, at)),
        3 => (1..3_i64, vote()).prop_map(|(id, vote)| Call::InsertVote(id, Box::new(vote))),
        1 => select(&EVENTS[..]).prop_map(Call::IsKnownEvent),
        3 => event().prop_map(|event| Call::InsertEvent(Box::new(event))),
        3 => event().prop_map(|event| Call::HasNewerEvent(Box::new(event))),
        1 => select(&REFUNDS[..]).prop_map(Call::RefundElsewhere),
        1 => (select(&REFUNDS[..]), select(&["pending", "failed"][..]))
            .prop_map(|(id, status)| Call::PutRefundElsewhere(id, status)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let calls = prop::collection::vec(call(), 1..7);
    let transact = (0..2_usize, calls, prop::bool::weighted(0.1));
    prop_oneof![
        12 => transact
            .prop_map(|(process, calls, fails)| Step::Transact { process, calls, fails }),
        1 => (0..2_usize, select(&OPERATIONS[..]))
            .prop_map(|(process, operation)| Step::LetGo { process, operation }),
        1 => (0..2_usize).prop_map(|process| Step::Restart { process }),
    ]
}

/// Carries out a call, and shows its answer.
fn carry_out(tx: &mut dyn Tx, call: &Call) -> Result<String, LedgerError> {
    Ok(match call {
        Call::Operation(operation) => format!("{:?}", tx.operation(&id(operation))?),
        Call::OperationOfRefund(refund) => {
            format!("{:?}", tx.operation_of_refund(&RefundId::from_stripe(*refund))?)
        }
        Call::PutOperation(operation) => format!("{:?}", tx.put_operation(operation)?),
        Call::Record(operation, before) => {
            let Some(held) = tx.operation(&id(operation))? else { return Ok(String::new()) };
            let (actor, before) = ("alice (test)".to_owned(), *before);
            let entry = Entry { before, actor, outcome: None, request_id: None, time: 1 };
            format!("{:?}", tx.record(&held, entry)?)
        }
        Call::CheckHeld(operation) => format!("{:?}", tx.check_held(&id(operation))?),
        Call::UnsettledOn(payment, except) => {
            format!("{:?}", tx.unsettled_on(&PaymentKey::new(*payment), &id(except))?)
        }
        Call::WaitingOn(payment) => format!("{:?}", tx.waiting_on(&PaymentKey::new(*payment))?),
        Call::UnsettledUnderOtherNames(payment, except) => {
            let payment = PaymentKey::new(*payment);
            format!("{:?}", tx.unsettled_under_other_names(&payment, &id(except))?)
        }
        Call::PaymentKey(payment) => {
            format!("{:?}", tx.payment_key(&PaymentRef::parse(payment).unwrap())?)
        }
        Call::KeepCharge(charge) => {
            let intent = PaymentIntentId::from_stripe("pi_1");
            format!("{:?}", tx.keep_charge(&intent, &ChargeId::from_stripe(*charge))?)
        }
        Call::WorkingOn(payment) => format!("{:?}", tx.working_on(&PaymentKey::new(*payment))?),
        Call::TakePayment(payment, operation) => {
            format!("{:?}", tx.take_payment(&PaymentKey::new(*payment), &id(operation))?)
        }
        Call::ReleasePayment(operation) => format!("{:?}", tx.release_payment(&id(operation))?),
        other => carry_out_other(tx, other)?,
    })
}

fn carry_out_other(tx: &mut dyn Tx, call: &Call) -> Result<String, LedgerError> {
    Ok(match call {
        Call::Approval(number) => format!("{:?}", tx.approval(ApprovalId::numbered(*number))?),
        Call::LiveApproval(operation) => format!("{:?}", tx.live_approval(&id(operation))?),
        Call::LastApproval(operation) => format!("{:?}", tx.last_approval(&id(operation))?),
        Call::OverdueApprovals(now) => format!("{:?}", tx.overdue_approvals(*now)?),
        Call::InsertApproval(approval) => format!("{:?}", tx.insert_approval(approval)?),
        Call::PutApproval(number, state, needed, decided) => {
            let known = tx.approval(ApprovalId::numbered(*number))?;
            let Some(known) = known else { return Ok("none".to_owned()) };
            let changed = Approval {
                state: *state,
                needed: *needed,
                decided: *decided,
                verdict: None,
                request_hash: format!("hash {needed}"),
                ..known
            };
            format!("{:?}", tx.put_approval(&changed)?)
        }
        Call::InsertVote(number, vote) => {
            format!("{:?}", tx.insert_vote(ApprovalId::numbered(*number), vote)?)
        }
        Call::IsKnownEvent(event) => format!("{:?}", tx.is_known_event(event)?),
        Call::InsertEvent(event) => format!("{:?}", tx.insert_event(event, "noted", 3)?),
        Call::HasNewerEvent(event) => format!("{:?}", tx.has_newer_event(event)?),
        Call::RefundElsewhere(refund) => {
            format!("{:?}", tx.refund_elsewhere(&RefundId::from_stripe(*refund))?)
        }
        Call::PutRefundElsewhere(id, status) => {
            format!("{:?}", tx.put_refund_elsewhere(&refund(id, status), 3)?)
        }
        _ => String::new(),
    })
}

/// The calls of one transaction, up to the first that fails. The answers are shown whether or not it fails.
fn transact(
    tx: &mut dyn Tx,
    calls: &[Call],
    fails: bool,
    answers: &mut Vec<String>,
) -> Result<(), LedgerError> {
    for call in calls {
        match carry_out(tx, call) {
            Ok(answer) => answers.push(answer),
            Err(error) => {
                answers.push(kind(&error));
                return Err(error);
            }
        }
    }
    if fails { Err(LedgerError::Closed) } else { Ok(()) }
}

/// The kind of an error: its text names a constraint of SQLite's.
fn kind(error: &LedgerError) -> String {
    match error {
        LedgerError::Write(_) => "cannot be written".to_owned(),
        other => other.to_string(),
    }
}

/// The store of the product, for two processes.
struct Product {
    processes: [InMemory; 2],
    names: Arc<Mutex<[String; 2]>>,
}

impl Product {
    fn new() -> Self {
        let names = Arc::new(Mutex::new(["0.0".to_owned(), "1.0".to_owned()]));
        let first = InMemory::new("0.0", Self::alive(&names)).unwrap();
        let second = first.for_process("1.0", Self::alive(&names));
        Self { processes: [first, second], names }
    }

    fn alive(names: &Arc<Mutex<[String; 2]>>) -> impl Fn(&str) -> bool + Send + Sync + 'static {
        let names = Arc::clone(names);
        move |name| names.lock().unwrap().iter().any(|alive| alive == name)
    }

    fn restart(&mut self, process: usize, count: usize) {
        let name = format!("{process}.{count}");
        self.names.lock().unwrap()[process].clone_from(&name);
        self.processes[process] =
            self.processes[process].for_process(&name, Self::alive(&self.names));
    }
}

/// Two operations on one payment, and an approval: what most calls need.
fn first_step() -> Step {
    let planned = |operation: &'static str, payment| {
        let request = request(operation, payment, None);
        let planned = Operation::new(request, user("alice"), MerchantRules::default().into(), 1);
        [Call::PutOperation(Box::new(planned)), Call::Record(operation, None)]
    };
    let approval = NewApproval {
        operation: id("op-1"),
        request_hash: "hash".into(),
        fingerprint: Fingerprint::of(&request("op-1", "ch_1", None)),
        money: usd(10),
        requester: user("alice"),
        needed: 2,
        verdict: verdict(10),
        created: 1,
        expires: 3,
    };
    let mut calls = [planned("op-1", "ch_1"), planned("op-2", "pi_1")].concat();
    calls.push(Call::InsertApproval(Box::new(approval)));
    calls.push(Call::Record("op-1", Some(State::Planned)));
    Step::Transact { process: 0, calls, fails: false }
}

fn compare(steps: &[Step], reached: &mut BTreeMap<&'static str, u32>) -> Result<(), TestCaseError> {
    let (mut product, mut model) = (Product::new(), Tables::default());
    for (at, step) in [first_step()].iter().chain(steps).enumerate() {
        match step {
            Step::Transact { process, calls, fails } => {
                let (mut expected, mut found) = (Vec::new(), Vec::new());
                let committed = product.processes[*process]
                    .transact(|tx| transact(tx, calls, *fails, &mut expected))
                    .is_ok();
                let done = model.transact(u8::try_from(*process).unwrap(), false, |tx| {
                    transact(tx, calls, *fails, &mut found)
                });
                for (call, answer) in calls.iter().zip(&expected) {
                    note(call, answer, reached);
                }
                prop_assert_eq!(&expected, &found, "step {}: {:?}", at, step);
                prop_assert_eq!(committed, done.done.is_ok(), "step {}: {:?}", at, step);
            }
            Step::LetGo { process, operation } => {
                product.processes[*process].let_go(&id(operation));
                model.let_go(u8::try_from(*process).unwrap(), &id(operation));
            }
            Step::Restart { process } => {
                product.restart(*process, at + 1);
                model.end_process(u8::try_from(*process).unwrap());
            }
        }
    }
    Ok(())
}

/// Counts the answers that say something.
fn note(call: &Call, answer: &str, reached: &mut BTreeMap<&'static str, u32>) {
    let what = match (call, answer) {
        (Call::CheckHeld(_), "()") => "held as recorded",
        (Call::CheckHeld(_), _) => "altered",
        (Call::UnsettledOn(..), answer) if answer != "[]" => "unsettled operations",
        (Call::WaitingOn(..), answer) if answer != "[]" => "operations that wait",
        (Call::UnsettledUnderOtherNames(..), answer) if answer != "[]" => "other names",
        (Call::PaymentKey("pi_1"), answer) if !answer.contains("pi_1") => "an alias",
        (Call::WorkingOn(_), "None") => "a free payment",
        (Call::WorkingOn(_), _) => "a taken payment",
        (Call::TakePayment(..), "cannot be written") => "a payment taken twice",
        (Call::LiveApproval(_), answer) if answer != "None" => "a live approval",
        (Call::OverdueApprovals(_), answer) if answer != "[]" => "an overdue approval",
        (Call::InsertApproval(_), "cannot be written") => "a second live approval",
        (Call::Approval(_), answer) if answer.contains("voter") => "an approval with votes",
        (Call::InsertVote(..), "cannot be written") => {
            "a vote without an approval, or a second one"
        }
        (Call::InsertEvent(_), "cannot be written") => "an event received twice",
        (Call::HasNewerEvent(_), "true") => "a newer event",
        (Call::OperationOfRefund(_), answer) if answer != "None" => "an operation of a refund",
        _ => return,
    };
    *reached.entry(what).or_default() += 1;
}

#[test]
fn the_model_stores_what_the_product_stores() {
    let config = Config { failure_persistence: None, ..Config::default() };
    let cases = config.cases;
    let reached = std::cell::RefCell::new(BTreeMap::new());
    let steps = prop::collection::vec(step(), 1..30);
    let outcome =
        TestRunner::new(config).run(&steps, |steps| compare(&steps, &mut reached.borrow_mut()));
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let reached = reached.into_inner();
    println!("{reached:?}");
    assert_eq!(reached.len(), 17, "never reached: {reached:?}");
    assert!(reached.values().all(|count| *count >= cases / RARE), "hardly reached: {reached:?}");
}
