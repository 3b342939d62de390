//! Exports `billing`.

use refund_core::billing::{InvoiceFacts, MadeShare, SubscriptionPeriod};
use refund_core::client::{self, InvoiceRequest};
use refund_core::credits::PaymentShare;
use refund_core::id::LineId;

use crate::Component;
use crate::bindings::exports::refund_node::refunds::billing as wit;
use crate::bindings::exports::refund_node::refunds::types::{CallError, Connection};
use crate::credits::{payment, read_span, span};
use crate::http::{call_error, connect};
use crate::transport::Wasi;
use crate::types::money;

impl wit::Guest for Component {
    fn read_invoice(
        to: Connection,
        request: wit::InvoiceRequest,
    ) -> Result<wit::InvoiceFacts, CallError> {
        let to = connect(to)?;
        let request = InvoiceRequest {
            invoice: request.invoice,
            line: request.line,
            period: request.period.map(read_span),
            operation_id: request.operation_id,
        };
        client::read_invoice(&mut Wasi, &to, &request).map(facts).map_err(call_error)
    }

    fn read_subscription(
        to: Connection,
        subscription: String,
        item: Option<String>,
    ) -> Result<wit::SubscriptionPeriod, CallError> {
        let to = connect(to)?;
        client::read_subscription(&mut Wasi, &to, &subscription, item.as_deref())
            .map(period)
            .map_err(call_error)
    }
}

fn facts(facts: InvoiceFacts) -> wit::InvoiceFacts {
    let share = |share: PaymentShare| wit::PaymentShare {
        payment: payment(share.payment),
        paid: share.paid,
        refunded: share.refunded,
    };
    let made = |made: MadeShare| wit::MadeShare {
        payment: payment(made.payment),
        operation_id: made.operation_id.to_string(),
        amount: made.amount,
    };
    wit::InvoiceFacts {
        invoice: facts.invoice.to_string(),
        item: facts.item.to_string(),
        lines: facts.lines.iter().map(LineId::to_string).collect(),
        price: money(facts.price),
        period: span(facts.period),
        payments: facts.payments.into_iter().map(share).collect(),
        credited: facts.credited,
        paid_elsewhere: facts.paid_elsewhere,
        made: facts.made.into_iter().map(made).collect(),
    }
}

fn period(found: SubscriptionPeriod) -> wit::SubscriptionPeriod {
    wit::SubscriptionPeriod {
        subscription: found.subscription.to_string(),
        status: found.status,
        item: found.item.map(|item| item.to_string()),
        period: span(found.period),
        latest_invoice: found.latest_invoice.map(|invoice| invoice.to_string()),
        ended_at: found.ended_at,
    }
}
