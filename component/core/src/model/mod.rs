//! Stripe's objects, as far as refunds need them (reference 1 and 2).
//!
//! Decoding is lenient: unknown fields are passed over, missing ones have a default, null stands for
//! absence, an expandable field may be an id or an object, and a status unknown today is kept as text.
//! The field names are Stripe's, so the same types read an answer of Stripe's, a line of an export and
//! the input of a workflow node.

mod balance;
mod charge;
mod contact;
mod credit_note;
mod dispute;
mod dispute_case;
mod file;
mod invoice;
mod invoice_line;
mod invoice_payment;
mod lenient;
mod list;
mod payment_intent;
mod refund;
mod reported;
mod subscription;

pub use balance::{Balance, Funds};
pub use charge::{
    BalanceTransaction, CardDetails, Charge, ChargeStatus, FraudDetails, PaymentMethodDetails,
};
pub use contact::{BillingDetails, ChargeContact, Customer, IntentContact, LatestChargeContact};
pub use credit_note::{CreditNote, CreditNoteLine, CreditNoteRefund};
pub use dispute::{Dispute, EvidenceDetails};
pub use dispute_case::{DisputeCase, DisputeMethod, DisputedCard, Movement};
pub use file::UploadedFile;
pub use invoice::{Invoice, InvoiceStatus};
pub use invoice_line::{InvoiceLine, LinePeriod};
pub use invoice_payment::{InvoicePayment, InvoicePaymentStatus, PaidBy};
pub use list::Page;
pub use payment_intent::{LatestCharge, PaymentIntent};
pub use refund::{Destination, Reason, Refund, RefundStatus};
pub use reported::ReportedRefund;
pub use subscription::{Subscription, SubscriptionItem};
