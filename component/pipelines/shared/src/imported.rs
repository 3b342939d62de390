//! The node that the pipeline was composed with, called by `invoke` as any other caller does: so one contract holds for
//! all, and nothing is converted twice.

use refund_core::billing::{InvoiceFacts, SubscriptionPeriod};
use refund_core::caller::{self, CheckCall, Connected, CreateCall, ScanCall, SubscriptionCall};
use refund_core::client::{
    CallError, Checked, ConnectionInput, CreateError, Created, InvoiceRequest, OutcomeUnknown,
    ScanRange, Scanned, TransportFailure, TransportKind,
};
use refund_core::credits::{ProrateRequest, Proration, Quote, SlaRequest};
use refund_core::dispatch::{Failure, InvokeError};
use refund_core::duplicates::Options;
use refund_core::eligibility::Amount;
use refund_core::id::PaymentRef;
use refund_core::model::Reason;
use refund_core::problem::FieldProblem;
use refund_core::secret::Secret;
use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::node::{Node, Request, Rules};

/// The generic interface of the node.
pub trait Invoke {
    /// Runs an operation: JSON object in, JSON object out.
    fn invoke(&mut self, operation: &str, input: &str) -> Result<String, InvokeError>;
}

/// The node, and which Stripe it talks to.
#[derive(Debug)]
pub struct Imported<I> {
    node: I,
    connection: Connection,
}

/// As the caller gave it. It is written with its key, which a caller gives where the host cannot add one.
#[derive(Debug)]
struct Connection(ConnectionInput);

impl Serialize for Connection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ConnectionInput { base_url, account, api_key, max_retries } = &self.0;
        let mut object = serializer.serialize_map(None)?;
        for (name, text) in [
            ("base_url", base_url.as_deref()),
            ("account", account.as_deref()),
            ("api_key", api_key.as_ref().map(Secret::reveal)),
        ] {
            if let Some(text) = text {
                object.serialize_entry(name, text)?;
            }
        }
        if let Some(retries) = max_retries {
            object.serialize_entry("max_retries", retries)?;
        }
        object.end()
    }
}

/// Why an operation gave no output that can be used.
enum Failed<E> {
    /// The operation's own error.
    Typed(E),
    /// The node answered what is not in its contract.
    Unreadable(String),
}

impl<I: Invoke> Imported<I> {
    /// The node, to be called over this connection.
    pub fn new(node: I, connection: &ConnectionInput) -> Self {
        Self { node, connection: Connection(connection.clone()) }
    }

    fn read<T: DeserializeOwned>(
        &mut self,
        operation: &str,
        input: &impl Serialize,
    ) -> Result<T, CallError> {
        call(&mut self.node, operation, input).map_err(read_failed)
    }

    fn read_connected<T: DeserializeOwned>(
        &mut self,
        operation: &str,
        input: impl Serialize,
    ) -> Result<T, CallError> {
        let input = Connected { connection: &self.connection, input };
        call(&mut self.node, operation, &input).map_err(read_failed)
    }
}

fn call<T, E>(
    node: &mut impl Invoke,
    operation: &str,
    input: &impl Serialize,
) -> Result<T, Failed<E>>
where
    T: DeserializeOwned,
    E: DeserializeOwned + Clone + From<Vec<FieldProblem>> + Into<InvokeError>,
{
    let invalid = |problem| Failed::Typed(E::from(vec![problem]));
    let input = serde_json::to_string(input).map_err(|error| {
        let problem = format!("cannot be written: {error}");
        invalid(FieldProblem::new("input", "", problem, "report this"))
    })?;
    match node.invoke(operation, &input) {
        Ok(output) => caller::read(&output).map_err(Failed::Unreadable),
        Err(InvokeError::InvalidInput(problems)) => Err(Failed::Typed(problems.into())),
        Err(InvokeError::Failed(failure)) => Err(failed(&failure)),
        Err(InvokeError::UnknownOperation(_)) => {
            let fix = "compose the pipeline with a node of its own version; nothing was sent";
            Err(invalid(FieldProblem::new("operation", operation, "is not in the node", fix)))
        }
    }
}

/// The typed error, where it is of the kind that the failure names.
fn failed<E: DeserializeOwned + Clone + Into<InvokeError>>(failure: &Failure) -> Failed<E> {
    match caller::read::<E>(&failure.details) {
        Ok(error) => match error.clone().into() {
            InvokeError::Failed(typed) if typed.kind == failure.kind => Failed::Typed(error),
            _ => Failed::Unreadable("its details are of another kind than the failure".to_owned()),
        },
        Err(problem) => Failed::Unreadable(problem),
    }
}

fn read_failed(failed: Failed<CallError>) -> CallError {
    match failed {
        Failed::Typed(error) => error,
        Failed::Unreadable(detail) => CallError::Transport(TransportFailure {
            kind: TransportKind::Unreadable,
            detail: unreadable(&detail),
            attempts: 1,
        }),
    }
}

