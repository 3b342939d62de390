//! One operation id is one refund, whatever processes, crashes and events do.

use std::time::Duration;

use refund_app::outcome::Standing;
use refund_app::rules::admission::{Admitted, admit};
use refund_app::rules::attempt::{AttemptStart, begin};
use refund_app::{Called, Difference, OperationError, OutcomeKind, Settings};
use refund_core::client::{Created, Origin};
use refund_ledger::{Effect, MerchantRules, Settlement, State, Store};

use crate::support::{
    Desk, Fate, GRACE_SECS, caller, operation_id, refund, request, settings, try_ask,
};

fn made(refund: refund_core::model::Refund) -> Called<Created, refund_core::client::CreateError> {
    let created = Created {
        refund,
        origin: Origin::Made,
        attempts: 1,
        request_id: Some("req_1".into()),
        verdict: None,
    };
    Called { result: Ok::<_, OperationError<_>>(created), changes_sent: 1 }
}

#[tokio::test]
async fn one_id_is_one_operation_across_processes() {
    let desk = Desk::new();
    let none = MerchantRules::default();
    desk.component.close_gate();
    let first = {
        let application = desk.application.clone();
        tokio::spawn(async move {
            let wanted = request("op-1", "ch_1", Some(500));
            try_ask(&application, "alice", wanted, &MerchantRules::default()).await
        })
    };
    desk.component.until_begun(1).await;
    let (two, component) = desk.process();
    let busy = try_ask(&two, "bob", request("op-1", "ch_1", Some(500)), &none).await.unwrap();
    assert_eq!(busy.kind(), OutcomeKind::Unknown, "the request may have left: {busy:?}");
    let other = try_ask(&two, "bob", request("op-1", "ch_1", Some(501)), &none).await.unwrap();
    assert_eq!(other.kind(), OutcomeKind::Unknown, "{other:?}");
    assert!(matches!(other.standing, Standing::Conflict(_)), "{other:?}");
    assert_eq!(component.calls().creates, 0);
    desk.component.let_one_through();
    let first = first.await.unwrap().unwrap();
    assert_eq!((first.kind(), first.kind().row().exit), (OutcomeKind::Made, 0));
    let again = try_ask(&two, "bob", request("op-1", "ch_1", Some(500)), &none).await.unwrap();
    assert_eq!((again.kind(), again.operation.state), (OutcomeKind::Found, State::Succeeded));
    assert_eq!(again.operation.refund.as_ref().unwrap().id.as_str(), "re_1");
    assert_eq!(desk.stripe.count_of("op-1"), 1);
    desk.audit_holds().await;
}

#[tokio::test]
async fn operations_on_one_payment_wait_for_each_other() {
    let desk = Desk::new();
    desk.stripe.charge("ch_3", 10_000);
    let none = MerchantRules::default();
    let (two, second) = desk.process();
    desk.component.close_gate();
    let first = {
        let application = desk.application.clone();
        tokio::spawn(async move {
            let wanted = request("op-1", "ch_1", Some(500));
            try_ask(&application, "alice", wanted, &MerchantRules::default()).await
        })
    };
    desk.component.until_begun(1).await;
    let busy = try_ask(&two, "bob", request("op-2", "ch_1", Some(500)), &none).await.unwrap();
    assert_eq!(busy.standing, Standing::Busy(operation_id("op-1")));
    assert_eq!((busy.kind().row().http, second.calls().creates), (503, 0));
    let other = try_ask(&two, "bob", request("op-3", "ch_3", Some(500)), &none).await.unwrap();
    assert_eq!(other.kind(), OutcomeKind::Made, "another payment");
    desk.component.let_one_through();
    assert_eq!(first.await.unwrap().unwrap().kind(), OutcomeKind::Made);
    // The refund says that pi_1 is ch_1.
    second.close_gate();
    let waiting = {
        let two = two.clone();
        tokio::spawn(async move {
            let wanted = request("op-2", "ch_1", Some(500));
            try_ask(&two, "bob", wanted, &MerchantRules::default()).await
        })
    };
    second.until_begun(2).await;
    let wanted = request("op-4", "pi_1", Some(500));
    let busy = try_ask(&desk.application, "alice", wanted, &none).await.unwrap();
    assert_eq!(busy.standing, Standing::Busy(operation_id("op-2")));
    second.let_one_through();
    assert_eq!(waiting.await.unwrap().unwrap().kind(), OutcomeKind::Made);
}

