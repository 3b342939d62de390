//! `credits prorate`

use refund_core::billing::{InvoiceFacts, check_begun};
use refund_core::client::InvoiceRequest;
use refund_core::credits::{PaymentShare, ProrateRequest, Proration};
use refund_core::id::{InvoiceId, PaymentRef};
use refund_core::money::{Currency, Money};
use refund_core::problem::FieldProblem;
use serde::Serialize;

use super::values::{component, currency, money, optional, row, span, stretch, time, word};
use crate::args::{Global, Prorate};
use crate::context::Context;
use crate::exit::Exit;
use crate::{instants, show};

/// A proration for programs.
#[derive(Serialize)]
struct ProrationJson<'a> {
    #[serde(flatten)]
    proration: &'a Proration,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice: Option<&'a InvoiceFacts>,
}

pub(super) async fn run(global: &Global, args: &Prorate) -> anyhow::Result<()> {
    let invoice = read(global, args).await?;
    let request = request(args, invoice.as_ref())?;
    let proration = component(global)?.prorate(&request).await.map_err(Exit::of_read)?;
    if global.json {
        return show::output(&ProrationJson { proration: &proration, invoice: invoice.as_ref() });
    }
    if let Some(facts) = &invoice {
        print_facts(facts);
    }
    print_proration(&proration);
    Ok(())
}

/// What was paid, as Stripe tells it; nothing where it was typed.
async fn read(global: &Global, args: &Prorate) -> anyhow::Result<Option<InvoiceFacts>> {
    if args.invoice.is_none() && args.subscription.is_none() {
        return Ok(None);
    }
    let stripe = Context::new(global)?;
    let request = match &args.subscription {
        Some(subscription) => newest_invoice(&stripe, subscription, args).await?,
        None => InvoiceRequest {
            invoice: args.invoice.clone().unwrap_or_default(),
            line: args.line.clone(),
            ..InvoiceRequest::default()
        },
    };
    stripe.component.invoice(&request).await.map(Some).map_err(Exit::of_read)
}

/// The part of a subscription's newest invoice that bills the period.
async fn newest_invoice(
    stripe: &Context,
    subscription: &str,
    args: &Prorate,
) -> anyhow::Result<InvoiceRequest> {
    let found = stripe.component.subscription(subscription, args.item.as_deref()).await;
    let found = found.map_err(Exit::of_read)?;
    check_begun(ends(args)?, found.period).map_err(Exit::bad_input)?;
    let invoice = found.latest_invoice.as_ref().map(InvoiceId::to_string).ok_or_else(|| {
        let fix = "give the invoice of the period with --invoice";
        Exit::bad_input(FieldProblem::new("subscription", subscription, "has no invoice", fix))
    })?;
    let line = found.item.as_ref().map(ToString::to_string);
    Ok(InvoiceRequest { invoice, line, period: Some(found.period), operation_id: None })
}

fn ends(args: &Prorate) -> anyhow::Result<u64> {
    instants::instant("ends", &args.ends).map_err(Exit::bad_input)
}

/// From what was read, or else from what was typed.
fn request(args: &Prorate, invoice: Option<&InvoiceFacts>) -> anyhow::Result<ProrateRequest> {
    let typed = |text: &Option<String>| text.clone().unwrap_or_default();
    let (price, period, payments, known) = if let Some(facts) = invoice {
        (facts.price, facts.period, facts.payments.clone(), facts.credited)
    } else {
        let currency = currency(&typed(&args.currency))?;
        let price = money("price", &typed(&args.price), currency)?;
        let period = span("period", &typed(&args.period))?;
        let payments = args.payment.iter().map(|text| payment(text, currency));
        (price, period, payments.collect::<anyhow::Result<_>>()?, 0)
    };
    let more = optional("credited", args.credited.as_deref(), price.currency)?;
    Ok(ProrateRequest {
        price: price.into(),
        period,
        ends: ends(args)?,
        payments,
        credited: known.saturating_add(more),
        kept: optional("kept", args.kept.as_deref(), price.currency)?,
        order: Some(word(&args.order)?),
        rounding: Some(word(&args.rounding)?),
    })
}

/// `ch_1=49.00`, or `ch_1=49.00:5.00` where a part was refunded.
fn payment(text: &str, currency: Currency) -> anyhow::Result<PaymentShare> {
    let Some((id, amounts)) = text.split_once('=') else {
        let fix = "write it like ch_1=49.00, or ch_1=49.00:5.00 where 5.00 were refunded";
        return Err(Exit::bad_input(FieldProblem::new("payment", text, "is no payment", fix)));
    };
    let (paid, refunded) = match amounts.split_once(':') {
        Some((paid, refunded)) => (paid, Some(refunded)),
        None => (amounts, None),
    };
    Ok(PaymentShare {
        // Checked with everything else.
        payment: PaymentRef::by_prefix(id.to_owned()),
        paid: money("payment", paid, currency)?.amount,
        refunded: optional("payment", refunded, currency)?,
    })
}

fn print_facts(facts: &InvoiceFacts) {
    let money = |amount: u64| Money { amount, ..facts.price }.to_string();
    let lines: Vec<_> = facts.lines.iter().map(ToString::to_string).collect();
    let rows = [
        row("invoice", facts.invoice.to_string()),
        row("line", lines.join(", ")),
        row("item", facts.item.to_string()),
        row("period", stretch(facts.period)),
        row("price", facts.price.to_string()),
        row("credited", money(facts.credited)),
        row("paid elsewhere", money(facts.paid_elsewhere)),
    ];
    show::table(["", ""], rows);
    let payment =
        |one: &PaymentShare| [one.payment.to_string(), money(one.paid), money(one.refunded)];
    show::table(["payment", "paid", "refunded"], facts.payments.iter().map(payment));
}

fn print_proration(proration: &Proration) {
    let money = |amount: u64| Money { amount, ..proration.refund }.to_string();
    let rows = [
        row("refund", proration.refund.to_string()),
        row("unused", money(proration.unused)),
        row("subtracted", money(proration.subtracted)),
        row("left over", money(proration.left_over)),
        row("time unused", time(proration.seconds_unused)),
        row("of", time(proration.seconds)),
    ];
    show::table(["", ""], rows);
    let shares = proration.shares.iter();
    show::table(
        ["payment", "refund"],
        shares.map(|share| [share.payment.to_string(), money(share.amount)]),
    );
}
