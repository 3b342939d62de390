//! Every format of a report, of harmless and of hostile words.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use refund_core::id::{CustomerId, RefundId};
use refund_core::model::{Reason, RefundStatus};
use refund_core::money::{Currency, Money};
use refund_core::reports::{
    Approval, ChargesTaken, Month, Options, RepeatCustomers, Row, Summary, summarize,
};
use refund_report::{About, COLUMNS, Format, render};

/// 2026-11-20T00:00:00Z
const NOVEMBER: u64 = 1_795_132_800;

fn money(amount: u64, code: &str) -> Money {
    Money { amount, currency: Currency::parse(code).unwrap() }
}

fn row(id: &str, amount: u64, code: &str) -> Row {
    Row {
        id: RefundId::from_stripe(id),
        amount,
        currency: Currency::parse(code).unwrap(),
        status: Some(RefundStatus::Succeeded),
        reason: Some(Reason::Duplicate),
        product: Some("Tea".to_owned()),
        customer: Some(CustomerId::from_stripe("cus_1")),
        created: NOVEMBER,
        fee_lost: None,
        approval: None,
    }
}

fn named(words: &str) -> Row {
    Row {
        status: Some(RefundStatus::from(words)),
        reason: Some(Reason::from(words)),
        product: Some(words.to_owned()),
        customer: Some(CustomerId::from_stripe(words)),
        ..row("re_1", 1000, "usd")
    }
}

fn sample() -> Summary {
    let rows = [
        Row { fee_lost: Some(money(59, "usd")), ..row("re_1", 1_234_500, "usd") },
        Row { fee_lost: Some(money(40, "eur")), ..row("re_2", 500, "usd") },
        Row { status: Some(RefundStatus::Failed), ..row("re_3", 77, "usd") },
        Row {
            approval: Some(Approval { requested: 100, decided: Some(8140) }),
            ..row("re_4", 900, "jpy")
        },
    ];
    let month = Month::parse("2026-11").unwrap();
    let currency = Currency::parse("usd").unwrap();
    let charges = vec![ChargesTaken { currency, month, count: 80, amount: 50_000_000 }];
    summarize(&rows, &Options { charges, ..Options::default() }).unwrap()
}

