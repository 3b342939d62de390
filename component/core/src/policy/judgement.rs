//! What one rule says about a request.

use super::document::Rule;
use super::limits::Limits;
use super::rulebook::Ask;
use super::terms::{Deduction, FixedDecision, Handling, Terms};
use crate::eligibility::{Cause, Facts, FailedRule};
use crate::model::{Charge, Reason};

const DAY: u64 = 86_400;

/// A request that rules judge.
pub(super) struct Request<'a> {
    pub(super) ask: &'a Ask,
    /// The amount in the charge's currency; 0 if the request is in another one.
    pub(super) amount: u64,
    pub(super) facts: &'a Facts,
    /// What Stripe would still refund.
    pub(super) refundable: u64,
    pub(super) now: u64,
}

impl Request<'_> {
    /// Whole days since the charge.
    fn age_days(&self) -> u32 {
        let age = self.now.saturating_sub(self.facts.charge.created) / DAY;
        u32::try_from(age).unwrap_or(u32::MAX)
    }
}

/// What one rule says about a request.
pub(super) struct Judgement {
    pub(super) failed: Vec<FailedRule>,
    /// How many people must approve, if the refund needs approval.
    pub(super) approvals: u8,
}

/// What may still be refunded under a rule.
pub(super) struct AfterDeductions {
    /// Kept back.
    pub(super) deducted: u64,
    pub(super) refundable: u64,
}

impl AfterDeductions {
    pub(super) fn of(rule: &Rule, charge: &Charge, refundable: u64, now: u64) -> Self {
        let kept = |deduct: &Deduction| deduct.of(charge, now);
        let deducted = rule.then.deduct.as_ref().map_or(0, kept);
        if deducted == 0 {
            return Self { deducted, refundable };
        }
        let spent = charge.captured_amount().saturating_sub(refundable);
        let rest = charge.captured_amount().saturating_sub(deducted).saturating_sub(spent);
        // A refund has to be an amount that Stripe takes: rounded down to the currency's step.
        Self { deducted, refundable: rest - rest % charge.currency.step() }
    }
}

impl Rule {
    /// What the rule alone says.
    pub(super) fn judge(&self, request: &Request<'_>) -> Judgement {
        let mut failed = Vec::new();
        // Limits on an amount of nothing would only repeat that nothing is left.
        if request.amount > 0 {
            self.then.limits(request, &mut failed);
        }
        self.then.age_and_attempts(request, &mut failed);
        self.then.payment(&request.facts.charge, &mut failed);
        self.deductions(request, &mut failed);
        self.then.reason(request.ask, &mut failed);
        self.circumstances(request.facts, &mut failed);
        if request.ask.self_serve {
            self.self_serve(request, &mut failed);
        }
        let approvals = self.then.several(request, &mut failed);
        Judgement { failed, approvals }
    }

    fn deductions(&self, request: &Request<'_>, failed: &mut Vec<FailedRule>) {
        let requested = request.amount;
        let AfterDeductions { deducted, refundable: allowed } =
            AfterDeductions::of(self, &request.facts.charge, request.refundable, request.now);
        if deducted > 0 && requested > allowed {
            failed.push(FailedRule::AboveDeductions { requested, allowed, deducted });
        }
    }

    fn circumstances(&self, facts: &Facts, failed: &mut Vec<FailedRule>) {
        let mut note = |handling, cause| match handling {
            Handling::Allow => {}
            Handling::Ask => failed.push(FailedRule::RuleAsks { by: self.id.clone(), cause }),
            Handling::Deny => failed.push(FailedRule::RuleDenies { by: self.id.clone(), cause }),
        };
        match self.then.decision {
            None => {}
            Some(FixedDecision::Ask) => note(Handling::Ask, Cause::Always),
            Some(FixedDecision::Deny) => note(Handling::Deny, Cause::Always),
        }
        // With `deny` the report itself is among the failed rules.
        if self.then.fraud == Some(Handling::Ask) && reports(&facts.charge).next().is_some() {
            note(Handling::Ask, Cause::FraudReport);
        }
        if facts.own_disputes().any(|dispute| dispute.is_charge_refundable) {
            note(self.then.disputes.unwrap_or(Handling::Allow), Cause::Dispute);
        }
    }

    /// A self-serve request that does not fit needs approval; it is not denied.
    fn self_serve(&self, request: &Request<'_>, failed: &mut Vec<FailedRule>) {
        let Request { ask, amount, facts, .. } = *request;
        let mut ask_for = |cause| failed.push(FailedRule::RuleAsks { by: self.id.clone(), cause });
        let Some(terms) = &self.then.self_serve else {
            return ask_for(Cause::SelfServeNotOffered);
        };
        let limit = terms.up_to.as_ref().and_then(|limits| limits.amount(facts.charge.currency));
        if limit.is_some_and(|limit| amount > limit) {
            ask_for(Cause::SelfServeAmount);
        }
        if terms.within_days.is_some_and(|limit| request.age_days() > limit) {
            ask_for(Cause::SelfServeAge);
        }
        let fits = |reasons: &Vec<Reason>| {
            ask.reason.as_ref().is_some_and(|reason| reasons.contains(reason))
        };
        if terms.reasons.as_ref().is_some_and(|reasons| !fits(reasons)) {
            ask_for(Cause::SelfServeReason);
        }
        if terms.first_only && !facts.own_refunds().is_empty() {
            ask_for(Cause::SelfServeRepeated);
        }
    }
}

