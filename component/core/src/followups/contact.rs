//! The name and the address of a customer: where they are looked for, and in which order.

use serde::{Deserialize, Serialize};

use super::follow_up::{Contact, FollowUp, Task};
use crate::id::PaymentRef;
use crate::metadata::Metadata;
use crate::model::{BillingDetails, Customer};

const NAME_KEYS: [&str; 2] = ["customer_name", "name"];
const EMAIL_KEYS: [&str; 2] = ["customer_email", "email"];

/// A place at Stripe where the address of a customer may be, in the order in which they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Place {
    /// `customer_email` or `email` in the charge's metadata.
    ChargeMetadata,
    /// `customer_email` or `email` in the PaymentIntent's metadata.
    PaymentIntentMetadata,
    /// `billing_details.email` of the charge.
    BillingDetails,
    /// `receipt_email` of the charge.
    ReceiptEmail,
    /// `email` of the customer.
    Customer,
}

/// What a place had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum LookResult {
    /// The address.
    Address,
    /// No address.
    Nothing,
    /// Unknown: the key may not read it, there is no such object, or the host does not allow the request.
    NotReadable,
}

/// A place that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Look {
    /// The place.
    pub place: Place,
    /// What it had.
    pub result: LookResult,
}

/// Name and address of the customer who made a payment, as far as Stripe has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FoundContact {
    /// The name; not looked for where the address is known without it.
    pub name: Option<String>,
    /// The address, as it was typed.
    pub email: Option<String>,
    /// The places that were looked at, in order; the last one has the address, if there is one. A payment
    /// without a PaymentIntent or a customer has fewer places.
    pub looked_at: Vec<Look>,
}

/// An object that may be read for its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading<T> {
    /// The payment has none, or it was not needed.
    #[default]
    Absent,
    /// It cannot be read.
    NotReadable,
    /// It was read.
    Read(T),
}

/// What was read about who made a payment.
///
/// The address is looked for in this order, and the first place that has one ends the search:
///
/// 1. the refund's metadata, when the follow-up is made: `customer_email`, then `email`;
/// 2. the charge's metadata, the same keys;
/// 3. the PaymentIntent's metadata, the same keys: Stripe copies them to the charge only once;
/// 4. `billing_details.email` of the charge;
/// 5. `receipt_email` of the charge;
/// 6. `email` of the customer.
///
/// What the merchant wrote goes before what a payer typed, and what belongs to this payment goes before what
/// belongs to all payments of a customer. The name is looked for in the same way: `customer_name`, then `name` in
/// the metadata, `billing_details.name`, `name` of the customer.
///
/// An address is taken as it was typed, without the spaces around it. One that cannot be used is not passed over:
/// the merchant meant it, and the next place may name another person.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// The charge's metadata.
    pub charge: Option<&'a Metadata>,
    /// The PaymentIntent's metadata.
    pub payment_intent: Reading<&'a Metadata>,
    /// Who paid, in the words of the payment method.
    pub billing_details: Option<&'a BillingDetails>,
    /// Where the receipt goes.
    pub receipt_email: Option<&'a str>,
    /// The customer.
    pub customer: Reading<&'a Customer>,
}

impl<T> Reading<T> {
    /// The object, if it was read.
    pub fn read(self) -> Option<T> {
        if let Self::Read(value) = self { Some(value) } else { None }
    }

    /// The same, borrowed.
    pub fn as_ref(&self) -> Reading<&T> {
        match self {
            Self::Absent => Reading::Absent,
            Self::NotReadable => Reading::NotReadable,
            Self::Read(value) => Reading::Read(value),
        }
    }

