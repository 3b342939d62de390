//! The input of `refunds.create`, for a host that records an operation before it makes the refund.

use super::InvokeError;
use super::refunds::{Create, create_request};
use super::text::read;
use crate::client::ConnectionInput;
use crate::eligibility::Amount;
use crate::policy::{Document, Terms};
use crate::request::Request;

/// What an input of `refunds.create` says. It is checked as `refunds.create` checks it.
#[derive(Debug)]
pub struct CreateInput {
    /// Which Stripe to talk to.
    pub connection: ConnectionInput,
    /// What to refund.
    pub request: Request,
    /// The merchant's rules, where there is no document.
    pub policy: Terms,
    /// Or a policy document.
    pub document: Option<Document>,
    /// The customer requested this refund directly, without staff review.
    pub self_serve: bool,
    /// The approval that the caller gives.
    pub approval: Option<String>,
}

impl CreateInput {
    /// Reads an input.
    ///
    /// # Errors
    /// Every problem that `refunds.create` would report before it sends anything.
    pub fn parse(input: &str) -> Result<Self, InvokeError> {
        let given: Create = read(input)?;
        let (connection, policy) = (given.connection.clone(), given.policy.clone());
        let document = given.document.clone();
        let (_, checked) = create_request(given)?;
        Ok(Self {
            connection,
            request: Request {
                amount: match checked.amount {
                    Amount::Everything => None,
                    Amount::Exactly(money) => Some(money),
                },
                reason: checked.reason.map(|reason| reason.as_str().to_owned()),
                metadata: checked.metadata,
                refund_application_fee: checked.refund_application_fee.unwrap_or_default(),
                reverse_transfer: checked.reverse_transfer.unwrap_or_default(),
                instructions_email: checked.instructions_email,
                ..Request::new(checked.operation_id, checked.payment)
            },
            policy,
            document,
            self_serve: checked.self_serve,
            approval: checked.approval,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_read_as_refunds_create_reads_it() {
        let given = CreateInput::parse(
            r#"{"operation_id":"a","payment":"ch_1","amount_decimal":"5.00","currency":"usd","reason":"duplicate",
                "metadata":{"k":"v"},"policy":{"window_days":30},"approval":"3f","instructions_email":"a@example.com"}"#,
        );
        let given = given.unwrap();
        assert_eq!(given.request.amount.unwrap().amount, 500);
        assert_eq!(given.request.reason.as_deref(), Some("duplicate"));
        assert_eq!(given.request.instructions_email.as_deref(), Some("a@example.com"));
        assert_eq!(given.policy.window_days, Some(30));
        assert_eq!(given.approval.as_deref(), Some("3f"));
        for bad in [
            r#"{"operation_id":"a","payment":"ch_1","amount":null}"#,
            r#"{"operation_id":"","payment":"x","amount":5}"#,
            r#"{"operation_id":"a","payment":"ch_1","policy":{"window_days":null}}"#,
            r#"{"operation_id":"a","payment":"ch_1","policy":{"never_above":{}}}"#,
            "[]",
        ] {
            assert!(matches!(CreateInput::parse(bad), Err(InvokeError::InvalidInput(_))), "{bad}");
        }
        let old = r#"{"operation_id":"a","payment":"ch_1","policy":{"approval_above":[]}}"#;
        let Err(InvokeError::InvalidInput(problems)) = CreateInput::parse(old) else {
            panic!("was read")
        };
        assert!(problems[0].problem.starts_with("is called `approve_up_to`"), "{problems:?}");
    }
}