/// A process begins an operation and ends without a word.
pub async fn crash(desk: &Desk, operation: &str) {
    let (crashed, _) = desk.process();
    let wanted = request(operation, "ch_1", Some(500));
    let (id, now) = (wanted.operation.clone(), desk.clock.unix());
    let begun = crashed.store().write(move |tx| {
        let (who, rules) = (caller("alice"), MerchantRules::default());
        admit(tx, wanted, rules, &who, now)?;
        begin(tx, &id, None, None, &[], &who, now)
    });
    assert!(matches!(begun.await.unwrap(), AttemptStart::Go(_)));
}

#[tokio::test]
async fn what_a_crash_left_open_is_looked_up_first_and_never_sent_for_another() {
    let desk = Desk::new();
    crash(&desk, "op-1").await;
    desk.clock.advance(10 * GRACE_SECS);
    // Its request may have left a moment ago: the grace period begins when it is found.
    let blocked = desk.ask("op-2", 500).await;
    let Standing::Blocked { operation, definite_from } = &blocked.standing else {
        panic!("{blocked:?}")
    };
    assert_eq!(operation.as_str(), "op-1");
    assert_eq!(*definite_from, Some(desk.clock.unix() + GRACE_SECS));
    let row = blocked.kind().row();
    assert_eq!((row.exit, row.http), (6, 504));
    assert_eq!((blocked.operation.state, desk.stripe.posts()), (State::Planned, 0));
    assert_eq!(desk.state("op-1").await, State::OutcomeUnknown);
    desk.clock.advance(GRACE_SECS - 1);
    assert_eq!(desk.ask("op-2", 500).await.kind(), OutcomeKind::Blocked, "one second too early");
    desk.clock.advance(1);
    let made = desk.ask("op-2", 500).await;
    assert_eq!(made.kind(), OutcomeKind::Made);
    let [settled] = &made.also_settled[..] else { panic!("{made:?}") };
    assert_eq!((settled.id().as_str(), settled.state), ("op-1", State::Planned));
    assert!(matches!(settled.settlement, Some(Settlement::Absent { .. })), "{settled:?}");
    assert!(
        made.text().contains("`op-1` on the same payment was looked up first"),
        "{}",
        made.text()
    );
    assert_eq!((desk.stripe.count_of("op-1"), desk.stripe.count_of("op-2")), (0, 1));
    // The same operation id goes on with it.
    let first = desk.ask("op-1", 500).await;
    assert_eq!((first.kind(), first.operation.attempts), (OutcomeKind::Made, 2));
    assert_eq!(first.operation.uncertain, None);
    desk.audit_holds().await;
}

#[tokio::test]
async fn a_refund_of_another_amount_does_not_settle_an_operation() {
    let desk = Desk::new();
    crash(&desk, "op-1").await;
    desk.stripe.made_elsewhere("ch_1", 700, "op-1");
    // While its own request may still be carried out, nothing is settled.
    assert_eq!(desk.ask("op-2", 500).await.kind(), OutcomeKind::Blocked);
    assert_eq!(desk.state("op-1").await, State::OutcomeUnknown);
    let seen = desk.receive("evt_1", "refund.created", &desk.stripe.newest().unwrap()).await;
    assert_eq!(seen, Effect::Elsewhere);
    desk.clock.advance(GRACE_SECS);
    let second = desk.ask("op-2", 500).await;
    assert_eq!(second.kind(), OutcomeKind::Made);
    let [settled] = &second.also_settled[..] else { panic!("{second:?}") };
    assert_eq!((settled.state, &settled.refund), (State::Refused, &None));
    assert!(matches!(settled.settlement, Some(Settlement::Conflict { .. })), "{settled:?}");
    let text = second.text();
    assert!(text.contains("refund re_1 of 7.00 usd carries its operation id"), "{text}");
    // It is not paid again, whatever amount is asked for.
    for amount in [500, 600] {
        let again = desk.ask("op-1", amount).await;
        assert_eq!((again.kind(), desk.stripe.posts()), (OutcomeKind::Conflict, 1), "{amount}");
    }
    assert_eq!((desk.stripe.count_of("op-1"), desk.stripe.count_of("op-2")), (1, 1));
    desk.audit_holds().await;
}

