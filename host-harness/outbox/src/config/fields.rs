//! The fields of one sink, taken one by one; every problem is noted, and what nobody took is unknown.

use std::fmt;
use std::path::{Path, PathBuf};

use refund_core::problem::{FieldProblem, Problems};
use refund_core::secret::Secret;
use toml::{Table, Value};
use zeroize::Zeroizing;

/// Names under which people put secrets where none belong.
const SECRETS: [&str; 7] = ["secret", "secrets", "password", "pass", "key", "token", "api_key"];

pub(super) struct Fields<'a> {
    /// Where the sink is in the document, such as `sink[0]`.
    place: String,
    table: Table,
    folder: &'a Path,
    variable: &'a dyn Fn(&str) -> Option<String>,
    /// What was asked for, and so is known.
    known: Vec<&'static str>,
    problems: Problems,
}

/// A problem that was noted.
pub(super) struct Noted;

impl<'a> Fields<'a> {
    pub(super) fn new(
        place: String,
        table: Table,
        folder: &'a Path,
        variable: &'a dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self { place, table, folder, variable, known: Vec::new(), problems: Problems::default() }
    }

    pub(super) fn problem(
        &mut self,
        field: &str,
        value: impl fmt::Display,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let field = format!("{}.{field}", self.place);
        self.problems.push(FieldProblem::new(field, value, problem, fix));
    }

    /// Problems that somebody else found, in the words of this document.
    pub(super) fn problems(&mut self, field: &str, found: Vec<FieldProblem>) {
        for problem in found {
            self.problems.push(problem.at(format!("{}.{field}", self.place)));
        }
    }

    fn take(&mut self, field: &'static str) -> Option<Value> {
        self.known.push(field);
        self.table.remove(field)
    }

    pub(super) fn text(&mut self, field: &'static str) -> Option<String> {
        match self.take(field)? {
            Value::String(text) if !text.trim().is_empty() => Some(text),
            _ => {
                self.problem(field, "", "is not a text, or empty", "put a text in quotes");
                None
            }
        }
    }

    pub(super) fn needed(&mut self, field: &'static str, fix: &str) -> Option<String> {
        if !self.table.contains_key(field) {
            self.problem(field, "", "is missing", fix);
        }
        self.text(field)
    }

    pub(super) fn texts(&mut self, field: &'static str) -> Vec<String> {
        let Some(value) = self.take(field) else { return Vec::new() };
        let list = match value {
            Value::Array(values) if !values.is_empty() => {
                values.into_iter().map(|one| one.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        if list.is_none() {
            let fix = "put texts in brackets, or leave it out";
            self.problem(field, "", "is not a list of texts, or empty", fix);
        }
        list.unwrap_or_default()
    }

    pub(super) fn number(&mut self, field: &'static str, usual: u32, most: u32) -> u32 {
        let Some(value) = self.take(field) else { return usual };
        let given = value.as_integer();
        match given.and_then(|number| u32::try_from(number).ok()) {
            Some(number) if (1..=most).contains(&number) => number,
            _ => {
                let shown = given.map(|number| number.to_string()).unwrap_or_default();
                let fix = format!("give a whole number from 1 to {most}");
                self.problem(field, shown, "is no number in range", fix);
                usual
            }
        }
    }

    pub(super) fn path(&mut self, field: &'static str) -> Option<PathBuf> {
        self.text(field).map(|path| self.folder.join(path))
    }

    /// A program: a bare name is looked for in `PATH`, everything else begins at the document.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        let bare = Path::new(name).components().count() == 1 && !name.starts_with('.');
        if bare { name.into() } else { self.folder.join(name) }
    }

    /// What `secret_file` or `secret_env` names; `None` where there is neither.
    pub(super) fn secret(&mut self) -> Result<Option<Secret>, Noted> {
        let (file, name) = (self.path("secret_file"), self.text("secret_env"));
        let text = match (file, name) {
            (None, None) => return Ok(None),
            (Some(file), None) => self.secret_in(&file)?,
            (None, Some(name)) => self.secret_called(&name)?,
            (Some(_), Some(_)) => {
                let fix = "give secret_file or secret_env";
                self.problem("secret_env", "", "is given beside secret_file", fix);
                return Err(Noted);
            }
        };
        Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']))))
    }

    fn secret_in(&mut self, file: &Path) -> Result<Zeroizing<String>, Noted> {
        std::fs::read_to_string(file).map(Zeroizing::new).map_err(|error| {
            let problem = format!("cannot be read: {error}");
            self.problem("secret_file", file.display(), problem, "name a file that you can read");
            Noted
        })
    }

    fn secret_called(&mut self, name: &str) -> Result<Zeroizing<String>, Noted> {
        (self.variable)(name).map(Zeroizing::new).ok_or_else(|| {
            self.problem("secret_env", name, "is not set", "set the variable");
            Noted
        })
    }

    /// Notes what nobody asked for, and hands over all problems.
    pub(super) fn finish(mut self, all: &mut Problems) {
        let unknown: Vec<_> = self.table.keys().cloned().collect();
        for key in unknown {
            if SECRETS.contains(&key.as_str()) {
                let fix = "name a file in secret_file or a variable in secret_env, and change the secret: it was written down";
                self.problem(&key, "", "is a secret in the document", fix);
            } else {
                let fix = format!("there are {}", self.known.join(", "));
                self.problem(&key, "", "is unknown here", fix);
            }
        }
        all.keep_all(self.problems.into_result());
    }
}
