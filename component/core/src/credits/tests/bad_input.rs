//! What is refused: each problem names its field, and all come at once.

use super::*;
use crate::dispatch::{InvokeError, invoke_pure};
use crate::problem::FieldProblem;

fn fields(problems: Vec<FieldProblem>) -> Vec<String> {
    problems.into_iter().map(|problem| problem.field).collect()
}

fn refused_sla(change: impl FnOnce(&mut SlaRequest)) -> Vec<String> {
    let mut request = sla();
    change(&mut request);
    fields(sla_quote(&request).unwrap_err())
}

fn refused_prorate(change: impl FnOnce(&mut ProrateRequest)) -> Vec<String> {
    let mut request = cancelled();
    change(&mut request);
    fields(prorate(&request).unwrap_err())
}

#[test]
fn outages() {
    type Change = fn(&mut SlaRequest);
    let table: &[(Change, &[&str])] = &[
        (|r| r.paid.currency = "dollars".into(), &["paid.currency"]),
        (|r| r.paid.amount = u64::MAX, &["paid.amount"]),
        (|r| r.period = span(5, 5), &["period.end"]),
        (|r| r.period = span(6, 5), &["period.end"]),
        (|r| r.period.end = 1_772_319_600_000, &["period.end"]),
        (|r| r.downtime = Downtime::Seconds(30 * DAY + 1), &["downtime.seconds"]),
        (
            |r| {
                r.downtime = Downtime::Seconds(DAY + 1);
                r.excluded = vec![span(DAY, 30 * DAY)];
            },
            &["downtime.seconds"],
        ),
        (
            |r| r.downtime = Downtime::Incidents(vec![span(1, 2), span(9, 8), span(7, 7)]),
            &["downtime.incidents[1].end", "downtime.incidents[2].end"],
        ),
        (
            |r| r.downtime = Downtime::Incidents(vec![span(0, u64::MAX)]),
            &["downtime.incidents[0].end"],
        ),
        (
            |r| r.downtime = Downtime::Incidents(vec![span(1, 2); MAX_SPANS + 1]),
            &["downtime.incidents"],
        ),
        (|r| r.excluded = vec![span(2, 1)], &["excluded[0].end"]),
        (|r| r.excluded = vec![span(1, 2); MAX_SPANS + 1], &["excluded"]),
        (|r| r.excluded = vec![span(0, DAY), span(DAY, 31 * DAY)], &["excluded"]),
        (|r| r.scale = Scale::Tiers(vec![]), &["scale.tiers"]),
        (
            |r| r.scale = Scale::Tiers(vec![Tier { below: 1, credit: 1 }; MAX_TIERS + 1]),
            &["scale.tiers"],
        ),
        (
            |r| r.scale = Scale::Tiers(vec![Tier { below: WHOLE, credit: 1 }; 2]),
            &["scale.tiers[1].below"],
        ),
        (
            |r| r.scale = Scale::Tiers(vec![Tier { below: WHOLE + 1, credit: WHOLE + 1 }]),
            &["scale.tiers[0].below", "scale.tiers[0].credit"],
        ),
        (|r| r.scale = Scale::Tiers(vec![Tier { below: 0, credit: 1 }]), &["scale.tiers[0].below"]),
        (
            |r| {
                let better = Tier { below: 999_000, credit: 2 };
                r.scale = Scale::Tiers(vec![better, Tier { below: 990_000, credit: 1 }]);
            },
            &["scale.tiers[1].credit"],
        ),
        (|r| r.scale = Scale::Proportional(0), &["scale.proportional"]),
        (|r| r.cap = Some(0), &["cap"]),
        (|r| r.cap = Some(WHOLE + 1), &["cap"]),
        (
            |r| {
                r.paid.currency = "€".into();
                r.period = span(9, 8);
                r.excluded = vec![span(2, 1)];
                r.downtime = Downtime::Incidents(vec![span(2, 1)]);
                r.scale = Scale::Tiers(vec![]);
                r.cap = Some(WHOLE + 1);
            },
            &[
                "paid.currency",
                "period.end",
                "excluded[0].end",
                "downtime.incidents[0].end",
                "scale.tiers",
                "cap",
            ],
        ),
    ];
    for (change, wanted) in table {
        assert_eq!(refused_sla(change), *wanted);
    }
}

