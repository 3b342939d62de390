//! `bulk run` and `bulk resume`

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use refund_bulk::{ImportError, Imported, Options, Progress, Runner, StopLoss, import};
use refund_ledger::{Ledger, Run, RunState, State};
use tokio::sync::watch;

use super::{one_run, pace, report, source};
use crate::args::{BulkRun, Global, Speed, StopArgs};
use crate::commands::inputs;
use crate::context::Context;
use crate::exit::Exit;

pub(super) async fn run(global: &Global, args: &BulkRun) -> anyhow::Result<ExitCode> {
    let options = options(&args.speed, &args.stop)?;
    let (source, _kept) = source(&args.input)?;
    let context = Context::paced(global, |mode| pace(&args.speed, mode))?;
    let ledger = context.ledger(global, "bulk run")?;
    let bar = ProgressBar::new_spinner().with_message("reading");
    let imported = import(&ledger, &source, |line| bar.set_position(line)).await;
    bar.finish_and_clear();
    let imported = imported.map_err(|error| match error {
        ImportError::Input(_) | ImportError::Canceled(_) => Exit::bad_input(error),
        other => other.into(),
    })?;
    tell(&imported);
    send(global, &context, &ledger, &imported.run, options).await
}

pub(super) async fn resume(
    global: &Global,
    run: Option<String>,
    speed: &Speed,
    stop: &StopArgs,
) -> anyhow::Result<ExitCode> {
    let options = options(speed, stop)?;
    let context = Context::paced(global, |mode| pace(speed, mode))?;
    let ledger = context.ledger(global, "bulk resume")?;
    let run = one_run(&ledger, run).await?;
    match run.state {
        RunState::Ready => send(global, &context, &ledger, &run, options).await,
        RunState::Reading => Err(Exit::bad_input(format!(
            "the input of run {} was not read to its end: run `refund-node bulk run {}` again, nothing is refunded twice",
            run.id, run.input
        ))),
        RunState::Canceled => Err(Exit::bad_input(format!("run {} was called off", run.id))),
    }
}

fn options(speed: &Speed, stop: &StopArgs) -> anyhow::Result<Options> {
    if speed.in_flight == 0 {
        return Err(Exit::bad_input("in-flight `0` sends nothing: give at least 1"));
    }
    if !speed.rate.is_finite() || speed.rate <= 0.0 {
        return Err(Exit::bad_input(format!("rate `{}` is not above zero", speed.rate)));
    }
    let mut bounds = StopLoss {
        failures: stop.stop_failures,
        go_on_when_short: stop.go_on_when_short,
        ..StopLoss::default()
    };
    for total in &stop.stop_above {
        bounds = bounds.with_total(total).map_err(Exit::bad_input)?;
    }
    let spread = speed.spread.as_deref().map(|text| inputs::seconds("spread", text)).transpose()?;
    let spread = spread.map(Duration::from_secs);
    Ok(Options { in_flight: speed.in_flight, spread, stop: bounds })
}

#[expect(clippy::print_stderr, reason = "not data")]
fn tell(imported: &Imported) {
    if imported.known > 0 {
        eprintln!(
            "{} operations were in the ledger before: what is done is not done again",
            imported.known
        );
    }
    if let Some(rejects) = &imported.rejects {
        eprintln!(
            "{} lines cannot be used; nothing is sent for them, they are kept in {}",
            imported.refused,
            rejects.display()
        );
    }
}

async fn send(
    global: &Global,
    context: &Context,
    ledger: &Ledger,
    run: &Run,
    options: Options,
) -> anyhow::Result<ExitCode> {
    let refunder = context.refunder(global, ledger);
    let bar = bar(ledger.open_lines(run).await?);
    let runner = Runner::new(ledger, &refunder, run, options).await?;
    let summary = runner.run(interrupt(), &mut Bar(bar.clone())).await;
    bar.finish_and_clear();
    report::end(global, ledger, run, &summary?, context.host.throttled()).await
}

/// Becomes true with the first Ctrl-C; the second one ends the process, which loses nothing either.
pub(crate) fn interrupt() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        asked_to_stop().await;
        note("finishing what is under way; Ctrl-C again leaves at once (resume settles the rest)");
        let _ = stop.send(true);
        asked_to_stop().await;
        std::process::exit(i32::from(crate::exit::STOPPED));
    });
    stopped
}

/// Ctrl-C, or the system's polite request to end.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    // Without a handler the system ends the process anyway.
    let _ = tokio::signal::ctrl_c().await;
}

#[expect(clippy::print_stderr, reason = "not data")]
fn note(text: &str) {
    eprintln!("{text}");
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
