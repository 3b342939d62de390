//! `duplicates --since`: several scans where one cannot read all charges, and never a part for the whole.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use desk::{Desk, Ended};
use refund_simulator::{NewCharge, TEST_KEY};
use serde_json::{Value, json};

/// Charges of one customer, each so many seconds old.
fn charges(desk: &Desk, ages: impl IntoIterator<Item = u64>) {
    for age in ages {
        let customer = Some("cus_twice".to_owned());
        desk.stripe.charge(&NewCharge { age, customer, ..NewCharge::default() });
    }
}

fn groups(ended: &Ended) -> Vec<(String, Value)> {
    let group = |line: &str| {
        let group: Value = serde_json::from_str(line).unwrap();
        (group["keep"].as_str().unwrap().to_owned(), group["refund"].clone())
    };
    ended.out.lines().map(group).collect()
}

fn since(desk: &Desk, more: &[&str]) -> Ended {
    desk.run(&[&["--json", "duplicates", "--since", "24h"], more].concat())
}

#[test]
fn several_scans_find_what_one_finds() {
    let desk = Desk::new();
    // 40 pairs, 1000 seconds apart.
    charges(&desk, (1..=40).flat_map(|n| [n * 1000 + 100, n * 1000]));
    let whole = since(&desk, &[]);
    assert_eq!((whole.code, groups(&whole).len()), (0, 40), "{whole:?}");
    assert!(whole.err.contains("80 charges seen"), "{whole:?}");
    let parts = since(&desk, &["--max-charges", "10"]);
    assert_eq!((parts.code, groups(&parts)), (0, groups(&whole)), "{parts:?}");
    assert!(parts.err.contains("80 charges seen"), "{parts:?}");
}

#[test]
fn a_search_that_cannot_go_on_says_how_far_it_came_and_exits_with_7() {
    let desk = Desk::new();
    // Two hours of a customer who pays every 200 seconds, and a pair after them.
    charges(&desk, (20..56).map(|n| n * 200));
    charges(&desk, [1100, 1000]);
    let ended = since(&desk, &["--max-charges", "20"]);
    assert_eq!((ended.code, groups(&ended).len()), (7, 1), "{ended:?}");
    assert!(ended.err.contains("the search is incomplete"), "{ended:?}");
    assert!(ended.err.contains("--max-charges `20` is too small"), "{ended:?}");
    assert!(ended.err.contains("raise it") && ended.err.contains("--window"), "{ended:?}");
    let none = since(&desk, &["--max-charges", "1"]);
    assert_eq!((none.code, none.out.as_str()), (7, ""), "{none:?}");
    let raised = since(&desk, &["--max-charges", "40"]);
    assert_eq!((raised.code, groups(&raised).len()), (0, 19), "{raised:?}");
    for bad in ["0", "100001", "many"] {
        assert_eq!(since(&desk, &["--max-charges", bad]).code, 2);
    }
}

#[test]
fn an_incomplete_output_of_an_operation_exits_with_7() {
    let desk = Desk::new();
    charges(&desk, (1..=10).flat_map(|n| [n * 1000 + 100, n * 1000]));
    let from = desk.stripe.now() - 86_400;
    let input = json!({ "range": { "created_from": from, "max_charges": 8 } }).to_string();
    let ended = desk.run(&["invoke", "duplicates.scan-live", "--input", &input]);
    assert_eq!((ended.code, &ended.json()["complete"]), (7, &json!(false)), "{ended:?}");
    desk.write("ranges.jsonl", format!("{input}\n").as_bytes());
    let lines = desk.run(&["invoke", "duplicates.scan-live", "--lines", "ranges.jsonl"]);
    assert_eq!((lines.code, &lines.json()["output"]["complete"]), (7, &json!(false)), "{lines:?}");
}

/// Answers every request for charges with the next older one of `charges`, and says how many are left.
fn answer(stream: TcpStream, charges: &[Value]) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        while head.last().is_none_or(|line: &String| line != "\r\n") {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            head.push(line);
        }
        let after = head[0].split_once("starting_after=ch_");
        let next = after.map_or(0, |(_, rest)| {
            rest.split(['&', ' ']).next().unwrap().parse::<usize>().unwrap() + 1
        });
        let page = &charges[next..=next];
        let list = json!({ "object": "list", "data": page, "has_more": next + 1 < charges.len() });
        let list = list.to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{list}",
            list.len()
        );
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn a_scan_can_send_more_than_a_thousand_requests() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // Pages of one charge each: 1200 requests, more than the pages of the longest scan.
    let charges: Vec<_> = (0..1200_u64)
        .map(|n| {
            json!({
                "id": format!("ch_{n}"), "object": "charge", "amount": 2500, "currency": "usd",
                "status": "succeeded", "captured": true, "created": now - 60 - n * 10,
                "customer": format!("cus_{n}"), "payment_intent": format!("pi_{n}"),
            })
        })
        .collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let charges = charges.clone();
            std::thread::spawn(move || answer(stream, &charges));
        }
    });
    let mut command = Command::new(desk::BINARY);
    command
        .env("STRIPE_SECRET_KEY", TEST_KEY)
        .env("REFUND_NODE_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled"))
        .args(["--base-url", &url, "duplicates", "--since", "24h"]);
    let ended = Ended::of(&command.output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.err.contains("1200 charges seen"), "{ended:?}");
}
