//! Exports `refunds`.

use refund_core::client::{self, CreateError, CreateRequest, ListFilter, NeedsApproval, Origin};
use refund_core::id::OperationId;
use refund_core::problem::{FieldProblem, Problems};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::refunds as wit;
use crate::bindings::exports::refund_node::refunds::types::{
    CallError, ChangeError, Connection, Metadata, Refund,
};
use crate::eligibility::{amount_from_wit, verdict_to_wit};
use crate::http::{
    call_error_to_wit, change_error_to_wit, connect, connect_to_change, connection_from_wit,
    payment_from_wit, refusal_to_wit, transport_failure_to_wit,
};
use crate::rules::rules_from_wit;
use crate::transport::Wasi;
use crate::types::{metadata_from_wit, problems_to_wit, reason_from_wit, refund_to_wit};

impl wit::Guest for Component {
    fn create(
        to: Connection,
        request: wit::CreateRequest,
    ) -> Result<wit::Created, wit::CreateError> {
        let invalid = |found| wit::CreateError::Invalid(problems_to_wit(found));
        let to = connection_from_wit(to).map_err(invalid)?;
        let request = request_from_wit(request).map_err(invalid)?;
        client::create(&mut Wasi, &to, &request).map(created_to_wit).map_err(create_error_to_wit)
    }

    fn retrieve(to: Connection, id: String) -> Result<Refund, CallError> {
        let to = connect(to)?;
        client::retrieve(&mut Wasi, &to, &id).map(refund_to_wit).map_err(call_error_to_wit)
    }

    fn list(to: Connection, filter: wit::ListFilter) -> Result<wit::RefundPage, CallError> {
        let to = connect(to)?;
        let filter = ListFilter {
            payment: filter.payment.as_ref().map(payment_from_wit).transpose().map_err(invalid)?,
            created_from: filter.created_from,
            created_to: filter.created_to,
            limit: filter.limit,
            cursor: filter.cursor,
        };
        let page = client::list(&mut Wasi, &to, &filter).map_err(call_error_to_wit)?;
        Ok(wit::RefundPage {
            refunds: page.refunds.into_iter().map(refund_to_wit).collect(),
            next: page.next,
        })
    }

    fn update_metadata(
        to: Connection,
        id: String,
        metadata: Metadata,
    ) -> Result<Refund, ChangeError> {
        let to = connect_to_change(to)?;
        client::update_metadata(&mut Wasi, &to, &id, &metadata_from_wit(metadata))
            .map(refund_to_wit)
            .map_err(change_error_to_wit)
    }

    fn cancel(to: Connection, id: String) -> Result<Refund, ChangeError> {
        let to = connect_to_change(to)?;
        client::cancel(&mut Wasi, &to, &id).map(refund_to_wit).map_err(change_error_to_wit)
    }
}

fn invalid(problem: FieldProblem) -> CallError {
    CallError::Invalid(problems_to_wit(vec![problem]))
}

/// Everything wrong with a request is told at once.
fn request_from_wit(request: wit::CreateRequest) -> Result<CreateRequest, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let operation_id = problems.keep(OperationId::parse(&request.operation_id));
    let payment = problems.keep(payment_from_wit(&request.payment));
    let amount = problems.keep(amount_from_wit(&request.amount));
    let rules = problems.keep_all(rules_from_wit(request.rules));
    let (Some(operation_id), Some(payment), Some(amount), Some(rules)) =
        (operation_id, payment, amount, rules)
    else {
        return Err(problems.into_result().err().unwrap_or_default());
    };
    Ok(CreateRequest {
        operation_id,
        payment,
        amount,
        reason: request.reason.map(reason_from_wit),
        metadata: metadata_from_wit(request.metadata),
        refund_application_fee: request.refund_application_fee,
        reverse_transfer: request.reverse_transfer,
        instructions_email: request.instructions_email,
        rules,
        self_serve: request.self_serve,
        approval: request.approval,
    })
}

fn created_to_wit(created: client::Created) -> wit::Created {
    wit::Created {
        refund: refund_to_wit(created.refund),
        origin: match created.origin {
            Origin::Made => wit::Origin::Made,
            Origin::Replayed => wit::Origin::Replayed,
            Origin::Found => wit::Origin::Found,
            Origin::Reconciled => wit::Origin::Reconciled,
        },
        attempts: created.attempts,
        request_id: created.request_id,
        verdict: created.verdict.map(verdict_to_wit),
    }
}

fn create_error_to_wit(error: CreateError) -> wit::CreateError {
    match error {
        CreateError::Invalid { problems: found } => {
            wit::CreateError::Invalid(problems_to_wit(found))
        }
        CreateError::Denied { verdict: denied } => wit::CreateError::Denied(verdict_to_wit(denied)),
        CreateError::NeedsApproval(need) => {
            wit::CreateError::NeedsApproval(needs_approval_to_wit(need))
        }
        CreateError::ApprovalMismatch(need) => {
            wit::CreateError::ApprovalMismatch(needs_approval_to_wit(need))
        }
        CreateError::OperationConflict(conflict) => {
            wit::CreateError::OperationConflict(wit::OperationConflict {
                operation_id: conflict.operation_id,
                existing: conflict.existing.map(|existing| refund_to_wit(*existing)),
                detail: conflict.detail,
            })
        }
        CreateError::Refused(found) => wit::CreateError::Refused(refusal_to_wit(found)),
        CreateError::Transport(found) => {
            wit::CreateError::Transport(transport_failure_to_wit(found))
        }
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

fn needs_approval_to_wit(need: NeedsApproval) -> wit::NeedsApproval {
    wit::NeedsApproval { verdict: verdict_to_wit(need.verdict), request_hash: need.request_hash }
}