#[test]
fn cancellations() {
    type Change = fn(&mut ProrateRequest);
    let table: &[(Change, &[&str])] = &[
        (|r| r.price = price(u64::MAX, "x"), &["price.amount", "price.currency"]),
        (|r| r.period = span(5, 5), &["period.end"]),
        (|r| r.period = span(31 * DAY, 30 * DAY), &["period.end"]),
        (|r| r.ends = 30 * DAY + 1, &["ends"]),
        (
            |r| {
                r.period.start = 10;
                r.ends = 9;
            },
            &["ends"],
        ),
        (|r| r.payments.clear(), &["payments"]),
        (|r| r.payments = vec![share("ch_1", 1, 0); MAX_PAYMENTS + 1], &["payments"]),
        (
            |r| r.payments = vec![share("ch_1", 1, 0), share("pi_1", 1, 0), share("ch_1", 2, 0)],
            &["payments[2].payment"],
        ),
        (|r| r.payments[0].refunded = 3_001, &["payments[0].refunded"]),
        // Their sum would overflow.
        (
            |r| r.payments = vec![share("ch_1", u64::MAX, 0), share("ch_2", u64::MAX, 0)],
            &["payments[0].paid", "payments[1].paid"],
        ),
        (
            |r| {
                // What the contract lets a caller say: an id of the other kind.
                r.payments[0].payment = PaymentRef::Charge("pi_1".to_owned().into());
                r.payments.push(PaymentShare {
                    payment: PaymentRef::PaymentIntent("ch_1".to_owned().into()),
                    paid: 1,
                    refunded: 0,
                });
            },
            &["payments[0].payment", "payments[1].payment"],
        ),
        (
            |r| {
                r.price.currency = "us".into();
                r.period = span(9, 9);
                r.ends = u64::MAX;
                r.payments = vec![share("ch_1", 1, 2), share("ch_1", 1, 0)];
            },
            &[
                "price.currency",
                "period.end",
                "ends",
                "payments[0].refunded",
                "payments[1].payment",
            ],
        ),
    ];
    for (change, wanted) in table {
        assert_eq!(refused_prorate(change), *wanted);
    }
}

fn run(operation: &str, input: &str) -> Result<String, Vec<String>> {
    invoke_pure(operation, input).map_err(|error| match error {
        InvokeError::InvalidInput(problems) => fields(problems),
        other => panic!("{other:?}"),
    })
}

#[test]
fn invoke_takes_what_the_contract_has() {
    let quote = run(
        "credits.sla-quote",
        r#"{"paid":{"amount":4900,"currency":"USD"},"period":{"start":0,"end":1000},
        "downtime":{"incidents":[{"start":0,"end":20},{"start":10,"end":30}]},
        "scale":{"tiers":[{"below":990000,"credit":500000}]},"cap":250000,"credited":25,"rounding":"half_even"}"#,
    );
    assert_eq!(
        quote.unwrap(),
        r#"{"credit":{"amount":1200,"currency":"usd"},"earned":1225,"uptime":970000,"seconds_down":30,"seconds_counted":1000,"tier":{"below":990000,"credit":500000},"capped":true,"merged":[{"start":0,"end":30}]}"#
    );
    let proration = run(
        "credits.prorate",
        r#"{"price":{"amount":3000,"currency":"usd"},"period":{"start":0,"end":30},"ends":10,
        "payments":[{"payment":"ch_1","paid":1000},{"payment":"pi_2","paid":2000,"refunded":500}],"order":"last_first"}"#,
    );
    assert_eq!(
        proration.unwrap(),
        r#"{"refund":{"amount":1500,"currency":"usd"},"shares":[{"payment":"pi_2","amount":1500}],"unused":2000,"subtracted":500,"left_over":0,"seconds_unused":20,"seconds":30}"#
    );
    let problems = run(
        "credits.prorate",
        r#"{"price":{"amount":3000,"currency":"dollar"},"period":{"start":0,"end":30},"ends":31,
        "payments":[{"payment":"re_1","paid":1000,"refunded":1001}]}"#,
    );
    assert_eq!(
        problems.unwrap_err(),
        ["price.currency", "ends", "payments[0].payment", "payments[0].refunded"]
    );
    for (operation, input, field) in [
        ("credits.sla-quote", "{}", "input"),
        ("credits.sla-quote", r#"{"scale":{"steps":[]}}"#, "scale"),
        ("credits.prorate", r#"{"ends":"2026-03-29"}"#, "ends"),
        ("credits.prorate", r#"{"payments":[{"paid":1.5}]}"#, "payments[0].paid"),
        ("credits.prorate", r#"{"colour":1}"#, "colour"),
    ] {
        assert_eq!(run(operation, input).unwrap_err(), [field], "{input}");
    }
}
