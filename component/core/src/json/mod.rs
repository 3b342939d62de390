//! Reading JSON with errors that name the field.
//!
//! Every text is read into a [`Tree`] first, which borrows from it, and decoded from there. One way in means one copy of
//! every decoder in the component, where size counts; and an error knows the path to its field. `serde_json::Value` and its
//! decoders in this place add 197 to 342 kB to the component.

mod decode;
mod tree;

use std::fmt;

use serde::de::DeserializeOwned;

pub(crate) use tree::Tree;

use self::decode::{Misfit, Node, Parts};

/// Why JSON could not be read.
#[derive(Debug)]
pub(crate) enum Error {
    /// It is not JSON.
    Syntax(String),
    /// A field has the wrong type or is missing.
    Field {
        /// For example `data.object.amount`; `.` for the whole.
        path: String,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(problem) => f.write_str(problem),
            Self::Field { path, problem } => write!(f, "{path}: {problem}"),
        }
    }
}

/// Reads a text.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    decode(&tree(text).map_err(Error::Syntax)?)
}

/// Reads a text whose shape is not known yet.
pub(crate) fn tree(text: &[u8]) -> Result<Tree<'_>, String> {
    // Checked once as a whole, every string in it need not be.
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Decodes a part of a text.
pub(crate) fn decode<T: DeserializeOwned>(tree: &Tree<'_>) -> Result<T, Error> {
    T::deserialize(Node(tree)).map_err(located)
}

#[cold]
#[inline(never)]
fn located(misfit: Misfit) -> Error {
    let Parts { path, problem } = misfit.into_parts();
    Error::Field { path: named(&path), problem }
}

/// The steps were taken down on the way out, so the last comes first.
fn named(path: &[String]) -> String {
    let mut text = String::new();
    for step in path.iter().rev() {
        if !text.is_empty() && !step.starts_with('[') {
            text.push('.');
        }
        text.push_str(step);
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its decoding is looked at")]
        items: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its decoding is looked at")]
    struct Inner {
        count: u64,
        name: Option<String>,
        kind: Kind,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only its decoding is looked at")]
    enum Kind {
        Plain,
        Boxed(Box<Inner>),
    }

    #[test]
    fn an_error_names_the_field_and_what_is_wrong() {
        for (text, path, problem) in [
            ("7", ".", "expected an object, not 7"),
            ("{}", ".", "missing field `items`"),
            (r#"{"items":{}}"#, "items", "expected a list, not an object"),
            (
                r#"{"items":[{"count":-1,"kind":"plain"}]}"#,
                "items[0].count",
                "expected a whole number from zero up, not -1",
            ),
            (
                r#"{"items":[{"count":1,"kind":"plain"},{"count":1.5,"kind":"plain"}]}"#,
                "items[1].count",
                "expected a whole number from zero up, not a fraction",
            ),
            (
                r#"{"items":[{"count":1,"name":true,"kind":"plain"}]}"#,
                "items[0].name",
                "expected a string, not true or false",
            ),
            (
                r#"{"items":[{"count":1,"kind":"odd"}]}"#,
                "items[0].kind",
                "`odd` is none of: plain, boxed",
            ),
            (
                r#"{"items":[{"count":1,"kind":{"boxed":{"count":1}}}]}"#,
                "items[0].kind.boxed",
                "missing field `kind`",
            ),
            (r#"{"items":[[]]}"#, "items[0]", "missing field `count`"),
            (r#"{"items":[],"colour":1}"#, "colour", "there is no field `colour`, only: items"),
            (r#"{"items":[],"items":[]}"#, ".", "duplicate field `items`"),
        ] {
            let error = read::<Outer>(text.as_bytes()).unwrap_err();
            let Error::Field { path: found, problem: told } = error else { panic!("{text}") };
            assert_eq!((found.as_str(), told.as_str()), (path, problem), "{text}");
        }
        assert!(matches!(read::<Outer>(b"{").unwrap_err(), Error::Syntax(_)));
        let fine = br#"{"items":[{"count":1,"name":null,"kind":"plain"}]}"#;
        assert!(read::<Outer>(fine).is_ok());
    }
}
