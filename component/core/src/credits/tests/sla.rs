//! Outages, by table.

use super::*;

fn incidents(spans: &[(u64, u64)]) -> Downtime {
    Downtime::Incidents(spans.iter().map(|(start, end)| span(*start, *end)).collect())
}

fn quoted(change: impl FnOnce(&mut SlaRequest)) -> Quote {
    let mut request = sla();
    change(&mut request);
    sla_quote(&request).unwrap()
}

#[test]
fn the_lowest_tier_above_the_uptime_holds() {
    // 30 days are 2,592,000 seconds: 2,592 of them are 0.1 %.
    for (down, uptime, credit) in [
        (0, 1_000_000, 0),
        (1, 999_999, 0),
        (2_592, 999_000, 0),
        (2_593, 998_999, 490),
        (25_920, 990_000, 490),
        (25_921, 989_999, 1_470),
        (129_600, 950_000, 1_470),
        (129_601, 949_999, 4_900),
        (2_592_000, 0, 4_900),
    ] {
        let quote = quoted(|request| request.downtime = Downtime::Seconds(down));
        assert_eq!((quote.uptime, quote.credit.amount), (uptime, credit), "{down}");
        assert_eq!(quote.tier.is_some(), credit > 0, "{down}");
        assert_eq!((quote.seconds_down, quote.seconds_counted), (down, 30 * DAY));
        let reversed = quoted(|request| {
            request.downtime = Downtime::Seconds(down);
            let Scale::Tiers(tiers) = &mut request.scale else { panic!("tiers") };
            tiers.reverse();
        });
        assert_eq!(reversed, quote, "the order of tiers does not matter");
    }
}

#[test]
fn overlap_counts_once_and_what_lies_outside_not_at_all() {
    let period = (100, 1_100);
    for (given, excluded, merged) in [
        (vec![], vec![], vec![]),
        (vec![(200, 300)], vec![], vec![(200, 300)]),
        (vec![(200, 300), (250, 350)], vec![], vec![(200, 350)]),
        (vec![(250, 350), (200, 300)], vec![], vec![(200, 350)]),
        (vec![(200, 400), (250, 300)], vec![], vec![(200, 400)]),
        (vec![(200, 300), (200, 300)], vec![], vec![(200, 300)]),
        (vec![(200, 300), (300, 400)], vec![], vec![(200, 400)]),
        (vec![(200, 300), (301, 400)], vec![], vec![(200, 300), (301, 400)]),
        (vec![(0, 150), (1_050, 9_000)], vec![], vec![(100, 150), (1_050, 1_100)]),
        (vec![(0, 100), (1_100, 1_200)], vec![], vec![]),
        (vec![(0, 9_000)], vec![], vec![(100, 1_100)]),
        (vec![(200, 300)], vec![(200, 300)], vec![]),
        (vec![(200, 300)], vec![(0, 250)], vec![(250, 300)]),
        (vec![(200, 300)], vec![(250, 900)], vec![(200, 250)]),
        (vec![(200, 300)], vec![(220, 240), (260, 280)], vec![(200, 220), (240, 260), (280, 300)]),
        (vec![(200, 300), (400, 500)], vec![(250, 450)], vec![(200, 250), (450, 500)]),
        (vec![(200, 300), (400, 500)], vec![(300, 400)], vec![(200, 300), (400, 500)]),
    ] {
        let quote = quoted(|request| {
            request.period = span(period.0, period.1);
            request.downtime = incidents(&given);
            request.excluded = excluded.iter().map(|(start, end)| span(*start, *end)).collect();
        });
        let found: Vec<_> = quote.merged.iter().map(|span| (span.start, span.end)).collect();
        assert_eq!(found, merged, "{given:?} without {excluded:?}");
        let down: u64 = merged.iter().map(|(start, end)| end - start).sum();
        assert_eq!(quote.seconds_down, down);
    }
}

#[test]
fn maintenance_makes_the_period_shorter() {
    let quote = quoted(|request| {
        request.excluded = vec![span(0, 10 * DAY), span(5 * DAY, 15 * DAY)];
        request.downtime = incidents(&[(14 * DAY, 16 * DAY)]);
        request.scale = Scale::Proportional(WHOLE);
    });
    assert_eq!((quote.seconds_down, quote.seconds_counted), (DAY, 15 * DAY));
    // 4900 / 15 = 326.67
    assert_eq!((quote.credit.amount, quote.uptime), (327, 933_333));
}

