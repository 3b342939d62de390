//! The charges that refunds are compared with.

use std::collections::BTreeMap;

use indicatif::ProgressBar;
use refund_core::client::TakenRange;
use refund_core::money::Currency;
use refund_core::reports::{Charges, ChargesTaken, Month};

use super::range::Range;
use crate::context::Context;
use crate::exit::Exit;

type Sums = BTreeMap<(Currency, Month), Charges>;

/// Reads what was taken in a range.
pub(super) async fn taken(
    context: &Context,
    range: Range,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<ChargesTaken>> {
    bar.set_message("charges read");
    let mut sums = Sums::new();
    let mut input = TakenRange {
        created_from: range.from,
        created_to: Some(range.to),
        utc_offset_minutes: range.offset,
        max_charges: None,
        cursor: None,
    };
    loop {
        let page = context.component.charges_taken(&input).await.map_err(Exit::of_read)?;
        add(&mut sums, &page.charges)?;
        bar.inc(page.read.into());
        input.cursor = page.next;
        if input.cursor.is_none() {
            break;
        }
    }
    fill(&mut sums, range);
    let entry = |((currency, month), Charges { count, amount })| ChargesTaken {
        currency,
        month,
        count,
        amount,
    };
    Ok(sums.into_iter().map(entry).collect())
}

fn add(sums: &mut Sums, page: &[ChargesTaken]) -> anyhow::Result<()> {
    for taken in page {
        let sum = sums.entry((taken.currency, taken.month)).or_default();
        if !sum.add(taken.count, taken.amount) {
            let currency = taken.currency;
            return Err(Exit::failed(format!("charges in {currency} are more than 64 bits hold")));
        }
    }
    Ok(())
}

/// All charges of the range were read: a month without any took nothing. Left out it would count as not
/// known, and there would be no rate.
fn fill(sums: &mut Sums, range: Range) {
    let (Some(first), Some(last)) =
        (Month::of(range.from, range.offset), Month::of(range.to, range.offset))
    else {
        return;
    };
    let currencies: Vec<_> = sums.keys().map(|(currency, _)| *currency).collect();
    for currency in currencies {
        let mut month = first;
        while month <= last {
            sums.entry((currency, month)).or_default();
            month = month.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(month: &str, count: u64, amount: u64) -> ChargesTaken {
        let currency = Currency::parse("usd").unwrap();
        ChargesTaken { currency, month: Month::parse(month).unwrap(), count, amount }
    }

    #[test]
    fn pages_add_up_and_quiet_months_are_known() {
        let mut sums = Sums::new();
        add(&mut sums, &[taken("2026-11", 2, 50), taken("2026-09", 1, 9)]).unwrap();
        add(&mut sums, &[taken("2026-11", 1, 5)]).unwrap();
        // 2026-08-31T23:30:00Z to 2026-11-30T00:00:00Z, where August is over already.
        fill(&mut sums, Range { from: 1_788_219_000, to: 1_795_996_800, offset: 60 });
        let found: Vec<_> = sums
            .iter()
            .map(|((_, month), sum)| (month.to_string(), sum.count, sum.amount))
            .collect();
        let expected = [("2026-09", 1, 9), ("2026-10", 0, 0), ("2026-11", 3, 55)];
        assert_eq!(found, expected.map(|(month, count, amount)| (month.to_owned(), count, amount)));
    }

    #[test]
    fn a_sum_that_does_not_fit_is_an_error() {
        let mut sums = Sums::new();
        assert!(add(&mut sums, &[taken("2026-11", 1, u64::MAX), taken("2026-11", 1, 1)]).is_err());
    }
}
