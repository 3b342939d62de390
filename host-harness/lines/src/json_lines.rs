//! One JSON object a line.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::columns::{canonical, unknown};
use super::csv_lines::{Read, too_long};
use super::line::{Fields, InputError, shown};
use super::lines::Lines;
use super::template::Template;

/// Fields in which null is refused. It often comes from a variable that was empty by mistake.
const AMOUNTS: [&str; 3] = ["amount", "minor", "currency"];

pub(super) struct JsonLines<R> {
    lines: Lines<R>,
    /// Fields that a template needs; they may have any name.
    wanted: Vec<String>,
    ignore_unknown: bool,
}

impl<R: BufRead> JsonLines<R> {
    pub(super) fn new(lines: Lines<R>, template: Option<&Template>, ignore_unknown: bool) -> Self {
        let wanted = template.into_iter().flat_map(Template::columns).map(str::to_owned);
        Self { lines, wanted: wanted.collect(), ignore_unknown }
    }

    pub(super) fn next_fields(&mut self) -> Result<Read, InputError> {
        loop {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            let bytes = line.bytes.trim_ascii();
            if bytes.is_empty() {
                continue;
            }
            let fields = if line.too_long { Err(too_long()) } else { self.fields(bytes) };
            return Ok(Some((line.number, shown(&line.bytes), fields)));
        }
    }

    fn fields(&self, bytes: &[u8]) -> Result<Fields, String> {
        let object: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| {
            format!("is not a JSON object: {error} (one object a line, no array around them)")
        })?;
        let mut fields = Fields::new();
        for (name, value) in object {
            if name == "metadata" {
                metadata(value, &mut fields)?;
                continue;
            }
            let known =
                canonical(&name).or_else(|| self.wanted.contains(&name).then(|| name.clone()));
            match known {
                Some(known) => {
                    if value.is_null() && AMOUNTS.contains(&known.as_str()) {
                        return Err(format!(
                            "{known} is null: write \"amount\": \"all\" to refund everything that is left, or give an amount"
                        ));
                    }
                    if let Some(text) = text(&name, value)?
                        && fields.insert(known.clone(), text).is_some()
                    {
                        return Err(format!("has the field `{known}` twice: keep one of them"));
                    }
                }
                None if self.ignore_unknown => {}
                None => return Err(unknown(&name, "field")),
            }
        }
        Ok(fields)
    }
}

fn metadata(value: Value, fields: &mut Fields) -> Result<(), String> {
    match value {
        Value::Null => Ok(()),
        Value::Object(keys) => {
            for (key, value) in keys {
                if let Some(text) = text(&key, value)? {
                    fields.insert(format!("metadata.{key}"), text);
                }
            }
            Ok(())
        }
        _ => Err("metadata is not an object of texts".to_owned()),
    }
}

/// A number in `amount` may mean dollars or cents; only a person knows.
fn text(name: &str, value: Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) if name == "amount" => Err(format!(
            "amount `{number}` is a number: write \"amount\": \"{number}\" for a decimal of the currency, or \"minor\": {number} for its smallest unit"
        )),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(flag) => Ok(Some(flag.to_string())),
        other => Err(format!("{name} `{other}` is neither text nor number")),
    }
}
