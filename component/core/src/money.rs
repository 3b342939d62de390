//! Money: whole numbers of a currency's smallest unit, and how people type them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::problem::FieldProblem;

/// Largest amount of one refund: charges have at most eight digits in most currencies, and twelve
/// hold for all (reference 6). Above it, sums over a hundred refunds of one charge stay far from
/// overflow.
pub const MAX_AMOUNT: u64 = 999_999_999_999;

/// A currency code: three lower-case letters. Unknown codes are allowed; they have two decimals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// How a currency is written (reference 6).
struct Rule {
    codes: &'static [&'static str],
    /// Digits after the point.
    decimals: u32,
    /// Every amount is a multiple of this many smallest units.
    step: u64,
}

/// The exceptions; every other currency has two decimals and a step of one. Sources disagree on `ugx`:
/// it is on Stripe's zero-decimal list, and yet sent with two decimals that must be 00.
const RULES: &[Rule] = &[
    Rule {
        codes: &[
            "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv",
            "xaf", "xof", "xpf",
        ],
        decimals: 0,
        step: 1,
    },
    Rule { codes: &["bhd", "jod", "kwd", "omr", "tnd"], decimals: 3, step: 10 },
    Rule { codes: &["isk", "ugx"], decimals: 2, step: 100 },
];

const USUAL: Rule = Rule { codes: &[], decimals: 2, step: 1 };

impl Currency {
    /// Reads a code in any case.
    pub fn parse(text: &str) -> Result<Self, FieldProblem> {
        let bytes: Option<[u8; 3]> = text.as_bytes().try_into().ok();
        match bytes {
            Some(bytes) if bytes.iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self(bytes.map(|b| b.to_ascii_lowercase())))
            }
            _ => Err(FieldProblem::new(
                "currency",
                text,
                "is not a currency code",
                "give three letters, for example `usd`",
            )),
        }
    }

    /// The code, in lower case.
    pub fn as_str(&self) -> &str {
        // Only ASCII letters are ever stored, so this never falls back.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Digits after the point: 2 for most, 0 for yen, 3 for dinars.
    pub fn decimals(self) -> u32 {
        self.rule().decimals
    }

    /// Amounts are multiples of this: 10 for three-decimal currencies, 100 for `isk` and `ugx`.
    pub fn step(self) -> u64 {
        self.rule().step
    }

    fn rule(self) -> &'static Rule {
        RULES.iter().find(|rule| rule.codes.contains(&self.as_str())).unwrap_or(&USUAL)
    }
}

impl FromStr for Currency {
    type Err = FieldProblem;

    fn from_str(text: &str) -> Result<Self, FieldProblem> {
        Self::parse(text)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z]{3}$",
            "description": "ISO 4217 code, for example `usd`.",
        })
    }
}

/// An amount in the smallest unit of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Money {
    /// Cents, yen, fils.
    pub amount: u64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// Reads what people type: a decimal of the currency, `25.00` dollars or `500` yen.
    ///
    /// Refused: signs, separators, exponents, more decimals than the currency has, and amounts that
    /// are not a multiple of the currency's step.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, FieldProblem> {
        let decimals = currency.decimals() as usize;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || text.ends_with('.') {
            return Err(not_an_amount(text, currency));
        }
        if fraction.len() > decimals {
            return Err(FieldProblem::new(
                "amount",
                text,
                format!("has more decimals than {currency} has"),
                format!("write it like {}", example(currency)),
            ));
        }
        let padded = format!("{whole}{fraction:0<decimals$}");
        let amount = padded.parse().map_err(|_| too_large(text))?;
        let money = Self { amount, currency };
        money.check_input("amount").map(|()| money)
    }

    /// The amount as a decimal of its currency, as [`Money::parse_decimal`] reads it.
    pub fn decimal(self) -> String {
        let decimals = self.currency.decimals();
        if decimals == 0 {
            return self.amount.to_string();
        }
        let unit = 10_u64.pow(decimals);
        let (whole, fraction) = (self.amount / unit, self.amount % unit);
        format!("{whole}.{fraction:0width$}", width = decimals as usize)
    }

    /// Checks an amount somebody wants to refund: above zero, below the largest, a multiple of the
    /// currency's step.
    pub fn check_input(self, field: &str) -> Result<(), FieldProblem> {
        let step = self.currency.step();
        if self.amount == 0 {
            return Err(FieldProblem::new(
                field,
                0,
                "is zero",
                "give an amount above zero, or leave it out to refund everything",
            ));
        }
        if self.amount > MAX_AMOUNT {
            return Err(too_large(self.amount).at(field));
        }
        if !self.amount.is_multiple_of(step) {
            return Err(FieldProblem::new(
                field,
                self.amount,
                format!("is not a multiple of {step}, which Stripe wants for {}", self.currency),
                format!("round it to a multiple of {step}"),
            ));
        }
        Ok(())
    }
}

fn not_an_amount(text: &str, currency: Currency) -> FieldProblem {
    FieldProblem::new(
        "amount",
        text,
        "is not an amount",
        format!("write digits only, without sign, separator or symbol, like {}", example(currency)),
    )
}

fn too_large(value: impl fmt::Display) -> FieldProblem {
    FieldProblem::new(
        "amount",
        value,
        "is larger than any charge can be",
        "check the number of digits",
    )
}

fn example(currency: Currency) -> String {
    let amount =
        if currency.decimals() == 0 { 2500 } else { 2500 * 10_u64.pow(currency.decimals() - 2) };
    Money { amount, currency }.to_string()
}

