//! Rounding, stated by name, in whole numbers.

use serde::{Deserialize, Serialize};

/// What becomes of a part smaller than the smallest unit of a currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Rounding {
    /// Dropped.
    Down,
    /// A half and more become one, as Stripe rounds.
    #[default]
    HalfUp,
    /// A half becomes the even neighbour.
    HalfEven,
    /// Any part becomes one.
    Up,
}

impl Rounding {
    /// `part / whole`, rounded; nothing of nothing.
    pub fn divide(self, part: u128, whole: u128) -> u128 {
        if whole == 0 {
            return 0;
        }
        let (floor, rest) = (part / whole, part % whole);
        // Not `2 * rest`, which could overflow.
        let up = match self {
            Self::Down => false,
            Self::Up => rest > 0,
            Self::HalfUp => rest >= whole - rest,
            Self::HalfEven if rest == whole - rest => floor % 2 == 1,
            Self::HalfEven => rest > whole - rest,
        };
        floor + u128::from(up)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Rounding; 4] = [Rounding::Down, Rounding::HalfUp, Rounding::HalfEven, Rounding::Up];

    #[test]
    fn halves_and_their_neighbours() {
        for (part, whole, expected) in [
            (4, 10, [0, 0, 0, 1]),
            (5, 10, [0, 1, 0, 1]),
            (6, 10, [0, 1, 1, 1]),
            (15, 10, [1, 2, 2, 2]),
            (25, 10, [2, 3, 2, 3]),
            (20, 10, [2, 2, 2, 2]),
            (1, 3, [0, 0, 0, 1]),
            (0, 7, [0, 0, 0, 0]),
            (7, 0, [0, 0, 0, 0]),
            (u128::MAX, u128::MAX, [1, 1, 1, 1]),
        ] {
            assert_eq!(
                ALL.map(|rounding| rounding.divide(part, whole)),
                expected,
                "{part}/{whole}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_off_by_one_or_more(part: u64, whole in 1_u64..) {
            let (part, whole) = (u128::from(part), u128::from(whole));
            for rounding in ALL {
                let rounded = rounding.divide(part, whole);
                prop_assert!(rounded * whole < part + whole && part < (rounded + 1) * whole);
            }
        }
    }
}
