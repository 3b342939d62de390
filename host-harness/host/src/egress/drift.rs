//! Other hosts read `platforms/egress.json`. It says the same as this crate, and so does `platforms/egress-cases.json`,
//! which every host is tested with.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use http::HeaderName;
use wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS;

use super::address::{IPV4_INSIDE, SPECIAL, is_public};
use super::blocks::{Block, blocks};
use super::headers::{FORBIDDEN, is_forbidden};
use super::{Allow, Rule};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../platforms/egress.json");
const CASES: &str = include_str!("../../../../platforms/egress-cases.json");

/// Nothing in a rule wants escaping in JSON.
fn object(rule: &Rule) -> String {
    let (method, origin, path) = (rule.method(), rule.origin(), rule.path());
    format!(r#"{{"method": "{method}", "origin": "{origin}", "path": "{path}"}}"#)
}

/// A list of JSON values with each on a line, so that a change is a line of a diff.
fn list(name: &str, values: impl Iterator<Item = String>) -> String {
    let lines: Vec<_> = values.map(|value| format!("    {value}")).collect();
    format!("  \"{name}\": [\n{}\n  ]", lines.join(",\n"))
}

#[test]
fn other_hosts_are_given_the_same() {
    let text = |value: &dyn ToString| format!("\"{}\"", value.to_string());
    let lists = [
        list("requests", Allow::stripe().rules().iter().map(object)),
        list("forbidden_headers", FORBIDDEN.iter().map(|name| text(name))),
        list("ipv4_inside", IPV4_INSIDE.iter().map(|network| text(network))),
        list("special_networks", SPECIAL.iter().map(|network| text(network))),
    ];
    let all = format!("{{\n{}\n}}\n", lists.join(",\n"));
    if std::env::var_os("UPDATE_EGRESS").is_some() {
        std::fs::write(FILE, &all).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap();
    assert_eq!(kept, all, "run it again with UPDATE_EGRESS=1, and look at what changed");
}

/// Header names and addresses, with what they are.
fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    CASES.lines().filter_map(|line| match line.split('"').collect::<Vec<_>>()[..] {
        [_, name, _, verdict, _] => Some((name, verdict)),
        _ => None,
    })
}

#[test]
fn every_case_has_its_verdict() {
    for (name, expected) in cases() {
        let verdict = if matches!(expected, "forbidden" | "allowed") {
            let name: HeaderName = name.parse().unwrap();
            if is_forbidden(&name, false) { "forbidden" } else { "allowed" }
        } else {
            match name.parse::<IpAddr>() {
                Ok(address) if address.is_loopback() => "loopback",
                Ok(address) if is_public(address) => "public",
                _ => "special",
            }
        };
        assert_eq!(verdict, expected, "{name}");
    }
}

#[test]
fn there_is_a_case_for_every_header_and_for_the_edges_of_every_network() {
    let headers: BTreeSet<_> = cases().map(|(name, _)| name).collect();
    let wasi = DEFAULT_FORBIDDEN_HEADERS;
    let names = wasi.iter().map(HeaderName::as_str).chain(FORBIDDEN);
    let missing: Vec<_> = names.filter(|name| !headers.contains(name)).collect();
    assert!(missing.is_empty(), "headers without a case: {missing:?}");

    let addresses: BTreeSet<IpAddr> = cases().filter_map(|(name, _)| name.parse().ok()).collect();
    let missing: Vec<_> = edges().into_iter().filter(|edge| !addresses.contains(edge)).collect();
    assert!(missing.is_empty(), "addresses without a case: {missing:?}");
}

/// The edges of every network; those of IPv4 inside IPv6 as well.
fn edges() -> Vec<IpAddr> {
    let outer = blocks("ipv4_inside");
    let mut edges = Vec::new();
    for block in blocks("special_networks").into_iter().chain(outer.clone()) {
        for edge in block.edges() {
            let Some(address) = block.address(edge) else { continue };
            edges.push(address);
            if block.is_v4 {
                let wrap = |outer: &Block| Ipv6Addr::from_bits(outer.first | edge);
                edges.extend(outer.iter().map(wrap).map(IpAddr::V6));
            }
        }
    }
    edges
}

#[test]
fn an_origin_has_a_port_only_where_it_is_not_the_usual_one() {
    for url in ["http://127.0.0.1:1234", "https://proxy.example", "https://proxy.example:8443"] {
        let allow = Allow::stripe_at(url).unwrap();
        assert_eq!(allow.rules()[0].origin(), url);
        assert_eq!(allow.rules()[1].path(), "/v1/charges/{id}");
    }
}
