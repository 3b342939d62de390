//! Requests that differ from allowed ones in one place, judged by a second implementation.

use http::{Method, Uri};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::Allow;
use super::blocks::LIST;
use super::testing::property;

/// Whether a part of a request is one that the list allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Allowed,
    /// Another spelling of the same place. It may be denied.
    Same,
    Wrong,
}

type Part = (String, Is);

fn part(text: impl Into<String>, is: Is) -> Part {
    (text.into(), is)
}

fn one_of(right: &[&str], same: &[&str], wrong: &[&str], is_wrong: bool) -> BoxedStrategy<Part> {
    let all = |texts: &[&str], is| texts.iter().map(|text| part(*text, is)).collect::<Vec<_>>();
    if is_wrong {
        select(all(wrong, Is::Wrong)).boxed()
    } else {
        select([all(right, Is::Allowed), all(same, Is::Same)].concat()).boxed()
    }
}

fn schemes(is_wrong: bool) -> BoxedStrategy<Part> {
    let wrong = ["http", "HTTP", "ftp", "ws", "httpss", "http+https", "https:https", "file", ""];
    one_of(&["https", "https", "https"], &["HTTPS", "Https"], &wrong, is_wrong)
}

fn user_information(is_wrong: bool) -> BoxedStrategy<Part> {
    let wrong = [
        "user@",
        "user:password@",
        "@",
        ":@",
        "api.stripe.com@",
        "api.stripe.com:443@",
        "evil.example@",
        "%40@",
        "a@b@",
    ];
    one_of(&[""], &[], &wrong, is_wrong)
}

fn ports(is_wrong: bool) -> BoxedStrategy<Part> {
    let wrong = [
        ":80",
        ":8443",
        ":44",
        ":4430",
        ":0",
        ":1443",
        ":443443",
        ":65535",
        // 443 once its upper bits are dropped.
        ":65979",
        ":-443",
        ":+443",
        ":443:443",
        ":443.evil.example",
        ":443@evil.example",
        ":x",
        ":\u{ff14}\u{ff14}\u{ff13}",
    ];
    one_of(&["", "", ":443"], &[":", ":0443"], &wrong, is_wrong)
}

/// A name in any case, or one that only resembles it.
fn hosts(name: &'static str, is_wrong: bool) -> BoxedStrategy<Part> {
    if !is_wrong {
        let cased = prop::collection::vec(any::<bool>(), name.len()).prop_map(|upper| {
            let case = |(c, upper): (char, bool)| if upper { c.to_ascii_uppercase() } else { c };
            part(name.chars().zip(upper).map(case).collect::<String>(), Is::Allowed)
        });
        return prop_oneof![Just(part(name, Is::Allowed)), cased].boxed();
    }
    let around = select(vec![
        ("", ".evil.example"),
        ("", "evil"),
        ("", "."),
        ("", ".."),
        ("", ".com"),
        ("", "\\"),
        ("", "%00"),
        ("", "%2eevil.example"),
        ("", "?.evil.example"),
        ("", "#.evil.example"),
        ("", "\\.evil.example"),
        ("", "/.evil.example"),
        ("", ";evil.example"),
        ("", "\t"),
        ("", " "),
        ("", "\u{ad}"),
        ("x", ""),
        ("evil.", ""),
        ("evil-", ""),
        (".", ""),
        ("evil.example/", ""),
        ("evil.example#", ""),
        ("evil.example?", ""),
        ("evil.example\\", ""),
        ("evil.example:443\\@", ""),
        ("[", "]"),
        ("\u{200b}", ""),
        ("evil.example%2f", ""),
        ("evil.example%40", ""),
        ("xn--", ""),
    ]);
    let around = around.prop_map(move |(before, after)| format!("{before}{name}{after}"));
    let edited = (any::<Index>(), 0..6_usize).prop_map(move |(at, edit)| {
        let at = at.index(name.len());
        let (before, after) = name.split_at(at);
        let (c, rest) = (&after[..1], &after[1..]);
        match edit {
            0 => format!("{before}{rest}"),
            1 => format!("{before}{c}{c}{rest}"),
            2 => format!("{before}%{:02x}{rest}", c.as_bytes()[0]),
            3 => format!("{before}-{c}{rest}"),
            4 => format!("{before}{}{rest}", if c == "z" { "y" } else { "z" }),
            _ => format!("{before}.{c}{rest}"),
        }
    });
    // Letters and dots of other alphabets, and what browsers make of them.
    let alike = select(vec![
        ('a', "\u{430}"),
        ('a', "\u{ff41}"),
        ('p', "\u{440}"),
        ('e', "\u{435}"),
        ('i', "\u{456}"),
        ('i', "\u{131}"),
        ('s', "\u{17f}"),
        ('o', "0"),
        ('i', "1"),
        ('m', "rn"),
        ('.', "\u{3002}"),
        ('.', "\u{ff0e}"),
        ('.', "\u{2024}"),
        ('.', ""),
        ('.', "-"),
    ]);
    let alike = alike.prop_map(move |(c, with)| name.replacen(c, with, 1));
    let elsewhere = select(vec![
        "evil.example",
        "stripe.com",
        "checkout.stripe.com",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "",
        "*.stripe.com",
        "api.stripe.co",
        "apistripe.com",
        "api.stripe.com.evil.example",
        "169.254.169.254",
    ]);
    let wrong =
        prop_oneof![3 => around, 3 => edited, 2 => alike, 1 => elsewhere.prop_map(str::to_owned)];
    let wrong = wrong.prop_filter("a look-alike without that letter", move |text| text != name);
    // One host's name is right for nothing but its own paths.
    wrong.prop_map(|text| part(text, Is::Wrong)).boxed()
}

