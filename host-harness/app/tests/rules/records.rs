//! What the ledger keeps of a call beside its outcome: fees, counts, times, reasons, and whose refund it is.

use refund_app::outcome::{Standing, Unrecorded};
use refund_app::rules::admission::{Admitted, admit};
use refund_app::rules::approval::decide;
use refund_app::{Called, DecideError, OperationError, Outcome, OutcomeKind};
use refund_core::client::{CreateError, Created, NeedsApproval, OperationConflict, Origin};
use refund_core::eligibility::FeeRate;
use refund_core::policy::Terms;
use refund_core::problem::FieldProblem;
use refund_core::request::Request;
use refund_core::wire::{Refusal, RefusalKind};
use refund_ledger::{ApprovalState, HeldRules, MerchantRules, Operation, Settlement, State, Store};
use tokio::task::JoinHandle;

use crate::support::{
    Desk, Fate, GRACE_SECS, approve_up_to, caller, document, no, operation_id, refund, request,
    try_ask, yes,
};

fn with_fee() -> MerchantRules {
    let fee_rate = Some(FeeRate { basis_points: 290, fixed: 30 });
    MerchantRules::policy(Terms { fee_rate, ..Terms::default() })
}

/// Alice asks, and the call of the component waits at the gate.
async fn at_the_gate(desk: &Desk, operation: &'static str) -> JoinHandle<Outcome> {
    desk.component.close_gate();
    let application = desk.application.clone();
    let begun = desk.component.calls().creates + 1;
    let asked = tokio::spawn(async move {
        let wanted = request(operation, "ch_1", Some(500));
        try_ask(&application, "alice", wanted, &MerchantRules::default()).await.unwrap()
    });
    desk.component.until_begun(begun).await;
    asked
}

async fn let_through(desk: &Desk, asked: JoinHandle<Outcome>) -> Outcome {
    desk.component.let_one_through();
    asked.await.unwrap()
}

fn origin(settlement: Option<&Settlement>) -> Option<Origin> {
    match settlement {
        Some(Settlement::Refunded { origin, .. }) => Some(*origin),
        _ => None,
    }
}

#[tokio::test]
async fn the_fee_is_kept_with_the_refund() {
    let made = Desk::new().ask_under("op-1", 5_000, &with_fee()).await;
    let fee = made.operation.fee.unwrap();
    // Half of 2.9 % of 100.00 and 0.30.
    assert_eq!((fee.amount, fee.currency.as_str()), (160, "usd"));
}

#[tokio::test]
async fn an_event_that_overtakes_the_answer_loses_neither_fee_nor_count() {
    let made = Desk::new().ask_under("op-1", 500, &with_fee()).await.created().unwrap();
    let desk = Desk::new();
    let seen = made.refund.clone();
    desk.component.answer(Ok(made), 1);
    let asked = at_the_gate(&desk, "op-1").await;
    desk.application.see(seen, &caller("stripe")).await.unwrap();
    desk.clock.advance(1);
    let held = let_through(&desk, asked).await.operation;
    assert_eq!(held.updated, desk.clock.unix());
    assert_eq!(held, desk.operation("op-1").await);
    assert_eq!((held.fee.map(|fee| fee.amount), held.changes_sent), (Some(16), 1));
    assert!(held.request_id.is_some());
}

/// The call that sent nothing has not made the refund that an event shows meanwhile.
#[tokio::test]
async fn a_refund_is_not_of_a_call_that_sent_nothing() {
    let desk = Desk::new();
    desk.component.trap(0);
    let asked = at_the_gate(&desk, "op-1").await;
    desk.receive("evt_1", "refund.created", &refund("re_1", "op-1", 500, "succeeded")).await;
    let settled = let_through(&desk, asked).await;
    assert_eq!(origin(settled.operation.settlement.as_ref()), Some(Origin::Found));
    assert_eq!(settled.kind(), OutcomeKind::Found);
}

#[tokio::test]
async fn an_event_says_that_a_refund_failed_only_of_one_that_did() {
    let desk = Desk::new();
    desk.stripe.order_status("pending");
    desk.ask("op-1", 500).await;
    let detail = async |id: &str, status: &str| {
        desk.receive(id, "refund.updated", &refund("re_1", "op-1", 500, status)).await;
        desk.operation("op-1").await.detail
    };
    assert_eq!(detail("evt_1", "succeeded").await, None);
    let failed = detail("evt_2", "failed").await.unwrap();
    assert!(failed.contains("pay the customer in another way"), "{failed}");
}

