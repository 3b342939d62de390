//! Exports `live`.

use refund_core::client::{self, ScanRange};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::duplicates::Options;
use crate::bindings::exports::refund_node::refunds::eligibility::{Ask, Rules};
use crate::bindings::exports::refund_node::refunds::live as wit;
use crate::bindings::exports::refund_node::refunds::types::{CallError, Connection, PaymentRef};
use crate::duplicates::{group, read_options, tally};
use crate::eligibility::{facts, read_ask, verdict};
use crate::http::{call_error, connect, payment};
use crate::rules::read_rules;
use crate::transport::Wasi;
use crate::types::problems;

impl wit::Guest for Component {
    fn check_live(
        to: Connection,
        of: PaymentRef,
        ask: Ask,
        rules: Rules,
    ) -> Result<wit::Checked, CallError> {
        let invalid = |found| CallError::Invalid(problems(vec![found]));
        let to = connect(to)?;
        let of = payment(&of).map_err(invalid)?;
        let ask = read_ask(ask).map_err(invalid)?;
        let rules = read_rules(rules).map_err(|found| CallError::Invalid(problems(found)))?;
        let checked = client::check_live(&mut Wasi, &to, &of, &ask, &rules).map_err(call_error)?;
        Ok(wit::Checked { verdict: verdict(checked.verdict), facts: checked.facts.map(facts) })
    }

    fn scan_live(
        to: Connection,
        range: wit::ScanRange,
        options: Options,
    ) -> Result<wit::Scanned, CallError> {
        let to = connect(to)?;
        let range = ScanRange {
            created_from: range.created_from,
            created_to: range.created_to,
            customer: range.customer,
            max_charges: range.max_charges,
        };
        let scanned = client::scan_live(&mut Wasi, &to, &range, &read_options(options))
            .map_err(call_error)?;
        Ok(wit::Scanned {
            groups: scanned.groups.into_iter().map(group).collect(),
            tally: tally(scanned.tally),
            complete: scanned.complete,
            reached: scanned.reached,
        })
    }
}
