//! Exports `activity`.

use refund_wrapper::find;

use crate::bindings::exports::refund_node::obelisk::activity::{
    Error, Guest, Money, Refund, RefundRequest, Verdict,
};
use crate::bindings::refund_node::refunds::node;
use crate::error::not_understood;
use crate::{Facade, deployment, words};

impl Guest for Facade {
    fn create_refund(request: RefundRequest) -> Result<Refund, Error> {
        let output = run("refunds.create", &words::create(request)?)?;
        words::created(output).map_err(|why| not_understood(&why))
    }

    fn retrieve_refund(id: String) -> Result<Refund, Error> {
        let output = run("refunds.retrieve", &words::retrieve(&id)?)?;
        words::retrieved(output).map_err(|why| not_understood(&why))
    }

    fn check_refund(
        payment: String,
        amount: Option<Money>,
        document: Option<String>,
    ) -> Result<Verdict, Error> {
        let output = run("eligibility.check-live", &words::check(&payment, amount, document)?)?;
        words::checked(output).map_err(|why| not_understood(&why))
    }

    fn invoke(operation: String, input: String) -> Result<String, Error> {
        run(&operation, &input)
    }

    fn describe() -> Result<String, Error> {
        Ok(node::describe())
    }
}

/// Runs an operation; one that talks to Stripe is told the way.
fn run(operation: &str, input: &str) -> Result<String, Error> {
    let operation = find(&node::describe(), operation).map_err(Error::PermanentUnknownOperation)?;
    if !operation.needs_http {
        return Ok(node::invoke(&operation.name, input)?);
    }
    let input = deployment::connection()?.join(input)?;
    Ok(node::invoke(&operation.name, &input)?)
}
