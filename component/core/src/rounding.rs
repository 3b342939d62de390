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
    /// `whole × of / all`; nothing of nothing. Exact while `whole × of` stays below 2^128.
    pub(crate) fn part(self, whole: u64, of: u128, all: u128) -> u64 {
        if all == 0 {
            return 0;
        }
        let product = u128::from(whole) * of;
        let (down, rest) = (product / all, product % all);
        let missing = all - rest;
        let up = match self {
            Self::Down => false,
            Self::HalfUp => rest >= missing,
            Self::HalfEven => rest > missing || (rest == missing && down % 2 == 1),
            Self::Up => rest > 0,
        };
        u64::try_from(down + u128::from(up)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
