use proptest::prelude::*;

use super::*;
use crate::id::{CustomerId, RefundId};
use crate::model::{Reason, RefundStatus};
use crate::money::Money;

/// 2026-11-20T00:00:00Z
const NOVEMBER: u64 = 1_795_132_800;
const DAY: u64 = 86_400;

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn money(amount: u64, code: &str) -> Money {
    Money { amount, currency: currency(code) }
}

fn row(id: &str, amount: u64, code: &str) -> Row {
    Row {
        id: RefundId::from_stripe(id),
        amount,
        currency: currency(code),
        status: Some(RefundStatus::Succeeded),
        reason: None,
        product: None,
        customer: None,
        created: NOVEMBER,
        fee_lost: None,
        approval: None,
    }
}

fn of(customer: &str, row: Row) -> Row {
    Row { customer: Some(CustomerId::from_stripe(customer)), ..row }
}

fn charges(code: &str, month: &str, count: u64, amount: u64) -> ChargesTaken {
    ChargesTaken { currency: currency(code), month: Month::parse(month).unwrap(), count, amount }
}

fn fields(problems: &[FieldProblem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.field.as_str()).collect()
}

#[test]
fn nothing_gives_an_empty_report() {
    let summary = summarize(&[], &Options::default()).unwrap();
    assert_eq!((summary.rows, summary.first_created, summary.totals.len()), (0, None, 0));
    assert_eq!(summary.approvals.times, None);
}

#[test]
fn currencies_are_never_added() {
    let rows = [row("re_1", 1000, "usd"), row("re_2", 500, "jpy"), row("re_3", 1, "usd")];
    let summary = summarize(&rows, &Options::default()).unwrap();
    let totals: Vec<_> =
        summary.totals.iter().map(|total| (total.figures.count, total.figures.money())).collect();
    assert_eq!(totals, [(1, money(500, "jpy")), (2, money(1001, "usd"))]);
    assert_eq!(summary.by_reason.len(), 2);
    assert_eq!(summary.by_month.len(), 2);
}

#[test]
fn failed_and_cancelled_refunds_are_counted_by_status_alone() {
    let stands = |id, amount, status: Option<&str>| Row {
        status: status.map(RefundStatus::from),
        fee_lost: Some(money(9, "usd")),
        ..of("cus_1", row(id, amount, "usd"))
    };
    let rows = [
        stands("re_1", 1, Some("succeeded")),
        stands("re_2", 10, Some("pending")),
        stands("re_3", 100, Some("requires_action")),
        stands("re_4", 1000, Some("of_tomorrow")),
        stands("re_5", 10_000, None),
        stands("re_6", 100_000, Some("failed")),
        stands("re_7", 1_000_000, Some("canceled")),
    ];
    let summary = summarize(&rows, &Options::default()).unwrap();
    let figures = &summary.totals[0].figures;
    assert_eq!((figures.count, figures.amount), (5, 11_111));
    assert_eq!(figures.fee_lost, [money(45, "usd")]);
    for other in [&summary.by_reason[0].figures, &summary.by_product[0].figures] {
        assert_eq!(other, figures);
    }
    assert_eq!(summary.by_month[0].figures, *figures);
    assert_eq!(summary.repeat_customers.top[0].count, 5);
    let line = |line: &StatusLine| (line.status.clone(), line.amount, line.is_counted);
    let lines: Vec<_> = summary.by_status.iter().map(line).collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(lines[0], (Some(RefundStatus::Canceled), 1_000_000, false));
    assert_eq!(lines[1], (Some(RefundStatus::Failed), 100_000, false));
    assert_eq!(lines[2], (None, 10_000, true));
}

#[test]
fn lines_have_the_largest_amount_first_and_empty_texts_are_absent() {
    let about = |id, amount, reason: &str, product: &str| Row {
        reason: Some(Reason::from(reason)),
        product: Some(product.to_owned()),
        ..row(id, amount, "usd")
    };
    let rows = [
        about("re_1", 5, "duplicate", "Tea"),
        about("re_2", 7, "fraudulent", ""),
        row("re_3", 3, "usd"),
        about("re_4", 10, "", "Cup"),
    ];
    let summary = summarize(&rows, &Options::default()).unwrap();
    let reasons: Vec<_> =
        summary.by_reason.iter().map(|line| (line.reason.clone(), line.figures.amount)).collect();
    assert_eq!(reasons, [(None, 13), (Some(Reason::Fraudulent), 7), (Some(Reason::Duplicate), 5)]);
    let products: Vec<_> = summary
        .by_product
        .iter()
        .map(|line| (line.product.as_deref(), line.figures.amount))
        .collect();
    // Equal amounts, the same count: by name, and none comes before any.
    assert_eq!(products, [(None, 10), (Some("Cup"), 10), (Some("Tea"), 5)]);
}