#[test]
fn proportional_credits_cap_and_earlier_credits() {
    // (seconds down of 30 days, factor, cap, credited) -> (earned, credit, capped)
    for (down, factor, cap, credited, earned, credit, capped) in [
        (3 * DAY, WHOLE, None, 0, 490, 490, false),
        (3 * DAY, 10 * WHOLE, None, 0, 4_900, 4_900, false),
        (3 * DAY + 1, 10 * WHOLE, None, 0, 4_900, 4_900, false),
        (4 * DAY, 10 * WHOLE, None, 0, 4_900, 4_900, true),
        (3 * DAY, 10 * WHOLE, Some(500_000), 0, 2_450, 2_450, true),
        (3 * DAY, WHOLE, Some(100_000), 0, 490, 490, false),
        // 0.3333 % of 4900 are 16.33: a cap is rounded down.
        (3 * DAY, WHOLE, Some(3_333), 0, 16, 16, true),
        (3 * DAY, WHOLE, None, 90, 490, 400, false),
        (3 * DAY, WHOLE, None, 490, 490, 0, false),
        (3 * DAY, WHOLE, None, u64::MAX, 490, 0, false),
        (30 * DAY, u32::MAX, None, 0, 4_900, 4_900, true),
    ] {
        let quote = quoted(|request| {
            request.downtime = Downtime::Seconds(down);
            request.scale = Scale::Proportional(factor);
            request.cap = cap;
            request.credited = credited;
        });
        let found = (quote.earned, quote.credit.amount, quote.capped);
        assert_eq!(found, (earned, credit, capped), "{down} {factor} {cap:?} {credited}");
        assert_eq!(quote.tier, None);
    }
}

#[test]
fn rounding_alone_is_not_the_cap() {
    for (credit, rounding, earned, capped) in [
        // A third of 10.00, capped at a third: 3.34 is rounded up, and the cap is rounded down.
        (333_333, Rounding::Up, 333, false),
        (333_333, Rounding::HalfUp, 333, false),
        (333_400, Rounding::Down, 333, false),
        (333_600, Rounding::HalfUp, 333, true),
        (400_000, Rounding::Down, 333, true),
    ] {
        let quote = quoted(|request| {
            request.paid = price(1_000, "usd");
            request.downtime = Downtime::Seconds(30 * DAY);
            request.scale = Scale::Tiers(vec![Tier { below: WHOLE, credit }]);
            request.cap = Some(333_333);
            request.rounding = Some(rounding);
        });
        assert_eq!((quote.earned, quote.capped), (earned, capped), "{credit} {rounding:?}");
    }
}

#[test]
fn each_currency_gives_amounts_that_stripe_takes() {
    use Rounding::{Down, HalfEven, HalfUp, Up};
    // A quarter of the period was down.
    for (amount, currency, rounding, earned, credit) in [
        (1_000, "jpy", HalfUp, 250, 250),
        (1_002, "jpy", HalfUp, 251, 251),
        (1_002, "jpy", HalfEven, 250, 250),
        (1_001, "JPY", Up, 251, 251),
        (1_003, "jpy", Down, 250, 250),
        (10_000, "kwd", HalfUp, 2_500, 2_500),
        (12_340, "kwd", HalfUp, 3_085, 3_080),
        (12_340, "bhd", Up, 3_085, 3_080),
        (12_340, "jod", Down, 3_085, 3_080),
        (12_340, "omr", HalfEven, 3_085, 3_080),
        (30, "tnd", Up, 8, 0),
        (50_000, "isk", HalfUp, 12_500, 12_500),
        (50_600, "isk", HalfUp, 12_650, 12_600),
        (300, "ugx", Up, 75, 0),
        (1_234, "zzz", Down, 308, 308),
    ] {
        let quote = quoted(|request| {
            request.paid = price(amount, currency);
            request.period = span(0, 400);
            request.downtime = Downtime::Seconds(100);
            request.scale = Scale::Proportional(WHOLE);
            request.rounding = Some(rounding);
        });
        assert_eq!((quote.earned, quote.credit.amount), (earned, credit), "{amount} {currency}");
        assert_eq!(quote.credit.currency.as_str(), currency.to_lowercase());
    }
}

/// Berlin's 29 March 2026 has 23 hours and its 25 October 25; February 2028 has 29 days. Instants know all that.
#[test]
fn daylight_saving_and_a_leap_day_are_nothing_special() {
    for (what, start, end, seconds) in [
        ("2026-03-29 in Berlin", 1_774_738_800, 1_774_821_600, 23 * 3_600),
        ("2026-10-25 in Berlin", 1_792_879_200, 1_792_969_200, 25 * 3_600),
        ("March 2026 in Berlin", 1_772_319_600, 1_774_994_400, 31 * DAY - 3_600),
        ("February 2028", 1_832_976_000, 1_835_481_600, 29 * DAY),
        ("2028-02-29", 1_835_395_200, 1_835_481_600, DAY),
        ("February 2027", 1_801_440_000, 1_803_859_200, 28 * DAY),
    ] {
        let quote = quoted(|request| {
            request.period = span(start, end);
            // The first half of it, whatever the clocks on the wall said.
            request.downtime = incidents(&[(start, start + seconds / 2)]);
            request.scale = Scale::Proportional(WHOLE);
        });
        assert_eq!((quote.seconds_counted, quote.seconds_down), (seconds, seconds / 2), "{what}");
        assert_eq!((quote.uptime, quote.credit.amount), (500_000, 2_450), "{what}");
    }
    // The hour that Berlin's clocks skipped, 02:00 to 03:00, does not exist: an outage from 01:30 to 03:30 on
    // the wall took one hour.
    let quote = quoted(|request| {
        request.period = span(1_774_738_800, 1_774_821_600);
        request.downtime = incidents(&[(1_774_744_200, 1_774_747_800)]);
    });
    assert_eq!(quote.seconds_down, 3_600);
}
