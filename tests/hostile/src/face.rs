//! The face of a refund node. Only `invoke` does anything.

use crate::bindings::exports::refund_node::refunds::{
    duplicates, eligibility, follow_ups, node, types, webhooks,
};
use crate::{Hostile, attacks};

const NOTHING: &str = "a hostile guest is only invoked";

impl node::Guest for Hostile {
    fn describe() -> String {
        "{}".to_owned()
    }

    fn invoke(operation: String, input: String) -> Result<String, node::InvokeError> {
        attacks::run(&operation, &input).ok_or_else(|| node::InvokeError::UnknownOperation(vec![]))
    }
}

impl eligibility::Guest for Hostile {
    fn check(
        _: eligibility::Amount,
        _: eligibility::Facts,
        _: eligibility::Policy,
        _: u64,
    ) -> Result<eligibility::Verdict, Vec<types::FieldProblem>> {
        unreachable!("{NOTHING}")
    }
}

/// Finds nothing.
pub(crate) struct Scanner;

impl duplicates::GuestScanner for Scanner {
    fn new(_: duplicates::Options, _: duplicates::Direction) -> Self {
        Self
    }

    fn push(&self, _: Vec<types::Charge>) -> Result<Vec<duplicates::Group>, duplicates::ScanError> {
        unreachable!("{NOTHING}")
    }

    fn finish(&self) -> Vec<duplicates::Group> {
        unreachable!("{NOTHING}")
    }

    fn tally(&self) -> duplicates::Tally {
        unreachable!("{NOTHING}")
    }
}

impl duplicates::Guest for Hostile {
    type Scanner = Scanner;

    fn detect(
        _: Vec<types::Charge>,
        _: duplicates::Options,
    ) -> Result<Vec<duplicates::Group>, Vec<types::FieldProblem>> {
        unreachable!("{NOTHING}")
    }
}

impl webhooks::Guest for Hostile {
    fn verify(
        _: Vec<u8>,
        _: Option<String>,
        _: Vec<String>,
        _: webhooks::VerifyOptions,
        _: u64,
    ) -> Result<webhooks::Verified, webhooks::VerifyError> {
        unreachable!("{NOTHING}")
    }

    fn parse(_: Vec<u8>) -> Result<webhooks::Event, webhooks::ParseError> {
        unreachable!("{NOTHING}")
    }

    fn interpret(_: webhooks::Event) -> webhooks::Action {
        unreachable!("{NOTHING}")
    }
}

impl follow_ups::Guest for Hostile {
    fn of_action(
        _: follow_ups::Action,
        _: follow_ups::Options,
    ) -> Result<Vec<follow_ups::FollowUp>, Vec<types::FieldProblem>> {
        unreachable!("{NOTHING}")
    }

    fn of_outcome(
        _: follow_ups::Outcome,
        _: follow_ups::Options,
    ) -> Result<Vec<follow_ups::FollowUp>, Vec<types::FieldProblem>> {
        unreachable!("{NOTHING}")
    }
}
