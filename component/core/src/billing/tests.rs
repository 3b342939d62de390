//! Credit notes, computed anew over exact fractions.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::eligibility::Facts;
use crate::model::CreditNote;
use crate::testing::property;

const ITEMS: usize = 3;
/// What each item costs, and what each of the two payments paid: more than all notes can grant.
const PRICE: u64 = 2_000_000;

/// What a credit note grants for one thing.
#[derive(Clone, Debug)]
struct Grant {
    /// The item, or none for a line of the note's own.
    item: Option<usize>,
    gross: u64,
    discount: u64,
    exclusive_tax: u64,
    inclusive_tax: u64,
}

impl Grant {
    fn net(&self) -> u64 {
        self.gross - self.discount + self.exclusive_tax
    }

    fn line(&self) -> Value {
        json!({
            "id": "cnli_1", "object": "credit_note_line_item", "amount": self.gross,
            "invoice_line_item": self.item.map(|item| format!("il_{item}")),
            "discount_amounts": [{ "amount": self.discount, "discount": "di_1" }],
            "pretax_credit_amounts": [
                { "amount": self.discount, "type": "discount", "discount": "di_1" },
            ],
            "taxes": [
                { "amount": self.exclusive_tax, "tax_behavior": "exclusive" },
                { "amount": self.inclusive_tax, "tax_behavior": "inclusive" },
            ],
        })
    }
}

/// A credit note. Its refunds are parts of what it grants, in thousandths; the last part goes to the balance.
#[derive(Clone, Debug)]
struct Noted {
    grants: Vec<Grant>,
    shipping: u64,
    /// Thousandths of the note, and by which of two payments: 2 is a payment that is not one of the invoice's.
    refunds: Vec<(u64, usize)>,
}

impl Noted {
    fn amount(&self) -> u64 {
        self.grants.iter().map(Grant::net).sum::<u64>() + self.shipping
    }

    /// The amounts of its refunds.
    fn refunded(&self) -> Vec<u64> {
        let whole = self.refunds.iter().map(|part| part.0).sum::<u64>().max(1_000);
        self.refunds.iter().map(|part| self.amount() * part.0 / whole).collect()
    }

    /// What it grants for an item: for a line of the item, and for what no line names.
    fn of(&self, item: usize) -> u64 {
        let is_for = |grant: &&Grant| grant.item.is_none_or(|of| of == item);
        self.grants.iter().filter(is_for).map(Grant::net).sum()
    }
}

fn grants(names_every_line: bool) -> impl Strategy<Value = Grant> {
    let items = if names_every_line {
        (0..ITEMS).prop_map(Some).boxed()
    } else {
        prop::option::of(0..ITEMS).boxed()
    };
    (items, 0..10_000_u64, 0..=100_u64, 0..2_000_u64, 0..2_000_u64).prop_map(
        |(item, gross, percent, exclusive_tax, inclusive_tax)| Grant {
            item,
            gross,
            discount: gross * percent / 200,
            exclusive_tax,
            inclusive_tax,
        },
    )
}

fn noted(names_every_line: bool) -> impl Strategy<Value = Noted> {
    let shipping = if names_every_line { Just(0).boxed() } else { (0..3_u64).boxed() };
    let refunds = prop::collection::vec((1..700_u64, 0..3_usize), 0..4);
    (prop::collection::vec(grants(names_every_line), 1..5), shipping, refunds)
        .prop_map(|(grants, shipping, refunds)| Noted { grants, shipping: shipping * 500, refunds })
}

