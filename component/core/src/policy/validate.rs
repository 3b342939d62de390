//! Whether a document, or terms given with a call, make sense. All problems are reported at once.

use std::collections::{BTreeMap, BTreeSet};

use super::DEFAULTS;
use super::document::{Document, Rule};
use super::terms::{Deduction, SelfServe, Terms};
use crate::model::Reason;
use crate::money::{Currency, Money};
use crate::problem::{FieldProblem, Problems};

/// Most rules of a document.
const MAX_RULES: usize = 1000;
/// Longest name of a rule.
const MAX_ID: usize = 60;

/// A place in a document, such as `rules[2].then`, and the terms that stand there.
type Place<'a> = (String, &'a Terms);

/// Everything wrong with a document.
pub(super) fn document(document: &Document) -> Result<(), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    for (field, text) in [("name", &document.name), ("version", &document.version)] {
        if text.trim().is_empty() {
            problems.push(FieldProblem::missing(field, "every decision names it"));
        }
    }
    if document.rules.len() > MAX_RULES {
        problems.push(FieldProblem::new(
            "rules",
            document.rules.len(),
            format!("are more than {MAX_RULES}"),
            "join rules that say the same: a condition takes a list",
        ));
        return problems.into_result();
    }
    rules(&document.rules, &mut problems);
    let mut places = vec![("defaults".to_owned(), &document.defaults)];
    let rules = document.rules.iter().enumerate();
    places.extend(rules.map(|(at, rule)| (format!("rules[{at}].then"), &rule.then)));
    all_terms(&places, &document.defaults, &mut problems);
    problems.into_result()
}

/// Everything wrong with terms that were given with a call.
pub(super) fn inline(terms: &Terms) -> Result<(), Vec<FieldProblem>> {
    let mut problems = Problems::default();
    all_terms(&[("policy".to_owned(), terms)], terms, &mut problems);
    problems.into_result()
}

