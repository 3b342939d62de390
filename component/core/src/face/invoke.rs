//! From an operation's name and a JSON object to the rule or sequence behind it.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::billing;
use super::disputes;
use super::failure::InvokeError;
use super::follow_ups;
use super::inputs::{self, amount, payload};
use super::reports as report_reads;
use super::{HTTP_OPERATIONS, PURE_OPERATIONS};
use crate::client::{
    self, Connection, ConnectionInput, CreateRequest, HttpRequest, ListFilter, SendFailure,
    Transport,
};
use crate::eligibility::Facts;
use crate::id::{OperationId, PaymentRef};
use crate::policy::{Ask, Rulebook, Rules, old_name};
use crate::problem::{FieldProblem, Problems};
use crate::wire::Answer;
use crate::{credits, duplicates, json, optional, reports, webhook};

/// The transport of a component without HTTP: there is none.
#[derive(Debug)]
pub enum Never {}

impl Transport for Never {
    fn send(&mut self, _: &HttpRequest) -> Result<Answer, SendFailure> {
        match *self {}
    }

    fn now(&self) -> u64 {
        match *self {}
    }

    fn sleep(&mut self, _: Duration) {
        match *self {}
    }
}

/// Runs one operation: JSON object in, JSON object out. Without a transport only the pure operations
/// exist.
pub fn invoke<T: Transport>(
    transport: Option<&mut T>,
    operation: &str,
    input: &str,
) -> Result<String, InvokeError> {
    match (operation, transport) {
        ("eligibility.check", transport) => check(transport.map(|t| t.now()), input),
        ("policies.describe", _) => describe_policy(input),
        ("duplicates.detect", _) => detect(input),
        ("reports.summarize", _) => summarize(input),
        ("webhooks.verify", transport) => verify(transport.map(|t| t.now()), input),
        ("webhooks.parse", _) => parse(input),
        ("webhooks.interpret", _) => follow_ups::interpret(input),
        ("credits.sla-quote", _) => write(&credits::sla_quote(&read(input)?)?),
        ("credits.prorate", _) => write(&credits::prorate(&read(input)?)?),
        ("follow-ups.of-event", _) => follow_ups::of_event(input),
        ("follow-ups.of-outcome", _) => follow_ups::of_outcome(input),
        ("refunds.create", Some(transport)) => create(transport, input),
        ("refunds.preview", Some(transport)) => preview(transport, input),
        ("refunds.retrieve", Some(transport)) => retrieve(transport, input),
        ("refunds.list", Some(transport)) => list(transport, input),
        ("refunds.update-metadata", Some(transport)) => update_metadata(transport, input),
        ("refunds.cancel", Some(transport)) => cancel(transport, input),
        ("refunds.balance", Some(transport)) => balance(transport, input),
        ("payments.contact", Some(transport)) => contact(transport, input),
        ("eligibility.check-live", Some(transport)) => check_live(transport, input),
        ("duplicates.scan-live", Some(transport)) => scan_live(transport, input),
        ("disputes.retrieve", Some(transport)) => disputes::retrieve(transport, input),
        ("disputes.list", Some(transport)) => disputes::list(transport, input),
        ("disputes.stage-evidence", Some(transport)) => disputes::stage(transport, input),
        ("disputes.submit", Some(transport)) => disputes::submit(transport, input),
        ("disputes.close", Some(transport)) => disputes::close(transport, input),
        ("disputes.upload-file", Some(transport)) => disputes::upload(transport, input),
        ("reports.rows", Some(transport)) => report_reads::rows(transport, input),
        ("reports.charges-taken", Some(transport)) => report_reads::taken(transport, input),
        ("billing.invoice", Some(transport)) => billing::invoice(transport, input),
        ("billing.subscription", Some(transport)) => billing::subscription(transport, input),
        (_, transport) => {
            let http = if transport.is_some() { HTTP_OPERATIONS } else { &[] };
            let names = PURE_OPERATIONS.iter().chain(http).map(|name| (*name).to_owned());
            Err(InvokeError::UnknownOperation(names.collect()))
        }
    }
}

fn create(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let (connection, request) = create_request(read(input)?)?;
    write(&client::create(transport, &connection, &request)?)
}

fn preview(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let inputs::Preview { connection, request, earlier_refunds } = read(input)?;
    if request.connection.is_given() {
        let fix = "give it beside `request`, as every operation has it";
        return Err(FieldProblem::new("request.connection", "", "is not read", fix).into());
    }
    let (connection, request) = create_request(inputs::Create { connection, ..request })?;
    write(&client::preview(transport, &connection, &request, &earlier_refunds)?)
}

pub(super) fn create_request(
    input: inputs::Create,
) -> Result<(Connection, CreateRequest), InvokeError> {
    let mut problems = Problems::default();
    let connection = problems.keep_all(connect(input.connection));
    let operation_id = problems.keep(OperationId::parse(&input.operation_id));
    let payment = problems.keep(PaymentRef::parse(&input.payment));
    let amount = problems.keep(amount(
        input.amount,
        input.amount_decimal.as_deref(),
        input.currency.as_deref(),
    ));
    let rules = problems.keep_all(Rules::either(input.policy, input.document));
    let (Some(connection), Some(operation_id), Some(payment), Some(amount), Some(rules)) =
        (connection, operation_id, payment, amount, rules)
    else {
        return Err(failed(problems));
    };
    let request = CreateRequest {
        operation_id,
        payment,
        amount,
        reason: input.reason,
        metadata: input.metadata,
        refund_application_fee: input.refund_application_fee,
        reverse_transfer: input.reverse_transfer,
        instructions_email: input.instructions_email,
        rules,
        self_serve: input.self_serve,
        approval: input.approval,
    };
    Ok((connection, request))
}

