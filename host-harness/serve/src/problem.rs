//! Why a request failed, after RFC 9457: what happened, the state of the money, and what to do; never a secret.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use refund_app::outcome::CallProblem;
use refund_app::{AskError, DecideError, Outcome, OutcomeKind};
use refund_core::client::CreateError;
use refund_core::problem::FieldProblem;
use refund_ledger::LedgerError;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::views::OperationView;

/// Why a request failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The HTTP status.
    status: u16,
    /// What kind of problem, for programs: `invalid`, `unauthorized`, `forbidden`, `not-found`, `conflict`, `canceled`,
    /// `denied`, `refused`, `failed`, `no-answer`, `busy`, `blocked`, `outcome-unknown`, `expired`, `unavailable`.
    code: &'static str,
    /// What happened, the state of the money, and what to do.
    detail: String,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    /// The typed error of the component, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    error: Option<Value>,
    /// The operation as the ledger holds it, where the request was about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<OperationView>,
}

/// One thing wrong with the input.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "as the contract's field-problem has it")]
pub(crate) struct Field {
    /// Its name.
    field: String,
    /// As given, shortened.
    value: String,
    /// What is wrong.
    problem: String,
    /// What to do.
    fix: String,
}

impl From<FieldProblem> for Field {
    fn from(one: FieldProblem) -> Self {
        Self { field: one.field, value: one.value, problem: one.problem, fix: one.fix }
    }
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let (status, detail) = (status.as_u16(), detail.into());
        Self { status, code, detail, fields: Vec::new(), error: None, operation: None }
    }

    /// As the table has it.
    fn of(kind: OutcomeKind, detail: impl Into<String>) -> Self {
        let row = kind.row();
        let status = StatusCode::from_u16(row.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, row.name, detail)
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::of(OutcomeKind::Invalid, detail)
    }

    pub(crate) fn unauthorized() -> Self {
        let detail =
            "send `Authorization: Bearer rnt_…` with a token of the file given to --tokens";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no {what} `{id}`"))
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid", detail)
    }

    pub(crate) fn unavailable(detail: impl std::fmt::Display) -> Self {
        Self::of(OutcomeKind::LedgerFailed, detail.to_string())
    }

    /// A task was lost before it gave a result: what it did is in the ledger.
    pub(crate) fn lost(detail: impl std::fmt::Display) -> Self {
        let text = format!(
            "the request was lost ({detail}). The refund may have been made. Ask again with the same operation id, which finds out."
        );
        Self::of(OutcomeKind::Unknown, text)
    }

    /// A call that only reads gave no answer.
    pub(crate) fn no_answer(detail: impl Into<String>) -> Self {
        Self::of(OutcomeKind::NoAnswer, detail)
    }

    /// A call that only reads failed.
    pub(crate) fn of_read(error: CreateError) -> Self {
        let kind = match &error {
            CreateError::Invalid { .. } => OutcomeKind::Invalid,
            CreateError::Refused(_) => OutcomeKind::Refused,
            _ => OutcomeKind::NoAnswer,
        };
        let problem = Self::of(kind, error.to_string());
        let problem = match &error {
            CreateError::Invalid { problems } => problem.with_fields(problems.clone()),
            _ => problem,
        };
        Self { error: serde_json::to_value(error).ok(), ..problem }
    }

    fn with_fields(self, problems: Vec<FieldProblem>) -> Self {
        Self { fields: problems.into_iter().map(Field::from).collect(), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [("content-type", "application/problem+json")], Json(self)).into_response()
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        Self::unavailable(error)
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        Self::of(error.kind(), error.to_string())
    }
}

impl From<Outcome> for Problem {
    fn from(outcome: Outcome) -> Self {
        use refund_app::outcome::Standing;
        let problem = Self::of(outcome.kind(), outcome.text());
        let problem = match &outcome.standing {
            Standing::Invalid(problems) => problem.with_fields(problems.clone()),
            _ => problem,
        };
        let error = outcome.error().and_then(|error| serde_json::to_value(error).ok());
        Self { error, operation: Some(OperationView::from(&outcome.operation)), ..problem }
    }
}

impl From<CallProblem> for Problem {
    fn from(problem: CallProblem) -> Self {
        let fields = problem.problems();
        let detail = if fields.is_empty() {
            problem.to_string()
        } else {
            let names: Vec<_> = fields.iter().map(|one| one.field.as_str()).collect();
            format!("nothing was sent; correct {}", names.join(", "))
        };
        let error = serde_json::from_str(&problem.json()).ok();
        Self { error, ..Self::of(problem.kind(), detail).with_fields(fields) }
    }
}

impl From<DecideError> for Problem {
    fn from(error: DecideError) -> Self {
        let (status, code) = match &error {
            DecideError::Ledger(_) => return Self::unavailable(error),
            DecideError::Unknown(_) => (StatusCode::NOT_FOUND, "not-found"),
            DecideError::OwnRequest { .. } | DecideError::RequesterUnknown { .. } => {
                (StatusCode::FORBIDDEN, "forbidden")
            }
            DecideError::Expired(_) => (StatusCode::GONE, "expired"),
            DecideError::NotOpen { .. }
            | DecideError::NotApproved { .. }
            | DecideError::Twice { .. }
            | DecideError::Unsettled { .. }
            | DecideError::Altered(_) => (StatusCode::CONFLICT, "conflict"),
        };
        Self::new(status, code, error.to_string())
    }
}
