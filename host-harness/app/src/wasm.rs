//! The component in its sandbox: JSON at the boundary, types on this side. The only place that calls `invoke` for
//! the application layer.

mod credits;
mod disputes;
mod refunds;
mod reports;

use futures::future::BoxFuture;
use refund_core::client::{
    CallError, Checked, CreateError, Created, Previewed, RefundPage, ScanRange, Scanned,
};
use refund_core::duplicates;
use refund_core::eligibility::Amount;
use refund_core::followups::{FoundContact, Options};
use refund_core::id::{PaymentRef, RefundId};
use refund_core::model::{Balance, Refund};
use refund_core::policy::{Document, Terms};
use refund_core::problem::FieldProblem;
use refund_core::secret::Secret;
use refund_core::webhook::{Event, VerifyError};
use refund_host::api::node::InvokeError;
use refund_host::api::webhooks::{VerifyError as WitVerifyError, VerifyOptions};
use refund_host::{Answer, Node};
use refund_outbox::{ContactFinder, PaymentNotRead};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::component::{
    Attempt, Called, Component, Interpreted, Listing, OperationError, Question, RawDelivery,
    Unreadable, Webhooks,
};
use crate::outcome::CallProblem;

/// Which Stripe the component talks to. The key is not in it: the host adds it at the boundary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Connection {
    /// Scheme, host and port; Stripe itself when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The connected account that calls act for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A loaded component, and the Stripe it talks to.
#[derive(Clone)]
pub struct WasmComponent {
    node: Node,
    connection: Connection,
}

/// The input of `refunds.create`.
#[derive(Serialize)]
struct CreateInput<'a> {
    /// Absent inside of a preview, which has it beside the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'a Connection>,
    operation_id: &'a str,
    payment: &'a str,
    #[serde(flatten)]
    amount: AmountInput<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    metadata: &'a refund_core::metadata::Metadata,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    refund_application_fee: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reverse_transfer: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions_email: Option<&'a str>,
    #[serde(flatten)]
    rules: RulesInput<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<&'a str>,
}

/// An absent amount means everything that is left; it is never null.
#[derive(Default, Serialize)]
struct AmountInput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
}

#[derive(Serialize)]
struct RulesInput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a Terms>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a Document>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    self_serve: bool,
}

impl<'a> From<&'a refund_ledger::MerchantRules> for RulesInput<'a> {
    fn from(rules: &'a refund_ledger::MerchantRules) -> Self {
        Self {
            policy: rules.policy.as_ref(),
            document: rules.document.as_ref(),
            self_serve: rules.self_serve,
        }
    }
}

#[derive(Serialize)]
struct PreviewInput<'a> {
    connection: &'a Connection,
    request: CreateInput<'a>,
    earlier_refunds: &'a [u64],
}

#[derive(Serialize)]
struct CheckInput<'a> {
    connection: &'a Connection,
    payment: &'a str,
    #[serde(flatten)]
    amount: AmountInput<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(flatten)]
    rules: RulesInput<'a>,
}

#[derive(Serialize)]
struct RetrieveInput<'a> {
    connection: &'a Connection,
    refund: &'a str,
}

#[derive(Serialize)]
struct ListInput<'a> {
    connection: &'a Connection,
    limit: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_from: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_to: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
}

/// An input beside the connection.
#[derive(Serialize)]
struct Connected<'a, T> {
    connection: &'a Connection,
    #[serde(flatten)]
    input: T,
}

fn connected<T>(connection: &Connection, input: T) -> Connected<'_, T> {
    Connected { connection, input }
}

#[derive(Serialize)]
struct ContactInput<'a> {
    connection: &'a Connection,
    payment: &'a str,
}

#[derive(Serialize)]
struct ScanInput<'a> {
    connection: &'a Connection,
    range: &'a ScanRange,
    options: &'a duplicates::Options,
}

