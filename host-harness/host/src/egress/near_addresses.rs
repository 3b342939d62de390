//! Addresses around the ends of special blocks, judged by a second implementation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::select;

use super::Allow;
use super::address::is_public;
use super::testing::property;

/// The first address of each block that is not on the open network, and how many bits name the block.
const SPECIAL_V4: [(&str, u32); 15] = [
    ("0.0.0.0", 8),
    ("10.0.0.0", 8),
    ("100.64.0.0", 10),
    ("127.0.0.0", 8),
    ("169.254.0.0", 16),
    ("172.16.0.0", 12),
    ("192.0.0.0", 24),
    ("192.0.2.0", 24),
    ("192.168.0.0", 16),
    ("198.18.0.0", 15),
    ("198.51.100.0", 24),
    ("203.0.113.0", 24),
    ("224.0.0.0", 4),
    ("240.0.0.0", 4),
    ("255.255.255.255", 32),
];
/// The blocks of `2000::/3` that are not on the open network.
const SPECIAL_V6: [(&str, u32); 3] = [("2001::", 23), ("2001:db8::", 32), ("3fff::", 16)];
/// Blocks with an IPv4 address in them, and how far from the right it is.
const EMBEDDING: [(&str, u32, u32); 4] =
    [("::", 96, 0), ("::ffff:0.0.0.0", 96, 0), ("64:ff9b::", 96, 0), ("2002::", 16, 80)];

fn is_public_v4(address: u32) -> bool {
    SPECIAL_V4.iter().all(|(block, bits)| {
        let block = u32::from(block.parse::<Ipv4Addr>().unwrap());
        (address ^ block).checked_shr(32 - bits).is_some_and(|different| different != 0)
    })
}

fn is_in(address: u128, block: &str, bits: u32) -> bool {
    (address ^ u128::from(block.parse::<Ipv6Addr>().unwrap())) >> (128 - bits) == 0
}

fn is_public_v6(address: u128) -> bool {
    let embedding = EMBEDDING.iter().find(|(block, bits, _)| is_in(address, block, *bits));
    if let Some((_, _, right)) = embedding {
        let inner = address >> right & u128::from(u32::MAX);
        return is_public_v4(u32::try_from(inner).unwrap());
    }
    is_in(address, "2000::", 3)
        && !SPECIAL_V6.iter().any(|(block, bits)| is_in(address, block, *bits))
}

/// Around the ends of a block, or anywhere.
fn near(first: u128, bits: u32, width: u32) -> impl Strategy<Value = u128> {
    let last = first | (u128::MAX >> (128 - width)).checked_shr(bits).unwrap_or(0);
    let most = u128::MAX >> (128 - width);
    let around =
        move |end: u128| (0..=4_u128).prop_map(move |by| (end + by).saturating_sub(2).min(most));
    prop_oneof![around(first), around(last), first..=last]
}

fn v4_addresses() -> impl Strategy<Value = u32> {
    let near = select(SPECIAL_V4.to_vec()).prop_flat_map(|(block, bits)| {
        near(u32::from(block.parse::<Ipv4Addr>().unwrap()).into(), bits, 32)
    });
    prop_oneof![3 => near.prop_map(|address| u32::try_from(address).unwrap()), 1 => any::<u32>()]
}

fn v6_addresses() -> impl Strategy<Value = u128> {
    let blocks: Vec<_> = SPECIAL_V6.into_iter().chain([("2000::", 3)]).collect();
    let near = select(blocks).prop_flat_map(|(block, bits)| {
        near(u128::from(block.parse::<Ipv6Addr>().unwrap()), bits, 128)
    });
    let embedded = (select(EMBEDDING.to_vec()), v4_addresses(), 0..3_u128).prop_map(
        |((block, _, right), inner, beside)| {
            u128::from(block.parse::<Ipv6Addr>().unwrap()) | u128::from(inner) << right
                // Beside the inner address, and just outside of the block.
                | if right > 0 { beside } else { (beside / 2) << 64 }
        },
    );
    prop_oneof![near, embedded, any::<u128>()]
}

#[test]
fn an_address_is_public_unless_its_block_is_special() {
    let addresses = prop_oneof![
        v4_addresses().prop_map(|address| IpAddr::V4(address.into())),
        v6_addresses().prop_map(|address| IpAddr::V6(address.into())),
    ];
    let kinds = ["public IPv4", "special IPv4", "public IPv6", "special IPv6", "loopback"];
    property(&addresses, kinds, |address, reached| {
        let expected = match address {
            IpAddr::V4(v4) => is_public_v4(v4.into()),
            IpAddr::V6(v6) => is_public_v6(v6.into()),
        };
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
