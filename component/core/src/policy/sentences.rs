//! What a document says, in plain sentences.

use std::fmt::Write;

use super::document::{Document, Handling, Standing, Terms, When};
use super::limits::Limits;
use super::terms::filled;
use crate::eligibility::{Decision, Verdict};
use crate::model::Reason;
use crate::money::Money;

/// A sentence for each rule, and one for the defaults.
pub(super) fn of(document: &Document) -> Vec<String> {
    let product = document.product_key.as_deref().unwrap_or("product");
    let mut sentences: Vec<String> = document
        .rules
        .iter()
        .map(|rule| {
            let terms = filled(&rule.then, &document.defaults);
            let first = if rule.priority > 0 {
                format!(", priority {}", rule.priority)
            } else {
                String::new()
            };
            format!(
                "Rule `{}` ({}{first}): {}.",
                rule.id,
                when(&rule.when, product),
                terms_of(&terms)
            )
        })
        .collect();
    sentences.push(format!("Everything else: {}.", terms_of(&document.defaults)));
    sentences
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
    part("currency", when.currency.iter().map(crate::money::Currency::as_str).collect());
    for (key, values) in &when.metadata {
        if values.is_empty() {
            parts.push(format!("there is a `{key}`"));
        } else {
            parts.push(format!("{key} is {}", values.join(" or ")));
        }
    }
    parts.join(", ")
}

fn terms_of(terms: &Terms) -> String {
    if terms.decision == Some(Standing::Deny) {
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
    approvals(terms, &mut parts);
    if let Some(text) = amounts(terms.never_above.as_ref()) {
        parts.push(format!("never more than {text}"));
    }
    if let Some(most) = terms.max_attempts {
        parts.push(format!("at most {most} refunds a payment"));
    }
    handling("charges reported as fraud", terms.fraud, &mut parts);
    handling("inquiries", terms.disputes, &mut parts);
    deductions(terms, &mut parts);
    self_serve(terms, &mut parts);
    parts.join("; ")
}

fn approvals(terms: &Terms, parts: &mut Vec<String>) {
    if terms.decision == Some(Standing::Ask) {
        parts.push("somebody must always approve".into());
    } else if let Some(text) = amounts(terms.approve_up_to.as_ref()) {
        parts.push(format!("approved at once up to {text}, above that somebody must approve"));
    }
    if let Some(text) = amounts(terms.second_approval_above.as_ref()) {
        parts.push(format!("above {text} {} people must", terms.approvals.unwrap_or(2)));
    }
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
    if deduct.restocking_basis_points > 0 {
        let points = deduct.restocking_basis_points;
        parts.push(format!("{}.{:02} % are kept for restocking", points / 100, points % 100));
    }
    if let Some(text) = amounts(deduct.restocking_fee.as_ref()) {
        parts.push(format!("{text} are kept for restocking"));
    }
    if let Some(days) = deduct.used_up_in_days {
        parts.push(format!("the price is used up evenly in {days} days"));
    }
}

fn self_serve(terms: &Terms, parts: &mut Vec<String>) {
    let Some(serve) = &terms.self_serve else { return };
    let mut text = "customers may help themselves".to_owned();
    if let Some(most) = amounts(serve.up_to.as_ref()) {
        let _ = write!(text, " up to {most}");
    }
    if let Some(days) = serve.within_days {
        let _ = write!(text, " within {days} days");
    }
    if let Some(reasons) = &serve.reasons {
        let reasons: Vec<_> = reasons.iter().map(Reason::as_str).collect();
        let _ = write!(text, " for {}", reasons.join(" or "));
    }
    if serve.first_only {
        text.push_str(", once a payment");
    }
    parts.push(text);
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
        let by = self.ruling.as_ref().map_or_else(String::new, |ruling| {
            let rule = if ruling.rule == super::DEFAULTS {
                "the defaults".to_owned()
            } else {
                format!("rule `{}`", ruling.rule)
            };
            format!(" by {rule} of {} {}", ruling.policy, ruling.version)
        });
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
                format!("Sent to approval{by}: somebody must agree to {}.", self.amount)
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

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
