//! Credit notes: what they gave, and to which line of the invoice.

use serde_json::{Value, json};

use crate::stripe::{Stripe, by_intent, half, line, note, of_line, refund, shares};

#[test]
fn credit_notes_count_once() {
    let mut stripe = Stripe::usual();
    stripe.pays("pi_a", 2000, &[refund("re_1", 400, "succeeded", &json!({}))]);
    let mut void = note("cn_3", &[("", 900)], &[]);
    void["status"] = json!("void");
    let mut recorded = note("cn_4", &[("il_1", 250)], &[]);
    recorded["refunds"] = json!([{
        "type": "payment_record_refund", "refund": null, "amount_refunded": 250,
        "payment_record_refund": { "payment_record": "prec_1", "refund_group": "x" },
    }]);
    stripe.noted(vec![
        // 400 of it are among the refunds of pi_a.
        note("cn_1", &[("il_1", 500)], &[("re_1", 400)]),
        note("cn_2", &[("", 70)], &[]),
        void,
        recorded,
        // A refund that belongs to none of the payments.
        note("cn_5", &[("", 30)], &[("re_9", 30)]),
    ]);
    let facts = stripe.facts();
    assert_eq!(facts.credited, 100 + 70 + 250 + 30);
    assert_eq!(shares(&facts)[0], ("pi_a", 2000, 400));
    assert_eq!(half(&facts).refund.amount, 1500 - 400 - 450);
    assert!(stripe.urls[1].contains("/v1/credit_notes?invoice=in_1&limit=100"));
}

/// An invoice of 25.00 and 10.00, paid by one payment, with these refunds and credit notes.
fn two_lines(refunds: &[Value], notes: Vec<Value>) -> Stripe {
    let lines = vec![line("il_1", "si_1", 2500), line("il_2", "si_2", 1000)];
    let mut stripe = Stripe::of(&lines, &[by_intent("inpay_1", "pi_a", 3500, 1)]);
    stripe.pays("pi_a", 3500, refunds);
    stripe.noted(notes);
    stripe
}

/// What counts as credited for each of the two lines.
fn credited(notes: Vec<Value>) -> [u64; 2] {
    let mut stripe = two_lines(&[], notes);
    ["si_1", "si_2"].map(|item| stripe.read(&of_line(item)).unwrap().credited)
}

#[test]
fn a_credit_note_over_several_lines_counts_for_each_by_its_lines() {
    let mut stripe = two_lines(&[], vec![note("cn_1", &[("il_1", 500), ("il_2", 300)], &[])]);
    let quotes = ["si_1", "si_2"].map(|item| {
        let facts = stripe.read(&of_line(item)).unwrap();
        (facts.credited, half(&facts).refund.amount)
    });
    assert_eq!(quotes, [(500, 750), (300, 200)]);
    // Several lines of the note may credit one line of the invoice, and several notes one another's.
    let several = vec![
        note("cn_1", &[("il_1", 100), ("il_2", 20), ("il_1", 50)], &[]),
        note("cn_2", &[("il_2", 7), ("il_1", 3)], &[]),
    ];
    assert_eq!(credited(several), [153, 27]);
}

#[test]
fn a_line_of_a_credit_note_is_less_its_discounts_and_with_its_taxes() {
    let mut taxed = note("cn_1", &[("il_1", 500), ("il_2", 300)], &[]);
    let lines = &mut taxed["lines"]["data"];
    lines[0]["taxes"] = json!([
        { "amount": 95, "tax_behavior": "exclusive" }, { "amount": 40, "tax_behavior": "inclusive" },
    ]);
    lines[1]["discount_amounts"] = json!([{ "amount": 60, "discount": "di_1" }]);
    lines[1]["pretax_credit_amounts"] = json!([
        { "amount": 60, "type": "discount", "discount": "di_1" },
        { "amount": 40, "type": "credit_balance_transaction" },
    ]);
    taxed["amount"] = json!(500 + 95 + 300 - 60 - 40);
    assert_eq!(credited(vec![taxed]), [595, 200]);
}

