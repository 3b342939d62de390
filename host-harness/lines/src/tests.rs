use std::io::{BufReader, Read};

use proptest::prelude::*;
use refund_core::request::Request;

use super::*;

const HEADER: &str = "payment,amount,currency,operation\n";

fn read(input: &[u8]) -> Vec<(u64, Result<Request, String>)> {
    read_with(input, None)
}

fn read_with(input: &[u8], template: Option<&str>) -> Vec<(u64, Result<Request, String>)> {
    let template = template.map(|text| Template::parse(text).unwrap());
    // A small buffer, so that lines and marks are cut in the middle.
    let mut reader = Reader::new(BufReader::with_capacity(7, input), template, false).unwrap();
    let mut lines = Vec::new();
    while let Some((number, line)) = reader.next_line().unwrap() {
        lines.push((number, line.map_err(|bad| bad.reason)));
    }
    lines
}

fn fails(input: &[u8]) -> String {
    Reader::new(input, None, false).err().map(|error| error.to_string()).unwrap_or_default()
}

fn csv(line: &str) -> Result<Request, String> {
    read(format!("{HEADER}{line}\n").as_bytes()).remove(0).1
}

fn says(result: &Result<Request, String>, words: &[&str]) {
    let Err(reason) = result else { panic!("{result:?}") };
    for word in words {
        assert!(reason.contains(word), "`{word}` in `{reason}`");
    }
}

#[test]
fn good_lines() {
    let line = csv("ch_1,25.00,usd,op-1").unwrap();
    assert_eq!(line.amount.unwrap().amount, 2500);
    assert_eq!(csv("ch_1,500,jpy,op-1").unwrap().amount.unwrap().amount, 500);
    assert_eq!(csv("pi_1,ALL,,op-1").unwrap().amount, None);
    assert_eq!(csv(" ch_1 , 25.00 , USD , op-1 ").unwrap(), line);
    let json = br#"{"charge":"ch_1","minor":2500,"currency":"usd","operation_id":"op-1"}"#;
    assert_eq!(read(json).remove(0).1.unwrap(), line);
}

#[test]
fn bad_lines_name_field_value_and_fix() {
    says(&csv("ch_1,\"1,000.00\",usd,op-1"), &["amount", "1,000.00"]);
    says(&csv("ch_1,1.234,usd,op-1"), &["amount", "1.234"]);
    says(&csv("ch_1,-5,usd,op-1"), &["amount", "-5"]);
    says(&csv("ch_1,0,usd,op-1"), &["amount", "0"]);
    says(&csv("ch_1,,usd,op-1"), &["amount", "missing", "all"]);
    says(&csv("ch_1,5,,op-1"), &["currency", "missing"]);
    says(&csv("ch_1,5,dollars,op-1"), &["currency", "dollars"]);
    says(&csv("re_1,5,usd,op-1"), &["payment", "re_1"]);
    says(&csv(",5,usd,op-1"), &["payment", "missing"]);
    says(&csv("ch_1,5,usd,"), &["operation", "missing"]);
    says(&csv("ch_1,5,usd,op-ü"), &["operation"]);
    says(&csv("ch_1,5,usd"), &["3 columns", "4"]);
    says(&csv("ch_1,1,000.00,usd,op-1"), &["5 columns", "quotation"]);
    says(&csv("re_1,x,usd,"), &["payment", "amount", "operation"]);
}

#[test]
fn numbers_are_those_of_the_file() {
    let input = format!("\n{HEADER}ch_1,5,usd,a\n\nbad\n\"ch_2\",\"5\",usd,\"b\nc\"\nch_3,5,usd,d");
    let numbers: Vec<_> = read(input.as_bytes()).into_iter().map(|(n, l)| (n, l.is_ok())).collect();
    assert_eq!(numbers, [(3, true), (5, false), (6, false), (8, true)]);
}

#[test]
fn a_quotation_mark_that_is_not_closed_costs_one_line() {
    let mut input = format!("{HEADER}\"ch_1,5,usd,a\n");
    let many = (0..500).map(|n| ["ch_1,5,usd,op-", &n.to_string(), "\n"].concat());
    input.extend(many);
    let lines = read(input.as_bytes());
    assert_eq!(lines.iter().filter(|(_, line)| line.is_ok()).count(), 500);
    says(&lines[0].1, &["not closed"]);
}

#[test]
fn marks_and_breaks_of_other_systems() {
    let lines =
        read(format!("\u{feff}{}", HEADER.replace('\n', "\r\n") + "ch_1,5,usd,a\r\n").as_bytes());
    assert_eq!(lines.len(), 1);
    assert!(lines[0].1.is_ok(), "{lines:?}");
    let semicolons = read(b"payment;amount;currency;operation\nch_1;5.00;eur;a\n");
    assert!(semicolons[0].1.is_ok(), "{semicolons:?}");
    let old = read(format!("{HEADER}ch_1,5,usd,a\rch_2,5,usd,b\n").as_bytes());
    says(&old[0].1, &["carriage return"]);
    assert!(fails(&[0xFF, 0xFE, b'p', 0]).contains("UTF-16"));
}

#[test]
fn bytes_that_are_no_text() {
    let mut input = HEADER.as_bytes().to_vec();
    input.extend_from_slice(b"ch_1,5,usd,\xff\xfe\nch_2,5,usd,b\n");
    let lines = read(&input);
    says(&lines[0].1, &["UTF-8", "byte 12"]);
    assert!(lines[1].1.is_ok());
}

