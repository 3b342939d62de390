//! The rules by themselves, without a sandbox: `cargo bench --bench rules`.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use refund_core::dispatch::invoke_pure;
use refund_core::duplicates::{Direction, Options, Row, Scanner};
use refund_core::money::Currency;
use refund_core::secret::Secret;
use refund_core::webhook::{self, VerifyOptions};

const EVENT: &[u8] = include_bytes!("../../../tests/vectors/bench-event.json");
const CHARGE: &str = include_str!("../../../tests/vectors/bench-check.json");
const HEADER: &str =
    "t=1700000000,v1=62e05279f9c423c42b7aa45fe1def7f28602a54e5bc003464bf7a618ce7cc83c";

fn webhooks(criterion: &mut Criterion) {
    let secrets = [Secret::new("whsec_test".to_owned())];
    let options = VerifyOptions { tolerance: Some(300), future_tolerance: None };
    let mut group = criterion.benchmark_group("webhook of 3 kB");
    group.throughput(Throughput::Bytes(EVENT.len() as u64));
    group.bench_function("verify", |bench| {
        bench.iter(|| {
            webhook::verify(black_box(EVENT), Some(HEADER), &secrets, options, 1_700_000_000)
        });
    });
    group.bench_function("parse", |bench| bench.iter(|| webhook::parse(black_box(EVENT))));
    group.finish();
}

fn eligibility(criterion: &mut Criterion) {
    criterion.bench_function("eligibility, JSON to JSON", |bench| {
        bench.iter(|| invoke_pure("eligibility.check", black_box(CHARGE)));
    });
}

fn duplicates(criterion: &mut Criterion) {
    let ids: Vec<String> = (0..10_000).map(|n| format!("ch_3S226ce37c3656c9{n:08}")).collect();
    let currency = Currency::parse("usd").unwrap();
    let mut group = criterion.benchmark_group("duplicates");
    group.throughput(Throughput::Elements(ids.len() as u64));
    group.bench_function("see a charge", |bench| {
        bench.iter(|| {
            let mut scanner = Scanner::new(&Options::default(), Direction::OldestFirst);
            let mut groups = Vec::new();
            for (n, id) in (0..).zip(&ids) {
                let row = Row {
                    id,
                    created: 1_700_000_000 + n / 20,
                    amount: 500 + n % 500,
                    currency,
                    customer: id,
                    card: "f1",
                    payment_intent: id,
                    is_money_taken: true,
                    is_partly_refunded: false,
                    references: &[],
                };
                scanner.see(&row, &mut groups).unwrap();
            }
            groups
        });
    });
    group.finish();
}

criterion_group!(benches, webhooks, eligibility, duplicates);
criterion_main!(benches);
