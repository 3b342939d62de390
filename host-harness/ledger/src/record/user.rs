//! User names: requester and approver must differ, so one person must have one spelling.

use std::fmt;

use refund_core::problem::FieldProblem;
use serde::{Deserialize, Serialize};

/// A user name in its one canonical form: lower-case ASCII without blanks at either end.
///
/// Only ASCII, because two names that look alike (a Cyrillic `а`, an accent in two spellings) would let one
/// person be requester and approver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserName(String);

const UNKNOWN: &str = "unknown";

impl UserName {
    /// Longest name, in characters.
    pub const MAX_CHARS: usize = 100;

    /// Reads a name as people type it: blanks at either end and upper case do not make another person.
    ///
    /// # Errors
    /// When it is empty, too long, or has a character outside of visible ASCII.
    pub fn parse(text: &str) -> Result<Self, FieldProblem> {
        let problem = |problem: &str, fix: &str| {
            let shown: String = text.chars().flat_map(char::escape_default).collect();
            Err(FieldProblem::new("name", shown, problem.to_owned(), fix.to_owned()))
        };
        let name = text.trim();
        if name.is_empty() {
            return problem("is empty", "give a user name: it is recorded in the audit log");
        }
        if name.eq_ignore_ascii_case(UNKNOWN) {
            return problem("is what is recorded where no name is known", "give another user name");
        }
        if name.chars().count() > Self::MAX_CHARS {
            return problem("is longer than 100 characters", "give a shorter user name");
        }
        if !name.chars().all(|c| c.is_ascii_graphic() || c == ' ') || name.contains("  ") {
            return problem(
                "contains a character outside of visible ASCII, or two blanks in a row",
                "use letters, digits and punctuation: names that only look alike would be two users",
            );
        }
        Ok(Self(name.to_ascii_lowercase()))
    }

    /// A name that an earlier version stored: compared in the canonical form, however it was spelled.
    pub fn stored(text: &str) -> Self {
        Self(text.trim().to_lowercase())
    }

    /// The name that is recorded where the caller gave none.
    pub fn unknown() -> Self {
        Self(UNKNOWN.to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_spelling() {
        let dave = UserName::parse("dave").unwrap();
        for same in ["dave ", " dave", "Dave", "DAVE", "\tdave\n"] {
            assert_eq!(UserName::parse(same).unwrap(), dave, "{same:?}");
            assert_eq!(UserName::stored(same), dave, "{same:?}");
        }
        for refused in [
            "",
            " ",
            "d\u{430}ve",
            "dav\u{e9}",
            "da\u{200b}ve",
            "a  b",
            "a\u{1b}[31m",
            "a\u{0}",
            "Unknown",
        ] {
            assert!(UserName::parse(refused).is_err(), "{refused:?}");
        }
        assert_eq!(UserName::parse("Ann Lee").unwrap().as_str(), "ann lee");
    }

    #[test]
    fn a_refused_name_is_shown_without_its_control_characters() {
        let problem = UserName::parse("a\u{1b}[31m").unwrap_err();
        assert!(!problem.to_string().contains('\u{1b}'), "{problem}");
    }
}
