//! Transactions that wait, and answers that take their time: a request that may still be carried out is not taken for one
//! that no longer can be, and what happened in between is answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use refund_app::rules::admission::admit;
use refund_app::rules::attempt::{AttemptStart, begin};
use refund_app::{Application, Ask, Outcome, OutcomeKind, Settings};
use refund_core::id::OperationId;
use refund_ledger::{Ledger, LedgerError, MerchantRules, State, Store, Tx};

use crate::support::{
    Clock, Desk, Fate, GRACE_SECS, Scripted, caller, never_above, operation_id, request, settings,
    try_ask,
};

/// A store whose next transaction waits.
#[derive(Clone)]
struct Waiting {
    ledger: Ledger,
    clock: Clock,
    seconds: Arc<AtomicU64>,
}

impl Waiting {
    fn wait(&self) {
        self.clock.advance(self.seconds.swap(0, Ordering::SeqCst));
    }
}

impl Store for Waiting {
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.wait();
        self.ledger.write(work).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.wait();
        self.ledger.read(work).await
    }

    fn let_go(&self, operation: &OperationId) {
        self.ledger.let_go(operation);
    }
}

/// The application layer over a ledger whose next transaction waits for the grace period.
fn waiting(desk: &Desk) -> Application<Scripted, Waiting, Clock> {
    let store = Waiting {
        ledger: desk.ledger().clone(),
        clock: desk.clock.clone(),
        seconds: Arc::new(AtomicU64::new(GRACE_SECS)),
    };
    Application::new(desk.component.clone(), store, desk.clock.clone(), settings())
}

/// Another process sends a request and ends without a word; it may have left at any time until now.
async fn crash(desk: &Desk) {
    let (crashed, _) = desk.process();
    let (wanted, now) = (request("op-1", "ch_1", Some(500)), desk.clock.unix());
    let begun = crashed.store().write(move |tx| {
        let (who, rules) = (caller("alice"), MerchantRules::default());
        let id = wanted.operation.clone();
        admit(tx, wanted, rules, &who, now)?;
        begin(tx, &id, None, None, &[], &who, now)
    });
    assert!(matches!(begun.await.unwrap(), AttemptStart::Go(_)));
}

#[tokio::test]
async fn the_clock_of_a_lookup_is_read_in_its_transaction() {
    let desk = Desk::new();
    crash(&desk).await;
    let looked = waiting(&desk).find_out(&operation_id("op-1"), &caller("bob")).await.unwrap();
    let looked = looked.unwrap();
    assert_eq!((looked.state, looked.uncertain), (State::OutcomeUnknown, Some(desk.clock.unix())));
}

#[tokio::test]
async fn the_clock_of_an_attempt_is_read_in_its_transaction() {
    let desk = Desk::new();
    crash(&desk).await;
    let ask = Ask { request: request("op-1", "ch_1", Some(500)), rules: never_above(100) };
    let outcome = waiting(&desk).ask(ask, &caller("alice")).await.unwrap();
    assert_eq!((outcome.kind(), desk.stripe.posts()), (OutcomeKind::Unknown, 0), "{outcome:?}");
    assert_eq!(outcome.operation.uncertain, Some(desk.clock.unix()));
    let desk = Desk::new();
    crash(&desk).await;
    let (id, rules) = (operation_id("op-1"), Some(never_above(100)));
    let outcome = waiting(&desk).ask_again(&id, rules, &caller("alice")).await.unwrap();
    assert_eq!((outcome.kind(), desk.stripe.posts()), (OutcomeKind::Unknown, 0), "{outcome:?}");
}

/// A request whose answer is lost, and that is carried out 70 seconds after it left. 50 of them have passed.
async fn late(desk: &Desk) {
    desk.stripe.order(&[Fate::Late(70)]);
    assert_eq!(desk.ask("op-1", 500).await.kind(), OutcomeKind::Unknown);
    desk.clock.advance(50);
}

