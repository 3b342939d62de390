//! Who paid, as far as a charge, a `PaymentIntent` and a customer say.
//!
//! Apart from [`Charge`](super::Charge), for two reasons: nothing in these fields can fail a refund, and no
//! address is in an output that is about money. Only the id is needed. Another field that is missing, null or
//! of another type counts as absent.
//!
//! The fields and their types are Stripe's description of its API (documented). In all recorded answers but one
//! `billing_details.email` and `receipt_email` are null: both are set only where a form or the merchant gave them.

use serde::{Deserialize, Deserializer};

use super::lenient::readable;
use crate::id::{ChargeId, CustomerId, PaymentIntentId};
use crate::json::{self, Tree};
use crate::metadata::Metadata;

/// A charge, as far as it says who paid.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChargeContact {
    /// `ch_…` or `py_…`.
    pub id: ChargeId,
    /// The merchant's own keys.
    #[serde(default, deserialize_with = "readable")]
    pub metadata: Metadata,
    /// What the payer typed into the form, or the merchant sent for the payment method.
    #[serde(default, deserialize_with = "readable")]
    pub billing_details: BillingDetails,
    /// Where Stripe sends the receipt.
    #[serde(default, deserialize_with = "readable")]
    pub receipt_email: Option<String>,
    /// The customer, where the charge has one.
    #[serde(default, deserialize_with = "readable_id")]
    pub customer: Option<CustomerId>,
    /// The PaymentIntent it belongs to.
    #[serde(default, deserialize_with = "readable_id")]
    pub payment_intent: Option<PaymentIntentId>,
}

/// Who paid, in the words of the payment method.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct BillingDetails {
    /// The name.
    #[serde(default, deserialize_with = "readable")]
    pub name: Option<String>,
    /// The address.
    #[serde(default, deserialize_with = "readable")]
    pub email: Option<String>,
}

/// A `PaymentIntent`, as far as it says who pays.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IntentContact {
    /// `pi_…`.
    pub id: PaymentIntentId,
    /// The merchant's own keys. Stripe copies them to the charge once, when the PaymentIntent is confirmed;
    /// keys that are set later are here alone (documented: "How metadata works with related objects").
    #[serde(default, deserialize_with = "readable")]
    pub metadata: Metadata,
    /// The customer, where the PaymentIntent has one.
    #[serde(default, deserialize_with = "readable_id")]
    pub customer: Option<CustomerId>,
    /// The charge of the last try.
    #[serde(default, deserialize_with = "readable_charge")]
    pub latest_charge: Option<LatestChargeContact>,
}

/// The charge of a `PaymentIntent`'s last try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LatestChargeContact {
    /// Only its id.
    Id(ChargeId),
    /// The whole of it.
    Object(Box<ChargeContact>),
}

/// A customer. One that was deleted has only an id (recorded).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Customer {
    /// `cus_…`.
    pub id: CustomerId,
    /// The name.
    #[serde(default, deserialize_with = "readable")]
    pub name: Option<String>,
    /// The address.
    #[serde(default, deserialize_with = "readable")]
    pub email: Option<String>,
}

/// An id, or an object with one; everything else counts as absent.
fn readable_id<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    let tree = Tree::deserialize(deserializer)?;
    let id = tree.as_str().or_else(|| tree.get("id")?.as_str());
    Ok(id.map(|id| T::from(id.to_owned())))
}

fn readable_charge<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<LatestChargeContact>, D::Error> {
    let tree = Tree::deserialize(deserializer)?;
    if let Ok(charge) = json::decode(&tree) {
        return Ok(Some(LatestChargeContact::Object(Box::new(charge))));
    }
    let id = tree.as_str().or_else(|| tree.get("id")?.as_str());
    Ok(id.map(|id| LatestChargeContact::Id(ChargeId::from_stripe(id))))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn charge(fields: &Value) -> ChargeContact {
        let mut charge = json!({ "id": "ch_1", "object": "charge" });
        for (name, value) in fields.as_object().unwrap() {
            charge[name] = value.clone();
        }
        json::read(charge.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_field_that_cannot_be_read_is_absent() {
        let bare = charge(&json!({}));
        let odd = [json!(null), json!(7), json!("x"), json!([1]), json!({ "y": 1 }), json!(true)];
        for value in odd {
            for name in ["metadata", "billing_details"] {
                let mut read = charge(&json!({ name: value }));
                // Metadata take any object: their values are the merchant's.
                read.metadata = Metadata::default();
                assert_eq!(read, bare, "{name} {value}");
            }
        }
        for value in [json!(null), json!(7), json!(["a@b.c"]), json!({ "email": "a@b.c" })] {
            let fields =
                json!({ "receipt_email": value, "customer": value, "payment_intent": value });
            assert_eq!(charge(&fields), bare, "{value}");
            let billing = charge(&json!({ "billing_details": { "email": value, "name": value } }));
            assert_eq!(billing, bare, "{value}");
        }
    }

    #[test]
    fn ids_and_objects() {
        let expanded = json!({ "customer": { "id": "cus_1" }, "payment_intent": { "id": "pi_1" } });
        let ids = json!({ "customer": "cus_1", "payment_intent": "pi_1" });
        assert_eq!(charge(&expanded), charge(&ids));
        let intent = |latest: Value| -> IntentContact {
            let intent = json!({ "id": "pi_1", "latest_charge": latest });
            json::read(intent.to_string().as_bytes()).unwrap()
        };
        let id = LatestChargeContact::Id(ChargeId::from_stripe("ch_1"));
        assert_eq!(intent(json!("ch_1")).latest_charge, Some(id));
        let object = intent(json!({ "id": "ch_1", "receipt_email": "a@b.c" })).latest_charge;
        assert!(
            matches!(object, Some(LatestChargeContact::Object(charge)) if charge.receipt_email.is_some())
        );
        for nothing in [json!(null), json!(1), json!({})] {
            assert_eq!(intent(nothing).latest_charge, None);
        }
    }

    /// The shape of Stripe's fixture of a deleted customer.
    #[test]
    fn a_deleted_customer_has_no_address() {
        let deleted = br#"{"deleted": true, "id": "cus_QXg1o8vcGmoR32", "object": "customer"}"#;
        let customer: Customer = json::read(deleted).unwrap();
        assert_eq!((customer.name, customer.email), (None, None));
        assert!(json::read::<Customer>(b"{}").is_err(), "that is no customer");
    }
}
