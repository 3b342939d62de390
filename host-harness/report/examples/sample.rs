//! Writes a report of made-up refunds: `cargo run -p refund-report --example sample html > report.html`.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "an example that cannot go on stops")]

use refund_core::id::{CustomerId, RefundId};
use refund_core::model::{Reason, RefundStatus};
use refund_core::money::{Currency, Money};
use refund_core::reports::{Approval, ChargesTaken, Month, Options, Row, summarize};
use refund_report::{About, Format, render};

const PRODUCTS: [&str; 14] = [
    "Pro plan, yearly",
    "Pro plan, monthly",
    "Team plan, yearly",
    "Conference ticket",
    "Espresso machine Linea Mini",
    "Grinder",
    "Ceramic cup, set of four",
    "Workshop: latte art for beginners and their friends",
    "Beans, 1 kg",
    "Gift card",
    "Filter papers",
    "Tea <sampler> & \"tin\"",
    "Scale",
    "Kettle",
];

/// Noise that is the same every time.
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Small ones are the more likely.
    fn low(&mut self, bound: u64) -> u64 {
        self.below(bound).min(self.below(bound)).min(self.below(bound))
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[usize::try_from(self.low(list.len() as u64)).unwrap()]
    }
}

fn row(number: u64, noise: &mut Noise) -> Row {
    // 2025-12-01 and the twelve months after it.
    let created = 1_764_547_200 + noise.below(360) * 86_400 + noise.below(86_400);
    let code = *noise.pick(&["usd", "eur", "jpy"]);
    let currency = Currency::parse(code).unwrap();
    let season = if created > 1_790_000_000 { 2 } else { 1 };
    let amount = (900 + noise.low(40_000)) * season;
    let reason = ["requested_by_customer", "requested_by_customer", "duplicate", "fraudulent", ""];
    let status = if noise.below(20) == 0 {
        *noise.pick(&["pending", "failed", "canceled"])
    } else {
        "succeeded"
    };
    let settled = Currency::parse(if code == "jpy" { "usd" } else { code }).unwrap();
    let fee = Money { amount: amount * 29 / 1000 + 30, currency: settled };
    let requested = created - 60 - noise.low(200_000);
    Row {
        id: RefundId::from_stripe(format!("re_{number}")),
        amount,
        currency,
        status: Some(RefundStatus::from(status)),
        reason: Some(Reason::from(*noise.pick(&reason))),
        product: Some((*noise.pick(&PRODUCTS)).to_owned()),
        customer: Some(CustomerId::from_stripe(format!(
            "cus_Q{:06}",
            noise.low(6000) * 7919 % 1_000_000
        ))),
        created,
        fee_lost: (noise.below(20) > 0).then_some(fee),
        approval: (amount > 20_000).then(|| Approval {
            requested,
            decided: (noise.below(12) > 0).then(|| requested + 40 + noise.low(70_000)),
        }),
    }
}

fn charges(noise: &mut Noise) -> Vec<ChargesTaken> {
    let mut taken = Vec::new();
    for (code, refunds) in [("usd", 80), ("eur", 33)] {
        let mut month = Month::parse("2025-12").unwrap();
        for _ in 0..12 {
            let count = refunds * (16 + noise.below(14));
            let amount = count * (11_000 + noise.below(3000));
            taken.push(ChargesTaken {
                currency: Currency::parse(code).unwrap(),
                month,
                count,
                amount,
            });
            month = month.next();
        }
    }
    taken
}

fn main() -> std::io::Result<()> {
    let format = std::env::args().nth(1).map_or(Ok(Format::Html), |name| name.parse());
    let format = format.map_err(std::io::Error::other)?;
    let mut noise = Noise(7);
    let rows: Vec<Row> = (0..1284).map(|number| row(number, &mut noise)).collect();
    let options = Options { charges: charges(&mut noise), ..Options::default() };
    let summary = summarize(&rows, &options).expect("the rows are fine");
    let about =
        About { title: "Refunds, Blue Door Coffee".to_owned(), generated: Some(1_795_737_600) };
    render(&summary, format, &about, &mut std::io::stdout().lock())
}
