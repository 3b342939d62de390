//! The names of columns and fields.

use super::template::Template;

/// The names under which a payment may be given.
pub(super) const PAYMENTS: [&str; 3] = ["payment", "charge", "payment_intent"];

/// Names with a meaning.
const KNOWN: [&str; 8] =
    ["payment", "charge", "payment_intent", "amount", "minor", "currency", "operation", "reason"];

/// The columns of a header, in order; `None` for one that is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<Option<String>>);

/// What a name means, in one spelling; `None` for a name without a meaning.
pub(super) fn canonical(name: &str) -> Option<String> {
    let name = name.trim();
    if name.strip_prefix("metadata.").is_some_and(|key| !key.is_empty()) {
        return Some(name.to_owned());
    }
    let lower = name.to_ascii_lowercase().replace([' ', '-'], "_");
    let lower = if lower == "operation_id" { "operation".to_owned() } else { lower };
    KNOWN.contains(&lower.as_str()).then_some(lower)
}

/// What is wrong with a name that has no meaning, and what to do.
pub(super) fn unknown(name: &str, what: &str) -> String {
    if name.eq_ignore_ascii_case("approval") {
        return format!(
            "has a {what} `{name}`: an approval is the votes that the ledger recorded, not a value of a file. Remove it, run the file, and decide with `refund-node approvals approve`"
        );
    }
    format!(
        "has a {what} `{name}` that means nothing: name it metadata.{name} to keep it with the refund, or pass --ignore-unknown (known: {})",
        KNOWN.join(", ")
    )
}

impl Columns {
    /// Reads a header. Unknown names are refused, because a typing error in `amount` must not become
    /// "all of it"; a template's columns are known.
    pub fn read(
        header: impl IntoIterator<Item = impl AsRef<str>>,
        template: Option<&Template>,
        ignore_unknown: bool,
    ) -> Result<Self, String> {
        let mut columns: Vec<Option<String>> = Vec::new();
        for name in header {
            let name = name.as_ref().trim();
            let in_template =
                template.is_some_and(|template| template.columns().any(|one| one == name));
            let column = canonical(name).or_else(|| in_template.then(|| name.to_owned()));
            if column.is_none() && !ignore_unknown {
                return Err(unknown(name, "column"));
            }
            if column.is_some() && columns.contains(&column) {
                return Err(format!("has the column `{name}` twice: keep one of them"));
            }
            columns.push(column);
        }
        let columns = Self(columns);
        columns.check(template)?;
        Ok(columns)
    }

    fn check(&self, template: Option<&Template>) -> Result<(), String> {
        let has = |name: &str| self.0.iter().flatten().any(|column| column == name);
        if !PAYMENTS.iter().any(|name| has(name)) {
            return Err(
                "has no column payment (or charge, or payment_intent): say what to refund".into()
            );
        }
        if !has("amount") && !has("minor") {
            return Err("has no column amount: say how much, or `all` for what is left".into());
        }
        match template {
            None if !has("operation") => Err("has no column operation: give each line its own name for the refund, or a template for all of them with --operation-template".into()),
            Some(template) => match template.columns().find(|name| !has(name)) {
                Some(missing) => Err(format!("has no column {missing}, which --operation-template needs")),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The columns in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter().map(Option::as_deref)
    }
}