#[tokio::test]
async fn whatever_amount_was_refunded_settles_an_operation_for_everything() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::RequestLost]);
    let none = MerchantRules::default();
    let wanted = request("op-1", "ch_1", None);
    let lost = try_ask(&desk.application, "alice", wanted, &none).await.unwrap();
    assert_eq!(lost.kind(), OutcomeKind::Unknown);
    desk.stripe.made_elsewhere("ch_1", 700, "op-1");
    let found = desk.application.find_out(&operation_id("op-1"), &caller("bob")).await.unwrap();
    assert_eq!(found.map(|found| found.state), Some(State::Succeeded));
}

#[tokio::test]
async fn a_request_that_arrived_late_is_found_before_another_is_sent() {
    let desk = Desk::new();
    desk.stripe.order(&[Fate::Late(20)]);
    let lost = desk.ask("op-1", 500).await;
    assert_eq!((lost.kind(), lost.kind().row().exit), (OutcomeKind::Unknown, 6));
    desk.clock.advance(20);
    let second = desk.ask("op-2", 500).await;
    assert_eq!(second.kind(), OutcomeKind::Made);
    let [settled] = &second.also_settled[..] else { panic!("{second:?}") };
    assert_eq!((settled.id().as_str(), settled.state), ("op-1", State::Succeeded));
    assert!(second.text().contains("its refund re_1 of 5.00 usd exists"), "{}", second.text());
    assert_eq!((desk.stripe.count_of("op-1"), desk.stripe.count_of("op-2")), (1, 1));
    assert_eq!(desk.ask("op-1", 500).await.kind(), OutcomeKind::Found);
    desk.audit_holds().await;
}

#[tokio::test]
async fn an_unsettled_operation_is_looked_up_under_either_name_of_its_payment() {
    let none = MerchantRules::default();
    for (first, second) in [("ch_1", "pi_1"), ("pi_1", "ch_1")] {
        let desk = Desk::new();
        desk.stripe.charge("ch_2", 10_000);
        desk.stripe.order(&[Fate::Late(20)]);
        let wanted = request("op-1", first, Some(500));
        let lost = try_ask(&desk.application, "alice", wanted, &none).await.unwrap();
        assert_eq!(lost.kind(), OutcomeKind::Unknown);
        let again = || request("op-2", second, Some(500));
        // Which payment the first one is on cannot be read, so nothing is sent.
        desk.stripe.order_unreadable(1);
        let blocked = try_ask(&desk.application, "bob", again(), &none).await.unwrap();
        assert_eq!(blocked.kind(), OutcomeKind::Blocked, "{first}: {blocked:?}");
        let text = blocked.text();
        assert!(text.contains("could not be read whether") && !text.contains("definite"), "{text}");
        let blocked = try_ask(&desk.application, "bob", again(), &none).await.unwrap();
        assert_eq!(blocked.kind(), OutcomeKind::Blocked, "{first}: {blocked:?}");
        assert_eq!(desk.stripe.posts(), 1, "{first}");
        // Another payment does not wait for it.
        let other = request("op-3", &second.replace('1', "2"), Some(500));
        let other = try_ask(&desk.application, "bob", other, &none).await.unwrap();
        assert_eq!(other.kind(), OutcomeKind::Made, "{first}");
        desk.clock.advance(20);
        let made = try_ask(&desk.application, "bob", again(), &none).await.unwrap();
        assert_eq!((made.kind(), made.also_settled.len()), (OutcomeKind::Made, 1), "{first}");
        assert_eq!((desk.stripe.count_of("op-1"), desk.stripe.count_of("op-2")), (1, 1));
        desk.audit_holds().await;
    }
}

#[tokio::test]
async fn what_is_no_payment_of_the_account_stands_in_no_way() {
    let desk = Desk::new();
    let none = MerchantRules::default();
    desk.component.trap(1);
    let wanted = request("op-1", "pi_none", Some(500));
    let lost = try_ask(&desk.application, "alice", wanted, &none).await.unwrap();
    assert_eq!(lost.kind(), OutcomeKind::Unknown);
    assert_eq!(desk.ask("op-2", 500).await.kind(), OutcomeKind::Made);
}

