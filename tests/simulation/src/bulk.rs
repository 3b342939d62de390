//! Bulk runs, as the command sends them.

use std::sync::Arc;

use refund_app::bulk::{
    LineAdmitted, NewLine, Options, PreviewComponent, Progress, RunError, Runner, StopLoss,
    Summary, spent,
};
use refund_app::{Application, Caller, Component, Settings};
use refund_core::money::{Currency, Money};
use refund_ledger::{LedgerError, MerchantRules, NewRun, Run, RunState, State, Store};
use tokio::sync::watch;

use crate::component::Native;
use crate::judge::Session;
use crate::planted::Planted;
use crate::runtime::Simulated;
use crate::store::Tables;
use crate::workload::{Step, Variant, What};
use crate::world::{Shared, lock};

/// Judges every line as it ends.
struct Judging {
    world: Arc<Shared>,
    call: usize,
    operations: Vec<String>,
}

impl Progress for Judging {
    fn ended(&mut self, line: u64, state: State) {
        let at = usize::try_from(line).unwrap_or_default().saturating_sub(1);
        if let Some(operation) = self.operations.get(at) {
            self.world.judge_line(self.call, operation, state);
        }
    }
}

fn run_id(bulk: usize) -> String {
    format!("run-{bulk:04}")
}

impl Shared {
    fn options(&self, bulk: usize, rules: Option<MerchantRules>) -> Options {
        let bulk = &self.workload.bulks[bulk];
        let currency = Currency::parse("usd").expect("a currency");
        let totals = bulk.stop_above.map(|amount| Money { amount, currency });
        Options {
            in_flight: bulk.in_flight,
            spread: None,
            stop: StopLoss {
                totals: totals.into_iter().collect(),
                failures: None,
                go_on_when_short: bulk.go_on_when_short,
            },
            tries: bulk.tries,
            rules,
            allow_refunded_payments: bulk.allow_refunded_payments,
        }
    }

    fn lines(&self, bulk: usize) -> Vec<NewLine> {
        let lines = self.workload.bulks[bulk].lines.iter().enumerate();
        lines
            .map(|(at, intended)| NewLine {
                line: at as u64 + 1,
                request: self.request(*intended, Variant::Same),
            })
            .collect()
    }

    fn operations_of(&self, bulk: usize) -> Vec<String> {
        let lines = &self.workload.bulks[bulk].lines;
        lines.iter().map(|at| self.intended(*at).id.clone()).collect()
    }

    fn interrupt_of(&self, bulk: usize) -> watch::Receiver<bool> {
        let (ask_to_stop, interrupt) = watch::channel(false);
        lock(&self.runs)[bulk].interrupts.push(ask_to_stop);
        interrupt
    }

    pub(crate) fn interrupt_bulk(&self, bulk: usize) {
        for interrupt in &lock(&self.runs)[bulk].interrupts {
            // Whoever sent that run may be gone.
            let _ = interrupt.send(true);
        }
    }

    pub(crate) fn run_bulk(self: &Arc<Self>, step: &Step, bulk: usize) {
        let rules = self.rules_in_force();
        let (options, lines) = (self.options(bulk, Some(rules.clone())), self.lines(bulk));
        let operations = self.operations_of(bulk);
        let interrupt = self.interrupt_of(bulk);
        let world = Arc::clone(self);
        let what = format!("{} is run: {}", run_id(bulk), operations.join(" "));
        self.call(step, "run", Some(0), Some(rules.clone()), what, |calling| async move {
            let app = calling.office.app;
            let run = match record(&app, bulk, lines, &rules, &calling.caller).await {
                Ok(Some(run)) => run,
                Ok(None) => return,
                Err(error) => return world.judge_import_failed(calling.number, &error),
            };
            let judging = Judging { world: Arc::clone(&world), call: calling.number, operations };
            let sent = send(&app, &run, options, interrupt.clone(), &calling.caller, judging).await;
            world.judge_session(calling.number, bulk, &run, *interrupt.borrow(), sent);
        });
    }

    pub(crate) fn resume_bulk(self: &Arc<Self>, step: &Step, bulk: usize) {
        let rules = self.rules_in_force();
        let options = self.options(bulk, Some(rules.clone()));
        let operations = self.operations_of(bulk);
        let interrupt = self.interrupt_of(bulk);
        let world = Arc::clone(self);
        let what = format!("{} is resumed", run_id(bulk));
        self.call(step, "resume", Some(0), Some(rules), what, |calling| async move {
            let app = calling.office.app;
            let run = match app.run_of(&run_id(bulk)).await {
                Ok(run) if run.state == RunState::Ready => run,
                Ok(_) | Err(LedgerError::UnknownRun(_)) => return,
                Err(error) => return world.judge_import_failed(calling.number, &error),
            };
            let judging = Judging { world: Arc::clone(&world), call: calling.number, operations };
            let sent = send(&app, &run, options, interrupt.clone(), &calling.caller, judging).await;
            world.judge_session(calling.number, bulk, &run, *interrupt.borrow(), sent);
        });
    }

