//! What tests order, and what they see.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::api;
use crate::bank;
use crate::billing::{NewCreditNote, NewInvoice, NewSubscription};
use crate::control;
use crate::fault::Fault;
use crate::pipeline::lock;
use crate::seed;
use crate::world::{DisputeOrder, NewCharge, NewCustomer, Recorded, World};

/// Orders, and looks at, what is in a simulator.
pub struct Handle(pub(crate) Arc<Mutex<World>>);

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

impl Handle {
    /// Makes a charge.
    pub fn charge(&self, order: &NewCharge) -> Value {
        lock(&self.0).new_charge(order)
    }

    /// Makes a customer.
    pub fn customer(&self, order: &NewCustomer) -> Value {
        seed::customer(&mut lock(&self.0), order)
    }

    /// Opens a dispute; null when there is no such charge.
    pub fn dispute(&self, order: &DisputeOrder) -> Value {
        bank::open(&mut lock(&self.0), order).unwrap_or_default()
    }

    /// The bank decides a dispute: `won`, `lost`, `warning_closed` or `prevented`; `needs_response` makes a
    /// chargeback of an inquiry. Null when the dispute cannot become that.
    pub fn close_dispute(&self, dispute: &str, status: &str) -> Value {
        bank::decide(&mut lock(&self.0), dispute, status).unwrap_or_default()
    }

    /// Makes a subscription, or says what is wrong with the order.
    pub fn subscription(&self, order: &NewSubscription) -> Result<Value, String> {
        seed::subscription(&mut lock(&self.0), order)
    }

    /// Makes an invoice with its payments, or says what is wrong with the order.
    pub fn invoice(&self, order: &NewInvoice) -> Result<Value, String> {
        seed::invoice(&mut lock(&self.0), order)
    }

    /// Issues a credit note, or says what is wrong with the order.
    pub fn credit_note(&self, order: &NewCreditNote) -> Result<Value, String> {
        seed::issue(&mut lock(&self.0), order)
    }

    /// What is in an uploaded file.
    pub fn file_contents(&self, file: &str) -> Option<Bytes> {
        lock(&self.0).contents.get(file).cloned()
    }

    /// Refunds as a click in the Dashboard does; null when that much is not left.
    pub fn dashboard_refund(&self, charge: &str, amount: u64) -> Value {
        let order = json!({ "charge": charge, "amount": amount });
        control::dashboard_refund(&mut lock(&self.0), &order).unwrap_or_default()
    }

    /// Ends a refund late: `succeeded`, `failed` (with Stripe's word for why) or `canceled`.
    pub fn end_refund(&self, refund: &str, status: &str, why: Option<&str>) -> Value {
        api::refunds::end(&mut lock(&self.0), refund, status, why)
    }

    /// Sets what is available in a currency; refunds that waited for it go through.
    pub fn set_balance(&self, currency: &str, available: i64) {
        let mut world = lock(&self.0);
        *world.available(currency) = available;
        api::refunds::after_top_up(&mut world, currency);
    }

    /// Orders a fault.
    pub fn order_fault(&self, fault: Fault) {
        lock(&self.0).faults.order(fault);
    }

    /// Forgets the faults that were ordered and have not come yet.
    pub fn clear_faults(&self) {
        lock(&self.0).faults.clear();
    }

    /// Moves the clock on.
    pub fn advance(&self, seconds: u64) {
        api::advance(&mut lock(&self.0), seconds);
    }

    /// Moves the clock on to an instant. It never goes back.
    pub fn advance_to(&self, unix_seconds: u64) {
        let mut world = lock(&self.0);
        let seconds = unix_seconds.saturating_sub(world.now());
        if seconds > 0 {
            api::advance(&mut world, seconds);
        }
    }

    /// The clock, in Unix seconds.
    pub fn now(&self) -> u64 {
        lock(&self.0).now()
    }

    /// The refunds of a charge, oldest first: counted here, not where they were asked for.
    pub fn refunds_of(&self, charge: &str) -> Vec<Value> {
        let world = lock(&self.0);
        world.store.owned("refund", "charge", charge).into_iter().cloned().collect()
    }

    /// The objects of a kind (`charge`, `refund`, `event` and so on), oldest first, from that place on.
    pub fn objects(&self, kind: &str, from: usize) -> Vec<Value> {
        lock(&self.0).all(kind).skip(from).cloned().collect()
    }

    /// An object by id; null when there is none.
    pub fn object(&self, id: &str) -> Value {
        lock(&self.0).find_any(id).unwrap_or_default()
    }

    /// Every request seen, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.0).requests.clone()
    }

    /// Counts of refunds and requests.
    pub fn stats(&self) -> Value {
        control::stats(&lock(&self.0))
    }

    /// Signs a payload as Stripe does, now.
    pub fn sign(&self, payload: &str, secret: &str) -> String {
        let at = self.now();
        format!("t={at},v1={}", crate::sha::sign(secret, format!("{at}.{payload}").as_bytes()))
    }

    /// The newest event of a kind; null when there is none.
    pub fn newest_event(&self, kind: &str) -> Value {
        let world = lock(&self.0);
        let found = world.all("event").rev().find(|event| event["type"] == kind).cloned();
        found.unwrap_or_default()
    }
}