#[test]
fn what_no_line_of_a_credit_note_names_counts_for_whatever_is_asked_about() {
    // A line of its own.
    assert_eq!(credited(vec![note("cn_1", &[("il_1", 500), ("", 200)], &[])]), [700, 200]);
    // Shipping is no period.
    let mut shipped = note("cn_1", &[("il_1", 500), ("il_2", 300)], &[]);
    shipped["shipping_cost"] =
        json!({ "amount_subtotal": 80, "amount_tax": 20, "amount_total": 100 });
    shipped["amount"] = json!(900);
    assert_eq!(credited(vec![shipped.clone()]), [500, 300]);
    shipped["lines"]["data"] = json!([]);
    shipped["amount"] = json!(100);
    assert_eq!(credited(vec![shipped]), [0, 0]);
    // A tax that was rounded over the whole note.
    let mut rounded = note("cn_1", &[("il_1", 500), ("il_2", 300)], &[]);
    rounded["amount"] = json!(801);
    assert_eq!(credited(vec![rounded.clone()]), [501, 301]);
    // Lines of more than the note grants.
    rounded["amount"] = json!(790);
    assert_eq!(credited(vec![rounded.clone()]), [500, 300]);
    rounded["amount"] = json!(400);
    assert_eq!(credited(vec![rounded.clone()]), [400, 300]);
    // What is for other lines alone is for none of this one, however it adds up.
    rounded["lines"]["data"][0]["invoice_line_item"] = json!("il_2");
    rounded["amount"] = json!(805);
    assert_eq!(credited(vec![rounded.clone()]), [0, 805]);
    // No lines, or none with an amount: Stripe does not say.
    rounded["lines"] = Value::Null;
    assert_eq!(credited(vec![rounded]), [805, 805]);
    let mut bare = note("cn_1", &[("il_1", 500), ("il_2", 300)], &[]);
    bare["lines"]["data"][0].as_object_mut().unwrap().remove("amount");
    assert_eq!(credited(vec![bare]), [800, 800]);
    let mut none = note("cn_1", &[("", 800)], &[]);
    none["lines"]["data"] = json!([]);
    assert_eq!(credited(vec![none]), [800, 800]);
}

#[test]
fn the_lines_of_a_long_credit_note_are_read_by_themselves() {
    let all: Vec<_> = (0..120).map(|_| ("il_2", 5)).chain([("il_1", 200)]).collect();
    let mut long = note("cn_1", &all, &[]);
    let lines = long["lines"]["data"].as_array().unwrap().clone();
    long["lines"] = json!({ "data": lines[..10], "has_more": true });
    let mut void = long.clone();
    (void["id"], void["status"]) = (json!("cn_2"), json!("void"));
    let mut stripe = two_lines(&[], vec![long.clone(), void]);
    stripe.lists.insert("/v1/credit_notes/cn_1/lines".into(), lines);
    let found = ["si_1", "si_2"].map(|item| stripe.read(&of_line(item)).unwrap().credited);
    assert_eq!(found, [200, 600]);
    let paths = stripe.paths();
    let read = paths.iter().filter(|path| **path == "/v1/credit_notes/cn_1/lines").count();
    // Two pages for each of the two reads; those of the void note are of no interest.
    assert_eq!((read, paths.iter().any(|path| path.contains("cn_2"))), (4, false), "{paths:?}");
    // Where Stripe does not list them, the note counts in full.
    stripe.lists.remove("/v1/credit_notes/cn_1/lines");
    assert_eq!(stripe.read(&of_line("si_1")).unwrap().credited, 800);
}

