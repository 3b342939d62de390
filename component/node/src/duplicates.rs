//! Exports `duplicates`.

use std::cell::RefCell;

use refund_core::duplicates::{
    self, Basis, Confidence, Direction, Group, Observation, Options, Scanner, Tally,
};
use refund_core::model::Charge;
use refund_core::problem::FieldProblem;

use crate::Component;
use crate::bindings::exports::refund_node::refunds::duplicates as wit;
use crate::bindings::exports::refund_node::refunds::types;
use crate::types::{charge_from_wit, problems_to_wit};

impl wit::Guest for Component {
    type Scanner = ScannerResource;

    fn detect(
        charges: Vec<types::Charge>,
        options: wit::Options,
    ) -> Result<Vec<wit::Group>, Vec<types::FieldProblem>> {
        let charges =
            charges_from_wit(charges).map_err(|problem| problems_to_wit(vec![problem]))?;
        duplicates::detect(&charges, &options_from_wit(options))
            .map(|groups| groups.into_iter().map(group_to_wit).collect())
            .map_err(problems_to_wit)
    }
}

/// A scanner in the hands of a caller.
pub(crate) struct ScannerResource(RefCell<Scanner>);

impl wit::GuestScanner for ScannerResource {
    fn new(options: wit::Options, direction: wit::Direction) -> Self {
        let direction = match direction {
            wit::Direction::NewestFirst => Direction::NewestFirst,
            wit::Direction::OldestFirst => Direction::OldestFirst,
        };
        Self(RefCell::new(Scanner::new(&options_from_wit(options), direction)))
    }

    fn push(&self, page: Vec<types::Charge>) -> Result<Vec<wit::Group>, wit::ScanError> {
        let page = charges_from_wit(page)
            .map_err(|problem| wit::ScanError::Invalid(problems_to_wit(vec![problem])))?;
        match self.0.borrow_mut().push(&page) {
            Ok(groups) => Ok(groups.into_iter().map(group_to_wit).collect()),
            Err(error) => Err(wit::ScanError::OutOfOrder(wit::OutOfOrder {
                charge: error.charge.to_string(),
                created: error.created,
                reached: error.reached,
            })),
        }
    }

    fn finish(&self) -> Vec<wit::Group> {
        self.0.borrow_mut().finish().into_iter().map(group_to_wit).collect()
    }

    fn tally(&self) -> wit::Tally {
        tally_to_wit(self.0.borrow().tally())
    }
}

fn charges_from_wit(charges: Vec<types::Charge>) -> Result<Vec<Charge>, FieldProblem> {
    charges
        .into_iter()
        .enumerate()
        .map(|(index, charge)| {
            charge_from_wit(charge).map_err(|problem| {
                let field = format!("charges[{index}].{}", problem.field);
                problem.at(field)
            })
        })
        .collect()
}

pub(crate) fn options_from_wit(options: wit::Options) -> Options {
    Options { window_seconds: options.window_seconds, reference_keys: options.reference_keys }
}

pub(crate) fn tally_to_wit(tally: Tally) -> wit::Tally {
    wit::Tally { seen: tally.seen, skipped: tally.skipped, unmatched: tally.unmatched }
}

pub(crate) fn group_to_wit(group: Group) -> wit::Group {
    wit::Group {
        keep: group.keep.to_string(),
        refund: group.refund.iter().map(ToString::to_string).collect(),
        amount: types::Money { amount: group.amount, currency: group.currency.to_string() },
        basis: match group.basis {
            Basis::Customer(id) => wit::Basis::Customer(id.to_string()),
            Basis::CardFingerprint(print) => wit::Basis::CardFingerprint(print),
        },
        first_created: group.first_created,
        last_created: group.last_created,
        confidence: match group.confidence {
            Confidence::Low => wit::Confidence::Low,
            Confidence::Medium => wit::Confidence::Medium,
            Confidence::High => wit::Confidence::High,
        },
        observations: group.observations.into_iter().map(observation_to_wit).collect(),
    }
}

fn observation_to_wit(observation: Observation) -> wit::Observation {
    match observation {
        Observation::SameCustomer => wit::Observation::SameCustomer,
        Observation::SameCard => wit::Observation::SameCard,
        Observation::DifferentCards => wit::Observation::DifferentCards,
        Observation::SameReference(key) => wit::Observation::SameReference(key),
        Observation::DifferentReference(key) => wit::Observation::DifferentReference(key),
        Observation::PartlyRefunded(id) => wit::Observation::PartlyRefunded(id.to_string()),
        Observation::SecondsApart(seconds) => wit::Observation::SecondsApart(seconds),
    }
}