fn text(summary: &Summary, format: Format) -> String {
    let mut bytes = Vec::new();
    render(summary, format, &About::default(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn of(rows: &[Row]) -> Summary {
    summarize(rows, &Options::default()).unwrap()
}

#[test]
fn formats_are_named() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
    }
    assert_eq!("pdf".parse::<Format>().unwrap_err().field, "format");
}

#[test]
fn json_is_the_summary() {
    let summary = sample();
    let back: Summary = serde_json::from_str(&text(&summary, Format::Json)).unwrap();
    assert_eq!(back, summary);
}

#[test]
fn csv_has_a_record_a_figure() {
    let text = text(&sample(), Format::Csv);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], COLUMNS.join(","));
    for line in [
        "total,,jpy,1,900,,,1,,,,,",
        "total,,usd,2,12350.00,0.40,eur,0,80,500000.00,2.5000,2.4700,",
        "total,,usd,,,0.59,usd,,,,,,",
        "status,failed,usd,1,0.77,,,,,,,,",
        "reason,duplicate,usd,2,12350.00,0.40,eur,0,,,,,",
        "product,Tea,jpy,1,900,,,1,,,,,",
        "month,2026-11,usd,2,12350.00,0.40,eur,0,80,500000.00,2.5000,2.4700,",
        "customer,cus_1,jpy,3,900,,,,,,,,",
        "customer,cus_1,usd,,12350.00,,,,,,,,",
        "approval,decided,,1,,,,,,,,,",
        "approval,median,,,,,,,,,,,8040",
    ] {
        assert!(lines.contains(&line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_spreadsheet_gets_no_formula() {
    for words in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
        let text = text(
            &of(&[named(words), Row { id: RefundId::from_stripe("re_2"), ..named(words) }]),
            Format::Csv,
        );
        let mut records = csv::Reader::from_reader(text.as_bytes());
        let keys: Vec<String> = records
            .records()
            .map(|record| record.unwrap()[1].to_owned())
            .filter(|key| key.trim_start_matches('\'') == words)
            .collect();
        assert_eq!(keys, vec![format!("'{words}"); 4], "status, reason, product, customer");
    }
}

#[test]
fn a_terminal_gets_no_escape() {
    let text = text(&of(&[named("a\u{1b}[2J\u{7}\u{202e}b")]), Format::Table);
    assert!(text.contains("a\u{fffd}[2J"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text}");
}

#[test]
fn the_table_has_every_section() {
    let text = text(&sample(), Format::Table);
    for words in [
        "Refund report",
        "20 Nov 2026 to 20 Nov 2026, UTC",
        "12350.00 usd",
        "900 jpy",
        "2.47 %",
        "0.40 eur + 0.59 usd",
        "By status",
        "By month",
        "By reason",
        "Duplicate",
        "Tea",
        "cus_1",
        "median 2 h 14 min",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
}

#[test]
fn the_page_stands_alone() {
    let page = text(&sample(), Format::Html);
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    for word in
        ["<script", "http:", "https:", "//", "src=", "href", "url(", "@import", " style=", " on"]
    {
        // Words of people have spaces before `on`, attributes have `=` after it.
        let found = page.match_indices(word).any(|(at, _)| word != " on" || handler(&page[at..]));
        assert!(!found, "{word}");
    }
    for words in ["12\u{202f}350.00", "Fees lost", "2.47", "<caption>", "role=\"img\"", "<desc"] {
        assert!(page.contains(words), "{words}");
    }
}

/// ` onload=` and its like.
fn handler(text: &str) -> bool {
    let name: String = text.trim_start().chars().take_while(char::is_ascii_alphanumeric).collect();
    text.trim_start()[name.len()..].starts_with('=')
}

#[test]
fn a_browser_gets_no_markup() {
    let words = "</title><script>alert(1)</script><img src=x onerror='a'>\"&\u{202e}";
    let summary = of(&[named(words), Row { id: RefundId::from_stripe("re_2"), ..named(words) }]);
    let mut bytes = Vec::new();
    let about = About { title: words.to_owned(), generated: None };
    render(&summary, Format::Html, &about, &mut bytes).unwrap();
    let page = String::from_utf8(bytes).unwrap();
    for mark in ["<script", "<img", "\"&", "\u{202e}"] {
        assert!(!page.contains(mark), "{mark}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn nothing_is_said_about_nothing() {
    for format in Format::ALL {
        assert!(!text(&of(&[]), format).is_empty());
    }
    assert!(text(&of(&[]), Format::Html).contains("No refunds"));
}

#[test]
fn a_list_that_was_cut_says_so() {
    let mut summary = sample();
    summary.repeat_customers = RepeatCustomers { untracked: 3, ..summary.repeat_customers };
    for format in [Format::Table, Format::Html] {
        assert!(text(&summary, format).contains("3 refunds of others may hide"), "{format}");
    }
}

#[test]
fn a_chart_of_very_many_months_shows_the_last() {
    let at = |id: &str, created| Row { created, ..row(id, 100, "usd") };
    let page = text(&of(&[at("re_1", 0), at("re_2", 253_402_300_799)]), Format::Html);
    assert!(page.contains("The last 24 months"));
    assert!(page.len() < 100_000, "{}", page.len());
}

/// Words that a format could take for its own, and others.
fn words() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<b>",
        "</td>",
        "</title>",
        "<script>",
        "<!--",
        "-->",
        "]]>",
        "&amp;",
        "&",
        "\"",
        "'",
        "=1+1",
        "+1",
        "-1",
        "@a",
        "|",
        ",",
        ";",
        "\n",
        "\r\n",
        "\t",
        "\\",
        "\u{1b}[31m",
        "\u{202e}",
        "\u{0}",
        "{{",
        "%s",
        "Tee",
    ]);
    let pieces = prop::collection::vec(pieces, 1..6).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => pieces, 1 => "\\PC{0,40}"]
}

/// What a spreadsheet makes of it.
fn cells(sheet: &str) -> Vec<Vec<String>> {
    let mut records = csv::Reader::from_reader(sheet.as_bytes());
    let cells = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    records.records().map(|record| cells(record.unwrap())).collect()
}

proptest! {
    #[test]
    fn any_words_and_amounts_can_be_shown(
        words in words(),
        amounts in prop::collection::vec((any::<u32>(), prop::sample::select(vec!["usd", "jpy", "kwd"]), 0_u64..300_000_000), 1..20),
    ) {
        let of_words = |words: &str| {
            let rows: Vec<Row> = amounts.iter().enumerate().map(|(at, (amount, code, ago))| Row {
                amount: u64::from(*amount) * 1_000_000,
                currency: Currency::parse(code).unwrap(),
                id: RefundId::from_stripe(format!("re_{at}")),
                created: NOVEMBER - ago,
                ..named(words)
            }).collect();
            of(&rows)
        };
        let (given, plain) = (of_words(&words), of_words("Tee"));
        // A blank word is none: its lines are called otherwise.
        prop_assume!(!words.trim().is_empty());
        // Words add no markup to a page, no row or cell to a sheet, no line and no control character to a
        // table; JSON gives them back.
        let tags = |page: &str| page.matches('<').count();
        let page = text(&given, Format::Html);
        prop_assert_eq!(tags(&page), tags(&text(&plain, Format::Html)));
        let shape = |sheet: &str| cells(sheet).iter().map(Vec::len).collect::<Vec<_>>();
        let sheet = text(&given, Format::Csv);
        prop_assert_eq!(shape(&sheet), shape(&text(&plain, Format::Csv)));
        for cell in cells(&sheet).concat() {
            prop_assert!(!cell.starts_with(['=', '@', '\t', '\r']), "{:?}", cell);
        }
        let table = text(&given, Format::Table);
        let is_odd = |c: char| c.is_control() && c != '\n';
        prop_assert!(!table.contains(is_odd), "{:?}", table);
        prop_assert_eq!(table.lines().count(), text(&plain, Format::Table).lines().count());
        let json: serde_json::Value = serde_json::from_str(&text(&given, Format::Json)).unwrap();
        prop_assert_eq!(json["rows"].as_u64(), Some(amounts.len() as u64));
    }
}
