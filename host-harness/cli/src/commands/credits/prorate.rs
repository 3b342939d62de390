//! `credits prorate`

use refund_core::billing::check_begun;
use refund_core::money::Currency;
use refund_core::problem::FieldProblem;
use serde_json::{Value, json};

use super::{compute, currency, optional, price, row, span, time, units, word};
use crate::args::{Global, Prorate};
use crate::context::Context;
use crate::exit::Exit;
use crate::{instants, show};

pub(super) async fn run(global: &Global, args: &Prorate) -> anyhow::Result<()> {
    let read = read(global, args).await?;
    let basis = match &read {
        Some(facts) => facts.clone(),
        None => given(args)?,
    };
    let mut output = compute(global, "credits.prorate", &input(args, &basis)?).await?;
    if global.json {
        if let Some(facts) = read {
            output["invoice"] = facts;
        }
        show::line(output);
        return Ok(());
    }
    if let Some(facts) = &read {
        print_facts(facts);
    }
    print_proration(&output);
    Ok(())
}

/// What was paid, as Stripe tells it; nothing where it was typed.
async fn read(global: &Global, args: &Prorate) -> anyhow::Result<Option<Value>> {
    if args.invoice.is_none() && args.subscription.is_none() {
        return Ok(None);
    }
    let stripe = Context::new(global)?;
    let request = match &args.subscription {
        Some(subscription) => newest_invoice(&stripe, subscription, args).await?,
        None => json!({ "invoice": args.invoice, "line": args.line }),
    };
    stripe.invoke("billing.invoice", request).await.map(Some)
}

/// The part of a subscription's newest invoice that bills the period.
async fn newest_invoice(
    stripe: &Context,
    subscription: &str,
    args: &Prorate,
) -> anyhow::Result<Value> {
    let input = json!({ "subscription": subscription, "item": args.item });
    let found = stripe.invoke("billing.subscription", input).await?;
    let period = serde_json::from_value(found["period"].clone())?;
    check_begun(ends(args)?, period).map_err(Exit::bad_input)?;
    if found["latest_invoice"].is_null() {
        let fix = "give the invoice of the period with --invoice";
        let problem = FieldProblem::new("subscription", subscription, "has no invoice", fix);
        return Err(Exit::bad_input(problem));
    }
    Ok(json!({
        "invoice": found["latest_invoice"], "line": found["item"], "period": found["period"],
    }))
}

/// What was typed, in the same shape.
fn given(args: &Prorate) -> anyhow::Result<Value> {
    let typed = |text: &Option<String>| text.clone().unwrap_or_default();
    let currency = currency(&typed(&args.currency))?;
    let payments = args.payment.iter().map(|text| payment(text, currency));
    Ok(json!({
        "price": price("price", &typed(&args.price), currency)?,
        "period": span("period", &typed(&args.period))?,
        "payments": payments.collect::<anyhow::Result<Vec<_>>>()?,
        "credited": 0,
    }))
}

fn ends(args: &Prorate) -> anyhow::Result<u64> {
    instants::instant("ends", &args.ends).map_err(Exit::bad_input)
}

fn input(args: &Prorate, basis: &Value) -> anyhow::Result<Value> {
    let currency = currency(basis["price"]["currency"].as_str().unwrap_or_default())?;
    let known = basis["credited"].as_u64().unwrap_or_default();
    let more = optional("credited", args.credited.as_deref(), currency)?;
    Ok(json!({
        "price": basis["price"],
        "period": basis["period"],
        "ends": ends(args)?,
        "payments": basis["payments"],
        "credited": known.saturating_add(more),
        "kept": optional("kept", args.kept.as_deref(), currency)?,
        "order": word(&args.order),
        "rounding": word(&args.rounding),
    }))
}

/// `ch_1=49.00`, or `ch_1=49.00:5.00` where a part was refunded.
fn payment(text: &str, currency: Currency) -> anyhow::Result<Value> {
    let Some((id, amounts)) = text.split_once('=') else {
        let fix = "write it like ch_1=49.00, or ch_1=49.00:5.00 where 5.00 were refunded";
        return Err(Exit::bad_input(FieldProblem::new("payment", text, "is no payment", fix)));
    };
    let (paid, refunded) = amounts.split_once(':').unwrap_or((amounts, ""));
    let refunded = Some(refunded).filter(|_| amounts.contains(':'));
    Ok(json!({
        "payment": id,
        "paid": units("payment", paid, currency)?,
        "refunded": optional("payment", refunded, currency)?,
    }))
}

fn print_facts(facts: &Value) {
    let currency = &facts["price"]["currency"];
    let money = |amount: &Value| show::money(amount, currency);
    let at = |name: &str| instants::show(facts["period"][name].as_u64().unwrap_or_default());
    let lines = facts["lines"].as_array().into_iter().flatten().map(show::text);
    let rows = [
        row("invoice", show::text(&facts["invoice"])),
        row("line", lines.collect::<Vec<_>>().join(", ")),
        row("item", show::text(&facts["item"])),
        row("period", format!("{} to {}", at("start"), at("end"))),
        row("price", money(&facts["price"]["amount"])),
        row("credited", money(&facts["credited"])),
        row("paid elsewhere", money(&facts["paid_elsewhere"])),
    ];
    show::table(["", ""], rows);
    let payments = facts["payments"].as_array().into_iter().flatten();
    show::table(
        ["payment", "paid", "refunded"],
        payments
            .map(|one| [show::text(&one["payment"]), money(&one["paid"]), money(&one["refunded"])]),
    );
}

fn print_proration(proration: &Value) {
    let currency = &proration["refund"]["currency"];
    let money = |amount: &Value| show::money(amount, currency);
    let rows = [
        row("refund", money(&proration["refund"]["amount"])),
        row("unused", money(&proration["unused"])),
        row("subtracted", money(&proration["subtracted"])),
        row("left over", money(&proration["left_over"])),
        row("time unused", time(&proration["seconds_unused"])),
        row("of", time(&proration["seconds"])),
    ];
    show::table(["", ""], rows);
    let shares = proration["shares"].as_array().into_iter().flatten();
    show::table(
        ["payment", "refund"],
        shares.map(|share| [show::text(&share["payment"]), money(&share["amount"])]),
    );
}