#[test]
fn a_credit_note_for_other_lines_does_not_count() {
    let lines = vec![line("il_1", "si_1", 3000), line("il_2", "si_2", 1000)];
    let mut stripe = Stripe::of(&lines, &[by_intent("inpay_1", "pi_a", 4000, 1)]);
    stripe.pays("pi_a", 4000, &[refund("re_1", 600, "succeeded", &json!({}))]);
    let other = note("cn_1", &[("il_2", 1000)], &[("re_1", 600)]);
    for (notes, credited, share) in [
        (vec![other.clone()], 0, (3400, 0)),
        // The rest of a refund of which a note for another line links a part may have been for this one.
        (vec![note("cn_1", &[("il_2", 200)], &[("re_1", 200)])], 0, (3800, 400)),
        (
            vec![
                note("cn_1", &[("il_2", 200)], &[("re_1", 200)]),
                note("cn_2", &[("il_1", 400)], &[("re_1", 400)]),
            ],
            0,
            (3800, 400),
        ),
        // Where two notes claim the same part, it counts for this line.
        (vec![other, note("cn_2", &[("il_1", 100)], &[("re_1", 50)])], 50, (3450, 50)),
    ] {
        stripe.noted(notes);
        let facts = stripe.read(&of_line("si_1")).unwrap();
        assert_eq!((facts.credited, shares(&facts)), (credited, vec![("pi_a", share.0, share.1)]));
    }
}

#[test]
fn the_refunds_of_a_credit_note_are_split_like_its_lines() {
    let mark = |item: &str| json!({ "refund_node_period": format!("in_1/{item}") });
    let succeeded = |id: &str, amount| refund(id, amount, "succeeded", &json!({}));
    let lines = [("il_1", 500), ("il_2", 300)];
    // (refunds, notes, for each line: credited, paid, refunded)
    for (refunds, notes, expected) in [
        // All of it was refunded.
        (
            vec![succeeded("re_1", 800)],
            vec![note("cn_1", &lines, &[("re_1", 800)])],
            [(0, 3200, 500), (0, 3000, 300)],
        ),
        // In part: the rest went to the customer's balance, or was given without Stripe.
        (
            vec![succeeded("re_1", 400)],
            vec![note("cn_1", &lines, &[("re_1", 400)])],
            [(250, 3350, 250), (150, 3250, 150)],
        ),
        // By two refunds: 4.00 and 1.00 of which five eighths are 2.50 and 0.625.
        (
            vec![succeeded("re_1", 400), succeeded("re_2", 100)],
            vec![note("cn_1", &lines, &[("re_1", 400), ("re_2", 100)])],
            [(187, 3313, 313), (112, 3188, 188)],
        ),
        // A refund that the note does not link is for whatever is asked about.
        (
            vec![succeeded("re_1", 800), succeeded("re_2", 60)],
            vec![note("cn_1", &lines, &[("re_1", 800)])],
            [(0, 3200, 560), (0, 3000, 360)],
        ),
        // One that failed came back, and is no credit either.
        (
            vec![refund("re_1", 800, "failed", &json!({}))],
            vec![note("cn_1", &lines, &[("re_1", 800)])],
            [(0, 3500, 0), (0, 3500, 0)],
        ),
        // Refunds that say themselves what they are for fill up that line first.
        (
            vec![refund("re_1", 500, "succeeded", &mark("si_1")), succeeded("re_2", 300)],
            vec![note("cn_1", &lines, &[("re_1", 500), ("re_2", 300)])],
            [(0, 3200, 500), (0, 3000, 300)],
        ),
        (
            vec![refund("re_1", 400, "succeeded", &mark("si_2"))],
            vec![note("cn_1", &[("", 400)], &[("re_1", 400)])],
            [(0, 3100, 0), (0, 3500, 400)],
        ),
        (
            vec![refund("re_1", 200, "succeeded", &mark("si_1")), succeeded("re_2", 300)],
            vec![note("cn_1", &lines, &[("re_1", 200), ("re_2", 300)])],
            [(150, 3350, 350), (150, 3150, 150)],
        ),
    ] {
        let mut stripe = two_lines(&refunds, notes.clone());
        let found = ["si_1", "si_2"].map(|item| {
            let facts = stripe.read(&of_line(item)).unwrap();
            (facts.credited, facts.payments[0].paid, facts.payments[0].refunded)
        });
        assert_eq!(found, expected, "{refunds:?} {notes:?}");
    }
}
