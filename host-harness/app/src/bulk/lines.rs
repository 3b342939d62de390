//! Recording the lines of a run.

use refund_core::id::OperationId;
use refund_core::request::Request;
use refund_ledger::{
    ApprovalId, CalledOff, LedgerError, MerchantRules, NewRun, Operation, Run, RunState,
    Settlement, State, Store, Tx,
};

use crate::application::Application;
use crate::caller::Caller;
use crate::component::Component;
use crate::rules::admission::{Admitted, admit};
use crate::rules::moves;
use crate::runtime::Runtime;

/// A line of the input that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLine {
    /// Its number, from 1.
    pub line: u64,
    /// What it asks for.
    pub request: Request,
}

/// What became of a line when it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum LineAdmitted {
    /// A new operation.
    New,
    /// An operation that an earlier run or call had recorded, with the same values.
    Known(State),
    /// An operation that had been denied, invalid, or never tried, now with corrected values.
    Corrected,
    /// The same as an earlier line of this run: one operation, one refund.
    Repeated(u64),
    /// Its operation id is on an earlier line of this run with other values: nothing is sent for this line.
    OtherLine(u64),
    /// Its operation id is in the ledger with other values, which were sent, refunded or called off: nothing is sent for
    /// this line.
    Conflict(State),
    /// Its operation id waits for this approval, with other values: nothing is sent for this line.
    Waits(ApprovalId),
    /// The run was canceled in the meantime: nothing is recorded for this line.
    Canceled,
}

impl LineAdmitted {
    /// Why nothing is sent for a line; `None` where its operation is part of the run.
    pub fn rejection(&self, id: &OperationId) -> Option<String> {
        match self {
            Self::New | Self::Known(_) | Self::Corrected | Self::Canceled => None,
            Self::Repeated(first) => Some(format!(
                "operation `{id}` asks for the same as line {first}: it is refunded once, with that line"
            )),
            Self::OtherLine(first) => Some(format!(
                "operation `{id}` is on line {first} with other values: one id is one refund, give this line another"
            )),
            Self::Conflict(state) => Some(format!(
                "operation `{id}` is in the ledger with other values ({state}): one id is one refund, give this line another"
            )),
            Self::Waits(approval) => Some(format!(
                "operation `{id}` waits as {approval} with other values: end that with `refund-node approvals expire {approval}`, then run the file again"
            )),
        }
    }
}

/// Whether a run is canceled by now, here or by another process.
pub(super) fn is_canceled(tx: &mut dyn Tx, run: &Run) -> Result<bool, LedgerError> {
    Ok(tx.run(&run.id)?.state == RunState::Canceled)
}

/// Records a line, or why nothing is sent for it.
fn record_line(
    tx: &mut dyn Tx,
    run: &Run,
    new: NewLine,
    rules: &MerchantRules,
    caller: &Caller,
    now: u64,
) -> Result<LineAdmitted, LedgerError> {
    let (line, id) = (new.line, new.request.operation.clone());
    let admitted = admit_line(tx, run, new, rules, caller, now)?;
    if let Some(reason) = admitted.rejection(&id) {
        let is_new = tx.insert_reject(run, line, &reason)?;
        if is_new && matches!(admitted, LineAdmitted::Repeated(_)) {
            tx.count_repeated_line(run)?;
        }
    }
    Ok(admitted)
}

fn admit_line(
    tx: &mut dyn Tx,
    run: &Run,
    new: NewLine,
    rules: &MerchantRules,
    caller: &Caller,
    now: u64,
) -> Result<LineAdmitted, LedgerError> {
    let NewLine { line, request } = new;
    if let Some(known) = tx.operation(&request.operation)?
        && let Some(other) = tx.line_of(run, known.id())?.filter(|other| *other != line)
    {
        if known.fingerprint != refund_ledger::Fingerprint::of(&request) {
            return Ok(LineAdmitted::OtherLine(other));
        }
        return Ok(LineAdmitted::Repeated(other));
    }
    Ok(match admit(tx, request, rules.clone(), caller, now)? {
        Admitted::New(operation) => {
            tx.insert_line(run, line, &operation, false)?;
            LineAdmitted::New
        }
        Admitted::Corrected(operation) => {
            tx.insert_line(run, line, &operation, false)?;
            tx.reopen_line(run, line)?;
            LineAdmitted::Corrected
        }
        Admitted::Known(operation) => {
            let is_settled = operation.refund.is_some() || operation.state == State::Canceled;
            tx.insert_line(run, line, &operation, is_settled)?;
            LineAdmitted::Known(operation.state)
        }
        Admitted::Conflict(operation) => LineAdmitted::Conflict(operation.state),
        Admitted::Waits { approval, .. } => LineAdmitted::Waits(approval.id),
    })
}

