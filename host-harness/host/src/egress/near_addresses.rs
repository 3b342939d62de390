//! Addresses around the edges of networks, judged by a second implementation: comparison with the ranges of the table.

use std::net::{IpAddr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::select;

use super::Allow;
use super::address::is_public;
use super::blocks::{Block, blocks};
use super::testing::property;

fn is_in(blocks: &[Block], address: IpAddr) -> bool {
    let (is_v4, address) = match address {
        IpAddr::V4(v4) => (true, v4.to_bits().into()),
        IpAddr::V6(v6) => (false, v6.to_bits()),
    };
    blocks.iter().any(|block| block.has(is_v4, address))
}

/// Around the edges of a network, or anywhere in it.
fn near(block: Block) -> impl Strategy<Value = IpAddr> {
    let edges = select(block.edges().collect::<Vec<_>>());
    let around =
        (edges, 0..=4_u128).prop_map(|(edge, by)| edge.saturating_add(by).saturating_sub(2));
    prop_oneof![around, block.first..=block.last]
        .prop_filter_map("past the last address", move |number| block.address(number))
}

fn addresses(special: &[Block], outer: &[Block]) -> impl Strategy<Value = IpAddr> + use<> {
    let near = select([special, outer].concat()).prop_flat_map(near);
    let any_v4 = any::<u32>().prop_map(|bits| IpAddr::V4(bits.into()));
    // In 2000::/3, where global addresses are.
    let any_v6 = any::<u128>().prop_map(|bits| IpAddr::V6(((bits >> 3) | (1 << 125)).into()));
    let plain = prop_oneof![6 => near, 1 => any_v4, 1 => any_v6];
    (plain, select(outer.to_vec()), prop::bool::weighted(0.25)).prop_map(
        |(address, outer, wrap)| match address {
            IpAddr::V4(v4) if wrap => Ipv6Addr::from(outer.first | u128::from(v4.to_bits())).into(),
            other => other,
        },
    )
}

fn is_expected_public(special: &[Block], outer: &[Block], address: IpAddr) -> bool {
    match address {
        IpAddr::V6(v6) if is_in(outer, address) => {
            let inner = u32::try_from(v6.to_bits() & u128::from(u32::MAX)).unwrap();
            !is_in(special, IpAddr::V4(inner.into()))
        }
        _ => !is_in(special, address),
    }
}

#[test]
fn an_address_is_public_unless_its_block_is_special() {
    let (special, outer) = (blocks("special_networks"), blocks("ipv4_inside"));
    let kinds = ["public IPv4", "special IPv4", "public IPv6", "special IPv6", "loopback"];
    property(&addresses(&special, &outer), kinds, |address, reached| {
        let expected = is_expected_public(&special, &outer, address);
        reached.note(match (address, expected) {
            (IpAddr::V4(_), true) => "public IPv4",
            (IpAddr::V4(_), false) => "special IPv4",
            (IpAddr::V6(_), true) => "public IPv6",
            (IpAddr::V6(_), false) => "special IPv6",
        });
        prop_assert_eq!(is_public(address), expected);
        // A base URL may name loopback or a public address, and only loopback without encryption.
        let is_loopback = match address {
            IpAddr::V4(v4) => v4.octets()[0] == 127,
            IpAddr::V6(v6) => v6 == Ipv6Addr::LOCALHOST,
        };
        if is_loopback {
            reached.note("loopback");
        }
        let host = match address {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        let allowed = |scheme: &str| Allow::stripe_at(&format!("{scheme}://{host}")).is_ok();
        prop_assert_eq!(
            (allowed("https"), allowed("http")),
            (expected || is_loopback, is_loopback)
        );
        Ok(())
    });
}
