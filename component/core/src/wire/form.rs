//! `application/x-www-form-urlencoded`, as the official libraries write it (reference 4).

use std::fmt::{Display, Write};

/// Parameters in the order they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `name=value`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds `name=value` if there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds `name[key]=value` for each pair.
    #[must_use]
    pub fn with_map<'a>(
        mut self,
        name: &str,
        pairs: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Self {
        for (key, value) in pairs {
            self.0.push((format!("{name}[{key}]"), value.clone()));
        }
        self
    }

    /// Adds `name[0]=…`, `name[1]=…`; nothing for an empty list, as the libraries do.
    #[must_use]
    pub fn with_list<'a>(mut self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        for (index, value) in values.into_iter().enumerate() {
            self.0.push((format!("{name}[{index}]"), value.to_owned()));
        }
        self
    }

    /// As a request body: square brackets stay raw, as in both libraries.
    pub fn body(&self) -> String {
        self.encode(true)
    }

    /// As a query string without the question mark: brackets are escaped, since a URL may not hold
    /// them raw.
    pub fn query(&self) -> String {
        self.encode(false)
    }

    fn encode(&self, raw_brackets: bool) -> String {
        let mut text = String::new();
        for (name, value) in &self.0 {
            if !text.is_empty() {
                text.push('&');
            }
            escape(name, raw_brackets, &mut text);
            text.push('=');
            escape(value, raw_brackets, &mut text);
        }
        text
    }
}

/// Percent-encodes the UTF-8 bytes; a space becomes `%20`, as stripe-node writes it.
fn escape(text: &str, raw_brackets: bool, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b'[' | b']' if raw_brackets => out.push(char::from(byte)),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_maps_and_absence() {
        let pairs = [("b".to_owned(), "1 2".to_owned())];
        let form = Form::new()
            .with("a", 5)
            .with_some("n", None::<&str>)
            .with_map("m", pairs.iter().map(|(k, v)| (k, v)))
            .with_list("expand", ["x", "y"])
            .with_list("none", []);
        assert_eq!(form.body(), "a=5&m[b]=1%202&expand[0]=x&expand[1]=y");
        assert_eq!(form.query(), "a=5&m%5Bb%5D=1%202&expand%5B0%5D=x&expand%5B1%5D=y");
    }
}
