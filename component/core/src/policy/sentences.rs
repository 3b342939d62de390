//! What a document says, in plain sentences.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::document::{Document, PRODUCT_KEY, When};
use super::limits::Limits;
use super::matching::Fact;
use super::terms::{FixedDecision, Handling, Terms};
use crate::eligibility::{Decision, Ruling, Verdict};
use crate::model::Reason;
use crate::money::{Currency, Money};

/// A sentence for each rule, one for the defaults, and what holds for all of them.
pub(super) fn of(document: &Document) -> Vec<String> {
    let product = document.product_key.as_deref().unwrap_or(PRODUCT_KEY);
    let rules: Vec<_> =
        document.rules.iter().map(|rule| (rule, rule.then.or(&document.defaults))).collect();
    let offers_self_serve = document.defaults.self_serve.is_some()
        || rules.iter().any(|(_, terms)| terms.self_serve.is_some());
    let mut sentences: Vec<String> = rules
        .iter()
        .map(|(rule, terms)| {
            let when = when(&rule.when, product);
            format!("Rule `{}` ({when}): {}.", rule.id, terms_of(terms, offers_self_serve))
        })
        .collect();
    let rest = if rules.is_empty() { "Every payment" } else { "Payments that no rule matches" };
    sentences.push(format!("{rest}: {}.", terms_of(&document.defaults, offers_self_serve)));
    if rules.len() > 1 {
        sentences.push(
            "If several rules match a payment, each of them must allow the refund: one that denies is enough to deny, one \
             that asks is enough to need approval, the largest deduction is kept, and the largest number of approvers counts."
                .to_owned(),
        );
    }
    sentences.extend(missing_facts(document, product));
    sentences.extend(unlisted_currencies(document));
    sentences
}

/// What becomes of payments that lack a fact, if rules look at any.
fn missing_facts(document: &Document, product: &str) -> Option<String> {
    let mut facts = BTreeSet::new();
    for when in document.rules.iter().map(|rule| &rule.when) {
        facts.extend((!when.payment_method.is_empty()).then(|| Fact::PaymentMethod.to_string()));
        facts.extend((!when.product.is_empty()).then(|| Fact::Metadata(product).to_string()));
        facts.extend(when.metadata.keys().map(|key| Fact::Metadata(key).to_string()));
    }
    let facts: Vec<_> = facts.into_iter().map(|fact| format!("`{fact}`")).collect();
    (!facts.is_empty()).then(|| {
        format!(
            "A refund of a charge without {} needs approval, if a rule that looks at it would be stricter.",
            facts.join(" or ")
        )
    })
}

/// What becomes of payments in other currencies, if amounts are listed by currency.
fn unlisted_currencies(document: &Document) -> Option<String> {
    let terms = || document.rules.iter().map(|rule| &rule.then).chain([&document.defaults]);
    // One by one: collecting would bring a sort into the component.
    let mut listed = BTreeSet::new();
    listed.extend(terms().flat_map(Terms::tables).flat_map(|(_, table)| table.0.keys()));
    let listed: Vec<_> = listed.into_iter().map(Currency::as_str).collect();
    let several = terms().any(|terms| terms.second_approval_above.is_some());
    let people = if several { ", by as many people as the largest amounts" } else { "" };
    (!listed.is_empty()).then(|| {
        format!(
            "Where amounts are listed, a refund in a currency other than {} needs approval{people}.",
            listed.join(" or ")
        )
    })
}

fn when(when: &When, product: &str) -> String {
    let mut parts = Vec::new();
    let mut part = |what: &str, values: Vec<&str>| {
        if !values.is_empty() {
            parts.push(format!("{what} is {}", values.join(" or ")));
        }
    };
    part("payment method", when.payment_method.iter().map(String::as_str).collect());
    part(product, when.product.iter().map(String::as_str).collect());
    part("currency", when.currency.iter().map(Currency::as_str).collect());
    parts.extend(when.metadata.iter().map(|(key, values)| key_is(key, values)));
    parts.join(", ")
}

fn key_is(key: &str, values: &[String]) -> String {
    if values.is_empty() {
        format!("there is a `{key}`")
    } else {
        format!("{key} is {}", values.join(" or "))
    }
}

fn terms_of(terms: &Terms, offers_self_serve: bool) -> String {
    if terms.decision == Some(FixedDecision::Deny) {
        return "never refunded".into();
    }
    let mut parts = vec![match terms.window_days {
        Some(days) => format!("refundable for {days} days"),
        None => "refundable without a time limit".into(),
    }];
    if let Some(reasons) = &terms.reasons {
        let reasons: Vec<_> = reasons.iter().map(Reason::as_str).collect();
        parts.push(format!("for {}", reasons.join(" or ")));
    }
    if let Some(text) = amounts(terms.minimum.as_ref()) {
        parts.push(format!("no less than {text}"));
    }
    parts.push(approvals(terms));
    if let Some(text) = amounts(terms.never_above.as_ref()) {
        parts.push(format!("never more than {text}"));
    }
    if let Some(limit) = terms.max_attempts {
        parts.push(format!("at most {limit} refunds of a payment"));
    }
    if let Some(methods) = &terms.payment_methods {
        parts.push(format!("only if paid with {}", methods.join(" or ")));
    }
    for (key, values) in terms.required_metadata.iter().flatten() {
        parts.push(format!("only if {}", key_is(key, values)));
    }
    handling("charges reported as fraudulent", terms.fraud, &mut parts);
    handling(
        "charges with a dispute or an inquiry that permits a refund",
        terms.disputes,
        &mut parts,
    );
    deductions(terms, &mut parts);
    // Where every refund needs approval, a self-serve request is no different.
    if offers_self_serve && terms.decision.is_none() {
        parts.push(self_serve(terms));
    }
    parts.join("; ")
}

