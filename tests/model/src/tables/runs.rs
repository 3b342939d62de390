//! Not modelled: runs and their lines, since a run asks for its lines one after the other; and the comparison of the
//! ledger with Stripe, which only reads.

use refund_ledger::LedgerError;

/// What every function that is not modelled gives.
pub(super) fn none<T>() -> Result<T, LedgerError> {
    Err(LedgerError::Write("the model has no runs and no comparison".to_owned()))
}

/// The functions of `Tx` about runs, and about what moved.
macro_rules! without_runs {
    () => {
        without_runs! {
            open_run(&refund_ledger::NewRun, u64) -> refund_ledger::Run;
            run(&str) -> refund_ledger::Run;
            set_run(&refund_ledger::Run, refund_ledger::RunState) -> ();
            count_repeated_line(&refund_ledger::Run) -> ();
            line_of(&refund_ledger::Run, &OperationId) -> Option<u64>;
            insert_line(&refund_ledger::Run, u64, &Operation, bool) -> ();
            insert_reject(&refund_ledger::Run, u64, &str) -> bool;
            reopen_line(&refund_ledger::Run, u64) -> ();
            claim_lines(&refund_ledger::Run, usize) -> Vec<refund_ledger::Claimed>;
            end_lines(&refund_ledger::Run, &[u64], bool) -> ();
            mark_closed_lines(&refund_ledger::Run) -> ();
            free_lines(&refund_ledger::Run) -> ();
            lines_of_others(&refund_ledger::Run) -> u64;
            open_lines(&refund_ledger::Run) -> u64;
            open_operations(&refund_ledger::Run) -> Vec<(u64, OperationId)>;
            ambiguous_payments(&refund_ledger::Run) -> Vec<PaymentRef>;
            prior_refunds(&refund_ledger::Run) -> Vec<refund_ledger::PriorRefund>;
            each_line(&refund_ledger::Run, &mut dyn FnMut(refund_ledger::LineState)) -> ();
            totals(&refund_ledger::Run) -> Vec<refund_ledger::Total>;
            moved_since(u64, i64) -> Vec<(i64, Operation)>;
        }
    };
    ($($name:ident($($of:ty),*) -> $gives:ty;)*) => {
        $(fn $name(&mut self, $(_: $of),*) -> Result<$gives, LedgerError> {
            super::runs::none()
        })*
    };
}
pub(super) use without_runs;
