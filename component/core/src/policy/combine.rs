//! The failures of several rules as one list: of two failures of one kind the stricter stays.

use crate::eligibility::FailedRule;

/// Adds a failure, unless the list holds one of its kind that is at least as strict. Replaces one that is less strict.
pub(super) fn add(failed: &mut Vec<FailedRule>, new: FailedRule) {
    match failed.iter_mut().find_map(|known| Some((is_as_strict(known, &new)?, known))) {
        None => failed.push(new),
        Some((false, known)) => *known = new,
        Some((true, _)) => {}
    }
}

/// Whether a failure is at least as strict as another one; `None` if they are of two kinds.
fn is_as_strict(known: &FailedRule, new: &FailedRule) -> Option<bool> {
    use FailedRule as Failed;
    match (known, new) {
        (
            Failed::OutsideWindow { limit_days: known, .. },
            Failed::OutsideWindow { limit_days: new, .. },
        )
        | (Failed::AttemptLimit { limit: known, .. }, Failed::AttemptLimit { limit: new, .. }) => {
            Some(known <= new)
        }
        (Failed::NeverAbove { limit: known, .. }, Failed::NeverAbove { limit: new, .. })
        | (Failed::ApproveUpTo { limit: known, .. }, Failed::ApproveUpTo { limit: new, .. }) => {
            Some(known <= new)
        }
        (Failed::BelowMinimum { limit: known, .. }, Failed::BelowMinimum { limit: new, .. })
        | (
            Failed::AboveDeductions { deducted: known, .. },
            Failed::AboveDeductions { deducted: new, .. },
        ) => Some(known >= new),
        (
            Failed::SecondApproval { approvals, limit, .. },
            Failed::SecondApproval { approvals: more, limit: lower, .. },
        ) => Some((approvals, lower) >= (more, limit)),
        // The reasons that every rule allows are found afterwards.
        (Failed::ReasonNotAllowed { .. }, Failed::ReasonNotAllowed { .. }) => Some(true),
        (Failed::RuleDenies { cause: known, .. }, Failed::RuleDenies { cause: new, .. })
        | (Failed::RuleAsks { cause: known, .. }, Failed::RuleAsks { cause: new, .. })
            if known == new =>
        {
            Some(true)
        }
        _ => (known == new).then_some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eligibility::Cause;

    #[test]
    fn of_two_of_one_kind_the_stricter_stays() {
        let ask = |by: &str, cause| FailedRule::RuleAsks { by: by.into(), cause };
        let several =
            |approvals, limit| FailedRule::SecondApproval { requested: 9, limit, approvals };
        let window = |limit_days| FailedRule::OutsideWindow { age_days: 9, limit_days };
        for (strict, lax) in [
            (window(3), window(4)),
            (
                FailedRule::AttemptLimit { made: 9, limit: 3 },
                FailedRule::AttemptLimit { made: 9, limit: 4 },
            ),
            (
                FailedRule::NeverAbove { requested: 9, limit: 3 },
                FailedRule::NeverAbove { requested: 9, limit: 4 },
            ),
            (
                FailedRule::ApproveUpTo { requested: 9, limit: 3 },
                FailedRule::ApproveUpTo { requested: 9, limit: 4 },
            ),
            (
                FailedRule::BelowMinimum { requested: 1, limit: 4 },
                FailedRule::BelowMinimum { requested: 1, limit: 3 },
            ),
            (
                FailedRule::AboveDeductions { requested: 9, allowed: 1, deducted: 4 },
                FailedRule::AboveDeductions { requested: 9, allowed: 2, deducted: 3 },
            ),
            (several(3, 5), several(2, 4)),
            (several(2, 4), several(2, 5)),
        ] {
            for order in [[&strict, &lax], [&lax, &strict]] {
                let mut failed = vec![ask("a", Cause::Always)];
                for new in order {
                    add(&mut failed, new.clone());
                }
                assert_eq!(failed, [ask("a", Cause::Always), strict.clone()]);
            }
        }
        let mut failed = vec![];
        for (by, cause) in [("a", Cause::Always), ("b", Cause::Dispute), ("b", Cause::Always)] {
            add(&mut failed, ask(by, cause));
        }
        assert_eq!(failed, [ask("a", Cause::Always), ask("b", Cause::Dispute)]);
    }
}
