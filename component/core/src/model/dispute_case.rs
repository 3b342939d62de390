//! A dispute with everything that answering it needs (reference 2.5).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::lenient::{id, null_default};
use super::{Dispute, EvidenceDetails};
use crate::id::{ChargeId, DisputeId, PaymentIntentId};
use crate::json::Tree;
use crate::metadata::Metadata;
use crate::money::{Currency, Money};

/// A dispute in full. Apart from [`Dispute`], because evidence is long, and about people: lists, facts and
/// events have no use for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DisputeCase {
    /// `dp_…` or `du_…`.
    pub id: DisputeId,
    /// What is disputed, in the smallest unit of `currency`.
    pub amount: u64,
    /// Its currency.
    pub currency: Currency,
    /// The disputed charge.
    #[serde(default, deserialize_with = "id")]
    pub charge: Option<ChargeId>,
    /// Its PaymentIntent.
    #[serde(default, deserialize_with = "id")]
    pub payment_intent: Option<PaymentIntentId>,
    /// In Stripe's word, such as `needs_response`.
    #[serde(default, deserialize_with = "null_default")]
    pub status: String,
    /// In Stripe's word, such as `product_not_received`.
    #[serde(default, deserialize_with = "null_default")]
    pub reason: String,
    /// Whether a refund is still possible. Missing counts as no.
    #[serde(default, deserialize_with = "null_default")]
    pub is_charge_refundable: bool,
    /// When it was opened, Unix seconds.
    #[serde(default, deserialize_with = "null_default")]
    pub created: u64,
    /// Until when evidence can be sent, and whether some was.
    #[serde(default)]
    pub evidence_details: Option<EvidenceDetails>,
    /// The network's own code for the reason, such as `10.4`.
    #[serde(default)]
    pub network_reason_code: Option<String>,
    /// How it was paid, and what kind of case the network made of it.
    #[serde(default)]
    pub payment_method_details: Option<DisputeMethod>,
    /// What it moved on the Stripe balance: nothing yet, the withdrawal, perhaps the money coming back.
    #[serde(default, deserialize_with = "null_default")]
    pub balance_transactions: Vec<Movement>,
    /// The evidence as staged or submitted, by field; file fields hold the file's id. Without
    /// `enhanced_evidence` and `appeal`, which are no texts.
    #[serde(default, deserialize_with = "texts")]
    pub evidence: BTreeMap<String, String>,
    /// The merchant's own keys.
    #[serde(default)]
    pub metadata: Metadata,
}

/// How a disputed payment was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DisputeMethod {
    /// `card`, `klarna`, `paypal` and so on.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// For cards.
    #[serde(default)]
    pub card: Option<DisputedCard>,
}

/// What the card network says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DisputedCard {
    /// `inquiry`, `chargeback`, `compliance`, `resolution` or `block`.
    #[serde(default)]
    pub case_type: Option<String>,
    /// `visa` and so on.
    #[serde(default)]
    pub brand: Option<String>,
    /// The network's own code for the reason.
    #[serde(default)]
    pub network_reason_code: Option<String>,
}

/// A movement on the Stripe balance, in the settlement currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Movement {
    /// `txn_…`.
    pub id: String,
    /// Before the fee; negative for a withdrawal.
    pub amount: i64,
    /// The dispute's fee.
    #[serde(default, deserialize_with = "null_default")]
    pub fee: i64,
    /// `amount` minus `fee`.
    #[serde(default, deserialize_with = "null_default")]
    pub net: i64,
    /// The settlement currency.
    pub currency: Currency,
}

impl DisputeCase {
    /// What is disputed.
    pub fn money(&self) -> Money {
        Money { amount: self.amount, currency: self.currency }
    }

    /// `inquiry`, `chargeback` and so on; only cards have one.
    pub fn case_type(&self) -> Option<&str> {
        self.payment_method_details.as_ref()?.card.as_ref()?.case_type.as_deref()
    }

    /// The network's own code, wherever Stripe put it.
    pub fn reason_code(&self) -> Option<&str> {
        let of_card =
            || self.payment_method_details.as_ref()?.card.as_ref()?.network_reason_code.as_deref();
        self.network_reason_code.as_deref().or_else(of_card)
    }

    /// The dispute without its evidence.
    pub fn summary(&self) -> Dispute {
        Dispute {
            id: self.id.clone(),
            amount: self.amount,
            currency: self.currency,
            charge: self.charge.clone(),
            payment_intent: self.payment_intent.clone(),
            status: self.status.clone(),
            reason: self.reason.clone(),
            is_charge_refundable: self.is_charge_refundable,
            created: self.created,
            evidence_details: self.evidence_details.clone(),
        }
    }
}

/// Every field that holds a text, or a file, which may come expanded.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let Tree::Object(fields) = Tree::deserialize(deserializer)? else { return Ok(BTreeMap::new()) };
    let text = |value: Tree<'_>| match value {
        Tree::Text(text) if !text.is_empty() => Some(text.into_owned()),
        Tree::Object(_) => value.get("id").and_then(Tree::as_str).map(str::to_owned),
        _ => None,
    };
    let named = |(name, value): (std::borrow::Cow<'_, str>, Tree<'_>)| {
        Some((name.into_owned(), text(value)?))
    };
    // One by one: collecting would bring a sort into the component.
    let mut texts = BTreeMap::new();
    texts.extend(fields.into_iter().filter_map(named));
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: &serde_json::Value) -> DisputeCase {
        crate::json::read(json.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_dispute_of_stripe_s_is_read_and_read_back() {
        let case = read(&json!({
            "id": "dp_1", "object": "dispute", "amount": 1000, "currency": "usd", "charge": { "id": "ch_1" },
            "status": "warning_needs_response", "reason": "general", "created": 5, "metadata": {},
            "network_reason_code": null, "is_charge_refundable": true, "payment_intent": null,
            "balance_transactions": [
                { "id": "txn_1", "amount": -1000, "fee": 1500, "net": -2500, "currency": "usd" }
            ],
            "evidence": {
                "product_description": "Socks", "receipt": "file_1", "customer_signature": { "id": "file_2" },
                "customer_name": null, "service_date": "", "enhanced_evidence": {}, "appeal": null,
            },
            "evidence_details": {
                "due_by": 1_723_679_999, "has_evidence": true, "past_due": false, "submission_count": 0,
                "enhanced_eligibility": {}, "submission_method": "not_submitted",
            },
            "payment_method_details": {
                "type": "card",
                "card": { "brand": "visa", "case_type": "inquiry", "network_reason_code": "10.4" },
            },
        }));
        assert_eq!(case.case_type(), Some("inquiry"));
        assert_eq!(case.reason_code(), Some("10.4"));
        assert_eq!(case.balance_transactions[0].net, -2500);
        let staged: Vec<_> = case.evidence.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let expected = [
            ("customer_signature", "file_2"),
            ("product_description", "Socks"),
            ("receipt", "file_1"),
        ];
        assert_eq!(staged, expected);
        assert_eq!(case.evidence_details.as_ref().unwrap().submission_count, Some(0));
        assert_eq!(case.summary().evidence_due_by(), Some(1_723_679_999));
        assert_eq!(read(&serde_json::to_value(&case).unwrap()), case);
    }

    #[test]
    fn little_is_enough() {
        let case = read(&json!({
            "id": "dp_1", "amount": 1, "currency": "usd", "status": null, "evidence": null,
            "balance_transactions": null, "evidence_details": null, "payment_method_details": null,
        }));
        assert_eq!((case.case_type(), case.reason_code(), case.evidence.len()), (None, None, 0));
    }
}