    /// A part of it.
    pub fn map<U>(self, part: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::Absent => Reading::Absent,
            Self::NotReadable => Reading::NotReadable,
            Self::Read(value) => Reading::Read(part(value)),
        }
    }

    /// What a field of it says; `None` where there is no such source.
    fn look<'a>(self, field: impl FnOnce(T) -> Option<&'a str>) -> Option<Said<'a>> {
        match self {
            Self::Absent => None,
            Self::NotReadable => Some(Said::NotReadable),
            Self::Read(value) => Some(Said::Text(field(value))),
        }
    }
}

impl<T> From<Option<T>> for Reading<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Read)
    }
}

/// What a place says.
enum Said<'a> {
    NotReadable,
    Text(Option<&'a str>),
}

impl<'a> Sources<'a> {
    /// Looks for name and address, in this order.
    pub fn find(&self) -> FoundContact {
        let mut found = FoundContact { name: self.name(), ..FoundContact::default() };
        for (place, looked) in self.emails() {
            let text = match looked {
                None => continue,
                Some(Said::NotReadable) => {
                    found.looked_at.push(Look { place, result: LookResult::NotReadable });
                    continue;
                }
                Some(Said::Text(text)) => text.and_then(written),
            };
            let result = if text.is_some() { LookResult::Address } else { LookResult::Nothing };
            found.looked_at.push(Look { place, result });
            if text.is_some() {
                found.email = text;
                break;
            }
        }
        found
    }

    fn emails(&self) -> [(Place, Option<Said<'a>>); 5] {
        let email = |metadata| first(&[metadata], &EMAIL_KEYS);
        let receipt_email = self.receipt_email;
        // Where there is a charge, its fields are places even if they are null.
        let charge: Reading<()> = self.charge.map(drop).into();
        [
            (Place::ChargeMetadata, Reading::from(self.charge).look(email)),
            (Place::PaymentIntentMetadata, self.payment_intent.look(email)),
            (
                Place::BillingDetails,
                Reading::from(self.billing_details).look(|of| of.email.as_deref()),
            ),
            (Place::ReceiptEmail, charge.look(|()| receipt_email)),
            (Place::Customer, self.customer.look(|of| of.email.as_deref())),
        ]
    }

    fn name(&self) -> Option<String> {
        let metadata: Vec<_> =
            [self.charge, self.payment_intent.read()].into_iter().flatten().collect();
        let billing = || self.billing_details?.name.as_deref();
        let customer = || self.customer.read()?.name.as_deref();
        first(&metadata, &NAME_KEYS)
            .and_then(written)
            .or_else(|| billing().and_then(written))
            .or_else(|| customer().and_then(written))
    }
}

impl Contact {
    /// Name and address in metadata; the first object goes before the second.
    pub(super) fn of(places: &[&Metadata]) -> Self {
        let text = |keys| first(places, keys).and_then(written);
        Self { name: text(&NAME_KEYS), email: text(&EMAIL_KEYS) }
    }

    /// What is known goes before what was found.
    #[must_use]
    pub fn or(self, found: &FoundContact) -> Self {
        Self {
            name: self.name.or_else(|| found.name.clone()),
            email: self.email.or_else(|| found.email.clone()),
        }
    }
}

impl FollowUp {
    /// The customer to notify; `None` for other kinds.
    pub fn customer(&self) -> Option<&Contact> {
        if let Task::NotifyCustomer { customer, .. } = &self.task { Some(customer) } else { None }
    }

    /// Whether it is for a customer whose address is not known.
    pub fn lacks_address(&self) -> bool {
        self.customer().is_some_and(|customer| customer.email.is_none())
    }

    /// The same follow-up; what is not known about the customer is filled in.
    #[must_use]
    pub fn with_contact(mut self, found: &FoundContact) -> Self {
        if let Task::NotifyCustomer { customer, .. } = &mut self.task {
            *customer = std::mem::take(customer).or(found);
        }
        self
    }

