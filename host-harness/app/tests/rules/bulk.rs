//! Bulk runs: the plan is what the run does, and a file with other operation ids does not pay again.

use std::collections::BTreeMap;

use refund_app::bulk::{
    Ended, Forecast, LineAdmitted, NewLine, Options, PreviewComponent, Runner, StartedWith,
    StopLoss, Stopped, Summary, rules_of, spent,
};
use refund_app::rules::turn;
use refund_app::{Application, Component, OutcomeKind, Runtime};
use refund_core::id::PaymentRef;
use refund_core::policy::Document;
use refund_core::policy::Terms;
use refund_core::request::Request;
use refund_ledger::{Ledger, MerchantRules, NewRun, Run, RunState, State, Store};
use serde_json::json;
use tokio::sync::watch;

use crate::support::{
    Desk, Fate, approve_up_to, caller, never_above, operation_id, request, scope, settings,
    try_ask, usd,
};

pub fn options(rules: &MerchantRules) -> Options {
    Options {
        in_flight: 1,
        spread: None,
        stop: StopLoss { go_on_when_short: true, ..StopLoss::default() },
        tries: 1,
        rules: (!rules.is_empty()).then(|| rules.clone()),
        allow_refunded_payments: false,
    }
}

/// Records requests as the lines of a run.
pub async fn record<C: Component, R: Runtime>(
    application: &Application<C, Ledger, R>,
    id: &str,
    requests: &[Request],
    rules: &MerchantRules,
) -> (Run, Vec<LineAdmitted>) {
    let options = StartedWith { path: "/x.csv", rules }.json();
    let new = NewRun { id: id.into(), input: "x.csv".into(), options };
    let run = application.open_run(new).await.unwrap();
    let lines = requests
        .iter()
        .zip(1..)
        .map(|(request, line)| NewLine { line, request: request.clone() })
        .collect();
    let admitted = application.add_lines(&run, lines, rules, &caller("alice")).await.unwrap();
    (application.close_input(&run).await.unwrap(), admitted)
}

pub async fn send<C: Component, R: Runtime>(
    application: &Application<C, Ledger, R>,
    run: &Run,
    options: Options,
) -> Summary {
    let runner =
        Runner::new(application, run, options, BTreeMap::new(), &caller("alice")).await.unwrap();
    let (_never, interrupt) = watch::channel(false);
    runner.run(interrupt, &mut ()).await.unwrap()
}

/// The plan: the run on a scratch copy of the ledger, with a component that only previews.
pub async fn plan(desk: &Desk, id: &str, requests: &[Request], rules: &MerchantRules) -> Forecast {
    let copy = Ledger::scratch(&desk.file(), &scope()).unwrap();
    let component = PreviewComponent::new(desk.component.clone());
    let application = Application::new(component, copy, desk.clock.clone(), settings());
    let (run, _) = record(&application, id, requests, rules).await;
    let in_force = (!rules.is_empty()).then(|| rules.clone());
    application.forecast(&run, 1, in_force, &caller("alice")).await.unwrap()
}

