//! Exports `live`.

use refund_core::client::{self, ScanRange};

use crate::Component;
use crate::bindings::exports::refund_node::refunds::duplicates::Options;
use crate::bindings::exports::refund_node::refunds::eligibility::{Ask, Rules};
use crate::bindings::exports::refund_node::refunds::live as wit;
use crate::bindings::exports::refund_node::refunds::types::{CallError, Connection, PaymentRef};
use crate::duplicates::{group_to_wit, options_from_wit, tally_to_wit};
use crate::eligibility::{ask_from_wit, facts_to_wit, verdict_to_wit};
use crate::http::{call_error_to_wit, connect, payment_from_wit};
use crate::rules::rules_from_wit;
use crate::transport::Wasi;
use crate::types::problems_to_wit;

impl wit::Guest for Component {
    fn check_live(
        to: Connection,
        of: PaymentRef,
        ask: Ask,
        rules: Rules,
    ) -> Result<wit::Checked, CallError> {
        let invalid = |found| CallError::Invalid(problems_to_wit(vec![found]));
        let to = connect(to)?;
        let of = payment_from_wit(&of).map_err(invalid)?;
        let ask = ask_from_wit(ask).map_err(invalid)?;
        let rules =
            rules_from_wit(rules).map_err(|found| CallError::Invalid(problems_to_wit(found)))?;
        let checked =
            client::check_live(&mut Wasi, &to, &of, &ask, &rules).map_err(call_error_to_wit)?;
        Ok(wit::Checked {
            verdict: verdict_to_wit(checked.verdict),
            facts: checked.facts.map(facts_to_wit),
        })
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
        let scanned = client::scan_live(&mut Wasi, &to, &range, &options_from_wit(options))
            .map_err(call_error_to_wit)?;
        Ok(wit::Scanned {
            groups: scanned.groups.into_iter().map(group_to_wit).collect(),
            tally: tally_to_wit(scanned.tally),
            complete: scanned.complete,
            reached: scanned.reached,
        })
    }
}