/// What was paid for an item, with these notes against its invoice.
fn facts(notes: &[Noted], item: usize) -> InvoiceFacts {
    let mut refunds = [Vec::new(), Vec::new()];
    let mut objects: Vec<CreditNote> = Vec::new();
    for (n, note) in notes.iter().enumerate() {
        let mut links = Vec::new();
        for (m, (amount, (_, payment))) in
            note.refunded().into_iter().zip(&note.refunds).enumerate()
        {
            let id = format!("re_{n}_{m}");
            links.push(json!({ "type": "refund", "refund": id, "amount_refunded": amount }));
            if let Some(refunds) = refunds.get_mut(*payment) {
                refunds.push(json!({
                    "id": id, "amount": amount, "currency": "usd", "status": "succeeded",
                }));
            }
        }
        let note = json!({
            "id": format!("cn_{n}"), "amount": note.amount(), "status": "issued", "refunds": links,
            "shipping_cost": { "amount_total": note.shipping },
            "lines": { "data": note.grants.iter().map(Grant::line).collect::<Vec<_>>() },
        });
        objects.push(serde_json::from_value(note).unwrap());
    }
    let line = |n: usize| {
        json!({
            "id": format!("il_{n}"), "amount": PRICE, "currency": "usd",
            "period": { "start": 0, "end": 1_000 },
            "parent": {
                "type": "subscription_item_details",
                "subscription_item_details": { "subscription_item": format!("si_{n}") },
            },
        })
    };
    let invoice: Invoice = serde_json::from_value(json!({
        "id": "in_1", "status": "paid", "currency": "usd",
        "lines": { "data": (0..ITEMS).map(line).collect::<Vec<_>>() },
    }))
    .unwrap();
    let lines = &invoice.lines.as_ref().unwrap().data;
    let named = LineRef::parse(&format!("si_{item}")).unwrap();
    let billed = Billed::find(&invoice, lines, Some(&named), None).unwrap();
    let notes = Notes::new(objects, &billed.lines);
    let mut tally = Tally::new(&invoice, billed, notes, None);
    for (n, refunds) in refunds.into_iter().enumerate() {
        let sum: u64 = refunds.iter().map(|refund| refund["amount"].as_u64().unwrap()).sum();
        let facts: Facts = serde_json::from_value(json!({
            "charge": {
                "id": format!("ch_{n}"), "amount": PRICE, "amount_captured": PRICE,
                "amount_refunded": sum, "currency": "usd", "status": "succeeded", "created": 0,
            },
            "refunds": refunds,
        }))
        .unwrap();
        let payment = PaymentRef::parse(&format!("ch_{n}")).unwrap();
        tally.add(Paid { payment, amount: PRICE }, facts).unwrap();
    }
    tally.finish().unwrap()
}

#[test]
fn a_credit_note_counts_for_each_item_by_its_lines() {
    let notes = any::<bool>().prop_flat_map(|names_every_line| {
        let notes = prop::collection::vec(noted(names_every_line), 1..4);
        (Just(names_every_line), notes)
    });
    let branches = ["several items", "refunded and credited", "by both payments", "by neither"];
    property(&notes, branches, |(names_every_line, notes), reached| {
        let found: Vec<_> = (0..ITEMS).map(|item| facts(&notes, item)).collect();
        let mut all = 0;
        for (item, facts) in found.iter().enumerate() {
            let refunded: u64 = facts.payments.iter().map(|payment| payment.refunded).sum();
            let expected: u64 = notes.iter().map(|note| note.of(item)).sum();
            // To the unit, however it was given.
            prop_assert_eq!(facts.credited + refunded, expected, "item {}", item);
            reached.note_if(facts.credited > 0 && refunded > 0, "refunded and credited");
            all += expected;
            for (n, payment) in facts.payments.iter().enumerate() {
                // Each refund is split like its note: the exact parts, as one fraction.
                let (mut of_other, mut refunded, mut links) = (0_i128, 0, 0);
                let mut whole = 1_i128;
                for note in &notes {
                    let (amount, own) = (i128::from(note.amount()), i128::from(note.of(item)));
                    let parts = note.refunded().into_iter().zip(&note.refunds);
                    let parts: Vec<_> = parts.filter(|(_, (_, of))| *of == n).collect();
                    let part: u64 = parts.iter().map(|(part, _)| part).sum();
                    if amount > 0 {
                        of_other = of_other * amount + (amount - own) * i128::from(part) * whole;
                        whole *= amount;
                        refunded += part;
                        links += i128::try_from(parts.len()).unwrap();
                    }
                }
                let taken = i128::from(PRICE - payment.paid);
                prop_assert!(
                    (taken * whole - of_other).abs() <= links * whole,
                    "{} {:?}",
                    item,
                    payment
                );
                prop_assert_eq!(PRICE - payment.paid + payment.refunded, refunded);
            }
        }
        let granted: u64 = notes.iter().map(Noted::amount).sum();
        prop_assert!(!names_every_line || all == granted, "{} of {}", all, granted);
        let items = |note: &Noted| (0..ITEMS).filter(|item| note.of(*item) > 0).count();
        reached
            .note_if(names_every_line && notes.iter().any(|note| items(note) > 1), "several items");
        let by = |payment: usize| {
            notes.iter().any(|note| note.refunds.iter().any(|(_, by)| *by == payment))
        };
        reached.note_if(by(0) && by(1), "by both payments");
        reached.note_if(by(2), "by neither");
        Ok(())
    });
}
