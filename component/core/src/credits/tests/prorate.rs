//! Cancellations, by table.

use super::*;

fn prorated(change: impl FnOnce(&mut ProrateRequest)) -> Proration {
    let mut request = cancelled();
    change(&mut request);
    prorate(&request).unwrap()
}

#[test]
fn the_unused_part_to_the_second() {
    for (ends, unused) in [
        (0, 3_000),
        (10 * DAY, 2_000),
        (15 * DAY, 1_500),
        // 3000 x 1 / 2592000 is 0.001.
        (30 * DAY - 1, 0),
        // 432 seconds are half a cent.
        (30 * DAY - 431, 0),
        (30 * DAY - 432, 1),
        (30 * DAY, 0),
    ] {
        let found = prorated(|request| request.ends = ends);
        assert_eq!((found.unused, found.refund.amount, found.left_over), (unused, unused, 0));
        assert_eq!((found.seconds_unused, found.seconds), (30 * DAY - ends, 30 * DAY));
        assert_eq!(found.shares.is_empty(), unused == 0, "no share of nothing");
    }
}

#[test]
fn the_four_roundings() {
    use Rounding::{Down, HalfEven, HalfUp, Up};
    for (ends, [down, half_up, half_even, up]) in
        [(1, [7, 8, 8, 8]), (2, [5, 5, 5, 5]), (3, [2, 3, 2, 3]), (4, [0, 0, 0, 0])]
    {
        for (rounding, wanted) in [(Down, down), (HalfUp, half_up), (HalfEven, half_even), (Up, up)]
        {
            let found = prorated(|request| {
                request.price = price(10, "usd");
                request.period = span(0, 4);
                request.ends = ends;
                request.rounding = Some(rounding);
            });
            assert_eq!(found.unused, wanted, "{ends} {rounding:?}");
        }
    }
}

#[test]
fn what_was_given_before_is_subtracted() {
    // (credited, kept, refunded) -> (subtracted, refund, left over); 2000 are unused, 3000 were paid.
    for (credited, kept, refunded, subtracted, refund, left_over) in [
        (0, 0, 0, 0, 2_000, 0),
        (500, 0, 0, 500, 1_500, 0),
        (0, 500, 0, 500, 1_500, 0),
        (0, 0, 500, 500, 1_500, 0),
        (500, 500, 500, 1_500, 500, 0),
        (2_000, 0, 0, 2_000, 0, 0),
        (9_000, 9_000, 3_000, 2_000, 0, 0),
        (u64::MAX, u64::MAX, 3_000, 2_000, 0, 0),
    ] {
        let found = prorated(|request| {
            request.credited = credited;
            request.kept = kept;
            request.payments[0].refunded = refunded;
        });
        assert_eq!(
            (found.subtracted, found.refund.amount, found.left_over),
            (subtracted, refund, left_over),
            "{credited} {kept} {refunded}"
        );
    }
    // Paid in part by something else: the charge cannot give more than it took.
    let found = prorated(|request| request.payments = vec![share("ch_1", 1_200, 100)]);
    assert_eq!((found.subtracted, found.refund.amount, found.left_over), (100, 1_100, 800));
}

#[test]
fn several_payments() {
    let three = [share("ch_1", 1_000, 0), share("pi_2", 1_000, 0), share("py_3", 1_000, 0)];
    let uneven = [share("ch_1", 2_500, 2_400), share("pi_2", 500, 0), share("py_3", 1, 1)];
    for (payments, order, wanted) in [
        (&three, None, vec![("ch_1", 667), ("pi_2", 667), ("py_3", 666)]),
        (&three, Some(Order::Proportional), vec![("ch_1", 667), ("pi_2", 667), ("py_3", 666)]),
        (&three, Some(Order::FirstFirst), vec![("ch_1", 1_000), ("pi_2", 1_000)]),
        (&three, Some(Order::LastFirst), vec![("pi_2", 1_000), ("py_3", 1_000)]),
        (&uneven, Some(Order::Proportional), vec![("ch_1", 100), ("pi_2", 500)]),
    ] {
        let found = prorated(|request| {
            request.payments = payments.to_vec();
            request.order = order;
            // What was refunded before must not change the sum here.
            request.price.amount += 3 * payments.iter().map(|one| one.refunded).sum::<u64>() / 2;
        });
        assert_eq!(amounts(&found), wanted, "{order:?}");
    }
    let first = prorated(|request| {
        request.payments = vec![share("ch_1", 600, 0), share("ch_2", 2_400, 0)];
        request.order = Some(Order::FirstFirst);
    });
    assert_eq!(amounts(&first), [("ch_1", 600), ("ch_2", 1_400)]);
}

#[test]
fn each_share_is_an_amount_that_stripe_takes() {
    // Half of the period is unused.
    for (amount, currency, payments, wanted, left_over) in [
        (1_001, "jpy", vec![1_001], vec![501], 0),
        (1_001, "jpy", vec![500, 501], vec![250, 251], 0),
        (12_350, "kwd", vec![12_350], vec![6_170], 5),
        (12_350, "tnd", vec![6_170, 6_180], vec![3_080, 3_090], 5),
        // Neither payment can give more than whole steps of what it holds.
        (20_000, "bhd", vec![15, 27], vec![10, 20], 9_970),
        (50_700, "isk", vec![50_700], vec![25_300], 50),
        (50_700, "ugx", vec![25_400, 25_300], vec![12_700, 12_600], 50),
        (198, "isk", vec![198], vec![], 99),
    ] {
        let found = prorated(|request| {
            request.price = price(amount, currency);
            request.ends = 15 * DAY;
            let ids = ["ch_1", "ch_2"];
            request.payments =
                ids.iter().zip(&payments).map(|(id, paid)| share(id, *paid, 0)).collect();
        });
        let found_amounts: Vec<_> = found.shares.iter().map(|share| share.amount).collect();
        let step = found.refund.currency.step();
        assert!(found_amounts.iter().all(|amount| amount.is_multiple_of(step)));
        assert_eq!((found_amounts, found.left_over), (wanted, left_over), "{amount} {currency}");
    }
}

#[test]
fn daylight_saving_and_a_leap_day_are_nothing_special() {
    for (what, start, ends, end, price_paid, refund) in [
        // March 2026 in Berlin has 743 hours; 60 are left on the 29th at noon, 10:00 UTC.
        ("Berlin", 1_772_319_600, 1_774_778_400, 1_774_994_400, 74_300, 6_000),
        ("leap day", 1_832_976_000, 1_835_395_200, 1_835_481_600, 2_900, 100),
        ("no leap day", 1_801_440_000, 1_803_772_800, 1_803_859_200, 2_800, 100),
    ] {
        let found = prorated(|request| {
            request.price = price(price_paid, "eur");
            request.period = span(start, end);
            request.ends = ends;
            request.payments = vec![share("ch_1", price_paid, 0)];
        });
        assert_eq!(found.refund.amount, refund, "{what}");
    }
}