#[derive(Serialize)]
struct ParseInput<'a> {
    payload: &'a str,
}

#[derive(Serialize)]
struct InterpretInput<'a> {
    event: &'a Event,
    options: &'a Options,
}

#[derive(Deserialize)]
struct Parsed {
    event: Event,
}

/// The largest page of Stripe's.
const FULL_PAGE: u8 = 100;

impl WasmComponent {
    /// A component and the Stripe it talks to.
    pub fn new(node: Node, connection: Connection) -> Self {
        Self { node, connection }
    }

    /// The loaded component.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The Stripe it talks to.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Passes an operation through: JSON in, JSON out, for what is only shown. The connection is added where the input has
    /// none.
    ///
    /// # Errors
    /// When the operation gave no output.
    pub async fn pass_through(
        &self,
        operation: &str,
        input: serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Value, CallProblem> {
        self.run_pure(operation, self.connected(input)).await
    }

    /// The same where nothing that changes anything can leave, whatever the component is.
    ///
    /// # Errors
    /// When the operation gave no output.
    pub async fn pass_through_reading(
        &self,
        operation: &str,
        input: serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Value, CallProblem> {
        let input = serde_json::Value::Object(self.connected(input)).to_string();
        passed(self.node.invoke_reading(operation, &input).await?)
    }

    /// The same for an operation that talks to nothing, and so takes no connection.
    ///
    /// # Errors
    /// When the operation gave no output.
    pub async fn run_pure(
        &self,
        operation: &str,
        input: serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Value, CallProblem> {
        let input = serde_json::Value::Object(input).to_string();
        passed(self.node.invoke(operation, &input).await?)
    }

    fn connected(
        &self,
        mut input: serde_json::Map<String, serde_json::Value>,
    ) -> serde_json::Map<String, serde_json::Value> {
        if let Ok(connection) = serde_json::to_value(&self.connection) {
            input.entry("connection").or_insert(connection);
        }
        input
    }

    /// `refunds.balance`
    pub async fn balance(&self) -> Called<Balance, CallError> {
        self.look("refunds.balance", &connected(&self.connection, ())).await
    }

    /// `duplicates.scan-live`
    pub async fn scan(
        &self,
        range: &ScanRange,
        options: &duplicates::Options,
    ) -> Called<Scanned, CallError> {
        let input = ScanInput { connection: &self.connection, range, options };
        self.look("duplicates.scan-live", &input).await
    }

    fn create_input<'a>(&'a self, attempt: &'a Attempt) -> CreateInput<'a> {
        let Attempt { request, rules, approval } = attempt;
        CreateInput {
            connection: Some(&self.connection),
            operation_id: request.operation.as_str(),
            payment: request.payment.as_str(),
            amount: AmountInput {
                amount: request.amount.map(|money| money.amount),
                currency: request.amount.as_ref().map(|money| money.currency.as_str()),
            },
            reason: request.reason.as_deref(),
            metadata: &request.metadata,
            refund_application_fee: request.refund_application_fee,
            reverse_transfer: request.reverse_transfer,
            instructions_email: request.instructions_email.as_deref(),
            rules: rules.into(),
            approval: approval.as_deref(),
        }
    }

    /// Runs an operation that may change something at Stripe.
    async fn change<T: DeserializeOwned, E: TypedError>(
        &self,
        operation: &str,
        input: &impl Serialize,
    ) -> Called<T, E> {
        let input = match written(input) {
            Ok(input) => input,
            Err(unwritten) => return Called { result: Err(unwritten), changes_sent: 0 },
        };
        let invoked = self.node.call(operation, &input).await;
        Called { result: answer(operation, invoked.answer), changes_sent: invoked.changes_sent }
    }

    /// Runs an operation that only reads: nothing that changes something can leave, whatever the component is.
    async fn read<T: DeserializeOwned, E: TypedError>(
        &self,
        operation: &str,
        input: &impl Serialize,
    ) -> Result<T, OperationError<E>> {
        let input = written(input)?;
        answer(operation, self.node.invoke_reading(operation, &input).await)
    }

    /// The same, as one call.
    async fn look<T: DeserializeOwned, E: TypedError>(
        &self,
        operation: &str,
        input: &impl Serialize,
    ) -> Called<T, E> {
        Called { result: self.read(operation, input).await, changes_sent: 0 }
    }
}

fn written<E>(input: &impl Serialize) -> Result<String, OperationError<E>> {
    let unwritten =
        |error| OperationError::NoAnswer(format!("the input cannot be written: {error}"));
    serde_json::to_string(input).map_err(unwritten)
}

fn answer<T: DeserializeOwned, E: TypedError>(
    operation: &str,
    answer: Answer<String, InvokeError>,
) -> Result<T, OperationError<E>> {
    match answer {
        Ok(Ok(output)) => serde_json::from_str(&output).map_err(|error| {
            OperationError::NoAnswer(format!("the output of {operation} cannot be read: {error}"))
        }),
        Ok(Err(error)) => Err(typed(operation, error)),
        Err(error) => Err(OperationError::NoAnswer(error.failure().to_string())),
    }
}

/// The typed error of an operation.
pub(crate) trait TypedError: Sized {
    /// The input is wrong.
    fn invalid(problems: Vec<FieldProblem>) -> Self;
    /// The operation failed: `details` is the typed error as JSON.
    fn failed(message: String, details: &str) -> Result<Self, serde_json::Error>;
}

impl<E: From<Vec<FieldProblem>> + DeserializeOwned> TypedError for E {
    fn invalid(problems: Vec<FieldProblem>) -> Self {
        problems.into()
    }

    fn failed(_: String, details: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(details)
    }
}

impl TypedError for Unreadable {
    fn invalid(problems: Vec<FieldProblem>) -> Self {
        Self(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }

    fn failed(message: String, _: &str) -> Result<Self, serde_json::Error> {
        Ok(Self(message))
    }
}

fn typed<E: TypedError>(operation: &str, error: InvokeError) -> OperationError<E> {
    match error {
        InvokeError::UnknownOperation(_) => OperationError::NoAnswer(format!(
            "the component has no operation {operation}: it is another version"
        )),
        InvokeError::InvalidInput(problems) => {
            let problem = |one: refund_host::api::types::FieldProblem| FieldProblem {
                field: one.field,
                value: one.value,
                problem: one.problem,
                fix: one.fix,
            };
            OperationError::Failed(E::invalid(problems.into_iter().map(problem).collect()))
        }
        InvokeError::Failed(failure) => match E::failed(failure.message, &failure.details) {
            Ok(error) => OperationError::Failed(error),
            Err(error) => OperationError::NoAnswer(format!(
                "the error of {operation} cannot be read: {error}"
            )),
        },
    }
}

/// The output of an operation that was passed through. A component that answers with something else shows it as a text.
fn passed(answer: Result<String, InvokeError>) -> Result<serde_json::Value, CallProblem> {
    let output = answer.map_err(CallProblem::Operation)?;
    Ok(serde_json::from_str(&output).unwrap_or(serde_json::Value::String(output)))
}

impl Component for WasmComponent {
    async fn create(&self, attempt: &Attempt) -> Called<Created, CreateError> {
        self.change("refunds.create", &self.create_input(attempt)).await
    }

    async fn preview(&self, attempt: &Attempt, earlier: &[u64]) -> Called<Previewed, CreateError> {
        let request = CreateInput { connection: None, ..self.create_input(attempt) };
        let connection = &self.connection;
        let input = PreviewInput { connection, request, earlier_refunds: earlier };
        self.look("refunds.preview", &input).await
    }

    async fn check(&self, question: &Question) -> Called<Checked, CallError> {
        let amount = match &question.amount {
            Amount::Everything => AmountInput::default(),
            Amount::Exactly(money) => {
                AmountInput { amount: Some(money.amount), currency: Some(money.currency.as_str()) }
            }
        };
        let input = CheckInput {
            connection: &self.connection,
            payment: question.payment.as_str(),
            amount,
            reason: question.reason.as_ref().map(refund_core::model::Reason::as_str),
            rules: (&question.rules).into(),
        };
        self.look("eligibility.check-live", &input).await
    }

    async fn retrieve(&self, refund: &RefundId) -> Called<Refund, CallError> {
        let input = RetrieveInput { connection: &self.connection, refund: refund.as_str() };
        self.look("refunds.retrieve", &input).await
    }

    async fn list(&self, listing: &Listing) -> Called<RefundPage, CallError> {
        let input = ListInput {
            connection: &self.connection,
            limit: Some(FULL_PAGE),
            payment: listing.payment.as_ref().map(PaymentRef::as_str),
            created_from: listing.created_from,
            created_to: None,
            cursor: listing.cursor.as_deref(),
        };
        self.look("refunds.list", &input).await
    }
}

impl Webhooks for WasmComponent {
    async fn verify(
        &self,
        delivery: RawDelivery<'_>,
        secrets: &[Secret],
        tolerance_secs: u32,
        now: u64,
    ) -> Result<(), OperationError<VerifyError>> {
        let options = VerifyOptions { tolerance: Some(tolerance_secs), future_tolerance: None };
        let secrets = secrets.iter().map(|secret| secret.reveal().to_owned()).collect();
        let secrets = Zeroizing::<Vec<String>>::new(secrets);
        let RawDelivery { body, header } = delivery;
        match self.node.verify(body, header, &secrets, options, now).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(OperationError::Failed(verify_error(error))),
            Err(error) => Err(OperationError::NoAnswer(error.to_string())),
        }
    }

    async fn parse(&self, payload: &str) -> Result<Event, OperationError<Unreadable>> {
        let parsed: Parsed = self.read("webhooks.parse", &ParseInput { payload }).await?;
        Ok(parsed.event)
    }

    async fn interpret(
        &self,
        event: &Event,
        options: &Options,
    ) -> Result<Interpreted, OperationError<Unreadable>> {
        self.read("webhooks.interpret", &InterpretInput { event, options }).await
    }
}

impl ContactFinder for WasmComponent {
    fn find<'a>(
        &'a self,
        payment: &'a PaymentRef,
    ) -> BoxFuture<'a, Result<FoundContact, PaymentNotRead>> {
        Box::pin(async move {
            let input = ContactInput { connection: &self.connection, payment: payment.as_str() };
            let found: Result<_, OperationError<CallError>> =
                self.read("payments.contact", &input).await;
            found.map_err(|error| PaymentNotRead(error.to_string()))
        })
    }
}

/// Why a delivery was rejected, in the core's words.
pub fn verify_error(error: WitVerifyError) -> VerifyError {
    match error {
        WitVerifyError::NoHeader => VerifyError::NoHeader,
        WitVerifyError::NoSecret => VerifyError::NoSecret,
        WitVerifyError::BlankSecret(index) => VerifyError::BlankSecret { index },
        WitVerifyError::BadHeader(problem) => VerifyError::BadHeader { problem },
        WitVerifyError::NoTimestamp => VerifyError::NoTimestamp,
        WitVerifyError::NoSignature => VerifyError::NoSignature,
        WitVerifyError::BadSignature => VerifyError::BadSignature,
        WitVerifyError::BadEncoding => VerifyError::BadEncoding,
        WitVerifyError::Mismatch => VerifyError::Mismatch,
        WitVerifyError::TooOld(old) => {
            VerifyError::TooOld { age: old.age, tolerance: old.tolerance }
        }
        WitVerifyError::TooNew(new) => {
            VerifyError::TooNew { lead: new.lead, tolerance: new.tolerance }
        }
    }
}
