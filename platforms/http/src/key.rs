//! Which keys are one. The same rules as in the host (`host-harness/host/src/secret.rs`).

/// Whose money a key moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Test,
    Live,
}

/// The token of a bearer, if it is one.
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Whose money it moves; or what is wrong with it, never repeating it.
pub(crate) fn mode(key: &str) -> Result<Mode, &'static str> {
    const KNOWN: [(&str, Mode); 4] = [
        ("sk_test_", Mode::Test),
        ("rk_test_", Mode::Test),
        ("sk_live_", Mode::Live),
        ("rk_live_", Mode::Live),
    ];
    if key.starts_with("pk_") {
        return Err("this is a publishable key (pk_), which may not refund");
    }
    let known =
        KNOWN.iter().find(|(prefix, _)| key.len() > prefix.len() && key.starts_with(prefix));
    let (_, mode) = known
        .ok_or("this is no Stripe key: keys begin with sk_test_, sk_live_, rk_test_ or rk_live_")?;
    if !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err("the key has characters that no key has: copy it from the Dashboard unchanged");
    }
    Ok(*mode)
}

/// Whether a URL is this machine and nothing else: a number that loops back, and a port.
#[cfg(any(test, feature = "simulator"))]
pub(crate) fn is_loopback(url: &str) -> bool {
    let address = url.strip_prefix("http://").map(str::parse::<std::net::SocketAddr>);
    matches!(address, Some(Ok(address)) if address.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_brings_a_token() {
        for (header, token) in [
            ("Bearer sk_test_1", Some("sk_test_1")),
            ("bearer  sk_test_1 ", Some("sk_test_1")),
            ("Bearer ", None),
            ("Bearer", None),
            ("Basic c2tfdGVzdF8xOg==", None),
            ("sk_test_1", None),
            ("", None),
        ] {
            assert_eq!(bearer(header), token, "{header}");
        }
    }

    #[test]
    fn keys_are_told_from_what_is_none() {
        for (key, expected) in [
            ("sk_test_1", Some(Mode::Test)),
            ("rk_test_a_B", Some(Mode::Test)),
            ("sk_live_1", Some(Mode::Live)),
            ("rk_live_1", Some(Mode::Live)),
            ("pk_test_1", None),
            ("whsec_1", None),
            ("sk_test_", None),
            ("sk_test", None),
            ("sk_test_a b", None),
            ("sk_test_\u{e9}", None),
            ("", None),
        ] {
            assert_eq!(mode(key).ok(), expected, "{key}");
        }
        assert!(!mode("pk_live_verysecret").unwrap_err().contains("verysecret"));
    }

    #[test]
    fn only_this_machine_is_this_machine() {
        for (url, good) in [
            ("http://127.0.0.1:1234", true),
            ("http://127.8.8.8:1234", true),
            ("http://[::1]:1234", true),
            ("https://127.0.0.1:1234", false),
            ("http://127.0.0.1", false),
            ("http://localhost:1234", false),
            ("http://127.0.0.1:1234/", false),
            ("http://127.0.0.1:1234@evil.example", false),
            ("http://127.0.0.1.evil.example:80", false),
            ("http://0.0.0.0:1234", false),
            ("http://10.0.0.1:1234", false),
            ("http://[::ffff:10.0.0.1]:80", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(url), good, "{url}");
        }
    }
}