/// A place on the list: method, path with `{id}`, and which of the two hosts it is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    method: &'static str,
    path: &'static str,
    is_files: bool,
}

fn places() -> Vec<Place> {
    let field = |line: &'static str, name: &str| {
        let (_, rest) = line.split_once(&format!(r#""{name}": ""#)).unwrap();
        rest.split_once('"').unwrap().0
    };
    let lines = LIST.lines().filter(|line| line.contains(r#""method":"#));
    let place = |line| Place {
        method: field(line, "method"),
        path: field(line, "path"),
        is_files: field(line, "origin") == "https://files.stripe.com",
    };
    lines.map(place).collect()
}

/// Whether the list allows a path, without its query; segment by segment.
fn is_listed(method: &str, path: &str, is_files: bool) -> bool {
    let is_id = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
    };
    places().into_iter().any(|place| {
        let (wanted, found) = (place.path.split('/'), path.split('/'));
        place.method == method
            && place.is_files == is_files
            && wanted.clone().count() == found.clone().count()
            && wanted.zip(found).all(
                |(wanted, found)| {
                    if wanted == "{id}" { is_id(found) } else { wanted == found }
                },
            )
    })
}

/// A path of the list with an id in it, or one that resembles it.
fn paths(place: Place, is_wrong: bool) -> BoxedStrategy<Part> {
    let path = "[a-z]{2,4}_[0-9A-Za-z]{1,20}".prop_map(move |id| place.path.replace("{id}", &id));
    if !is_wrong {
        let query =
            select(vec!["", "?", "?limit=100", "?charge=ch_1&expand%5B0%5D=data", "?a=/../b"]);
        return (path, query).prop_map(|(path, query)| part(path + query, Is::Allowed)).boxed();
    }
    let edits = 0..16_usize;
    (path, any::<Index>(), edits)
        .prop_map(move |(path, at, edit)| {
            let segments: Vec<_> = path[1..].split('/').collect();
            let at = at.index(segments.len());
            let with = |segment: String| {
                let mut segments: Vec<_> = segments.iter().map(|one| (*one).to_owned()).collect();
                segments[at] = segment;
                format!("/{}", segments.join("/"))
            };
            let segment = segments[at];
            let path = match edit {
                0 => format!("{path}/"),
                1 => format!("/{path}"),
                2 => with(format!("{segment}/.")),
                3 => with(format!("x/../{segment}")),
                4 => with(format!("%{:02x}{}", segment.as_bytes()[0], &segment[1..])),
                5 => with(format!("{segment}%2f..")),
                6 => with(format!("{segment}\\")),
                7 => with(format!("{segment};x")),
                8 => with(segment.to_uppercase() + "-"),
                9 => with(format!("{segment}x-")),
                10 => with(String::new()),
                11 => with(format!("{segment}%00")),
                12 => format!("{path}/confirm"),
                13 => "/v1/transfers".to_owned(),
                14 => with("..".to_owned()),
                _ => path.replacen("/v1/", "/v2/", 1),
            };
            part(path, Is::Wrong)
        })
        .boxed()
}

#[derive(Debug)]
struct Case {
    scheme: Part,
    user: Part,
    host: Part,
    port: Part,
    path: Part,
    method: Part,
    is_files: bool,
    wrong: [bool; 6],
}

const PARTS: [&str; 6] = [
    "only the scheme is wrong",
    "only the user information is wrong",
    "only the host is wrong",
    "only the port is wrong",
    "only the path is wrong",
    "only the method is wrong",
];

fn cases() -> impl Strategy<Value = Case> {
    let one_wrong = (0..PARTS.len()).prop_map(|at| std::array::from_fn(|part| part == at));
    let wrong = prop_oneof![
        2 => Just([false; PARTS.len()]),
        6 => one_wrong,
        1 => any::<[bool; PARTS.len()]>(),
    ];
    (wrong, select(places())).prop_flat_map(|(wrong, place)| {
        let [scheme, user, host, port, path, method] = wrong;
        let name = if place.is_files { "files.stripe.com" } else { "api.stripe.com" };
        let methods = if method {
            let all =
                ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", "post", "GETS"];
            let others: Vec<_> = all.into_iter().filter(|one| *one != place.method).collect();
            one_of(&[], &[], &others, true)
        } else {
            one_of(&[place.method], &[], &[], false)
        };
        let texts = (
            schemes(scheme),
            user_information(user),
            hosts(name, host),
            ports(port),
            paths(place, path),
            methods,
        );
        texts.prop_map(move |(scheme, user, host, port, path, method)| Case {
            scheme,
            user,
            host,
            port,
            path,
            method,
            is_files: place.is_files,
            wrong,
        })
    })
}

/// The request as one text, as a person writes it.
fn whole(case: &Case) -> Option<Uri> {
    let Case { scheme, user, host, port, path, .. } = case;
    format!("{}://{}{}{}{}", scheme.0, user.0, host.0, port.0, path.0).parse().ok()
}

/// The request in three texts, as a guest gives it.
fn in_parts(case: &Case) -> Option<Uri> {
    let Case { scheme, user, host, port, path, .. } = case;
    let authority = format!("{}{}{}", user.0, host.0, port.0);
    let uri = Uri::builder().scheme(scheme.0.as_str()).authority(authority);
    uri.path_and_query(path.0.as_str()).build().ok()
}

#[test]
fn a_request_that_differs_in_one_place_is_denied() {
    let allow = Allow::stripe();
    let kinds = [
        "permitted",
        PARTS[0],
        PARTS[1],
        PARTS[2],
        PARTS[3],
        PARTS[4],
        PARTS[5],
        "readable and denied for its host",
        "several parts are wrong",
    ];
    property(&cases(), kinds, |case, reached| {
        let Case { scheme, user, host, port, path, method, is_files, wrong } = &case;
        // A wrong path or method may be right with another entry of the list.
        let bare = path.0.split('?').next().unwrap();
        let is_place = is_listed(&method.0, bare, *is_files);
        let parts = [scheme.1, user.1, host.1, port.1];
        let is_origin = !parts.contains(&Is::Wrong);
        let is_spelled = parts.iter().all(|is| *is == Is::Allowed);
        match wrong.iter().filter(|wrong| **wrong).count() {
            1 if !(is_place && is_origin) => {
                reached.note(PARTS[wrong.iter().position(|wrong| *wrong).unwrap()]);
            }
            0 | 1 => {}
            _ => reached.note("several parts are wrong"),
        }
        let method = Method::from_bytes(method.0.as_bytes()).unwrap();
        for uri in [whole(&case), in_parts(&case)] {
            let permitted = uri.as_ref().is_some_and(|uri| allow.permits(&method, uri).is_some());
            prop_assert!(!permitted || (is_place && is_origin), "permitted: {:?}", uri);
            prop_assert!(permitted || !(is_place && is_spelled), "denied: {:?}", uri);
            if permitted {
                reached.note("permitted");
            } else if uri.is_some() && wrong[2] {
                reached.note("readable and denied for its host");
            }
        }
        Ok(())
    });
}
