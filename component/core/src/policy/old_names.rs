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
    // As `json` says it.
    let (unknown, known) = problem.strip_prefix("there is no field `")?.split_once('`')?;
    // Terms are expected, not another object with a field of this name.
    if !known.contains("never_above") {
        return None;
    }
    let (_, now) = OLD_NAMES.iter().find(|(old, _)| *old == unknown)?;
    let fix = "use the word of policy documents";
    Some(FieldProblem::new(field, "", format!("is called {now}"), fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use crate::policy::Terms;

    #[test]
    fn an_old_name_is_answered_with_the_new_one() {
        for (old, now) in OLD_NAMES {
            let text = format!("{{\"{old}\":1}}");
            let Err(json::Error::Field { path, problem }) = json::read::<Terms>(text.as_bytes())
            else {
                panic!("{text} was read");
            };
            let found = old_name(&path, &problem).unwrap();
            assert_eq!((found.field.as_str(), found.problem), (old, format!("is called {now}")));
        }
        let unknown = "there is no field `maximum`, only: account";
        assert_eq!(old_name("connection.maximum", unknown), None);
        assert_eq!(old_name("policy.x", "there is no field `x`, only: never_above"), None);
    }
}