#[tokio::test]
async fn a_lookup_counts_from_when_it_began() {
    let desk = Desk::new();
    late(&desk).await;
    desk.stripe.order_slow_read(GRACE_SECS - 50);
    let looked = desk.application.find_out(&operation_id("op-1"), &caller("bob")).await.unwrap();
    assert_eq!((looked.unwrap().state, desk.stripe.count_of("op-1")), (State::OutcomeUnknown, 1));
}

#[tokio::test]
async fn an_attempt_counts_from_when_it_began() {
    let desk = Desk::new();
    late(&desk).await;
    desk.stripe.order_slow_read(GRACE_SECS - 50);
    let denied = desk.ask_under("op-1", 500, &never_above(100)).await;
    assert_eq!((denied.kind(), desk.stripe.count_of("op-1")), (OutcomeKind::Unknown, 1));
    assert_eq!(desk.ask("op-1", 500).await.kind(), OutcomeKind::Found);
    assert_eq!(desk.stripe.count_of("op-1"), 1);
}

/// A store before whose next read something happens.
#[derive(Clone)]
struct Meanwhile {
    ledger: Ledger,
    happens: Arc<Mutex<Option<BoxFuture<'static, ()>>>>,
}

impl Store for Meanwhile {
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.ledger.write(work).await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let happens = self.happens.lock().unwrap().take();
        if let Some(happens) = happens {
            happens.await;
        }
        self.ledger.read(work).await
    }

    fn let_go(&self, operation: &OperationId) {
        self.ledger.let_go(operation);
    }
}

/// Bob asks for a refund with a process of his own that does not wait for others; before it reads what it answers,
/// something happens.
async fn ask_while(
    desk: &Desk,
    operation: &str,
    happens: impl Future<Output = ()> + Send + 'static,
) -> Outcome {
    let happens: BoxFuture<'static, ()> = Box::pin(happens);
    let (process, component) = desk.process();
    let store =
        Meanwhile { ledger: process.store().clone(), happens: Arc::new(Mutex::new(Some(happens))) };
    let hurried = Settings { patience: Duration::ZERO, ..settings() };
    let application = Application::new(component, store, desk.clock.clone(), hurried);
    let ask =
        Ask { request: request(operation, "ch_1", Some(500)), rules: MerchantRules::default() };
    application.ask(ask, &caller("bob")).await.unwrap()
}

#[tokio::test]
async fn a_refund_that_another_process_made_in_the_meantime_is_answered() {
    let desk = Desk::new();
    desk.component.close_gate();
    let (application, component) = (desk.application.clone(), desk.component.clone());
    let first = tokio::spawn(async move {
        let wanted = request("op-1", "ch_1", Some(500));
        try_ask(&application, "alice", wanted, &MerchantRules::default()).await.unwrap();
    });
    desk.component.until_begun(1).await;
    let answer = ask_while(&desk, "op-1", async move {
        component.let_one_through();
        first.await.unwrap();
    });
    let answer = Box::pin(answer).await;
    assert_eq!((answer.kind(), answer.operation.state), (OutcomeKind::Found, State::Succeeded));
}

#[tokio::test]
async fn a_refund_that_another_process_made_once_nothing_was_in_its_way_is_answered() {
    let desk = Desk::new();
    late(&desk).await;
    let (application, clock) = (desk.application.clone(), desk.clock.clone());
    // Blocked by op-1; before that is answered, op-1 is found and op-2 is made.
    let answer = ask_while(&desk, "op-2", async move {
        clock.advance(GRACE_SECS);
        let wanted = request("op-2", "ch_1", Some(500));
        let made = try_ask(&application, "alice", wanted, &MerchantRules::default()).await;
        assert_eq!(made.unwrap().kind(), OutcomeKind::Made);
    });
    let answer = Box::pin(answer).await;
    assert_eq!((answer.kind(), answer.operation.state), (OutcomeKind::Found, State::Succeeded));
}