#[test]
fn fees_keep_their_own_currency_and_unknown_ones_are_counted() {
    let fee = |id, fee| Row { fee_lost: fee, ..row(id, 100, "usd") };
    let rows = [
        fee("re_1", Some(money(30, "usd"))),
        fee("re_2", Some(money(25, "eur"))),
        fee("re_3", Some(money(12, "usd"))),
        fee("re_4", Some(money(0, "usd"))),
        fee("re_5", None),
    ];
    let figures = summarize(&rows, &Options::default()).unwrap().totals.remove(0).figures;
    assert_eq!(figures.fee_lost, [money(25, "eur"), money(42, "usd")]);
    assert_eq!(figures.fee_unknown, 1);
}

#[test]
fn months_begin_where_the_offset_says() {
    let at = |id, created| Row { created, ..row(id, 1, "usd") };
    // The last second of November in Berlin, and the first of December.
    let rows = [at("re_1", 1_796_079_599), at("re_2", 1_796_079_600)];
    let months = |utc_offset_minutes| {
        let options = Options { utc_offset_minutes, ..Options::default() };
        let months = summarize(&rows, &options).unwrap().by_month;
        months.iter().map(|line| (line.month.to_string(), line.figures.count)).collect::<Vec<_>>()
    };
    assert_eq!(months(0), [("2026-11".to_owned(), 2)]);
    assert_eq!(months(60), [("2026-11".to_owned(), 1), ("2026-12".to_owned(), 1)]);
}

#[test]
fn rates_are_there_where_charges_are_known() {
    let at = |id, created| Row { created, ..row(id, 250, "usd") };
    let rows = [at("re_1", NOVEMBER), at("re_2", NOVEMBER), at("re_3", NOVEMBER + 20 * DAY)];
    let report = |charges| {
        let options = Options { charges, ..Options::default() };
        summarize(&rows, &options).unwrap()
    };
    let rate = |by_count, by_amount| Some(Rate { by_count, by_amount });

    let none = report(vec![]);
    assert!(none.totals[0].rate.is_none() && none.by_month.iter().all(|line| line.rate.is_none()));

    let november = charges("usd", "2026-11", 40, 10_000);
    let partial = report(vec![november.clone()]);
    assert_eq!(partial.by_month[0].rate, rate(50_000, 50_000));
    assert_eq!(partial.by_month[1].rate, None);
    assert_eq!(partial.totals[0].rate, None, "the charges of December are missing");

    let december = charges("usd", "2026-12", 60, 20_000);
    let october = charges("usd", "2026-10", 50, 0);
    let problems = Options { charges: vec![october], ..Options::default() }.check_input();
    assert_eq!(fields(&problems.unwrap_err()), ["charges[0].amount"]);

    let october = charges("usd", "2026-10", 0, 0);
    let complete = report(vec![december, november, october]);
    assert_eq!(complete.totals[0].charges, Some(Charges { count: 100, amount: 30_000 }));
    assert_eq!(complete.totals[0].rate, rate(30_000, 25_000));
    let months: Vec<_> =
        complete.by_month.iter().map(|line| (line.figures.count, line.rate)).collect();
    assert_eq!(months, [(0, None), (2, rate(50_000, 50_000)), (1, rate(16_667, 12_500))]);
}

#[test]
fn a_currency_with_charges_alone_has_a_rate_of_zero() {
    let options =
        Options { charges: vec![charges("eur", "2026-11", 7, 700)], ..Options::default() };
    let summary = summarize(&[row("re_1", 5, "usd")], &options).unwrap();
    assert_eq!(summary.totals[0].figures, Figures::new(currency("eur")));
    assert_eq!(summary.totals[0].rate, Some(Rate { by_count: 0, by_amount: 0 }));
    assert_eq!(summary.totals[1].rate, None);
}