impl Terms {
    /// An amount that equals a limit is within it.
    fn limits(&self, request: &Request<'_>, failed: &mut Vec<FailedRule>) {
        let (requested, currency) = (request.amount, request.facts.charge.currency);
        let limit_of = |limits: &Option<Limits>| limits.as_ref()?.amount(currency);
        if let Some(limit) = limit_of(&self.minimum).filter(|limit| requested < *limit) {
            failed.push(FailedRule::BelowMinimum { requested, limit });
        }
        if let Some(limit) = limit_of(&self.never_above).filter(|limit| requested > *limit) {
            failed.push(FailedRule::NeverAbove { requested, limit });
        }
        if let Some(limit) = limit_of(&self.approve_up_to).filter(|limit| requested > *limit) {
            failed.push(FailedRule::ApproveUpTo { requested, limit });
        }
        // A currency that a table leaves out has no limit there, so an approver decides.
        if self.tables().any(|(_, limits)| limits.amount(currency).is_none()) {
            failed.push(FailedRule::CurrencyNotListed { currency });
        }
    }

    fn age_and_attempts(&self, request: &Request<'_>, failed: &mut Vec<FailedRule>) {
        let age_days = request.age_days();
        if let Some(limit_days) = self.window_days.filter(|limit| age_days > *limit) {
            failed.push(FailedRule::OutsideWindow { age_days, limit_days });
        }
        if let Some(limit) = self.max_attempts {
            let made = u32::try_from(request.facts.own_refunds().len()).unwrap_or(u32::MAX);
            if made >= limit {
                failed.push(FailedRule::AttemptLimit { made, limit });
            }
        }
    }

    /// Method, metadata and reports of fraud.
    fn payment(&self, charge: &Charge, failed: &mut Vec<FailedRule>) {
        if let Some(allowed) = &self.payment_methods {
            let method = charge.payment_method_type().unwrap_or_default().to_owned();
            if !allowed.contains(&method) {
                failed.push(FailedRule::MethodNotAllowed { method, allowed: allowed.clone() });
            }
        }
        for (key, accepted) in self.required_metadata.iter().flatten() {
            let found = charge.metadata.get(key);
            let is_accepted =
                |found: &str| accepted.is_empty() || accepted.iter().any(|value| value == found);
            if !found.is_some_and(is_accepted) {
                failed.push(FailedRule::MetadataUnmet {
                    key: key.clone(),
                    expected: accepted.clone(),
                    found: found.map(str::to_owned),
                });
            }
        }
        if self.fraud == Some(Handling::Deny) {
            failed.extend(reports(charge).map(|(reported_by, report)| FailedRule::FraudFlagged {
                reported_by: reported_by.to_owned(),
                report: report.to_owned(),
            }));
        }
    }

    fn reason(&self, ask: &Ask, failed: &mut Vec<FailedRule>) {
        let Some(allowed) = &self.reasons else { return };
        if ask.reason.as_ref().is_some_and(|reason| allowed.contains(reason)) {
            return;
        }
        failed.push(FailedRule::ReasonNotAllowed {
            reason: ask.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            allowed: allowed.iter().map(|reason| reason.as_str().to_owned()).collect(),
        });
    }

    /// How many people must approve, if the refund needs approval. A currency that the table leaves out may be above
    /// the limit, so it needs as many.
    fn several(&self, request: &Request<'_>, failed: &mut Vec<FailedRule>) -> u8 {
        let (requested, approvals) = (request.amount, self.approvers_above_second());
        let Some(limits) = &self.second_approval_above else { return 1 };
        match limits.amount(request.facts.charge.currency) {
            Some(limit) if requested > limit => {
                failed.push(FailedRule::SecondApproval { requested, limit, approvals });
                approvals
            }
            Some(_) => 1,
            None => approvals,
        }
    }
}

/// Who reported the charge as fraudulent, and in which word.
fn reports(charge: &Charge) -> impl Iterator<Item = (&'static str, &str)> {
    let details = charge.fraud_details.as_ref();
    [
        ("merchant", details.and_then(|details| details.user_report.as_deref())),
        ("stripe", details.and_then(|details| details.stripe_report.as_deref())),
    ]
    .into_iter()
    .filter_map(|(reported_by, report)| {
        Some((reported_by, report.filter(|report| *report != "safe")?))
    })
}
