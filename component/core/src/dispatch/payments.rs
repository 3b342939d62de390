//! The operations on payments.

use serde::Deserialize;

use super::failure::InvokeError;
use super::inputs::connect;
use super::operation::{Operation, operations};
use super::text::{read, write};
use crate::client::{self, ConnectionInput, Transport};
use crate::id::PaymentRef;

pub(super) const OPERATIONS: &[Operation] = operations![
    "payments.contact": Reads(contact), OnePayment => crate::followups::FoundContact;
    FOLLOW_UP, "Find a customer's address",
    "Reads the name and the e-mail address of the customer who made a payment. Looks at the metadata of charge and PaymentIntent, the billing details, the receipt's address and the customer, in this order.";
];

/// `payments.contact`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct OnePayment {
    /// Which Stripe to talk to.
    #[serde(default)]
    connection: ConnectionInput,
    /// The charge or PaymentIntent.
    payment: String,
}

fn contact(transport: &mut dyn Transport, input: &str) -> Result<String, InvokeError> {
    let input: OnePayment = read(input)?;
    let connection = connect(input.connection)?;
    let payment = PaymentRef::parse(&input.payment)?;
    write(&client::contact(transport, &connection, &payment)?)
}
