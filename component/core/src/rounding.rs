//! From a fraction to a whole number.

use serde::{Deserialize, Serialize};

/// What becomes of a part smaller than the smallest unit of the currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Rounding {
    /// Dropped: never more than the exact amount.
    Down,
    /// A half and more become one. Stripe does not state its rule; this is the likeliest (reference 8.1).
    #[default]
    HalfUp,
    /// A half becomes the even neighbour.
    HalfEven,
    /// Any part becomes one: never less than the exact amount.
    Up,
}

impl Rounding {
    /// Returns `whole × of / all`, rounded; 0 where `all` is 0. Exact while `whole × of` stays below 2^128.
    pub(crate) fn part(self, whole: u64, of: u128, all: u128) -> u64 {
        self.quotient(u128::from(whole) * of, all)
    }

    /// Returns `dividend / divisor`, rounded; 0 where the divisor is 0, [`u64::MAX`] where it does not fit.
    ///
    /// A sum of parts is rounded once: bring the parts over one divisor, and divide their sum.
    pub(crate) fn quotient(self, dividend: u128, divisor: u128) -> u64 {
        if divisor == 0 {
            return 0;
        }
        let (down, rest) = (dividend / divisor, dividend % divisor);
        let missing = divisor - rest;
        let up = match self {
            Self::Down => false,
            Self::HalfUp => rest >= missing,
            Self::HalfEven => rest > missing || (rest == missing && down % 2 == 1),
            Self::Up => rest > 0,
        };
        u64::try_from(down.saturating_add(u128::from(up))).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{is_rounded, property};

    #[test]
    fn a_table_of_the_four() {
        use Rounding::{Down, HalfEven, HalfUp, Up};
        for (of, all, [down, half_up, half_even, up]) in [
            (4, 2, [2, 2, 2, 2]),
            (1, 3, [0, 0, 0, 1]),
            (1, 2, [0, 1, 0, 1]),
            (3, 2, [1, 2, 2, 2]),
            (5, 2, [2, 3, 2, 3]),
            (2, 3, [0, 1, 1, 1]),
            (0, 7, [0, 0, 0, 0]),
            (7, 0, [0, 0, 0, 0]),
        ] {
            for (rounding, wanted) in
                [(Down, down), (HalfUp, half_up), (HalfEven, half_even), (Up, up)]
            {
                assert_eq!(rounding.part(1, of, all), wanted, "{of} / {all} {rounding:?}");
            }
        }
    }

    #[test]
    fn large_numbers_are_exact() {
        let all = u128::from(u64::MAX);
        assert_eq!(Rounding::Down.part(u64::MAX, all, all), u64::MAX);
        assert_eq!(Rounding::Down.part(u64::MAX, all - 1, all), u64::MAX - 1);
    }

    #[test]
    fn what_does_not_fit_is_the_largest_number() {
        assert_eq!(Rounding::Up.quotient(u128::MAX, 1), u64::MAX);
        assert_eq!(Rounding::Up.quotient(u128::from(u64::MAX) * 2 + 1, 2), u64::MAX);
        assert_eq!(Rounding::Down.quotient(u128::from(u64::MAX) * 2 + 1, 2), u64::MAX);
        assert_eq!(Rounding::Down.quotient(1, 0), 0);
    }

    #[test]
    fn every_rounding_is_what_its_definition_says() {
        use Rounding::{Down, HalfEven, HalfUp, Up};
        let small =
            (0..200_u64, 0..50_u64, prop_oneof![1..50_u64, prop::sample::select(vec![2, 4, 6])]);
        let large = (any::<u64>(), any::<u32>().prop_map(u64::from), 1..=u64::from(u32::MAX));
        let roundings = prop::sample::select(vec![Down, HalfUp, HalfEven, Up]);
        property(
            &(prop_oneof![small, large], roundings),
            ["a tie", "a fraction", "too large"],
            |((whole, of, all), rounding), reached| {
                let rounded = rounding.part(whole, of.into(), all.into());
                let product = i128::from(whole) * i128::from(of);
                let fits = product / i128::from(all) < i128::from(u64::MAX);
                reached.note_if(2 * (product % i128::from(all)) == i128::from(all), "a tie");
                reached.note_if(product % i128::from(all) != 0, "a fraction");
                reached.note_if(!fits, "too large");
                prop_assert!(
                    !fits || is_rounded(rounding, rounded.into(), product, all.into()),
                    "{}",
                    rounded
                );
                prop_assert!(fits || rounded == u64::MAX);
                Ok(())
            },
        );
    }
}