fn all_terms(places: &[Place<'_>], defaults: &Terms, problems: &mut Problems) {
    for (place, terms) in places {
        check_terms(place, terms, problems);
        check_approvals(place, terms, defaults, problems);
    }
    currencies(places, problems);
    for (place, terms) in places {
        in_order(place, &terms.or(defaults), problems);
    }
}

fn rules(rules: &[Rule], problems: &mut Problems) {
    for (at, rule) in rules.iter().enumerate() {
        let place = format!("rules[{at}]");
        check_id(&place, &rule.id, &rules[..at], problems);
        if rule.when.is_everything() {
            problems.push(FieldProblem::missing(
                format!("{place}.when"),
                "say which payments the rule matches; what holds for all of them belongs into `defaults`",
            ));
        }
        if let Some(priority) = rule.priority {
            problems.push(FieldProblem::new(
                format!("{place}.priority"),
                priority,
                "has no effect, since every rule that matches a payment applies and the strictest wins",
                "remove it; for an exception, narrow the `when` of the rule that must not match",
            ));
        }
    }
}

fn check_id(place: &str, id: &str, earlier: &[Rule], problems: &mut Problems) {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let (problem, fix) = if id.is_empty() {
        ("is empty", "name the rule: every decision names it")
    } else if id.len() > MAX_ID || !id.chars().all(good) {
        ("is no name", "use 1 to 60 letters, digits, `-`, `_` and `.`")
    } else if id == DEFAULTS {
        ("is the name of the defaults", "choose another")
    } else if earlier.iter().any(|rule| rule.id == id) {
        ("is the name of an earlier rule", "choose another")
    } else {
        return;
    };
    problems.push(FieldProblem::new(format!("{place}.id"), id, problem, fix));
}

/// A number of approvals that nothing refers to would have no effect.
fn check_approvals(place: &str, terms: &Terms, defaults: &Terms, problems: &mut Problems) {
    let applies = [terms, defaults].iter().any(|terms| terms.second_approval_above.is_some());
    if let Some(approvals) = terms.approvals.filter(|count| !applies && (2..=9).contains(count)) {
        problems.push(FieldProblem::new(
            format!("{place}.approvals"),
            approvals,
            "has no effect without `second_approval_above`",
            "say above which amounts as many people must approve; \"0\" for all",
        ));
    }
}

fn check_terms(place: &str, terms: &Terms, problems: &mut Problems) {
    check_empty(place, terms, problems);
    for (name, limits) in terms.tables() {
        problems.keep_all(limits.read(&format!("{place}.{name}")));
    }
    let serve = terms.self_serve.as_ref();
    for (name, reasons) in [
        ("reasons", &terms.reasons),
        ("self_serve.reasons", &serve.and_then(|serve| serve.reasons.clone())),
    ] {
        check_reasons(&format!("{place}.{name}"), reasons.as_deref(), problems);
    }
    if let Some(approvals) = terms.approvals.filter(|count| !(2..=9).contains(count)) {
        problems.push(FieldProblem::new(
            format!("{place}.approvals"),
            approvals,
            "is not between 2 and 9",
            "one approval is what `approve_up_to` asks for; this is for more than one",
        ));
    }
    check_payment(place, terms, problems);
    if let Some(rate) = terms.fee_rate.filter(|rate| rate.basis_points > 10_000) {
        problems.push(FieldProblem::new(
            format!("{place}.fee_rate.basis_points"),
            rate.basis_points,
            "is more than the whole amount",
            "290 stands for 2.9 %",
        ));
    }
    let Some(deduct) = &terms.deduct else { return };
    if let Some(points) = deduct.restocking_basis_points.filter(|points| *points > 10_000) {
        problems.push(FieldProblem::new(
            format!("{place}.deduct.restocking_basis_points"),
            points,
            "is more than the whole amount",
            "1000 stands for 10 %",
        ));
    }
    if deduct.used_up_in_days == Some(0) {
        problems.push(FieldProblem::new(
            format!("{place}.deduct.used_up_in_days"),
            0,
            "is no time",
            "give at least one day, or leave it out",
        ));
    }
}

fn check_payment(place: &str, terms: &Terms, problems: &mut Problems) {
    if terms.payment_methods.as_ref().is_some_and(Vec::is_empty) {
        problems.push(FieldProblem::new(
            format!("{place}.payment_methods"),
            "[]",
            "allows no payment method at all",
            "leave it out to allow every method, or say `decision = \"deny\"`",
        ));
    }
    if terms.required_metadata.as_ref().is_some_and(|keys| keys.contains_key("")) {
        problems.push(FieldProblem::missing(
            format!("{place}.required_metadata.key"),
            "name the key that the charge must have",
        ));
    }
}

/// An empty table would lift a limit that its author meant to set, or that the defaults set.
fn check_empty(place: &str, terms: &Terms, problems: &mut Problems) {
    let mut empty = |name: &str, problem: &str, fix: &str| {
        problems.push(FieldProblem::new(format!("{place}.{name}"), "{}", problem, fix));
    };
    for (name, _) in terms.tables().filter(|(_, limits)| limits.0.is_empty()) {
        empty(
            name,
            "is empty, so it sets no limit",
            "give an amount for each currency you charge in, or remove the field",
        );
    }
    if terms.required_metadata.as_ref().is_some_and(BTreeMap::is_empty) {
        empty(
            "required_metadata",
            "is empty, so it requires nothing",
            "name the keys that the charge must have, or remove the field",
        );
    }
    if terms.self_serve.as_ref().is_some_and(|serve| *serve == SelfServe::default()) {
        empty(
            "self_serve",
            "is empty, so it sets no limit for self-serve requests",
            "set `up_to`, `within_days`, `reasons` or `first_only`, or remove the field",
        );
    }
    let keeps_something = |deduct: &Deduction| {
        deduct.restocking_basis_points.is_some()
            || deduct.restocking_fee.is_some()
            || deduct.used_up_in_days.is_some()
    };
    if terms.deduct.as_ref().is_some_and(|deduct| !keeps_something(deduct)) {
        empty(
            "deduct",
            "is empty, so it keeps nothing back",
            "say what is kept back, or remove the field; a rule that keeps nothing back says `restocking_basis_points = 0`",
        );
    }
}

fn check_reasons(field: &str, reasons: Option<&[Reason]>, problems: &mut Problems) {
    let Some(reasons) = reasons else { return };
    if reasons.is_empty() {
        problems.push(FieldProblem::new(
            field,
            "[]",
            "allows no reason at all",
            "leave it out to allow every reason, or say `decision = \"deny\"`",
        ));
    }
    for reason in reasons.iter().filter(|reason| !reason.is_input()) {
        problems.push(FieldProblem::new(
            field,
            reason,
            "is not a reason Stripe takes",
            "use duplicate, fraudulent or requested_by_customer",
        ));
    }
}

/// A currency that one table lists must be in all of them: otherwise its payments need approval for want of an entry
/// that was probably forgotten. Empty tables are reported by themselves.
fn currencies(places: &[Place<'_>], problems: &mut Problems) {
    let mut named: BTreeSet<Currency> = BTreeSet::new();
    for (_, terms) in places {
        for (_, limits) in terms.tables() {
            named.extend(limits.0.keys());
        }
    }
    for (place, terms) in places {
        for (name, limits) in terms.tables().filter(|(_, limits)| !limits.0.is_empty()) {
            for missing in named.iter().filter(|currency| !limits.0.contains_key(currency)) {
                problems.push(FieldProblem::missing(
                    format!("{place}.{name}.{missing}"),
                    format!("other tables of the policy name {missing}, so name it here as well"),
                ));
            }
        }
    }
}

/// A limit above a higher one would never come to bear. The terms have the defaults filled in.
fn in_order(place: &str, terms: &Terms, problems: &mut Problems) {
    let minimum = ("minimum", &terms.minimum);
    let approve = ("approve_up_to", &terms.approve_up_to);
    let second = ("second_approval_above", &terms.second_approval_above);
    let never = ("never_above", &terms.never_above);
    for ((name, lower), (higher_name, higher)) in
        [(minimum, never), (approve, second), (approve, never), (second, never)]
    {
        let (Some(lower), Some(higher)) = (lower, higher) else { continue };
        // What cannot be read is reported already.
        for limit in lower.read("").unwrap_or_default() {
            if let Some(above) = higher.amount(limit.currency).filter(|above| *above < limit.amount)
            {
                let above = Money { amount: above, ..limit };
                problems.push(FieldProblem::new(
                    format!("{place}.{name}.{}", limit.currency),
                    limit,
                    format!("is above `{higher_name}`, {above}"),
                    "lower it, or raise the other",
                ));
            }
        }
    }
}
