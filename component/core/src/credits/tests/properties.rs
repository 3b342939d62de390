//! What must hold for every outage and every cancellation.

use proptest::prelude::*;

use super::*;

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
    fn a_proportional_share_is_within_one_step_of_the_exact_one(mut request in cancellations()) {
        request.order = None;
        let found = prorate(&request).unwrap();
        let step = found.refund.currency.step();
        let room = |one: &PaymentShare| u128::from((one.paid - one.refunded) / step);
        let all: u128 = request.payments.iter().map(room).sum();
        for payment in &request.payments {
            let taken = found.shares.iter().find(|share| share.payment == payment.payment);
            let steps = u128::from(taken.map_or(0, |share| share.amount / step));
            let exact = u128::from(found.refund.amount / step) * room(payment);
            prop_assert!((steps * all).abs_diff(exact) < all.max(1));
        }
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

    #[test]
    fn any_numbers_give_an_answer(
        numbers in prop::collection::vec(prop_oneof![any::<u64>(), 0..MAX_INSTANT, 0_u64..100], 9),
        (factor, cap) in (any::<u32>(), any::<Option<u32>>()),
    ) {
        let [paid, start, end, from, to, hole, hole_end, credited, ends] = numbers[..] else { panic!("nine") };
        let period = span(start, end);
        let _ = sla_quote(&SlaRequest {
            paid: price(paid, "usd"),
            period,
            downtime: Downtime::Incidents(vec![span(from, to)]),
            excluded: vec![span(hole, hole_end)],
            scale: Scale::Proportional(factor),
            cap,
            credited,
            rounding: None,
        });
        let _ = prorate(&ProrateRequest {
            price: price(paid, "usd"),
            period,
            ends,
            payments: vec![share("ch_1", from, to), share("ch_2", hole, hole_end)],
            credited,
            kept: credited,
            rounding: None,
            order: None,
        });
    }
}
