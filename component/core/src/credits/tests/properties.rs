//! What must hold for every outage and every cancellation.

use proptest::prelude::*;

use super::*;
use crate::testing::{is_rounded, property};

const CURRENCIES: [&str; 5] = ["usd", "jpy", "kwd", "isk", "ugx"];

fn spans() -> impl Strategy<Value = Vec<Span>> {
    prop::collection::vec(
        (0_u64..300, 1_u64..60).prop_map(|(start, long)| span(start, start + long)),
        0..8,
    )
}

fn roundings() -> impl Strategy<Value = Option<Rounding>> {
    use Rounding::{Down, HalfEven, HalfUp, Up};
    prop::sample::select(vec![None, Some(Down), Some(HalfUp), Some(HalfEven), Some(Up)])
}

/// Tiers that make sense: sorted, without doubles, a lower one credits no less.
fn scales() -> impl Strategy<Value = Scale> {
    let tiers = prop::collection::btree_map(1..=WHOLE, 0..=WHOLE, 1..5).prop_map(|tiers| {
        let mut credits: Vec<_> = tiers.values().copied().collect();
        credits.sort_unstable_by(|a, b| b.cmp(a));
        let pairs = tiers.into_keys().zip(credits);
        Scale::Tiers(pairs.map(|(below, credit)| Tier { below, credit }).collect())
    });
    prop_oneof![tiers, (1..20 * WHOLE).prop_map(Scale::Proportional)]
}

prop_compose! {
    fn outages()(
        amount in 0_u64..100_000,
        currency in prop::sample::select(CURRENCIES.to_vec()),
        (start, long) in (0_u64..200, 1_u64..200),
        incidents in spans(),
        // Spans end before second 360 and every period after it, so that none is covered whole.
        excluded in spans(),
        scale in scales(),
        cap in prop::option::of(1..=WHOLE),
        credited in 0_u64..50_000,
        rounding in roundings(),
    ) -> SlaRequest {
        SlaRequest {
            paid: price(amount, currency),
            period: span(start, start.max(360) + long),
            downtime: Downtime::Incidents(incidents),
            excluded,
            scale,
            cap,
            credited,
            rounding,
        }
    }
}

prop_compose! {
    fn cancellations()(
        amount in 0_u64..100_000,
        currency in prop::sample::select(CURRENCIES.to_vec()),
        (start, long, used) in (0_u64..1_000_000, 1_u64..1_000_000, 0_u64..=1_000),
        payments in prop::collection::vec((0_u64..60_000, 0_u64..=100), 1..6),
        (credited, kept) in (0_u64..5_000, 0_u64..5_000),
        rounding in roundings(),
        order in prop::sample::select(vec![
            None, Some(Order::Proportional), Some(Order::FirstFirst), Some(Order::LastFirst),
        ]),
    ) -> ProrateRequest {
        let payment = |(at, (paid, percent)): (usize, (u64, u64))| {
            share(&format!("ch_{at}"), paid, paid * percent / 500)
        };
        ProrateRequest {
            price: price(amount, currency),
            period: span(start, start + long),
            ends: start + long * used / 1_000,
            payments: payments.into_iter().enumerate().map(payment).collect(),
            credited,
            kept,
            rounding,
            order,
        }
    }
}

fn covers(spans: &[Span], second: u64) -> bool {
    spans.iter().any(|span| span.start <= second && second < span.end)
}

fn incidents(request: &mut SlaRequest) -> &mut Vec<Span> {
    let Downtime::Incidents(spans) = &mut request.downtime else { panic!("incidents") };
    spans
}