#[test]
fn a_header_that_makes_no_sense() {
    assert!(fails(b"").contains("empty"));
    assert!(fails(b"\n\n  \n").contains("empty"));
    assert!(fails(b"amount,currency,operation\n").contains("payment"));
    assert!(fails(b"payment,currency,operation\n").contains("amount"));
    assert!(fails(b"payment,amount,currency\n").contains("operation-template"));
    assert!(fails(b"payment,amount,ammount,operation\n").contains("ammount"));
    assert!(fails(b"payment,amount,amount,operation\n").contains("twice"));
}

#[test]
fn a_template_makes_the_operation() {
    let input = b"payment,amount,currency,order\nch_1,5,usd,77\nch_2,5,usd,\n";
    let lines = read_with(input, Some("recall-{order}-{payment}"));
    assert_eq!(lines[0].1.as_ref().unwrap().operation.as_str(), "recall-77-ch_1");
    says(&lines[1].1, &["order", "missing"]);
    for bad in ["recall", "a{b", "a{}", "{a{b}}"] {
        assert!(Template::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn json_lines() {
    let one = |text: &str| read(text.as_bytes()).remove(0).1;
    says(&one(r#"{"payment":"ch_1","amount":10,"operation":"a"}"#), &["amount", "10", "minor"]);
    says(&one(r#"{"payment":"ch_1","ammount":"10","operation":"a"}"#), &["ammount"]);
    says(&one(r#"{"payment":"ch_1""#), &["JSON"]);
    says(&one("[1]"), &["JSON"]);
    let line = one(
        r#"{"payment":"ch_1","amount":"all","operation":"a","metadata":{"ticket":4711,"x":null},"reason":null}"#,
    );
    assert_eq!(line.unwrap().metadata.get("ticket"), Some("4711"));
}

/// `all` means everything. A cell that is empty, null or an empty text does not.
#[test]
fn everything_has_to_be_said() {
    let header = "payment,amount,minor,currency,operation\n";
    let cells = |line: &str| read(format!("{header}{line}\n").as_bytes()).remove(0).1;
    for line in ["ch_1,,,usd,a", "ch_1,  ,,usd,a", "ch_1,,,,a", "ch_1,\"\",,usd,a"] {
        says(&cells(line), &["amount", "missing", "all"]);
    }
    for word in ["null", "None", "undefined", "NaN", "0"] {
        says(&cells(&format!("ch_1,{word},,usd,a")), &["amount"]);
        says(&cells(&format!("ch_1,,{word},usd,a")), &["minor"]);
    }
    assert_eq!(cells("ch_1,all,,,a").unwrap().amount, None);
    // A column of the file that this line has no use for.
    assert_eq!(cells("ch_1,,500,usd,a").unwrap().amount.unwrap().amount, 500);

    let object = |fields: &str| {
        read(format!(r#"{{"payment":"ch_1","operation":"a",{fields}}}"#).as_bytes()).remove(0).1
    };
    for fields in [r#""currency":"usd""#, r#""amount":"","currency":"usd""#, r#""amount":"  ""#] {
        says(&object(fields), &["amount", "missing", "all"]);
    }
    for (fields, field) in [
        (r#""amount":null"#, "amount"),
        (r#""amount":null,"currency":"usd""#, "amount"),
        (r#""Amount":null,"minor":500,"currency":"usd""#, "amount"),
        (r#""minor":null,"currency":"usd""#, "minor"),
        (r#""amount":"all","currency":null"#, "currency"),
        (r#""amount":"5","currency":null"#, "currency"),
    ] {
        says(&object(fields), &[field, "null", "all"]);
    }
    // One of two spellings of a field must not win by its place.
    says(&object(r#""amount":"5","Amount":"all","currency":"usd""#), &["amount", "twice"]);
    assert_eq!(object(r#""amount":"all""#).unwrap().amount, None);
    assert_eq!(object(r#""minor":500,"currency":"usd""#).unwrap().amount.unwrap().amount, 500);
}

/// A line of gigabytes is refused without being held.
#[test]
fn an_endless_line() {
    let long = std::io::repeat(b'x').take(64 << 20);
    let input = HEADER.as_bytes().chain(long).chain(&b"\nch_1,5,usd,a\n"[..]);
    let mut reader = Reader::new(BufReader::new(input), None, false).unwrap();
    let (number, bad) = reader.next_line().unwrap().unwrap();
    let bad = bad.unwrap_err();
    assert_eq!(number, 2);
    assert!(bad.reason.contains("longer") && bad.text.len() < 3000, "{}", bad.reason);
    assert!(reader.next_line().unwrap().unwrap().1.is_ok());
}

proptest! {
    /// Whatever the bytes are, nothing panics, and no line is lost behind a bad one.
    #[test]
    fn any_bytes_before_a_good_line(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut input = HEADER.as_bytes().to_vec();
        input.extend_from_slice(&noise);
        // Enough even lines behind, so that a quotation mark in the noise finds no partner by chance.
        input.extend_from_slice(b"\nch_1,5,usd,good-1\nch_2,5,usd,good-2\n");
        let good = |name: &str| {
            read(&input).iter().any(|(_, line)| {
                line.as_ref().is_ok_and(|line| line.operation.as_str() == name)
            })
        };
        prop_assert!(good("good-2"));
        prop_assert!(good("good-1"));
    }
}

/// An approval is the votes that the ledger recorded.
#[test]
fn an_approval_in_a_file_is_refused() {
    let error =
        Reader::new(&b"payment,amount,currency,operation,approval\n"[..], None, false).err();
    let error = error.expect("the header is refused").to_string();
    for word in ["approval", "ledger", "approvals approve"] {
        assert!(error.contains(word), "{error}");
    }
    let line = r#"{"payment":"ch_1","amount":"all","operation":"a","approval":"3f"}"#;
    says(&read(line.as_bytes()).remove(0).1, &["approval", "ledger", "approvals approve"]);
}