/// A refusal that is not believed yet still was the answer to a request.
#[tokio::test]
async fn every_request_is_counted_whatever_its_answer_means() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::RequestLost, Fate::Refused(402)]);
    desk.ask("op-1", 500).await;
    desk.clock.advance(1);
    let second = desk.ask("op-1", 500).await;
    assert_eq!((second.kind(), second.operation.changes_sent), (OutcomeKind::Unknown, 2));
    assert_eq!(second.operation.updated, desk.clock.unix());
}

/// Stripe's no to the request itself is definite once the one before it cannot be carried out any more.
#[tokio::test]
async fn a_refusal_of_the_request_itself_is_believed_after_the_grace_period() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::RequestLost, Fate::Refused(402)]);
    desk.ask("op-1", 500).await;
    desk.clock.advance(GRACE_SECS);
    let second = desk.ask("op-1", 500).await;
    assert_eq!((second.kind(), second.operation.state), (OutcomeKind::Refused, State::Refused));
}

#[tokio::test]
async fn a_policy_document_is_named_in_what_is_kept() {
    let desk = Desk::new();
    let rules = document("10.00", "20.00", "100.00");
    let made = desk.ask_under("op-1", 500, &rules).await.operation.detail.unwrap();
    assert!(made.starts_with("by the defaults of Shop 1 ("), "{made}");
    let plain = desk.ask("op-2", 500).await.operation;
    assert_eq!(plain.detail, None, "{plain:?}");
}

#[tokio::test]
async fn every_move_has_its_time() {
    let desk = Desk::new();
    desk.ask_under("op-1", 500, &approve_up_to(100)).await;
    desk.clock.advance(10);
    desk.application.decide("ap_1", no(), &caller("bob")).await.unwrap();
    let denied = desk.operation("op-1").await;
    assert_eq!((denied.state, denied.updated), (State::Canceled, desk.clock.unix()));
    assert_eq!(denied.detail.as_deref(), Some("bob denied ap_1: not this one"));
    desk.ask_under("op-3", 20_000, &document("10.00", "20.00", "100.00")).await;
    desk.clock.advance(10);
    let corrected = request("op-3", "ch_1", Some(400));
    let rules = approve_up_to(100);
    let admitted = admit_now(&desk, corrected, rules.clone()).await;
    assert_eq!(admitted.rules, HeldRules::from(rules), "the rules that it was corrected under");
    assert_eq!((admitted.state, admitted.updated), (State::Planned, desk.clock.unix()));
    assert_eq!(admitted.settlement, None, "why the other values were denied");
    desk.clock.advance(10);
    let asked = at_the_gate(&desk, "op-2").await;
    let sent = desk.operation("op-2").await;
    assert_eq!((sent.state, sent.updated), (State::Sent, desk.clock.unix()));
    assert_eq!(sent.uncertain, Some(desk.clock.unix()));
    desk.clock.advance(10);
    let made = let_through(&desk, asked).await.operation;
    assert_eq!((made.updated, made.uncertain), (desk.clock.unix(), None));
}

#[tokio::test]
async fn an_event_settles_what_was_unknown() {
    let desk = Desk::new();
    desk.component.trap(1);
    assert_eq!(desk.ask("op-1", 500).await.kind(), OutcomeKind::Unknown);
    desk.clock.advance(10);
    desk.receive("evt_1", "refund.created", &refund("re_1", "op-1", 500, "succeeded")).await;
    let held = desk.operation("op-1").await;
    assert_eq!((held.state, held.uncertain), (State::Succeeded, None));
    assert_eq!(held.updated, desk.clock.unix());
}

/// Stripe's id of the request is what its support asks for.
#[tokio::test]
async fn a_refusal_keeps_the_id_of_the_request() {
    let desk = Desk::new();
    let request_id = Some("req_9".to_owned());
    let refused = Refusal { request_id: request_id.clone(), ..refusal(RefusalKind::Card, 402) };
    desk.component.answer(Err(OperationError::Failed(CreateError::Refused(refused))), 1);
    assert_eq!(desk.ask("op-1", 500).await.operation.request_id, request_id);
}

