//! Exports `refunds`.

use refund_core::client::{self, CreateError, CreateRequest, ListFilter, NeedsApproval, Origin};
use refund_core::id::OperationId;
use refund_core::problem::{FieldProblem, Problems};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::refunds as wit;
use crate::bindings::exports::refund_node::refunds::types::{
    CallError, ChangeError, Connection, Metadata, Refund,
};
use crate::eligibility::{read_amount, verdict};
use crate::http::{
    call_error, change_error, connect, connect_to_change, connection, payment, refusal,
    transport_failure,
};
use crate::rules::read_rules;
use crate::transport::Wasi;
use crate::types::{problems, read_metadata, read_reason, refund};

impl wit::Guest for Component {
    fn create(
        to: Connection,
        request: wit::CreateRequest,
    ) -> Result<wit::Created, wit::CreateError> {
        let invalid = |found| wit::CreateError::Invalid(problems(found));
        let to = connection(to).map_err(invalid)?;
        let request = read_request(request).map_err(invalid)?;
        client::create(&mut Wasi, &to, &request).map(created).map_err(create_error)
    }

    fn retrieve(to: Connection, id: String) -> Result<Refund, CallError> {
        let to = connect(to)?;
        client::retrieve(&mut Wasi, &to, &id).map(refund).map_err(call_error)
    }

    fn list(to: Connection, filter: wit::ListFilter) -> Result<wit::RefundPage, CallError> {
        let to = connect(to)?;
        let filter = ListFilter {
            payment: filter.payment.as_ref().map(payment).transpose().map_err(invalid)?,
            created_from: filter.created_from,
            created_to: filter.created_to,
            limit: filter.limit,
            cursor: filter.cursor,
        };
        let page = client::list(&mut Wasi, &to, &filter).map_err(call_error)?;
        Ok(wit::RefundPage {
            refunds: page.refunds.into_iter().map(refund).collect(),
            next: page.next,
        })
    }

    fn update_metadata(
        to: Connection,
        id: String,
        metadata: Metadata,
    ) -> Result<Refund, ChangeError> {
        let to = connect_to_change(to)?;
        client::update_metadata(&mut Wasi, &to, &id, &read_metadata(metadata))
            .map(refund)
            .map_err(change_error)
    }

    fn cancel(to: Connection, id: String) -> Result<Refund, ChangeError> {
        let to = connect_to_change(to)?;
        client::cancel(&mut Wasi, &to, &id).map(refund).map_err(change_error)
    }
}

fn invalid(problem: FieldProblem) -> CallError {
    CallError::Invalid(problems(vec![problem]))
}

/// Everything wrong with a request is told at once.
fn read_request(request: wit::CreateRequest) -> Result<CreateRequest, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let operation_id = problems.keep(OperationId::parse(&request.operation_id));
    let payment = problems.keep(payment(&request.payment));
    let amount = problems.keep(read_amount(&request.amount));
    let rules = problems.keep_all(read_rules(request.rules));
    let (Some(operation_id), Some(payment), Some(amount), Some(rules)) =
        (operation_id, payment, amount, rules)
    else {
        return Err(problems.into_result().err().unwrap_or_default());
    };
    Ok(CreateRequest {
        operation_id,
        payment,
        amount,
        reason: request.reason.map(read_reason),
        metadata: read_metadata(request.metadata),
        refund_application_fee: request.refund_application_fee,
        reverse_transfer: request.reverse_transfer,
        instructions_email: request.instructions_email,
        rules,
        self_serve: request.self_serve,
        approval: request.approval,
    })
}

fn created(created: client::Created) -> wit::Created {
    wit::Created {
        refund: refund(created.refund),
        origin: match created.origin {
            Origin::Made => wit::Origin::Made,
            Origin::Replayed => wit::Origin::Replayed,
            Origin::Found => wit::Origin::Found,
            Origin::Reconciled => wit::Origin::Reconciled,
        },
        attempts: created.attempts,
        request_id: created.request_id,
        verdict: created.verdict.map(verdict),
    }
}

fn create_error(error: CreateError) -> wit::CreateError {
    match error {
        CreateError::Invalid { problems: found } => wit::CreateError::Invalid(problems(found)),
        CreateError::Denied { verdict: denied } => wit::CreateError::Denied(verdict(denied)),
        CreateError::NeedsApproval(need) => wit::CreateError::NeedsApproval(needs_approval(need)),
        CreateError::ApprovalMismatch(need) => {
            wit::CreateError::ApprovalMismatch(needs_approval(need))
        }
        CreateError::OperationConflict(conflict) => {
            wit::CreateError::OperationConflict(wit::OperationConflict {
                operation_id: conflict.operation_id,
                existing: conflict.existing.map(|existing| refund(*existing)),
                detail: conflict.detail,
            })
        }
        CreateError::Refused(found) => wit::CreateError::Refused(refusal(found)),
        CreateError::Transport(found) => wit::CreateError::Transport(transport_failure(found)),
        CreateError::OutcomeUnknown(unknown) => {
            wit::CreateError::OutcomeUnknown(wit::OutcomeUnknown {
                operation_id: unknown.operation_id,
                idempotency_key: unknown.idempotency_key,
                attempts: unknown.attempts,
                detail: unknown.detail,
            })
        }
    }
}

fn needs_approval(need: NeedsApproval) -> wit::NeedsApproval {
    wit::NeedsApproval { verdict: verdict(need.verdict), request_hash: need.request_hash }
}
