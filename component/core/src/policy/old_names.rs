//! Names that terms had in earlier versions.

use crate::problem::FieldProblem;

/// Each with what is written instead.
const OLD_NAMES: [(&str, &str); 4] = [
    ("maximum", "`never_above`, for example {\"usd\": \"50.00\"}"),
    ("approval_above", "`approve_up_to`, for example {\"usd\": \"50.00\"}"),
    ("metadata_conditions", "`required_metadata`, for example {\"plan\": [\"pro\"]}"),
    ("block_fraud_flagged", "`fraud`: write \"deny\" for true"),
];

/// The problem of a field with an old name; `None` for any other problem.
pub(crate) fn old_name(field: &str, problem: &str) -> Option<FieldProblem> {
    let (unknown, expected) = problem.strip_prefix("unknown field `")?.split_once('`')?;
    // Terms are expected, not another object with a field of this name.
    if !expected.contains("`never_above`") {
        return None;
    }
    let (_, now) = OLD_NAMES.iter().find(|(old, _)| *old == unknown)?;
    let fix = "use the word of policy documents";
    Some(FieldProblem::new(field, "", format!("is called {now}"), fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Terms;

    #[test]
    fn an_old_name_is_answered_with_the_new_one() {
        for (old, _) in OLD_NAMES {
            let error = serde_json::from_str::<Terms>(&format!("{{\"{old}\":1}}")).unwrap_err();
            let found = old_name(&format!("policy.{old}"), &error.to_string()).unwrap();
            assert!(found.problem.starts_with("is called `"), "{found}");
        }
        assert_eq!(
            old_name("connection.maximum", "unknown field `maximum`, expected `account`"),
            None
        );
        assert_eq!(old_name("policy.x", "unknown field `x`, expected `never_above`"), None);
    }
}