async fn admit_now(desk: &Desk, request: Request, rules: MerchantRules) -> Operation {
    let now = desk.clock.unix();
    let admitted = desk.ledger().write(move |tx| admit(tx, request, rules, &caller("alice"), now));
    let Admitted::Corrected(operation) = admitted.await.unwrap() else { panic!("corrected") };
    *operation
}

/// An approval ends when its time is over, not when that is noticed.
#[tokio::test]
async fn an_expired_approval_ended_when_its_time_was_over() {
    let desk = Desk::new();
    desk.ask_under("op-1", 500, &approve_up_to(100)).await;
    let expires = desk.approval("ap_1").await.expires;
    desk.clock.advance(30 * 86_400);
    let now = desk.clock.unix();
    let late = desk.ledger().write(move |tx| decide(tx, "ap_1", &yes(), &caller("bob"), now)).await;
    assert!(matches!(late.unwrap(), Err(DecideError::Expired(_))), "though it is open still");
    desk.ask_under("op-1", 500, &approve_up_to(100)).await;
    let first = desk.approval("ap_1").await;
    assert_eq!((first.state, first.decided), (ApprovalState::Expired, Some(expires)));
}

/// The instant at which an approval expires still belongs to it.
#[tokio::test]
async fn until_it_expires_an_approval_is_decided_and_executed() {
    let desk = Desk::new();
    for operation in ["op-1", "op-2"] {
        desk.ask_under(operation, 500, &approve_up_to(100)).await;
    }
    let expires = desk.approval("ap_1").await.expires;
    desk.clock.advance(expires - desk.clock.unix());
    assert_eq!(desk.approval("ap_1").await.state, ApprovalState::Open);
    assert_eq!(desk.approve("bob", "ap_1").await.state, ApprovalState::Approved);
    desk.approve("bob", "ap_2").await;
    let made = desk.application.execute("ap_1", None, &caller("bob")).await.unwrap().unwrap();
    assert_eq!(made.kind(), OutcomeKind::Made);
    desk.clock.advance(1);
    let late = desk.application.execute("ap_2", None, &caller("bob")).await.unwrap_err();
    assert!(matches!(late, DecideError::Expired(_)), "{late}");
}

/// What was refused before anything about the payment was looked at says nothing about an earlier request.
#[tokio::test]
async fn a_refusal_of_something_else_settles_nothing() {
    for (kind, changes_sent) in
        [(RefusalKind::InvalidRequest, 0), (RefusalKind::Permission, 1), (RefusalKind::Card, 0)]
    {
        let desk = Desk::new();
        desk.stripe.order(&[Fate::RequestLost]);
        desk.ask("op-1", 500).await;
        desk.clock.advance(GRACE_SECS);
        let request_id = Some("req_9".to_owned());
        let refused = Refusal { request_id: request_id.clone(), ..refusal(kind, 400) };
        let refused = Err(OperationError::Failed(CreateError::Refused(refused)));
        desk.component.answer(refused, changes_sent);
        let again = desk.ask("op-1", 500).await;
        assert_eq!((again.kind(), again.operation.request_id), (OutcomeKind::Unknown, request_id));
    }
}

fn refusal(kind: RefusalKind, status: u16) -> Refusal {
    Refusal {
        kind,
        status,
        code: None,
        param: None,
        message: "no".to_owned(),
        request_id: None,
        retry_after: None,
    }
}

#[tokio::test]
async fn another_process_is_named_with_what_it_works_on() {
    let desk = Desk::new();
    let asked = at_the_gate(&desk, "op-1").await;
    let (other, _) = desk.process();
    let wanted = request("op-2", "ch_1", Some(500));
    let text = try_ask(&other, "bob", wanted, &MerchantRules::default()).await.unwrap().text();
    assert!(text.starts_with("Another process works on operation `op-1` on the same payment."));
    let_through(&desk, asked).await;
}

/// Another id would be a second request beside the one that waits.
#[tokio::test]
async fn what_waits_with_other_values_is_ended_first() {
    let desk = Desk::new();
    let first = desk.ask_under("op-1", 500, &approve_up_to(100)).await.text();
    assert!(first.contains("(asked for by alice): `refund-node approvals approve ap_1"), "{first}");
    let other = desk.ask_under("op-1", 600, &approve_up_to(100)).await.text();
    assert!(other.contains("approvals expire ap_1"), "{other}");
    assert!(!other.contains("hoose another"), "{other}");
}

