//! One amount, taken from several payments.

use serde::{Deserialize, Serialize};

use crate::sort::sort_by;

/// From which payments to take it first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Order {
    /// From each in proportion to what it can still give. What does not divide goes to the largest
    /// remainders, of equal ones to the first in the list.
    #[default]
    Proportional,
    /// From the last in the list first.
    LastFirst,
    /// From the first in the list first.
    FirstFirst,
}

/// Takes `wanted`, or all there is when that is less. None gives more than its `room`, and the parts sum to
/// what is taken, to the unit. The sum of all room must fit into 64 bits.
pub(super) fn split(wanted: u64, room: &[u64], order: Order) -> Vec<u64> {
    let total = wanted.min(room.iter().sum());
    match order {
        Order::Proportional => proportionally(total, room),
        Order::FirstFirst => in_turn(total, room.iter()),
        Order::LastFirst => {
            let mut parts = in_turn(total, room.iter().rev());
            parts.reverse();
            parts
        }
    }
}

fn in_turn<'a>(total: u64, room: impl Iterator<Item = &'a u64>) -> Vec<u64> {
    let mut rest = total;
    room.map(|room| {
        let part = rest.min(*room);
        rest -= part;
        part
    })
    .collect()
}

/// The method of the largest remainder. A part that is rounded up has a remainder, so it was below its room.
fn proportionally(total: u64, room: &[u64]) -> Vec<u64> {
    let all: u128 = room.iter().copied().map(u128::from).sum();
    if all == 0 {
        return vec![0; room.len()];
    }
    let exact = |room: &u64| u128::from(total) * u128::from(*room);
    // Less than `all / all` times `room`: it fits.
    let down = |room: &u64| u64::try_from(exact(room) / all).unwrap_or(*room);
    let mut parts: Vec<u64> = room.iter().map(down).collect();
    let missing = total - parts.iter().sum::<u64>();
    let mut by_remainder: Vec<usize> = (0..room.len()).collect();
    // Stable: of equal remainders the first stays first.
    let remainder = |&index: &usize| exact(&room[index]) % all;
    sort_by(&mut by_remainder, |a, b| remainder(b).cmp(&remainder(a)));
    for index in by_remainder.into_iter().take(usize::try_from(missing).unwrap_or(room.len())) {
        parts[index] += 1;
    }
    parts
}