proptest! {
    /// A plain second implementation: look at every second.
    #[test]
    fn seconds_are_those_that_counting_finds(mut request in outages()) {
        let quote = sla_quote(&request).unwrap();
        let spans = incidents(&mut request).clone();
        let counted: Vec<u64> = (request.period.start..request.period.end)
            .filter(|second| !covers(&request.excluded, *second))
            .collect();
        let down: Vec<u64> = counted.iter().copied().filter(|second| covers(&spans, *second)).collect();
        prop_assert_eq!(quote.seconds_counted, counted.len() as u64);
        prop_assert_eq!(quote.seconds_down, down.len() as u64);
        let merged: Vec<u64> = quote.merged.iter().flat_map(|span| span.start..span.end).collect();
        prop_assert_eq!(merged, down);
        prop_assert!(quote.merged.windows(2).all(|pair| pair[0].end < pair[1].start));
    }

    #[test]
    fn a_credit_is_within_what_was_paid(request in outages()) {
        let quote = sla_quote(&request).unwrap();
        let paid = u128::from(request.paid.amount);
        prop_assert!(u128::from(quote.earned) * u128::from(WHOLE) <= paid * u128::from(request.cap.unwrap_or(WHOLE)));
        let step = quote.credit.currency.step();
        let due = quote.earned.saturating_sub(request.credited);
        prop_assert!(quote.credit.amount.is_multiple_of(step));
        prop_assert!(quote.credit.amount <= due && due - quote.credit.amount < step);
    }

    #[test]
    fn more_time_down_never_credits_less(mut request in outages(), more in spans()) {
        let before = sla_quote(&request).unwrap();
        incidents(&mut request).extend(more);
        let after = sla_quote(&request).unwrap();
        prop_assert!(after.seconds_down >= before.seconds_down && after.uptime <= before.uptime);
        prop_assert!(after.earned >= before.earned && after.credit.amount >= before.credit.amount);
    }

    #[test]
    fn seconds_and_incidents_agree(mut request in outages()) {
        let by_incidents = sla_quote(&request).unwrap();
        request.downtime = Downtime::Seconds(by_incidents.seconds_down);
        let by_seconds = sla_quote(&request).unwrap();
        prop_assert_eq!(Quote { merged: vec![], ..by_incidents }, by_seconds);
    }

    #[test]
    fn the_order_of_incidents_does_not_matter(mut request in outages(), turn in 0_usize..8) {
        let before = sla_quote(&request).unwrap();
        let spans = incidents(&mut request);
        spans.reverse();
        let turn = turn.min(spans.len());
        spans.rotate_left(turn);
        request.excluded.reverse();
        prop_assert_eq!(sla_quote(&request).unwrap(), before);
    }

    #[test]
    fn splitting_an_incident_in_two_changes_nothing(
        mut request in outages(),
        (start, first, second) in (0_u64..300, 1_u64..30, 1_u64..30),
    ) {
        incidents(&mut request).push(span(start, start + first + second));
        let before = sla_quote(&request).unwrap();
        incidents(&mut request).pop();
        incidents(&mut request).push(span(start + first, start + first + second));
        incidents(&mut request).push(span(start, start + first));
        prop_assert_eq!(sla_quote(&request).unwrap(), before);
    }

    #[test]
    fn a_credit_that_was_given_is_not_given_again(mut request in outages()) {
        request.credited += sla_quote(&request).unwrap().credit.amount;
        prop_assert_eq!(sla_quote(&request).unwrap().credit.amount, 0);
    }

    #[test]
    fn parts_sum_to_the_whole(request in cancellations()) {
        let found = prorate(&request).unwrap();
        let refund = found.refund.amount;
        prop_assert_eq!(found.subtracted + refund + found.left_over, found.unused);
        prop_assert_eq!(found.shares.iter().map(|share| share.amount).sum::<u64>(), refund);
        prop_assert!(found.unused <= request.price.amount);
        let step = found.refund.currency.step();
        let mut room = 0;
        for payment in &request.payments {
            let left = payment.paid - payment.refunded;
            room += left - left % step;
            let taken = found.shares.iter().filter(|share| share.payment == payment.payment);
            let taken: Vec<_> = taken.map(|share| share.amount).collect();
            prop_assert!(taken.len() <= 1 && taken.iter().all(|amount| (1..=left).contains(amount)));
            prop_assert!(taken.iter().all(|amount| amount.is_multiple_of(step)));
        }
        // Nothing is held back that could be given.
        let due = found.unused - found.subtracted;
        prop_assert_eq!(refund, room.min(due - due % step));
    }

    #[test]
    fn a_later_end_never_refunds_more(mut request in cancellations(), later in 0_u64..100_000) {
        let before = prorate(&request).unwrap();
        request.ends = request.period.end.min(request.ends + later);
        let after = prorate(&request).unwrap();
        prop_assert!(after.unused <= before.unused && after.refund.amount <= before.refund.amount);
    }

    #[test]
    fn what_was_given_before_never_makes_it_more(mut request in cancellations(), more in 0_u64..5_000) {
        let before = prorate(&request).unwrap().refund.amount;
        request.credited += more;
        prop_assert!(prorate(&request).unwrap().refund.amount <= before);
        request.kept += more;
        prop_assert!(prorate(&request).unwrap().refund.amount <= before);
    }

    #[test]
    fn a_refund_that_was_made_is_not_made_again(mut request in cancellations()) {
        for made in prorate(&request).unwrap().shares {
            let payment = request.payments.iter_mut().find(|one| one.payment == made.payment).unwrap();
            payment.refunded += made.amount;
        }
        prop_assert_eq!(prorate(&request).unwrap().shares, []);
    }
}