/// As a decimal of the currency, with its code: `12.50 usd`, `500 jpy`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::property;

    fn parse(text: &str, currency: &str) -> Result<u64, FieldProblem> {
        Money::parse_decimal(text, Currency::parse(currency)?).map(|money| money.amount)
    }

    #[test]
    fn decimals_follow_the_currency() {
        for (text, currency, amount) in [
            ("25.00", "usd", 2500),
            ("25", "USD", 2500),
            ("0.5", "eur", 50),
            ("0.01", "usd", 1),
            ("500", "jpy", 500),
            ("1.230", "kwd", 1230),
            ("1.2", "kwd", 1200),
            ("100.00", "isk", 10000),
            ("7", "ugx", 700),
            ("007.10", "chf", 710),
        ] {
            assert_eq!(parse(text, currency), Ok(amount), "{text} {currency}");
        }
    }

    #[test]
    fn bad_amounts_are_refused() {
        for (text, currency) in [
            ("", "usd"),
            (".5", "usd"),
            ("5.", "usd"),
            ("-5", "usd"),
            ("+5", "usd"),
            ("1,000.00", "usd"),
            ("1e3", "usd"),
            ("0x10", "usd"),
            ("1 000", "usd"),
            ("$5", "usd"),
            ("١", "usd"),
            ("NaN", "usd"),
            ("1.234", "usd"),
            ("1.000", "usd"),
            ("500.00", "jpy"),
            ("500.0", "jpy"),
            ("1.234", "kwd"),
            ("1.50", "isk"),
            ("0", "usd"),
            ("0.00", "usd"),
            ("99999999999999999999", "usd"),
            ("10000000000.00", "usd"),
        ] {
            let problem = parse(text, currency).unwrap_err();
            assert_eq!(problem.field, "amount", "{text} {currency}");
        }
        assert!(parse("5", "dollars").is_err());
    }

    #[test]
    fn the_table_has_no_currency_twice() {
        let mut codes: Vec<_> = RULES.iter().flat_map(|rule| rule.codes).collect();
        let all = codes.len();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(
            amount in 1..=MAX_AMOUNT,
            currency in prop::sample::select(vec!["usd", "jpy", "kwd", "isk", "ugx", "zzz"]),
        ) {
            let currency = Currency::parse(currency).unwrap();
            let money = Money { amount: amount.div_ceil(currency.step()) * currency.step(), currency };
            prop_assume!(money.amount <= MAX_AMOUNT);
            let shown = money.to_string();
            let number = shown.split(' ').next().unwrap();
            prop_assert_eq!(Money::parse_decimal(number, currency), Ok(money));
        }
    }

    #[test]
    fn an_amount_is_digits_and_a_point_that_fit_the_currency() {
        let noise = prop::sample::select(vec![
            "-", "+", " ", ",", ".", "e", "_", "'", "\u{661}", "\u{a0}", "$", "\0", "x",
        ]);
        let noise = || prop_oneof![9 => Just(""), 1 => noise.clone()];
        // The largest amount has twelve digits, whatever the currency.
        let largest = "(9{9}|9{10}|9{12}|10{9}|10{10}|10{12})";
        let wholes = prop_oneof![
            4 => "[0-9]{1,6}",
            2 => "[0-9]{1,4}00",
            2 => "0{0,3}",
            1 => "9{8,21}",
            2 => largest,
        ];
        let fractions = prop_oneof![
            4 => "(|[.])",
            3 => "[.][0-9]{1,4}",
            3 => "[.]0{1,3}",
            1 => "[.](99|999|990)",
            1 => "([.][.]|,|\u{ff0e})[0-9]{2}",
        ];
        let currencies = prop::sample::select(vec!["usd", "jpy", "kwd", "isk", "ugx", "zzz"]);
        let texts = (noise(), wholes, noise(), fractions, noise(), currencies);
        let branches =
            ["an amount", "no number", "too many decimals", "zero", "too large", "no step"];
        property(&texts, branches, |(before, whole, between, fraction, after, code), reached| {
            let text = format!("{before}{whole}{between}{fraction}{after}");
            let currency = Currency::parse(code).unwrap();
            let (decimals, step) = match code {
                "jpy" => (0, 1),
                "kwd" => (3, 10),
                "isk" | "ugx" => (2, 100),
                _ => (2, 1),
            };
            let (digits, fraction) = match text.split('.').collect::<Vec<_>>()[..] {
                [whole] => (whole, Some("")),
                [whole, fraction] if !fraction.is_empty() => (whole, Some(fraction)),
                _ => ("", None),
            };
            let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
            let number = fraction
                .filter(|fraction| !digits.is_empty() && is_number(digits) && is_number(fraction));
            let expected = number.map(|fraction| {
                let scaled = 10_u128.pow(decimals);
                let part = |text: &str| {
                    text.bytes().fold(0, |sum, digit| sum * 10 + u128::from(digit - b'0'))
                };
                let fits = fraction.len() <= decimals as usize;
                let missing = decimals.saturating_sub(u32::try_from(fraction.len()).unwrap());
                (fits, part(digits) * scaled + part(fraction) * 10_u128.pow(missing))
            });
            let (is_amount, branch) = match expected {
                None => (false, "no number"),
                Some((false, _)) => (false, "too many decimals"),
                Some((_, 0)) => (false, "zero"),
                Some((_, amount)) if amount > 999_999_999_999 => (false, "too large"),
                Some((_, amount)) if amount % step != 0 => (false, "no step"),
                Some(_) => (true, "an amount"),
            };
            reached.note(branch);
            let found = Money::parse_decimal(&text, currency);
            prop_assert_eq!(found.is_ok(), is_amount, "{:?} {}", text, code);
            if let (Ok(found), Some((_, amount))) = (found, expected) {
                prop_assert_eq!(u128::from(found.amount), amount);
            }
            Ok(())
        });
    }
}