fn unreadable(detail: &str) -> String {
    format!("the node's answer cannot be read: {detail}")
}

impl<I: Invoke> Node for Imported<I> {
    fn check(
        &mut self,
        payment: &PaymentRef,
        amount: &Amount,
        reason: Option<&Reason>,
        rules: &Rules,
    ) -> Result<Checked, CallError> {
        let input = CheckCall {
            payment: payment.as_str(),
            amount: amount.into(),
            reason: reason.map(Reason::as_str),
            rules: rules.input(),
        };
        self.read_connected("eligibility.check-live", input)
    }

    fn scan(&mut self, range: &ScanRange, options: &Options) -> Result<Scanned, CallError> {
        self.read_connected("duplicates.scan-live", ScanCall { range, options })
    }

    fn create(&mut self, request: &Request<'_>) -> Result<Created, CreateError> {
        let input = CreateCall {
            operation_id: request.operation_id.as_str(),
            payment: request.payment.as_str(),
            amount: (&request.amount).into(),
            reason: request.reason.map(Reason::as_str),
            metadata: request.metadata,
            refund_application_fee: false,
            reverse_transfer: false,
            instructions_email: None,
            rules: request.rules.input(),
            approval: request.approval,
        };
        let input = Connected { connection: &self.connection, input };
        call(&mut self.node, "refunds.create", &input).map_err(|failed| match failed {
            Failed::Typed(error) => error,
            // The answer may be about a refund that was made.
            Failed::Unreadable(detail) => CreateError::OutcomeUnknown(OutcomeUnknown {
                operation_id: request.operation_id.to_string(),
                idempotency_key: String::new(),
                attempts: 1,
                detail: unreadable(&detail),
            }),
        })
    }

    fn sla_quote(&mut self, request: &SlaRequest) -> Result<Quote, CallError> {
        self.read("credits.sla-quote", request)
    }

    fn prorate(&mut self, request: &ProrateRequest) -> Result<Proration, CallError> {
        self.read("credits.prorate", request)
    }

    fn read_invoice(&mut self, request: &InvoiceRequest) -> Result<InvoiceFacts, CallError> {
        self.read_connected("billing.invoice", request)
    }

    fn read_subscription(
        &mut self,
        subscription: &str,
        item: Option<&str>,
    ) -> Result<SubscriptionPeriod, CallError> {
        self.read_connected("billing.subscription", SubscriptionCall { subscription, item })
    }
}

#[cfg(test)]
mod tests {
    use refund_core::dispatch::FailureKind;
    use refund_core::id::OperationId;
    use refund_core::metadata::Metadata;
    use refund_core::policy::Terms;

    use super::*;

    struct Answers(Result<String, InvokeError>);

    impl Invoke for Answers {
        fn invoke(&mut self, _: &str, _: &str) -> Result<String, InvokeError> {
            self.0.clone()
        }
    }

    fn created(answer: Result<String, InvokeError>) -> Result<Created, CreateError> {
        let request = Request {
            operation_id: &OperationId::parse("op-1").unwrap(),
            payment: &PaymentRef::parse("ch_1").unwrap(),
            amount: Amount::Everything,
            reason: None,
            metadata: &Metadata::default(),
            rules: &Rules::either(Terms::default(), None).unwrap(),
            approval: None,
        };
        Imported::new(Answers(answer), &ConnectionInput::default()).create(&request)
    }

    fn failure(kind: FailureKind, details: &str) -> InvokeError {
        InvokeError::Failed(Failure {
            kind,
            message: "it failed".to_owned(),
            retryable: false,
            retry_after: None,
            details: details.to_owned(),
        })
    }

    /// A refund may have been made, unless the answer says in full that it was not.
    #[test]
    fn an_answer_that_cannot_be_read_is_an_unknown_outcome() {
        let dns = r#"{"type":"transport","kind":"dns","detail":"","attempts":1}"#;
        for answer in [
            Ok(""),
            Ok("{}"),
            Ok("[]"),
            Ok("null"),
            Ok(r#"{"refund":{}}"#),
            Err((FailureKind::Transport, "{}")),
            Err((FailureKind::Denied, "")),
            Err((FailureKind::Refused, r#"{"type":"of_a_later_version"}"#)),
            Err((FailureKind::OutcomeUnknown, dns)),
        ] {
            let given = answer.map(str::to_owned).map_err(|(kind, details)| failure(kind, details));
            let outcome = created(given);
            assert!(
                matches!(outcome, Err(CreateError::OutcomeUnknown(_))),
                "{answer:?}: {outcome:?}"
            );
        }
        let certain = created(Err(failure(FailureKind::Transport, dns)));
        assert!(matches!(certain, Err(CreateError::Transport(_))), "{certain:?}");
    }
}