/// Any number in any place gives an answer or a refusal, never an overflow. All other numbers make sense.
#[test]
fn any_numbers_give_an_answer() {
    let numbers = prop_oneof![
        any::<u64>(),
        0..MAX_INSTANT,
        0_u64..100,
        Just(u64::MAX),
        Just(MAX_INSTANT),
        Just(999_999_999_999),
    ];
    let all = (outages(), cancellations(), prop::collection::vec((0_usize..16, numbers), 1..3));
    let branches = ["a quote", "a quote refused", "a proration", "a proration refused"];
    property(&all, branches, |(mut outage, mut cancellation, changes), reached| {
        for (place, number) in changes {
            let small = u32::try_from(number % (1 << 32)).unwrap();
            match place {
                0 => outage.paid.amount = number,
                1 => outage.period.start = number,
                2 => outage.period.end = number,
                3 => {
                    outage.downtime =
                        Downtime::Incidents(vec![span(number, number.saturating_add(60))]);
                }
                4 => outage.excluded.push(span(0, number)),
                5 => outage.credited = number,
                6 => outage.cap = Some(small),
                7 => outage.scale = Scale::Proportional(small),
                8 => outage.downtime = Downtime::Seconds(number),
                9 => cancellation.price.amount = number,
                10 => cancellation.period.start = number,
                11 => cancellation.period.end = number,
                12 => cancellation.ends = number,
                13 => cancellation.payments[0].paid = number,
                14 => cancellation.credited = number,
                _ => cancellation.kept = number,
            }
        }
        let paid = outage.paid.amount;
        match sla_quote(&outage) {
            Ok(quote) => {
                reached.note("a quote");
                prop_assert!(quote.credit.amount <= quote.earned && quote.earned <= paid);
            }
            Err(problems) => {
                reached.note("a quote refused");
                prop_assert!(!problems.is_empty());
            }
        }
        match prorate(&cancellation) {
            Ok(found) => {
                reached.note("a proration");
                prop_assert!(
                    found.refund.amount <= found.unused
                        && found.unused <= cancellation.price.amount
                );
            }
            Err(problems) => {
                reached.note("a proration refused");
                prop_assert!(!problems.is_empty());
            }
        }
        Ok(())
    });
}

/// A service level computed anew: over exact fractions, compared with what was earned by the definition of the
/// rounding.
#[test]
fn what_is_earned_is_the_exact_share_rounded_once_and_capped() {
    // Amounts and shares of few digits, so that ties and caps that equal the share occur.
    let round = (0_u64..400, 1_u32..=20, -2_i32..=2).prop_map(|(paid, share, off)| {
        let cap = share.saturating_add_signed(off).clamp(1, 20);
        (Some((paid, share * 50_000)), Some(cap * 50_000))
    });
    let any = prop::option::of(1..=WHOLE).prop_map(|cap| (None, cap));
    let branches = ["a tie", "no tier", "capped", "only the rounding is above the cap"];
    property(
        &(outages(), prop_oneof![any, round]),
        branches,
        |(mut request, (plain, cap)), reached| {
            request.cap = cap;
            if let Some((paid, credit)) = plain {
                request.paid.amount = paid;
                request.scale = Scale::Tiers(vec![Tier { below: WHOLE, credit }]);
            }
            let quote = sla_quote(&request).unwrap();
            let paid = i128::from(request.paid.amount);
            let (down, counted) =
                (i128::from(quote.seconds_down), i128::from(quote.seconds_counted));
            let million = i128::from(WHOLE);
            let (part, whole) = match &request.scale {
                Scale::Tiers(tiers) => {
                    let holds = |tier: &&Tier| {
                        (counted - down) * million < i128::from(tier.below) * counted
                    };
                    let tier = tiers.iter().filter(holds).min_by_key(|tier| tier.below);
                    reached.note_if(tier.is_none(), "no tier");
                    (paid * tier.map_or(0, |tier| i128::from(tier.credit)), million)
                }
                Scale::Proportional(factor) => {
                    (paid * down * i128::from(*factor), counted * million)
                }
            };
            let cap = i128::from(request.cap.unwrap_or(WHOLE));
            let limit = paid * cap / million;
            let rounding = request.rounding.unwrap_or(Rounding::HalfUp);
            let earned = i128::from(quote.earned);
            let exceeds = part > limit * whole && !is_rounded(rounding, limit, part, whole);
            let is_above_cap = part * million > cap * paid * whole;
            reached.note_if(2 * (part % whole) == whole, "a tie");
            reached.note_if(exceeds && is_above_cap, "capped");
            reached.note_if(exceeds && !is_above_cap, "only the rounding is above the cap");
            if exceeds {
                prop_assert_eq!(earned, limit);
            } else {
                prop_assert!(is_rounded(rounding, earned, part, whole), "{}", earned);
            }
            prop_assert_eq!(quote.capped, exceeds && is_above_cap);
            Ok(())
        },
    );
}