/// Who must approve what.
fn approvals(terms: &Terms) -> String {
    let several = terms.approvers_above_second();
    let mut text = if terms.decision == Some(FixedDecision::Ask) {
        "every refund needs approval by 1 person".to_owned()
    } else if let Some(limit) = amounts(terms.approve_up_to.as_ref()) {
        format!("approved at once up to {limit}, above that 1 person must approve")
    } else if let Some(limit) = amounts(terms.second_approval_above.as_ref()) {
        return format!("approved at once up to {limit}, above that {several} people must approve");
    } else {
        "approved at once".to_owned()
    };
    if let Some(limit) = amounts(terms.second_approval_above.as_ref()) {
        let _ = write!(text, ", above {limit} {several} people");
    }
    text
}

fn handling(what: &str, how: Option<Handling>, parts: &mut Vec<String>) {
    match how {
        Some(Handling::Ask) => parts.push(format!("{what} need approval")),
        Some(Handling::Deny) => parts.push(format!("{what} are denied")),
        Some(Handling::Allow) | None => {}
    }
}

fn deductions(terms: &Terms, parts: &mut Vec<String>) {
    let Some(deduct) = &terms.deduct else { return };
    if let Some(points) = deduct.restocking_basis_points.filter(|points| *points > 0) {
        parts.push(format!("{}.{:02} % are kept for restocking", points / 100, points % 100));
    }
    if let Some(text) = amounts(deduct.restocking_fee.as_ref()) {
        parts.push(format!("{text} are kept for restocking"));
    }
    if let Some(days) = deduct.used_up_in_days {
        parts.push(format!("the price is used up evenly in {days} days"));
    }
}

fn self_serve(terms: &Terms) -> String {
    let Some(serve) = &terms.self_serve else {
        return "self-serve requests need approval".to_owned();
    };
    let mut text = "self-serve".to_owned();
    if let Some(limit) = amounts(serve.up_to.as_ref()) {
        let _ = write!(text, " up to {limit}");
    }
    if let Some(days) = serve.within_days {
        let _ = write!(text, " within {days} days");
    }
    if let Some(reasons) = &serve.reasons {
        let reasons: Vec<_> = reasons.iter().map(Reason::as_str).collect();
        let _ = write!(text, " for {}", reasons.join(" or "));
    }
    if serve.first_only {
        text.push_str(" for the first refund of a payment");
    }
    text.push_str(", other self-serve requests need approval");
    text
}

/// `50.00 usd or 5000 jpy`.
fn amounts(limits: Option<&Limits>) -> Option<String> {
    let limits = limits?.read("").ok()?;
    let texts: Vec<_> = limits.iter().map(Money::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(" or "))
}

impl Verdict {
    /// The decision and every reason for it, in plain sentences.
    pub fn sentences(&self) -> Vec<String> {
        let by = self.decided_by().map_or_else(String::new, |ruling| format!(" by {ruling}"));
        let first = match self.decision {
            Decision::Approve => format!("Approved{by}: {} of {}.", self.amount, self.refundable),
            Decision::NeedsApproval if self.approvals() > 1 => {
                format!(
                    "Sent to approval{by}: {} people must agree to {}.",
                    self.approvals(),
                    self.amount
                )
            }
            Decision::NeedsApproval => {
                format!("Sent to approval{by}: 1 person must agree to {}.", self.amount)
            }
            Decision::Deny => format!("Denied{by}."),
        };
        let mut sentences = vec![first];
        let currency = self.refundable.currency;
        sentences.extend(self.failed.iter().map(|rule| sentence(&rule.explain(currency))));
        if let Some(kept) =
            self.ruling.as_ref().map(|ruling| ruling.deducted).filter(|kept| *kept > 0)
        {
            let kept = Money { amount: kept, currency };
            sentences.push(format!("{kept} of what was paid are kept back."));
        }
        sentences
    }
}

/// The rules and the policy: rule `a` of Shop 3, or the inline policy.
impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Documents have a version.
        if self.version.is_empty() {
            return write!(f, "the {} policy", self.policy);
        }
        // Verdicts that were recorded before there was a list name one rule.
        let only = std::slice::from_ref(&self.rule);
        let rules = if self.rules.is_empty() { only } else { &self.rules };
        let quoted: Vec<_> = rules.iter().map(|rule| format!("`{rule}`")).collect();
        match quoted.as_slice() {
            [_] if self.rule == super::DEFAULTS => f.write_str("the defaults")?,
            [one] => write!(f, "rule {one}")?,
            [rest @ .., last] => write!(f, "rules {} and {last}", rest.join(", "))?,
            [] => f.write_str("the policy")?,
        }
        write!(f, " of {} {}", self.policy, self.version)
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
