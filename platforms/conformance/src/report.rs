//! The table: a case on each line, a platform in each column.

use std::fmt;

use comfy_table::Table;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use serde_json::{Value, json};

use crate::case::Case;
use crate::column::Column;

/// Digits of a digest that stand in the head.
const DIGITS: usize = "sha256:".len() + 12;

/// What all platforms made of the cases.
#[derive(Debug)]
pub struct Report {
    component: String,
    cases: Vec<String>,
    columns: Vec<Column>,
}

impl Report {
    /// Compares digests and manifests as well.
    pub(crate) fn new(
        component: String,
        manifest: Option<String>,
        cases: &[Case],
        mut columns: Vec<Column>,
    ) -> Self {
        let first = columns.iter().find_map(|column| Some(column.hello.as_ref()?.manifest.clone()));
        let manifest = manifest.or(first).unwrap_or_default();
        for column in &mut columns {
            let Some(hello) = &column.hello else { continue };
            for (what, found, expected) in
                [("component", &hello.digest, &component), ("manifest", &hello.manifest, &manifest)]
            {
                if found != expected {
                    column.problems.push(format!("the {what} is {found}, expected {expected}"));
                }
            }
        }
        let cases = cases.iter().map(|case| case.name.clone()).collect();
        Self { component, cases, columns }
    }

    /// Whether every column is.
    pub fn is_full(&self) -> bool {
        self.columns.iter().all(Column::is_full)
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let column = |column: &Column| {
            let cases = self.cases.iter().zip(&column.verdicts).map(|(case, verdict)| {
                json!({ "case": case, "ok": verdict.is_ok(), "problems": verdict.0 })
            });
            json!({
                "name": column.name, "runner": column.hello, "full": column.is_full(),
                "problems": column.problems, "cases": cases.collect::<Vec<_>>(),
            })
        };
        let platforms: Vec<_> = self.columns.iter().map(column).collect();
        json!({ "component": self.component, "full": self.is_full(), "platforms": platforms })
    }
}

impl Column {
    /// Whether nothing at all is wrong.
    pub fn is_full(&self) -> bool {
        self.problems.is_empty() && self.verdicts.iter().all(super::Verdict::is_ok)
    }

    /// Name, version, digest.
    fn head(&self) -> String {
        match &self.hello {
            Some(hello) => {
                let digest: String = hello.digest.chars().take(DIGITS).collect();
                format!("{}\n{}\n{digest}", self.name, hello.version)
            }
            None => format!("{}\n-\n-", self.name),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(UTF8_BORDERS_ONLY);
        table.set_header(
            std::iter::once("case".to_owned()).chain(self.columns.iter().map(Column::head)),
        );
        for (number, case) in self.cases.iter().enumerate() {
            let ok = |column: &Column| column.verdicts[number].is_ok();
            let cells = self.columns.iter().map(|one| if ok(one) { "ok" } else { "FAILED" });
            table.add_row(std::iter::once(case.as_str()).chain(cells));
        }
        writeln!(f, "{table}")?;
        for column in &self.columns {
            column.problems.iter().try_for_each(|one| writeln!(f, "{}: {one}", column.name))?;
            for (case, verdict) in self.cases.iter().zip(&column.verdicts) {
                verdict
                    .0
                    .iter()
                    .try_for_each(|one| writeln!(f, "{} / {case}: {one}", column.name))?;
            }
        }
        self.summary(f)
    }
}

impl Report {
    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.cases.len() * self.columns.len();
        let verdicts = self.columns.iter().flat_map(|column| &column.verdicts);
        let passed = verdicts.filter(|verdict| verdict.is_ok()).count();
        let full = self.columns.iter().filter(|column| column.is_full()).count();
        write!(
            f,
            "{passed} passed, {} failed; {full} of {} columns are full; component {}",
            all - passed,
            self.columns.len(),
            self.component
        )
    }
}