#[tokio::test]
async fn an_operation_under_way_is_waited_for_under_either_name_of_its_payment() {
    for (first, second) in [("ch_1", "pi_1"), ("pi_1", "ch_1")] {
        let desk = Desk::new();
        desk.component.close_gate();
        let asked = {
            let (application, wanted) =
                (desk.application.clone(), request("op-1", first, Some(500)));
            tokio::spawn(async move {
                try_ask(&application, "alice", wanted, &MerchantRules::default()).await
            })
        };
        desk.component.until_begun(1).await;
        let none = MerchantRules::default();
        for (application, component) in
            [(desk.application.clone(), desk.component.clone()), desk.process()]
        {
            let wanted = request("op-2", second, Some(500));
            let busy = try_ask(&application, "bob", wanted, &none).await.unwrap();
            assert_eq!(busy.standing, Standing::Busy(operation_id("op-1")), "{first}");
            assert!(component.calls().creates <= 1);
        }
        assert_eq!(desk.state("op-1").await, State::Sent);
        desk.component.let_one_through();
        assert_eq!(asked.await.unwrap().unwrap().kind(), OutcomeKind::Made);
        assert_eq!(desk.stripe.posts(), 1);
    }
}

#[tokio::test]
async fn an_event_that_overtakes_the_answer_is_not_undone() {
    let desk = Desk::new();
    let called = made(refund("re_1", "op-1", 500, "succeeded"));
    desk.component.answer(called.result, called.changes_sent);
    desk.component.close_gate();
    let asked = {
        let application = desk.application.clone();
        tokio::spawn(async move {
            let wanted = request("op-1", "ch_1", Some(500));
            try_ask(&application, "alice", wanted, &MerchantRules::default()).await
        })
    };
    desk.component.until_begun(1).await;
    let failed = refund("re_1", "op-1", 500, "failed");
    let effect = desk.application.see(failed, &caller("stripe")).await.unwrap();
    assert!(matches!(effect, Effect::Moved { to: State::Failed, .. }), "{effect:?}");
    desk.component.let_one_through();
    let settled = asked.await.unwrap().unwrap();
    assert_eq!((settled.operation.state, settled.kind()), (State::Failed, OutcomeKind::Failed));
    assert_eq!(settled.kind().row().exit, 5, "the customer does not have the money");
    let settlement = &settled.operation.settlement;
    let is_made = matches!(settlement, Some(Settlement::Refunded { origin: Origin::Made, .. }));
    assert!(is_made, "the refund is the one that this call made: {settlement:?}");
    desk.audit_holds().await;
}

#[tokio::test]
async fn events_count_once_in_any_order() {
    let desk = Desk::new();
    assert_eq!(desk.ask("op-1", 500).await.kind(), OutcomeKind::Made);
    let failed = refund("re_1", "op-1", 500, "failed");
    let moved = Effect::Moved {
        operation: operation_id("op-1"),
        from: State::Succeeded,
        to: State::Failed,
    };
    let kind = "refund.updated";
    assert_eq!(desk.receive("evt_2", kind, &failed).await, moved);
    assert_eq!(desk.receive("evt_2", kind, &failed).await, Effect::Repeated);
    let older = refund("re_1", "op-1", 500, "succeeded");
    let known = Effect::Known { operation: operation_id("op-1") };
    assert_eq!(desk.receive("evt_1", kind, &older).await, known);
    let second = refund("re_2", "op-1", 500, "succeeded");
    let known = refund("re_1", "op-1", 500, "failed").id;
    let twice = Effect::Twice { operation: operation_id("op-1"), known };
    assert_eq!(desk.receive("evt_3", kind, &second).await, twice);
    let foreign = refund("re_3", "", 500, "succeeded");
    assert_eq!(desk.receive("evt_4", kind, &foreign).await, Effect::Elsewhere);
    assert_eq!(desk.state("op-1").await, State::Failed);
    assert_eq!(
        desk.ledger().counters().await.unwrap(),
        [("accepted".to_owned(), 4), ("repeated".to_owned(), 1)]
    );
}

/// A call that is given up, or whose disk is full at its end, leaves its payment to every process: not only once its own
/// process has ended.
#[tokio::test]
async fn a_call_that_is_given_up_frees_its_payment_for_other_processes() {
    let desk = Desk::new();
    desk.component.close_gate();
    let (first, wanted) = (desk.application.clone(), request("op-1", "ch_1", Some(500)));
    let given_up =
        tokio::spawn(
            async move { try_ask(&first, "alice", wanted, &MerchantRules::default()).await },
        );
    desk.component.until_begun(1).await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());

    let settings = Settings { patience: Duration::ZERO, ..settings() };
    let (other, _) = desk.process_with(settings);
    let wanted = request("op-2", "ch_1", Some(700));
    let asked = try_ask(&other, "bob", wanted, &MerchantRules::default()).await.unwrap();
    assert_eq!(asked.kind(), OutcomeKind::Blocked, "{asked:?}");
    let mut found = Vec::new();
    other.reconcile(0, false, &caller("bob"), |difference| found.push(difference)).await.unwrap();
    let unsettled: Vec<_> = found.iter().map(Difference::kind).collect();
    assert_eq!(unsettled, ["unsettled"], "{found:?}");

    desk.clock.advance(GRACE_SECS);
    let found = other.find_out(&operation_id("op-1"), &caller("bob")).await.unwrap();
    assert_eq!(found.map(|operation| operation.state), Some(State::Planned));
}