#[tokio::test]
async fn a_file_with_other_operation_ids_does_not_pay_again() {
    let desk = Desk::new();
    desk.stripe.charge("ch_2", 10_000);
    desk.stripe.charge("ch_3", 10_000);
    let rules = never_above(2_000);
    let file = |prefix: &str, third: u64| {
        vec![
            request(&format!("{prefix}-1"), "ch_1", Some(1_000)),
            request(&format!("{prefix}-2"), "pi_2", Some(1_000)),
            request(&format!("{prefix}-3"), "ch_3", Some(third)),
        ]
    };
    let (run, _) = record(&desk.application, "first", &file("a", 3_000), &rules).await;
    assert_eq!(send(&desk.application, &run, options(&rules)).await.ended, Ended::Complete);
    assert_eq!(desk.stripe.total(), (2, 2_000), "the third is denied");
    // The amount is corrected, and the operation ids are changed by mistake.
    let corrected = file("b", 2_000);
    let forecast = plan(&desk, "second", &corrected, &rules).await;
    let lines: Vec<_> = forecast.refunded_before.iter().map(|prior| prior.line).collect();
    assert_eq!(lines, [1, 2], "{forecast:?}");
    assert_eq!(forecast.refunded_before[1].operation.as_str(), "a-2");
    let (run, _) = record(&desk.application, "second", &corrected, &rules).await;
    let summary = send(&desk.application, &run, options(&rules)).await;
    let Ended::Stopped(Stopped::RefundedBefore(prior)) = &summary.ended else {
        panic!("{summary:?}")
    };
    assert_eq!(prior, &forecast.refunded_before, "plan and run list the same");
    assert_eq!((desk.stripe.total(), summary.open), ((2, 2_000), 3), "nothing was sent");
    let text = summary_text(&summary);
    for word in ["line 1: ch_1, operation a-1 (succeeded), re_1", "--allow-refunded-payments"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    // With the operation ids that they had, only the third is sent; the run that stopped is canceled first.
    assert_eq!(desk.application.cancel_run(&run, &caller("alice")).await.unwrap(), 3);
    let again = file("a", 2_000);
    let (run, admitted) = record(&desk.application, "third", &again, &rules).await;
    assert_eq!(admitted[2], LineAdmitted::Corrected);
    assert_eq!(send(&desk.application, &run, options(&rules)).await.ended, Ended::Complete);
    assert_eq!(desk.stripe.total(), (3, 4_000));
    desk.audit_holds().await;
}

fn summary_text(summary: &Summary) -> String {
    match &summary.ended {
        Ended::Stopped(stopped) => stopped.to_string(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_payment_may_be_refunded_once_more_on_purpose() {
    let desk = Desk::new();
    desk.ask("a-1", 1_000).await;
    let none = MerchantRules::default();
    let requests = [request("b-1", "ch_1", Some(1_000))];
    let (run, _) = record(&desk.application, "second", &requests, &none).await;
    let allowed = Options { allow_refunded_payments: true, ..options(&none) };
    assert_eq!(send(&desk.application, &run, allowed).await.ended, Ended::Complete);
    assert_eq!(desk.stripe.total(), (2, 2_000));
}

#[tokio::test]
async fn what_may_still_pay_counts_as_refunded_before_and_what_did_not_pay_does_not() {
    let none = MerchantRules::default();
    for (fate, rules, counts) in [
        (Fate::RequestLost, none.clone(), true),
        (Fate::Answered, approve_up_to(100), true),
        (Fate::Answered, never_above(100), false),
        (Fate::Refused(400), none.clone(), false),
    ] {
        let desk = Desk::new();
        desk.stripe.order(&[fate]);
        desk.ask_under("a-1", 1_000, &rules).await;
        let requests = [request("b-1", "ch_1", Some(1_000))];
        let forecast = plan(&desk, "second", &requests, &none).await;
        assert_eq!(!forecast.refunded_before.is_empty(), counts, "{fate:?}: {forecast:?}");
    }
    // Under the other name of the payment as well.
    for (first, second) in [("ch_1", "pi_1"), ("pi_1", "ch_1")] {
        let desk = Desk::new();
        let wanted = request("a-1", first, Some(1_000));
        try_ask(&desk.application, "alice", wanted, &approve_up_to(100)).await.unwrap();
        let forecast = plan(&desk, "second", &[request("b-1", second, Some(1_000))], &none).await;
        assert_eq!(forecast.refunded_before.len(), 1, "{first}: {forecast:?}");
    }
    // A refund that failed at Stripe, and an operation that was called off.
    let desk = Desk::new();
    desk.ask("a-1", 1_000).await;
    desk.stripe.end_refund("re_1", "failed");
    assert_eq!(desk.ask("a-1", 1_000).await.kind(), OutcomeKind::Failed);
    let requests = [request("b-1", "ch_1", Some(1_000))];
    assert_eq!(plan(&desk, "second", &requests, &none).await.refunded_before, []);
}

#[tokio::test]
async fn what_was_approved_and_could_not_be_sent_may_still_pay() {
    let none = MerchantRules::default();
    for (first, second) in [("ch_1", "ch_1"), ("ch_1", "pi_1"), ("pi_1", "ch_1")] {
        let desk = Desk::new();
        let wanted = request("a-1", first, Some(1_000));
        try_ask(&desk.application, "alice", wanted, &approve_up_to(100)).await.unwrap();
        desk.approve("bob", "ap_1").await;
        desk.stripe.order(&[Fate::NotReached]);
        let bob = caller("bob");
        let execute = || desk.application.execute("ap_1", None, &bob);
        assert_eq!(execute().await.unwrap().unwrap().kind(), OutcomeKind::NoAnswer);
        assert_eq!(desk.state("a-1").await, State::Planned);
        // A pipeline sees it, whichever name is known to be its payment's.
        let payments = [PaymentRef::parse(first).unwrap()];
        let open = desk.ledger().read(move |tx| turn::open_on(tx, &payments, &[])).await.unwrap();
        assert_eq!(open.map(|one| one.id().to_string()).as_deref(), Some("a-1"), "{first}");
        // A file with other operation ids does not go ahead.
        let (run, _) =
            record(&desk.application, "second", &[request("b-1", second, Some(1_000))], &none)
                .await;
        let summary = send(&desk.application, &run, options(&none)).await;
        let is_stopped = matches!(summary.ended, Ended::Stopped(Stopped::RefundedBefore(_)));
        assert!(is_stopped, "{first}: {summary:?}");
        assert_eq!(execute().await.unwrap().unwrap().kind(), OutcomeKind::Made);
        assert_eq!(desk.stripe.total(), (1, 1_000));
        let payments = [PaymentRef::parse(first).unwrap()];
        let open = desk.ledger().read(move |tx| turn::open_on(tx, &payments, &[])).await.unwrap();
        assert_eq!(open, None, "{first}: it is refunded");
    }
}

#[tokio::test]
async fn two_lines_of_one_run_may_refund_one_payment() {
    let desk = Desk::new();
    let none = MerchantRules::default();
    let requests = [
        request("a-1", "ch_1", Some(6_000)),
        request("a-2", "pi_1", Some(6_000)),
        request("a-3", "ch_1", Some(4_000)),
    ];
    let forecast = plan(&desk, "run", &requests, &none).await;
    assert_eq!((forecast.refunds["usd"].amount, forecast.refused_lines), (10_000, 1));
    assert_eq!(desk.stripe.posts(), 0);
    let (run, _) = record(&desk.application, "run", &requests, &none).await;
    let many = Options { in_flight: 3, ..options(&none) };
    assert_eq!(send(&desk.application, &run, many).await.ended, Ended::Complete);
    // The first of two lines on one payment goes first, however many are under way.
    assert_eq!(desk.state("a-2").await, State::Refused);
    assert_eq!(desk.stripe.total(), (2, 10_000));
}

#[tokio::test]
async fn a_deduction_of_the_policy_is_planned_as_it_is_refunded() {
    let desk = Desk::with_payment(2_500);
    desk.stripe.charge("ch_2", 3_000);
    let document: Document = serde_json::from_value(json!({
        "name": "Shop", "version": "1", "defaults": { "deduct": { "restocking_basis_points": 1000 } },
    }))
    .unwrap();
    let rules = MerchantRules::document(document, false);
    let requests = [request("a-1", "ch_1", None), request("a-2", "ch_2", None)];
    let forecast = plan(&desk, "run", &requests, &rules).await;
    assert_eq!(forecast.refunds["usd"].amount, 4_950);
    let (run, _) = record(&desk.application, "run", &requests, &rules).await;
    send(&desk.application, &run, options(&rules)).await;
    assert_eq!(desk.stripe.total(), (2, 4_950));
}

#[tokio::test]
async fn an_operation_id_of_the_ledger_is_known_to_the_plan() {
    let desk = Desk::new();
    let none = MerchantRules::default();
    desk.ask("a-1", 1_000).await;
    let requests = [request("a-1", "ch_1", Some(2_000)), request("a-1", "ch_1", Some(1_000))];
    let forecast = plan(&desk, "run", &requests, &none).await;
    assert_eq!((forecast.refused_lines, forecast.done), (1, 1), "{forecast:?}");
    let (run, _) = record(&desk.application, "run", &requests, &none).await;
    send(&desk.application, &run, options(&none)).await;
    assert_eq!(desk.stripe.total(), (1, 1_000));
}

/// The input is read again after a crash; in between, an operation of it was asked for with other values. A line is rejected or recorded, never both.
#[tokio::test]
async fn a_line_that_is_read_again_is_there_once() {
    let desk = Desk::new();
    let (none, lines) = (MerchantRules::default(), [request("op-1", "ch_1", Some(500))]);
    let new = NewRun { id: "one".into(), input: "x.csv".into(), options: "{}".into() };
    let run = desk.application.open_run(new).await.unwrap();
    let first = vec![NewLine { line: 1, request: lines[0].clone() }];
    desk.application.add_lines(&run, first, &none, &caller("alice")).await.unwrap();
    let other = request("op-1", "ch_1", Some(700));
    let waiting = try_ask(&desk.application, "bob", other, &approve_up_to(100)).await.unwrap();
    assert_eq!(waiting.kind(), OutcomeKind::Waiting);
    let (run, admitted) = record(&desk.application, "one", &lines, &none).await;
    assert!(matches!(admitted[..], [LineAdmitted::Waits(_)]), "{admitted:?}");
    let read = Forecast::of(desk.ledger(), &run, Vec::new()).await.unwrap();
    assert_eq!((read.refused_lines, read.approvals.len()), (1, 0), "{read:?}");
    let sent = send(&desk.application, &run, options(&none)).await;
    assert_eq!((sent.ended, sent.open, desk.stripe.posts()), (Ended::Complete, 0, 0));
}

/// A plan says what a run would do now: what another call has refunded in the meantime is done.
#[tokio::test]
async fn a_plan_does_not_count_what_is_refunded_by_now() {
    let desk = Desk::new();
    let (none, lines) = (MerchantRules::default(), [request("op-1", "ch_1", Some(500))]);
    record(&desk.application, "one", &lines, &none).await;
    desk.ask("op-1", 500).await;
    let planned = plan(&desk, "one", &lines, &none).await;
    assert_eq!((planned.done, planned.refunds.len()), (1, 0), "{planned:?}");
}

/// An operation of a run is corrected to be on another payment: the run looks at that one.
#[tokio::test]
async fn a_run_looks_for_earlier_refunds_of_the_payment_that_a_line_is_on_by_now() {
    let desk = Desk::new();
    desk.stripe.charge("ch_2", 10_000);
    let (none, lines) = (MerchantRules::default(), [request("op-1", "ch_1", Some(500))]);
    let paid = request("op-9", "ch_2", Some(700));
    try_ask(&desk.application, "alice", paid, &none).await.unwrap();
    let (run, _) = record(&desk.application, "one", &lines, &none).await;
    desk.component.trap(0);
    let corrected = request("op-1", "ch_2", Some(500));
    try_ask(&desk.application, "alice", corrected, &none).await.unwrap();
    let summary = send(&desk.application, &run, options(&none)).await;
    let Ended::Stopped(Stopped::RefundedBefore(prior)) = &summary.ended else {
        panic!("{summary:?}")
    };
    assert_eq!((prior.len(), prior[0].operation.as_str()), (1, "op-9"), "{prior:?}");
}

/// An operation that an earlier call recorded keeps its rules when a run admits it: what the run sends is under the
/// rules of the run, with resume as in its first session.
#[tokio::test]
async fn resume_sends_under_the_rules_that_the_run_was_started_with() {
    let desk = Desk::new();
    let (none, rules) = (MerchantRules::default(), never_above(2_000));
    let lines = [request("op-1", "ch_1", Some(3_000))];
    // Planned by an earlier run without a policy, which sent nothing.
    record(&desk.application, "first", &lines, &none).await;
    let (run, admitted) = record(&desk.application, "second", &lines, &rules).await;
    assert_eq!(admitted, [LineAdmitted::Known(State::Planned)]);
    let run = desk.application.run_of(&run.id).await.unwrap();
    let resumed = Options { rules: rules_of(&run).unwrap(), ..options(&none) };
    assert_eq!(send(&desk.application, &run, resumed).await.ended, Ended::Complete);
    assert_eq!((desk.state("op-1").await, desk.stripe.posts()), (State::Refused, 0));
}

/// Of the rules that a run was started with, either all are known, or there is an error.
#[tokio::test]
async fn rules_of_a_run_that_cannot_be_read_are_an_error() {
    let desk = Desk::new();
    let rules = never_above(2_000);
    let (mut run, _) = record(&desk.application, "first", &[], &rules).await;
    assert_eq!(rules_of(&run).unwrap(), Some(rules));
    run.options = StartedWith { path: "/x.csv", rules: &MerchantRules::default() }.json();
    assert_eq!(rules_of(&run).unwrap(), None);
    // Earlier versions wrote what is left out as null or as an empty list.
    run.options = r#"{"rules":{"policy":{"window_days":30,"maximum":[]}}}"#.into();
    let within = MerchantRules::policy(Terms { window_days: Some(30), ..Terms::default() });
    assert_eq!(rules_of(&run).unwrap(), Some(within));
    for unknown in [
        "",
        "{}",
        r#"{"path":"/x.csv"}"#,
        r#"{"rules":null}"#,
        r#"{"rules":{"limit":3}}"#,
        r#"{"rules":{"policy":{"limit":3}}}"#,
    ] {
        run.options = unknown.into();
        let error = rules_of(&run).unwrap_err().to_string();
        for word in ["first", "--policy", "Nothing was sent"] {
            assert!(error.contains(word), "{unknown}: {error}");
        }
    }
}

/// The input of a run is still being read when the run is canceled.
#[tokio::test]
async fn a_run_that_is_canceled_while_it_is_read_stays_canceled() {
    let desk = Desk::new();
    let (none, who) = (MerchantRules::default(), caller("alice"));
    let new = NewRun { id: "one".into(), input: "x.csv".into(), options: "{}".into() };
    let run = desk.application.open_run(new).await.unwrap();
    let line =
        |line: u64| NewLine { line, request: request(&format!("op-{line}"), "ch_1", Some(500)) };
    desk.application.add_lines(&run, vec![line(1)], &none, &who).await.unwrap();
    assert_eq!(desk.application.cancel_run(&run, &who).await.unwrap(), 1);
    let admitted = desk.application.add_lines(&run, vec![line(2)], &none, &who).await.unwrap();
    assert_eq!(admitted, [LineAdmitted::Canceled]);
    desk.application.held(&operation_id("op-2")).await.unwrap_err();
    let run = desk.application.close_input(&run).await.unwrap();
    assert_eq!((run.state, run.lines), (RunState::Canceled, 1));
    let sent = send(&desk.application, &run, options(&none)).await;
    assert_eq!((sent.ended, desk.stripe.posts()), (Ended::Canceled, 0));
}

/// Lines whose operations were refused before stay open when a run is canceled, and so do those with an unknown outcome.
#[tokio::test]
async fn a_run_that_is_canceled_starts_no_line_any_more() {
    let desk = Desk::new();
    let none = MerchantRules::default();
    let file: Vec<_> = (1..=6)
        .map(|number| {
            desk.stripe.charge(&format!("ch_line{number}"), 500);
            request(&format!("op-{number}"), &format!("ch_line{number}"), Some(500))
        })
        .collect();
    desk.stripe.order(&[Fate::Refused(402); 6]);
    let (first, _) = record(&desk.application, "first", &file, &none).await;
    send(&desk.application, &first, options(&none)).await;
    let (run, _) = record(&desk.application, "second", &file, &none).await;
    desk.component.close_gate();
    let running = tokio::spawn({
        let (application, run) = (desk.application.clone(), run.clone());
        async move { send(&application, &run, options(&MerchantRules::default())).await }
    });
    desk.component.until_begun(7).await;
    assert_eq!(desk.application.cancel_run(&run, &caller("alice")).await.unwrap(), 0);
    for _ in 0..6 {
        desk.component.let_one_through();
    }
    let sent = running.await.unwrap();
    assert_eq!((sent.ended, sent.lines), (Ended::Canceled, 2), "the lines that were claimed");
    assert_eq!(desk.stripe.total(), (2, 1_000));
    desk.audit_holds().await;
}

#[tokio::test]
async fn a_run_that_is_canceled_tries_no_line_again() {
    let desk = Desk::new();
    let none = MerchantRules::default();
    let lines = [request("op-1", "ch_1", Some(500))];
    let (run, _) = record(&desk.application, "one", &lines, &none).await;
    desk.stripe.order(&[Fate::RequestLost]);
    desk.component.close_gate();
    let running = tokio::spawn({
        let (application, run) = (desk.application.clone(), run.clone());
        let many = Options { tries: 5, ..options(&none) };
        async move { send(&application, &run, many).await }
    });
    desk.component.until_begun(1).await;
    desk.application.cancel_run(&run, &caller("alice")).await.unwrap();
    for _ in 0..5 {
        desk.component.let_one_through();
    }
    let sent = running.await.unwrap();
    assert_eq!((sent.ended, sent.open), (Ended::Canceled, 1));
    assert_eq!((desk.component.calls().creates, desk.stripe.total().0), (1, 0));
    assert_eq!(desk.state("op-1").await, State::OutcomeUnknown);
}

/// That a refund may have been made hides behind nothing else: not behind a run that stopped, nor behind closed lines.
#[tokio::test]
async fn the_exit_code_of_a_run_says_first_that_a_refund_may_have_been_made() {
    let desk = Desk::new();
    desk.stripe.charge("ch_2", 500);
    let none = MerchantRules::default();
    let lines = [request("op-1", "ch_1", Some(500)), request("op-2", "ch_2", Some(500))];
    let (run, _) = record(&desk.application, "one", &lines, &none).await;
    desk.stripe.order(&[Fate::RequestLost]);
    let stop = StopLoss { totals: vec![usd(900)], ..options(&none).stop };
    let sent = send(&desk.application, &run, Options { stop, ..options(&none) }).await;
    assert!(matches!(sent.ended, Ended::Stopped(Stopped::Total { .. })), "{sent:?}");
    let totals = desk.ledger().totals(&run).await.unwrap();
    assert_eq!(sent.exit(&totals), 6);
    let closed = Summary { ended: Ended::Complete, open: 0, ..sent.clone() };
    assert_eq!(closed.exit(&totals), 6);
    let certain: Vec<_> = totals.into_iter().filter(|total| total.state == "planned").collect();
    assert_eq!(sent.exit(&certain), 7);
    assert_eq!(Summary { ended: Ended::Complete, ..sent }.exit(&certain), 5);
    assert_eq!(closed.exit(&[]), 0);
}

/// A line is open while its operation has its refund: another call made it, or the process was killed before it closed the
/// line. It counts when its line ends, not before as well.
#[tokio::test]
async fn a_refund_of_an_open_line_counts_once_towards_the_total() {
    let desk = Desk::new();
    desk.stripe.charge("ch_2", 300);
    let none = MerchantRules::default();
    let lines = [request("op-1", "ch_1", Some(500)), request("op-2", "ch_2", Some(300))];
    let (run, _) = record(&desk.application, "one", &lines, &none).await;
    desk.ask("op-1", 500).await;
    let before = spent(&desk.ledger().totals(&run).await.unwrap());
    let stop = StopLoss { totals: vec![usd(800)], ..options(&none).stop };
    let bounded = Options { stop, ..options(&none) };
    let who = caller("alice");
    let runner = Runner::new(&desk.application, &run, bounded, before, &who).await.unwrap();
    let (_never, interrupt) = watch::channel(false);
    let sent = runner.run(interrupt, &mut ()).await.unwrap();
    assert_eq!((sent.ended, desk.stripe.total()), (Ended::Complete, (2, 800)));
    let after = spent(&desk.ledger().totals(&run).await.unwrap());
    assert_eq!(after, BTreeMap::from([(usd(0).currency, 800)]));
}