fn retrieve(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let input: inputs::OneRefund = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::retrieve(transport, &connection, &input.refund)?)
}

fn list(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let input: inputs::List = read(input)?;
    let filter = ListFilter {
        payment: input.payment.as_deref().map(PaymentRef::parse).transpose()?,
        created_from: input.created_from,
        created_to: input.created_to,
        limit: input.limit,
        cursor: input.cursor,
    };
    let connection = connect(input.connection)?;
    write(&client::list(transport, &connection, &filter)?)
}

fn update_metadata(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let input: inputs::UpdateMetadata = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::update_metadata(transport, &connection, &input.refund, &input.metadata)?)
}

fn cancel(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let input: inputs::OneRefund = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::cancel(transport, &connection, &input.refund)?)
}

fn balance(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let input: inputs::OnlyConnection = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::balance(transport, &connection)?)
}

fn contact(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let input: inputs::OnePayment = read(input)?;
    let connection = connect(input.connection)?;
    let payment = PaymentRef::parse(&input.payment)?;
    write(&client::contact(transport, &connection, &payment)?)
}

fn check(clock: Option<u64>, input: &str) -> Result<String, InvokeError> {
    let input: inputs::Check = read(input)?;
    let now = needed_now(input.now, clock)?;
    let amount = amount(input.amount, input.amount_decimal.as_deref(), input.currency.as_deref())?;
    let ask = Ask { amount, reason: input.reason, self_serve: input.self_serve };
    let rules = Rules::either(input.policy, input.document)?;
    let facts = Facts { charge: input.charge, refunds: input.refunds, disputes: input.disputes };
    write(&rules.check(&ask, &facts, now)?)
}

fn check_live(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let input: inputs::CheckLive = read(input)?;
    let connection = connect(input.connection)?;
    let payment = PaymentRef::parse(&input.payment)?;
    let amount = amount(input.amount, input.amount_decimal.as_deref(), input.currency.as_deref())?;
    let ask = Ask { amount, reason: input.reason, self_serve: input.self_serve };
    let rules = Rules::either(input.policy, input.document)?;
    write(&client::check_live(transport, &connection, &payment, &ask, &rules)?)
}

fn describe_policy(input: &str) -> Result<String, InvokeError> {
    let input: inputs::DescribePolicy = read(input)?;
    write(&Rulebook::new(input.document)?.describe())
}

fn detect(input: &str) -> Result<String, InvokeError> {
    let input: inputs::Detect = read(input)?;
    write(&Named("groups", duplicates::detect(&input.charges, &input.options)?))
}

fn scan_live(transport: &mut impl Transport, input: &str) -> Result<String, InvokeError> {
    let input: inputs::ScanLive = read(input)?;
    let connection = connect(input.connection)?;
    write(&client::scan_live(transport, &connection, &input.range, &input.options)?)
}

fn summarize(input: &str) -> Result<String, InvokeError> {
    let input: inputs::Summarize = read(input)?;
    write(&reports::summarize(&input.rows, &input.options)?)
}

fn verify(clock: Option<u64>, input: &str) -> Result<String, InvokeError> {
    let input: inputs::Verify = read(input)?;
    let now = needed_now(input.now, clock)?;
    let payload = payload(input.payload, input.payload_base64.as_deref())?;
    let options = webhook::VerifyOptions {
        tolerance: input.tolerance,
        future_tolerance: input.future_tolerance,
    };
    let verified =
        webhook::verify(&payload, input.header.as_deref(), &input.secrets, options, now)?;
    write(&verified)
}

fn parse(input: &str) -> Result<String, InvokeError> {
    let input: inputs::Parse = read(input)?;
    let payload = payload(input.payload, input.payload_base64.as_deref())?;
    write(&Named("event", webhook::parse(&payload)?))
}

/// Reads an input; a failure names the field.
pub fn read<T: DeserializeOwned>(input: &str) -> Result<T, InvokeError> {
    let problem = |field: &str, problem| {
        FieldProblem::new(
            field,
            "",
            problem,
            "give a JSON object as the operation's input schema says (see `describe`)",
        )
    };
    json::read(input.as_bytes()).map_err(|error| match error {
        json::Error::Syntax(text) => problem("input", format!("is not JSON: {text}")).into(),
        json::Error::Field { path, problem: text } => {
            let field = if path == "." { "input" } else { &path };
            optional::null_problem(field, &text)
                .or_else(|| old_name(field, &text))
                .unwrap_or_else(|| problem(field, format!("cannot be read: {text}")))
                .into()
        }
    })
}

/// An object of one field.
pub(super) struct Named<T>(pub(super) &'static str, pub(super) T);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(1))?;
        object.serialize_entry(self.0, &self.1)?;
        object.end()
    }
}

/// Writes an output.
pub fn write(output: &impl Serialize) -> Result<String, InvokeError> {
    serde_json::to_string(output).map_err(|error| {
        FieldProblem::new("output", "", format!("cannot be written: {error}"), "report this").into()
    })
}

/// Checks a connection; problems are named as the input has them.
pub fn connect(input: ConnectionInput) -> Result<Connection, Vec<FieldProblem>> {
    Connection::new(input).map_err(|problems| {
        let named = |problem: FieldProblem| {
            let field = format!("connection.{}", problem.field);
            problem.at(field)
        };
        problems.into_iter().map(named).collect()
    })
}

pub(super) fn failed(problems: Problems) -> InvokeError {
    problems.into_result().err().unwrap_or_default().into()
}

fn needed_now(given: Option<u64>, clock: Option<u64>) -> Result<u64, FieldProblem> {
    given.or(clock).ok_or_else(|| {
        FieldProblem::missing("now", "this component has no clock: give the time in Unix seconds")
    })
}
