//! Sinks out of a TOML document.
//!
//! ```toml
//! [follow_ups]                         # when a refund has a consequence; may be left out
//! revoke_access = "full"               # or any, never
//! cancel_subscription = "never"
//! reference_keys = ["order_id"]        # metadata that name an order
//!
//! [[sink]]
//! name = "shop"                        # messages refer to it
//! kind = "http"
//! url = "https://shop.example/hooks"
//! secret_file = "shop.secret"          # or secret_env; one whsec_… a line, two during a roll
//! follow_ups = ["revoke-access", "keep-access"]   # all of them when left out
//! timeout_seconds = 15
//! concurrency = 4
//!
//! [[sink]]
//! name = "orders"
//! kind = "command"
//! command = ["/usr/local/bin/update-order", "--json"]
//!
//! [[sink]]
//! name = "customers"
//! kind = "smtp"
//! host = "smtp.example"
//! port = 465
//! security = "tls"                     # or starttls, or none on loopback
//! user = "shop"
//! secret_file = "smtp.password"        # or secret_env
//! from = "Shop <refunds@shop.example>"
//! to = ["ops@shop.example"]            # the customer when left out
//! templates = "mails"
//! ```
//!
//! Paths are relative to the document. A secret is never in it: it ends up in backups and repositories.

use std::collections::HashSet;
use std::path::Path;

use refund_core::followups::{FollowUp, Options};
use refund_core::problem::{FieldProblem, Problems};
use toml::{Table, Value};

use crate::message::Message;
use crate::sink::Sink;

mod fields;
mod target;

use fields::Fields;

/// Every sink, and which follow-ups there are to deliver.
#[derive(Debug, Default)]
pub struct Sinks {
    all: Vec<Sink>,
    options: Options,
}

/// The document cannot be used: everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct ConfigError(pub Vec<FieldProblem>);

impl Sinks {
    /// Reads a document from a file.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            ConfigError(vec![FieldProblem::new(
                "sinks",
                file.display(),
                format!("cannot be read: {error}"),
                "name a TOML document with [[sink]] tables",
            )])
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder, &|name| std::env::var(name).ok())
    }

    /// Reads a document; relative paths begin at the folder, variables are looked up by the function.
    pub fn parse(
        text: &str,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut document: Table =
            text.parse().map_err(|error| ConfigError(vec![syntax(text, &error)]))?;
        let mut problems = Problems::default();
        let options = options(document.remove("follow_ups"), &mut problems);
        let mut names = HashSet::new();
        let mut all = Vec::new();
        for (index, table) in tables(document, &mut problems).into_iter().enumerate() {
            let mut fields = Fields::new(format!("sink[{index}]"), table, folder, variable);
            if let Some(sink) = target::read(&mut fields) {
                if !names.insert(sink.name.clone()) {
                    fields.problem("name", &sink.name, "is another sink's", "give each its own");
                }
                all.push(sink);
            }
            fields.finish(&mut problems);
        }
        problems.into_result().map(|()| Self { all, options }).map_err(ConfigError)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Sink> {
        self.all.iter()
    }

    /// Which follow-ups there are.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A message for each sink that wants a follow-up, due at once.
    pub fn route(&self, follow_up: &FollowUp, now: u64) -> Vec<Message> {
        let wanted = self.all.iter().filter(|sink| sink.wants(follow_up.task.kind()));
        wanted.map(|sink| Message::new(follow_up, &sink.name, now)).collect()
    }
}

impl From<Vec<Sink>> for Sinks {
    fn from(all: Vec<Sink>) -> Self {
        Self { all, options: Options::default() }
    }
}

impl<'a> IntoIterator for &'a Sinks {
    type Item = &'a Sink;
    type IntoIter = std::slice::Iter<'a, Sink>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn options(given: Option<Value>, problems: &mut Problems) -> Options {
    let Some(given) = given else { return Options::default() };
    given.try_into().unwrap_or_else(|error: toml::de::Error| {
        problems.push(FieldProblem::new(
            "follow_ups",
            "",
            format!("cannot be used: {}", error.message()),
            "there are revoke_access and cancel_subscription (full, any, never), only, and reference_keys",
        ));
        Options::default()
    })
}

fn tables(document: Table, problems: &mut Problems) -> Vec<Table> {
    let mut found = Vec::new();
    for (key, value) in document {
        match (key.as_str(), value) {
            ("sink", Value::Array(values)) if values.iter().all(Value::is_table) => {
                let table =
                    |value| if let Value::Table(table) = value { Some(table) } else { None };
                found.extend(values.into_iter().filter_map(table));
            }
            ("sink", _) => problems.push(FieldProblem::new(
                "sink",
                "",
                "is not a list of tables",
                "begin each sink with [[sink]]",
            )),
            _ => problems.push(FieldProblem::new(
                key,
                "",
                "is unknown",
                "leave it out: there are [follow_ups] and [[sink]] tables",
            )),
        }
    }
    found
}

/// Where it breaks, without the line itself: there may be a secret in it.
fn syntax(text: &str, error: &toml::de::Error) -> FieldProblem {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    FieldProblem::new(
        "sinks",
        "",
        format!("are no TOML: line {line}: {}", error.message().lines().next().unwrap_or_default()),
        "mend the document",
    )
}

#[cfg(test)]
mod tests;
