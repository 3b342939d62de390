//! The terms of one rule, filled up from the defaults and ready for use.

use super::DEFAULTS;
use super::document::{Deduction, Handling, SelfServe, Standing, Terms, When};
use super::limits::Limits;
use crate::eligibility;
use crate::model::Reason;
use crate::money::{Currency, Money};
use crate::problem::Problems;
use crate::rounding::Rounding;

/// How many people approve above the second threshold, unless the document says otherwise.
pub(super) const SEVERAL: u8 = 2;

/// A rule, ready for use.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) id: String,
    pub(super) when: When,
    /// What `eligibility` itself knows.
    pub(super) flat: eligibility::Policy,
    pub(super) decision: Option<Standing>,
    pub(super) reasons: Option<Vec<Reason>>,
    pub(super) second_approval_above: Vec<Money>,
    pub(super) approvals: u8,
    pub(super) fraud: Handling,
    pub(super) disputes: Handling,
    pub(super) self_serve: Option<ReadySelfServe>,
    pub(super) deduct: Option<ReadyDeduction>,
}

#[derive(Clone, Debug)]
pub(super) struct ReadySelfServe {
    pub(super) up_to: Vec<Money>,
    pub(super) within_days: Option<u32>,
    pub(super) reasons: Option<Vec<Reason>>,
    pub(super) first_only: bool,
}

#[derive(Clone, Debug)]
pub(super) struct ReadyDeduction {
    pub(super) basis_points: u32,
    pub(super) fee: Vec<Money>,
    pub(super) used_up_in_days: Option<u32>,
    pub(super) rounding: Rounding,
}

/// What a rule says, or else what the defaults say.
pub(super) fn filled(own: &Terms, defaults: &Terms) -> Terms {
    macro_rules! fill {
        ($($field:ident),*) => { Terms { $($field: own.$field.clone().or_else(|| defaults.$field.clone())),* } };
    }
    fill!(
        decision,
        window_days,
        reasons,
        minimum,
        approve_up_to,
        second_approval_above,
        approvals,
        never_above,
        max_attempts,
        fraud,
        disputes,
        self_serve,
        deduct,
        fee_rate
    )
}

/// The amounts of a table that may be absent. What cannot be read is reported where the table stands, so
/// it is passed over here.
fn amounts(limits: Option<&Limits>) -> Vec<Money> {
    limits.and_then(|limits| limits.read("").ok()).unwrap_or_default()
}

impl Ready {
    /// From terms that were found to make sense.
    pub(super) fn new(id: &str, when: When, terms: &Terms) -> Self {
        Self {
            id: id.to_owned(),
            when,
            flat: eligibility::Policy {
                window_days: terms.window_days,
                minimum: amounts(terms.minimum.as_ref()),
                maximum: amounts(terms.never_above.as_ref()),
                approval_above: amounts(terms.approve_up_to.as_ref()),
                max_attempts: terms.max_attempts,
                fee_rate: terms.fee_rate,
                block_fraud_flagged: terms.fraud == Some(Handling::Deny),
                ..eligibility::Policy::default()
            },
            decision: terms.decision,
            reasons: terms.reasons.clone(),
            second_approval_above: amounts(terms.second_approval_above.as_ref()),
            approvals: terms.approvals.unwrap_or(SEVERAL),
            fraud: terms.fraud.unwrap_or(Handling::Allow),
            disputes: terms.disputes.unwrap_or(Handling::Allow),
            self_serve: terms.self_serve.as_ref().map(ReadySelfServe::new),
            deduct: terms.deduct.as_ref().map(ReadyDeduction::new),
        }
    }

    /// For payments that no rule matches.
    pub(super) fn defaults(terms: &Terms) -> Self {
        Self::new(DEFAULTS, When::default(), terms)
    }

    /// Whether one of the tables of amounts leaves a currency out. The parts of a policy that depend on that table
    /// cannot be applied to the payment, so an approver decides.
    pub(super) fn leaves_out(&self, currency: Currency) -> bool {
        let serve = self.self_serve.as_ref().map(|serve| &serve.up_to);
        let fee = self.deduct.as_ref().map(|deduct| &deduct.fee);
        [
            Some(&self.flat.minimum),
            Some(&self.flat.maximum),
            Some(&self.flat.approval_above),
            Some(&self.second_approval_above),
            serve,
            fee,
        ]
        .into_iter()
        .flatten()
        .any(|table| eligibility::leaves_out(table, currency))
    }

    /// Everything wrong with the terms taken together: with the defaults filled in.
    pub(super) fn check(&self, place: &str, problems: &mut Problems) {
        if let Err(found) = eligibility::check_input(&eligibility::Amount::Everything, &self.flat) {
            for problem in found {
                let field = problem.field.replacen("policy.", "", 1);
                let field = field
                    .replace("maximum", "never_above")
                    .replace("approval_above", "approve_up_to");
                problems.push(problem.at(format!("{place}.{field}")));
            }
        }
        let ladder = [
            ("minimum", &self.flat.minimum),
            ("approve_up_to", &self.flat.approval_above),
            ("second_approval_above", &self.second_approval_above),
            ("never_above", &self.flat.maximum),
        ];
        for (at, (name, lower)) in ladder.iter().enumerate().skip(1) {
            for (higher_name, higher) in &ladder[at + 1..] {
                super::validate::in_order(place, (name, lower), (higher_name, higher), problems);
            }
        }
    }
}

impl ReadySelfServe {
    fn new(given: &SelfServe) -> Self {
        Self {
            up_to: amounts(given.up_to.as_ref()),
            within_days: given.within_days,
            reasons: given.reasons.clone(),
            first_only: given.first_only,
        }
    }
}

impl ReadyDeduction {
    fn new(given: &Deduction) -> Self {
        Self {
            basis_points: given.restocking_basis_points.unwrap_or(0),
            fee: amounts(given.restocking_fee.as_ref()),
            used_up_in_days: given.used_up_in_days,
            rounding: given.rounding,
        }
    }
}

/// The limit for a currency.
pub(super) fn limit(limits: &[Money], currency: Currency) -> Option<u64> {
    limits.iter().find(|limit| limit.currency == currency).map(|limit| limit.amount)
}
