//! Exports `disputes`.

use refund_core::client::disputes::{
    self, CloseConfirmation, ConfirmationMismatch, DisputeAction, DisputeChanged, DisputeError,
    DisputeFilter, DisputeOutcomeUnknown, ListedDispute,
};
use refund_core::disputes::{Barrier, Standing};
use refund_core::model::{DisputeCase, Movement, UploadedFile};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::disputes as wit;
use crate::bindings::exports::refund_node::refunds::types::{
    CallError, ChangeError, Connection, Money,
};
use crate::http::{
    call_error, change_error, connect, connect_to_change, connection, payment, refusal,
    transport_failure,
};
use crate::transport::Wasi;
use crate::types::{dispute, metadata, money, problems};

impl wit::Guest for Component {
    fn retrieve(to: Connection, id: String) -> Result<wit::DisputeCase, CallError> {
        let to = connect(to)?;
        let report = disputes::retrieve(&mut Wasi, &to, &id).map_err(call_error)?;
        Ok(case(report.dispute, &report.standing))
    }

    fn list(to: Connection, filter: wit::DisputeFilter) -> Result<wit::DisputePage, CallError> {
        let to = connect(to)?;
        let invalid = |found| CallError::Invalid(problems(vec![found]));
        let filter = DisputeFilter {
            payment: filter.payment.as_ref().map(payment).transpose().map_err(invalid)?,
            created_from: filter.created_from,
            created_to: filter.created_to,
            open_only: filter.open_only,
            limit: filter.limit,
            cursor: filter.cursor,
        };
        let page = disputes::list(&mut Wasi, &to, &filter).map_err(call_error)?;
        let listed = |one: ListedDispute| wit::ListedDispute {
            dispute: dispute(one.dispute),
            standing: standing(&one.standing),
        };
        Ok(wit::DisputePage {
            disputes: page.disputes.into_iter().map(listed).collect(),
            next: page.next,
        })
    }

    fn stage_evidence(
        to: Connection,
        id: String,
        evidence: wit::Evidence,
    ) -> Result<wit::Changed, wit::DisputeError> {
        let to = connection(to).map_err(|found| wit::DisputeError::Invalid(problems(found)))?;
        disputes::stage(&mut Wasi, &to, &id, evidence).map(changed).map_err(dispute_error)
    }

    fn submit(
        to: Connection,
        id: String,
        evidence: wit::Evidence,
    ) -> Result<wit::Changed, wit::DisputeError> {
        let to = connection(to).map_err(|found| wit::DisputeError::Invalid(problems(found)))?;
        disputes::submit(&mut Wasi, &to, &id, evidence).map(changed).map_err(dispute_error)
    }

    fn close(
        to: Connection,
        id: String,
        confirmation: wit::CloseConfirmation,
    ) -> Result<wit::Changed, wit::DisputeError> {
        let to = connection(to).map_err(|found| wit::DisputeError::Invalid(problems(found)))?;
        let confirmation = CloseConfirmation {
            dispute: confirmation.dispute,
            amount: confirmation.amount.amount,
            currency: confirmation.amount.currency,
        };
        disputes::close(&mut Wasi, &to, &id, &confirmation).map(changed).map_err(dispute_error)
    }

    fn upload_file(
        to: Connection,
        file: wit::EvidenceFile,
    ) -> Result<wit::UploadedFile, ChangeError> {
        let to = connect_to_change(to)?;
        disputes::upload(&mut Wasi, &to, &file.name, &file.content)
            .map(uploaded)
            .map_err(change_error)
    }
}

fn standing(standing: &Standing) -> wit::Standing {
    wit::Standing {
        awaits_response: standing.awaits_response,
        barrier: standing.barrier.map(|barrier| match barrier {
            Barrier::NotOpen => wit::Barrier::NotOpen,
            Barrier::PastDue => wit::Barrier::PastDue,
            Barrier::AlreadySubmitted => wit::Barrier::AlreadySubmitted,
        }),
        due_by: standing.due_by,
        seconds_left: standing.seconds_left,
        has_evidence: standing.has_evidence,
        submission_count: standing.submission_count,
    }
}

fn case(case: DisputeCase, stands: &Standing) -> wit::DisputeCase {
    let movement = |one: Movement| wit::Movement {
        id: one.id,
        amount: one.amount,
        fee: one.fee,
        net: one.net,
        currency: one.currency.to_string(),
    };
    wit::DisputeCase {
        dispute: dispute(case.summary()),
        standing: standing(stands),
        case_type: case.case_type().map(str::to_owned),
        network_reason_code: case.reason_code().map(str::to_owned),
        movements: case.balance_transactions.into_iter().map(movement).collect(),
        evidence: case.evidence.into_iter().collect(),
        metadata: metadata(case.metadata),
    }
}

fn changed(changed: DisputeChanged) -> wit::Changed {
    wit::Changed {
        dispute: case(changed.dispute, &changed.standing),
        reconciled: changed.reconciled,
        attempts: changed.attempts,
    }
}

fn uploaded(file: UploadedFile) -> wit::UploadedFile {
    wit::UploadedFile {
        id: file.id.to_string(),
        purpose: file.purpose,
        filename: file.filename,
        kind: file.kind,
        size: file.size,
        created: file.created,
        expires_at: file.expires_at,
    }
}

fn dispute_error(error: DisputeError) -> wit::DisputeError {
    match error {
        DisputeError::Invalid { problems: found } => wit::DisputeError::Invalid(problems(found)),
        DisputeError::Refused(found) => wit::DisputeError::Refused(refusal(found)),
        DisputeError::Transport(found) => wit::DisputeError::Transport(transport_failure(found)),
        DisputeError::NotOpen(found) => wit::DisputeError::NotOpen(wit::NotOpen {
            dispute: found.dispute,
            status: found.status,
        }),
        DisputeError::PastDue(found) => wit::DisputeError::PastDue(wit::PastDue {
            dispute: found.dispute,
            due_by: found.due_by,
            now: found.now,
        }),
        DisputeError::AlreadySubmitted(found) => {
            wit::DisputeError::AlreadySubmitted(wit::AlreadySubmitted {
                dispute: found.dispute,
                status: found.status,
                submission_count: found.submission_count,
            })
        }
        DisputeError::ConfirmationMismatch(found) => {
            wit::DisputeError::ConfirmationMismatch(mismatch(found))
        }
        DisputeError::OutcomeUnknown(found) => wit::DisputeError::OutcomeUnknown(unknown(found)),
    }
}

fn mismatch(mismatch: ConfirmationMismatch) -> wit::ConfirmationMismatch {
    let CloseConfirmation { dispute, amount, currency } = mismatch.given;
    wit::ConfirmationMismatch {
        dispute: mismatch.dispute,
        held: money(mismatch.held),
        given: wit::CloseConfirmation { dispute, amount: Money { amount, currency } },
    }
}

fn unknown(unknown: DisputeOutcomeUnknown) -> wit::OutcomeUnknown {
    wit::OutcomeUnknown {
        action: match unknown.action {
            DisputeAction::Stage => wit::DisputeAction::Stage,
            DisputeAction::Submit => wit::DisputeAction::Submit,
            DisputeAction::Close => wit::DisputeAction::Close,
        },
        dispute: unknown.dispute,
        status: unknown.status,
        attempts: unknown.attempts,
        detail: unknown.detail,
    }
}
