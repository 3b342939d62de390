//! Values of credits, as they are typed and shown.

use refund_app::{Connection, WasmComponent};
use refund_core::credits::Span;
use refund_core::money::{Currency, Money};
use serde::de::value::Error;
use serde::de::{DeserializeOwned, IntoDeserializer};

use crate::args::Global;
use crate::context::pure;
use crate::exit::Exit;
use crate::instants;

/// A component that reaches nothing.
pub(super) fn component(global: &Global) -> anyhow::Result<WasmComponent> {
    Ok(WasmComponent::new(pure(global)?, Connection::default()))
}

pub(super) fn currency(code: &str) -> anyhow::Result<Currency> {
    Currency::parse(code).map_err(Exit::bad_input)
}

/// A decimal of the currency.
pub(super) fn money(flag: &str, text: &str, currency: Currency) -> anyhow::Result<Money> {
    Money::parse_decimal(text, currency).map_err(|problem| Exit::bad_input(problem.at(flag)))
}

pub(super) fn optional(flag: &str, text: Option<&str>, currency: Currency) -> anyhow::Result<u64> {
    text.map_or(Ok(0), |text| Ok(money(flag, text, currency)?.amount))
}

pub(super) fn span(flag: &str, text: &str) -> anyhow::Result<Span> {
    let (start, end) = instants::span(flag, text).map_err(Exit::bad_input)?;
    Ok(Span { start, end })
}

/// A word of the contract, as it is typed: `half-up`.
pub(super) fn word<T: DeserializeOwned>(typed: &str) -> Result<T, Error> {
    T::deserialize(typed.replace('-', "_").into_deserializer())
}

pub(super) fn row(name: &str, value: String) -> [String; 2] {
    [name.to_owned(), value]
}

/// `2026-11-01 00:00 UTC to 2026-12-01 00:00 UTC`
pub(super) fn stretch(span: Span) -> String {
    format!("{} to {}", instants::show(span.start), instants::show(span.end))
}

/// Seconds for people: `1h 30m`.
pub(super) fn time(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    format!("{:#}", jiff::SignedDuration::from_secs(seconds))
}