#[test]
fn repeat_customers_come_by_count_then_amount_then_id() {
    let rows = [
        of("cus_once", row("re_0", 9999, "usd")),
        of("cus_b", row("re_1", 5, "usd")),
        of("cus_b", row("re_2", 5, "usd")),
        of("cus_a", row("re_3", 5, "usd")),
        of("cus_a", row("re_4", 5, "usd")),
        of("cus_more", row("re_5", 50, "usd")),
        of("cus_more", row("re_6", 50, "usd")),
        of("cus_most", row("re_7", 1, "usd")),
        of("cus_most", row("re_8", 1, "usd")),
        of("cus_most", row("re_9", 1, "eur")),
        of("", row("re_10", 1, "usd")),
        of("", row("re_11", 1, "usd")),
    ];
    let report = |top_customers| {
        let options = Options { top_customers, ..Options::default() };
        summarize(&rows, &options).unwrap().repeat_customers
    };
    let all = report(None);
    let ids: Vec<_> = all.top.iter().map(|one| one.customer.as_str()).collect();
    assert_eq!(ids, ["cus_most", "cus_more", "cus_a", "cus_b"]);
    assert_eq!(all.top[0].amounts, [money(1, "eur"), money(2, "usd")]);
    assert_eq!((all.repeating, all.customers, all.untracked), (4, 5, 0));
    let first = report(Some(1));
    assert_eq!((first.top.len(), first.repeating), (1, 4));
}

#[test]
fn above_the_bound_customers_are_not_told_apart_and_the_report_says_so() {
    let mut summarizer = Summarizer::bounded(&Options::default(), 2, 10).unwrap();
    let ids = ["cus_a", "cus_b", "cus_c", "cus_a", "cus_c", "cus_b", "cus_b"];
    for (at, id) in ids.into_iter().enumerate() {
        summarizer.push(&[of(id, row(&format!("re_{at}"), 1, "usd"))]).unwrap();
    }
    let found = summarizer.summary().repeat_customers;
    let counts: Vec<_> = found.top.iter().map(|one| (one.customer.as_str(), one.count)).collect();
    assert_eq!(counts, [("cus_b", 3), ("cus_a", 2)]);
    assert_eq!((found.customers, found.untracked), (2, 2));
}

#[test]
fn bad_rows_are_named_all_at_once() {
    let rows = [
        row("re_1", 1, "usd"),
        row("re_1", 2, "usd"),
        row("", 1, "usd"),
        Row { created: 1_795_132_800_000, ..row("re_2", 1, "usd") },
        Row {
            approval: Some(Approval { requested: 9, decided: Some(8) }),
            ..row("re_3", 1, "usd")
        },
        row("re_4", u64::MAX, "usd"),
        row("re_5", u64::MAX, "eur"),
        Row { fee_lost: Some(money(u64::MAX, "usd")), ..row("re_6", 1, "jpy") },
        Row { fee_lost: Some(money(1, "usd")), ..row("re_7", 1, "jpy") },
    ];
    let options =
        Options { utc_offset_minutes: 841, top_customers: Some(1001), ..Options::default() };
    let wrong = summarize(&rows, &options).unwrap_err();
    assert_eq!(fields(&wrong), ["utc_offset_minutes", "top_customers", "rows[1].id"]);
    let wrong = summarize(&rows, &Options::default()).unwrap_err();
    assert_eq!(
        fields(&wrong),
        [
            "rows[1].id",
            "rows[2].id",
            "rows[3].created",
            "rows[4].approval.decided",
            "rows[5].amount",
            "rows[8].fee_lost.amount",
        ]
    );
    assert_eq!(wrong[0].value, "re_1");
    assert!(wrong[0].problem.contains("rows[0]"), "{}", wrong[0]);
}

#[test]
fn bad_charges_are_named() {
    let charges = vec![
        charges("usd", "2026-11", 1, u64::MAX),
        charges("eur", "2026-11", 1, 1),
        charges("eur", "2026-11", 1, 1),
        charges("usd", "2026-12", 1, 1),
    ];
    let options = Options { charges, ..Options::default() };
    let wrong = summarize(&[], &options).unwrap_err();
    assert_eq!(fields(&wrong), ["charges[2].month", "charges[3].amount"]);
}

#[test]
fn a_page_that_is_refused_leaves_nothing_behind() {
    let mut summarizer = Summarizer::new(&Options::default()).unwrap();
    summarizer.push(&[row("re_1", 5, "usd")]).unwrap();
    let before = summarizer.summary();
    summarizer.push(&[row("re_2", 5, "usd"), row("", 5, "usd")]).unwrap_err();
    summarizer.push(&[row("re_3", u64::MAX, "usd")]).unwrap_err();
    assert_eq!(summarizer.summary(), before);
    // The sum that was refused was not kept either.
    summarizer.push(&[row("re_4", u64::MAX - 5, "usd")]).unwrap();
    assert_eq!(summarizer.summary().totals[0].figures.amount, u64::MAX);
}

