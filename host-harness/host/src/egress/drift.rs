//! `platforms/egress.json` is the allow-list for hosts that are not this one. It says the same.

use super::{Allow, Rule};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../platforms/egress.json");

/// A rule on a line, so that a change is a line of a diff. Nothing in a rule wants escaping in JSON.
fn line(rule: &Rule) -> String {
    let (method, origin, path) = (rule.method(), rule.origin(), rule.path());
    format!(r#"  {{"method": "{method}", "origin": "{origin}", "path": "{path}"}}"#)
}

#[test]
fn other_hosts_allow_the_same() {
    let lines: Vec<_> = Allow::stripe().rules().iter().map(line).collect();
    let list = format!("[\n{}\n]\n", lines.join(",\n"));
    if std::env::var_os("UPDATE_EGRESS").is_some() {
        std::fs::write(FILE, &list).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap();
    assert_eq!(kept, list, "run it again with UPDATE_EGRESS=1, and look at what changed");
}

#[test]
fn an_origin_has_a_port_only_where_it_is_not_the_usual_one() {
    for url in ["http://127.0.0.1:1234", "https://proxy.example", "https://proxy.example:8443"] {
        let allow = Allow::stripe_at(url).unwrap();
        assert_eq!(allow.rules()[0].origin(), url);
        assert_eq!(allow.rules()[1].path(), "/v1/charges/{id}");
    }
}
