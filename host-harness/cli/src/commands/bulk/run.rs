//! `bulk run | resume`

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use refund_app::bulk::{Options, Progress, Runner, StopLoss, rules_of, spent};
use refund_bulk::{ImportError, Imported, Rejects, import};
use refund_core::policy::Document;
use refund_ledger::{MerchantRules, Run, RunState, State};

use super::report;
use super::runs::{one_run, open_lines, source};
use crate::args::{BulkResume, BulkRun, Global, Speed, StopArgs};
use crate::context::{App, Context, caller};
use crate::documents;
use crate::exit::Exit;
use crate::speed::{check_speed, in_flight, pace, spread};
use crate::stop::interrupt;
use crate::terminal::say;

/// How often a line is tried in one session.
const TRIES: u32 = 5;

pub(super) async fn run(global: &Global, args: &BulkRun) -> anyhow::Result<ExitCode> {
    let (source, _kept) = source(&args.input)?;
    let rules = (!source.rules.is_empty()).then(|| source.rules.clone());
    let options = options(&args.speed, &args.stop, rules)?;
    let context = Context::paced(global, |mode| pace(&args.speed, mode))?;
    let application = context.application(global)?;
    let caller = caller(global, "bulk run")?;
    let bar = ProgressBar::new_spinner().with_message("reading");
    let rejects = Rejects::beside(&source.name);
    let progress = |line| bar.set_position(line);
    let imported = import(&application, &source, &caller, rejects, progress).await;
    bar.finish_and_clear();
    let imported = imported.map_err(|error| match error {
        ImportError::Input(_) | ImportError::Canceled(_) => Exit::bad_input(error),
        other => other.into(),
    })?;
    note(&imported);
    send(global, &context, &application, &imported.run, options, "bulk run").await
}

pub(super) async fn resume(global: &Global, args: &BulkResume) -> anyhow::Result<ExitCode> {
    let document = args.policy.as_deref().map(documents::parse::<Document>).transpose()?;
    let rules = document.map(|document| MerchantRules::document(document, args.self_serve));
    let is_named = rules.is_some();
    let mut options = options(&args.speed, &args.stop, rules)?;
    let context = Context::paced(global, |mode| pace(&args.speed, mode))?;
    let application = context.application(global)?;
    let run = one_run(application.store(), args.run.clone()).await?;
    match run.state {
        RunState::Ready => {
            if !is_named {
                options.rules = rules_of(&run).map_err(Exit::bad_input)?;
            }
            send(global, &context, &application, &run, options, "bulk resume").await
        }
        RunState::Reading => Err(Exit::bad_input(format!(
            "the input of run {} was not read to its end: run `refund-node bulk run {}` again, nothing is refunded twice",
            run.id, run.input
        ))),
        RunState::Canceled => Err(Exit::bad_input(format!("run {} was canceled", run.id))),
    }
}

fn options(
    speed: &Speed,
    stop: &StopArgs,
    rules: Option<MerchantRules>,
) -> anyhow::Result<Options> {
    check_speed(speed)?;
    let spread = spread(speed)?;
    Ok(Options {
        in_flight: in_flight(speed),
        spread,
        stop: stop_loss(stop)?,
        tries: TRIES,
        rules,
        allow_refunded_payments: stop.allow_refunded_payments,
    })
}

fn stop_loss(stop: &StopArgs) -> anyhow::Result<StopLoss> {
    let mut bounds = StopLoss {
        failures: stop.stop_failures,
        go_on_when_short: stop.go_on_when_short,
        ..StopLoss::default()
    };
    for total in &stop.stop_above {
        bounds = bounds.with_total(total).map_err(Exit::bad_input)?;
    }
    Ok(bounds)
}

fn note(imported: &Imported) {
    if imported.known > 0 {
        say(format_args!(
            "{} operations were in the ledger before: what is done is not done again",
            imported.known
        ));
    }
    if imported.corrected > 0 {
        say(format_args!(
            "{} operations have corrected values: nothing had been sent for them",
            imported.corrected
        ));
    }
    if let Some(rejects) = &imported.rejects {
        say(format_args!(
            "{} lines cannot be used; nothing is sent for them, they are kept in {}",
            imported.rejected,
            rejects.display()
        ));
    }
}

async fn send(
    global: &Global,
    context: &Context,
    application: &App,
    run: &Run,
    options: Options,
    command: &str,
) -> anyhow::Result<ExitCode> {
    let ledger = application.store();
    let spent = spent(&ledger.totals(run).await?);
    let bar = bar(open_lines(ledger, run).await?);
    let caller = caller(global, command)?;
    let runner = Runner::new(application, run, options, spent, &caller).await;
    let summary = match runner {
        Ok(runner) => runner.run(interrupt(), &mut Bar(bar.clone())).await,
        Err(error) => Err(error),
    };
    bar.finish_and_clear();
    let summary = summary.map_err(|error| Exit::of(error.kind(), error))?;
    report::end(global, ledger, run, &summary, context.host.throttled()).await
}

fn bar(lines: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} refunds, {per_sec}, {eta} left  {msg}");
    let bar = ProgressBar::new(lines);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The progress bar of a run.
struct Bar(ProgressBar);

impl Progress for Bar {
    fn ended(&mut self, line: u64, state: State) {
        self.0.inc(1);
        if matches!(state, State::Refused | State::Failed) {
            self.0.set_message(format!("line {line}: {state}"));
        }
    }
}
