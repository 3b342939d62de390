//! The networks of `platforms/egress.json`, read from their text, as ranges of numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The file as other hosts read it; `drift.rs` compares it with this crate.
pub(super) const LIST: &str = include_str!("../../../../platforms/egress.json");

/// A network as a range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) is_v4: bool,
    pub(super) first: u128,
    pub(super) last: u128,
}

impl Block {
    fn read(text: &str) -> Self {
        let (first, bits) = text.split_once('/').unwrap();
        let bits: u32 = bits.parse().unwrap();
        let (is_v4, first, width) = match first.parse().unwrap() {
            IpAddr::V4(v4) => (true, v4.to_bits().into(), 32),
            IpAddr::V6(v6) => (false, v6.to_bits(), 128),
        };
        Self { is_v4, first, last: first + ((u128::MAX >> (128 - width)) >> bits) }
    }

    pub(super) fn has(&self, is_v4: bool, address: u128) -> bool {
        self.is_v4 == is_v4 && (self.first..=self.last).contains(&address)
    }

    /// An address of the same family as the network; `None` past the last one there is.
    pub(super) fn address(&self, number: u128) -> Option<IpAddr> {
        if self.is_v4 {
            return u32::try_from(number).ok().map(|bits| Ipv4Addr::from_bits(bits).into());
        }
        Some(Ipv6Addr::from_bits(number).into())
    }

    /// The first and last address, and the ones before and after.
    pub(super) fn edges(&self) -> impl Iterator<Item = u128> + use<> {
        let beside = [self.first.checked_sub(1), self.last.checked_add(1)];
        [self.first, self.last].into_iter().chain(beside.into_iter().flatten())
    }
}

/// The networks of one of the lists.
pub(super) fn blocks(list: &str) -> Vec<Block> {
    let (_, rest) = LIST.split_once(&format!("\"{list}\": [")).unwrap();
    let (list, _) = rest.split_once(']').unwrap();
    list.split('"').skip(1).step_by(2).map(Block::read).collect()
}