impl<C: Component, S: Store, R: Runtime> Application<C, S, R> {
    /// Records a run, or finds it.
    pub async fn open_run(&self, new: NewRun) -> Result<Run, LedgerError> {
        self.write(move |tx, now| tx.open_run(&new, now)).await
    }

    /// A run by its id, or by the beginning of its id.
    pub async fn run_of(&self, id: &str) -> Result<Run, LedgerError> {
        let id = id.to_owned();
        self.store.read(move |tx| tx.run(&id)).await
    }

    /// Records lines as planned operations, and those for which nothing is sent as rejected. Doing it again changes nothing;
    /// of a run that is canceled by now, no line is recorded.
    pub async fn add_lines(
        &self,
        run: &Run,
        lines: Vec<NewLine>,
        rules: &MerchantRules,
        caller: &Caller,
    ) -> Result<Vec<LineAdmitted>, LedgerError> {
        let (run, rules, caller) = (run.clone(), rules.clone(), caller.clone());
        self.write(move |tx, now| {
            if is_canceled(tx, &run)? {
                return Ok(vec![LineAdmitted::Canceled; lines.len()]);
            }
            let admitted =
                lines.into_iter().map(|line| record_line(tx, &run, line, &rules, &caller, now));
            admitted.collect()
        })
        .await
    }

    /// Records lines that cannot be read.
    pub async fn add_rejects(
        &self,
        run: &Run,
        rejects: Vec<(u64, String)>,
    ) -> Result<(), LedgerError> {
        let run = run.clone();
        self.store
            .write(move |tx| {
                for (line, reason) in &rejects {
                    tx.insert_reject(&run, *line, reason)?;
                }
                Ok(())
            })
            .await
    }

    /// Records that every line of a run is there, unless the run was canceled in the meantime. Gives the run as it is.
    pub async fn close_input(&self, run: &Run) -> Result<Run, LedgerError> {
        let run = run.clone();
        self.store
            .write(move |tx| {
                let held = tx.run(&run.id)?;
                if held.state == RunState::Canceled {
                    return Ok(held);
                }
                tx.set_run(&run, RunState::Ready)?;
                tx.run(&run.id)
            })
            .await
    }

    /// Cancels a run: what was not sent is called off, what was sent stays as it is. Gives the number of operations that
    /// were called off.
    pub async fn cancel_run(&self, run: &Run, caller: &Caller) -> Result<u64, LedgerError> {
        let (run, caller) = (run.clone(), caller.clone());
        self.write(move |tx, now| {
            tx.set_run(&run, RunState::Canceled)?;
            let mut canceled = 0;
            for (line, id) in tx.open_operations(&run)? {
                let Some(operation) = tx.operation(&id)? else { continue };
                if operation.state == State::Planned {
                    call_off(tx, &operation, &caller, now)?;
                    canceled += 1;
                } else if operation.state.is_unsettled() {
                    continue;
                }
                tx.end_lines(&run, &[line], true)?;
            }
            Ok(canceled)
        })
        .await
    }
}

fn call_off(
    tx: &mut dyn Tx,
    operation: &Operation,
    caller: &Caller,
    now: u64,
) -> Result<(), LedgerError> {
    moves::check(operation.state, State::Canceled, false)?;
    let canceled = Operation {
        state: State::Canceled,
        settlement: Some(Settlement::CalledOff(CalledOff::Run)),
        detail: Some("its run was canceled".to_owned()),
        updated: now,
        ..operation.clone()
    };
    crate::rules::approval::record_calling_off(tx, operation.state, &canceled, caller)
}
