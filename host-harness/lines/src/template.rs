//! Operation ids made from the columns of a line.

use refund_core::problem::FieldProblem;

use super::line::Fields;

/// A text with columns in braces, such as `recall-7-{payment}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Column(String),
}

impl Template {
    /// Reads a template. One without any column would give every line the same id.
    pub fn parse(text: &str) -> Result<Self, FieldProblem> {
        let problem = |problem: &str| {
            Err(FieldProblem::new(
                "operation-template",
                text,
                problem.to_owned(),
                "write it like recall-7-{payment}, with columns that differ from line to line",
            ))
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((column, after)) = behind.split_once('}') else {
                return problem("has a brace that is not closed");
            };
            if column.is_empty() || column.contains('{') {
                return problem("has braces without a column in them");
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Column(column.to_owned()));
            rest = after;
        }
        if parts.is_empty() {
            return problem("names no column");
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The columns it needs.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Column(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The id of a line.
    pub(super) fn fill(&self, fields: &Fields) -> Result<String, FieldProblem> {
        let mut id = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => id.push_str(text),
                Part::Column(name) => {
                    let value = fields.get(name).map(|value| value.trim()).unwrap_or_default();
                    if value.is_empty() {
                        return Err(FieldProblem::missing(
                            name,
                            "the operation id is made from it: fill it in",
                        ));
                    }
                    id.push_str(value);
                }
            }
        }
        Ok(id)
    }
}