prop_compose! {
    fn any_row()(
        amount in 0_u64..100_000,
        code in prop::sample::select(vec!["usd", "eur", "jpy"]),
        status in prop::option::of(prop::sample::select(vec!["succeeded", "failed", "canceled", "pending", "odd"])),
        reason in prop::option::of(prop::sample::select(vec!["", "duplicate", "fraudulent"])),
        product in prop::option::of(prop::sample::select(vec!["", "Tea", "Cup"])),
        customer in prop::option::of(0_u8..6),
        days in 0_u64..400,
        fee in prop::option::of((0_u64..500, prop::sample::select(vec!["usd", "eur"]))),
        approval in prop::option::of((0_u64..1_000_000, prop::option::of(0_u64..100_000))),
    ) -> Row {
        Row {
            status: status.map(RefundStatus::from),
            reason: reason.map(Reason::from),
            product: product.map(str::to_owned),
            customer: customer.map(|number| CustomerId::from_stripe(format!("cus_{number}"))),
            created: NOVEMBER + days * DAY,
            fee_lost: fee.map(|(amount, code)| money(amount, code)),
            approval: approval.map(|(requested, seconds)| Approval {
                requested,
                decided: seconds.map(|seconds| requested + seconds),
            }),
            ..row("", amount, code)
        }
    }
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(any_row(), 0..60).prop_map(|mut rows| {
        for (at, row) in rows.iter_mut().enumerate() {
            row.id = RefundId::from_stripe(format!("re_{at}"));
        }
        rows
    })
}

fn some_options() -> Options {
    let taken = [
        charges("usd", "2026-11", 70, 900_000),
        charges("usd", "2027-02", 3, 1),
        charges("eur", "2027-01", 9, 77),
    ];
    Options { utc_offset_minutes: 330, charges: taken.to_vec(), top_customers: Some(3) }
}

/// The figures of one currency, put together again.
fn joined<'a>(code: Currency, groups: impl Iterator<Item = &'a Figures>) -> Figures {
    let mut sum = Figures::new(code);
    for figures in groups.filter(|figures| figures.currency == code) {
        sum.count += figures.count;
        sum.amount += figures.amount;
        sum.fee_unknown += figures.fee_unknown;
        for fee in &figures.fee_lost {
            figures::add_to(&mut sum.fee_lost, *fee);
        }
    }
    sum
}

proptest! {
    #[test]
    fn the_order_of_rows_does_not_matter(
        (rows, shuffled) in any_rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        prop_assert_eq!(summarize(&rows, &some_options()), summarize(&shuffled, &some_options()));
    }

    #[test]
    fn a_stream_gives_what_the_list_gives(rows in any_rows(), page in 1_usize..20) {
        let mut summarizer = Summarizer::new(&some_options()).unwrap();
        for page in rows.chunks(page) {
            summarizer.push(page).unwrap();
            summarizer.summary();
        }
        prop_assert_eq!(summarizer.summary(), summarize(&rows, &some_options()).unwrap());
    }

    #[test]
    fn groups_sum_to_the_totals(rows in any_rows()) {
        let summary = summarize(&rows, &some_options()).unwrap();
        prop_assert_eq!(summary.by_status.iter().map(|line| line.count).sum::<u64>(), rows.len() as u64);
        for Total { figures, .. } in &summary.totals {
            let code = figures.currency;
            prop_assert_eq!(&joined(code, summary.by_reason.iter().map(|line| &line.figures)), figures);
            prop_assert_eq!(&joined(code, summary.by_product.iter().map(|line| &line.figures)), figures);
            prop_assert_eq!(&joined(code, summary.by_month.iter().map(|line| &line.figures)), figures);
            let counted = rows.iter().filter(|row| row.currency == code && row.is_counted());
            prop_assert_eq!(counted.clone().map(|row| row.amount).sum::<u64>(), figures.amount);
            prop_assert_eq!(counted.count() as u64, figures.count);
        }
        let approvals = summary.approvals;
        let asked = rows.iter().filter(|row| row.approval.is_some()).count();
        prop_assert_eq!(approvals.decided + approvals.waiting, asked as u64);
        if let Some(times) = approvals.times {
            prop_assert!(times.median <= times.ninetieth && times.ninetieth <= times.longest);
        }
    }

    #[test]
    fn a_report_is_read_back_from_json(rows in any_rows()) {
        let summary = summarize(&rows, &some_options()).unwrap();
        let text = serde_json::to_string(&summary).unwrap();
        let back: Summary = crate::json::read(text.as_bytes()).unwrap();
        prop_assert_eq!(back, summary);
    }
}