    /// The payment it is about: the charge, or else the PaymentIntent.
    pub fn payment(&self) -> Option<PaymentRef> {
        let charge = self.about.charge.clone().map(PaymentRef::Charge);
        charge.or_else(|| self.about.payment_intent.clone().map(PaymentRef::PaymentIntent))
    }
}

impl Place {
    /// The place, for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::ChargeMetadata => "the charge's metadata",
            Self::PaymentIntentMetadata => "the PaymentIntent's metadata",
            Self::BillingDetails => "billing_details.email",
            Self::ReceiptEmail => "receipt_email",
            Self::Customer => "the customer's e-mail",
        }
    }
}

impl FoundContact {
    /// The place that has the address.
    pub fn place(&self) -> Option<Place> {
        let mut looks = self.looked_at.iter();
        looks.find(|look| look.result == LookResult::Address).map(|look| look.place)
    }

    /// The places with this result, for people.
    pub fn places(&self, result: LookResult) -> Vec<&'static str> {
        let with = self.looked_at.iter().filter(|look| look.result == result);
        with.map(|look| look.place.describe()).collect()
    }
}

/// The first value of these keys that is not blank.
pub(super) fn first<'a>(places: &[&'a Metadata], keys: &[&str]) -> Option<&'a str> {
    let mut values = places.iter().flat_map(|place| keys.iter().filter_map(|key| place.get(key)));
    values.find(|value| !value.trim().is_empty())
}

