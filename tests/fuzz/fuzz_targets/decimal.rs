//! Any text as an amount: what is read is written the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use refund_core::money::{Currency, Money};

const CURRENCIES: [&str; 6] = ["usd", "jpy", "bhd", "isk", "ugx", "huf"];

fuzz_target!(|input: (&str, u8)| {
    let (text, currency) = input;
    let code = CURRENCIES[usize::from(currency) % CURRENCIES.len()];
    let currency = Currency::parse(code).expect("a currency");
    if let Ok(money) = Money::parse_decimal(text, currency) {
        let written = money.to_string();
        let (decimal, _) = written.split_once(' ').expect("an amount and a currency");
        assert_eq!(Money::parse_decimal(decimal, currency), Ok(money), "{text} became {written}");
        // Ten times the digits is never the same amount.
        assert!(!text.contains(['-', ',', 'e', 'E', '_']), "{text}");
    }
});
