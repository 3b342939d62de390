//! The operations on disputes.

use std::collections::BTreeMap;

use base64::Engine;
use serde::Deserialize;

use super::failure::{self, FailureKind, InvokeError};
use super::inputs::{connect, failed};
use super::operation::{Operation, operations};
use super::text::{read, write};
use crate::client::disputes::{
    self, CloseConfirmation, DisputeAction, DisputeError, DisputeFilter,
};
use crate::client::{ConnectionInput, Transport};
use crate::id::PaymentRef;
use crate::problem::{FieldProblem, Problems};

pub(super) const OPERATIONS: &[Operation] = operations![
    "disputes.retrieve": Reads(retrieve), OneDispute => disputes::DisputeReport;
    DISPUTE, "Get a dispute",
    "Reads one dispute with the evidence as staged, and says whether it can be answered and until when.";

    "disputes.list": Reads(list), ListDisputes => disputes::DisputePage;
    DISPUTE, "List disputes",
    "Reads disputes and orders them by what is due when, with the seconds that are left.";

    "disputes.stage-evidence": Writes(stage), StageEvidence => disputes::DisputeChanged;
    DISPUTE, "Stage evidence",
    "Sets fields of a dispute's evidence. Stripe keeps them; the bank sees nothing before `disputes.submit`.";

    "disputes.submit": Writes(submit), SubmitEvidence => disputes::DisputeChanged;
    DISPUTE, "Submit evidence",
    "Sends the evidence of a dispute to the bank. Cannot be undone: it is possible once, and nothing can be changed or added afterwards.";

    "disputes.close": Writes(close), CloseDispute => disputes::DisputeChanged;
    DISPUTE, "Close a dispute",
    "Accepts the loss of a dispute. Cannot be undone: the money is lost for good. The confirmation must name dispute, amount and currency as Stripe holds them.";

    "disputes.upload-file": Writes(upload), UploadFile => crate::model::UploadedFile;
    DISPUTE, "Upload a file of evidence",
    "Uploads a PDF, JPEG or PNG file of at most 5 MiB. Its id is then staged in a file field of the evidence.";
];

/// `disputes.retrieve`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct OneDispute {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The dispute, `dp_…` or `du_…`.
    dispute: String,
}

/// `disputes.list`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ListDisputes {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// Only those of this charge or PaymentIntent.
    #[serde(default, deserialize_with = "crate::optional::filter")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    payment: Option<String>,
    /// Created at or after, Unix seconds.
    #[serde(default, deserialize_with = "crate::optional::filter")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    created_from: Option<u64>,
    /// Created at or before, Unix seconds.
    #[serde(default, deserialize_with = "crate::optional::filter")]
    #[cfg_attr(feature = "schema", schemars(transform = crate::optional::not_null))]
    created_to: Option<u64>,
    /// Only those whose status says that the bank waits for you.
    #[serde(default)]
    open_only: bool,
    /// How many disputes to read, 1 to 1000; 10 when absent, 1000 with `open_only`.
    #[serde(default)]
    limit: Option<u16>,
    /// The `next` of the call before.
    #[serde(default)]
    cursor: Option<String>,
}

/// `disputes.stage-evidence`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct StageEvidence {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The dispute, `dp_…` or `du_…`.
    dispute: String,
    /// Fields of evidence, by Stripe's names; file fields take the id of an uploaded file, an empty value
    /// clears a field. At most 150,000 characters of text in all, and 20,000 in a long field.
    evidence: BTreeMap<String, String>,
}

/// `disputes.submit`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct SubmitEvidence {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The dispute, `dp_…` or `du_…`.
    dispute: String,
    /// More evidence, beside what is staged; as for `disputes.stage-evidence`.
    #[serde(default)]
    evidence: BTreeMap<String, String>,
}

/// `disputes.close`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct CloseDispute {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The dispute, `dp_…` or `du_…`.
    dispute: String,
    /// What is lost, once more: it must equal what Stripe holds.
    confirmation: CloseConfirmation,
}

/// `disputes.upload-file`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct UploadFile {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The file's name, ending in `.pdf`, `.jpg`, `.jpeg` or `.png` as its content is.
    name: String,
    /// The file in base64, with padding; at most 5 MiB before encoding.
    content_base64: String,
}

fn retrieve(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: OneDispute = read(input)?;
    let connection = connect(input.connection)?;
    write(&disputes::retrieve(transport, &connection, &input.dispute)?)
}

fn list(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: ListDisputes = read(input)?;
    let filter = DisputeFilter {
        payment: input.payment.as_deref().map(PaymentRef::parse).transpose()?,
        created_from: input.created_from,
        created_to: input.created_to,
        open_only: input.open_only,
        limit: input.limit,
        cursor: input.cursor,
    };
    let connection = connect(input.connection)?;
    write(&disputes::list(transport, &connection, &filter)?)
}

fn stage(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: StageEvidence = read(input)?;
    let connection = connect(input.connection)?;
    write(&disputes::stage(transport, &connection, &input.dispute, input.evidence)?)
}

fn submit(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: SubmitEvidence = read(input)?;
    let connection = connect(input.connection)?;
    write(&disputes::submit(transport, &connection, &input.dispute, input.evidence)?)
}

fn close(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: CloseDispute = read(input)?;
    let connection = connect(input.connection)?;
    write(&disputes::close(transport, &connection, &input.dispute, &input.confirmation)?)
}

fn upload(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: UploadFile = read(input)?;
    let mut problems = Problems::default();
    let connection = problems.keep_all(connect(input.connection));
    let content = problems.keep(decode(&input.content_base64));
    let (Some(connection), Some(content)) = (connection, content) else {
        return Err(failed(problems));
    };
    write(&disputes::upload(transport, &connection, &input.name, &content)?)
}

/// The content is not repeated: it may be anything.
fn decode(text: &str) -> Result<Vec<u8>, FieldProblem> {
    base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| {
        let problem = format!("is not base64 ({error})");
        FieldProblem::new("content_base64", "", problem, "encode the file once, with padding")
    })
}

impl From<DisputeError> for InvokeError {
    fn from(error: DisputeError) -> Self {
        let kind = match &error {
            DisputeError::Invalid { problems } => return Self::InvalidInput(problems.clone()),
            DisputeError::Refused(refusal) => return failure::refused(refusal, &error),
            DisputeError::Transport(lost) => return failure::unreachable(lost, &error),
            DisputeError::NotOpen(_)
            | DisputeError::PastDue(_)
            | DisputeError::AlreadySubmitted(_) => FailureKind::Denied,
            DisputeError::ConfirmationMismatch(_) => FailureKind::Conflict,
            DisputeError::OutcomeUnknown(_) => FailureKind::OutcomeUnknown,
        };
        // Staging may be repeated; the other two wait for a person to look.
        let stages = matches!(&error, DisputeError::OutcomeUnknown(unknown) if unknown.action == DisputeAction::Stage);
        failure::failed(kind, stages, None, &error)
    }
}