/// Without the spaces around it; `None` for a blank text.
pub(super) fn written(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::ChargeContact;

    /// Everything that may be known about who paid, and what is expected of it.
    #[derive(Default)]
    struct Case {
        charge: Value,
        intent: Option<Value>,
        customer: Option<Value>,
        expected: (Option<&'static str>, Option<&'static str>),
    }

    fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn found(case: &Case) -> FoundContact {
        let mut charge = json!({ "id": "ch_1" });
        for (name, value) in case.charge.as_object().into_iter().flatten() {
            charge[name] = value.clone();
        }
        let charge: ChargeContact = read(&charge);
        let intent: Option<Metadata> = case.intent.as_ref().map(read);
        let customer: Option<Customer> = case.customer.as_ref().map(read);
        let sources = Sources {
            charge: Some(&charge.metadata),
            payment_intent: intent.as_ref().into(),
            billing_details: Some(&charge.billing_details),
            receipt_email: charge.receipt_email.as_deref(),
            customer: customer.as_ref().into(),
        };
        sources.find()
    }

    /// Each place in turn: everything before it is blank, everything after it says something else.
    #[test]
    fn the_order() {
        let customer = json!({ "id": "cus_1", "name": "Six", "email": "six@example.com" });
        let charge = |metadata: Value, billing: Value, receipt: Value| json!({ "metadata": metadata, "billing_details": billing, "receipt_email": receipt });
        let billing = json!({ "name": "Four", "email": "four@example.com" });
        let intent = json!({ "customer_name": "Three", "customer_email": "three@example.com" });
        let blank = json!({ "name": " ", "email": "" });
        let (none, five) = (json!(null), json!("five@example.com"));
        let cases = [
            Case {
                charge: charge(
                    json!({ "name": "Two", "email": "two@example.com", "customer_name": "One", "customer_email": "one@example.com" }),
                    billing.clone(),
                    five.clone(),
                ),
                intent: Some(intent.clone()),
                customer: Some(customer.clone()),
                expected: (Some("One"), Some("one@example.com")),
            },
            Case {
                charge: charge(
                    json!({ "customer_name": "\n", "name": " Two ", "customer_email": "  ", "email": "\ttwo@example.com\n" }),
                    billing.clone(),
                    five.clone(),
                ),
                intent: Some(intent.clone()),
                customer: Some(customer.clone()),
                expected: (Some("Two"), Some("two@example.com")),
            },
            Case {
                charge: charge(json!({}), billing.clone(), five.clone()),
                intent: Some(intent.clone()),
                customer: Some(customer.clone()),
                expected: (Some("Three"), Some("three@example.com")),
            },
            Case {
                charge: charge(none.clone(), billing.clone(), five.clone()),
                intent: Some(blank.clone()),
                customer: Some(customer.clone()),
                expected: (Some("Four"), Some("four@example.com")),
            },
            Case {
                charge: charge(blank.clone(), blank.clone(), five.clone()),
                customer: Some(customer.clone()),
                expected: (Some("Six"), Some("five@example.com")),
                ..Case::default()
            },
            Case {
                charge: charge(blank.clone(), none.clone(), json!("")),
                customer: Some(customer),
                expected: (Some("Six"), Some("six@example.com")),
                ..Case::default()
            },
            Case {
                charge: charge(json!({}), none.clone(), none),
                intent: Some(json!({})),
                customer: Some(json!({ "id": "cus_1", "deleted": true })),
                expected: (None, None),
            },
            Case::default(),
        ];
        for (number, case) in cases.iter().enumerate() {
            let found = found(case);
            assert_eq!((found.name.as_deref(), found.email.as_deref()), case.expected, "{number}");
            let last = found.looked_at.last().unwrap();
            assert_eq!(last.result == LookResult::Address, found.email.is_some(), "{number}");
            assert!(found.looked_at.is_sorted_by_key(|look| look.place), "{found:?}");
        }
    }

    #[test]
    fn an_address_is_taken_as_it_was_typed() {
        for typed in [
            "ann@example.com\r\nBcc: evil@example.com",
            "a@example.com,evil@example.com",
            "<a@example.com> <evil@example.com>",
            "a@example.com\u{0}",
            "n/a",
        ] {
            let charge = json!({
                "metadata": { "customer_email": typed, "email": "second@example.com" },
                "receipt_email": "third@example.com",
            });
            let found = found(&Case { charge, ..Case::default() });
            assert_eq!(found.email.as_deref(), Some(typed));
        }
    }

    #[test]
    fn places_that_are_not_there_or_cannot_be_read() {
        let metadata = Metadata::default();
        let look = |place, result| Look { place, result };
        let sources = Sources {
            charge: Some(&metadata),
            payment_intent: Reading::NotReadable,
            customer: Reading::NotReadable,
            ..Sources::default()
        };
        let found = sources.find();
        assert_eq!(
            found.looked_at,
            [
                look(Place::ChargeMetadata, LookResult::Nothing),
                look(Place::PaymentIntentMetadata, LookResult::NotReadable),
                look(Place::ReceiptEmail, LookResult::Nothing),
                look(Place::Customer, LookResult::NotReadable),
            ]
        );
        assert_eq!(
            found.places(LookResult::NotReadable),
            ["the PaymentIntent's metadata", "the customer's e-mail"]
        );
        assert_eq!(Sources::default().find(), FoundContact::default());
    }

    #[test]
    fn what_is_known_goes_before_what_is_found() {
        let found = FoundContact {
            name: Some("Bea".to_owned()),
            email: Some("bea@example.com".to_owned()),
            looked_at: Vec::new(),
        };
        let known = Contact { name: Some("Ann".to_owned()), email: None };
        let both = known.or(&found);
        assert_eq!(
            (both.name.as_deref(), both.email.as_deref()),
            (Some("Ann"), Some("bea@example.com"))
        );
        let known = Contact { email: Some("ann@example.com".to_owned()), name: None };
        assert_eq!(known.or(&found).email.as_deref(), Some("ann@example.com"));
    }

    #[test]
    fn the_json_is_fixed() {
        let case = Case { charge: json!({ "receipt_email": "a@example.com" }), ..Case::default() };
        assert_eq!(
            json!(found(&case)),
            json!({
                "name": null,
                "email": "a@example.com",
                "looked_at": [
                    { "place": "charge_metadata", "result": "nothing" },
                    { "place": "billing_details", "result": "nothing" },
                    { "place": "receipt_email", "result": "address" },
                ],
            })
        );
    }
}