#[test]
fn what_is_unused_is_the_exact_part_of_the_price_rounded_once() {
    let short = (0_u64..40, prop_oneof![1_u64..40, prop::sample::select(vec![2, 4, 8])]);
    property(
        &(cancellations(), prop::option::of(short)),
        ["a tie", "a fraction"],
        |(mut request, short), reached| {
            if let Some((unused, seconds)) = short {
                request.period.end = request.period.start + seconds;
                request.ends = request.period.end - unused % (seconds + 1);
            }
            let found = prorate(&request).unwrap();
            let seconds = i128::from(request.period.end - request.period.start);
            let part =
                i128::from(request.price.amount) * i128::from(request.period.end - request.ends);
            reached.note_if(2 * (part % seconds) == seconds, "a tie");
            reached.note_if(part % seconds != 0, "a fraction");
            let rounding = request.rounding.unwrap_or(Rounding::HalfUp);
            prop_assert!(
                is_rounded(rounding, found.unused.into(), part, seconds),
                "{}",
                found.unused
            );
            Ok(())
        },
    );
}

/// The method of the largest remainder, by its definition: each part is the exact one rounded up or down, and
/// no part that was rounded down has a larger remainder, or an equal one and an earlier place, than one that
/// was rounded up.
#[test]
fn proportional_shares_are_those_of_the_largest_remainder() {
    let branches = ["rounded up", "rounded down", "equal remainders"];
    property(&cancellations(), branches, |mut request, reached| {
        request.order = None;
        // Some payments alike, so that remainders are equal.
        if let [first, second, ..] = &mut request.payments[..] {
            (second.paid, second.refunded) = (first.paid, first.refunded);
        }
        let found = prorate(&request).unwrap();
        let step = found.refund.currency.step();
        let room = |one: &PaymentShare| u128::from((one.paid - one.refunded) / step);
        let all: u128 = request.payments.iter().map(room).sum();
        let total = u128::from(found.refund.amount / step);
        let mut rounded: Vec<(bool, u128)> = Vec::new();
        for payment in request.payments.iter().filter(|_| all > 0) {
            let share = found.shares.iter().find(|share| share.payment == payment.payment);
            let steps = u128::from(share.map_or(0, |share| share.amount / step));
            let (down, remainder) = (total * room(payment) / all, total * room(payment) % all);
            prop_assert!(steps == down || (steps == down + 1 && remainder > 0));
            rounded.push((steps > down, remainder));
        }
        for (at, (is_up, remainder)) in rounded.iter().enumerate() {
            reached.note_if(*is_up, "rounded up");
            reached.note_if(!is_up && *remainder > 0, "rounded down");
            for (other, (other_is_up, other_remainder)) in rounded.iter().enumerate() {
                if *is_up && !other_is_up {
                    reached.note_if(remainder == other_remainder, "equal remainders");
                    prop_assert!((remainder, other) >= (other_remainder, at), "{:?}", rounded);
                }
            }
        }
        Ok(())
    });
}
