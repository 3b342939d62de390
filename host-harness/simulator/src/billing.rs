//! Orders for billing: subscriptions, invoices and credit notes that a test or a person wants to exist.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A subscription to make.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewSubscription {
    /// `cus_…`; a new customer when absent.
    pub customer: Option<String>,
    /// Lower-case code.
    pub currency: String,
    /// What is subscribed to, one or more.
    pub items: Vec<NewItem>,
    /// `active`, `trialing`, `past_due` and so on.
    pub status: String,
    /// The merchant's keys.
    pub metadata: BTreeMap<String, String>,
    /// Real money.
    pub livemode: bool,
}

impl Default for NewSubscription {
    fn default() -> Self {
        Self {
            customer: None,
            currency: "usd".to_owned(),
            items: vec![NewItem::default()],
            status: "active".to_owned(),
            metadata: BTreeMap::new(),
            livemode: false,
        }
    }
}

/// An item of a subscription. Periods are the items' own since 2025-03-31, so they may differ.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewItem {
    /// The price of one for one period, in the smallest unit.
    pub amount: u64,
    /// How many.
    pub quantity: u64,
    /// `day`, `week`, `month` or `year`.
    pub interval: String,
    /// Unix seconds; now when absent.
    pub period_start: Option<u64>,
    /// Unix seconds; one interval later when absent, a month counting 30 days and a year 365.
    pub period_end: Option<u64>,
    /// `prod_…`; a new product when absent.
    pub product: Option<String>,
}

impl Default for NewItem {
    fn default() -> Self {
        Self {
            amount: 2000,
            quantity: 1,
            interval: "month".to_owned(),
            period_start: None,
            period_end: None,
            product: None,
        }
    }
}

/// An invoice to make, with the payments that were made for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewInvoice {
    /// `sub_…`: the invoice bills this subscription.
    pub subscription: Option<String>,
    /// `cus_…`; the subscription's, or a new customer, when absent.
    pub customer: Option<String>,
    /// Lower-case code; the subscription's when there is one.
    pub currency: String,
    /// What is billed; one line for every item of the subscription when absent.
    pub lines: Vec<NewLine>,
    /// Who paid how much; one payment of everything when absent, none when empty.
    pub payments: Option<Vec<NewPayment>>,
    /// `draft`, `void` or `uncollectible`; `paid` or `open` by what was paid when absent.
    pub status: Option<String>,
    /// How many seconds ago it was made.
    pub age: u64,
    /// The merchant's keys.
    pub metadata: BTreeMap<String, String>,
    /// Real money; the subscription's mode when there is one.
    pub livemode: bool,
}

impl Default for NewInvoice {
    fn default() -> Self {
        Self {
            subscription: None,
            customer: None,
            currency: "usd".to_owned(),
            lines: Vec::new(),
            payments: None,
            status: None,
            age: 0,
            metadata: BTreeMap::new(),
            livemode: false,
        }
    }
}

/// A line of an invoice. Its share of the total is `amount` - `discount` + `tax`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewLine {
    /// In the smallest unit, before discount and tax; negative for a credit.
    pub amount: i64,
    /// Taken off.
    pub discount: i64,
    /// Tax on top.
    pub tax: i64,
    /// How many.
    pub quantity: u64,
    /// Unix seconds; when the invoice was made when absent.
    pub period_start: Option<u64>,
    /// Unix seconds; the start when absent.
    pub period_end: Option<u64>,
    /// `si_…`, an item of the invoice's subscription.
    pub subscription_item: Option<String>,
    /// Whether it settles a change in the middle of a period.
    pub proration: bool,
    /// What the customer reads.
    pub description: Option<String>,
}

impl Default for NewLine {
    fn default() -> Self {
        Self {
            amount: 2000,
            discount: 0,
            tax: 0,
            quantity: 1,
            period_start: None,
            period_end: None,
            subscription_item: None,
            proration: false,
            description: None,
        }
    }
}

/// A payment for an invoice: a charge of its own, unless one is named.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewPayment {
    /// In the smallest unit; what is still owed when absent, or what the named charge took.
    pub amount: Option<u64>,
    /// `paid`, `open` or `canceled`.
    pub status: String,
    /// `ch_…`: a charge that exists.
    pub charge: Option<String>,
    /// `card`, `us_bank_account`, `sepa_debit` and so on.
    pub method: String,
    /// Whether a `PaymentIntent` is made with the charge; without one the payment names the charge.
    pub payment_intent: bool,
}

impl Default for NewPayment {
    fn default() -> Self {
        Self {
            amount: None,
            status: "paid".to_owned(),
            charge: None,
            method: "card".to_owned(),
            payment_intent: true,
        }
    }
}

/// A credit note to issue on a paid invoice, to the customer's balance.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCreditNote {
    /// `in_…`
    pub invoice: String,
    /// In the smallest unit.
    pub amount: u64,
}