/// The same answers mean the same without a ledger.
#[test]
fn answers_without_a_ledger() {
    let kind = |result, changes_sent| {
        let read = Unrecorded::of(Called { result, changes_sent }, 1);
        let text = read.text("op-1");
        assert!(text.contains(read.kind().row().money), "{text}");
        (read.kind(), text)
    };
    let shown = |origin, status: &str| {
        let refund = refund("re_1", "op-1", 500, status);
        Ok(Created { refund, origin, attempts: 1, request_id: None, verdict: None })
    };
    for (answer, expected) in [
        (shown(Origin::Made, "succeeded"), OutcomeKind::Made),
        (shown(Origin::Reconciled, "pending"), OutcomeKind::Made),
        (shown(Origin::Found, "succeeded"), OutcomeKind::Found),
        (shown(Origin::Made, "failed"), OutcomeKind::Failed),
        (shown(Origin::Found, "canceled"), OutcomeKind::Canceled),
    ] {
        assert_eq!(kind(answer, 1).0, expected);
    }
    let failed = |error| kind(Err(OperationError::Failed(error)), 0);
    let conflict = OperationConflict {
        operation_id: "op-1".to_owned(),
        existing: None,
        detail: "re_1 of 5.00 usd carries it".to_owned(),
    };
    let (found, text) = failed(CreateError::OperationConflict(conflict));
    assert_eq!(found, OutcomeKind::Conflict);
    assert!(text.contains("re_1 of 5.00 usd carries it"), "{text}");
    let problem = FieldProblem::new("reason", "unread", "Stripe does not know it", "leave it out");
    let (found, text) = failed(CreateError::Invalid { problems: vec![problem] });
    assert_eq!(found, OutcomeKind::Invalid);
    assert!(text.contains("Stripe does not know it"), "{text}");
    // A fault at Stripe before anything was sent is no unknown outcome.
    let fault = CreateError::Refused(refusal(RefusalKind::Api, 500));
    assert_eq!(failed(fault.clone()).0, OutcomeKind::Refused);
    assert_eq!(kind(Err(OperationError::Failed(fault)), 1).0, OutcomeKind::Unknown);
    let refusal = refusal(RefusalKind::Card, 402);
    assert_eq!(failed(CreateError::Refused(refusal)).0, OutcomeKind::Refused);
}

/// The hash of the request is what an approver agrees to where there is no ledger; a denial is a denial.
#[tokio::test]
async fn verdicts_without_a_ledger() {
    let desk = Desk::new();
    desk.ask_under("op-1", 500, &approve_up_to(100)).await;
    let Some(verdict) = desk.approval("ap_1").await.verdict else { panic!("a verdict") };
    let denied = CreateError::Denied { verdict: verdict.clone() };
    let denied = Called { result: Err(OperationError::Failed(denied)), changes_sent: 0 };
    assert_eq!(Unrecorded::of(denied, 1).kind(), OutcomeKind::Denied);
    let asked = NeedsApproval { verdict, request_hash: "hash-1".to_owned() };
    let result = Err(OperationError::Failed(CreateError::NeedsApproval(asked)));
    let read = Unrecorded::of(Called { result, changes_sent: 0 }, 1);
    assert_eq!(read.kind(), OutcomeKind::Waiting);
    let text = read.text("op-1");
    assert!(text.contains("approval hash-1"), "{text}");
}

/// Stripe shows a refund of an operation that was called off here: Stripe is right.
#[tokio::test]
async fn a_refund_of_what_was_called_off_is_believed() {
    let desk = Desk::new();
    desk.ask_under("op-1", 500, &approve_up_to(100)).await;
    desk.application.decide("ap_1", no(), &caller("bob")).await.unwrap();
    desk.receive("evt_1", "refund.created", &refund("re_1", "op-1", 500, "succeeded")).await;
    let held = desk.operation("op-1").await;
    assert_eq!((held.id(), held.state), (&operation_id("op-1"), State::Succeeded));
    // A refund that was canceled at Stripe stays canceled.
    let desk = Desk::new();
    desk.ask("op-1", 500).await;
    desk.receive("evt_1", "refund.updated", &refund("re_1", "op-1", 500, "canceled")).await;
    desk.clock.advance(GRACE_SECS);
    desk.receive("evt_2", "refund.updated", &refund("re_1", "op-1", 500, "succeeded")).await;
    let again = desk.ask("op-1", 500).await;
    assert!(matches!(again.standing, Standing::Canceled(_)), "{:?}", again.standing);
}
