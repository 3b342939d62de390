//! Who made a payment, and where to write to them. Only reads, and only for a message: no refund waits for it,
//! and none fails by it.

use serde::de::DeserializeOwned;

use super::call::call;
use super::connection::Connection;
use super::error::{CallError, TransportKind};
use super::transport::Transport;
use crate::followups::{FoundContact, Place, Reading, Sources};
use crate::id::PaymentRef;
use crate::model::{ChargeContact, Customer, IntentContact, LatestChargeContact};
use crate::wire::RefusalKind;
use crate::wire::requests::{self, Request};

/// Reads name and address of the customer who made a payment.
///
/// A PaymentIntent takes one request, a charge one, and one more for its PaymentIntent if the address is not in the
/// charge's metadata. The customer is read last, if no address was found before. A PaymentIntent of a charge, and a
/// customer, that cannot be read have no address: a restricted key need not have a right to them.
pub fn contact(
    transport: &mut dyn Transport,
    connection: &Connection,
    payment: &PaymentRef,
) -> Result<FoundContact, CallError> {
    let mut read = Payer::read(transport, connection, payment)?;
    // The PaymentIntent's metadata go before what the payer typed.
    if read.sources().find().place() != Some(Place::ChargeMetadata) {
        read.read_intent(transport, connection)?;
    }
    if read.sources().find().place().is_none() {
        read.read_customer(transport, connection)?;
    }
    Ok(read.sources().find())
}

/// What was read so far.
struct Payer {
    /// Absent where the payment never had a charge.
    charge: Option<ChargeContact>,
    intent: Reading<IntentContact>,
    customer: Reading<Customer>,
}

impl Payer {
    fn read(
        transport: &mut dyn Transport,
        connection: &Connection,
        payment: &PaymentRef,
    ) -> Result<Self, CallError> {
        let (charge, intent) = match payment {
            PaymentRef::Charge(id) => {
                let request = requests::retrieve_charge_alone(id);
                (Some(call(transport, connection, &request)?), Reading::Absent)
            }
            PaymentRef::PaymentIntent(id) => {
                let request = requests::retrieve_payment_intent_with_charge(id);
                let mut intent: IntentContact = call(transport, connection, &request)?;
                let charge = match intent.latest_charge.take() {
                    Some(LatestChargeContact::Object(charge)) => Some(*charge),
                    Some(LatestChargeContact::Id(id)) => {
                        let request = requests::retrieve_charge_alone(&id);
                        Some(call(transport, connection, &request)?)
                    }
                    None => None,
                };
                (charge, Reading::Read(intent))
            }
        };
        Ok(Self { charge, intent, customer: Reading::Absent })
    }

    /// The PaymentIntent of the charge, where it is not read yet.
    fn read_intent(
        &mut self,
        transport: &mut dyn Transport,
        connection: &Connection,
    ) -> Result<(), CallError> {
        let intent = self.charge.as_ref().and_then(|charge| charge.payment_intent.as_ref());
        if let (Reading::Absent, Some(id)) = (&self.intent, intent) {
            let request = requests::retrieve_payment_intent_alone(id);
            self.intent = read_if_permitted(transport, connection, &request)?;
        }
        Ok(())
    }

    /// The customer of the charge, or else of the PaymentIntent.
    fn read_customer(
        &mut self,
        transport: &mut dyn Transport,
        connection: &Connection,
    ) -> Result<(), CallError> {
        let of_charge = self.charge.as_ref().and_then(|charge| charge.customer.as_ref());
        let of_intent = || self.intent.as_ref().read()?.customer.as_ref();
        if let Some(id) = of_charge.or_else(of_intent) {
            let request = requests::retrieve_customer(id);
            self.customer = read_if_permitted(transport, connection, &request)?;
        }
        Ok(())
    }

    fn sources(&self) -> Sources<'_> {
        let charge = self.charge.as_ref();
        Sources {
            charge: charge.map(|charge| &charge.metadata),
            payment_intent: self.intent.as_ref().map(|intent| &intent.metadata),
            billing_details: charge.map(|charge| &charge.billing_details),
            receipt_email: charge.and_then(|charge| charge.receipt_email.as_deref()),
            customer: self.customer.as_ref(),
        }
    }
}

/// Reads an object that the key or the host may not permit to read, or that is gone.
fn read_if_permitted<T: DeserializeOwned>(
    transport: &mut dyn Transport,
    connection: &Connection,
    request: &Request,
) -> Result<Reading<T>, CallError> {
    match call(transport, connection, request) {
        Ok(object) => Ok(Reading::Read(object)),
        Err(error) if is_not_permitted(&error) => Ok(Reading::NotReadable),
        Err(error) => Err(error),
    }
}

/// 401, 403 and 404 (recorded: `err-401`, `q-err-permission`, `err-no-such-charge`), and a request that the host
/// does not allow. Everything else may be another answer later.
fn is_not_permitted(error: &CallError) -> bool {
    match error {
        CallError::Refused(refusal) => matches!(
            refusal.kind,
            RefusalKind::Authentication | RefusalKind::Permission | RefusalKind::NotFound
        ),
        CallError::Transport(failure) => failure.kind == TransportKind::Denied,
        CallError::Invalid { .. } => false,
    }
}