    fn judge_session(
        &self,
        call: usize,
        bulk: usize,
        run: &Run,
        is_interrupted: bool,
        mut sent: Result<Summary, RunError>,
    ) {
        if let Ok(summary) = &mut sent
            && self.has(Planted::LineTooMany)
        {
            summary.lines += 1;
        }
        let bulk = &self.workload.bulks[bulk];
        self.judge_run(call, &Session { bulk, run, is_interrupted }, &sent);
    }

    /// A file is run again in calm weather, and what comes of it is what a plan says that is made just before.
    pub(crate) fn plan_and_run(self: &Arc<Self>, number: usize, bulk: usize) {
        let tables = self.tables().clone();
        let run = tables.transact(|tx| tx.run(&run_id(bulk)));
        let Some(run) = run.ok().filter(|run| run.state == RunState::Ready) else { return };
        lock(&self.plans)[bulk] = None;
        self.whole_step(number, What::Plan { bulk });
        let planned = lock(&self.plans)[bulk].take();
        self.whole_step(number + 1, What::Run { bulk });
        let came_to = tables.transact(|tx| {
            let mut lines = Vec::new();
            tx.each_line(&run, &mut |line| lines.push(line))?;
            Ok((lines, tx.open_lines(&run)?))
        });
        if let (Some(planned), Ok((lines, 0))) = (planned, came_to) {
            self.judge_plan_kept(bulk, &planned, &lines);
        }
    }

    pub(crate) fn cancel_bulk(self: &Arc<Self>, step: &Step, bulk: usize) {
        let world = Arc::clone(self);
        self.call(
            step,
            "cancel",
            Some(0),
            None,
            format!("{} is canceled", run_id(bulk)),
            |calling| async move {
                let app = calling.office.app;
                let Ok(run) = app.run_of(&run_id(bulk)).await else { return };
                let canceled = app.cancel_run(&run, &calling.caller).await;
                world.judge_canceled(calling.number, &canceled);
            },
        );
    }

    /// The run on a copy of the ledger, with a component that changes nothing.
    pub(crate) fn plan_bulk(self: &Arc<Self>, step: &Step, bulk: usize) {
        let rules = self.rules_in_force();
        let (lines, in_flight) = (self.lines(bulk), self.workload.bulks[bulk].in_flight);
        let count = lines.len();
        let world = Arc::clone(self);
        let what = format!("{} is planned", run_id(bulk));
        self.call(step, "plan", Some(0), Some(rules.clone()), what, |calling| async move {
            let app = calling.office.app;
            let Ok(copy) = app.store().scratch() else { return };
            let process = world.history().calls[calling.number].process;
            let runtime = Simulated::new(Arc::clone(&world), process);
            let component = PreviewComponent::new(app.component().clone());
            let planning: Application<PreviewComponent<Native>, Tables, Simulated> =
                Application::new(component, copy, runtime, Settings::default());
            let run = match record(&planning, bulk, lines, &rules, &calling.caller).await {
                Ok(Some(run)) => run,
                Ok(None) => return,
                Err(error) => return world.judge_import_failed(calling.number, &error),
            };
            let planned = planning.forecast(&run, in_flight, Some(rules), &calling.caller).await;
            world.judge_planned(calling.number, count, &planned);
            lock(&world.plans)[bulk] = planned.ok();
        });
    }
}

/// Records the lines, as the command does; none for a run that was canceled.
async fn record<C: Component>(
    app: &Application<C, Tables, Simulated>,
    bulk: usize,
    lines: Vec<NewLine>,
    rules: &MerchantRules,
    caller: &Caller,
) -> Result<Option<Run>, LedgerError> {
    let id = run_id(bulk);
    let new = NewRun { id: id.clone(), input: format!("{id}.csv"), options: "{}".to_owned() };
    let run = app.open_run(new).await?;
    if run.state == RunState::Canceled {
        return Ok(None);
    }
    let admitted = app.add_lines(&run, lines, rules, caller).await?;
    if admitted.contains(&LineAdmitted::Canceled) {
        return Ok(None);
    }
    let run = app.close_input(&run).await?;
    Ok(Some(run).filter(|run| run.state == RunState::Ready))
}

async fn send(
    app: &crate::world::App,
    run: &Run,
    options: Options,
    interrupt: watch::Receiver<bool>,
    caller: &Caller,
    mut judging: Judging,
) -> Result<Summary, RunError> {
    let totals = {
        let run = run.clone();
        app.store().read(move |tx| tx.totals(&run)).await?
    };
    let runner = Runner::new(app, run, options, spent(&totals), caller).await?;
    runner.run(interrupt, &mut judging).await
}