/// While an earlier operation is looked up, an event tells what became of the one that is asked for.
#[tokio::test]
async fn what_stands_in_the_way_is_no_answer_once_the_refund_is_known() {
    for (status, kind) in [("succeeded", OutcomeKind::Found), ("failed", OutcomeKind::Failed)] {
        let desk = Desk::new();
        desk.component.answer(Err(OperationError::NoAnswer("it trapped".into())), 0);
        desk.ask("op-2", 700).await;
        crash(&desk, "op-1").await;
        let (other, event) = (desk.application.clone(), refund("re_2", "op-2", 700, status));
        desk.component.before_next_list(async move {
            other.see(event, &caller("stripe")).await.unwrap();
        });
        let asked = desk.ask("op-2", 700).await;
        assert_eq!(asked.kind(), kind, "{asked:?}");
    }
}

/// The event is all that says what became of the request; the request left, and the answer does not say otherwise.
#[tokio::test]
async fn an_event_that_comes_instead_of_the_answer_is_no_refund_of_an_earlier_call() {
    let desk = Desk::new();
    desk.component.trap(1);
    desk.component.close_gate();
    let asked = {
        let application = desk.application.clone();
        tokio::spawn(async move {
            let wanted = request("op-1", "ch_1", Some(500));
            try_ask(&application, "alice", wanted, &MerchantRules::default()).await
        })
    };
    desk.component.until_begun(1).await;
    let made = refund("re_1", "op-1", 500, "succeeded");
    desk.receive("evt_1", "refund.created", &made).await;
    desk.component.let_one_through();
    let settled = asked.await.unwrap().unwrap();
    assert_eq!(settled.kind(), OutcomeKind::Made, "{}", settled.text());
    let settlement = desk.operation("op-1").await.settlement;
    assert!(
        matches!(&settlement, Some(Settlement::Refunded { origin: Origin::Reconciled, .. })),
        "{settlement:?}"
    );
    // Asked for once more, it is a refund of an earlier call.
    assert_eq!(desk.ask("op-1", 500).await.kind(), OutcomeKind::Found);
}

/// While an earlier operation is looked up, the one that is asked for is corrected: what is answered is about another
/// request.
#[tokio::test]
async fn what_stands_in_the_way_is_no_answer_to_a_request_that_was_corrected() {
    let desk = Desk::new();
    desk.component.answer(Err(OperationError::NoAnswer("it trapped".into())), 0);
    desk.ask("op-2", 700).await;
    crash(&desk, "op-1").await;
    let (store, now) = (desk.ledger().clone(), desk.clock.unix());
    desk.component.before_next_list(async move {
        let corrected = request("op-2", "ch_1", Some(800));
        let corrected = store
            .write(move |tx| admit(tx, corrected, MerchantRules::default(), &caller("bob"), now));
        assert!(matches!(corrected.await.unwrap(), Admitted::Corrected(_)));
    });
    assert_eq!(desk.ask("op-2", 700).await.kind(), OutcomeKind::Conflict);
}

/// A living process may send its request at any time: when an answer is definite is known once it has answered.
#[tokio::test]
async fn what_is_under_way_in_another_process_is_definite_at_no_known_time() {
    let desk = Desk::new();
    desk.component.close_gate();
    let first = {
        let application = desk.application.clone();
        tokio::spawn(async move {
            let wanted = request("op-1", "ch_1", Some(500));
            try_ask(&application, "alice", wanted, &MerchantRules::default()).await
        })
    };
    desk.component.until_begun(1).await;
    let (other, _) = desk.process_with(Settings { patience: Duration::ZERO, ..settings() });
    let wanted = request("op-1", "ch_1", Some(500));
    let asked = try_ask(&other, "bob", wanted, &MerchantRules::default()).await.unwrap();
    let Standing::Unknown { definite_from: None, .. } = asked.standing else { panic!("{asked:?}") };
    desk.component.let_one_through();
    assert_eq!(first.await.unwrap().unwrap().kind(), OutcomeKind::Made);
}
